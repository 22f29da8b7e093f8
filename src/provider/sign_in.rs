//! Signing in, step by step: what is asked for, and what the person has to do.
#![forbid(unsafe_code)]

use super::session::{Credentials, Grant, User};
use super::token_answer;
use crate::oauth::Callback;
use crate::secret::SecretString;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How somebody signs in.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignIn {
    /// With a name and a password.
    Password {
        /// The name.
        identifier: Identifier,
        /// The password.
        password: SecretString,
        /// Whether the session outlives its first period by being used.
        remember_me: bool,
    },
    /// With tokens that the application has already, from a sign-in of its own.
    Tokens {
        /// The access token.
        access_token: SecretString,
        /// The refresh token, without which the session ends with the access token.
        refresh_token: Option<SecretString>,
        /// How long the access token lives from now, in milliseconds; `None` when only the token itself may say.
        expires_in_ms: Option<u64>,
        /// Whose they are; `None` when the provider can tell.
        user: Option<User>,
    },
    /// In the system's browser (RFC 8252).
    Browser(BrowserSignIn),
    /// On another device, which shows the server's page (RFC 8628).
    Device {
        /// The scopes to ask for. `None`: the provider's configured ones.
        scope: Option<String>,
    },
    /// With a code that the server sends to the address.
    Code {
        /// The address.
        identifier: Identifier,
    },
    /// With a token of the application's own (see [`Custom`](super::Custom)).
    Custom,
    /// The person at hand proves again who they are, without a browser.
    StepUp {
        /// What is to be proven, in the provider's own words.
        level: Option<String>,
    },
}

/// The name that somebody signs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// An e-mail address.
    Email(String),
    /// A user name.
    Username(String),
}

/// What is asked of a sign-in in the browser. Which of it a server heeds is its own affair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrowserSignIn {
    /// Where the browser comes back to. `None`: [`Provider::redirect_uri`](super::Provider::redirect_uri).
    pub redirect_uri: Option<String>,
    /// Whether the browser comes back to a port of this machine (RFC 8252 section 7.3), which the session opens.
    pub loopback: bool,
    /// The social or enterprise provider to go on to, such as `google`.
    pub connection: Option<String>,
    /// The organization to sign in to.
    pub organization: Option<String>,
    /// The domain whose identity provider is to be used.
    pub domain_hint: Option<String>,
    /// Who probably signs in (OpenID Connect Core 1.0 section 3.1.2.1).
    pub login_hint: Option<String>,
    /// Which page to show first, such as `sign-up`.
    pub screen_hint: Option<String>,
    /// Whether to ask again (OpenID Connect Core 1.0 section 3.1.2.1).
    pub prompt: Option<String>,
    /// How long ago the person may have signed in, in seconds (OpenID Connect Core 1.0 section 3.1.2.1).
    pub max_age_s: Option<u64>,
    /// How strongly the person is to prove who they are (OpenID Connect Core 1.0 section 3.1.2.1).
    pub acr_values: Option<String>,
    /// The scopes to ask for. `None`: the provider's configured ones.
    pub scope: Option<String>,
    /// The `WWW-Authenticate` field of an answer that asked for more (RFC 9470 section 3).
    pub challenge: Option<String>,
}

/// What a step of signing in has come to.
#[derive(Debug)]
pub enum Step {
    /// A new session.
    Complete(Grant),
    /// The session at hand, proven anew: on the server it is the same one.
    SteppedUp(Grant),
    /// The person has to do something first.
    Pending(Pending),
}

/// A sign-in that waits for the person.
#[derive(Debug)]
pub struct Pending {
    /// What it waits for.
    pub awaits: Awaits,
    /// What the provider needs for the next step, in a form of its own. Sealed in the vault until then.
    pub state: SecretString,
    /// When the server forgets it, in milliseconds since 1970 by the local clock.
    pub expires_at_ms: u64,
}

/// What a sign-in waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Awaits {
    /// That the browser comes back.
    Browser {
        /// What the browser opens.
        url: String,
        /// Where it comes back to.
        redirect_uri: String,
        /// What [`Provider::callback_state`](super::Provider::callback_state) finds in the address it comes back with. Unguessable.
        callback_state: String,
    },
    /// That the person allows it on another device (RFC 8628 section 3.2).
    Device {
        /// What the person types there.
        user_code: String,
        /// Where.
        verification_uri: String,
        /// The same with the code in it, for a QR code.
        verification_uri_complete: Option<String>,
        /// How long to wait between two questions, in milliseconds.
        interval_ms: u64,
    },
    /// A code.
    Code {
        /// From where it may come.
        factors: Vec<Factor>,
    },
}

/// A way to prove who one is with a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// The provider's name for it, such as `totp`.
    pub strategy: String,
    /// Where the code goes, as far as the server shows it.
    pub hint: Option<String>,
    /// Whether there is a code to type in: it was sent, or is of the person's own making.
    pub sent: bool,
    /// Whether it stands in for a password, and not beside one.
    pub first: bool,
}

/// What goes on with a sign-in.
#[derive(Debug)]
pub enum Answer {
    /// The browser came back.
    Callback(Callback),
    /// The person typed a code.
    Code {
        /// Which [`Factor::strategy`] it is of.
        strategy: String,
        /// The code.
        code: SecretString,
        /// Whether this device need not be asked again for a while.
        trust_device: bool,
    },
    /// The person wants a code sent.
    SendCode {
        /// Which [`Factor::strategy`] sends it.
        strategy: String,
    },
    /// The other device is to be asked about. [`Step::Pending`] is "not yet".
    Poll,
}

/// A new account.
#[derive(Debug)]
pub struct SignUp {
    /// The address.
    pub email: String,
    /// The password.
    pub password: SecretString,
    /// The display name.
    pub name: String,
    /// The user name, where the server has such.
    pub username: Option<String>,
}

/// The credentials that an application brings, and whose they are if it says so.
///
/// # Errors
/// `ERR_INVALID_ARGUMENT` when there is no access token.
pub(super) fn adopt_tokens(how: SignIn, now_ms: u64) -> Result<(Credentials, Option<User>)> {
    let SignIn::Tokens {
        access_token,
        refresh_token,
        expires_in_ms,
        user,
    } = how
    else {
        return Err(Error::Internal("a sign-in without tokens"));
    };
    if access_token.expose().is_empty() {
        return Err(Error::InvalidArgument(
            "accessToken must not be empty.".to_owned(),
        ));
    }
    let credentials = Credentials {
        // A token that was issued some time ago: only its own end says when that is.
        expires_at_ms: expires_in_ms
            .map(|lifetime_ms| now_ms.saturating_add(lifetime_ms))
            .or_else(|| token_answer::end_ms(access_token.expose())),
        access_token,
        refresh_token,
        confirmed_at_ms: now_ms,
        sliding: true,
        private: None,
    };
    Ok((credentials, user))
}
