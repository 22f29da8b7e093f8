//! What a session is at one moment, and how each event changes it. Nothing here waits.
#![forbid(unsafe_code)]

use super::record::Record;
use super::state::{Event, Reason, Snapshot, State, next};
use super::without_credentials;
use crate::provider::{Credentials, Grant, User};
use crate::{Error, Result};
use futures_util::future::{BoxFuture, Shared};
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

/// A renewal under way. Every caller holds a clone; none of them can cancel it.
pub(super) type Flight = Shared<BoxFuture<'static, Result<()>>>;

/// Credentials that may be sent, and how many renewals had happened when they were read.
#[derive(Debug, Clone)]
pub(super) struct Fresh {
    pub(super) credentials: Arc<Credentials>,
    pub(super) generation: u64,
    pub(super) renewals: u64,
}

/// What changes, under one short lock that is never held across an await or a write to disk.
pub(super) struct Core {
    pub(super) state: State,
    reason: Reason,
    pub(super) user: Option<User>,
    credentials: Option<Arc<Credentials>>,
    /// Grows with each sign-in and sign-out. Work that began under an older one is dropped.
    pub(super) generation: u64,
    /// Grows with each renewal of the same session.
    pub(super) renewals: u64,
    revision: u64,
    pub(super) flight: Option<Flight>,
    /// Sign-ins under way, and the state to go back to when all of them have failed.
    signing_in: u32,
    before_sign_in: State,
    /// Tries that failed in a row.
    pub(super) failures: u32,
    retry_at_ms: Option<u64>,
    retry: Option<AbortHandle>,
    listeners: Vec<UnboundedSender<Snapshot>>,
    closed: bool,
}

impl Core {
    /// The core of a session as the vault holds it.
    pub(super) fn restore(stored: Option<Record>) -> Self {
        let (user, credentials) = match stored {
            Some(record) => (Some(record.user), record.credentials),
            None => (None, None),
        };
        let state = match (&user, &credentials) {
            (_, Some(_)) => State::Restoring,
            (Some(_), None) => State::Expired,
            (None, None) => State::SignedOut,
        };
        Self {
            state,
            reason: Reason::Start,
            user,
            credentials: credentials.map(Arc::new),
            generation: 0,
            renewals: 0,
            revision: 0,
            flight: None,
            signing_in: 0,
            before_sign_in: state,
            failures: 0,
            retry_at_ms: None,
            retry: None,
            listeners: Vec::new(),
            closed: false,
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.state,
            reason: self.reason,
            user: self.user.clone(),
            expires_at_ms: self
                .credentials
                .as_ref()
                .and_then(|credentials| credentials.expires_at_ms),
            retry_at_ms: self.retry_at_ms,
            revision: self.revision,
        }
    }

    pub(super) fn subscribe(&mut self) -> UnboundedReceiver<Snapshot> {
        let (sender, receiver) = unbounded_channel();
        if !self.closed {
            self.listeners.push(sender);
        }
        receiver
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
        self.listeners.clear();
        self.cancel_retry();
    }

    pub(super) fn check_open(&self) -> Result<()> {
        if self.closed {
            return Err(Error::SessionClosed);
        }
        Ok(())
    }

    pub(super) fn check_generation(&self, generation: u64) -> Result<()> {
        if self.generation != generation {
            return Err(Error::Superseded);
        }
        Ok(())
    }

    /// The credentials at hand.
    pub(super) fn credentials(&self) -> Result<Fresh> {
        let credentials = self
            .credentials
            .as_ref()
            .ok_or_else(|| without_credentials(self.state))?;
        Ok(Fresh {
            credentials: Arc::clone(credentials),
            generation: self.generation,
            renewals: self.renewals,
        })
    }

    /// Begins a sign-in: answers with its generation.
    pub(super) fn begin_sign_in(&mut self) -> Result<u64> {
        self.check_open()?;
        if self.signing_in == 0 {
            self.before_sign_in = self.state;
        }
        self.signing_in += 1;
        self.apply(Event::SignInStarted);
        Ok(self.generation)
    }

    /// A sign-in failed. With the last one of several the state goes back to what it was before the first.
    pub(super) fn fail_sign_in(&mut self, generation: u64) {
        if self.generation == generation {
            self.signing_in -= 1;
            if self.signing_in == 0 {
                self.apply(Event::SignInFailed(self.before_sign_in));
            }
        }
    }

    /// Forgets the session at once. Answers with what the server should be told to end.
    pub(super) fn begin_sign_out(&mut self) -> Result<Option<Arc<Credentials>>> {
        self.check_open()?;
        self.begin_generation();
        let credentials = self.credentials.take();
        self.user = None;
        self.apply(Event::SignedOut);
        Ok(credentials)
    }

    pub(super) fn begin_generation(&mut self) {
        self.generation += 1;
        self.renewals = 0;
        self.flight = None;
        self.signing_in = 0;
        self.failures = 0;
        self.cancel_retry();
    }

    pub(super) fn install(&mut self, grant: Grant, event: Event) {
        if event == Event::SignedIn {
            self.begin_generation();
        }
        self.credentials = Some(Arc::new(grant.credentials));
        self.user = Some(grant.user);
        self.renewals += 1;
        self.failures = 0;
        self.cancel_retry();
        self.apply(event);
    }

    pub(super) fn end(&mut self) {
        self.begin_generation();
        self.credentials = None;
        self.apply(Event::Ended);
    }

    pub(super) fn trouble(&mut self, reason: Reason, retry_at_ms: u64, retry: AbortHandle) {
        self.cancel_retry();
        if self.closed || self.credentials.is_none() {
            retry.abort();
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.retry = Some(retry);
        self.retry_at_ms = Some(retry_at_ms);
        self.apply(Event::Unreachable(reason));
    }

    pub(super) fn cancel_retry(&mut self) {
        self.retry_at_ms = None;
        if let Some(retry) = self.retry.take() {
            retry.abort();
        }
    }

    /// The renewal that began under `generation` has ended.
    pub(super) fn land(&mut self, generation: u64) {
        if self.generation == generation {
            self.flight = None;
        }
    }

    pub(super) fn apply(&mut self, event: Event) {
        let Some((state, reason)) = next(self.state, event) else {
            return;
        };
        self.state = state;
        self.reason = reason;
        self.revision += 1;
        let snapshot = self.snapshot();
        self.listeners
            .retain(|listener| listener.send(snapshot.clone()).is_ok());
    }
}
