//! Sign-ins that wait for the person: sealed in the vault until the next step, so that a restart loses none.
//!
//! What a callback brings is used once: its sign-in is claimed in the vault before anything is sent.
#![forbid(unsafe_code)]

mod stored;
mod waiting;

pub(super) use stored::PREFIX;
pub(super) use waiting::SignIns;

use super::Session;
use super::commits::Replaced;
use super::engine::Engine;
use crate::http::Url;
use crate::oauth::{Callback, Loopback};
use crate::provider::{Answer, Awaits, Current, Pending, SignIn, Step, User};
use crate::secret::{SecretString, fill_random};
use crate::{Error, Result};
use std::sync::Arc;
use std::time::Duration;
use stored::Stored;
use waiting::{Listening, Stepping};
use zeroize::Zeroizing;

/// Of more the oldest is given up: a person who begins again and again is not turned away.
const MOST: usize = 8;
/// The strategy of a code that the person copied out of the browser.
const CALLBACK_STRATEGY: &str = "callback";
/// The longest time between two questions about another device after a connection that failed, in milliseconds.
const LONGEST_POLL_MS: u64 = 60_000;
/// Where on this machine's port the browser comes back to.
const LOOPBACK_PATH: &str = "/callback";
/// The longest text that is taken for a code.
const MAX_CODE_BYTES: usize = 8 * 1024;

/// What a step of signing in has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInOutcome {
    /// Somebody is signed in.
    Complete(User),
    /// The person has to do something first.
    Pending(PendingSignIn),
}

/// A sign-in that waits for the person. Holds no secret but what the person's browser is to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingSignIn {
    /// Names it. Unguessable.
    pub id: String,
    /// What it waits for.
    pub awaits: Awaits,
    /// When it is given up, in milliseconds since 1970.
    pub expires_at_ms: u64,
}

impl Session {
    /// Begins to sign somebody in. A session that was active is replaced when, and only when, this succeeds; the server is
    /// told to end it, except for [`SignIn::Tokens`], which may be later tokens of the same session.
    ///
    /// # Errors
    /// The provider's (see [`crate::provider::Provider::sign_in`]), the vault's, `ERR_SUPERSEDED`, `ERR_SESSION_CLOSED`,
    /// `ERR_NETWORK` when no port of this machine could be opened for the browser to come back to.
    pub async fn sign_in(&self, how: SignIn) -> Result<SignInOutcome> {
        let engine = &self.0;
        let replaced = match how {
            SignIn::Tokens { .. } => Replaced::Stays,
            _ => Replaced::Ends,
        };
        let (how, loopback) = engine.open_loopback(how).await?;
        let generation = engine.core().begin_sign_in()?;
        let held = engine.held_session();
        let current = held.as_ref().map(|(fresh, user)| Current {
            credentials: &fresh.credentials,
            user,
        });
        let cx = engine.context(current);
        let step = engine.provider.sign_in(&cx, how).await;
        engine
            .settle(generation, None, step, replaced, loopback)
            .await
    }

    /// Goes on with a code that the person typed. For a sign-in in the browser `strategy` is `callback`, and the code is what
    /// the person copied there: the whole address, or the code alone.
    ///
    /// # Errors
    /// `ERR_INVALID_CODE`: the sign-in still stands. `ERR_SIGN_IN_NOT_FOUND`, `ERR_SIGN_IN_EXPIRED`, `ERR_CALLBACK_INVALID`, and
    /// as for [`Session::sign_in`].
    pub async fn submit_code(
        &self,
        id: &str,
        strategy: String,
        code: SecretString,
        trust_device: bool,
    ) -> Result<SignInOutcome> {
        if code.expose().is_empty() || code.expose().len() > MAX_CODE_BYTES {
            return Err(Error::InvalidCode);
        }
        if strategy == CALLBACK_STRATEGY {
            return self.0.take_pasted(id, code.expose().trim()).await;
        }
        let answer = Answer::Code {
            strategy,
            code,
            trust_device,
        };
        self.0.answer_standing(id, answer).await
    }

    /// Has a code sent to the person.
    ///
    /// # Errors
    /// As for [`Session::submit_code`].
    pub async fn send_code(&self, id: &str, strategy: String) -> Result<SignInOutcome> {
        self.0
            .answer_standing(id, Answer::SendCode { strategy })
            .await
    }

    /// Takes the address that the browser came back with. It is hostile input: only one that a sign-in of this session waits
    /// for is looked at further, and only once.
    ///
    /// # Errors
    /// `ERR_CALLBACK_INVALID`, `ERR_SIGN_IN_NOT_FOUND`, `ERR_SIGN_IN_EXPIRED`, `ERR_ACCESS_DENIED`, and as for
    /// [`Session::sign_in`].
    pub async fn handle_callback(&self, url: &str) -> Result<(String, SignInOutcome)> {
        self.0.match_callback(Callback::parse(url)?).await
    }

    /// Waits until a sign-in has come to its end.
    ///
    /// # Errors
    /// What it ended with; `ERR_SIGN_IN_CANCELLED`, `ERR_SIGN_IN_EXPIRED`, `ERR_SIGN_IN_NOT_FOUND`, `ERR_SESSION_CLOSED`.
    pub async fn wait_for_sign_in(&self, id: &str) -> Result<User> {
        self.0.sign_ins.outcome_of(id).await
    }

    /// Gives a sign-in up. One that is not known any more has ended already, which is no error.
    ///
    /// # Errors
    /// The vault's.
    pub async fn cancel_sign_in(&self, id: &str) -> Result<()> {
        self.0.give_up(id, Error::SignInCancelled).await
    }

    /// The sign-ins that wait for the person, oldest first.
    ///
    /// # Errors
    /// The vault's.
    pub async fn pending_sign_ins(&self) -> Result<Vec<PendingSignIn>> {
        let now_ms = self.0.now_ms();
        let stored = self.0.stored_sign_ins().await?;
        Ok(stored
            .into_iter()
            .filter(|(_, stored)| stored.expires_at_ms > now_ms && !stored.claimed)
            .map(|(id, stored)| PendingSignIn {
                id,
                awaits: stored.awaits,
                expires_at_ms: stored.expires_at_ms,
            })
            .collect())
    }
}

impl Engine {
    /// Takes up the sign-ins that waited when the application was quit.
    pub(super) async fn restore_sign_ins(self: &Arc<Self>) -> Result<()> {
        let now_ms = self.now_ms();
        for (id, stored) in self.stored_sign_ins().await? {
            if stored.expires_at_ms <= now_ms {
                self.remove_stored(&id).await?;
                continue;
            }
            // What another process went on with, or one that was killed over it.
            if stored.claimed {
                continue;
            }
            let generation = self.core().begin_sign_in()?;
            let listening = Listening::of(&stored.awaits, None);
            self.wait_on(&id, generation, stored.expires_at_ms, listening);
        }
        Ok(())
    }

    /// Opens the port that the browser comes back to, where that is the way.
    async fn open_loopback(&self, how: SignIn) -> Result<(SignIn, Option<Loopback>)> {
        let SignIn::Browser(mut browser) = how else {
            return Ok((how, None));
        };
        let configured = browser.redirect_uri.as_deref();
        let configured = configured.or_else(|| self.provider.redirect_uri());
        let path = configured.and_then(loopback_path);
        if configured.is_some() && path.is_none() && !browser.loopback {
            return Ok((SignIn::Browser(browser), None));
        }
        let loopback = Loopback::bind(path.as_deref().unwrap_or(LOOPBACK_PATH)).await?;
        browser.redirect_uri = Some(loopback.redirect_uri());
        Ok((SignIn::Browser(browser), Some(loopback)))
    }

    /// Follows what a step has come to. `id`: of the sign-in that it went on with.
    pub(super) async fn settle(
        self: &Arc<Self>,
        generation: u64,
        id: Option<&str>,
        step: Result<Step>,
        replaced: Replaced,
        loopback: Option<Loopback>,
    ) -> Result<SignInOutcome> {
        let entered = match step {
            Ok(Step::Pending(pending)) => {
                let kept = self.keep_pending(generation, id, pending, loopback).await;
                if kept.is_err() {
                    self.core().fail_sign_in(generation);
                }
                return kept.map(SignInOutcome::Pending);
            }
            Ok(Step::Complete(grant)) => self.commit_sign_in(generation, grant, replaced).await,
            Ok(Step::SteppedUp(grant)) => {
                self.commit_sign_in(generation, grant, Replaced::Stays)
                    .await
            }
            Err(error) => Err(error),
        };
        match &entered {
            Err(_) => self.core().fail_sign_in(generation),
            // Whoever is signed in now is not to be replaced by what was begun before.
            Ok(_) => self.give_up_all(id).await,
        }
        entered.map(SignInOutcome::Complete)
    }

    async fn keep_pending(
        self: &Arc<Self>,
        generation: u64,
        id: Option<&str>,
        pending: Pending,
        loopback: Option<Loopback>,
    ) -> Result<PendingSignIn> {
        let id = match id {
            Some(id) => id.to_owned(),
            None => new_id()?,
        };
        let stored = Stored {
            session: self.key.clone(),
            provider: self.provider.identity(),
            awaits: pending.awaits.clone(),
            state: Zeroizing::new(pending.state.expose().to_owned()),
            begun_at_ms: self.now_ms(),
            expires_at_ms: pending.expires_at_ms,
            claimed: false,
        };
        self.put_stored(&id, stored).await?;
        let excess = self.stored_sign_ins().await?;
        let excess = excess.iter().rev().skip(MOST).map(|(id, _)| id);
        for oldest in excess {
            self.give_up(oldest, Error::SignInCancelled).await?;
        }
        let listening = Listening::of(&pending.awaits, loopback);
        self.wait_on(&id, generation, pending.expires_at_ms, listening);
        Ok(PendingSignIn {
            id,
            awaits: pending.awaits,
            expires_at_ms: pending.expires_at_ms,
        })
    }

    /// Goes on with a sign-in that still stands if the answer was wrong.
    pub(super) async fn answer_standing(
        self: &Arc<Self>,
        id: &str,
        answer: Answer,
    ) -> Result<SignInOutcome> {
        let _stepping = Stepping::with(&self.sign_ins, id);
        let stored = self.find(id).await?;
        let is_poll = matches!(answer, Answer::Poll);
        let stepped = self.proceed(id, &stored, answer).await;
        match &stepped {
            Ok(SignInOutcome::Pending(_)) => {}
            Ok(SignInOutcome::Complete(user)) => self.conclude(id, Ok(user.clone())).await?,
            Err(error) if is_poll && error.is_passing() => {
                if let Awaits::Device { interval_ms, .. } = stored.awaits {
                    // A connection that fails is tried again, later (RFC 8628 section 3.5).
                    let later = interval_ms.saturating_mul(2).min(LONGEST_POLL_MS);
                    let listening = Listening::Device(Duration::from_millis(later));
                    let generation = self.core().begin_sign_in()?;
                    self.wait_on(id, generation, stored.expires_at_ms, Some(listening));
                }
            }
            // Another factor, or another time, may do.
            Err(Error::InvalidCode | Error::InvalidArgument(_) | Error::NotSupported(_)) => {}
            Err(error) if error.is_passing() => {}
            Err(error) => self.conclude(id, Err(error.clone())).await?,
        }
        stepped
    }

    /// Goes on with the sign-in that waits for this callback.
    pub(super) async fn match_callback(
        self: &Arc<Self>,
        callback: Callback,
    ) -> Result<(String, SignInOutcome)> {
        let state = self.provider.callback_state(&callback);
        let state = state.ok_or(Error::CallbackInvalid("it names no sign-in"))?;
        let id = self.find_by_state(&state).await?;
        let outcome = self.take_callback(&id, callback).await?;
        Ok((id, outcome))
    }

    /// Goes on with a sign-in by what the browser came back with.
    async fn take_callback(
        self: &Arc<Self>,
        id: &str,
        callback: Callback,
    ) -> Result<SignInOutcome> {
        let found = self.find(id).await?;
        let Awaits::Browser { redirect_uri, .. } = &found.awaits else {
            return Err(Error::SignInNotFound);
        };
        if !self.provider.is_callback_at(&callback, redirect_uri) {
            return Err(Error::CallbackInvalid("it came to another address"));
        }
        let _stepping = Stepping::with(&self.sign_ins, id);
        // Whoever claims it goes on with it: a callback that comes twice finds nothing.
        let stored = self.claim(id).await?.ok_or(Error::SignInNotFound)?;
        let stepped = self.proceed(id, &stored, Answer::Callback(callback)).await;
        match &stepped {
            Ok(SignInOutcome::Pending(_)) => {}
            Ok(SignInOutcome::Complete(user)) => self.conclude(id, Ok(user.clone())).await?,
            // Its code is good still, and so is the address that brought it.
            Err(error) if error.was_never_sent() => self.put_stored(id, stored).await?,
            Err(error) => self.conclude(id, Err(error.clone())).await?,
        }
        stepped
    }

    async fn take_pasted(self: &Arc<Self>, id: &str, pasted: &str) -> Result<SignInOutcome> {
        let stored = self.find(id).await?;
        let Awaits::Browser {
            redirect_uri,
            callback_state,
            ..
        } = &stored.awaits
        else {
            return Err(Error::InvalidCode);
        };
        let callback = Callback::pasted(pasted, redirect_uri, callback_state)?;
        if self.provider.callback_state(&callback).as_deref() != Some(callback_state) {
            return Err(Error::CallbackInvalid("it is of another sign-in"));
        }
        self.take_callback(id, callback).await
    }

    async fn proceed(
        self: &Arc<Self>,
        id: &str,
        stored: &Stored,
        answer: Answer,
    ) -> Result<SignInOutcome> {
        if stored.expires_at_ms <= self.now_ms() {
            return Err(Error::SignInExpired);
        }
        let generation = self.core().begin_sign_in()?;
        let held = self.held_session();
        let current = held.as_ref().map(|(fresh, user)| Current {
            credentials: &fresh.credentials,
            user,
        });
        let cx = self.context(current);
        let state = SecretString::new(stored.state.as_str().to_owned());
        let step = self.provider.proceed(&cx, &state, answer).await;
        self.settle(generation, Some(id), step, Replaced::Ends, None)
            .await
    }

    /// A sign-in is over, for every process.
    async fn conclude(self: &Arc<Self>, id: &str, outcome: Result<User>) -> Result<()> {
        self.remove_stored(id).await?;
        self.end(id, outcome);
        Ok(())
    }

    /// The session at hand, also under the lock.
    pub(super) fn held_session(&self) -> Option<(super::core::Fresh, User)> {
        let core = self.core();
        Some((core.held().ok()?, core.user().cloned()?))
    }

    pub(super) async fn give_up(self: &Arc<Self>, id: &str, why: Error) -> Result<()> {
        let _stepping = Stepping::with(&self.sign_ins, id);
        let is_known = self.sign_ins.waits_for(id);
        let was_stored = self.remove_stored(id).await?;
        if is_known || was_stored {
            self.end(id, Err(why));
        }
        Ok(())
    }

    /// Gives up every sign-in but `except`.
    pub(super) async fn give_up_all(self: &Arc<Self>, except: Option<&str>) {
        let ids = self.sign_ins.ids();
        for id in ids.iter().filter(|id| except != Some(id)) {
            // What the vault cannot take now is swept at the next start.
            let _ = self.give_up(id, Error::SignInCancelled).await;
        }
    }
}

/// The path of a redirect to this machine, whose port the system chooses (RFC 8252 section 7.3).
fn loopback_path(redirect_uri: &str) -> Option<String> {
    let url = Url::parse(redirect_uri).ok()?;
    let is_here = url.scheme() == "http" && url.host_str() == Some("127.0.0.1");
    is_here.then(|| url.path().to_owned())
}

fn new_id() -> Result<String> {
    let mut bytes = [0; 16];
    fill_random(&mut bytes)?;
    Ok(super::hex(&bytes))
}
