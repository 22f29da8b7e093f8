//! The files of `conf` and `electron-store`: JSON as it is, or encrypted with a key that lies in the app's code.
//!
//! Facts, read in the published packages and held against files that those versions wrote (`tests/vectors/import/`):
//!
//! | versions of conf | with an `encryptionKey` |
//! |---|---|
//! | 1 to 4 | AES-256-CBC under `crypto.createCipher`: key and IV by `EVP_BytesToKey` (MD5, no salt, one pass) |
//! | 5 to 14 | `IV (16) ‖ ':' ‖ AES-256-CBC`; key: PBKDF2-HMAC-SHA512, 10,000 passes, salt `iv.toString()` (lossy UTF-8) |
//! | 15 and 16 | the same with the IV itself as the salt; `encryptionAlgorithm` may be GCM (tag at the end) or CTR instead |
//!
//! conf reads a file that is not encrypted although there is a key, where the algorithm is CBC, and so does this.
#![forbid(unsafe_code)]

use super::members::{Members, parse};
use crate::secret::{SecretBytes, Wiped};
use aes::Aes256;
use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{AesGcm, Nonce, Tag};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _, StreamCipher as _};
use md5::{Digest as _, Md5};
use ring::pbkdf2;
use std::num::NonZeroU32;
use zeroize::Zeroizing;

const IV_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const SEPARATOR: u8 = b':';
const PASSES: NonZeroU32 = NonZeroU32::MIN.saturating_add(9_999);

/// The `encryptionAlgorithm` of conf 15 and 16; earlier versions know CBC only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Algorithm {
    /// `aes-256-cbc`, which is conf's default.
    #[default]
    Aes256Cbc,
    /// `aes-256-gcm`.
    Aes256Gcm,
    /// `aes-256-ctr`.
    Aes256Ctr,
}

/// How a file that has an `encryptionKey` is encrypted.
#[derive(Debug)]
pub struct Encryption {
    /// The `encryptionKey`: the bytes of a string in UTF-8, or of a Buffer.
    pub key: SecretBytes,
    /// The `encryptionAlgorithm`.
    pub algorithm: Algorithm,
}

/// A file's text, once it is known to be JSON with members.
#[derive(Debug)]
pub(crate) struct Text {
    utf8: Wiped,
    /// Whether bytes that are no UTF-8 were replaced, as conf replaces them.
    pub(crate) is_lossy: bool,
}

impl Text {
    /// The members of the file's object.
    pub(crate) fn members(&self) -> Option<Members<'_>> {
        parse(std::str::from_utf8(&self.utf8).ok()?)
    }
}

/// Reads a file. `None` when no way of reading it comes to a JSON object: another key, another algorithm, damaged, or not a
/// file of conf.
#[must_use]
pub(crate) fn read(file: &[u8], encryption: Option<&Encryption>) -> Option<Text> {
    let Some(Encryption { key, algorithm }) = encryption else {
        return text(file.to_vec());
    };
    let key = key.expose();
    // A wrong salt can decrypt to something whose padding is right, so each way counts only when it comes to JSON.
    let sealed = file
        .split_first_chunk::<IV_BYTES>()
        .and_then(|(iv, rest)| Some((iv, rest.strip_prefix(&[SEPARATOR])?)));
    if let Some((iv, sealed)) = sealed {
        let legacy_salt = String::from_utf8_lossy(iv);
        for salt in [iv.as_slice(), legacy_salt.as_bytes()] {
            let opened = open(*algorithm, &stretch(key, salt), iv, sealed);
            if let Some(text) = opened.and_then(text) {
                return Some(text);
            }
        }
    }
    if *algorithm != Algorithm::Aes256Cbc {
        return None;
    }
    let (own_key, iv) = bytes_to_key(key);
    open_cbc(&own_key, &iv, file)
        .and_then(text)
        .or_else(|| text(file.to_vec()))
}

fn text(bytes: Vec<u8>) -> Option<Text> {
    let bytes = Wiped(bytes);
    // An editor may have put a byte order mark there.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let decoded = String::from_utf8_lossy(bytes);
    let text = Text {
        is_lossy: matches!(decoded, std::borrow::Cow::Owned(_)),
        utf8: Wiped(decoded.into_owned().into_bytes()),
    };
    text.members().is_some().then_some(text)
}

fn stretch(key: &[u8], salt: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut out = Zeroizing::new([0; KEY_BYTES]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, PASSES, salt, key, &mut *out);
    out
}

fn open(
    algorithm: Algorithm,
    key: &[u8; KEY_BYTES],
    iv: &[u8; IV_BYTES],
    sealed: &[u8],
) -> Option<Vec<u8>> {
    match algorithm {
        Algorithm::Aes256Cbc => open_cbc(key, iv, sealed),
        Algorithm::Aes256Ctr => {
            let mut text = sealed.to_vec();
            // OpenSSL counts in all 128 bits.
            ctr::Ctr128BE::<Aes256>::new(key.into(), iv.into()).apply_keystream(&mut text);
            Some(text)
        }
        Algorithm::Aes256Gcm => {
            let (sealed, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
            let mut text = sealed.to_vec();
            AesGcm::<Aes256, U16>::new(key.into())
                .decrypt_inout_detached(
                    &Nonce::from(*iv),
                    &[],
                    text.as_mut_slice().into(),
                    &Tag::from(*tag),
                )
                .ok()?;
            Some(text)
        }
    }
}

fn open_cbc(key: &[u8; KEY_BYTES], iv: &[u8; IV_BYTES], sealed: &[u8]) -> Option<Vec<u8>> {
    cbc::Decryptor::<Aes256>::new(key.into(), iv.into())
        .decrypt_padded_vec::<Pkcs7>(sealed)
        .ok()
}

/// `EVP_BytesToKey` of OpenSSL as `crypto.createCipher` called it.
fn bytes_to_key(password: &[u8]) -> (Zeroizing<[u8; KEY_BYTES]>, [u8; IV_BYTES]) {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let first: [u8; 16] = Md5::digest(password).into();
    let second: [u8; 16] = Md5::new()
        .chain_update(first)
        .chain_update(password)
        .finalize()
        .into();
    let iv = Md5::new()
        .chain_update(second)
        .chain_update(password)
        .finalize()
        .into();
    key[..16].copy_from_slice(&first);
    key[16..].copy_from_slice(&second);
    (key, iv)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encryption(algorithm: Algorithm) -> Encryption {
        let key = SecretBytes::new(b"a key".to_vec());
        Encryption { key, algorithm }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_make_a_reader_panic(iv in any::<[u8; 16]>(), bytes in proptest::collection::vec(any::<u8>(), 0..80), is_sealed in any::<bool>()) {
            let mut file = iv.to_vec();
            if is_sealed {
                file.push(SEPARATOR);
            }
            file.extend(bytes);
            prop_assert!(read(&file, None).is_none_or(|text| text.members().is_some()));
            for algorithm in [Algorithm::Aes256Cbc, Algorithm::Aes256Gcm, Algorithm::Aes256Ctr] {
                let found = read(&file, Some(&encryption(algorithm)));
                prop_assert!(found.is_none_or(|text| text.members().is_some()));
            }
        }
    }

    #[test]
    fn the_old_key_and_iv_are_those_of_openssl() {
        // `openssl enc -aes-256-cbc -md md5 -nosalt -pass pass:password -P`
        let (key, iv) = bytes_to_key(b"password");
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(
            (hex(&*key), hex(&iv)),
            (
                "5f4dcc3b5aa765d61d8327deb882cf992b95990a9151374abd8ff8c5a7a0fe08".to_owned(),
                "b7b4372cdfbcb3d16a2631b59b509e94".to_owned()
            )
        );
    }
}
