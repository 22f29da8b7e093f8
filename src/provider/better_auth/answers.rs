//! What the server answers, and what that means here.

use super::cookies::Cookies;
use crate::http::Response;
use crate::provider::{Credentials, Grant, User, check_served, safe_reason};
use crate::secret::SecretString;
use crate::{Error, Result};
use serde::Deserialize;

/// The field that carries the signed token.
pub(super) const TOKEN_HEADER: &str = "set-auth-token";

/// What a sign-in with a password came to.
pub(super) enum Entry {
    /// A session.
    Granted(Grant),
    /// A second factor is asked for first.
    SecondFactor {
        /// The server's names of the ways to prove it.
        methods: Vec<String>,
        /// What stands for the person until then.
        cookies: Cookies,
    },
}

/// The user fields of every answer, and what the user name plugin adds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserAnswer {
    pub(super) id: String,
    pub(super) email: Option<String>,
    name: Option<String>,
    image: Option<String>,
    email_verified: Option<bool>,
    pub(super) username: Option<String>,
}

impl From<UserAnswer> for User {
    fn from(user: UserAnswer) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            image: user.image,
            email_verified: user.email_verified,
        }
    }
}

/// The answer of `get-session`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionAnswer {
    session: SessionFields,
    user: UserAnswer,
    /// With `deferSessionRefresh`: whether the session is due to be prolonged, which only a POST does.
    #[serde(default)]
    pub(super) needs_refresh: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionFields {
    expires_at: String,
}

impl SessionAnswer {
    pub(super) fn into_grant(
        self,
        token: SecretString,
        sliding: bool,
        response: &Response,
        now_ms: u64,
    ) -> Grant {
        let expires_at_ms = parse_time(&self.session.expires_at).map(|ends_ms| {
            // The end is told by the server's clock; what counts here is how long that is from now.
            now_ms.saturating_add(ends_ms.saturating_sub(response.server_now_ms(now_ms)))
        });
        Grant {
            credentials: Credentials {
                expires_at_ms,
                ..new_credentials(token, sliding, now_ms)
            },
            user: self.user.into(),
        }
    }
}

/// Times are ISO 8601 in UTC, as `Date.prototype.toISOString` writes them.
pub(super) fn parse_time(text: &str) -> Option<u64> {
    let at: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(at.as_millisecond()).ok()
}

/// Credentials whose end the server has not said.
pub(super) fn new_credentials(token: SecretString, sliding: bool, now_ms: u64) -> Credentials {
    Credentials {
        access_token: token,
        refresh_token: None,
        expires_at_ms: None,
        confirmed_at_ms: now_ms,
        sliding,
        private: None,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignInAnswer {
    token: Option<String>,
    user: Option<UserAnswer>,
    #[serde(default)]
    two_factor_redirect: bool,
    #[serde(default)]
    two_factor_methods: Vec<String>,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    code: Option<String>,
}

/// Reads the answer to a sign-in, a sign-up or an exchange.
///
/// # Errors
/// What the server refused it with.
pub(super) fn read_entry(response: &Response, sliding: bool, now_ms: u64) -> Result<Entry> {
    check_accepted(response)?;
    let unexpected = || Error::UnexpectedResponse("a sign-in without a session");
    let answer: SignInAnswer = serde_json::from_slice(&response.body).map_err(|_| unexpected())?;
    if answer.two_factor_redirect {
        // The token field of such an answer is that of a session which is deleted already.
        return Ok(Entry::SecondFactor {
            methods: answer.two_factor_methods,
            cookies: Cookies::set_by(response),
        });
    }
    let user = answer.user.ok_or_else(unexpected)?;
    if answer.token.is_none() {
        // An account was made, but it may sign in only once its address is verified.
        return Err(Error::EmailNotVerified);
    }
    let token = token_header(response).ok_or(Error::UnexpectedResponse(
        "no set-auth-token field: add the bearer plugin to the server",
    ))?;
    Ok(Entry::Granted(Grant {
        credentials: new_credentials(token, sliding, now_ms),
        user: user.into(),
    }))
}

/// As [`read_entry`], for a step that no second factor follows.
///
/// # Errors
/// As for [`read_entry`].
pub(super) fn read_grant(response: &Response, sliding: bool, now_ms: u64) -> Result<Grant> {
    match read_entry(response, sliding, now_ms)? {
        Entry::Granted(grant) => Ok(grant),
        Entry::SecondFactor { .. } => Err(Error::SecondFactorRequired),
    }
}

/// The user fields of an answer that has them.
pub(super) fn read_user(response: &Response) -> Option<UserAnswer> {
    #[derive(Deserialize)]
    struct Answer {
        user: UserAnswer,
    }
    let answer: Answer = serde_json::from_slice(&response.body).ok()?;
    Some(answer.user)
}

/// Reads the answer of `get-session`: `None` is the server's word that there is no session.
///
/// # Errors
/// `ERR_UNEXPECTED_RESPONSE`.
pub(super) fn read_session(response: &Response) -> Result<Option<SessionAnswer>> {
    let unexpected = || Error::UnexpectedResponse("get-session answered no session and no null");
    serde_json::from_slice(&response.body).map_err(|_| unexpected())
}

/// The signed token that an answer brings.
pub(super) fn token_header(response: &Response) -> Option<SecretString> {
    let token = response.header(TOKEN_HEADER)?;
    (!token.is_empty()).then(|| SecretString::new(token.to_owned()))
}

/// The server's own code of a refusal.
pub(super) fn error_code(response: &Response) -> Option<String> {
    let answer: ErrorAnswer = serde_json::from_slice(&response.body).ok()?;
    answer.code
}

/// Checks that the server did what it was asked for.
///
/// # Errors
/// What it refused it with.
pub(super) fn check_accepted(response: &Response) -> Result<()> {
    let code = error_code(response);
    // Beside the rate limit, whose answer is plain text, there is the lock of an account, whose answer has a code.
    if code.as_deref() == Some("ACCOUNT_TEMPORARILY_LOCKED") {
        return Err(Error::AccountLocked {
            retry_after_ms: response.retry_after_ms(),
        });
    }
    check_served(response)?;
    if response.status.is_success() {
        return Ok(());
    }
    if response.status == 404 && code.is_none() {
        return Err(Error::NotSupported(
            "this, for the server lacks the plugin for it or has another base URL",
        ));
    }
    let Some(code) = code else {
        return Err(Error::UnexpectedResponse("a refusal that is not JSON"));
    };
    Err(match code.as_str() {
        "INVALID_EMAIL_OR_PASSWORD" | "INVALID_USERNAME_OR_PASSWORD" => Error::InvalidCredentials,
        "EMAIL_NOT_VERIFIED" => Error::EmailNotVerified,
        "PASSWORD_TOO_SHORT" => Error::WeakPassword("it is too short"),
        "PASSWORD_TOO_LONG" => Error::WeakPassword("it is too long"),
        "PASSWORD_COMPROMISED" => Error::WeakPassword("it is on a list of leaked passwords"),
        "USERNAME_IS_ALREADY_TAKEN" => Error::UserExists,
        // Said by every route but get-session, which is asked then.
        "UNAUTHORIZED" => Error::SessionExpired,
        "SESSION_NOT_FRESH" => Error::StepUpRequired(code),
        // Wrong, spent, too old, or tried too often: another one may be right.
        "INVALID_CODE"
        | "INVALID_BACKUP_CODE"
        | "OTP_HAS_EXPIRED"
        | "INVALID_OTP"
        | "OTP_EXPIRED" => Error::InvalidCode,
        "INVALID_TWO_FACTOR_COOKIE" | "INVALID_TOKEN" => Error::SignInExpired,
        "STATE_MISMATCH" | "INVALID_CODE_VERIFIER" | "MISSING_CODE_CHALLENGE" => {
            Error::CallbackInvalid("its code is of another sign-in")
        }
        "TOTP_NOT_ENABLED"
        | "BACKUP_CODES_NOT_ENABLED"
        | "OTP_NOT_CONFIGURED"
        | "TOTP_NOT_CONFIGURED" => Error::NotSupported("this factor for this account"),
        code if code.starts_with("USER_ALREADY_EXISTS") => Error::UserExists,
        code => Error::SignInRejected {
            status: response.status.as_u16(),
            reason: safe_reason(Some(code)),
        },
    })
}
