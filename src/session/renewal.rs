//! One renewal: its turn among the processes, what is noted before it, and what each answer means.
#![forbid(unsafe_code)]

use super::activity::{Landing, RefreshOutcome};
use super::audit::AnomalyKind;
use super::core::{Fresh, Unstored};
use super::engine::{Engine, Wish};
use super::freshness::{self, Freshness};
use super::state::Reason;
use crate::provider::{Renewal, Spending};
use crate::secret::fill_random;
use crate::vault::OwnedLock;
use crate::{Error, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long to wait for another process that renews: longer than its exchange with the server can take.
pub(super) const TURN_TIMEOUT: Duration = Duration::from_secs(40);
/// How often a waiting process looks again.
const TURN_POLL: Duration = Duration::from_millis(5);

impl Engine {
    /// Renews what was asked for, unless another process has done so by the time it is our turn. Says how it ended, too.
    pub(super) async fn renew(
        self: &Arc<Self>,
        asked: &Fresh,
        wish: &Wish,
    ) -> (Result<()>, Landing) {
        let result = self.renew_in_turn(asked, wish).await;
        let outcome = match &result {
            Ok(outcome) => *outcome,
            Err(error) => self.note_failure(asked, wish, error),
        };
        let landing = Landing {
            outcome,
            code: result.as_ref().err().map(Error::code),
            token_expires_at_ms: self.core().token_expires_at_ms(),
        };
        (result.map(|_| ()), landing)
    }

    /// What a renewal that failed comes to, and what it says of the session.
    fn note_failure(self: &Arc<Self>, asked: &Fresh, wish: &Wish, error: &Error) -> RefreshOutcome {
        // A switch that is refused says nothing of the session as it is.
        let is_refused_switch = wish.switch.is_some()
            && matches!(
                error,
                Error::StepUpRequired(_) | Error::SignInRejected { .. }
            );
        let is_tried_again = !is_refused_switch && self.note_trouble(asked.generation, error);
        let core = self.core();
        if core.is_over() {
            RefreshOutcome::Ended
        } else if core.check_generation(asked.generation).is_err() || *error == Error::Superseded {
            RefreshOutcome::Superseded
        } else if is_refused_switch {
            RefreshOutcome::Failed
        } else if core.is_unanswered() {
            RefreshOutcome::Unanswered
        } else if is_tried_again {
            RefreshOutcome::Offline
        } else {
            RefreshOutcome::Failed
        }
    }

    async fn renew_in_turn(self: &Arc<Self>, asked: &Fresh, wish: &Wish) -> Result<RefreshOutcome> {
        let _turn = self.turn().await?;
        self.store_unstored().await?;
        let is_spent = self.follow_vault().await?;
        let (fresh, user) = {
            let core = self.core();
            core.check_open()?;
            let user = core.user().cloned().ok_or(Error::NotSignedIn)?;
            (core.held()?, user)
        };
        if wish.switch.is_none()
            && fresh.stamp != asked.stamp
            && freshness::judge(&fresh.credentials, self.now_ms(), 0) != Freshness::Stale
        {
            return Ok(RefreshOutcome::Adopted);
        }
        let spends_once = self.provider.spending(&fresh.credentials) == Spending::Once;
        if spends_once {
            if is_spent && !wish.retry_unanswered {
                return Err(Error::RefreshUnanswered);
            }
            self.mark_spent(fresh.stamp, true).await?;
        }
        let now_ms = self.now_ms();
        let cx = self.context(None);
        let answer = self
            .provider
            .renew(&cx, &fresh.credentials, &user, wish.switch.as_ref())
            .await;
        match answer {
            Ok(Renewal::Renewed(grant)) => {
                let held = &fresh.credentials.access_token;
                let outcome = if grant.credentials.access_token == *held {
                    RefreshOutcome::Confirmed
                } else {
                    RefreshOutcome::Renewed
                };
                self.commit_renewal(&fresh, grant).await?;
                self.deliver_revocations();
                if let Some(expires_at_ms) = fresh.credentials.expires_at_ms {
                    let lifetime_ms =
                        expires_at_ms.saturating_sub(fresh.credentials.confirmed_at_ms);
                    self.note_renewal(expires_at_ms.saturating_sub(now_ms), lifetime_ms);
                }
                Ok(outcome)
            }
            Ok(Renewal::Over) => {
                if spends_once && !is_spent {
                    self.report(AnomalyKind::RefreshRejected);
                }
                self.commit_end(&fresh).await?;
                Ok(RefreshOutcome::Ended)
            }
            // An earlier sending that was never answered is not undone by this one's failure.
            Err(error) if spends_once && (is_spent || may_be_spent(&error)) => {
                self.note_unanswered(fresh.generation);
                Err(error)
            }
            Err(error) => {
                if spends_once {
                    // A mark that stays errs on the safe side: the token counts as spent.
                    let _ = self.mark_spent(fresh.stamp, false).await;
                }
                Err(error)
            }
        }
    }

    /// Waits until no other process renews.
    pub(super) async fn turn(&self) -> Result<OwnedLock> {
        let started = Instant::now();
        loop {
            if let Some(turn) = OwnedLock::try_take(&self.turn_path)? {
                return Ok(turn);
            }
            self.core().check_open()?;
            if started.elapsed() >= TURN_TIMEOUT {
                return Err(Error::VaultBusy {
                    waited_ms: u64::try_from(TURN_TIMEOUT.as_millis()).unwrap_or(u64::MAX),
                });
            }
            tokio::time::sleep(TURN_POLL).await;
        }
    }

    /// Stores a grant that the vault did not take when it came. Nothing is asked of the server before that.
    async fn store_unstored(self: &Arc<Self>) -> Result<()> {
        let (renewed, grant) = {
            let mut core = self.core();
            let Some(Unstored { grant, replaces }) = core.unstored.take() else {
                return Ok(());
            };
            (
                Fresh {
                    stamp: replaces,
                    ..core.held()?
                },
                grant,
            )
        };
        self.commit_renewal(&renewed, grant).await
    }

    /// The server wants to see the person first: nothing is asked by itself.
    fn note_challenge(self: &Arc<Self>, generation: u64) {
        let mut core = self.core();
        if core.check_generation(generation).is_ok() {
            core.trouble(Reason::Challenge, None);
        }
    }

    fn note_unanswered(self: &Arc<Self>, generation: u64) {
        let mut core = self.core();
        if core.check_generation(generation).is_ok() {
            let is_news = !core.is_unanswered();
            core.trouble(Reason::Unanswered, None);
            drop(core);
            if is_news {
                self.report(AnomalyKind::RefreshUnanswered);
            }
        }
    }

    /// The session could not be renewed: it stands, and is tried again later. Says whether it is, by itself.
    fn note_trouble(self: &Arc<Self>, generation: u64, error: &Error) -> bool {
        let (reason, wait_ms) = match error {
            _ if self.core().unstored.is_some() => (Reason::NotStored, None),
            Error::Network { .. } | Error::Timeout { .. } | Error::Tls(_) => {
                (Reason::Network, None)
            }
            Error::RateLimited { retry_after_ms } => (Reason::RateLimited, *retry_after_ms),
            Error::Server { .. }
            | Error::UnexpectedResponse(_)
            | Error::IdTokenInvalid(_)
            | Error::SignInRejected { .. } => (Reason::Server, None),
            Error::VaultBusy { .. } => (Reason::Busy, None),
            Error::RefreshUnanswered => {
                self.note_unanswered(generation);
                return false;
            }
            Error::StepUpRequired(_) => {
                self.note_challenge(generation);
                return false;
            }
            // Disk and vault trouble is the caller's to see; the session was not the matter.
            _ => return false,
        };
        let mut jitter = [0];
        // Without randomness all clients wait the same time, which is still a wait.
        let _ = fill_random(&mut jitter);
        let mut core = self.core();
        if core.check_generation(generation).is_err() || core.is_unanswered() {
            return false;
        }
        let failures = core.failures_after_this();
        let wait_ms = wait_ms.unwrap_or_else(|| freshness::retry_delay_ms(failures, jitter[0]));
        let engine = Arc::downgrade(self);
        let retry = self.runtime.spawn(async move {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            if let Some(engine) = engine.upgrade() {
                engine.core().begin_retry();
                let _ = engine.join_flight();
            }
        });
        let retry_at_ms = self.now_ms().saturating_add(wait_ms);
        core.trouble(reason, Some((retry_at_ms, retry.abort_handle())));
        true
    }
}

/// Whether a server that did not answer as it should may have spent the refresh token all the same.
fn may_be_spent(error: &Error) -> bool {
    match error {
        Error::Network { .. } | Error::Timeout { .. } => !error.was_never_sent(),
        Error::UnexpectedResponse(_)
        | Error::IdTokenInvalid(_)
        | Error::ResponseTooLarge { .. } => true,
        // 503 says that the request was not handled (RFC 9110 section 15.6.4); the other 5xx say nothing about it.
        Error::Server { status } => *status != 503,
        _ => false,
    }
}
