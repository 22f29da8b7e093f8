//! A session as it lies in the vault.
#![forbid(unsafe_code)]

use crate::provider::{Credentials, User};
use crate::secret::SecretString;
use crate::vault::{Space, Value, Vault};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const KEY: &str = "session";
const VERSION: u32 = 1;

/// Who was signed in, and with what. Without credentials the session has ended, but its user is still known.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) user: User,
    pub(crate) credentials: Option<Credentials>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    provider: String,
    user: User,
    credentials: Option<StoredCredentials>,
}

#[derive(Serialize, Deserialize)]
struct StoredCredentials {
    access_token: Zeroizing<String>,
    refresh_token: Option<Zeroizing<String>>,
    expires_at_ms: Option<u64>,
    confirmed_at_ms: u64,
    sliding: bool,
}

impl Record {
    /// Reads the session of `provider`; `None` when there is none, or it is another provider's.
    ///
    /// # Errors
    /// The vault's, and `ERR_VAULT_CORRUPT` when the record is of a newer version.
    pub(crate) fn load(vault: &Vault, provider: &str) -> Result<Option<Self>> {
        let Some(Value::Text(text)) = vault.read(Space::Session, KEY)? else {
            return Ok(None);
        };
        let stored: Stored = serde_json::from_str(text.expose())
            .map_err(|_| Error::VaultCorrupt("the session record has an unknown form"))?;
        if stored.version > VERSION {
            return Err(Error::VaultCorrupt(
                "the session record was written by a newer Latchkey",
            ));
        }
        // A token must never reach a server that did not issue it.
        Ok((stored.provider == provider).then(|| Self {
            user: stored.user,
            credentials: stored.credentials.map(StoredCredentials::into_credentials),
        }))
    }

    /// Stores a session, durably. `replaces`: whether somebody signed in or the session ended, so that every copy of the
    /// vault from before is an old one; a renewal does not.
    ///
    /// # Errors
    /// The vault's.
    pub(crate) fn store(
        vault: &Vault,
        provider: &str,
        user: &User,
        credentials: Option<&Credentials>,
        replaces: bool,
    ) -> Result<()> {
        let stored = Stored {
            version: VERSION,
            provider: provider.to_owned(),
            user: user.clone(),
            credentials: credentials.map(StoredCredentials::of),
        };
        let value = Value::Text(stored.to_text()?);
        if replaces {
            vault.put_anchored(KEY, value)
        } else {
            vault.put(Space::Session, KEY, value, None)
        }
    }

    /// Removes the session and its traces in the file.
    ///
    /// # Errors
    /// The vault's.
    pub(crate) fn erase(vault: &Vault) -> Result<()> {
        vault.erase_anchored(KEY)
    }
}

impl Stored {
    fn to_text(&self) -> Result<SecretString> {
        let failed = || Error::Internal("a session record could not be written");
        // Measured first, so that the buffer never grows: growing would leave a copy of the tokens in freed memory.
        let mut length = Length(0);
        serde_json::to_writer(&mut length, self).map_err(|_| failed())?;
        let mut text = Vec::with_capacity(length.0);
        serde_json::to_writer(&mut text, self).map_err(|_| failed())?;
        String::from_utf8(text)
            .map(SecretString::new)
            .map_err(|_| failed())
    }
}

/// Counts what is written.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl StoredCredentials {
    fn of(credentials: &Credentials) -> Self {
        let copy = |token: &SecretString| Zeroizing::new(token.expose().to_owned());
        Self {
            access_token: copy(&credentials.access_token),
            refresh_token: credentials.refresh_token.as_ref().map(copy),
            expires_at_ms: credentials.expires_at_ms,
            confirmed_at_ms: credentials.confirmed_at_ms,
            sliding: credentials.sliding,
        }
    }

    fn into_credentials(self) -> Credentials {
        let take = |mut token: Zeroizing<String>| SecretString::new(std::mem::take(&mut *token));
        Credentials {
            access_token: take(self.access_token),
            refresh_token: self.refresh_token.map(take),
            expires_at_ms: self.expires_at_ms,
            confirmed_at_ms: self.confirmed_at_ms,
            sliding: self.sliding,
        }
    }
}
