//! The first 128 bytes of a vault file: which format, whose vault, which key.
//!
//! The header is not secret. Its hash is part of what every frame authenticates, so a changed header is noticed by
//! the first frame. docs/format.md holds the layout.
#![forbid(unsafe_code)]

use super::root_key::RootKey;
use super::slot::Slot;
use crate::secret::{Key, fill_random};
use crate::{Error, Result};
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};

const MAGIC: &[u8; 8] = b"LATCHKEY";
/// The newest format this build writes and reads.
pub(crate) const FORMAT_VERSION: u16 = 1;
const FROM_KEYCHAIN: u8 = 1;
const FROM_PASSPHRASE: u8 = 2;
const XCHACHA20_POLY1305: u8 = 1;

/// Where the root key of a file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyProtection {
    Keychain(Slot),
    Passphrase(Argon2Cost),
}

/// How a passphrase becomes a key: Argon2id, version 0x13 (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Argon2Cost {
    pub(crate) salt: [u8; 16],
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl Argon2Cost {
    /// The second recommended option of RFC 9106 section 4: 64 MiB, 3 passes, 4 lanes. A fraction of a second.
    pub(crate) fn generate() -> Result<Self> {
        let mut salt = [0; 16];
        fill_random(&mut salt)?;
        Ok(Self {
            salt,
            memory_kib: 64 * 1024,
            passes: 3,
            lanes: 4,
        })
    }

    /// A header is not authenticated before its key is known: what it asks for must be bounded.
    fn is_reasonable(&self) -> bool {
        (self.lanes.saturating_mul(8)..=1024 * 1024).contains(&self.memory_kib)
            && (1..=16).contains(&self.passes)
            && (1..=16).contains(&self.lanes)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) protection: KeyProtection,
    /// Which root key seals the file: grows by one with each rotation.
    pub(crate) epoch: u32,
    /// Random, new with every rewrite of the file, so that no frame fits into another file.
    file_id: [u8; 16],
    vault_digest: [u8; 16],
    key_digest: [u8; 16],
    /// The desktop the file was made on, for an error that can say why its key is missing. ASCII, padded with zeros.
    desktop: [u8; 16],
}

impl Header {
    pub(crate) const LEN: usize = 128;

    /// A header for a new file of the vault `vault_id`, sealed by `root`.
    pub(crate) fn generate(vault_id: &str, root: &RootKey) -> Result<Self> {
        let mut file_id = [0; 16];
        fill_random(&mut file_id)?;
        Ok(Self {
            protection: root.protection,
            epoch: root.epoch,
            file_id,
            vault_digest: vault_digest(vault_id),
            key_digest: key_digest(&root.key),
            desktop: current_desktop(),
        })
    }

    pub(crate) fn encode(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        out[0..8].copy_from_slice(MAGIC);
        out[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        out[10] = match self.protection {
            KeyProtection::Keychain(_) => FROM_KEYCHAIN,
            KeyProtection::Passphrase(_) => FROM_PASSPHRASE,
        };
        out[11] = XCHACHA20_POLY1305;
        out[12..16].copy_from_slice(&self.epoch.to_le_bytes());
        out[16..32].copy_from_slice(&self.file_id);
        out[32..48].copy_from_slice(&self.vault_digest);
        out[48..64].copy_from_slice(&self.key_digest);
        out[92..108].copy_from_slice(&self.desktop);
        match self.protection {
            KeyProtection::Keychain(slot) => out[108..124].copy_from_slice(&slot.0),
            KeyProtection::Passphrase(cost) => {
                out[64..80].copy_from_slice(&cost.salt);
                out[80..84].copy_from_slice(&cost.memory_kib.to_le_bytes());
                out[84..88].copy_from_slice(&cost.passes.to_le_bytes());
                out[88..92].copy_from_slice(&cost.lanes.to_le_bytes());
            }
        }
        // The other source's fields and 124..128 are zero.
        out
    }

    /// Reads a header.
    ///
    /// # Errors
    /// `ERR_VAULT_CORRUPT` when it is none, `ERR_VAULT_VERSION` when it is newer, `ERR_VAULT_FOREIGN` when it is another
    /// vault's.
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
        if found == 0 || header[11] != XCHACHA20_POLY1305 {
            return Err(Error::VaultCorrupt("its header names no known algorithm"));
        }
        let decoded = Self {
            protection: decode_protection(header)?,
            epoch: u32::from_le_bytes(chunk(header, 12)),
            file_id: chunk(header, 16),
            vault_digest: chunk(header, 32),
            key_digest: chunk(header, 48),
            desktop: chunk(header, 92),
        };
        if decoded.encode() != *header {
            return Err(Error::VaultCorrupt("its header's reserved bytes are set"));
        }
        if decoded.vault_digest != vault_digest(vault_id) {
            return Err(Error::VaultForeign);
        }
        Ok(decoded)
    }

    /// Whether `root` is the key that sealed this file. Says so before any frame is tried.
    pub(crate) fn is_sealed_by(&self, root: &RootKey) -> bool {
        self.protection == root.protection
            && self.epoch == root.epoch
            && self.key_digest == key_digest(&root.key)
    }

    /// Whose keychain item holds the key; `None` for a passphrase.
    pub(crate) fn slot(&self) -> Option<Slot> {
        match self.protection {
            KeyProtection::Keychain(slot) => Some(slot),
            KeyProtection::Passphrase(_) => None,
        }
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

    /// The desktop the file was made on and the one of now, when they differ.
    pub(crate) fn changed_desktops(&self) -> Option<String> {
        let now = current_desktop();
        let name = |desktop: &[u8; 16]| {
            // From a header that nothing has authenticated: only what a desktop's name is made of goes into a message.
            let name = desktop.iter().filter(|byte| byte.is_ascii_alphanumeric());
            name.map(|byte| char::from(*byte)).collect::<String>()
        };
        let unknown = [0; 16];
        (self.desktop != now && self.desktop != unknown && now != unknown).then(|| {
            format!(
                "it was made on the desktop {}, this is {}",
                name(&self.desktop),
                name(&now)
            )
        })
    }
}

fn decode_protection(header: &[u8; Header::LEN]) -> Result<KeyProtection> {
    match header[10] {
        FROM_KEYCHAIN => Ok(KeyProtection::Keychain(Slot(chunk(header, 108)))),
        FROM_PASSPHRASE => {
            let cost = Argon2Cost {
                salt: chunk(header, 64),
                memory_kib: u32::from_le_bytes(chunk(header, 80)),
                passes: u32::from_le_bytes(chunk(header, 84)),
                lanes: u32::from_le_bytes(chunk(header, 88)),
            };
            if !cost.is_reasonable() {
                return Err(Error::VaultCorrupt(
                    "its header asks for an absurd key derivation",
                ));
            }
            Ok(KeyProtection::Passphrase(cost))
        }
        _ => Err(Error::VaultCorrupt("its header names no known key source")),
    }
}

/// The first name in `XDG_CURRENT_DESKTOP`, as far as it fits. Zeros where there is none, as on macOS and Windows.
fn current_desktop() -> [u8; 16] {
    let mut out = [0; 16];
    let variable = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
    let first = variable.split(':').next().unwrap_or_default();
    let printable = first.bytes().filter(u8::is_ascii_graphic);
    for (slot, byte) in out.iter_mut().zip(printable) {
        *slot = byte;
    }
    out
}

fn derive(salt: Option<&[u8]>, root: &Key, info: &[u8]) -> Key {
    Key::derive(|out| Hkdf::<Sha256>::new(salt, root.expose()).expand(info, out))
        .unwrap_or_else(|_| unreachable!("32 bytes are within HKDF-SHA256's limit of 8160"))
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

    fn root(byte: u8, epoch: u32) -> RootKey {
        RootKey {
            epoch,
            protection: KeyProtection::Keychain(Slot([byte; 16])),
            key: Key::from_slice(&[byte; 32]).unwrap_or_else(|| unreachable!()),
        }
    }

    fn sample() -> Header {
        Header::generate("com.example.a", &root(1, 3)).unwrap_or_else(|e| panic!("{e}"))
    }

    fn code(bytes: &[u8], id: &str) -> Option<&'static str> {
        Header::decode(bytes, id).map_err(|e| e.code()).err()
    }

    #[test]
    fn a_header_round_trips_and_knows_its_key() {
        let header = sample();
        let again = Header::decode(&header.encode(), "com.example.a");
        assert_eq!(again, Ok(header.clone()));
        assert!(header.is_sealed_by(&root(1, 3)));
        assert!(!header.is_sealed_by(&root(2, 3)));
        assert!(!header.is_sealed_by(&root(1, 4)));
    }

    #[test]
    fn what_is_not_a_header_of_this_vault_has_its_own_error() {
        let bytes = sample().encode();
        assert_eq!(code(&[], "com.example.a"), Some("ERR_VAULT_CORRUPT"));
        assert_eq!(
            code(&bytes[..127], "com.example.a"),
            Some("ERR_VAULT_CORRUPT")
        );
        assert_eq!(code(&[0; 128], "com.example.a"), Some("ERR_VAULT_CORRUPT"));
        assert_eq!(code(&bytes, "com.example.b"), Some("ERR_VAULT_FOREIGN"));
        let mut newer = bytes;
        newer[8] = 2;
        assert_eq!(code(&newer, "com.example.a"), Some("ERR_VAULT_VERSION"));
        let mut reserved = bytes;
        reserved[127] = 1;
        assert_eq!(code(&reserved, "com.example.a"), Some("ERR_VAULT_CORRUPT"));
    }

    #[test]
    fn a_header_cannot_ask_for_absurd_work() {
        let cost = Argon2Cost {
            salt: [1; 16],
            memory_kib: 64 * 1024,
            passes: 3,
            lanes: 4,
        };
        let with = |cost| {
            let mut header = sample();
            header.protection = KeyProtection::Passphrase(cost);
            code(&header.encode(), "com.example.a")
        };
        assert_eq!(with(cost), None);
        for absurd in [
            Argon2Cost {
                memory_kib: u32::MAX,
                ..cost
            },
            Argon2Cost {
                memory_kib: 31,
                ..cost
            },
            Argon2Cost { passes: 0, ..cost },
            Argon2Cost { passes: 17, ..cost },
            Argon2Cost { lanes: 0, ..cost },
            Argon2Cost {
                lanes: u32::MAX,
                ..cost
            },
        ] {
            assert_eq!(with(absurd), Some("ERR_VAULT_CORRUPT"), "{absurd:?}");
        }
    }

    #[test]
    fn data_keys_differ_by_file_vault_epoch_and_root() {
        let header = sample();
        let key = |header: &Header, id, byte| *header.data_key(id, &root(byte, 3).key).expose();
        let base = key(&header, "com.example.a", 1);
        let mut other_epoch = header.clone();
        other_epoch.epoch += 1;
        assert_ne!(base, key(&sample(), "com.example.a", 1));
        assert_ne!(base, key(&header, "com.example.b", 1));
        assert_ne!(base, key(&header, "com.example.a", 2));
        assert_ne!(base, key(&other_epoch, "com.example.a", 1));
    }
}
