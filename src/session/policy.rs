//! How long a session may live and lie unused, as the application says.
#![forbid(unsafe_code)]

use super::engine::Engine;
use super::state::Reason;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What an application allows a session.
#[derive(Debug, Clone, Copy, Default)]
pub struct PolicyOptions {
    /// The session locks when nothing used it for so long; `None` never. A use is a request, a token taken, or
    /// [`Session::touch`](super::Session::touch).
    pub idle_timeout: Option<Duration>,
    /// The session ends this long after the sign-in, whatever the server allows; `None` never.
    pub max_lifetime: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Policy {
    idle_timeout_ms: Option<u64>,
    max_lifetime_ms: Option<u64>,
    used_at_ms: AtomicU64,
}

impl Policy {
    pub(super) fn new(options: PolicyOptions, now_ms: u64) -> Self {
        let millis = |limit: Duration| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        Self {
            idle_timeout_ms: options.idle_timeout.map(millis),
            max_lifetime_ms: options.max_lifetime.map(millis),
            used_at_ms: AtomicU64::new(now_ms),
        }
    }

    /// Notes that the session was used.
    pub(super) fn used_at(&self, now_ms: u64) {
        self.used_at_ms.store(now_ms, Ordering::Relaxed);
    }

    /// What a session that was signed in at `signed_in_at_ms` has come to by now.
    fn verdict(&self, signed_in_at_ms: u64, now_ms: u64) -> Verdict {
        let ends_at = |from: u64, limit: Option<u64>| {
            limit.map_or(u64::MAX, |limit_ms| from.saturating_add(limit_ms))
        };
        let lifetime_ends = ends_at(signed_in_at_ms, self.max_lifetime_ms);
        let used_at_ms = self.used_at_ms.load(Ordering::Relaxed);
        let idle_ends = ends_at(used_at_ms, self.idle_timeout_ms);
        if now_ms >= lifetime_ends {
            Verdict::Ended
        } else if now_ms >= idle_ends {
            Verdict::Idle
        } else {
            Verdict::Allowed {
                until_ms: lifetime_ends.min(idle_ends),
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.idle_timeout_ms.is_none() && self.max_lifetime_ms.is_none()
    }
}

enum Verdict {
    Allowed { until_ms: u64 },
    Idle,
    Ended,
}

impl Engine {
    /// Locks or ends the session if its time has come. Answers until when it may go on as it is; `None` while there is
    /// nothing to watch.
    pub(super) fn enforce_policy(self: &Arc<Self>) -> Option<u64> {
        if self.policy.is_empty() {
            return None;
        }
        let (held, signed_in_at_ms, is_locked) = {
            let core = self.core();
            (core.held().ok()?, core.signed_in_at_ms()?, core.is_locked())
        };
        match self.policy.verdict(signed_in_at_ms, self.now_ms()) {
            Verdict::Allowed { until_ms } => Some(until_ms),
            Verdict::Idle if is_locked => None,
            Verdict::Idle => {
                self.lock_now(Reason::Idle);
                None
            }
            Verdict::Ended => {
                // Nothing leaves from this moment on; the vault and the server follow.
                let ended = {
                    let mut core = self.core();
                    core.check_generation(held.generation).ok()?;
                    core.end(Reason::Lifetime)?
                };
                let engine = Arc::clone(self);
                self.runtime.spawn(async move {
                    let _ = engine.commit_removal(held.stamp, &ended).await;
                    engine.deliver_revocations();
                });
                None
            }
        }
    }

    /// Notes a use of the application.
    pub(super) fn touch(&self) {
        self.policy.used_at(self.now_ms());
        self.policy_changed.notify_one();
    }

    /// Locks the session, and has the vault remember it.
    pub(super) fn lock_now(self: &Arc<Self>, reason: Reason) {
        self.core().lock(true, reason);
        let engine = Arc::clone(self);
        self.runtime.spawn(async move {
            // A lock that could not be stored still holds in this process.
            let _ = engine.commit_lock().await;
        });
    }

    /// Enforces the policy also while nobody uses the session. Runs only while there is something to wait for.
    pub(super) fn watch_policy(self: &Arc<Self>) {
        if self.policy.is_empty() {
            return;
        }
        let engine = Arc::downgrade(self);
        self.runtime.spawn(async move {
            loop {
                let (until_ms, changed) = {
                    let Some(engine) = engine.upgrade() else {
                        return;
                    };
                    if engine.core().check_open().is_err() {
                        return;
                    }
                    (engine.enforce_policy(), Arc::clone(&engine.policy_changed))
                };
                match until_ms {
                    None => changed.notified().await,
                    Some(until_ms) => {
                        let Some(now_ms) = engine.upgrade().map(|engine| engine.now_ms()) else {
                            return;
                        };
                        let wait = Duration::from_millis(until_ms.saturating_sub(now_ms).max(1));
                        let _ = tokio::time::timeout(wait, changed.notified()).await;
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lifetime_comes_before_idleness_and_nothing_before_its_time() {
        let policy = Policy::new(
            PolicyOptions {
                idle_timeout: Some(Duration::from_millis(10)),
                max_lifetime: Some(Duration::from_millis(100)),
            },
            1_000,
        );
        let until = |now_ms| match policy.verdict(1_000, now_ms) {
            Verdict::Allowed { until_ms } => Some(until_ms),
            Verdict::Idle => Some(0),
            Verdict::Ended => None,
        };
        assert_eq!(until(1_000), Some(1_010));
        assert_eq!(until(1_009), Some(1_010));
        assert_eq!(until(1_010), Some(0));
        policy.used_at(1_095);
        assert_eq!(until(1_099), Some(1_100));
        assert_eq!(until(1_100), None);
    }
}
