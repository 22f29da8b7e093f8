//! Signing in and out, for JavaScript.

use super::argument::{Argument, parse_lifetime};
use super::promise::{or_rejected, promise};
use super::session::{AuthSession, User};
use crate::Error;
use crate::provider::{self, Awaits, BrowserSignIn, Identifier, SignIn, SignUp};
use crate::secret::SecretString;
use crate::session::{self, SignInOutcome};
use napi::bindgen_prelude::{Either, Env, Null, PromiseRaw, Result};
use napi_derive::napi;

/// How somebody signs in. Which fields there are depends on `method`. What a provider cannot do rejects with
/// `ERR_NOT_SUPPORTED`.
#[napi(object)]
pub struct SignInRequest {
    /// The way of signing in: with a `password`; in the system's `browser`; on another `device`, which shows the server's page;
    /// with a `code` that the server sends; with `tokens` that the application has already; with the token that a `custom`
    /// provider brings; or, for who is signed in, a `stepUp` without the browser.
    #[napi(
        ts_type = "'password' | 'browser' | 'device' | 'code' | 'tokens' | 'custom' | 'stepUp'"
    )]
    pub method: String,
    /// `password`, `code`: the e-mail address.
    pub email: Option<String>,
    /// `password`, `code`: the user name, in the place of the address.
    pub username: Option<String>,
    /// `password`: the password.
    pub password: Option<String>,
    /// `password`: whether using the session prolongs it beyond its first period. Default true.
    pub remember_me: Option<bool>,
    /// `browser`: how the browser comes back: to the provider's `redirectUri` (`app`), or to a port of this machine
    /// (`loopback`). Default `app` where there is a `redirectUri`.
    #[napi(ts_type = "'app' | 'loopback'")]
    pub redirect: Option<String>,
    /// `browser`: the social or enterprise provider to go on to, such as `google`.
    pub connection: Option<String>,
    /// `browser`: the organization to sign in to.
    pub organization_id: Option<String>,
    /// `browser`: the domain whose identity provider is to be used.
    pub domain_hint: Option<String>,
    /// `browser`: who probably signs in.
    pub login_hint: Option<String>,
    /// `browser`: which page to show first, such as `sign-up`.
    pub screen_hint: Option<String>,
    /// `browser`: whether to ask again: `login`, `consent`, `select_account`, `none` (OpenID Connect Core 1.0 section
    /// 3.1.2.1).
    pub prompt: Option<String>,
    /// `browser`: how long ago the person may have signed in, in seconds.
    pub max_age_s: Option<f64>,
    /// `browser`: how strongly the person is to prove who they are (OpenID Connect Core 1.0 section 3.1.2.1).
    pub acr_values: Option<String>,
    /// `browser`, `device`: the scopes to ask for, separated by spaces. Default: the provider's.
    pub scope: Option<String>,
    /// `browser`: the `WWW-Authenticate` field of an answer that asked for more (RFC 9470).
    pub challenge: Option<String>,
    /// `stepUp`: what is to be proven, in the provider's own words.
    pub level: Option<String>,
    /// `tokens`: the access token.
    pub access_token: Option<String>,
    /// `tokens`: the refresh token. Without it the session ends with the access token.
    pub refresh_token: Option<String>,
    /// `tokens`: how many milliseconds the access token lives from now. Default: what a JWT says of itself, or unknown.
    pub expires_in_ms: Option<f64>,
    /// `tokens`: whose they are. Default: who the server's userinfo says (`oidc`).
    pub user: Option<UserOfTokens>,
}

/// Whose tokens they are that the application brings. A `User` fits.
#[napi(object)]
pub struct UserOfTokens {
    /// The server's identifier.
    pub id: String,
    /// The e-mail address.
    #[napi(ts_type = "string | null")]
    pub email: Option<Either<String, Null>>,
    /// The display name.
    #[napi(ts_type = "string | null")]
    pub name: Option<Either<String, Null>>,
    /// The URL of a picture.
    #[napi(ts_type = "string | null")]
    pub image: Option<Either<String, Null>>,
    /// Whether the server has verified the address.
    #[napi(ts_type = "boolean | null")]
    pub email_verified: Option<Either<bool, Null>>,
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
    /// The user name, where the server has such.
    pub username: Option<String>,
}

/// What a step of signing in has come to.
#[napi(discriminant = "status", discriminant_case = "camelCase")]
#[derive(Debug)]
pub enum SignInResult {
    /// The sign-in is complete.
    Complete {
        /// Who is signed in.
        user: User,
    },
    /// The person has to do something first.
    Pending {
        /// The sign-in, and what it waits for.
        sign_in: PendingSignIn,
    },
}

/// A sign-in that waits for the person. It survives a restart of the application until it expires.
#[napi(object)]
#[derive(Debug)]
pub struct PendingSignIn {
    /// Names it for `submitCode`, `waitForSignIn` and the like. Unguessable.
    pub id: String,
    /// What it waits for: that the `browser` comes back, that another `device` allows it, or a `code`.
    #[napi(ts_type = "'browser' | 'device' | 'code'")]
    pub awaits: String,
    /// When it is given up, in milliseconds since 1970.
    pub expires_at_ms: f64,
    /// `browser`: what the system's browser is to open.
    pub url: Option<String>,
    /// `browser`: where it comes back to.
    pub redirect_uri: Option<String>,
    /// `device`: what the person types on the other device.
    pub user_code: Option<String>,
    /// `device`: the page where.
    pub verification_uri: Option<String>,
    /// `device`: the same page with the code in it, for a QR code.
    pub verification_uri_complete: Option<String>,
    /// `code`: from where it may come.
    pub factors: Option<Vec<Factor>>,
}

/// A way to prove who one is with a code.
#[napi(object, use_nullable = true)]
#[derive(Debug)]
pub struct Factor {
    /// The provider's name for it, such as `totp`.
    pub strategy: String,
    /// Where the code goes, as far as the server shows it.
    pub hint: Option<String>,
    /// Whether there is a code to type in already; else ask for one with `sendCode`.
    pub sent: bool,
    /// Whether it stands in for a password, and not beside one.
    pub first: bool,
}

/// A code that the person typed.
#[napi(object)]
pub struct SubmittedCode {
    /// Which `Factor.strategy` it is of; `callback` for what the person copied from the browser's address bar.
    pub strategy: String,
    /// The code, at most 8,192 bytes.
    pub code: String,
    /// Whether this device need not be asked again for a while. Default false.
    pub trust_device: Option<bool>,
}

/// Which sign-in a callback belonged to, and what came of it.
#[napi(object)]
#[derive(Debug)]
pub struct CallbackResult {
    /// The identifier of the sign-in.
    pub id: String,
    /// What came of it.
    pub result: SignInResult,
}

/// How to sign out.
#[napi(object)]
#[derive(Debug)]
pub struct SignOutOptions {
    /// Where the browser goes when it has signed out too. Must be one that the provider knows.
    pub return_to: Option<String>,
}

/// What is left to do after a sign-out.
#[napi(object, use_nullable = true)]
#[derive(Debug)]
pub struct SignOutResult {
    /// What the system's browser may open to sign out of the provider's own pages too; `null` when there is nothing to open.
    pub browser_url: Option<String>,
}

#[napi]
impl AuthSession {
    /// Signs somebody in. A session that was active is replaced when, and only when, this succeeds; the server is told to end
    /// it, except with `method: 'tokens'`, which may be later tokens of the same session.
    ///
    /// Rejects with `ERR_NOT_SUPPORTED`, `ERR_INVALID_CREDENTIALS`, `ERR_EMAIL_NOT_VERIFIED`, `ERR_RATE_LIMITED`,
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
                let session = self.session.clone();
                promise(env, async move { session.sign_in(how).await }, result)
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
                username: request.username,
            };
            let session = self.session.clone();
            promise(env, async move { session.sign_up(account).await }, result)
        });
        or_rejected(env, begun)
    }

    /// Goes on with a sign-in that waits for a code.
    ///
    /// Rejects with `ERR_INVALID_CODE`, after which it still waits; `ERR_SIGN_IN_NOT_FOUND`, `ERR_SIGN_IN_EXPIRED`,
    /// `ERR_CALLBACK_INVALID`, and as `signIn` does.
    #[napi(catch_unwind, ts_return_type = "Promise<SignInResult>")]
    pub fn submit_code<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] id: Argument<String>,
        #[napi(ts_arg_type = "SubmittedCode")] code: Argument<SubmittedCode>,
    ) -> Result<PromiseRaw<'env, SignInResult>> {
        let begun = id.parse("id", "a string").and_then(|id| {
            let submitted = code.parse("code", "SubmittedCode")?;
            let session = self.session.clone();
            let (strategy, code) = (submitted.strategy, SecretString::new(submitted.code));
            let trust_device = submitted.trust_device.unwrap_or(false);
            let going_on =
                async move { session.submit_code(&id, strategy, code, trust_device).await };
            Ok(promise(env, going_on, result))
        });
        or_rejected(env, begun)
    }

    /// Has the server send a code, for a factor whose `sent` is false, or once more.
    ///
    /// Rejects as `submitCode` does.
    #[napi(catch_unwind, ts_return_type = "Promise<SignInResult>")]
    pub fn send_code<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] id: Argument<String>,
        #[napi(ts_arg_type = "string")] strategy: Argument<String>,
    ) -> Result<PromiseRaw<'env, SignInResult>> {
        let begun = id.parse("id", "a string").and_then(|id| {
            let strategy = strategy.parse("strategy", "a string")?;
            let session = self.session.clone();
            let sending = async move { session.send_code(&id, strategy).await };
            Ok(promise(env, sending, result))
        });
        or_rejected(env, begun)
    }

    /// Takes the address that the browser came back with. Hand in every address that the system gives to the application: it
    /// is hostile input, and only one that a sign-in of this session waits for is looked at, once.
    ///
    /// Rejects with `ERR_CALLBACK_INVALID`, `ERR_SIGN_IN_NOT_FOUND`, `ERR_SIGN_IN_EXPIRED`, `ERR_ACCESS_DENIED`,
    /// `ERR_ID_TOKEN_INVALID`, and as `signIn` does.
    #[napi(catch_unwind, ts_return_type = "Promise<CallbackResult>")]
    pub fn handle_callback<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] url: Argument<String>,
    ) -> Result<PromiseRaw<'env, CallbackResult>> {
        let begun = url.parse("url", "a string").map(|url| {
            let session = self.session.clone();
            promise(
                env,
                async move { session.handle_callback(&url).await },
                |_, (id, outcome)| {
                    let result = outcome.into();
                    Ok(CallbackResult { id, result })
                },
            )
        });
        or_rejected(env, begun)
    }

    /// Waits until a sign-in has come to its end, whoever brings it there.
    ///
    /// Rejects with what it ended with: `ERR_SIGN_IN_CANCELLED`, `ERR_SIGN_IN_EXPIRED`, `ERR_ACCESS_DENIED` and as `signIn`
    /// does; `ERR_SIGN_IN_NOT_FOUND`.
    #[napi(catch_unwind, ts_return_type = "Promise<User>")]
    pub fn wait_for_sign_in<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] id: Argument<String>,
    ) -> Result<PromiseRaw<'env, User>> {
        let begun = id.parse("id", "a string").map(|id| {
            let session = self.session.clone();
            let waiting = async move { session.wait_for_sign_in(&id).await };
            promise(env, waiting, |_, user| Ok(user.into()))
        });
        or_rejected(env, begun)
    }

    /// Gives up a sign-in that waits. One that is not known has ended already, which is no error.
    ///
    /// Rejects with the vault's errors.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn cancel_sign_in<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] id: Argument<String>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let begun = id.parse("id", "a string").map(|id| {
            let session = self.session.clone();
            let cancelling = async move { session.cancel_sign_in(&id).await };
            promise(env, cancelling, |_, ()| Ok(()))
        });
        or_rejected(env, begun)
    }

    /// The sign-ins that wait for the person, oldest first, also from before a restart.
    ///
    /// Rejects with the vault's errors.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<PendingSignIn>>")]
    pub fn pending_sign_ins<'env>(
        &self,
        env: &'env Env,
    ) -> Result<PromiseRaw<'env, Vec<PendingSignIn>>> {
        let session = self.session.clone();
        promise(
            env,
            async move { session.pending_sign_ins().await },
            |_, pending| Ok(pending.into_iter().map(Into::into).collect()),
        )
    }

    /// Signs out: here at once and always, then on the server. One that cannot be reached within 5 seconds is told later,
    /// also after a restart. Gives up every sign-in that waits.
    ///
    /// Rejects with the vault's errors when the stored session could not be removed, and `ERR_SESSION_CLOSED`.
    #[napi(catch_unwind, ts_return_type = "Promise<SignOutResult>")]
    pub fn sign_out<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "SignOutOptions | undefined | null")] options: Option<
            Argument<SignOutOptions>,
        >,
    ) -> Result<PromiseRaw<'env, SignOutResult>> {
        let options = options
            .map(|options| options.parse("options", "SignOutOptions"))
            .transpose();
        let begun = options.map(|options| {
            let return_to = options.and_then(|options| options.return_to);
            promise(env, self.session.sign_out(return_to), |_, url| {
                let browser_url = url.map(String::from);
                Ok(SignOutResult { browser_url })
            })
        });
        or_rejected(env, begun)
    }
}

/// What a request says beside its method, checked to be what the method needs.
fn parse_sign_in(request: SignInRequest) -> crate::Result<SignIn> {
    let method = request.method.clone();
    let required = |name: &str, value: Option<String>| {
        value.ok_or_else(|| {
            Error::InvalidArgument(format!(
                "{name} is missing, which method '{}' needs.",
                method.escape_debug()
            ))
        })
    };
    let identifier = |email: Option<String>, username: Option<String>| match (email, username) {
        (None, Some(username)) => Ok(Identifier::Username(username)),
        (email, None) => required("email", email).map(Identifier::Email),
        (Some(_), Some(_)) => Err(Error::InvalidArgument(
            "email and username must not both be there.".to_owned(),
        )),
    };
    match request.method.as_str() {
        "password" => Ok(SignIn::Password {
            identifier: identifier(request.email, request.username)?,
            password: SecretString::new(required("password", request.password)?),
            remember_me: request.remember_me.unwrap_or(true),
        }),
        "code" => Ok(SignIn::Code {
            identifier: identifier(request.email, request.username)?,
        }),
        "tokens" => Ok(SignIn::Tokens {
            access_token: SecretString::new(required("accessToken", request.access_token)?),
            refresh_token: request.refresh_token.map(SecretString::new),
            expires_in_ms: parse_lifetime("expiresInMs", request.expires_in_ms)?
                .map(|lifetime| u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX)),
            user: request.user.map(Into::into),
        }),
        "custom" => Ok(SignIn::Custom),
        "browser" => Ok(SignIn::Browser(BrowserSignIn {
            redirect_uri: None,
            loopback: parse_redirect(request.redirect.as_deref())?,
            connection: request.connection,
            organization: request.organization_id,
            domain_hint: request.domain_hint,
            login_hint: request.login_hint,
            screen_hint: request.screen_hint,
            prompt: request.prompt,
            max_age_s: parse_max_age(request.max_age_s)?,
            acr_values: request.acr_values,
            scope: request.scope,
            challenge: request.challenge,
        })),
        "device" => Ok(SignIn::Device {
            scope: request.scope,
        }),
        "stepUp" => Ok(SignIn::StepUp {
            level: request.level,
        }),
        _ => Err(Error::InvalidArgument(
            "method must be 'password', 'browser', 'device', 'code', 'tokens' or 'stepUp'."
                .to_owned(),
        )),
    }
}

/// Whether the browser is to come back to a port of this machine.
fn parse_redirect(redirect: Option<&str>) -> crate::Result<bool> {
    match redirect {
        None | Some("app") => Ok(false),
        Some("loopback") => Ok(true),
        Some(_) => Err(Error::InvalidArgument(
            "redirect must be 'app' or 'loopback'.".to_owned(),
        )),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in range"
)]
fn parse_max_age(seconds: Option<f64>) -> crate::Result<Option<u64>> {
    /// A hundred years.
    const LONGEST: f64 = 3.2e9;
    match seconds {
        None => Ok(None),
        Some(seconds) if (0.0..=LONGEST).contains(&seconds) => Ok(Some(seconds as u64)),
        Some(_) => Err(Error::InvalidArgument(format!(
            "maxAgeS must be a number of seconds from 0 to {LONGEST}."
        ))),
    }
}

fn result(_: &Env, outcome: SignInOutcome) -> Result<SignInResult> {
    Ok(outcome.into())
}

impl From<SignInOutcome> for SignInResult {
    fn from(outcome: SignInOutcome) -> Self {
        match outcome {
            SignInOutcome::Complete(user) => Self::Complete { user: user.into() },
            SignInOutcome::Pending(pending) => Self::Pending {
                sign_in: pending.into(),
            },
        }
    }
}

impl From<session::PendingSignIn> for PendingSignIn {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 stay below 2^53"
    )]
    fn from(pending: session::PendingSignIn) -> Self {
        let waits_for = |awaits: &str| Self {
            id: pending.id,
            awaits: awaits.to_owned(),
            expires_at_ms: pending.expires_at_ms as f64,
            url: None,
            redirect_uri: None,
            user_code: None,
            verification_uri: None,
            verification_uri_complete: None,
            factors: None,
        };
        match pending.awaits {
            Awaits::Browser {
                url, redirect_uri, ..
            } => Self {
                url: Some(url),
                redirect_uri: Some(redirect_uri),
                ..waits_for("browser")
            },
            Awaits::Device {
                user_code,
                verification_uri,
                verification_uri_complete,
                ..
            } => Self {
                user_code: Some(user_code),
                verification_uri: Some(verification_uri),
                verification_uri_complete,
                ..waits_for("device")
            },
            Awaits::Code { factors } => Self {
                factors: Some(factors.into_iter().map(Into::into).collect()),
                ..waits_for("code")
            },
        }
    }
}

impl From<provider::Factor> for Factor {
    fn from(factor: provider::Factor) -> Self {
        Self {
            strategy: factor.strategy,
            hint: factor.hint,
            sent: factor.sent,
            first: factor.first,
        }
    }
}

impl From<UserOfTokens> for provider::User {
    fn from(user: UserOfTokens) -> Self {
        Self {
            id: user.id,
            email: given(user.email),
            name: given(user.name),
            image: given(user.image),
            email_verified: given(user.email_verified),
        }
    }
}

/// What is neither left out nor `null`.
pub(super) fn given<T>(value: Option<Either<T, Null>>) -> Option<T> {
    match value {
        Some(Either::A(value)) => Some(value),
        Some(Either::B(Null)) | None => None,
    }
}
