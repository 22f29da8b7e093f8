//! One session of one application: kept in the vault, renewed exactly once, ended only by the provider's word.
//!
//! | file | what it holds |
//! |---|---|
//! | [`state`] | the states and the table of how they follow each other |
//! | [`record`] | the session as it lies in the vault |
//! | [`freshness`] | when to renew, how long to wait after a failure |
//! | [`core`](mod@core) | what the session is at one moment |
//! | [`engine`] | who may have credentials, one flight for all who wait |
//! | [`renewal`] | one renewal: its turn among the processes, what each answer means |
//! | [`commits`] | every change of the stored session |
//! | [`revocations`] | what the server is still to be told |
//! | [`sign_ins`] | sign-ins that wait for the person |
//! | [`kept`] | what a provider keeps beside a session |
//! | [`policy`] | idle timeout and longest lifetime |
//! | [`accounts`] | several sessions of one application |
//! | [`activity`] | the last renewals, and who waited for them |
//! | [`audit`] | what happened that should not |
//! | [`fetch`] | requests with the token |
//!
//! Invariants:
//! - Durable before visible: no caller sees a token that is not in the vault.
//! - A sign-out or sign-in beats every renewal in flight: what began under an older generation is dropped.
//! - Trouble with the server never removes a token.
//! - A refresh token that serves once is sent once: that it is sent is written down before.
//! - While the session is locked no token leaves.
#![forbid(unsafe_code)]

pub mod accounts;
mod activity;
pub mod audit;
mod commits;
mod core;
mod engine;
mod fetch;
mod freshness;
mod kept;
#[cfg(test)]
mod model;
mod policy;
mod record;
mod renewal;
mod revocations;
mod sign_ins;
mod state;

pub use activity::{Callers, MOST_REFRESHES, Refresh, RefreshOutcome};
pub use fetch::{
    Delivery, Exchange, FetchAnswer, FetchBody, FetchHead, FetchRequest, FetchResponse,
};
pub use policy::PolicyOptions;
pub use sign_ins::{PendingSignIn, SignInOutcome};
pub use state::{Reason, Snapshot, State};

use self::core::{Core, Fresh};
use crate::clock::{Clock, SystemClock};
use crate::http::{HttpClient, Origin, Url};
use crate::provider::{Minted, Provider, RemoteSession, SignUp, Switch};
use crate::secret::SecretString;
use crate::vault::Vault;
use crate::{Error, Result};
use activity::Activity;
use audit::{Anomaly, Audit};
use commits::Replaced;
use engine::{Engine, Wish};
use policy::Policy;
use record::Record;
use sha2::{Digest as _, Sha256};
use sign_ins::SignIns;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// How long closing waits for a renewal.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How to open a session.
#[derive(Debug)]
pub struct SessionOptions {
    /// Where the session is kept.
    pub vault: Vault,
    /// Who signs people in.
    pub provider: Arc<dyn Provider>,
    /// Origins that may receive the access token, beside the provider's own.
    pub allowed_origins: Vec<Origin>,
    /// The name of the account, 1 to [`accounts::MAX_ACCOUNT_BYTES`] bytes, for applications with several; each has a
    /// session of its own. Default `None`: the application has one.
    pub account: Option<String>,
    /// How long the session may live and lie unused. Default: as long as the server allows.
    pub policy: PolicyOptions,
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
            account: None,
            policy: PolicyOptions::default(),
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
        if let Some(account) = &options.account {
            accounts::check_name(account)?;
        }
        let key = record::key_of(options.account.as_deref());
        let turn_path = options.vault.dir()?.join(turn_file(&key));
        let (vault, identity) = (options.vault.clone(), options.provider.identity());
        let loading = key.clone();
        let (stored, seen) =
            engine::blocking(move || Record::load(&vault, &loading, &identity)).await?;
        let now_ms = options.clock.now_ms();
        let engine = Arc::new(Engine {
            vault: options.vault,
            key,
            turn_path,
            provider: options.provider,
            http: options.http,
            origins,
            clock: options.clock,
            audit: Audit::default(),
            activity: Activity::default(),
            policy: Policy::new(options.policy, now_ms),
            policy_changed: Arc::default(),
            runtime: tokio::runtime::Handle::current(),
            core: Mutex::new(Core::restore(stored)),
            commits: tokio::sync::Mutex::default(),
            seen_records: AtomicU64::new(seen),
            is_delivering: AtomicBool::new(false),
            sign_ins: SignIns::default(),
        });
        engine.restore_sign_ins().await?;
        engine.start();
        Ok(Self(engine))
    }

    /// Where the session stands. A policy whose time has come takes effect with the question: timers stand still while the
    /// machine sleeps.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.0.enforce_policy();
        self.0.core().snapshot()
    }

    /// Every change from now on, in order. Ends when the session is closed.
    #[must_use]
    pub fn subscribe(&self) -> UnboundedReceiver<Snapshot> {
        self.0.core().subscribe()
    }

    /// Makes an account and signs it in.
    ///
    /// # Errors
    /// As for [`Session::sign_in`], and `ERR_USER_EXISTS`, `ERR_WEAK_PASSWORD`.
    pub async fn sign_up(&self, account: SignUp) -> Result<SignInOutcome> {
        let engine = &self.0;
        let generation = engine.core().begin_sign_in()?;
        let cx = engine.context(None);
        let step = engine.provider.sign_up(&cx, account).await;
        engine
            .settle(generation, None, step, Replaced::Ends, None)
            .await
    }

    /// Signs out: in memory before this returns, in the vault and then on the server while the future runs. A server that
    /// cannot be reached within 5 seconds is told later, also after a restart. Dropping the future does not bring the
    /// session back. Gives up every sign-in that waits for the person.
    ///
    /// Answers with what the browser may open to sign out there too, and come back to `return_to`; `None` when there is
    /// nothing, or the server could not say.
    ///
    /// # Errors
    /// The vault's, when the stored session could not be removed; call again. `ERR_SESSION_CLOSED`.
    pub fn sign_out(
        &self,
        return_to: Option<String>,
    ) -> impl Future<Output = Result<Option<Url>>> + Send + 'static {
        let engine = Arc::clone(&self.0);
        let begun = engine.core().begin_sign_out(Reason::SignedOut);
        async move {
            let credentials = begun?;
            engine.give_up_all(None).await;
            let removed = engine.commit_sign_out(credentials.as_deref()).await;
            let Some(credentials) = credentials else {
                return removed.map(|()| None);
            };
            let browser_url = engine
                .sign_out_url(&credentials, return_to.as_deref())
                .await;
            match &removed {
                // What the vault could not note is told now or never.
                Err(_) => {
                    let _ = engine.revoke(&credentials).await;
                }
                Ok(()) => engine.deliver_now().await,
            }
            removed.map(|()| browser_url)
        }
    }

    /// Asks the server now whether the session goes on. Joins a renewal that is under way.
    ///
    /// `retry_unanswered`: sends a refresh token that may be spent ([`Reason::Unanswered`]) once more. If it was, the
    /// session ends. For a person who would rather know than sign in anew.
    ///
    /// # Errors
    /// What kept the server from answering; the session then stands as before, offline. `ERR_REFRESH_UNANSWERED`,
    /// `ERR_NOT_SIGNED_IN`, `ERR_SESSION_EXPIRED`, `ERR_SESSION_LOCKED`, `ERR_SUPERSEDED`, `ERR_SESSION_CLOSED`.
    pub async fn refresh(&self, retry_unanswered: bool) -> Result<Snapshot> {
        loop {
            let flight = self.0.fly(Wish {
                retry_unanswered,
                switch: None,
            })?;
            let flown = self.0.wait_for(flight).await;
            // One that somebody else had begun without that wish: then it is ours to fly.
            if retry_unanswered && flown == Err(Error::RefreshUnanswered) {
                continue;
            }
            flown?;
            return Ok(self.snapshot());
        }
    }

    /// Renews the session for another organization. Waits for a renewal that is under way, so that no refresh token is spent
    /// twice.
    ///
    /// # Errors
    /// As for [`Session::refresh`], `ERR_NOT_SUPPORTED`, and `ERR_STEP_UP_REQUIRED` when the organization asks for more: then
    /// sign in to it in the browser.
    pub async fn switch_organization(&self, switch: Switch) -> Result<Snapshot> {
        loop {
            let under_way = self.0.core().flight();
            if let Some(flight) = under_way {
                let _ = self.0.wait_for(flight).await;
                continue;
            }
            let wish = Wish {
                retry_unanswered: false,
                switch: Some(switch.clone()),
            };
            // Somebody else's may have taken off in between.
            if let Some(flight) = self.0.fly_alone(wish)? {
                self.0.wait_for(flight).await?;
                return Ok(self.snapshot());
            }
        }
    }

    /// Another token of the session, made for a purpose that the server knows as `template`. Not stored.
    ///
    /// # Errors
    /// `ERR_NOT_SUPPORTED`, and as for [`Session::access_token`].
    pub async fn mint(&self, template: &str) -> Result<Minted> {
        let fresh = self.0.fresh_credentials(0).await?;
        let cx = self.0.context(None);
        self.0
            .provider
            .mint(&cx, &fresh.credentials, template)
            .await
    }

    /// What the access token says of itself, where it can be read; `None` when it cannot, or there is none.
    #[must_use]
    pub fn claims(&self) -> Option<serde_json::Value> {
        let held = self.0.core().held().ok()?;
        self.0.provider.claims(&held.credentials)
    }

    /// The person's sessions, on this device and others.
    ///
    /// # Errors
    /// `ERR_NOT_SUPPORTED`, those of [`Session::access_token`], and what kept the server from saying.
    pub async fn sessions(&self) -> Result<Vec<RemoteSession>> {
        let engine = &self.0;
        let cx = engine.context(None);
        let mut fresh = engine.fresh_credentials(0).await?;
        loop {
            let listed = engine.provider.sessions(&cx, &fresh.credentials).await;
            match listed {
                Err(Error::SessionExpired) => fresh = engine.confirm_end(&fresh).await?,
                listed => return listed,
            }
        }
    }

    /// Ends one of [`Session::sessions`]. When it is this one, sign out instead.
    ///
    /// # Errors
    /// As for [`Session::sessions`].
    pub async fn end_session(&self, id: &str) -> Result<()> {
        let engine = &self.0;
        let cx = engine.context(None);
        let mut fresh = engine.fresh_credentials(0).await?;
        loop {
            let ended = engine
                .provider
                .end_session(&cx, &fresh.credentials, id)
                .await;
            match ended {
                Err(Error::SessionExpired) => fresh = engine.confirm_end(&fresh).await?,
                ended => return ended,
            }
        }
    }

    /// Locks the session: no token leaves before [`Session::unlock`], in any process and after a restart. Without a session
    /// there is nothing to lock.
    ///
    /// # Errors
    /// The vault's, when the lock could not be stored: it holds in this process all the same. `ERR_SESSION_CLOSED`.
    pub fn lock(&self) -> impl Future<Output = Result<()>> + Send + 'static {
        self.set_locked(true)
    }

    /// Unlocks the session. The application has made sure before that it is the person's wish.
    ///
    /// # Errors
    /// As for [`Session::lock`].
    pub fn unlock(&self) -> impl Future<Output = Result<()>> + Send + 'static {
        self.set_locked(false)
    }

    fn set_locked(&self, locked: bool) -> impl Future<Output = Result<()>> + Send + 'static {
        let engine = Arc::clone(&self.0);
        let begun = {
            let mut core = engine.core();
            let open = core.check_open();
            if open.is_ok() {
                core.lock(locked, Reason::Locked);
            }
            open
        };
        if !locked {
            engine.touch();
            // What was stored and locked when it was opened is confirmed now.
            engine.confirm_restored();
        }
        async move {
            begun?;
            engine.commit_lock().await
        }
    }

    /// The renewals of this process that ended or are under way, oldest first: the last [`MOST_REFRESHES`].
    #[must_use]
    pub fn refreshes(&self) -> Vec<Refresh> {
        self.0.activity.refreshes()
    }

    /// Every renewal from now on, once when it begins and once when it ends. Ends when the session is closed.
    #[must_use]
    pub fn subscribe_refreshes(&self) -> UnboundedReceiver<Refresh> {
        self.0.activity.subscribe()
    }

    /// Every anomaly from now on. Ends when the session is closed.
    #[must_use]
    pub fn anomalies(&self) -> UnboundedReceiver<Anomaly> {
        self.0.audit.subscribe()
    }

    /// Reports an anomaly that the application has seen.
    pub fn report(&self, kind: audit::AnomalyKind) {
        self.0.report(kind);
    }

    /// Tells that somebody uses the application, for the idle timeout.
    pub fn touch(&self) {
        self.0.touch();
    }

    /// The access token, for code that brings its own HTTP client. Valid for at least `min_validity` where the server
    /// can be asked.
    ///
    /// # Errors
    /// `ERR_NOT_SIGNED_IN`, `ERR_SESSION_EXPIRED`, `ERR_SESSION_LOCKED`, `ERR_SESSION_CLOSED`; what kept the server from
    /// answering, `ERR_REFRESH_UNANSWERED` among it, when the token at hand has ended.
    pub async fn access_token(&self, min_validity: Duration) -> Result<SecretString> {
        self.access_token_for(Callers::default(), min_validity)
            .await
    }

    /// As [`Session::access_token`], once for all of `callers`.
    ///
    /// # Errors
    /// As for [`Session::access_token`].
    pub async fn access_token_for(
        &self,
        callers: Callers,
        min_validity: Duration,
    ) -> Result<SecretString> {
        let min_validity_ms = u64::try_from(min_validity.as_millis()).unwrap_or(u64::MAX);
        let fresh = self
            .0
            .fresh_credentials_for(callers, min_validity_ms)
            .await?;
        Ok(copy_of_token(&fresh))
    }

    /// As [`Session::access_token`], when nothing has to be waited for; `None` when only that can tell.
    ///
    /// # Errors
    /// `ERR_NOT_SIGNED_IN`, `ERR_SESSION_EXPIRED`, `ERR_SESSION_LOCKED`, `ERR_SESSION_CLOSED`.
    pub fn access_token_now(&self, min_validity: Duration) -> Result<Option<SecretString>> {
        let min_validity_ms = u64::try_from(min_validity.as_millis()).unwrap_or(u64::MAX);
        let fresh = self.0.credentials_now(min_validity_ms)?;
        Ok(fresh.map(|fresh| copy_of_token(&fresh)))
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

    /// Whether a renewal is under way, which [`Session::close`] would wait for.
    #[must_use]
    pub fn is_refreshing(&self) -> bool {
        self.0.core().flight().is_some()
    }

    /// Stops the session's work. The stored session stays. Calls after this fail with `ERR_SESSION_CLOSED`.
    ///
    /// A renewal that is under way would come back as [`Reason::Unanswered`] if its answer found nobody: the future waits for
    /// it, at most 5 seconds. Close the vault after that.
    pub fn close(&self) -> impl Future<Output = ()> + Send + 'static {
        let engine = Arc::clone(&self.0);
        engine.core().close();
        engine.close_sign_ins();
        engine.audit.close();
        engine.activity.close();
        async move {
            let flight = engine.core().flight();
            if let Some(flight) = flight {
                let _ = tokio::time::timeout(CLOSE_TIMEOUT, flight.landing).await;
            }
        }
    }
}

fn copy_of_token(fresh: &Fresh) -> SecretString {
    SecretString::new(fresh.credentials.access_token.expose().to_owned())
}

/// The lock file of whoever renews the session of the record `key`: a name that fits every file system.
fn turn_file(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let name = hex(&digest[..8]);
    format!("session-{name}.lock")
}

/// A name that fits every file system and record.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
