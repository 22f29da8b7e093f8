//! What is kept beside a session's tokens, and between the steps of a sign-in. Both lie sealed in the vault.
#![forbid(unsafe_code)]

use crate::oauth::DpopKey;
use crate::provider::Credentials;
use crate::secret::SecretString;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Beside the tokens: [`Credentials::private`].
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Private {
    /// The last ID token, which tells the server at sign-out whose session ends.
    #[serde(default)]
    pub(super) id_token: Option<Zeroizing<String>>,
    /// The key that the tokens are bound to (RFC 9449).
    #[serde(default)]
    pub(super) dpop_key: Option<Zeroizing<String>>,
}

impl Private {
    /// What is kept beside these. Tokens that the application brought have nothing.
    pub(super) fn of(credentials: &Credentials) -> Self {
        let kept = credentials.private.as_ref();
        kept.and_then(|kept| serde_json::from_str(kept.expose()).ok())
            .unwrap_or_default()
    }

    pub(super) fn seal(&self) -> Result<SecretString> {
        seal(self)
    }
}

/// Between the steps: [`crate::provider::Pending::state`].
#[derive(Serialize, Deserialize)]
#[serde(tag = "flow", rename_all = "camelCase")]
pub(super) enum Begun {
    /// The browser is to come back.
    Browser(BegunInBrowser),
    /// The other device is to be asked about.
    Device(BegunOnDevice),
}

#[derive(Serialize, Deserialize)]
pub(super) struct BegunInBrowser {
    pub(super) redirect_uri: String,
    pub(super) state: String,
    /// `None`: no ID token was asked for.
    pub(super) nonce: Option<String>,
    pub(super) verifier: Zeroizing<String>,
    pub(super) dpop_key: Option<Zeroizing<String>>,
    pub(super) max_age_s: Option<u64>,
    pub(super) acr_values: Vec<String>,
    /// Whom a step-up must prove.
    pub(super) subject: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct BegunOnDevice {
    pub(super) device_code: Zeroizing<String>,
    pub(super) user_code: String,
    pub(super) verification_uri: String,
    pub(super) verification_uri_complete: Option<String>,
    pub(super) interval_ms: u64,
    pub(super) expires_at_ms: u64,
    /// Whether an ID token was asked for.
    pub(super) openid: bool,
    pub(super) dpop_key: Option<Zeroizing<String>>,
}

impl Begun {
    pub(super) fn open(state: &SecretString) -> Result<Self> {
        serde_json::from_str(state.expose())
            .map_err(|_| Error::Internal("the state of a sign-in is not one of this provider's"))
    }

    pub(super) fn seal(&self) -> Result<SecretString> {
        seal(self)
    }
}

/// The key among what was kept.
pub(super) fn restore_key(stored: Option<&Zeroizing<String>>) -> Result<Option<DpopKey>> {
    let restored = stored.map(|stored| DpopKey::restore(stored));
    match restored {
        None => Ok(None),
        Some(Some(key)) => Ok(Some(key)),
        Some(None) => Err(Error::Internal("the key of a session cannot be read")),
    }
}

/// The key as it is kept.
pub(super) fn stored_key(key: Option<&DpopKey>) -> Option<Zeroizing<String>> {
    key.map(|key| Zeroizing::new(key.stored().expose().to_owned()))
}

fn seal<T: Serialize>(what: &T) -> Result<SecretString> {
    serde_json::to_string(what)
        .map(SecretString::new)
        .map_err(|_| Error::Internal("a sign-in could not be written down"))
}
