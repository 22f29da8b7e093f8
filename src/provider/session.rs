//! What a session is to a server: whose it is, what proves it, and what renewing it costs.
#![forbid(unsafe_code)]

use crate::secret::SecretString;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Who is signed in, as far as the server tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The server's identifier. Never empty.
    pub id: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// The URL of a picture.
    pub image: Option<String>,
    /// Whether the server has verified the address.
    pub email_verified: Option<bool>,
}

/// What proves the session to the server.
#[derive(Debug)]
pub struct Credentials {
    /// Sent with each request.
    pub access_token: SecretString,
    /// Spent to renew the access token, where the provider has such a thing.
    pub refresh_token: Option<SecretString>,
    /// When the access token ends, in milliseconds since 1970 by the local clock; `None` when the server did not say.
    pub expires_at_ms: Option<u64>,
    /// When the server last confirmed it, by the local clock.
    pub confirmed_at_ms: u64,
    /// Whether using the session may prolong it. Better Auth's `rememberMe: false` says no.
    pub sliding: bool,
    /// What else the provider needs with these, in a form of its own: an ID token, the identifier of a session. Sealed with
    /// the rest.
    pub private: Option<SecretString>,
}

impl Credentials {
    /// A second copy, for a second owner. Each wipes its own.
    #[must_use]
    pub(crate) fn duplicate(&self) -> Self {
        let copy = |token: &SecretString| SecretString::new(token.expose().to_owned());
        Self {
            access_token: copy(&self.access_token),
            refresh_token: self.refresh_token.as_ref().map(copy),
            expires_at_ms: self.expires_at_ms,
            confirmed_at_ms: self.confirmed_at_ms,
            sliding: self.sliding,
            private: self.private.as_ref().map(copy),
        }
    }
}

/// A session the server granted or confirmed.
#[derive(Debug)]
pub struct Grant {
    /// What proves it.
    pub credentials: Credentials,
    /// Whose it is.
    pub user: User,
}

/// What the server said when asked to renew a session. Anything it could not say is an error.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of them at a time")]
pub enum Renewal {
    /// It goes on.
    Renewed(Grant),
    /// It is over, by the provider's own word.
    Over,
}

/// What asking for a renewal costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// Nothing: the question may be asked as often as one likes.
    Nothing,
    /// A refresh token, which the server takes again if its answer was lost.
    Reusable,
    /// A refresh token that serves once. Sent twice, it ends the session (RFC 9700 section 4.14.2).
    Once,
}

impl Spending {
    /// What a renewal with the refresh token among `credentials` costs; `reusable`: the server takes it again.
    pub(super) fn of_refresh_token(credentials: &Credentials, reusable: bool) -> Self {
        match (&credentials.refresh_token, reusable) {
            (None, _) => Self::Nothing,
            (Some(_), true) => Self::Reusable,
            (Some(_), false) => Self::Once,
        }
    }
}

/// Another organization to renew a session for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Switch {
    /// Its identifier; `None` for none at all.
    pub organization: Option<String>,
}

/// A token of the session beside its access token.
#[derive(Debug)]
pub struct Minted {
    /// The token.
    pub token: SecretString,
    /// When it ends, in milliseconds since 1970 by the local clock; `None` when nobody says.
    pub expires_at_ms: Option<u64>,
}

/// A session of the same person, here or on another device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteSession {
    /// Names it for [`Provider::end_session`](super::Provider::end_session). No token.
    pub id: String,
    /// Whether it is the one that asks.
    pub current: bool,
    /// When it began, in milliseconds since 1970.
    pub created_at_ms: Option<u64>,
    /// When it was used last, in milliseconds since 1970.
    pub active_at_ms: Option<u64>,
    /// When it ends, in milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
    /// The address it was used from.
    pub ip_address: Option<String>,
    /// The software it was used with.
    pub user_agent: Option<String>,
}

/// # Errors
/// `ERR_NOT_SUPPORTED`, for a server without organizations.
pub(super) fn check_no_switch(switch: Option<&Switch>) -> Result<()> {
    match switch {
        None => Ok(()),
        Some(_) => Err(Error::NotSupported("organizations")),
    }
}

/// Without a refresh token the session lives as long as its access token.
pub(super) fn renew_without_refresh_token(
    credentials: &Credentials,
    user: &User,
    now_ms: u64,
) -> Renewal {
    let is_over = credentials
        .expires_at_ms
        .is_some_and(|expires_at_ms| expires_at_ms <= now_ms);
    if is_over {
        return Renewal::Over;
    }
    Renewal::Renewed(Grant {
        credentials: Credentials {
            // What is left is a lifetime of its own, so that nothing falls due all the time.
            confirmed_at_ms: now_ms,
            ..credentials.duplicate()
        },
        user: user.clone(),
    })
}
