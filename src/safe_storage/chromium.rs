//! What Electron's `safeStorage` makes: Chromium's `os_crypt`, synchronous and asynchronous alike.
//!
//! Facts, from Chromium's `components/os_crypt` (`os_crypt_linux.cc`, `os_crypt_mac.mm`, `os_crypt_win.cc`), those of Linux
//! held against what Electron 22 and its keyring gave here:
//!
//! | system | prefix | cipher | key |
//! |---|---|---|---|
//! | Linux | `v10` | AES-128-CBC, IV of 16 spaces | PBKDF2-HMAC-SHA1, 1 pass, salt `saltysalt`, of the password `peanuts`: no secret at all |
//! | Linux | `v11` | the same | the same, of the password in the keyring |
//! | macOS | `v10` | the same | 1003 passes, of the password in the keychain |
//! | Windows | `v10` | AES-256-GCM, nonce (12) in front, tag (16) behind | `os_crypt.encrypted_key` in `Local State`, under DPAPI |
//!
//! Where such a key fails, Chromium on Linux tries that of an empty password: Electron 22 takes one from a KWallet that has no
//! entry, and seals with it. The CBC forms
//! carry no authentication: of a changed value is found only what no longer has a padding, or is not UTF-8.
#![forbid(unsafe_code)]

use crate::secret::{SecretBytes, SecretString};
use aes::Aes128;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use ring::{aead, pbkdf2};
use std::num::NonZeroU32;
use zeroize::Zeroizing;

const SALT: &[u8] = b"saltysalt";
const IV: [u8; 16] = [b' '; 16];
const PEANUTS: &[u8] = b"peanuts";
const LINUX_PASSES: NonZeroU32 = NonZeroU32::MIN;
const MAC_PASSES: NonZeroU32 = NonZeroU32::MIN.saturating_add(1002);
const PREFIX_BYTES: usize = 3;
const BLOCK_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;

/// What opens the ciphertexts of one system.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChromiumKeys {
    /// Linux: the passwords that the keyrings hold, the likeliest first. `v10` needs none.
    Linux(Vec<SecretBytes>),
    /// macOS: the passwords that the keychain holds.
    MacOs(Vec<SecretBytes>),
    /// Windows: the key from `Local State`, out of DPAPI.
    Windows(Option<SecretBytes>),
}

/// Why a ciphertext was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unopened {
    /// It does not begin as `safeStorage` begins.
    NotSealed,
    /// No key for it was found in the keyring.
    NoKey,
    /// No key opens it: it is damaged, or sealed under another key.
    Damaged,
}

impl Unopened {
    /// In a few words, for a report.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotSealed => "it is not what safeStorage makes",
            Self::NoKey => "its key is not in the keyring",
            Self::Damaged => "it is damaged, or sealed under another key",
        }
    }
}

impl ChromiumKeys {
    /// The text in `sealed`, which begins with `v10` or `v11`. Nothing is the ciphertext of nothing.
    ///
    /// # Errors
    /// [`Unopened`].
    pub fn open(&self, sealed: &[u8]) -> Result<SecretString, Unopened> {
        if sealed.is_empty() {
            return Ok(SecretString::default());
        }
        let (prefix, body) = sealed
            .split_first_chunk::<PREFIX_BYTES>()
            .ok_or(Unopened::NotSealed)?;
        match (self, prefix) {
            (Self::Linux(_), b"v10") => open_any(&[PEANUTS, b""], LINUX_PASSES, body),
            (Self::Linux(passwords), b"v11") => {
                let known: Vec<&[u8]> = passwords.iter().map(SecretBytes::expose).collect();
                let opened = open_any(&[known.as_slice(), &[b""]].concat(), LINUX_PASSES, body);
                or_no_key(known.is_empty(), opened)
            }
            (Self::MacOs(passwords), b"v10") => {
                let known: Vec<&[u8]> = passwords.iter().map(SecretBytes::expose).collect();
                or_no_key(known.is_empty(), open_any(&known, MAC_PASSES, body))
            }
            (Self::Windows(key), b"v10") => {
                let key = key.as_ref().ok_or(Unopened::NoKey)?;
                open_gcm(key.expose(), body).ok_or(Unopened::Damaged)
            }
            _ => Err(Unopened::NotSealed),
        }
    }
}

fn or_no_key(
    none_known: bool,
    opened: Result<SecretString, Unopened>,
) -> Result<SecretString, Unopened> {
    opened.map_err(|why| if none_known { Unopened::NoKey } else { why })
}

fn open_any(
    passwords: &[&[u8]],
    passes: NonZeroU32,
    body: &[u8],
) -> Result<SecretString, Unopened> {
    passwords
        .iter()
        .find_map(|password| open_cbc(password, passes, body))
        .ok_or(Unopened::Damaged)
}

fn open_cbc(password: &[u8], passes: NonZeroU32, body: &[u8]) -> Option<SecretString> {
    let mut key = Zeroizing::new([0; 16]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, passes, SALT, password, &mut *key);
    let text = cbc::Decryptor::<Aes128>::new((&*key).into(), (&IV).into())
        .decrypt_padded_vec::<Pkcs7>(body)
        .ok()?;
    utf8(text)
}

fn open_gcm(key: &[u8], body: &[u8]) -> Option<SecretString> {
    let (nonce, sealed) = body.split_first_chunk::<NONCE_BYTES>()?;
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, key).ok()?);
    let mut text = sealed.to_vec();
    let nonce = aead::Nonce::assume_unique_for_key(*nonce);
    let len = key
        .open_in_place(nonce, aead::Aad::empty(), &mut text)
        .ok()?
        .len();
    text.truncate(len);
    utf8(text)
}

fn utf8(text: Vec<u8>) -> Option<SecretString> {
    String::from_utf8(text).ok().map(SecretString::new)
}

/// How an application wrote a ciphertext into a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    Base64,
    Hex,
    Latin1,
}

/// The ciphertext that `text` spells; `None` when it is anything else. Damaged ones are recognised too: nobody begins a
/// value of their own so by chance.
pub(crate) fn spelled(text: &str) -> Option<(Spelling, Vec<u8>)> {
    const SHORTEST: usize = PREFIX_BYTES + BLOCK_BYTES;
    // "v10" and "v11" in base64 and in hex.
    if text.starts_with("djEw") || text.starts_with("djEx") {
        if text.len() < SHORTEST * 4 / 3 {
            return None;
        }
        let bytes = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE_NO_PAD]
            .iter()
            .find_map(|spelling| spelling.decode(text).ok());
        return Some((Spelling::Base64, bytes.unwrap_or_else(|| broken(text))));
    }
    if (text.starts_with("763130") || text.starts_with("763131")) && text.len() >= 2 * SHORTEST {
        return Some((
            Spelling::Hex,
            from_hex(text).unwrap_or_else(|| broken(text)),
        ));
    }
    if text.starts_with("v10") || text.starts_with("v11") {
        // "v10.2.1" is a version: only bytes that nobody types make it a ciphertext.
        let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
        return bytes
            .filter(|bytes| {
                bytes.len() >= SHORTEST && bytes.iter().any(|b| !(b' '..=b'~').contains(b))
            })
            .map(|bytes| (Spelling::Latin1, bytes));
    }
    None
}

/// What no key opens, with the beginning that says what it was.
fn broken(text: &str) -> Vec<u8> {
    let version = match text.as_bytes().get(3) {
        Some(b'x') => b"v11",
        _ => b"v10",
    };
    version.to_vec()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok())
        .collect()
}

impl Spelling {
    /// `bytes` spelled the same way.
    pub(crate) fn spell(self, bytes: &[u8]) -> String {
        match self {
            Self::Base64 => STANDARD.encode(bytes),
            Self::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failing test may panic")]
mod tests {
    use super::*;

    fn linux(passwords: &[&str]) -> ChromiumKeys {
        ChromiumKeys::Linux(
            passwords
                .iter()
                .map(|p| SecretBytes::new(p.as_bytes().to_vec()))
                .collect(),
        )
    }

    fn opened(keys: &ChromiumKeys, base64: &str) -> Result<String, Unopened> {
        let sealed = STANDARD.decode(base64).unwrap();
        keys.open(&sealed).map(|text| text.expose().to_owned())
    }

    // Electron 22.3.25 with gnome-keyring 42 made these here, under this password.
    const PASSWORD: &str = "VMUg50J4UYSugnq8bLXxqw==";
    const TOKEN: &str = "djExvrAmiZpHEFtf2BbfcVIYfA==";
    const BLOCK: &str = "djExFHeO9Iflhr+gY8GP9VbdKmgqTC7T6znScUmBHjCU9T0=";

    #[test]
    fn opens_what_electron_sealed_under_the_keyrings_password() {
        let keys = linux(&["another password", PASSWORD]);
        assert_eq!(opened(&keys, TOKEN), Ok("a token".to_owned()));
        assert_eq!(opened(&keys, BLOCK), Ok("0123456789abcdef".to_owned()));
        assert_eq!(opened(&keys, ""), Ok(String::new()));
    }

    #[test]
    fn a_wrong_key_and_no_key_are_told_apart() {
        assert_eq!(opened(&linux(&["other"]), BLOCK), Err(Unopened::Damaged));
        assert_eq!(opened(&linux(&[]), BLOCK), Err(Unopened::NoKey));
        assert_eq!(
            linux(&[]).open(b"abcdefghi").err(),
            Some(Unopened::NotSealed)
        );
        assert_eq!(linux(&[]).open(b"v1").err(), Some(Unopened::NotSealed));
        let cut = STANDARD.encode(&STANDARD.decode(BLOCK).unwrap()[..30]);
        assert_eq!(opened(&linux(&[PASSWORD]), &cut), Err(Unopened::Damaged));
    }

    #[test]
    fn only_what_safe_storage_makes_is_taken_for_a_ciphertext() {
        for spelling in [Spelling::Base64, Spelling::Hex, Spelling::Latin1] {
            let bytes = STANDARD.decode(BLOCK).unwrap();
            assert_eq!(spelled(&spelling.spell(&bytes)), Some((spelling, bytes)));
        }
        for plain in [
            "",
            "v10",
            "v10.2.1 of something else, and a long text",
            "djEx",
            "763131",
            "v11 ключ ключ ключ ключ",
            "v11 a sentence that goes on and on",
        ] {
            assert_eq!(spelled(plain), None, "{plain}");
        }
        assert_eq!(
            spelled(&BLOCK.replace('+', "*")).map(|found| found.1),
            Some(b"v11".to_vec())
        );
    }
}
