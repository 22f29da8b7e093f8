//! `AuthSession` for JavaScript.

use super::argument::{Argument, Text, parse_lifetime, parse_millis};
use super::error::to_js;
use super::fetch::{HttpOptions, parse_http};
use super::listener::{Listener, listen};
use super::pending::Pending;
use super::promise::{or_rejected, promise, promise_blocking};
use super::provider::{ProviderOptions, parse_provider};
use super::sign_in::given;
use super::vault::Vault;
use crate::Error;
use crate::http::Origin;
use crate::provider::{self, Switch};
use crate::session::{PolicyOptions, Session, SessionOptions, Snapshot, accounts, audit};
use napi::bindgen_prelude::{ClassInstance, Either, Env, Function, Null, PromiseRaw, Result};
use napi_derive::napi;
use std::time::Duration;

/// What the application allows a session.
#[napi(object)]
#[derive(Debug)]
pub struct SessionPolicy {
    /// The session locks after so many milliseconds without a request, a token taken, or `touch()`. Default never.
    pub idle_timeout_ms: Option<f64>,
    /// The session ends so many milliseconds after the sign-in, whatever the server allows. Default never.
    pub max_lifetime_ms: Option<f64>,
}

/// How to open a session.
#[napi(object, object_to_js = false)]
pub struct AuthSessionOptions<'env> {
    /// Where the session is kept.
    pub vault: ClassInstance<'env, Vault>,
    /// Who signs people in.
    pub provider: ProviderOptions<'env>,
    /// The name of the account, 1 to 256 bytes, for an application with several people signed in at once: each account has a
    /// session of its own. Default: the application has one session.
    pub account: Option<String>,
    /// How long the session may live and lie unused. Default: as long as the server allows.
    pub policy: Option<SessionPolicy>,
    /// Origins that may receive the access token, beside the provider's own, such as `https://api.example.com`.
    pub allowed_origins: Option<Vec<String>>,
    /// How connections are made, the provider's and those of `fetch`.
    pub http: Option<HttpOptions>,
}

/// Who is signed in, as far as the server tells.
#[napi(object, use_nullable = true)]
#[derive(Debug)]
pub struct User {
    /// The server's identifier.
    pub id: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// The URL of a picture.
    pub image: Option<String>,
    /// Whether the server has verified the address.
    pub email_verified: Option<bool>,
}

/// What everybody may know of a session. Holds no token.
#[napi(object, use_nullable = true)]
#[derive(Debug)]
pub struct SessionSnapshot {
    /// Where the session stands. `offline` keeps everything; `expired` means the server ended the session, and keeps the
    /// user; `locked` lets no token out.
    #[napi(
        ts_type = "'signedOut' | 'restoring' | 'signingIn' | 'active' | 'offline' | 'expired' | 'locked'"
    )]
    pub state: String,
    /// Why it stands there. `elsewhere`: another process of the application renewed, signed in or out. `unanswered`: a refresh
    /// token that serves once was sent and no answer came; it may be spent and is not sent again by itself. `notStored`: the
    /// vault could not take the new tokens yet. `busy`: another process renews and does not come to an end.
    /// `challenge`: the server wants the person to prove again who they are, in the browser or with `method: 'stepUp'`.
    #[napi(
        ts_type = "'start' | 'signInStarted' | 'signInFailed' | 'signedIn' | 'restored' | 'refreshed' | 'elsewhere' | 'network' | 'server' | 'rateLimited' | 'busy' | 'notStored' | 'unanswered' | 'challenge' | 'ended' | 'lifetime' | 'signedOut' | 'locked' | 'idle' | 'unlocked'"
    )]
    pub reason: String,
    /// Whose session it is, or was until it ended.
    pub user: Option<User>,
    /// When the token at hand ends if nothing prolongs it, in milliseconds since 1970; `null` when there is none, or the server
    /// did not say. A token that is itself the session, as Better Auth's, ends with it.
    pub expires_at_ms: Option<f64>,
    /// While offline: when the server is asked again, in milliseconds since 1970.
    pub retry_at_ms: Option<f64>,
    /// So many sessions were left here and live on at the server, which could not be reached to hear of it. It hears when it can.
    pub revocations_owed: u32,
    /// Grows with every change.
    pub revision: f64,
}

/// How to refresh.
#[napi(object)]
#[derive(Debug)]
pub struct RefreshOptions {
    /// Sends a refresh token that may be spent (reason `unanswered`) once more. If it was spent, the session ends. Default
    /// false.
    pub retry_unanswered: Option<bool>,
}

/// An account that the vault knows.
#[napi(object)]
#[derive(Debug)]
pub struct Account {
    /// The name its session is opened with.
    pub name: String,
    /// Who is, or was, signed in.
    pub user: User,
    /// Whether its session has not ended.
    pub signed_in: bool,
    /// Whether it is the one at the front.
    pub active: bool,
}

/// Something that happened to a session and should not. Holds no token.
#[napi(object)]
#[derive(Debug)]
pub struct Anomaly {
    /// What it was. `refreshRejected`: the server refused a refresh token that was sent once, so it was revoked or used by
    /// somebody else. `refreshUnanswered`: one was sent and no answer came. `tooManyRefreshes`: tokens were renewed again and
    /// again long before their end. `rolledBack`, `tampered`: the vault file was replaced by an older one, or changed.
    /// `keyReplaced`: the key in the keychain is gone or another. `clockSetBack`: the local clock was set back.
    /// `unknownSender`: a page that may not use the session tried to. `invalidCall`: a page called with what no call takes, or
    /// asked for something of an origin that is not allowed. `tooManyCalls`: a page called more often than people do.
    #[napi(
        ts_type = "'refreshRejected' | 'refreshUnanswered' | 'tooManyRefreshes' | 'rolledBack' | 'tampered' | 'keyReplaced' | 'clockSetBack' | 'unknownSender' | 'invalidCall' | 'tooManyCalls'"
    )]
    pub kind: String,
    /// When it happened last, in milliseconds since 1970 by the local clock.
    pub at_ms: f64,
    /// How often it has happened since one of its kind was last written down, which is done once a minute at most.
    pub count: u32,
}

/// A session of the same person, here or on another device. Holds no token.
#[napi(object, use_nullable = true)]
#[derive(Debug)]
pub struct RemoteSession {
    /// Names it for `endSession`.
    pub id: String,
    /// Whether it is this one.
    pub current: bool,
    /// When it began, in milliseconds since 1970.
    pub created_at_ms: Option<f64>,
    /// When it was used last, in milliseconds since 1970.
    pub active_at_ms: Option<f64>,
    /// When it ends, in milliseconds since 1970.
    pub expires_at_ms: Option<f64>,
    /// The address it was used from.
    pub ip_address: Option<String>,
    /// The software it was used with.
    pub user_agent: Option<String>,
}

/// What an access token must be good for.
#[napi(object)]
#[derive(Debug)]
pub struct AccessTokenOptions {
    /// For how many more milliseconds it must be valid. Default 0.
    pub min_validity_ms: Option<f64>,
    /// A token made for another purpose, in the provider's words (Clerk's JWT templates). It is asked for each time. Default:
    /// the access token.
    pub template: Option<String>,
}

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

    /// The accounts that have a session in `vault`, sorted by name. A session that was opened without `account` is not among
    /// them.
    ///
    /// Rejects with the vault's errors.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<Account>>")]
    pub fn accounts<'env>(
        env: &'env Env,
        #[napi(ts_arg_type = "Vault")] vault: Argument<ClassInstance<'env, Vault>>,
    ) -> Result<PromiseRaw<'env, Vec<Account>>> {
        let begun = vault.parse("vault", "a Vault").map(|vault| {
            let vault = vault.vault.clone();
            promise_blocking(
                env,
                move || accounts::accounts(&vault),
                |_, accounts| Ok(accounts.into_iter().map(Into::into).collect()),
            )
        });
        or_rejected(env, begun)
    }

    /// Puts an account at the front: the one that a start of the application shows first. Durable, and for every process.
    ///
    /// Rejects with `ERR_INVALID_ARGUMENT`, and the vault's errors.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn activate<'env>(
        env: &'env Env,
        #[napi(ts_arg_type = "Vault")] vault: Argument<ClassInstance<'env, Vault>>,
        #[napi(ts_arg_type = "string")] account: Argument<Text>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let begun = vault.parse("vault", "a Vault").and_then(|vault| {
            let Text(account) = account.parse("account", "a string")?;
            let vault = vault.vault.clone();
            let activate = move || accounts::activate(&vault, &account);
            Ok(promise_blocking(env, activate, |_, ()| Ok(())))
        });
        or_rejected(env, begun)
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

    /// Calls `listener` with every anomaly from now on. Returns a function that stops it.
    ///
    /// Listening does not keep the process alive. Throws `ERR_INVALID_ARGUMENT`.
    #[napi(catch_unwind, ts_return_type = "() => void")]
    pub fn on_anomaly<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "(anomaly: Anomaly) => void")] listener: Argument<Listener<'env>>,
    ) -> Result<Function<'env, (), ()>> {
        let session = &self.session;
        listen(env, listener, || Ok(session.anomalies()), Anomaly::from)
    }

    /// Reports an anomaly that the application has seen, such as a message from a page that may not use the session.
    ///
    /// Throws `ERR_INVALID_ARGUMENT`.
    #[napi(catch_unwind)]
    pub fn report_anomaly(
        &self,
        env: &Env,
        #[napi(ts_arg_type = "'unknownSender' | 'invalidCall' | 'tooManyCalls'")] kind: Argument<
            String,
        >,
    ) -> Result<()> {
        let name = kind
            .parse("kind", "a string")
            .map_err(|error| to_js(env, &error))?;
        let kind = audit::AnomalyKind::reported_as(&name).ok_or_else(|| {
            let message = "kind must be 'unknownSender', 'invalidCall' or 'tooManyCalls'.";
            to_js(env, &Error::InvalidArgument(message.to_owned()))
        })?;
        self.session.report(kind);
        Ok(())
    }

    /// The anomalies that the vault keeps, oldest first: the last 100.
    ///
    /// Rejects with the vault's errors.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<Anomaly>>")]
    pub fn audit<'env>(
        env: &'env Env,
        #[napi(ts_arg_type = "Vault")] vault: Argument<ClassInstance<'env, Vault>>,
    ) -> Result<PromiseRaw<'env, Vec<Anomaly>>> {
        let begun = vault.parse("vault", "a Vault").map(|vault| {
            let vault = vault.vault.clone();
            promise_blocking(
                env,
                move || audit::anomalies(&vault),
                |_, anomalies| Ok(anomalies.into_iter().map(Into::into).collect()),
            )
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

fn parse_options(options: &AuthSessionOptions<'_>) -> crate::Result<SessionOptions> {
    let provider = parse_provider(&options.provider)?;
    let origins = options.allowed_origins.iter().flatten();
    Ok(SessionOptions {
        allowed_origins: origins
            .map(|origin| Origin::parse(origin))
            .collect::<crate::Result<_>>()?,
        account: options.account.clone(),
        http: parse_http(options.http.as_ref())?,
        policy: parse_policy(options.policy.as_ref())?,
        ..SessionOptions::new(options.vault.vault.clone(), provider)
    })
}

fn parse_policy(policy: Option<&SessionPolicy>) -> crate::Result<PolicyOptions> {
    let Some(policy) = policy else {
        return Ok(PolicyOptions::default());
    };
    Ok(PolicyOptions {
        idle_timeout: parse_lifetime("policy.idleTimeoutMs", policy.idle_timeout_ms)?,
        max_lifetime: parse_lifetime("policy.maxLifetimeMs", policy.max_lifetime_ms)?,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 stay below 2^53"
)]
impl From<audit::Anomaly> for Anomaly {
    fn from(anomaly: audit::Anomaly) -> Self {
        Self {
            kind: anomaly.kind.name().to_owned(),
            at_ms: anomaly.at_ms as f64,
            count: anomaly.count,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 stay below 2^53"
)]
impl From<provider::RemoteSession> for RemoteSession {
    fn from(session: provider::RemoteSession) -> Self {
        Self {
            id: session.id,
            current: session.current,
            created_at_ms: session.created_at_ms.map(|ms| ms as f64),
            active_at_ms: session.active_at_ms.map(|ms| ms as f64),
            expires_at_ms: session.expires_at_ms.map(|ms| ms as f64),
            ip_address: session.ip_address,
            user_agent: session.user_agent,
        }
    }
}

impl From<accounts::Account> for Account {
    fn from(account: accounts::Account) -> Self {
        Self {
            name: account.name,
            user: account.user.into(),
            signed_in: account.signed_in,
            active: account.active,
        }
    }
}

impl From<provider::User> for User {
    fn from(user: provider::User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            image: user.image,
            email_verified: user.email_verified,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 and counters stay below 2^53"
)]
impl From<Snapshot> for SessionSnapshot {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            state: snapshot.state.name().to_owned(),
            reason: snapshot.reason.name().to_owned(),
            user: snapshot.user.map(Into::into),
            expires_at_ms: snapshot.expires_at_ms.map(|ms| ms as f64),
            retry_at_ms: snapshot.retry_at_ms.map(|ms| ms as f64),
            revocations_owed: u32::try_from(snapshot.revocations_owed).unwrap_or(u32::MAX),
            revision: snapshot.revision as f64,
        }
    }
}
