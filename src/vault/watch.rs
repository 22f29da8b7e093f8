//! Tells listeners which keys changed, also when another process changed them.
#![forbid(unsafe_code)]

use super::shared::{Inner, read};
use crate::{Error, Result};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch as latest;

/// Names of the application's keys that were set, removed, or both, since the last message.
pub type Changes = Vec<String>;

/// Who listens. Nothing watches the file until somebody does.
#[derive(Default)]
pub(super) struct Listeners(Mutex<State>);

#[derive(Default)]
struct State {
    senders: Vec<UnboundedSender<Changes>>,
    /// The version of Latchkey's own records that was last read or written.
    records: Option<latest::Sender<u64>>,
    /// Who is told that records changed, without which.
    record_senders: Vec<UnboundedSender<()>>,
    /// The version of Latchkey's own records that `record_senders` were told of.
    records_told: u64,
    watcher: Option<RecommendedWatcher>,
}

impl Listeners {
    /// Adds a listener; the first one starts the watch on the vault's directory.
    pub(super) fn add(inner: &Arc<Inner>) -> Result<UnboundedReceiver<Changes>> {
        let (sender, receiver) = unbounded_channel();
        inner.listeners.watching(inner)?.senders.push(sender);
        Ok(receiver)
    }

    /// Adds somebody who hears that records changed.
    pub(super) fn add_for_records(inner: &Arc<Inner>) -> Result<UnboundedReceiver<()>> {
        let (sender, receiver) = unbounded_channel();
        let version = read(&inner.contents).records_version();
        let mut state = inner.listeners.watching(inner)?;
        if state.record_senders.is_empty() {
            state.records_told = version;
        }
        state.record_senders.push(sender);
        Ok(receiver)
    }

    /// The version of Latchkey's own records, as it changes.
    pub(super) fn watch_records(inner: &Arc<Inner>) -> Result<latest::Receiver<u64>> {
        let version = read(&inner.contents).records_version();
        let mut state = inner.listeners.watching(inner)?;
        let sender = state
            .records
            .get_or_insert_with(|| latest::Sender::new(version));
        Ok(sender.subscribe())
    }

    /// Starts the watch unless it runs.
    fn watching(&self, inner: &Arc<Inner>) -> Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        if state.watcher.is_none() {
            state.watcher = Some(watch(inner)?);
        }
        Ok(state)
    }

    /// Tells what changed, and forgets listeners that are gone. The watch goes on until the vault is closed: it costs
    /// nothing while nothing changes.
    pub(super) fn tell(&self, changed: BTreeSet<String>, records_version: u64) {
        let mut state = self.state();
        if let Some(records) = &state.records {
            records.send_if_modified(|last| {
                std::mem::replace(last, records_version) != records_version
            });
        }
        if std::mem::replace(&mut state.records_told, records_version) != records_version {
            state
                .record_senders
                .retain(|sender| sender.send(()).is_ok());
        }
        if changed.is_empty() {
            return;
        }
        let changed: Changes = changed.into_iter().collect();
        state
            .senders
            .retain(|sender| sender.send(changed.clone()).is_ok());
    }

    /// Ends every listener's stream.
    pub(super) fn close(&self) {
        let ended = std::mem::take(&mut *self.state());
        // Dropping a watcher waits for its thread, which may be about to take the lock.
        drop(ended);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches the directory, not the file: a rewrite puts another file in its place.
fn watch(inner: &Arc<Inner>) -> Result<RecommendedWatcher> {
    let failed = |error: notify::Error| Error::VaultIo {
        action: "watch the vault's directory",
        reason: error.to_string(),
    };
    let weak = Arc::downgrade(inner);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let is_change = event.is_ok_and(|event| {
            matches!(
                event.kind,
                EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_)
            )
        });
        if is_change && let Some(inner) = weak.upgrade() {
            // A vault that cannot be read says so to whoever reads it next.
            let _ = inner.catch_up();
        }
    })
    .map_err(failed)?;
    let dir = inner
        .place
        .path
        .parent()
        .ok_or(Error::Internal("a vault file without a directory"))?;
    watcher
        .watch(dir, RecursiveMode::NonRecursive)
        .map_err(failed)?;
    Ok(watcher)
}
