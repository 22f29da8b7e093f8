//! A function of JavaScript as the source of a session's tokens.

use super::argument::Argument;
use super::session::User;
use super::sign_in::UserOfTokens;
use crate::Error;
use crate::provider::{self, SourceToken, TokenReason, TokenSource};
use crate::secret::SecretString;
use async_trait::async_trait;
use napi::bindgen_prelude::{Either, Function, Null, Promise};
use napi::threadsafe_function::ThreadsafeFunction;
use napi_derive::napi;
use std::fmt;

/// Why a token is asked for.
#[napi(object, use_nullable = true)]
#[derive(Debug)]
pub struct TokenRequest {
    /// `signIn`: somebody signs in with `method: 'custom'`. `renew`: the token at hand is due, or the application starts.
    #[napi(ts_type = "'signIn' | 'renew'")]
    pub reason: String,
    /// `renew`: whose session it is.
    pub user: Option<User>,
}

/// A token of the application's own.
#[napi(object, object_to_js = false)]
pub struct CustomToken {
    /// The access token.
    pub access_token: String,
    /// When it ends, in milliseconds since 1970. Default: what a JWT says of itself, or unknown.
    pub expires_at_ms: Option<f64>,
    /// Whose it is. Default: what a JWT says of itself; at a renewal, whose it was.
    pub user: Option<UserOfTokens>,
}

/// What the function resolves to: anything else than a token or `null` is trouble, and no word about the session.
type Given = Argument<Either<CustomToken, Null>>;

/// The function as JavaScript gave it.
pub(super) type GetToken<'env> = Function<'env, TokenRequest, Promise<Given>>;

/// It does not keep the process alive.
type Callable =
    ThreadsafeFunction<TokenRequest, Promise<Given>, TokenRequest, napi::Status, false, true>;

pub(super) struct FunctionSource(Callable);

impl fmt::Debug for FunctionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionSource").finish_non_exhaustive()
    }
}

impl FunctionSource {
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for what is not a function.
    pub(super) fn new(function: &GetToken<'_>) -> crate::Result<Self> {
        let callable = function
            .build_threadsafe_function::<TokenRequest>()
            .weak::<true>()
            .build();
        callable
            .map(Self)
            .map_err(|_| Error::InvalidArgument("provider.getToken must be a function.".to_owned()))
    }
}

#[async_trait]
impl TokenSource for FunctionSource {
    async fn token(
        &self,
        why: TokenReason,
        user: Option<&provider::User>,
    ) -> crate::Result<Option<SourceToken>> {
        let request = TokenRequest {
            reason: match why {
                TokenReason::SignIn => "signIn",
                TokenReason::Renew => "renew",
            }
            .to_owned(),
            user: user.cloned().map(Into::into),
        };
        // What it throws may hold anything, a token too: it is not passed on.
        let failed = |_| Error::Network {
            reason: "the application's getToken failed",
            sent: true,
        };
        let promise = self.0.call_async_catch(request).await.map_err(failed)?;
        let given = promise.await.map_err(failed)?;
        match given.parse("what getToken resolves to", "a token or null") {
            Ok(Either::A(token)) => Ok(Some(token.into())),
            Ok(Either::B(Null)) => Ok(None),
            Err(_) => Err(Error::UnexpectedResponse(
                "getToken gave neither a token nor null",
            )),
        }
    }
}

impl From<CustomToken> for SourceToken {
    fn from(token: CustomToken) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "casts of floats saturate, and NaN is the past"
        )]
        let expires_at_ms = token.expires_at_ms.map(|ms| ms as u64);
        Self {
            access_token: SecretString::new(token.access_token),
            expires_at_ms,
            user: token.user.map(Into::into),
        }
    }
}
