//! `AuthSession` for JavaScript.

mod accounts;
mod activity;
mod anomalies;
mod options;
mod snapshot;

pub(super) use snapshot::User;

use super::argument::{Argument, parse_millis};
use super::listener::{Listener, listen};
use super::pending::Pending;
use super::promise::{or_rejected, promise};
use super::sign_in::given;
use crate::provider::Switch;
use crate::session::Session;
use napi::bindgen_prelude::{Either, Env, Function, Null, PromiseRaw, Result};
use napi_derive::napi;
use options::{AccessTokenOptions, AuthSessionOptions, RefreshOptions, parse_options};
use snapshot::{RemoteSession, SessionSnapshot};
use std::time::Duration;

/// One session of one application: kept in the vault, renewed exactly once, ended only by the provider's word.
#[napi]
#[derive(Debug)]
pub struct AuthSession {
    pub(super) session: Session,
    /// Callers that wait for a token, by how long it must be valid.
    tokens: Pending<Duration>,
}

impl AuthSession {
    fn new(session: Session) -> Self {
        Self {
            session,
            tokens: Pending::default(),
        }
    }
}

#[napi]
impl AuthSession {
    /// Opens the session that the vault holds, or one that is signed out. The stored user is known at once; the server is
    /// asked in the background whether the session goes on.
    ///
    /// Rejects with `ERR_INVALID_ARGUMENT`, `ERR_VAULT_CLOSED`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`, `ERR_VAULT_CORRUPT`.
    #[napi(catch_unwind, ts_return_type = "Promise<AuthSession>")]
    pub fn open<'env>(
        env: &'env Env,
        #[napi(ts_arg_type = "AuthSessionOptions")] options: Argument<AuthSessionOptions<'_>>,
    ) -> Result<PromiseRaw<'env, AuthSession>> {
        let begun = options
            .parse("options", "AuthSessionOptions")
            .and_then(|options| parse_options(&options))
            .map(|opening| {
                promise(env, Session::open(opening), |_, session| {
                    Ok(Self::new(session))
                })
            });
        or_rejected(env, begun)
    }

    /// Where the session stands.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn state(&self) -> SessionSnapshot {
        self.session.snapshot().into()
    }

    /// Calls `listener` with every change from now on, in order. Returns a function that stops it.
    ///
    /// Listening does not keep the process alive. Throws `ERR_INVALID_ARGUMENT`.
    #[napi(catch_unwind, ts_return_type = "() => void")]
    pub fn on_change<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "(snapshot: SessionSnapshot) => void")] listener: Argument<
            Listener<'env>,
        >,
    ) -> Result<Function<'env, (), ()>> {
        let session = &self.session;
        listen(
            env,
            listener,
            || Ok(session.subscribe()),
            SessionSnapshot::from,
        )
    }

    /// Asks the server now whether the session goes on. Joins a renewal that is under way.
    ///
    /// Rejects with what kept the server from answering (`ERR_NETWORK`, `ERR_TIMEOUT`, `ERR_TLS`, `ERR_SERVER`,
    /// `ERR_RATE_LIMITED`, `ERR_UNEXPECTED_RESPONSE`; the session then stands, offline), `ERR_REFRESH_UNANSWERED`,
    /// `ERR_NOT_SIGNED_IN`, `ERR_SESSION_EXPIRED`, `ERR_SESSION_LOCKED`, `ERR_SUPERSEDED`, `ERR_SESSION_CLOSED`.
    #[napi(catch_unwind, ts_return_type = "Promise<SessionSnapshot>")]
    pub fn refresh<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "RefreshOptions | undefined | null")] options: Option<
            Argument<RefreshOptions>,
        >,
    ) -> Result<PromiseRaw<'env, SessionSnapshot>> {
        let options = options
            .map(|options| options.parse("options", "RefreshOptions"))
            .transpose();
        let begun = options.map(|options| {
            let retry_unanswered = options
                .and_then(|options| options.retry_unanswered)
                .unwrap_or(false);
            let session = self.session.clone();
            promise(
                env,
                async move { session.refresh(retry_unanswered).await },
                |_, snapshot| Ok(snapshot.into()),
            )
        });
        or_rejected(env, begun)
    }

    /// Renews the session for another organization; `null` for none. Waits for a refresh that is under way.
    ///
    /// Rejects with `ERR_NOT_SUPPORTED`, `ERR_STEP_UP_REQUIRED` when the organization asks for more (sign in to it with
    /// `method: 'browser'`), and as `refresh` does.
    #[napi(catch_unwind, ts_return_type = "Promise<SessionSnapshot>")]
    pub fn switch_organization<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string | null")] organization_id: Argument<Either<String, Null>>,
    ) -> Result<PromiseRaw<'env, SessionSnapshot>> {
        let begun = organization_id
            .parse("organizationId", "a string or null")
            .map(|organization| {
                let organization = given(Some(organization));
                let session = self.session.clone();
                promise(
                    env,
                    async move { session.switch_organization(Switch { organization }).await },
                    |_, snapshot| Ok(snapshot.into()),
                )
            });
        or_rejected(env, begun)
    }

    /// What the access token says of itself, where it is a JWT; `null` when it is none, or nobody is signed in. Nothing checks
    /// it here: the server it came from has. `T`: what they are known to be, such as `WorkOsClaims`.
    #[napi(
        catch_unwind,
        ts_generic_types = "T extends object = { [claim: string]: unknown }",
        ts_return_type = "T | null"
    )]
    #[must_use]
    pub fn claims(&self) -> Option<serde_json::Value> {
        self.session.claims()
    }

    /// The person's sessions, on this device and others, where the provider tells.
    ///
    /// Rejects with `ERR_NOT_SUPPORTED`, and as `accessToken` does.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<RemoteSession>>")]
    pub fn sessions<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, Vec<RemoteSession>>> {
        let session = self.session.clone();
        promise(
            env,
            async move { session.sessions().await },
            |_, sessions| Ok(sessions.into_iter().map(Into::into).collect()),
        )
    }

    /// Ends one of `sessions()`. To end this one, sign out.
    ///
    /// Rejects as `sessions` does.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn end_session<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] id: Argument<String>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let begun = id.parse("id", "a string").map(|id| {
            let session = self.session.clone();
            let ending = async move { session.end_session(&id).await };
            promise(env, ending, |_, ()| Ok(()))
        });
        or_rejected(env, begun)
    }

    /// Locks the session: no token leaves before `unlock()`, in any process and after a restart. Takes effect at once; the
    /// promise says whether it is stored. Without a session there is nothing to lock.
    ///
    /// Rejects with the vault's errors, and `ERR_SESSION_CLOSED`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn lock<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        promise(env, self.session.lock(), |_, ()| Ok(()))
    }

    /// Unlocks the session. Make sure before that it is the person's wish, with the system's own prompt for instance.
    ///
    /// Rejects with the vault's errors, and `ERR_SESSION_CLOSED`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn unlock<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        promise(env, self.session.unlock(), |_, ()| Ok(()))
    }

    /// Tells that somebody uses the application, for `policy.idleTimeoutMs`.
    #[napi(catch_unwind)]
    pub fn touch(&self) {
        self.session.touch();
    }

    /// The access token, for code in the main process that brings its own HTTP client. Prefer `fetch`, and never send
    /// the token to a renderer.
    ///
    /// Rejects with `ERR_NOT_SIGNED_IN`, `ERR_SESSION_EXPIRED`, `ERR_SESSION_LOCKED`, `ERR_SESSION_CLOSED`, and as
    /// `refresh` does when the token at hand has ended.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn access_token<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "AccessTokenOptions | undefined | null")] options: Option<
            Argument<AccessTokenOptions>,
        >,
    ) -> Result<PromiseRaw<'env, String>> {
        let options = options
            .map(|options| options.parse("options", "AccessTokenOptions"))
            .transpose();
        let begun = options.and_then(|options| {
            let (given, template) = options.map_or((None, None), |options| {
                (options.min_validity_ms, options.template)
            });
            if let Some(template) = template {
                let session = self.session.clone();
                let minting = async move { session.mint(&template).await };
                return Ok(promise(env, minting, |_, minted| {
                    Ok(minted.token.expose().to_owned())
                }));
            }
            let min_validity = match given {
                Some(0.0) => Duration::ZERO,
                given => parse_millis("minValidityMs", given, Duration::ZERO)?,
            };
            // What is in memory is answered on the spot.
            if let Some(token) = self.session.access_token_now(min_validity)? {
                return Ok(PromiseRaw::resolve(env, token.expose().to_owned()));
            }
            let session = self.session.clone();
            Ok(self.tokens.promise(
                env,
                min_validity,
                |callers| async move { session.access_token_for(callers, min_validity).await },
                |token| token.expose().to_owned(),
            ))
        });
        or_rejected(env, begun)
    }

    /// Whether a refresh is under way, which `close()` would wait for.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn is_refreshing(&self) -> bool {
        self.session.is_refreshing()
    }

    /// Stops the session's work; the stored session stays. Calls after this reject with `ERR_SESSION_CLOSED`.
    ///
    /// Resolves when a refresh that was under way has ended, after 5 seconds at most. Wait for it before the vault is closed
    /// or the process ends: an answer that finds nobody is the reason `unanswered` at the next start.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let closing = self.session.close();
        let closed = async {
            closing.await;
            Ok(())
        };
        promise(env, closed, |_, ()| Ok(()))
    }
}
