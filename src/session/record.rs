//! A session as it lies in the vault.
#![forbid(unsafe_code)]

use crate::provider::{Credentials, User};
use crate::secret::{SecretString, fill_random};
use crate::vault::{Records, Value, Vault};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const VERSION: u32 = 1;

/// Which sign-in a record comes from, and how often its tokens were replaced since. Two processes that hold the same
/// stamp hold the same tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Stamp {
    login: u64,
    renewals: u64,
}

impl Stamp {
    /// The stamp of a new sign-in.
    ///
    /// # Errors
    /// `ERR_INTERNAL` when the system has no randomness.
    pub(crate) fn of_sign_in() -> Result<Self> {
        let mut login = [0; 8];
        fill_random(&mut login)?;
        Ok(Self {
            login: u64::from_le_bytes(login),
            renewals: 0,
        })
    }

    /// The stamp after a renewal of the same sign-in.
    pub(crate) fn renewed(self) -> Self {
        Self {
            renewals: self.renewals + 1,
            ..self
        }
    }

    pub(crate) fn is_same_sign_in(self, other: Self) -> bool {
        self.login == other.login
    }
}

/// Who was signed in, and with what. Without credentials the session has ended, but its user is still known.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) stamp: Stamp,
    pub(crate) user: User,
    pub(crate) credentials: Option<Credentials>,
    /// When somebody signed in, in milliseconds since 1970.
    pub(crate) signed_in_at_ms: u64,
    /// When the refresh token was sent for a renewal whose answer is not known; `None` when no answer is outstanding.
    pub(crate) spent_at_ms: Option<u64>,
    pub(crate) locked: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    provider: String,
    stamp: Stamp,
    user: User,
    credentials: Option<StoredCredentials>,
    signed_in_at_ms: u64,
    spent_at_ms: Option<u64>,
    locked: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredCredentials {
    access_token: Zeroizing<String>,
    refresh_token: Option<Zeroizing<String>>,
    expires_at_ms: Option<u64>,
    confirmed_at_ms: u64,
    sliding: bool,
    #[serde(default)]
    private: Option<Zeroizing<String>>,
}

/// The name of the record of an account. `None`: the application has one account.
pub(crate) fn key_of(account: Option<&str>) -> String {
    match account {
        None => "session".to_owned(),
        Some(account) => format!("{ACCOUNT_PREFIX}{account}"),
    }
}

/// The account that a record's name stands for.
pub(crate) fn account_of(key: &str) -> Option<&str> {
    key.strip_prefix(ACCOUNT_PREFIX)
}

/// What the names of all accounts' records begin with.
pub(crate) const ACCOUNT_PREFIX: &str = "session/";

impl Record {
    /// Reads the session of `provider` under `key`; `None` when there is none, or it is another provider's. And the version
    /// of the vault's records that it was read at.
    ///
    /// # Errors
    /// The vault's, and `ERR_VAULT_CORRUPT` when the record is of a newer version.
    pub(crate) fn load(vault: &Vault, key: &str, provider: &str) -> Result<(Option<Self>, u64)> {
        let (value, version) = vault.record(key)?;
        Ok((Self::parse(value, provider)?, version))
    }

    /// As [`Record::load`], while no process can change it.
    ///
    /// # Errors
    /// `ERR_VAULT_CORRUPT` when the record is of a newer version.
    pub(crate) fn find(records: &Records<'_>, key: &str, provider: &str) -> Result<Option<Self>> {
        Self::parse(records.get(key), provider)
    }

    fn parse(value: Option<Value>, provider: &str) -> Result<Option<Self>> {
        let Some(Value::Text(text)) = value else {
            return Ok(None);
        };
        let stored: Stored = parse(&text)?;
        if stored.version > VERSION {
            return Err(Error::VaultCorrupt(
                "the session record was written by a newer Latchkey",
            ));
        }
        // A token must never reach a server that did not issue it.
        Ok((stored.provider == provider).then(|| Self {
            stamp: stored.stamp,
            user: stored.user,
            credentials: stored.credentials.map(StoredCredentials::into_credentials),
            signed_in_at_ms: stored.signed_in_at_ms,
            spent_at_ms: stored.spent_at_ms,
            locked: stored.locked,
        }))
    }

    /// Whether it holds one of the tokens of `others`.
    pub(crate) fn has_token_of(&self, others: &Credentials) -> bool {
        self.credentials.as_ref().is_some_and(|own| {
            own.access_token == others.access_token
                || (own.refresh_token.is_some() && own.refresh_token == others.refresh_token)
        })
    }

    /// What stays when the session is over.
    pub(crate) fn without_tokens(self) -> Self {
        Self {
            credentials: None,
            spent_at_ms: None,
            locked: false,
            ..self
        }
    }

    /// The record as a value of the vault.
    ///
    /// # Errors
    /// `ERR_INTERNAL`.
    pub(crate) fn to_value(&self, provider: &str) -> Result<Value> {
        to_value(&Stored {
            version: VERSION,
            provider: provider.to_owned(),
            stamp: self.stamp,
            user: self.user.clone(),
            credentials: self.credentials.as_ref().map(StoredCredentials::of),
            signed_in_at_ms: self.signed_in_at_ms,
            spent_at_ms: self.spent_at_ms,
            locked: self.locked,
        })
    }
}

/// The user of a record of any provider, and whether it has tokens, which are not taken out of the vault.
///
/// # Errors
/// `ERR_VAULT_CORRUPT`.
pub(super) fn any_user(text: &SecretString) -> Result<(User, bool)> {
    #[derive(Deserialize)]
    struct Part {
        user: User,
        credentials: Option<serde::de::IgnoredAny>,
    }
    let part: Part = parse(text)?;
    Ok((part.user, part.credentials.is_some()))
}

/// Reads a record of Latchkey's own.
///
/// # Errors
/// `ERR_VAULT_CORRUPT`.
pub(super) fn parse<T: serde::de::DeserializeOwned>(text: &SecretString) -> Result<T> {
    serde_json::from_str(text.expose())
        .map_err(|_| Error::VaultCorrupt("the session record has an unknown form"))
}

/// Writes a record of Latchkey's own.
///
/// # Errors
/// `ERR_INTERNAL`.
pub(super) fn to_value(record: &impl Serialize) -> Result<Value> {
    let failed = || Error::Internal("a session record could not be written");
    // Measured first, so that the buffer never grows: growing would leave a copy of the tokens in freed memory.
    let mut length = Length(0);
    serde_json::to_writer(&mut length, record).map_err(|_| failed())?;
    let mut text = Vec::with_capacity(length.0);
    serde_json::to_writer(&mut text, record).map_err(|_| failed())?;
    String::from_utf8(text)
        .map(|text| Value::Text(SecretString::new(text)))
        .map_err(|_| failed())
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
    pub(super) fn of(credentials: &Credentials) -> Self {
        let copy = |token: &SecretString| Zeroizing::new(token.expose().to_owned());
        Self {
            access_token: copy(&credentials.access_token),
            refresh_token: credentials.refresh_token.as_ref().map(copy),
            expires_at_ms: credentials.expires_at_ms,
            confirmed_at_ms: credentials.confirmed_at_ms,
            sliding: credentials.sliding,
            private: credentials.private.as_ref().map(copy),
        }
    }

    /// Whether these are the tokens of `credentials`.
    pub(super) fn are(&self, credentials: &Credentials) -> bool {
        let refresh_token = credentials.refresh_token.as_ref().map(SecretString::expose);
        *self.access_token == credentials.access_token.expose()
            && self.refresh_token.as_ref().map(|token| token.as_str()) == refresh_token
    }

    pub(super) fn into_credentials(self) -> Credentials {
        let take = |mut token: Zeroizing<String>| SecretString::new(std::mem::take(&mut *token));
        Credentials {
            access_token: take(self.access_token),
            refresh_token: self.refresh_token.map(take),
            expires_at_ms: self.expires_at_ms,
            confirmed_at_ms: self.confirmed_at_ms,
            sliding: self.sliding,
            private: self.private.map(take),
        }
    }
}
