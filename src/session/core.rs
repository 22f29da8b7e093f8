//! What a session is at one moment, and how each event changes it. Nothing here waits.
#![forbid(unsafe_code)]

use super::record::{Record, Stamp};
use super::state::{Event, Reason, Snapshot, Standing, State, next};
use crate::provider::{Credentials, Grant, User};
use crate::{Error, Result};
use futures_util::future::{BoxFuture, Shared};
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

/// A renewal under way. Every caller holds a clone; none of them can cancel it.
#[derive(Clone)]
pub(super) struct Flight {
    /// Grows by one with each.
    pub(super) number: u64,
    /// What came of it.
    pub(super) landing: Shared<BoxFuture<'static, Result<()>>>,
}

/// Credentials that may be sent, and which ones they are.
#[derive(Debug, Clone)]
pub(super) struct Fresh {
    pub(super) credentials: Arc<Credentials>,
    pub(super) generation: u64,
    pub(super) stamp: Stamp,
}

/// A grant that the server gave and the vault could not store yet.
pub(super) struct Unstored {
    pub(super) grant: Grant,
    pub(super) replaces: Stamp,
}

/// What changes, under one short lock that is never held across an await or a write to disk.
pub(super) struct Core {
    standing: Standing,
    reason: Reason,
    user: Option<User>,
    credentials: Option<Arc<Credentials>>,
    stamp: Stamp,
    signed_in_at_ms: u64,
    /// Grows with each sign-in and sign-out. Work that began under an older one is dropped.
    generation: u64,
    revision: u64,
    flight: Option<Flight>,
    flights: u64,
    /// Sign-ins under way, and the state to go back to when all of them have failed.
    signing_in: u32,
    before_sign_in: State,
    /// Tries that failed in a row.
    failures: u32,
    retry_at_ms: Option<u64>,
    retry: Option<AbortHandle>,
    /// Sessions whose end the server has not heard of, because it could not be reached.
    revocations_owed: usize,
    pub(super) unstored: Option<Unstored>,
    /// Locks and unlocks of this process that the vault does not say yet. Until then the vault's word is an old one.
    locks_to_store: u32,
    /// The sign-in that was left here last. Its record may lie in the vault a moment longer, and never comes back.
    left: Option<Stamp>,
    /// The refresh token may be spent: it was sent, and no answer came.
    unanswered: bool,
    listeners: Vec<UnboundedSender<Snapshot>>,
    closed: bool,
}

impl Core {
    /// The core of a session as the vault holds it.
    pub(super) fn restore(stored: Option<Record>) -> Self {
        let mut core = Self {
            standing: Standing::at(State::SignedOut),
            reason: Reason::Start,
            user: None,
            credentials: None,
            stamp: Stamp::default(),
            signed_in_at_ms: 0,
            generation: 0,
            revision: 0,
            flight: None,
            flights: 0,
            signing_in: 0,
            before_sign_in: State::SignedOut,
            failures: 0,
            retry_at_ms: None,
            retry: None,
            revocations_owed: 0,
            unstored: None,
            locks_to_store: 0,
            left: None,
            unanswered: false,
            listeners: Vec::new(),
            closed: false,
        };
        if let Some(record) = stored {
            let state = if record.credentials.is_some() {
                State::Restoring
            } else {
                State::Expired
            };
            core.standing = Standing {
                state,
                locked: record.locked && record.credentials.is_some(),
            };
            core.hold(record);
        }
        core
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.standing.shown(),
            reason: self.reason,
            user: self.user.clone(),
            expires_at_ms: self.token_expires_at_ms(),
            retry_at_ms: self.retry_at_ms,
            revocations_owed: self.revocations_owed,
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

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    pub(super) fn is_restoring(&self) -> bool {
        self.standing.state == State::Restoring
    }

    pub(super) fn is_unanswered(&self) -> bool {
        self.unanswered
    }

    /// Whether the session has ended, and its user stays.
    pub(super) fn is_over(&self) -> bool {
        self.standing.state == State::Expired
    }

    /// When the access token at hand ends.
    pub(super) fn token_expires_at_ms(&self) -> Option<u64> {
        self.credentials.as_ref()?.expires_at_ms
    }

    pub(super) fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    /// When somebody signed in; `None` while nobody is.
    pub(super) fn signed_in_at_ms(&self) -> Option<u64> {
        self.credentials.as_ref().map(|_| self.signed_in_at_ms)
    }

    /// The credentials, for whoever may send them.
    ///
    /// # Errors
    /// `ERR_SESSION_CLOSED`, `ERR_SESSION_LOCKED`, `ERR_SESSION_EXPIRED`, `ERR_NOT_SIGNED_IN`.
    pub(super) fn credentials(&self) -> Result<Fresh> {
        self.check_open()?;
        if self.standing.locked {
            return Err(Error::SessionLocked);
        }
        self.held()
    }

    /// The credentials, also under the lock: for the engine's own work.
    ///
    /// # Errors
    /// `ERR_SESSION_EXPIRED`, `ERR_NOT_SIGNED_IN`.
    pub(super) fn held(&self) -> Result<Fresh> {
        let credentials = self.credentials.as_ref().ok_or(match self.standing.state {
            State::Expired => Error::SessionExpired,
            _ => Error::NotSignedIn,
        })?;
        Ok(Fresh {
            credentials: Arc::clone(credentials),
            generation: self.generation,
            stamp: self.stamp,
        })
    }

    /// The flight under way.
    pub(super) fn flight(&self) -> Option<Flight> {
        self.flight.clone()
    }

    /// The number of the next flight.
    pub(super) fn next_flight(&mut self) -> u64 {
        self.flights += 1;
        self.flights
    }

    pub(super) fn take_off(&mut self, flight: Flight) {
        self.flight = Some(flight);
    }

    /// The flight `number` has ended.
    pub(super) fn land(&mut self, number: u64) {
        let is_it = |flight: &Flight| flight.number == number;
        if self.flight.as_ref().is_some_and(is_it) {
            self.flight = None;
        }
    }

    /// Begins a sign-in: answers with its generation.
    pub(super) fn begin_sign_in(&mut self) -> Result<u64> {
        self.check_open()?;
        if self.signing_in == 0 {
            self.before_sign_in = self.standing.state;
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
    pub(super) fn begin_sign_out(&mut self, reason: Reason) -> Result<Option<Arc<Credentials>>> {
        self.check_open()?;
        let credentials = self.credentials.take();
        self.forget();
        self.apply(Event::SignedOut(reason));
        Ok(credentials)
    }

    /// Somebody signed in, and the vault holds it.
    pub(super) fn sign_in(&mut self, record: Record) {
        self.begin_generation();
        self.hold(record);
        self.apply(Event::SignedIn);
    }

    /// The session was renewed, and the vault holds it.
    pub(super) fn renew(&mut self, record: Record) {
        self.settle();
        self.hold(record);
        self.apply(Event::Renewed);
    }

    /// The session is over. Answers with what it was held by.
    pub(super) fn end(&mut self, reason: Reason) -> Option<Arc<Credentials>> {
        self.begin_generation();
        self.left = Some(self.stamp);
        let credentials = self.credentials.take();
        self.apply(Event::Ended(reason));
        credentials
    }

    /// Follows what another process stored. `None`: it signed out.
    pub(super) fn adopt(&mut self, stored: Option<Record>) {
        let has_left = |stamp: Stamp| self.left.is_some_and(|left| left.is_same_sign_in(stamp));
        match stored {
            Some(record) if has_left(record.stamp) => {}
            None if matches!(self.standing.state, State::SignedOut | State::SigningIn) => {}
            None => {
                self.forget();
                self.apply(Event::SignedOut(Reason::Elsewhere));
            }
            Some(record) if record.stamp == self.stamp => {
                if record.credentials.is_none() && self.credentials.is_some() {
                    self.end(Reason::Elsewhere);
                } else if record.credentials.is_some() {
                    self.adopt_lock(record.locked);
                }
            }
            Some(record) if record.credentials.is_none() => {
                self.begin_generation();
                self.credentials = None;
                let is_news = self.standing.state != State::SignedOut;
                self.hold(record);
                if is_news {
                    self.apply(Event::Ended(Reason::Elsewhere));
                }
            }
            Some(record) => {
                if record.stamp.is_same_sign_in(self.stamp) {
                    self.settle();
                } else {
                    self.begin_generation();
                }
                let locked = record.locked;
                self.hold(record);
                self.apply(Event::Adopted);
                self.adopt_lock(locked);
            }
        }
    }

    fn adopt_lock(&mut self, locked: bool) {
        if self.locks_to_store == 0 {
            self.set_locked(locked, Reason::Elsewhere);
        }
    }

    /// Locks or unlocks the session at once. [`Core::lock_stored`] is called when the vault says so too.
    pub(super) fn lock(&mut self, locked: bool, reason: Reason) {
        self.locks_to_store += 1;
        self.set_locked(locked, reason);
    }

    pub(super) fn lock_stored(&mut self) {
        self.locks_to_store -= 1;
    }

    fn set_locked(&mut self, locked: bool, reason: Reason) {
        self.apply(if locked {
            Event::Locked(reason)
        } else {
            Event::Unlocked
        });
    }

    pub(super) fn is_locked(&self) -> bool {
        self.standing.locked
    }

    /// How many ends of sessions the server is still to hear of.
    pub(super) fn owe_revocations(&mut self, owed: usize) {
        if owed == self.revocations_owed || self.closed {
            return;
        }
        self.revocations_owed = owed;
        self.tell();
    }

    /// The session stands, but could not be renewed; `retry` is when and how it is tried again by itself.
    pub(super) fn trouble(&mut self, reason: Reason, retry: Option<(u64, AbortHandle)>) {
        let failures = self.failures_after_this();
        self.cancel_retry();
        if self.closed || self.credentials.is_none() {
            if let Some((_, retry)) = retry {
                retry.abort();
            }
            return;
        }
        self.unanswered = reason == Reason::Unanswered;
        self.failures = failures;
        if let Some((retry_at_ms, retry)) = retry {
            self.retry_at_ms = Some(retry_at_ms);
            self.retry = Some(retry);
        }
        // The same trouble again, with no time to tell of, is no news.
        if self.reason != reason || self.retry_at_ms.is_some() {
            self.apply(Event::Trouble(reason));
        }
    }

    /// How many tries will have failed in a row if one fails now. Who tries before the time has come finds what was known
    /// already: that does not put off the next try.
    pub(super) fn failures_after_this(&self) -> u32 {
        self.failures
            .saturating_add(u32::from(self.retry.is_none()))
    }

    /// The time of the next try has come.
    pub(super) fn begin_retry(&mut self) {
        self.retry = None;
    }

    /// Drops work that began before.
    fn begin_generation(&mut self) {
        self.generation += 1;
        self.flight = None;
        self.signing_in = 0;
        self.settle();
    }

    /// Whatever trouble there was is over.
    fn settle(&mut self) {
        self.failures = 0;
        self.unanswered = false;
        self.unstored = None;
        self.cancel_retry();
    }

    fn hold(&mut self, record: Record) {
        self.stamp = record.stamp;
        self.signed_in_at_ms = record.signed_in_at_ms;
        self.user = Some(record.user);
        self.credentials = record.credentials.map(Arc::new);
    }

    fn forget(&mut self) {
        self.begin_generation();
        self.left = Some(self.stamp);
        self.credentials = None;
        self.user = None;
        self.stamp = Stamp::default();
    }

    fn cancel_retry(&mut self) {
        self.retry_at_ms = None;
        if let Some(retry) = self.retry.take() {
            retry.abort();
        }
    }

    fn apply(&mut self, event: Event) {
        let Some((standing, reason)) = next(self.standing, event) else {
            return;
        };
        let was_locked = std::mem::replace(&mut self.standing, standing).locked;
        if was_locked && standing.locked {
            return;
        }
        self.reason = reason;
        self.tell();
    }

    fn tell(&mut self) {
        self.revision += 1;
        let snapshot = self.snapshot();
        self.listeners
            .retain(|listener| listener.send(snapshot.clone()).is_ok());
    }
}
