//! Who waits for a sign-in in this process, and how it hears of the person.
#![forbid(unsafe_code)]

use super::super::engine::Engine;
use super::stored::PREFIX;
use crate::oauth::Loopback;
use crate::provider::{Answer, Awaits, User};
use crate::vault::OwnedLock;
use crate::{Error, Result};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// How many outcomes are kept for whoever asks late.
const MOST_OUTCOMES: usize = 16;

/// How this process hears of the person.
pub(super) enum Listening {
    /// The browser comes to a port of this machine.
    Port(Loopback),
    /// The server is asked about the other device, so often.
    Device(Duration),
}

impl Listening {
    pub(super) fn of(awaits: &Awaits, loopback: Option<Loopback>) -> Option<Self> {
        match (awaits, loopback) {
            (Awaits::Browser { .. }, Some(loopback)) => Some(Self::Port(loopback)),
            (Awaits::Device { interval_ms, .. }, _) => {
                Some(Self::Device(Duration::from_millis(*interval_ms)))
            }
            _ => None,
        }
    }
}

/// A sign-in that this process knows of.
#[derive(Debug)]
struct Waiting {
    id: String,
    /// The generation that it holds the state `signingIn` in.
    generation: u64,
    outcome: watch::Sender<Option<Result<User>>>,
    /// Gives it up when its time is over.
    clock: AbortHandle,
    /// Listens for the browser, or asks about the other device.
    listening: Option<AbortHandle>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.clock.abort();
        if let Some(listening) = &self.listening {
            listening.abort();
        }
    }
}

/// The sign-ins that this process knows of, and how the last ones ended.
#[derive(Debug, Default)]
pub(in crate::session) struct SignIns(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    waiting: Vec<Waiting>,
    /// Those that this process goes on with now, which may be out of the vault for that.
    stepping: Vec<String>,
    ended: VecDeque<(String, Result<User>)>,
}

impl SignIns {
    fn table(&self) -> MutexGuard<'_, Table> {
        // Every change of the table is complete before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that this process waits for.
    pub(super) fn ids(&self) -> Vec<String> {
        let table = self.table();
        let ids = table.waiting.iter().map(|waiting| waiting.id.clone());
        ids.collect()
    }

    pub(super) fn waits_for(&self, id: &str) -> bool {
        self.table().waiting.iter().any(|waiting| waiting.id == id)
    }

    /// Waits until a sign-in has come to its end, or says how it ended.
    ///
    /// # Errors
    /// What it ended with, `ERR_SIGN_IN_NOT_FOUND`, `ERR_SESSION_CLOSED`.
    pub(super) async fn outcome_of(&self, id: &str) -> Result<User> {
        let mut outcome = {
            let table = self.table();
            if let Some((_, ended)) = table.ended.iter().rev().find(|(ended, _)| ended == id) {
                return ended.clone();
            }
            let waiting = table.waiting.iter().find(|waiting| waiting.id == id);
            waiting.ok_or(Error::SignInNotFound)?.outcome.subscribe()
        };
        let ended = outcome.wait_for(Option::is_some).await;
        match ended.map(|ended| ended.clone()) {
            Ok(Some(ended)) => ended,
            _ => Err(Error::SessionClosed),
        }
    }
}

/// Says until it is dropped that this process goes on with a sign-in.
pub(super) struct Stepping<'a> {
    sign_ins: &'a SignIns,
    id: &'a str,
}

impl<'a> Stepping<'a> {
    pub(super) fn with(sign_ins: &'a SignIns, id: &'a str) -> Self {
        sign_ins.table().stepping.push(id.to_owned());
        Self { sign_ins, id }
    }
}

impl Drop for Stepping<'_> {
    fn drop(&mut self) {
        let mut table = self.sign_ins.table();
        let index = table.stepping.iter().position(|id| id == self.id);
        if let Some(index) = index {
            table.stepping.swap_remove(index);
        }
    }
}

impl Table {
    fn take(&mut self, id: &str) -> Option<Waiting> {
        let index = self.waiting.iter().position(|waiting| waiting.id == id)?;
        Some(self.waiting.remove(index))
    }

    fn end(&mut self, id: &str, outcome: Result<User>) {
        self.ended.push_back((id.to_owned(), outcome));
        if self.ended.len() > MOST_OUTCOMES {
            self.ended.pop_front();
        }
    }
}

impl Engine {
    /// Has this process wait for a sign-in, in the place of how it waited before.
    pub(super) fn wait_on(
        self: &Arc<Self>,
        id: &str,
        generation: u64,
        expires_at_ms: u64,
        listening: Option<Listening>,
    ) {
        let left = Duration::from_millis(expires_at_ms.saturating_sub(self.now_ms()));
        let clock = self.in_background(id, move |engine, id| async move {
            tokio::time::sleep(left).await;
            // What the vault cannot take now is swept at the next start.
            let _ = engine.give_up(&id, Error::SignInExpired).await;
        });
        let listening = listening.map(|listening| match listening {
            Listening::Port(loopback) => {
                self.in_background(id, |engine, _| engine.listen(loopback))
            }
            Listening::Device(interval) => {
                self.in_background(id, move |engine, id| engine.poll(id, interval))
            }
        });
        let mut table = self.sign_ins.table();
        let before = table.take(id);
        let outcome = before.as_ref().map(|before| before.outcome.clone());
        table.waiting.push(Waiting {
            id: id.to_owned(),
            generation,
            outcome: outcome.unwrap_or_default(),
            clock,
            listening,
        });
        drop(table);
        if let Some(before) = before {
            self.core().fail_sign_in(before.generation);
        }
    }

    fn in_background<F: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        id: &str,
        work: impl FnOnce(Arc<Self>, String) -> F + Send + 'static,
    ) -> AbortHandle {
        let task = self.runtime.spawn(work(Arc::clone(self), id.to_owned()));
        task.abort_handle()
    }

    /// Takes what the browser brings to a port of this machine, until it is a callback that was waited for.
    async fn listen(self: Arc<Self>, mut loopback: Loopback) {
        loop {
            let callback = loopback.accept().await;
            // A task of its own: it ends the sign-in, and with it this one. What comes of it is told to whoever waits.
            let engine = Arc::clone(&self);
            self.runtime
                .spawn(async move { engine.match_callback(callback).await });
        }
    }

    /// Asks about the other device until there is an answer. One process at a time.
    async fn poll(self: Arc<Self>, id: String, interval: Duration) {
        let path = self.turn_path.with_extension("device.lock");
        let turn = loop {
            tokio::time::sleep(interval).await;
            match OwnedLock::try_take(&path) {
                Ok(Some(turn)) => break turn,
                Ok(None) => {}
                Err(_) => return,
            }
        };
        // A task of its own: it ends the sign-in, and with it this one.
        let engine = Arc::clone(&self);
        self.runtime.spawn(async move {
            let _turn = turn;
            let _ = engine.answer_standing(&id, Answer::Poll).await;
        });
    }

    /// The sign-in `id` is over.
    pub(super) fn end(&self, id: &str, outcome: Result<User>) {
        let mut table = self.sign_ins.table();
        let waiting = table.take(id);
        table.end(id, outcome.clone());
        drop(table);
        if let Some(waiting) = waiting {
            self.core().fail_sign_in(waiting.generation);
            waiting.outcome.send_replace(Some(outcome));
        }
    }

    /// Whether this process waits for any.
    pub(in crate::session) fn has_sign_ins(&self) -> bool {
        !self.sign_ins.table().waiting.is_empty()
    }

    /// Ends those that another process took out of the vault: it went on with them, or gave them up. `stored` are the names of
    /// those that are there.
    pub(in crate::session) fn end_lost_sign_ins(&self, stored: &[String]) {
        let lost: Vec<String> = {
            let table = self.sign_ins.table();
            let ids = table.waiting.iter().map(|waiting| waiting.id.clone());
            ids.filter(|id| {
                let is_stored = stored
                    .iter()
                    .any(|key| key.strip_prefix(PREFIX) == Some(id));
                !is_stored && !table.stepping.contains(id)
            })
            .collect()
        };
        let user = self.held_session().map(|(_, user)| user);
        for id in lost {
            self.end(&id, user.clone().ok_or(Error::SignInCancelled));
        }
    }

    /// Nobody waits any more; what waits in the vault stays.
    pub(in crate::session) fn close_sign_ins(&self) {
        self.sign_ins.table().waiting.clear();
    }
}
