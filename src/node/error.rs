//! The core's errors as JavaScript errors.

use crate::Error;
use napi::bindgen_prelude::{Env, JsValue as _, Result};
use napi_derive::napi;

/// Builds an `Error` with `name` and `code`. Only on the JavaScript thread.
///
/// napi's own errors carry a status of napi's for a code; an error that keeps a reference to a JavaScript value is
/// thrown, or rejected with, as that very value.
pub(super) fn to_js(env: &Env, error: &Error) -> napi::Error {
    build(env, error).unwrap_or_else(|failure| failure)
}

fn build(env: &Env, error: &Error) -> Result<napi::Error> {
    let mut object = env.create_error(napi::Error::from_reason(error.to_string()))?;
    object.set("name", "LatchkeyError")?;
    object.set("code", error.code())?;
    if let Error::RateLimited {
        retry_after_ms: Some(ms),
    }
    | Error::AccountLocked {
        retry_after_ms: Some(ms),
    } = error
    {
        #[expect(
            clippy::cast_precision_loss,
            reason = "at most an hour in milliseconds"
        )]
        object.set("retryAfterMs", *ms as f64)?;
    }
    Ok(napi::Error::from_unknown_without_coercion(
        object.to_unknown(),
    ))
}

/// The `code` of every error that this package throws or rejects with. Match on it, never on the message.
/// What each means and what to do about it is in docs/errors.md.
#[napi(string_enum)]
#[allow(
    dead_code,
    non_camel_case_types,
    clippy::upper_case_acronyms,
    missing_docs,
    reason = "read by the type generator only; the names are the codes"
)]
pub enum ErrorCode {
    ERR_INVALID_ARGUMENT,
    ERR_WRONG_PROCESS,
    ERR_KEYCHAIN_UNAVAILABLE,
    ERR_KEYCHAIN_LOCKED,
    ERR_KEYCHAIN_DENIED,
    ERR_KEYCHAIN_TIMEOUT,
    ERR_KEYCHAIN_AMBIGUOUS,
    ERR_KEYCHAIN_FAILED,
    ERR_KEY_MISSING,
    ERR_KEY_INVALID,
    ERR_PROTECTION_MISMATCH,
    ERR_INVALID_PASSPHRASE,
    ERR_VAULT_ROLLED_BACK,
    ERR_VAULT_TAMPERED,
    ERR_VAULT_CORRUPT,
    ERR_VAULT_VERSION,
    ERR_VAULT_FOREIGN,
    ERR_VAULT_BUSY,
    ERR_VAULT_IO,
    ERR_VAULT_CLOSED,
    ERR_DECRYPTION_FAILED,
    ERR_IMPORT_SOURCE,
    ERR_INVALID_CREDENTIALS,
    ERR_USER_EXISTS,
    ERR_WEAK_PASSWORD,
    ERR_EMAIL_NOT_VERIFIED,
    ERR_RATE_LIMITED,
    ERR_ACCOUNT_LOCKED,
    ERR_SIGN_IN_REJECTED,
    ERR_NOT_SUPPORTED,
    ERR_INVALID_CODE,
    ERR_SIGN_IN_EXPIRED,
    ERR_SIGN_IN_NOT_FOUND,
    ERR_SIGN_IN_CANCELLED,
    ERR_CALLBACK_INVALID,
    ERR_ACCESS_DENIED,
    ERR_ID_TOKEN_INVALID,
    ERR_STEP_UP_REQUIRED,
    ERR_SECOND_FACTOR_REQUIRED,
    ERR_NOT_SIGNED_IN,
    ERR_SESSION_EXPIRED,
    ERR_SESSION_LOCKED,
    ERR_REFRESH_UNANSWERED,
    ERR_SESSION_CLOSED,
    ERR_SUPERSEDED,
    ERR_NETWORK,
    ERR_TIMEOUT,
    ERR_TLS,
    ERR_TLS_HOSTNAME,
    ERR_TLS_EXPIRED,
    ERR_TLS_UNTRUSTED,
    ERR_INSECURE_URL,
    ERR_SERVER,
    ERR_UNEXPECTED_RESPONSE,
    ERR_ORIGIN_NOT_ALLOWED,
    ERR_RESPONSE_TOO_LARGE,
    ERR_ABORTED,
    ERR_INTERNAL,
}
