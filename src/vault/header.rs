//! The first 96 bytes of a vault file: which format, whose vault, which key.
//!
//! The header is not secret. Its hash is part of what every frame authenticates, so a changed header is noticed by
//! the first frame. docs/format.md holds the layout.
#![forbid(unsafe_code)]

use crate::secret::{Key, fill_random};
use crate::{Error, Result};
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};

const MAGIC: &[u8; 8] = b"LATCHKEY";
/// The newest format this build writes and reads.
pub(crate) const FORMAT_VERSION: u16 = 1;
const KEY_FROM_KEYCHAIN: u8 = 1;
const XCHACHA20_POLY1305: u8 = 1;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Which root key seals the file: grows by one with each rotation.
    pub(crate) epoch: u32,
    /// Random, new with every rewrite of the file: tells a replaced file from a grown one.
    pub(crate) file_id: [u8; 16],
    vault_digest: [u8; 16],
    key_digest: [u8; 16],
}

impl Header {
    pub(crate) const LEN: usize = 96;

    /// A header for a new file of the vault `vault_id`, sealed by `root`.
    pub(crate) fn generate(vault_id: &str, epoch: u32, root: &Key) -> Result<Self> {
        let mut file_id = [0; 16];
        fill_random(&mut file_id)?;
        Ok(Self {
            epoch,
            file_id,
            vault_digest: vault_digest(vault_id),
            key_digest: key_digest(root),
        })
    }

    pub(crate) fn encode(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        out[0..8].copy_from_slice(MAGIC);
        out[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        out[10] = KEY_FROM_KEYCHAIN;
        out[11] = XCHACHA20_POLY1305;
        out[12..16].copy_from_slice(&self.epoch.to_le_bytes());
        out[16..32].copy_from_slice(&self.file_id);
        out[32..48].copy_from_slice(&self.vault_digest);
        out[48..64].copy_from_slice(&self.key_digest);
        // 64..96 is zero: room for a passphrase's salt and cost.
        out
    }

    /// Reads a header.
    ///
    /// # Errors
    /// `ERR_VAULT_CORRUPT` when it is none, `ERR_VAULT_VERSION` when it is newer, `ERR_VAULT_FOREIGN` when it is another vault's.
    pub(crate) fn decode(bytes: &[u8], vault_id: &str) -> Result<Self> {
        let header: &[u8; Self::LEN] = bytes
            .first_chunk()
            .ok_or(Error::VaultCorrupt("it is shorter than a header"))?;
        if !header.starts_with(MAGIC) {
            return Err(Error::VaultCorrupt("it does not begin as a vault does"));
        }
        let found = u16::from_le_bytes(chunk(header, 8));
        if found > FORMAT_VERSION {
            return Err(Error::VaultVersion {
                found,
                supported: FORMAT_VERSION,
            });
        }
        if found == 0 || header[10] != KEY_FROM_KEYCHAIN || header[11] != XCHACHA20_POLY1305 {
            return Err(Error::VaultCorrupt("its header names no known algorithm"));
        }
        if header[64..] != [0; 32] {
            return Err(Error::VaultCorrupt("its header's reserved bytes are set"));
        }
        let decoded = Self {
            epoch: u32::from_le_bytes(chunk(header, 12)),
            file_id: chunk(header, 16),
            vault_digest: chunk(header, 32),
            key_digest: chunk(header, 48),
        };
        if decoded.vault_digest != vault_digest(vault_id) {
            return Err(Error::VaultForeign);
        }
        Ok(decoded)
    }

    /// Whether `root` is the key that sealed this file. Says so before any frame is tried.
    pub(crate) fn is_sealed_by(&self, root: &Key) -> bool {
        self.key_digest == key_digest(root)
    }

    /// What every frame of the file authenticates.
    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.encode()).into()
    }

    /// The key that seals this file's frames: HKDF-SHA256 (RFC 5869) of the root key, bound to file, epoch and vault.
    pub(crate) fn data_key(&self, vault_id: &str, root: &Key) -> Key {
        let mut info = b"latchkey v1 data key".to_vec();
        info.extend(self.epoch.to_le_bytes());
        info.extend(vault_id.as_bytes());
        derive(Some(&self.file_id), root, &info)
    }
}

fn derive(salt: Option<&[u8]>, root: &Key, info: &[u8]) -> Key {
    let mut key = Key::from_slice(&[0; Key::LEN]).unwrap_or_else(|| unreachable!("32 bytes"));
    Hkdf::<Sha256>::new(salt, root.expose())
        .expand(info, key.expose_mut())
        .unwrap_or_else(|_| unreachable!("32 bytes are within HKDF-SHA256's limit of 8160"));
    key
}

fn vault_digest(vault_id: &str) -> [u8; 16] {
    chunk(&Sha256::digest(vault_id.as_bytes()), 0)
}

/// A fingerprint of the root key. Reveals nothing of it: HKDF output under its own label.
fn key_digest(root: &Key) -> [u8; 16] {
    chunk(derive(None, root, b"latchkey v1 key id").expose(), 0)
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key::from_slice(&[byte; 32]).unwrap_or_else(|| unreachable!())
    }

    fn sample() -> Header {
        Header::generate("com.example.a", 3, &key(1)).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_header_round_trips_and_knows_its_key() {
        let header = sample();
        let again = Header::decode(&header.encode(), "com.example.a");
        assert_eq!(again, Ok(header.clone()));
        assert!(header.is_sealed_by(&key(1)));
        assert!(!header.is_sealed_by(&key(2)));
    }

    #[test]
    fn what_is_not_a_header_of_this_vault_has_its_own_error() {
        let bytes = sample().encode();
        let code = |bytes: &[u8], id| Header::decode(bytes, id).map_err(|e| e.code()).err();
        assert_eq!(code(&[], "com.example.a"), Some("ERR_VAULT_CORRUPT"));
        assert_eq!(
            code(&bytes[..95], "com.example.a"),
            Some("ERR_VAULT_CORRUPT")
        );
        assert_eq!(code(&[0; 96], "com.example.a"), Some("ERR_VAULT_CORRUPT"));
        assert_eq!(code(&bytes, "com.example.b"), Some("ERR_VAULT_FOREIGN"));
        let mut newer = bytes;
        newer[8] = 2;
        assert_eq!(code(&newer, "com.example.a"), Some("ERR_VAULT_VERSION"));
    }

    #[test]
    fn data_keys_differ_by_file_vault_epoch_and_root() {
        let header = sample();
        let base = *header.data_key("com.example.a", &key(1)).expose();
        let mut other_epoch = header.clone();
        other_epoch.epoch += 1;
        assert_ne!(base, *sample().data_key("com.example.a", &key(1)).expose());
        assert_ne!(base, *header.data_key("com.example.b", &key(1)).expose());
        assert_ne!(base, *header.data_key("com.example.a", &key(2)).expose());
        assert_ne!(
            base,
            *other_epoch.data_key("com.example.a", &key(1)).expose()
        );
    }
}
