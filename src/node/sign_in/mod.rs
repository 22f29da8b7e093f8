//! Signing in and out, for JavaScript.

mod request;
mod result;

pub(super) use request::{UserOfTokens, given};

use super::argument::Argument;
use super::promise::{or_rejected, promise};
use super::session::{AuthSession, User};
use crate::provider::SignUp;
use crate::secret::SecretString;
use crate::session::SignInOutcome;
use napi::bindgen_prelude::{Env, PromiseRaw, Result};
use napi_derive::napi;
use request::{SignInRequest, SignUpRequest, parse_sign_in};
use result::{CallbackResult, PendingSignIn, SignInResult};

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
                promise(env, async move { session.sign_in(how).await }, shown)
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
            promise(env, async move { session.sign_up(account).await }, shown)
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
            Ok(promise(env, going_on, shown))
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
            Ok(promise(env, sending, shown))
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

fn shown(_: &Env, outcome: SignInOutcome) -> Result<SignInResult> {
    Ok(outcome.into())
}
