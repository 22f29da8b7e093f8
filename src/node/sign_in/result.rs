//! What a step of signing in has come to, for JavaScript.

use super::super::session::User;
use crate::provider::{self, Awaits};
use crate::session::{self, SignInOutcome};
use napi_derive::napi;

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

/// Which sign-in a callback belonged to, and what came of it.
#[napi(object)]
#[derive(Debug)]
pub struct CallbackResult {
    /// The identifier of the sign-in.
    pub id: String,
    /// What came of it.
    pub result: SignInResult,
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
