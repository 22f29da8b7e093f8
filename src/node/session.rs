//! `AuthSession` for JavaScript.

use super::argument::{Argument, parse_millis};
use super::fetch::{HttpOptions, parse_http};
use super::listener::{Listener, listen};
use super::promise::{or_rejected, promise};
use super::vault::Vault;
use crate::Error;
use crate::http::Origin;
use crate::provider::{self, BetterAuth, SignIn, SignUp};
use crate::secret::SecretString;
use crate::session::{Session, SessionOptions, Snapshot};
use napi::bindgen_prelude::{Env, Function, PromiseRaw, Result};
use napi_derive::napi;
use std::sync::Arc;
use std::time::Duration;

/// A Better Auth server with the bearer plugin.
#[napi(object)]
#[derive(Debug)]
pub struct BetterAuthOptions {
    /// The kind of provider.
    #[napi(js_name = "type", ts_type = "'better-auth'")]
    pub kind: String,
    /// The URL of its auth routes, such as `https://api.example.com/api/auth`. https, or http on a loopback address.
    pub base_url: String,
}

/// How to open a session.
#[napi(object, object_to_js = false)]
pub struct AuthSessionOptions<'env> {
    /// Where the session is kept.
    pub vault: napi::bindgen_prelude::ClassInstance<'env, Vault>,
    /// Who signs people in.
    pub provider: BetterAuthOptions,
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
    /// user.
    #[napi(
        ts_type = "'signedOut' | 'restoring' | 'signingIn' | 'active' | 'offline' | 'expired' | 'locked'"
    )]
    pub state: String,
    /// Why it stands there.
    #[napi(
        ts_type = "'start' | 'signInStarted' | 'signInFailed' | 'signedIn' | 'restored' | 'refreshed' | 'network' | 'server' | 'rateLimited' | 'ended' | 'signedOut'"
    )]
    pub reason: String,
    /// Whose session it is, or was until it ended.
    pub user: Option<User>,
    /// When the session ends if nothing prolongs it, in milliseconds since 1970; `null` when the server did not say.
    pub expires_at_ms: Option<f64>,
    /// While offline: when the server is asked again, in milliseconds since 1970.
    pub retry_at_ms: Option<f64>,
    /// Grows with every change.
    pub revision: f64,
}

/// How somebody signs in.
#[napi(object)]
pub struct SignInRequest {
    /// The way of signing in.
    #[napi(ts_type = "'password'")]
    pub method: String,
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// Whether using the session prolongs it beyond its first period. Default true.
    pub remember_me: Option<bool>,
}

/// A new account.
#[napi(object)]
pub struct SignUpRequest {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The display name.
    pub name: String,
}

/// How a sign-in ended.
#[napi(object)]
#[derive(Debug)]
pub struct SignInResult {
    /// The sign-in is complete.
    #[napi(ts_type = "'complete'")]
    pub status: String,
    /// Who is signed in.
    pub user: User,
}

/// What an access token must be good for.
#[napi(object)]
#[derive(Debug)]
pub struct AccessTokenOptions {
    /// For how many more milliseconds it must be valid. Default 0.
    pub min_validity_ms: Option<f64>,
}

/// One session of one application: kept in the vault, renewed exactly once, ended only by the provider's word.
#[napi]
#[derive(Debug)]
pub struct AuthSession(pub(super) Session);

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
            .map(|opening| promise(env, Session::open(opening), |_, session| Ok(Self(session))));
        or_rejected(env, begun)
    }

    /// Where the session stands.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn state(&self) -> SessionSnapshot {
        self.0.snapshot().into()
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
        let session = &self.0;
        listen(
            env,
            listener,
            || Ok(session.subscribe()),
            SessionSnapshot::from,
        )
    }

    /// Signs somebody in. A session that was active is replaced when, and only when, this succeeds.
    ///
    /// Rejects with `ERR_INVALID_CREDENTIALS`, `ERR_EMAIL_NOT_VERIFIED`, `ERR_SECOND_FACTOR_REQUIRED`, `ERR_RATE_LIMITED`,
    /// `ERR_SIGN_IN_REJECTED`, `ERR_NETWORK`, `ERR_TIMEOUT`, `ERR_TLS`, `ERR_SERVER`, `ERR_UNEXPECTED_RESPONSE`,
    /// `ERR_SUPERSEDED`, `ERR_SESSION_CLOSED`, and the vault's.
    #[napi(catch_unwind, ts_return_type = "Promise<SignInResult>")]
    pub fn sign_in<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "SignInRequest")] request: Argument<SignInRequest>,
    ) -> Result<PromiseRaw<'env, SignInResult>> {
        let begun = request
            .parse("request", "SignInRequest")
            .and_then(parse_sign_in)
            .map(|how| {
                let session = self.0.clone();
                promise(env, async move { session.sign_in(how).await }, complete)
            });
        or_rejected(env, begun)
    }

    /// Makes an account and signs it in.
    ///
    /// Rejects as `signIn` does, and with `ERR_USER_EXISTS`, `ERR_WEAK_PASSWORD`.
    #[napi(catch_unwind, ts_return_type = "Promise<SignInResult>")]
    pub fn sign_up<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "SignUpRequest")] request: Argument<SignUpRequest>,
    ) -> Result<PromiseRaw<'env, SignInResult>> {
        let begun = request.parse("request", "SignUpRequest").map(|request| {
            let account = SignUp {
                email: request.email,
                password: SecretString::new(request.password),
                name: request.name,
            };
            let session = self.0.clone();
            promise(env, async move { session.sign_up(account).await }, complete)
        });
        or_rejected(env, begun)
    }

    /// Signs out: here at once and always, then on the server as far as it can be reached within 5 seconds.
    ///
    /// Rejects with the vault's errors when the stored session could not be removed, and `ERR_SESSION_CLOSED`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn sign_out<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        promise(env, self.0.sign_out(), |_, ()| Ok(()))
    }

    /// Asks the server now whether the session goes on. Joins a renewal that is under way.
    ///
    /// Rejects with what kept the server from answering (`ERR_NETWORK`, `ERR_TIMEOUT`, `ERR_TLS`, `ERR_SERVER`,
    /// `ERR_RATE_LIMITED`, `ERR_UNEXPECTED_RESPONSE`; the session then stands, offline), `ERR_NOT_SIGNED_IN`,
    /// `ERR_SESSION_EXPIRED`, `ERR_SUPERSEDED`, `ERR_SESSION_CLOSED`.
    #[napi(catch_unwind, ts_return_type = "Promise<SessionSnapshot>")]
    pub fn refresh<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, SessionSnapshot>> {
        let session = self.0.clone();
        promise(
            env,
            async move { session.refresh().await },
            |_, snapshot| Ok(snapshot.into()),
        )
    }

    /// The access token, for code in the main process that brings its own HTTP client. Prefer `fetch`, and never send
    /// the token to a renderer.
    ///
    /// Rejects with `ERR_NOT_SIGNED_IN`, `ERR_SESSION_EXPIRED`, `ERR_SESSION_CLOSED`, and as `refresh` does when the token
    /// at hand has ended.
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
            let given = options.and_then(|options| options.min_validity_ms);
            let min_validity = match given {
                Some(0.0) => Duration::ZERO,
                given => parse_millis("minValidityMs", given, Duration::ZERO)?,
            };
            let session = self.0.clone();
            Ok(promise(
                env,
                async move { session.access_token(min_validity).await },
                |_, token| Ok(token.expose().to_owned()),
            ))
        });
        or_rejected(env, begun)
    }

    /// Stops the session's work; the stored session stays. Calls after this reject with `ERR_SESSION_CLOSED`.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.0.close();
    }
}

fn parse_options(options: &AuthSessionOptions<'_>) -> crate::Result<SessionOptions> {
    if options.provider.kind != "better-auth" {
        return Err(Error::InvalidArgument(
            "provider.type must be 'better-auth'.".to_owned(),
        ));
    }
    let provider = BetterAuth::new(&options.provider.base_url)?;
    let origins = options.allowed_origins.iter().flatten();
    Ok(SessionOptions {
        allowed_origins: origins
            .map(|origin| Origin::parse(origin))
            .collect::<crate::Result<_>>()?,
        http: parse_http(options.http.as_ref())?,
        ..SessionOptions::new(options.vault.vault.clone(), Arc::new(provider))
    })
}

fn parse_sign_in(request: SignInRequest) -> crate::Result<SignIn> {
    if request.method != "password" {
        return Err(Error::InvalidArgument(
            "method must be 'password'.".to_owned(),
        ));
    }
    Ok(SignIn::Password {
        email: request.email,
        password: SecretString::new(request.password),
        remember_me: request.remember_me.unwrap_or(true),
    })
}

fn complete(_: &Env, user: provider::User) -> Result<SignInResult> {
    Ok(SignInResult {
        status: "complete".to_owned(),
        user: user.into(),
    })
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
            revision: snapshot.revision as f64,
        }
    }
}
