//! The refreshes of a session, for JavaScript.

use super::super::argument::Argument;
use super::super::listener::{Listener, listen};
use super::AuthSession;
use crate::session;
use napi::bindgen_prelude::{Env, Function, Result};
use napi_derive::napi;

/// One refresh, under way or ended. Holds no token.
#[napi(object, use_nullable = true)]
#[derive(Debug)]
pub struct Refresh {
    /// Grows by one with each refresh of this session object, from 1. The same refresh keeps it.
    pub number: f64,
    /// When it began, in milliseconds since 1970 by the local clock.
    pub started_at_ms: f64,
    /// When it ended, in milliseconds since 1970 by the local clock; `null` while it is under way.
    pub ended_at_ms: Option<f64>,
    /// How many calls have waited for it so far; of one that has ended, in all. 0: it went on beside everybody's work.
    pub waiters: u32,
    /// What came of it; `null` while it is under way. `renewed`: the server gave another token. `confirmed`: it said that the
    /// token at hand goes on. `adopted`: another process of the application had renewed meanwhile, and the server was not
    /// asked. `offline`: it did not succeed; the session stands, and is tried again by itself. `unanswered`: a refresh token
    /// that serves once was sent, now or before, and no answer came. `ended`: the session is over. `superseded`: somebody
    /// signed out or in meanwhile. `failed`: it did not succeed for another reason, and the session is what it was.
    #[napi(
        ts_type = "'renewed' | 'confirmed' | 'adopted' | 'offline' | 'unanswered' | 'ended' | 'superseded' | 'failed'"
    )]
    pub outcome: Option<String>,
    /// The `code` of the error that those who waited were rejected with; `null` when there was none.
    #[napi(ts_type = "ErrorCode")]
    pub code: Option<String>,
    /// When the access token that was held then ends, in milliseconds since 1970; `null` when there was none, or it has no
    /// known end.
    pub token_expires_at_ms: Option<f64>,
}

#[napi]
impl AuthSession {
    /// The refreshes of this process that ended or are under way, oldest first: the last 50. No token is in them.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn refreshes(&self) -> Vec<Refresh> {
        let refreshes = self.session.refreshes();
        refreshes.into_iter().map(Into::into).collect()
    }

    /// Calls `listener` with every refresh from now on, once when it begins and once when it ends. Returns a function that
    /// stops it.
    ///
    /// Listening does not keep the process alive. Throws `ERR_INVALID_ARGUMENT`.
    #[napi(catch_unwind, ts_return_type = "() => void")]
    pub fn on_refresh<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "(refresh: Refresh) => void")] listener: Argument<Listener<'env>>,
    ) -> Result<Function<'env, (), ()>> {
        let session = &self.session;
        let subscribe = || Ok(session.subscribe_refreshes());
        listen(env, listener, subscribe, Refresh::from)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 and counters stay below 2^53"
)]
impl From<session::Refresh> for Refresh {
    fn from(refresh: session::Refresh) -> Self {
        Self {
            number: refresh.number as f64,
            started_at_ms: refresh.started_at_ms as f64,
            ended_at_ms: refresh.ended_at_ms.map(|ms| ms as f64),
            waiters: refresh.waiters,
            outcome: refresh.outcome.map(|outcome| outcome.name().to_owned()),
            code: refresh.code.map(str::to_owned),
            token_expires_at_ms: refresh.token_expires_at_ms.map(|ms| ms as f64),
        }
    }
}
