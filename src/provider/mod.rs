//! The servers that sign people in: one trait, one file for each.
//!
//! | file | what it holds |
//! |---|---|
//! | this one | the trait that each kind of server is |
//! | [`session`] | whose a session is, what proves it, what renewing it costs |
//! | [`sign_in`] | the ways to sign in, and the steps of one |
//! | [`context`] | what a provider works with |
//! | [`client_traffic`] | what the application's own client sends and is answered |
//! | [`refusal`] | what a server of any kind says when it refuses |
//! | the others | a kind of server each, and what several of them share |

mod better_auth;
mod clerk;
mod client_traffic;
mod context;
mod custom;
mod handles;
mod oidc;
mod refusal;
mod session;
mod sign_in;
mod token_answer;
mod token_endpoint;
mod workos;

pub use better_auth::{BetterAuth, BetterAuthOptions};
pub use clerk::{Clerk, ClerkOptions};
pub use client_traffic::{Observation, Sent};
pub use context::{Context, Current, Exclusive, Keep};
pub use custom::{Custom, SOURCE_TIMEOUT, SourceToken, TokenReason, TokenSource};
pub use oidc::{Oidc, OidcOptions};
pub use session::{Credentials, Grant, Minted, RemoteSession, Renewal, Spending, Switch, User};
pub use sign_in::{
    Answer, Awaits, BrowserSignIn, Factor, Identifier, Pending, SignIn, SignUp, Step,
};
pub use token_endpoint::{TokenEndpoint, TokenEndpointOptions};
pub use workos::{WorkOs, WorkOsOptions};

pub(crate) use refusal::{check_served, safe_reason};
use session::{check_no_switch, renew_without_refresh_token};
use sign_in::adopt_tokens;

use crate::http::{HeaderMap, Method, Request, Response, StatusCode, Url};
use crate::oauth::Callback;
use crate::secret::SecretString;
use crate::{Error, Result};
use async_trait::async_trait;
use std::fmt::Debug;

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
    /// `ERR_SIGN_IN_REJECTED`, and those of [`HttpClient::send`](crate::http::HttpClient::send), `ERR_SERVER`, `ERR_UNEXPECTED_RESPONSE`.
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
