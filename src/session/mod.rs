//! One session of one application: kept in the vault, renewed exactly once, ended only by the provider's word.
//!
//! | file | what it holds |
//! |---|---|
//! | [`state`] | the states and the table of how they follow each other |
//! | [`record`] | the session as it lies in the vault |
//! | [`freshness`] | when to renew, how long to wait after a failure |
//! | [`core`](self::core) | what the session is at one moment |
//! | [`engine`] | renewal as a single flight, commits, the retry while offline |
//! | [`fetch`] | requests with the token |
//!
//! Invariants:
//! - Durable before visible: no caller sees a token that is not in the vault.
//! - A sign-out or sign-in beats every renewal in flight: what began under an older generation is dropped.
//! - Trouble with the server never removes a token.
#![forbid(unsafe_code)]

mod core;
mod engine;
mod fetch;
mod freshness;
mod record;
mod state;

pub use fetch::{
    Delivery, Exchange, FetchAnswer, FetchBody, FetchHead, FetchRequest, FetchResponse,
};
pub use state::{Reason, Snapshot, State};

use self::core::Core;
use crate::clock::{Clock, SystemClock};
use crate::http::{HttpClient, Origin};
use crate::provider::{Grant, Provider, SignIn, SignUp, User};
use crate::secret::SecretString;
use crate::vault::Vault;
use crate::{Error, Result};
use engine::Engine;
use record::Record;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// How to open a session.
#[derive(Debug)]
pub struct SessionOptions {
    /// Where the session is kept.
    pub vault: Vault,
    /// Who signs people in.
    pub provider: Arc<dyn Provider>,
    /// Origins that may receive the access token, beside the provider's own.
    pub allowed_origins: Vec<Origin>,
    /// What sends the requests, the provider's and the application's. Default: [`HttpClient::new`].
    pub http: HttpClient,
    /// The clock. Default [`SystemClock`].
    pub clock: Arc<dyn Clock>,
}

impl SessionOptions {
    /// Options with every default: only the provider's own origin receives the token.
    #[must_use]
    pub fn new(vault: Vault, provider: Arc<dyn Provider>) -> Self {
        Self {
            vault,
            provider,
            allowed_origins: Vec::new(),
            http: HttpClient::new(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// A session. Clones share it.
#[derive(Debug, Clone)]
pub struct Session(Arc<Engine>);

impl Session {
    /// Opens the session that the vault holds, or one that is signed out.
    ///
    /// The stored user is known at once; the server is asked in the background whether the session goes on. Must be
    /// called within a Tokio runtime with time and I/O enabled, which then runs the session's work.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT`, and the vault's.
    pub async fn open(options: SessionOptions) -> Result<Self> {
        let mut origins = options.allowed_origins;
        origins.push(Origin::of(options.provider.base_url())?);
        let vault = options.vault.clone();
        let identity = options.provider.identity();
        let stored = engine::blocking(move || Record::load(&vault, &identity)).await?;
        let engine = Arc::new(Engine::new(
            options.vault,
            options.provider,
            options.http,
            origins,
            options.clock,
            Core::restore(stored),
        ));
        engine.start();
        Ok(Self(engine))
    }

    /// Where the session stands.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.0.core().snapshot()
    }

    /// Every change from now on, in order. Ends when the session is closed.
    #[must_use]
    pub fn subscribe(&self) -> UnboundedReceiver<Snapshot> {
        self.0.core().subscribe()
    }

    /// Signs somebody in. A session that was active is replaced when, and only when, this succeeds.
    ///
    /// # Errors
    /// The provider's (see [`Provider::sign_in`]), the vault's, `ERR_SUPERSEDED`, `ERR_SESSION_CLOSED`.
    pub async fn sign_in(&self, how: SignIn) -> Result<User> {
        let engine = &self.0;
        let now_ms = engine.now_ms();
        self.enter(engine.provider().sign_in(engine.http(), how, now_ms))
            .await
    }

    /// Makes an account and signs it in.
    ///
    /// # Errors
    /// As for [`Session::sign_in`], and `ERR_USER_EXISTS`, `ERR_WEAK_PASSWORD`.
    pub async fn sign_up(&self, account: SignUp) -> Result<User> {
        let engine = &self.0;
        let now_ms = engine.now_ms();
        self.enter(engine.provider().sign_up(engine.http(), account, now_ms))
            .await
    }

    async fn enter(&self, granting: impl Future<Output = Result<Grant>>) -> Result<User> {
        let generation = self.0.core().begin_sign_in()?;
        let entered = match granting.await {
            Ok(grant) => self.0.commit_sign_in(generation, grant).await,
            Err(error) => Err(error),
        };
        if entered.is_err() {
            self.0.core().fail_sign_in(generation);
        }
        entered
    }

    /// Signs out: in memory before this returns, in the vault and then on the server, as far as it can be reached within
    /// 5 seconds, while the future runs. Dropping the future does not bring the session back.
    ///
    /// # Errors
    /// The vault's, when the stored session could not be removed; call again. `ERR_SESSION_CLOSED`.
    pub fn sign_out(&self) -> impl Future<Output = Result<()>> + Send + 'static {
        let engine = Arc::clone(&self.0);
        let begun = engine.core().begin_sign_out();
        async move {
            let credentials = begun?;
            let erased = engine.commit_sign_out().await;
            if let Some(credentials) = credentials {
                engine.revoke(&credentials).await;
            }
            erased
        }
    }

    /// Asks the server now whether the session goes on. Joins a renewal that is under way.
    ///
    /// # Errors
    /// What kept the server from answering; the session then stands as before, offline. `ERR_NOT_SIGNED_IN`,
    /// `ERR_SESSION_CLOSED`.
    pub async fn refresh(&self) -> Result<Snapshot> {
        let flight = self.0.join_flight()?;
        flight.await?;
        Ok(self.snapshot())
    }

    /// The access token, for code that brings its own HTTP client. Valid for at least `min_validity` where the server
    /// can be asked.
    ///
    /// # Errors
    /// `ERR_NOT_SIGNED_IN`, `ERR_SESSION_EXPIRED`, `ERR_SESSION_CLOSED`; what kept the server from answering, when the
    /// token at hand has ended.
    pub async fn access_token(&self, min_validity: Duration) -> Result<SecretString> {
        let min_validity_ms = u64::try_from(min_validity.as_millis()).unwrap_or(u64::MAX);
        let fresh = self.0.fresh_credentials(min_validity_ms).await?;
        Ok(SecretString::new(
            fresh.credentials.access_token.expose().to_owned(),
        ))
    }

    /// Sends a request with the access token, to an allowed origin only. Without a session it goes out without a token.
    ///
    /// A 401 is confirmed with the provider once; if that brought a new token, the request is sent once more. Answers
    /// of the provider's own routes are read, so that signing in or out through them is noticed, and every token in
    /// them is replaced by a handle.
    ///
    /// # Errors
    /// `ERR_ORIGIN_NOT_ALLOWED`, those of [`HttpClient::send`], `ERR_SESSION_CLOSED`.
    pub async fn fetch(&self, request: FetchRequest) -> Result<FetchResponse> {
        fetch::fetch_response(&self.0, request).await
    }

    /// Stops the session's work. The stored session stays. Calls after this fail with `ERR_SESSION_CLOSED`.
    pub fn close(&self) {
        self.0.core().close();
    }
}

/// The error of a call that needs credentials in a state that has none.
fn without_credentials(state: State) -> Error {
    match state {
        State::Expired => Error::SessionExpired,
        _ => Error::NotSignedIn,
    }
}
