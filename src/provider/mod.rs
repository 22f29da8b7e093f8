//! The servers that sign people in: one trait, one file for each.

mod better_auth;
mod handles;
mod oidc;
mod token_answer;
mod token_endpoint;

pub use better_auth::BetterAuth;
pub use oidc::{Oidc, OidcOptions};
pub use token_endpoint::{TokenEndpoint, TokenEndpointOptions};

use crate::http::{HttpClient, Request, Response, Url};
use crate::secret::SecretString;
use crate::{Error, Result};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

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
    fn of_refresh_token(credentials: &Credentials, reusable: bool) -> Self {
        match (&credentials.refresh_token, reusable) {
            (None, _) => Self::Nothing,
            (Some(_), true) => Self::Reusable,
            (Some(_), false) => Self::Once,
        }
    }
}

/// How somebody signs in.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignIn {
    /// With an e-mail address and a password.
    Password {
        /// The address.
        email: String,
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
}

/// What an answer that the application's own client got from the provider says about the session.
#[derive(Debug)]
pub enum Observation {
    /// Nothing.
    Nothing,
    /// Somebody signed in.
    SignedIn(Grant),
    /// The token was replaced by another for the same session.
    TokenReplaced(SecretString),
    /// The session was confirmed.
    Confirmed(Grant),
    /// The server knows no session.
    Gone,
    /// The session was ended on purpose.
    SignedOut,
}

/// A kind of server.
#[async_trait]
pub trait Provider: Debug + Send + Sync + 'static {
    /// Names kind and server. A stored session is used only with the identity it was stored with.
    fn identity(&self) -> String;

    /// The URL under which the provider's own routes lie.
    fn base_url(&self) -> &Url;

    /// Signs somebody in.
    ///
    /// # Errors
    /// `ERR_INVALID_CREDENTIALS`, `ERR_EMAIL_NOT_VERIFIED`, `ERR_SECOND_FACTOR_REQUIRED`, `ERR_RATE_LIMITED`,
    /// `ERR_SIGN_IN_REJECTED`, and those of [`HttpClient::send`], `ERR_SERVER`, `ERR_UNEXPECTED_RESPONSE`.
    async fn sign_in(&self, http: &HttpClient, how: SignIn, now_ms: u64) -> Result<Grant>;

    /// Makes an account and signs it in.
    ///
    /// # Errors
    /// As for [`Provider::sign_in`], and `ERR_USER_EXISTS`, `ERR_WEAK_PASSWORD`.
    async fn sign_up(&self, http: &HttpClient, account: SignUp, now_ms: u64) -> Result<Grant>;

    /// Asks the server to renew or confirm a session. `user`: whose it is, for a server that does not say it again.
    ///
    /// # Errors
    /// Whatever kept the server from saying: the session may well go on.
    async fn renew(
        &self,
        http: &HttpClient,
        credentials: &Credentials,
        user: &User,
        now_ms: u64,
    ) -> Result<Renewal>;

    /// What a renewal of these credentials costs.
    fn spending(&self, _credentials: &Credentials) -> Spending {
        Spending::Nothing
    }

    /// Ends the session on the server.
    ///
    /// # Errors
    /// Whatever kept the server from it.
    async fn revoke(&self, http: &HttpClient, credentials: &Credentials) -> Result<()>;

    /// Whether `url` is a route of the provider's own client library, whose answers [`Provider::observe`] reads.
    fn owns(&self, _url: &Url) -> bool {
        false
    }

    /// The parts of an access token that must not be seen by anyone it was not given to.
    fn fragments<'a>(&self, token: &'a str) -> Vec<&'a str> {
        vec![token]
    }

    /// Makes a request of the application's own client one that this provider can answer as meant: puts tokens back where an
    /// earlier answer had handles, and keeps the promises of the session at hand. Says what an observer must know of it.
    fn adapt(&self, request: &mut Request, _current: Option<&Credentials>) -> Sent {
        Sent {
            method: request.method.clone(),
            url: request.url.clone(),
            sliding: true,
        }
    }

    /// Reads what an answer to the application's own client says, and cuts every token out of it.
    fn observe(&self, _request: &Sent, _response: &mut Response, _now_ms: u64) -> Observation {
        Observation::Nothing
    }
}

/// What of a request an observer needs.
#[derive(Debug)]
pub struct Sent {
    /// The method.
    pub method: crate::http::Method,
    /// The URL it was sent to.
    pub url: Url,
    /// For a sign-in: whether the session may be prolonged by being used.
    pub sliding: bool,
}

/// A server's error code, made safe to show: `A-Z 0-9 _`, at most 64 characters.
pub(crate) fn safe_reason(code: Option<&str>) -> String {
    let safe = |code: &&str| {
        (1..=64).contains(&code.len())
            && code
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    code.filter(safe).unwrap_or("no reason given").to_owned()
}

/// Checks that the server could do its work, whatever it said then.
///
/// # Errors
/// `ERR_RATE_LIMITED`, `ERR_SERVER`.
pub(crate) fn check_served(response: &Response) -> Result<()> {
    match response.status.as_u16() {
        429 => Err(Error::RateLimited {
            retry_after_ms: response.retry_after_ms(),
        }),
        status @ 500.. => Err(Error::Server { status }),
        _ => Ok(()),
    }
}

/// The credentials that an application brings, and whose they are if it says so.
///
/// # Errors
/// `ERR_INVALID_ARGUMENT` when there is no access token.
fn adopt_tokens(how: SignIn, now_ms: u64) -> Result<(Credentials, Option<User>)> {
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
    };
    Ok((credentials, user))
}

/// Without a refresh token the session lives as long as its access token.
fn renew_without_refresh_token(credentials: &Credentials, user: &User, now_ms: u64) -> Renewal {
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
