//! What happened to a session that should not happen: told to listeners at once, and kept in the vault, sealed and bounded.
#![forbid(unsafe_code)]

use super::engine::{Engine, blocking};
use super::record::{parse, to_value};
use crate::vault::{Edit, Value, Vault};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const KEY: &str = "audit";
/// Of more the oldest are forgotten.
pub const MOST_ENTRIES: usize = 100;
/// One kind is written down once in so many milliseconds, however often it happens: a page that misbehaves must not be able
/// to keep the disk busy, or to push everything else out of the list.
const QUIET_MS: u64 = 60_000;

/// A kind of anomaly. Names never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AnomalyKind {
    /// The server refused a refresh token that was sent once: it was revoked, or somebody else has used it.
    RefreshRejected,
    /// A refresh token was sent, and no answer came.
    RefreshUnanswered,
    /// Tokens were renewed again and again long before their end.
    TooManyRefreshes,
    /// The vault file was replaced by an older copy.
    RolledBack,
    /// The vault file was changed by something other than Latchkey.
    Tampered,
    /// The key in the keychain is gone, or does not fit the vault file any more.
    KeyReplaced,
    /// The clock was set back behind the last answer of the server.
    ClockSetBack,
    /// A page that may not use the session tried to.
    UnknownSender,
    /// A page called with what no call takes, or asked for something of an origin that is not allowed.
    InvalidCall,
    /// A page called more often than people do.
    TooManyCalls,
}

impl AnomalyKind {
    /// The name used in JavaScript.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RefreshRejected => "refreshRejected",
            Self::RefreshUnanswered => "refreshUnanswered",
            Self::TooManyRefreshes => "tooManyRefreshes",
            Self::RolledBack => "rolledBack",
            Self::Tampered => "tampered",
            Self::KeyReplaced => "keyReplaced",
            Self::ClockSetBack => "clockSetBack",
            Self::UnknownSender => "unknownSender",
            Self::InvalidCall => "invalidCall",
            Self::TooManyCalls => "tooManyCalls",
        }
    }

    /// The kind of this name, if it is one of those that the application sees and the session does not.
    #[must_use]
    pub fn reported_as(name: &str) -> Option<Self> {
        [Self::UnknownSender, Self::InvalidCall, Self::TooManyCalls]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// What a failure of the vault says about it.
    fn of(error: &Error) -> Option<Self> {
        match error {
            Error::VaultRolledBack => Some(Self::RolledBack),
            Error::VaultTampered(_) | Error::VaultCorrupt(_) => Some(Self::Tampered),
            Error::KeyMissing { .. } | Error::KeyInvalid(_) => Some(Self::KeyReplaced),
            _ => None,
        }
    }
}

/// One anomaly. Holds no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomaly {
    /// What it was.
    pub kind: AnomalyKind,
    /// When it happened last, in milliseconds since 1970 by the local clock.
    pub at_ms: u64,
    /// How often it has happened since an anomaly of this kind was last written down. At least 1.
    pub count: u32,
}

/// The anomalies that the vault keeps, oldest first.
///
/// # Errors
/// The vault's, and `ERR_VAULT_CORRUPT`.
pub fn anomalies(vault: &Vault) -> Result<Vec<Anomaly>> {
    read(vault.record(KEY)?.0.as_ref())
}

fn read(value: Option<&Value>) -> Result<Vec<Anomaly>> {
    match value {
        Some(Value::Text(text)) => parse(text),
        _ => Ok(Vec::new()),
    }
}

/// Who listens, and what was not written down yet.
#[derive(Default)]
pub(super) struct Audit(Mutex<Watch>);

#[derive(Default)]
struct Watch {
    listeners: Vec<UnboundedSender<Anomaly>>,
    kinds: Vec<Noted>,
    /// When tokens were renewed long before their end, within the last [`QUIET_MS`].
    early_renewals: Vec<u64>,
}

struct Noted {
    kind: AnomalyKind,
    written_at_ms: u64,
    unwritten: u32,
}

/// So many early renewals within [`QUIET_MS`] are too many.
const MOST_EARLY_RENEWALS: usize = 20;

impl Audit {
    pub(super) fn subscribe(&self) -> UnboundedReceiver<Anomaly> {
        let (sender, receiver) = unbounded_channel();
        self.watch().listeners.push(sender);
        receiver
    }

    pub(super) fn close(&self) {
        self.watch().listeners.clear();
    }

    /// Tells the listeners. Answers with what is to be written down, if anything.
    fn note(&self, kind: AnomalyKind, now_ms: u64) -> Option<Anomaly> {
        let mut watch = self.watch();
        let told = Anomaly {
            kind,
            at_ms: now_ms,
            count: 1,
        };
        watch
            .listeners
            .retain(|listener| listener.send(told.clone()).is_ok());
        let Some(noted) = watch.kinds.iter_mut().find(|noted| noted.kind == kind) else {
            watch.kinds.push(Noted {
                kind,
                written_at_ms: now_ms,
                unwritten: 0,
            });
            return Some(told);
        };
        noted.unwritten = noted.unwritten.saturating_add(1);
        if now_ms.abs_diff(noted.written_at_ms) < QUIET_MS {
            return None;
        }
        noted.written_at_ms = now_ms;
        Some(Anomaly {
            count: std::mem::take(&mut noted.unwritten),
            ..told
        })
    }

    /// Notes a renewal long before the end. Says whether these are too many.
    fn is_one_too_many(&self, now_ms: u64) -> bool {
        let mut watch = self.watch();
        let recent = |at_ms: &u64| now_ms.abs_diff(*at_ms) < QUIET_MS;
        watch.early_renewals.retain(recent);
        watch.early_renewals.push(now_ms);
        watch.early_renewals.len() > MOST_EARLY_RENEWALS
    }

    fn watch(&self) -> std::sync::MutexGuard<'_, Watch> {
        // Every change is complete before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Tells of an anomaly at once, and writes it down in the background.
    pub(super) fn report(self: &Arc<Self>, kind: AnomalyKind) {
        let Some(anomaly) = self.audit.note(kind, self.now_ms()) else {
            return;
        };
        let engine = Arc::clone(self);
        self.runtime.spawn(async move {
            // A list that cannot be written now is not worth more than what it tells of.
            let _ = blocking(move || {
                engine.vault.edit_records(|records| {
                    let mut list = read(records.get(KEY).as_ref())?;
                    list.push(anomaly);
                    let excess = list.len().saturating_sub(MOST_ENTRIES);
                    list.drain(..excess);
                    Ok(Some(Edit::default().put(KEY, to_value(&list)?)))
                })
            })
            .await;
        });
    }

    /// Reports what a failure says about the vault, if it says anything.
    pub(super) fn report_failure(self: &Arc<Self>, error: &Error) {
        if let Some(kind) = AnomalyKind::of(error) {
            self.report(kind);
        }
    }

    /// Notes that a token with this much of its lifetime left was renewed.
    pub(super) fn note_renewal(self: &Arc<Self>, left_ms: u64, lifetime_ms: u64) {
        if left_ms > lifetime_ms / 2 && self.audit.is_one_too_many(self.now_ms()) {
            self.report(AnomalyKind::TooManyRefreshes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_written_once_in_a_while_and_told_each_time() {
        let audit = Audit::default();
        let mut listener = audit.subscribe();
        let kind = AnomalyKind::UnknownSender;
        let written = |at_ms| audit.note(kind, at_ms).map(|anomaly| anomaly.count);
        assert_eq!(written(1_000), Some(1));
        for at_ms in 1_001..1_011 {
            assert_eq!(written(at_ms), None);
        }
        assert_eq!(
            audit.note(AnomalyKind::Tampered, 1_011).map(|a| a.count),
            Some(1)
        );
        assert_eq!(written(1_000 + QUIET_MS), Some(11));
        let mut told = 0;
        while listener.try_recv().is_ok() {
            told += 1;
        }
        assert_eq!(told, 13);
    }

    #[test]
    fn the_application_reports_what_pages_do_and_nothing_that_the_session_sees_itself() {
        for kind in [
            AnomalyKind::UnknownSender,
            AnomalyKind::InvalidCall,
            AnomalyKind::TooManyCalls,
        ] {
            assert_eq!(AnomalyKind::reported_as(kind.name()), Some(kind));
        }
        assert_eq!(AnomalyKind::reported_as("tampered"), None);
        assert_eq!(AnomalyKind::reported_as(""), None);
    }

    #[test]
    fn renewals_are_too_many_only_when_they_come_close_together() {
        let audit = Audit::default();
        for n in 0..100 {
            assert!(!audit.is_one_too_many(n * QUIET_MS / 10));
        }
        let burst = (0..30).filter(|n| audit.is_one_too_many(1_000 * QUIET_MS + n));
        assert_eq!(burst.count(), 30 - MOST_EARLY_RENEWALS);
    }
}
