//! The session's engine: one renewal at a time, commits in order, the retry while offline.
#![forbid(unsafe_code)]

use super::core::{Core, Flight, Fresh};
use super::freshness::{self, Freshness};
use super::record::Record;
use super::state::{Event, Reason, State};
use crate::clock::Clock;
use crate::http::{HttpClient, Origin};
use crate::provider::{Credentials, Grant, Observation, Provider, Renewal, User};
use crate::secret::fill_random;
use crate::vault::Vault;
use crate::{Error, Result};
use futures_util::FutureExt as _;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;

/// How long a sign-out waits for the server. It is signed out here already.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs work that blocks on disk or lock away from the threads that serve the network.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(Error::Internal("a background task panicked")))
}

pub(super) struct Engine {
    vault: Vault,
    provider: Arc<dyn Provider>,
    http: HttpClient,
    origins: Vec<Origin>,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    core: Mutex<Core>,
    /// Held while the vault is written and memory follows, so that commits do not pass each other.
    commits: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

impl Engine {
    pub(super) fn new(
        vault: Vault,
        provider: Arc<dyn Provider>,
        http: HttpClient,
        origins: Vec<Origin>,
        clock: Arc<dyn Clock>,
        core: Core,
    ) -> Self {
        Self {
            vault,
            provider,
            http,
            origins,
            clock,
            runtime: Handle::current(),
            core: Mutex::new(core),
            commits: tokio::sync::Mutex::new(()),
        }
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        // Every change of the core is complete before anything can panic.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn provider(&self) -> &dyn Provider {
        &*self.provider
    }

    pub(super) fn http(&self) -> &HttpClient {
        &self.http
    }

    pub(super) fn allows(&self, origin: &Origin) -> bool {
        self.origins.contains(origin)
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Asks the server about a session that was restored.
    pub(super) fn start(self: &Arc<Self>) {
        if self.core().state == State::Restoring {
            let _ = self.join_flight();
        }
    }

    /// The renewal under way, or a new one.
    pub(super) fn join_flight(self: &Arc<Self>) -> Result<Flight> {
        let mut core = self.core();
        core.check_open()?;
        if let Some(flight) = &core.flight {
            return Ok(flight.clone());
        }
        let fresh = core.credentials()?;
        let engine = Arc::clone(self);
        let renewing = self.runtime.spawn(async move {
            let result = engine.renew(&fresh).await;
            engine.core().land(fresh.generation);
            result
        });
        let flight = async move {
            renewing
                .await
                .unwrap_or(Err(Error::Internal("the renewal panicked")))
        };
        let flight = flight.boxed().shared();
        core.flight = Some(flight.clone());
        Ok(flight)
    }

    async fn renew(self: &Arc<Self>, fresh: &Fresh) -> Result<()> {
        let now_ms = self.now_ms();
        let answer = self
            .provider
            .renew(&self.http, &fresh.credentials, now_ms)
            .await;
        match answer {
            Ok(Renewal::Renewed(grant)) => self.commit_renewal(fresh.generation, grant).await,
            Ok(Renewal::Over) => self.commit_end(fresh.generation).await,
            Err(error) => {
                self.note_trouble(fresh.generation, &error);
                Err(error)
            }
        }
    }

    /// Credentials that are fresh enough, renewed first if they are not.
    pub(super) async fn fresh_credentials(self: &Arc<Self>, min_validity_ms: u64) -> Result<Fresh> {
        let (fresh, must_wait) = {
            let core = self.core();
            core.check_open()?;
            let fresh = core.credentials()?;
            let judged = freshness::judge(&fresh.credentials, self.now_ms(), min_validity_ms);
            let must_wait = match (core.state, judged) {
                // What was stored is confirmed before it is used.
                (State::Restoring, _) | (_, Freshness::Stale) => Some(true),
                (_, Freshness::Due) => Some(false),
                (_, Freshness::Fresh) => None,
            };
            (fresh, must_wait)
        };
        match must_wait {
            None => Ok(fresh),
            Some(false) => {
                let _ = self.join_flight();
                Ok(fresh)
            }
            Some(true) => match self.join_flight()?.await {
                Ok(()) => self.core().credentials(),
                Err(error) => {
                    let core = self.core();
                    let kept = core.credentials()?;
                    if core.generation == fresh.generation
                        && freshness::is_alive(&kept.credentials, self.now_ms())
                    {
                        Ok(kept)
                    } else {
                        Err(error)
                    }
                }
            },
        }
    }

    /// What to do about a 401 that answered a request sent with `sent`: other credentials to try, or `None`.
    pub(super) async fn after_unauthorized(self: &Arc<Self>, sent: &Fresh) -> Option<Fresh> {
        let renewed_since = {
            let core = self.core();
            core.generation == sent.generation && core.renewals > sent.renewals
        };
        if !renewed_since {
            let _ = self.join_flight().ok()?.await;
        }
        let now = self.core().credentials().ok()?;
        let replaced = now.generation == sent.generation
            && now.credentials.access_token != sent.credentials.access_token;
        replaced.then_some(now)
    }

    /// Keeps a session that was granted, or has the server end it: nobody else knows of it.
    pub(super) async fn commit_sign_in(
        self: &Arc<Self>,
        generation: u64,
        grant: Grant,
    ) -> Result<User> {
        let user = grant.user.clone();
        let ends_known = grant.credentials.expires_at_ms.is_some();
        let granted = grant.credentials.duplicate();
        if let Err(error) = self.commit(generation, grant, Event::SignedIn).await {
            let engine = Arc::clone(self);
            self.runtime
                .spawn(async move { engine.revoke(&granted).await });
            return Err(error);
        }
        if !ends_known {
            let _ = self.join_flight();
        }
        Ok(user)
    }

    /// Has the server end a session, as far as it can be reached in time.
    pub(super) async fn revoke(&self, credentials: &Credentials) {
        let revoking = self.provider.revoke(&self.http, credentials);
        // The server ends an unused session by itself; nobody waits here for one that cannot be reached.
        let _ = tokio::time::timeout(REVOKE_TIMEOUT, revoking).await;
    }

    async fn commit_renewal(self: &Arc<Self>, generation: u64, grant: Grant) -> Result<()> {
        self.commit(generation, grant, Event::Renewed).await
    }

    /// Writes a grant to the vault, then to memory, unless a newer generation has begun.
    async fn commit(self: &Arc<Self>, generation: u64, grant: Grant, event: Event) -> Result<()> {
        let _in_order = self.commits.lock().await;
        self.core().check_generation(generation)?;
        let grant = self.store(grant, event == Event::SignedIn).await?;
        // A sign-out that came meanwhile waits for this commit to end, and then removes what it stored.
        let mut core = self.core();
        core.check_generation(generation)?;
        core.install(grant, event);
        Ok(())
    }

    async fn store(&self, grant: Grant, replaces: bool) -> Result<Grant> {
        let (vault, identity) = (self.vault.clone(), self.provider.identity());
        blocking(move || {
            let credentials = Some(&grant.credentials);
            Record::store(&vault, &identity, &grant.user, credentials, replaces)?;
            Ok(grant)
        })
        .await
    }

    /// The provider said that the session is over: its tokens go, its user stays.
    async fn commit_end(&self, generation: u64) -> Result<()> {
        let _in_order = self.commits.lock().await;
        let user = {
            let mut core = self.core();
            core.check_generation(generation)?;
            core.end();
            core.user.clone()
        };
        let (vault, identity) = (self.vault.clone(), self.provider.identity());
        blocking(move || {
            // The record that stays without its tokens; the file that held them sealed is rewritten.
            if let Some(user) = user {
                Record::store(&vault, &identity, &user, None, true)?;
                vault.compact()?;
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn commit_sign_out(&self) -> Result<()> {
        let _in_order = self.commits.lock().await;
        let vault = self.vault.clone();
        blocking(move || Record::erase(&vault)).await
    }

    /// The server could not be asked: the session stands, and the server is asked again later.
    pub(super) fn note_trouble(self: &Arc<Self>, generation: u64, error: &Error) {
        let (reason, wait_ms) = match error {
            Error::Network { .. } | Error::Timeout { .. } | Error::Tls => (Reason::Network, None),
            Error::RateLimited { retry_after_ms } => (Reason::RateLimited, *retry_after_ms),
            Error::Server { .. } | Error::UnexpectedResponse(_) => (Reason::Server, None),
            // Disk and vault trouble is the caller's to see; the server was not the matter.
            _ => return,
        };
        let mut jitter = [0];
        // Without randomness all clients wait the same time, which is still a wait.
        let _ = fill_random(&mut jitter);
        let mut core = self.core();
        if core.check_generation(generation).is_err() {
            return;
        }
        let failures = core.failures.saturating_add(1);
        let wait_ms = wait_ms.unwrap_or_else(|| freshness::retry_delay_ms(failures, jitter[0]));
        let engine = Arc::downgrade(self);
        let retry = self.runtime.spawn(async move {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            if let Some(engine) = engine.upgrade() {
                let _ = engine.join_flight();
            }
        });
        let retry_at_ms = self.clock.now_ms().saturating_add(wait_ms);
        core.trouble(reason, retry_at_ms, retry.abort_handle());
    }

    /// Follows what an answer to the application's own client said. `generation`: the one when its request was sent.
    pub(super) async fn follow(
        self: &Arc<Self>,
        observation: Observation,
        generation: u64,
        sent: Option<&Fresh>,
    ) -> Result<()> {
        match (observation, sent) {
            (Observation::Nothing, _) => Ok(()),
            (Observation::SignedIn(grant), _) => {
                self.commit_sign_in(generation, grant).await.map(|_| ())
            }
            (Observation::SignedOut, _) => {
                self.core().begin_sign_out()?;
                self.commit_sign_out().await
            }
            (Observation::Gone, Some(_)) => {
                // The engine's own question decides, and moves the state.
                let _ = self.join_flight()?.await;
                Ok(())
            }
            (Observation::Confirmed(mut grant), Some(sent)) => {
                if grant.credentials.access_token.expose().is_empty() {
                    grant.credentials.access_token = sent.credentials.duplicate().access_token;
                }
                grant.credentials.sliding = sent.credentials.sliding;
                self.commit_renewal(sent.generation, grant).await
            }
            (Observation::TokenReplaced(token), Some(sent)) => {
                let Some(user) = self.core().user.clone() else {
                    return Ok(());
                };
                let credentials = Credentials {
                    access_token: token,
                    ..sent.credentials.duplicate()
                };
                self.commit_renewal(sent.generation, Grant { credentials, user })
                    .await
            }
            // The request carried no session, so its answer says nothing about ours.
            (
                Observation::Gone | Observation::Confirmed(_) | Observation::TokenReplaced(_),
                None,
            ) => Ok(()),
        }
    }
}
