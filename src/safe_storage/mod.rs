//! Strings sealed for the application to keep wherever it likes: what Electron's `safeStorage` does, without its weak forms.
//!
//! A ciphertext is `"lk1" ‖ key id (4) ‖ nonce (24) ‖ XChaCha20-Poly1305 of the text ‖ tag (16)`, with the first seven bytes as
//! associated data. Its key is random and one of the vault's own records, not derived from the vault's root key: so it
//! survives a rotation of that, and goes along into recovery copies and with the vault's file.
//!
//! After the root key was replaced, or the vault recovered, the next ciphertext gets a key of its own: whoever had the old
//! root key cannot read it. The keys before stay, since nobody knows where ciphertexts lie; what they open is
//! [`Opened::is_outdated`].
#![forbid(unsafe_code)]

pub mod chromium;
mod keys;

use crate::secret::{SecretBytes, SecretString, Wiped, fill_random, wipe_stack};
use crate::vault::Vault;
use crate::vault::aead::{self, NONCE_BYTES, TAG_BYTES};
use crate::{Error, Result};
use chromium::{ChromiumKeys, Unopened};
use keys::Keys;
pub(crate) use keys::SealingKey;

const PREFIX: &[u8; 3] = b"lk1";
const HEADER_BYTES: usize = PREFIX.len() + keys::ID_BYTES;

/// A text that was sealed.
#[derive(Debug)]
pub struct Opened {
    /// The text.
    pub text: SecretString,
    /// Whether sealing it anew makes it safer: Electron sealed it, or a key from before a rotation.
    pub is_outdated: bool,
}

/// Seals a text with a key of the vault. The same text comes out differently each time.
///
/// # Errors
/// `ERR_VAULT_CLOSED`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`, `ERR_VAULT_CORRUPT`; where the vault has no key for this yet
/// also `ERR_VAULT_BUSY`.
pub fn seal(vault: &Vault, text: &str) -> Result<Vec<u8>> {
    seal_with(&current_key(vault)?, text)
}

/// The key that new ciphertexts get, made when there is none.
///
/// # Errors
/// As for [`seal`].
pub(crate) fn current_key(vault: &Vault) -> Result<SealingKey> {
    let epoch = vault.epoch()?;
    match Keys::load(vault)?.newest() {
        Some(key) if key.epoch == epoch => Ok(key),
        _ => Keys::begin(vault, epoch),
    }
}

pub(crate) fn seal_with(key: &SealingKey, text: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(HEADER_BYTES + NONCE_BYTES + text.len() + TAG_BYTES);
    out.extend(PREFIX);
    out.extend(key.id);
    let mut nonce = [0; NONCE_BYTES];
    fill_random(&mut nonce)?;
    out.extend(nonce);
    out.extend(text.as_bytes());
    let (header, rest) = out.split_at_mut(HEADER_BYTES);
    let tag = aead::seal(key.key.expose(), &nonce, header, &mut rest[NONCE_BYTES..]);
    wipe_stack();
    out.extend(tag.ok_or(Error::Internal("the text is longer than the cipher takes"))?);
    Ok(out)
}

/// Opens what [`seal`] or Electron made. `electron` is asked for Electron's keys when they are needed; without it, what
/// Electron sealed is refused.
///
/// # Errors
/// `ERR_DECRYPTION_FAILED`, those of `electron`, and as for [`seal`].
pub fn open(
    vault: &Vault,
    sealed: &[u8],
    electron: Option<&dyn Fn() -> Result<ChromiumKeys>>,
) -> Result<Opened> {
    if sealed.starts_with(PREFIX) {
        return open_own(vault, sealed);
    }
    let electron = electron.ok_or(Error::DecryptionFailed(NOT_OURS))?;
    // Electron's ciphertext of nothing is nothing.
    let is_electrons =
        sealed.is_empty() || sealed.starts_with(b"v10") || sealed.starts_with(b"v11");
    if !is_electrons {
        return Err(Error::DecryptionFailed(NOT_SEALED));
    }
    let needs_keyring =
        !sealed.is_empty() && !cfg!(target_os = "linux") || sealed.starts_with(b"v11");
    let keys = if needs_keyring {
        electron()?
    } else {
        ChromiumKeys::Linux(Vec::new())
    };
    match keys.open(sealed) {
        Ok(text) => Ok(Opened {
            text,
            is_outdated: true,
        }),
        Err(why) => Err(Error::DecryptionFailed(match why {
            Unopened::NotSealed => NOT_SEALED,
            Unopened::NoKey => "Electron sealed it, and its key is not in the keyring",
            Unopened::Damaged => "Electron sealed it, and it is damaged or under another key",
        })),
    }
}

const NOT_SEALED: &str = "it is not what safeStorage makes";
const NOT_OURS: &str = "it was not sealed by Latchkey";

fn open_own(vault: &Vault, sealed: &[u8]) -> Result<Opened> {
    let damaged = || Error::DecryptionFailed("it was changed, or cut");
    let (header, rest) = sealed.split_at_checked(HEADER_BYTES).ok_or_else(damaged)?;
    let (nonce, rest) = rest
        .split_first_chunk::<NONCE_BYTES>()
        .ok_or_else(damaged)?;
    let (text, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or_else(damaged)?;
    let keys = Keys::load(vault)?;
    let (_, id) = header
        .split_last_chunk::<{ keys::ID_BYTES }>()
        .ok_or_else(damaged)?;
    let key = keys.find(*id).ok_or(Error::DecryptionFailed(
        "another vault sealed it, or a newer copy of this one",
    ))?;
    let mut text = Wiped(text.to_vec());
    let opened = aead::open(key.key.expose(), nonce, header, &mut text, tag);
    wipe_stack();
    opened.ok_or_else(damaged)?;
    let text = String::from_utf8(std::mem::take(&mut text.0)).map_err(|error| {
        drop(SecretBytes::new(error.into_bytes()));
        damaged()
    })?;
    let is_newest = keys.newest().is_some_and(|newest| newest.id == *id);
    Ok(Opened {
        text: SecretString::new(text),
        is_outdated: !is_newest || key.epoch != vault.epoch()?,
    })
}
