//! The servers that sign people in: one trait, one file for each.

mod better_auth;
mod clerk;
mod custom;
mod handles;
mod oidc;
mod token_answer;
mod token_endpoint;
mod workos;

pub use better_auth::{BetterAuth, BetterAuthOptions};
pub use clerk::{Clerk, ClerkOptions};
pub use custom::{Custom, SOURCE_TIMEOUT, SourceToken, TokenReason, TokenSource};
pub use oidc::{Oidc, OidcOptions};
pub use token_endpoint::{TokenEndpoint, TokenEndpointOptions};
pub use workos::{WorkOs, WorkOsOptions};

use crate::http::{HeaderMap, HttpClient, Method, Request, Response, StatusCode, Url};
use crate::oauth::Callback;
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
    /// With a token of the application's own (see [`Custom`]).
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
    /// Where the browser comes back to. `None`: [`Provider::redirect_uri`].
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
        /// What [`Provider::callback_state`] finds in the address it comes back with. Unguessable.
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
    /// Names it for [`Provider::end_session`]. No token.
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

/// The session at hand.
#[derive(Debug)]
pub struct Current<'a> {
    /// What proves it.
    pub credentials: &'a Credentials,
    /// Whose it is.
    pub user: &'a User,
}

/// What a provider works with.
#[derive(Debug)]
pub struct Context<'a> {
    /// What sends its requests.
    pub http: &'a HttpClient,
    /// The time, in milliseconds since 1970 by the local clock.
    pub now_ms: u64,
    /// What it keeps for itself.
    pub keep: &'a dyn Keep,
    /// The session at hand, if there is one.
    pub current: Option<Current<'a>>,
}

/// What a provider keeps beside a session, such as a trusted device: sealed, and separate for each account and server. It
/// outlives sign-outs.
#[async_trait]
pub trait Keep: Debug + Send + Sync {
    /// What was kept under `name`; `None` when nothing was.
    ///
    /// # Errors
    /// The vault's.
    async fn load(&self, name: &'static str) -> Result<Option<SecretString>>;

    /// Keeps `value` durably, `None` forgets what was kept.
    ///
    /// # Errors
    /// The vault's.
    async fn store(&self, name: &'static str, value: Option<SecretString>) -> Result<()>;

    /// Waits until no other process holds this.
    ///
    /// # Errors
    /// `ERR_VAULT_BUSY`, `ERR_VAULT_IO`.
    async fn exclusive(&self) -> Result<Exclusive>;
}

/// Held by one process at a time, until it is dropped.
pub struct Exclusive(#[expect(dead_code, reason = "it is held, not read")] Box<dyn Send + Sync>);

impl Exclusive {
    /// Wraps what is to be held.
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self(Box::new(guard))
    }
}

impl Debug for Exclusive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exclusive").finish_non_exhaustive()
    }
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

    /// Where the browser comes back to by default. `None`: to a port of this machine.
    fn redirect_uri(&self) -> Option<&str> {
        None
    }

    /// Begins to sign somebody in.
    ///
    /// # Errors
    /// `ERR_NOT_SUPPORTED`, `ERR_INVALID_ARGUMENT`, `ERR_INVALID_CREDENTIALS`, `ERR_EMAIL_NOT_VERIFIED`, `ERR_RATE_LIMITED`,
    /// `ERR_SIGN_IN_REJECTED`, and those of [`HttpClient::send`], `ERR_SERVER`, `ERR_UNEXPECTED_RESPONSE`.
    async fn sign_in(&self, cx: &Context<'_>, how: SignIn) -> Result<Step>;

    /// Makes an account and signs it in.
    ///
    /// # Errors
    /// As for [`Provider::sign_in`], and `ERR_USER_EXISTS`, `ERR_WEAK_PASSWORD`.
    async fn sign_up(&self, _cx: &Context<'_>, _account: SignUp) -> Result<Step> {
        Err(Error::NotSupported("sign-up"))
    }

    /// Goes on with a sign-in. `state` is [`Pending::state`] of the step before.
    ///
    /// # Errors
    /// As for [`Provider::sign_in`]; `ERR_INVALID_CODE`, after which the sign-in still stands; `ERR_SIGN_IN_EXPIRED`,
    /// `ERR_ACCESS_DENIED`, `ERR_CALLBACK_INVALID`, `ERR_ID_TOKEN_INVALID`.
    async fn proceed(
        &self,
        _cx: &Context<'_>,
        _state: &SecretString,
        _answer: Answer,
    ) -> Result<Step> {
        Err(Error::NotSupported("this step of a sign-in"))
    }

    /// What tells which sign-in a callback belongs to: by default its `state` (RFC 6749 section 4.1.2).
    fn callback_state(&self, callback: &Callback) -> Option<String> {
        callback.get("state").map(str::to_owned)
    }

    /// Whether a callback came to this redirect address.
    fn is_callback_at(&self, callback: &Callback, redirect_uri: &str) -> bool {
        callback.is_at(redirect_uri)
    }

    /// Asks the server to renew or confirm a session. `user`: whose it is, for a server that does not say it again. `switch`:
    /// for another organization.
    ///
    /// # Errors
    /// Whatever kept the server from saying: the session may well go on. `ERR_STEP_UP_REQUIRED` when it wants to see the
    /// person first. `ERR_NOT_SUPPORTED` for a switch.
    async fn renew(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        user: &User,
        switch: Option<&Switch>,
    ) -> Result<Renewal>;

    /// What a renewal of these credentials costs.
    fn spending(&self, _credentials: &Credentials) -> Spending {
        Spending::Nothing
    }

    /// Ends the session on the server.
    ///
    /// # Errors
    /// Whatever kept the server from it.
    async fn revoke(&self, cx: &Context<'_>, credentials: &Credentials) -> Result<()>;

    /// What the browser opens to end the session there too, and come back to `return_to`; `None` when there is nothing to end.
    ///
    /// # Errors
    /// Whatever kept the server from saying where.
    async fn sign_out_url(
        &self,
        _cx: &Context<'_>,
        _credentials: &Credentials,
        _return_to: Option<&str>,
    ) -> Result<Option<Url>> {
        Ok(None)
    }

    /// Adds to a request of the application what authenticates it: by default a bearer token (RFC 6750 section 2.1).
    ///
    /// # Errors
    /// `ERR_UNEXPECTED_RESPONSE` when the server gave a token that no header can carry.
    fn authorize(
        &self,
        _method: &Method,
        _url: &Url,
        headers: &mut HeaderMap,
        credentials: &Credentials,
        _now_ms: u64,
    ) -> Result<()> {
        crate::http::authorize(headers, credentials.access_token.expose())
    }

    /// Learns from an answer to such a request. `true`: sent again, and authorized anew, it may be served.
    fn learn(&self, _url: &Url, _status: StatusCode, _headers: &HeaderMap) -> bool {
        false
    }

    /// Another token of the session, made for a purpose that the server knows as `template`.
    ///
    /// # Errors
    /// `ERR_NOT_SUPPORTED`, and whatever kept the server from it.
    async fn mint(
        &self,
        _cx: &Context<'_>,
        _credentials: &Credentials,
        _template: &str,
    ) -> Result<Minted> {
        Err(Error::NotSupported("tokens from a template"))
    }

    /// What the access token says of itself, where it can be read: by default the claims of a JWT (RFC 7519 section 4). They
    /// came from the server over TLS; nothing checks them again.
    fn claims(&self, credentials: &Credentials) -> Option<serde_json::Value> {
        token_answer::claims_of(credentials.access_token.expose())
    }

    /// The person's sessions, on this device and others.
    ///
    /// # Errors
    /// `ERR_NOT_SUPPORTED`, and whatever kept the server from saying.
    async fn sessions(
        &self,
        _cx: &Context<'_>,
        _credentials: &Credentials,
    ) -> Result<Vec<RemoteSession>> {
        Err(Error::NotSupported("a list of sessions"))
    }

    /// Ends one of [`Provider::sessions`].
    ///
    /// # Errors
    /// `ERR_NOT_SUPPORTED`, and whatever kept the server from it.
    async fn end_session(
        &self,
        _cx: &Context<'_>,
        _credentials: &Credentials,
        _id: &str,
    ) -> Result<()> {
        Err(Error::NotSupported("ending another session"))
    }

    /// Whether `url` is a route of the provider's own client library, whose answers [`Provider::observe`] reads.
    fn owns(&self, _url: &Url) -> bool {
        false
    }

    /// The parts of an access token that must not be seen by anyone it was not given to.
    fn fragments<'a>(&self, token: &'a str) -> Vec<&'a str> {
        vec![token]
    }

    /// Whether a request of the provider's own client, sent for whoever is signed in, may bring another token for the same
    /// session. No renewal runs meanwhile: it would ask with a token that is about to end.
    fn may_replace(&self, _method: &Method, _url: &Url) -> bool {
        false
    }

    /// Makes a request of the application's own client one that this provider can answer as meant: puts tokens back where an
    /// earlier answer had handles, and keeps the promises of the session at hand. Says what an observer must know of it.
    ///
    /// # Errors
    /// The vault's.
    async fn adapt(&self, _cx: &Context<'_>, request: &mut Request) -> Result<Sent> {
        Ok(Sent::of(request))
    }

    /// Reads what an answer to the application's own client says, and cuts every token out of it.
    async fn observe(
        &self,
        _cx: &Context<'_>,
        _request: &Sent,
        _response: &mut Response,
    ) -> Observation {
        Observation::Nothing
    }
}

/// What of a request an observer needs.
#[derive(Debug)]
pub struct Sent {
    /// The method.
    pub method: Method,
    /// The URL it was sent to.
    pub url: Url,
    /// For a sign-in: whether the session may be prolonged by being used.
    pub sliding: bool,
    /// For a sign-in: the name that was typed.
    pub identifier: Option<Identifier>,
    /// Whether it goes out without the session at hand, which the server would take it for.
    pub anonymous: bool,
    /// What is held until its answer was observed.
    pub held: Option<Exclusive>,
}

impl Sent {
    /// What a request says by itself.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        Self {
            method: request.method.clone(),
            url: request.url.clone(),
            sliding: true,
            identifier: None,
            anonymous: false,
            held: None,
        }
    }
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
        private: None,
    };
    Ok((credentials, user))
}

/// # Errors
/// `ERR_NOT_SUPPORTED`, for a server without organizations.
fn check_no_switch(switch: Option<&Switch>) -> Result<()> {
    match switch {
        None => Ok(()),
        Some(_) => Err(Error::NotSupported("organizations")),
    }
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
