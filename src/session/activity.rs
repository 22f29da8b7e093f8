//! The renewals of this process, for a view of what the session does: the last ones, and who hears of the next.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// So many renewals are kept. Of more the oldest are forgotten.
pub const MOST_REFRESHES: usize = 50;

/// What came of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefreshOutcome {
    /// The server gave another access token.
    Renewed,
    /// The server said that the token at hand goes on.
    Confirmed,
    /// The session had been renewed meanwhile, by another process of the application for one: the server was not asked.
    Adopted,
    /// It did not succeed. The session stands, offline, and is tried again by itself.
    Offline,
    /// A refresh token that serves once was sent, now or before, and no answer came.
    Unanswered,
    /// The session is over.
    Ended,
    /// Somebody signed out or in meanwhile: what the server said was dropped.
    Superseded,
    /// It did not succeed for another reason, which its code tells. The session is what it was.
    Failed,
}

impl RefreshOutcome {
    /// The name used in JavaScript.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Renewed => "renewed",
            Self::Confirmed => "confirmed",
            Self::Adopted => "adopted",
            Self::Offline => "offline",
            Self::Unanswered => "unanswered",
            Self::Ended => "ended",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
        }
    }
}

/// One renewal, under way or ended. Holds no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// Grows by one with each renewal. Starts at 1.
    pub number: u64,
    /// When it began, in milliseconds since 1970 by the local clock.
    pub started_at_ms: u64,
    /// When it ended; `None` while it is under way.
    pub ended_at_ms: Option<u64>,
    /// How many calls have waited for it so far.
    pub waiters: u32,
    /// What came of it; `None` while it is under way.
    pub outcome: Option<RefreshOutcome>,
    /// The code of the error that it ended with, if it did.
    pub code: Option<&'static str>,
    /// When the access token that was held then ends, in milliseconds since 1970; `None` when there was none, or it has no
    /// known end.
    pub token_expires_at_ms: Option<u64>,
}

/// Calls that wait for one answer together, and how many they are. Clones share the count.
#[derive(Debug, Clone)]
pub struct Callers(Arc<AtomicU32>);

impl Callers {
    /// Another call waits for the same answer.
    pub fn join(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Callers {
    /// One call.
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(1)))
    }
}

/// How a renewal ended.
pub(super) struct Landing {
    pub(super) outcome: RefreshOutcome,
    pub(super) code: Option<&'static str>,
    pub(super) token_expires_at_ms: Option<u64>,
}

/// The last renewals, and who listens.
#[derive(Default)]
pub(super) struct Activity(Mutex<Log>);

#[derive(Default)]
struct Log {
    entries: VecDeque<Entry>,
    listeners: Vec<UnboundedSender<Refresh>>,
}

struct Entry {
    refresh: Refresh,
    /// Who waits. Empty again when it has ended.
    waiting: Vec<Callers>,
}

impl Activity {
    /// The renewal `number` begins.
    pub(super) fn begin(&self, number: u64, now_ms: u64, token_expires_at_ms: Option<u64>) {
        let mut log = self.log();
        if log.entries.len() == MOST_REFRESHES {
            log.entries.pop_front();
        }
        let refresh = Refresh {
            number,
            started_at_ms: now_ms,
            ended_at_ms: None,
            waiters: 0,
            outcome: None,
            code: None,
            token_expires_at_ms,
        };
        log.tell(&refresh);
        log.entries.push_back(Entry {
            refresh,
            waiting: Vec::new(),
        });
    }

    /// Calls wait for the renewal `number`.
    pub(super) fn wait(&self, number: u64, callers: Callers) {
        if let Some(entry) = self.log().running(number) {
            entry.waiting.push(callers);
        }
    }

    /// The renewal `number` has ended.
    pub(super) fn end(&self, number: u64, now_ms: u64, landing: Landing) {
        let mut log = self.log();
        let Some(entry) = log.running(number) else {
            return;
        };
        entry.refresh = Refresh {
            ended_at_ms: Some(now_ms),
            outcome: Some(landing.outcome),
            code: landing.code,
            token_expires_at_ms: landing.token_expires_at_ms,
            ..entry.shown()
        };
        entry.waiting = Vec::new();
        let ended = entry.refresh.clone();
        log.tell(&ended);
    }

    /// The last renewals, oldest first.
    pub(super) fn refreshes(&self) -> Vec<Refresh> {
        self.log().entries.iter().map(Entry::shown).collect()
    }

    pub(super) fn subscribe(&self) -> UnboundedReceiver<Refresh> {
        let (sender, receiver) = unbounded_channel();
        self.log().listeners.push(sender);
        receiver
    }

    pub(super) fn close(&self) {
        self.log().listeners.clear();
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // Every change is complete before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    /// The renewal `number`, if it has not ended. It is among the last.
    fn running(&mut self, number: u64) -> Option<&mut Entry> {
        let mut entries = self.entries.iter_mut().rev();
        let entry = entries.find(|entry| entry.refresh.number == number)?;
        entry.refresh.outcome.is_none().then_some(entry)
    }

    fn tell(&mut self, refresh: &Refresh) {
        self.listeners
            .retain(|listener| listener.send(refresh.clone()).is_ok());
    }
}

impl Entry {
    fn shown(&self) -> Refresh {
        let waiting = self.waiting.iter().map(Callers::count);
        Refresh {
            waiters: waiting.fold(self.refresh.waiters, u32::saturating_add),
            ..self.refresh.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renewed() -> Landing {
        Landing {
            outcome: RefreshOutcome::Renewed,
            code: None,
            token_expires_at_ms: Some(9_000),
        }
    }

    #[test]
    fn the_last_are_kept_in_their_order() {
        let activity = Activity::default();
        for number in 1..=60 {
            activity.begin(number, number, None);
            activity.end(number, number + 1, renewed());
        }
        let numbers = activity.refreshes().into_iter().map(|r| r.number);
        assert_eq!(numbers.collect::<Vec<_>>(), (11..=60).collect::<Vec<_>>());
    }

    #[test]
    fn all_who_wait_are_counted_also_those_who_join_later() {
        let activity = Activity::default();
        activity.begin(1, 1_000, Some(5_000));
        let callers = Callers::default();
        activity.wait(1, callers.clone());
        activity.wait(1, Callers::default());
        let waiters = || activity.refreshes()[0].waiters;
        assert_eq!(waiters(), 2);
        callers.join();
        assert_eq!(waiters(), 3);
        activity.end(1, 2_000, renewed());
        callers.join();
        activity.wait(1, Callers::default());
        let ended = &activity.refreshes()[0];
        assert_eq!((ended.waiters, ended.started_at_ms), (3, 1_000));
        assert_eq!(ended.ended_at_ms, Some(2_000));
        assert_eq!(ended.token_expires_at_ms, Some(9_000));
    }

    #[test]
    fn listeners_hear_of_each_begin_and_end_until_they_are_gone() {
        let activity = Activity::default();
        let mut told = activity.subscribe();
        drop(activity.subscribe());
        activity.begin(1, 1_000, None);
        // Two are under way at once when a sign-in came between.
        activity.begin(2, 1_100, None);
        activity.end(1, 1_200, renewed());
        activity.end(1, 1_300, renewed());
        activity.close();
        activity.end(2, 1_400, renewed());
        let mut heard = Vec::new();
        while let Ok(refresh) = told.try_recv() {
            heard.push((refresh.number, refresh.ended_at_ms));
        }
        assert_eq!(heard, [(1, None), (2, None), (1, Some(1_200))]);
        assert_eq!(activity.refreshes()[1].ended_at_ms, Some(1_400));
    }
}
