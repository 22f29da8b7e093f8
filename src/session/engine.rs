//! The session's engine: who may have credentials, and one renewal at a time for all who wait.
#![forbid(unsafe_code)]

use super::activity::{Activity, Callers};
use super::audit::{AnomalyKind, Audit};
use super::commits::Replaced;
use super::core::{Core, Flight, Fresh};
use super::freshness::{self, Freshness};
use super::policy::Policy;
use super::record::Record;
use super::sign_ins::{self, SignIns};
use super::state::Reason;
use crate::clock::Clock;
use crate::http::{HttpClient, Origin};
use crate::provider::{Credentials, Grant, Observation, Provider, Spending, Switch};
use crate::vault::Vault;
use crate::{Error, Result};
use futures_util::FutureExt as _;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;

/// Clocks are set back by this much without anybody's doing, when they follow a time server.
const CLOCK_TOLERANCE_MS: u64 = 5_000;
/// Servers count a token's life in whole seconds (RFC 7519 section 2, NumericDate): it may end there so much sooner than here.
const SERVER_SECOND_MS: u64 = 1_000;

/// Runs work that blocks on disk or lock away from the threads that serve the network.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(Error::Internal("a background task panicked")))
}

pub(super) struct Engine {
    pub(super) vault: Vault,
    /// The name of the session's record in the vault.
    pub(super) key: String,
    /// Locked by whoever renews, in this process or another.
    pub(super) turn_path: PathBuf,
    pub(super) provider: Arc<dyn Provider>,
    pub(super) http: HttpClient,
    pub(super) origins: Vec<Origin>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) audit: Audit,
    pub(super) activity: Activity,
    pub(super) policy: Policy,
    /// Wakes whoever waits for the policy's next moment.
    pub(super) policy_changed: Arc<tokio::sync::Notify>,
    pub(super) runtime: Handle,
    pub(super) core: Mutex<Core>,
    /// Held while the vault is written or read and memory follows, so that these do not pass each other.
    pub(super) commits: tokio::sync::Mutex<()>,
    /// The version of the vault's records that memory follows.
    pub(super) seen_records: AtomicU64,
    /// Whether a task is telling the server of revocations.
    pub(super) is_delivering: AtomicBool,
    pub(super) sign_ins: SignIns,
}

/// What a renewal is to do beside renewing.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    /// Also when the refresh token may be spent.
    pub(super) retry_unanswered: bool,
    /// For another organization.
    pub(super) switch: Option<Switch>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// What a caller that wants credentials has to do.
enum Ready {
    Take(Fresh),
    /// Another process has written since.
    Resync,
    /// Wait for a renewal first.
    Renew(Fresh),
}

impl Engine {
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

    /// Asks the server about a session that was restored, delivers what is owed to it, and follows other processes.
    pub(super) fn start(self: &Arc<Self>) {
        if self.vault.accepted_rollback() {
            self.report(AnomalyKind::RolledBack);
        }
        self.confirm_restored();
        self.deliver_revocations();
        self.watch_policy();
        // Where the directory cannot be watched, the next use finds out what other processes did.
        let Ok(mut records) = self.vault.watch_records() else {
            return;
        };
        let engine = Arc::downgrade(self);
        self.runtime.spawn(async move {
            while records.changed().await.is_ok() {
                let Some(engine) = engine.upgrade() else {
                    return;
                };
                if engine.core().check_open().is_err() {
                    return;
                }
                let _ = engine.follow_vault().await;
            }
        });
    }

    /// Asks the server about a session that was restored, unless it is locked.
    pub(super) fn confirm_restored(self: &Arc<Self>) {
        let is_restoring = self.core().is_restoring();
        if is_restoring {
            let _ = self.join_flight();
        }
    }

    /// The renewal under way, or a new one.
    pub(super) fn join_flight(self: &Arc<Self>) -> Result<Flight> {
        self.fly(Wish::default())
    }

    /// As [`Engine::join_flight`], as is wished.
    pub(super) fn fly(self: &Arc<Self>, wish: Wish) -> Result<Flight> {
        let mut core = self.core();
        core.check_open()?;
        match core.flight() {
            Some(flight) => Ok(flight),
            None => self.take_off(&mut core, wish),
        }
    }

    /// A renewal of its own, `None` when one is under way.
    pub(super) fn fly_alone(self: &Arc<Self>, wish: Wish) -> Result<Option<Flight>> {
        let mut core = self.core();
        core.check_open()?;
        match core.flight() {
            Some(_) => Ok(None),
            None => self.take_off(&mut core, wish).map(Some),
        }
    }

    fn take_off(self: &Arc<Self>, core: &mut Core, wish: Wish) -> Result<Flight> {
        let asked = core.credentials()?;
        let number = core.next_flight();
        self.activity
            .begin(number, self.now_ms(), core.token_expires_at_ms());
        let engine = Arc::clone(self);
        let renewing = self.runtime.spawn(async move {
            let (result, landing) = engine.renew(&asked, &wish).await;
            engine.core().land(number);
            engine.activity.end(number, engine.now_ms(), landing);
            result
        });
        let landing = async move {
            renewing
                .await
                .unwrap_or(Err(Error::Internal("the renewal panicked")))
        };
        let flight = Flight {
            number,
            landing: landing.boxed().shared(),
        };
        core.take_off(flight.clone());
        Ok(flight)
    }

    /// Waits for a renewal, as one of those who are counted.
    pub(super) async fn wait_for(&self, flight: Flight) -> Result<()> {
        self.wait_together(flight, Callers::default()).await
    }

    /// As [`Engine::wait_for`], for all of `callers`.
    async fn wait_together(&self, flight: Flight, callers: Callers) -> Result<()> {
        self.activity.wait(flight.number, callers);
        flight.landing.await
    }

    /// Credentials that are fresh enough, if nobody has to wait for them. Starts the renewal of those that are due.
    pub(super) fn credentials_now(self: &Arc<Self>, min_validity_ms: u64) -> Result<Option<Fresh>> {
        Ok(match self.look(min_validity_ms)? {
            Ready::Take(fresh) => Some(fresh),
            Ready::Resync | Ready::Renew(_) => None,
        })
    }

    /// Credentials that are fresh enough, renewed first if they are not.
    pub(super) async fn fresh_credentials(self: &Arc<Self>, min_validity_ms: u64) -> Result<Fresh> {
        self.fresh_credentials_for(Callers::default(), min_validity_ms)
            .await
    }

    /// As [`Engine::fresh_credentials`], for all of `callers`.
    pub(super) async fn fresh_credentials_for(
        self: &Arc<Self>,
        callers: Callers,
        min_validity_ms: u64,
    ) -> Result<Fresh> {
        let mut ready = self.look(min_validity_ms)?;
        if matches!(ready, Ready::Resync) {
            // What the vault cannot say now it says to the renewal that will need it.
            let _ = self.follow_vault().await;
            ready = self.look_at_memory(min_validity_ms)?;
        }
        let asked = match ready {
            Ready::Take(fresh) => return Ok(fresh),
            Ready::Resync => return Err(Error::Internal("memory asked for the vault")),
            Ready::Renew(asked) => asked,
        };
        let flight = self.join_flight()?;
        match self.wait_together(flight, callers).await {
            Ok(()) => self.core().credentials(),
            Err(error) => {
                let core = self.core();
                let kept = core.credentials()?;
                if core.check_generation(asked.generation).is_ok()
                    && freshness::is_alive(&kept.credentials, self.now_ms())
                {
                    Ok(kept)
                } else {
                    Err(error)
                }
            }
        }
    }

    fn look(self: &Arc<Self>, min_validity_ms: u64) -> Result<Ready> {
        // A vault that cannot be asked does not take away what is in memory.
        let is_current = match self.vault.records_version() {
            Ok(version) => version == Some(self.seen_records.load(Ordering::SeqCst)),
            Err(_) => true,
        };
        if !is_current {
            self.core().check_open()?;
            return Ok(Ready::Resync);
        }
        self.look_at_memory(min_validity_ms)
    }

    fn look_at_memory(self: &Arc<Self>, min_validity_ms: u64) -> Result<Ready> {
        self.enforce_policy();
        let now_ms = self.now_ms();
        let (fresh, judged) = {
            let core = self.core();
            let fresh = core.credentials()?;
            let judged = if core.is_restoring() {
                // What was stored is confirmed before it is used.
                Freshness::Stale
            } else {
                freshness::judge(&fresh.credentials, now_ms, min_validity_ms)
            };
            // Nothing renews a token whose refresh token may be spent: it is served to its end.
            let judged = match judged {
                Freshness::Due if core.is_unanswered() => Freshness::Fresh,
                judged => judged,
            };
            (fresh, judged)
        };
        self.policy.used_at(now_ms);
        if now_ms.saturating_add(CLOCK_TOLERANCE_MS) < fresh.credentials.confirmed_at_ms {
            self.report(AnomalyKind::ClockSetBack);
        }
        Ok(match judged {
            Freshness::Fresh => Ready::Take(fresh),
            Freshness::Due => {
                let _ = self.join_flight();
                Ready::Take(fresh)
            }
            Freshness::Stale => Ready::Renew(fresh),
        })
    }

    /// What to do about a 401 that answered a request sent with `sent`: other credentials to try, or `None`.
    pub(super) async fn after_unauthorized(self: &Arc<Self>, sent: &Fresh) -> Option<Fresh> {
        let renewed_since = {
            let core = self.core();
            core.check_generation(sent.generation).ok()?;
            core.stamp() != sent.stamp
        };
        if !renewed_since {
            let flight = self.join_flight().ok()?;
            let _ = self.wait_for(flight).await;
        }
        let now = self.core().credentials().ok()?;
        let replaced = now.generation == sent.generation
            && now.credentials.access_token != sent.credentials.access_token;
        replaced.then_some(now)
    }

    /// What there is to say of a 401 to `sent` that no other credentials help with, where the server's word alone would
    /// mislead.
    pub(super) fn refusal(&self, sent: &Fresh) -> Option<Error> {
        let at_the_server_ms = self.now_ms().saturating_add(SERVER_SECOND_MS);
        let core = self.core();
        if core.generation() != sent.generation && core.credentials().is_ok() {
            // It was said of a session that is gone, not of the one that somebody has signed in to since.
            return Some(Error::Superseded);
        }
        let has_ended = !freshness::is_alive(&sent.credentials, at_the_server_ms);
        (core.is_unanswered() && has_ended).then_some(Error::RefreshUnanswered)
    }

    /// Asks the provider itself about a session that one of its routes took for over. Other credentials to try, or that it is.
    ///
    /// # Errors
    /// `ERR_SESSION_EXPIRED`; `ERR_UNEXPECTED_RESPONSE` when it goes on all the same.
    pub(super) async fn confirm_end(self: &Arc<Self>, sent: &Fresh) -> Result<Fresh> {
        if let Some(other) = self.after_unauthorized(sent).await {
            return Ok(other);
        }
        self.core().credentials()?;
        Err(Error::UnexpectedResponse(
            "it refused a session that it says goes on",
        ))
    }

    /// Takes over what another process stored since. Answers whether a refresh token was sent and never answered.
    pub(super) async fn follow_vault(self: &Arc<Self>) -> Result<bool> {
        let _in_order = self.commits.lock().await;
        let engine = Arc::clone(self);
        let (record, version) =
            blocking(move || Record::load(&engine.vault, &engine.key, &engine.provider.identity()))
                .await
                .inspect_err(|error| self.report_failure(error))?;
        let is_spent = record
            .as_ref()
            .is_some_and(|record| record.spent_at_ms.is_some());
        self.core().adopt(record);
        self.seen_records.store(version, Ordering::SeqCst);
        if self.has_sign_ins() {
            let vault = self.vault.clone();
            let stored = blocking(move || vault.record_keys(sign_ins::PREFIX)).await?;
            self.end_lost_sign_ins(&stored);
        }
        Ok(is_spent)
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
            (Observation::SignedIn(grant), _) => self
                .commit_sign_in(generation, grant, Replaced::Ends)
                .await
                .map(|_| ()),
            (Observation::SignedOut, _) => {
                // The server has ended it already.
                self.core().begin_sign_out(Reason::SignedOut)?;
                self.commit_sign_out(None).await
            }
            (Observation::Gone, Some(_)) => {
                // The engine's own question decides, and moves the state.
                let flight = self.join_flight()?;
                let _ = self.wait_for(flight).await;
                Ok(())
            }
            (Observation::Confirmed(mut grant), Some(sent)) => {
                if grant.credentials.access_token.expose().is_empty() {
                    grant.credentials.access_token = sent.credentials.duplicate().access_token;
                }
                grant.credentials.sliding = sent.credentials.sliding;
                match self.commit_renewal(sent, grant).await {
                    // A renewal came first, and says the same or more.
                    Err(Error::Superseded) => Ok(()),
                    committed => committed,
                }
            }
            (Observation::TokenReplaced(token), Some(sent)) => {
                // A renewal may have come first; the token it brought was replaced too.
                let (held, user) = {
                    let core = self.core();
                    core.check_generation(sent.generation)?;
                    (core.held()?, core.user().cloned())
                };
                let Some(user) = user else {
                    return Ok(());
                };
                let credentials = Credentials {
                    access_token: token,
                    ..held.credentials.duplicate()
                };
                self.commit_renewal(&held, Grant { credentials, user })
                    .await?;
                if self.provider.spending(&held.credentials) == Spending::Nothing {
                    // When the new one ends, only the server can tell.
                    let _ = self.join_flight();
                }
                Ok(())
            }
            // The request carried no session, so its answer says nothing about ours.
            (
                Observation::Gone | Observation::Confirmed(_) | Observation::TokenReplaced(_),
                None,
            ) => Ok(()),
        }
    }
}
