//! The second factor of a sign-in: the cookie that stands for the person until then travels in the sealed state, with the
//! `Origin` that the server demands of whoever sends cookies.

use super::answers::{check_accepted, error_code, read_grant, read_user};
use super::cookies::{Cookies, TWO_FACTOR};
use super::trusted_devices::TrustedDevices;
use super::{Attempt, BetterAuth};
use crate::provider::{Answer, Awaits, Context, Factor, Pending, Step};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How long a server with the default settings waits for the second factor.
const LIFETIME_S: u64 = 600;
/// A way that the server does not name, for everybody has it who has an authenticator.
const BACKUP_CODE: &str = "backupCode";

/// A sign-in that waits for its second factor.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SecondFactor {
    pub(super) cookies: Cookies,
    /// Whether the session may be prolonged by being used.
    pub(super) sliding: bool,
    factors: Vec<Factor>,
    pub(super) expires_at_ms: u64,
}

impl SecondFactor {
    /// # Errors
    /// `ERR_UNEXPECTED_RESPONSE` when the server did not set its cookie.
    pub(super) fn new(
        methods: &[String],
        cookies: Cookies,
        sliding: bool,
        now_ms: u64,
    ) -> Result<Self> {
        let cookie = cookies.get(TWO_FACTOR).ok_or(Error::UnexpectedResponse(
            "a second factor asked for without its cookie",
        ))?;
        let lifetime_ms = cookie.max_age_s.unwrap_or(LIFETIME_S).saturating_mul(1000);
        let mut factors: Vec<Factor> = methods.iter().map(|method| factor(method)).collect();
        if methods.iter().any(|method| method == "totp") {
            factors.push(factor(BACKUP_CODE));
        }
        Ok(Self {
            sliding,
            factors,
            expires_at_ms: now_ms.saturating_add(lifetime_ms),
            cookies,
        })
    }

    pub(super) fn into_step(self) -> Result<Step> {
        let awaits = Awaits::Code {
            factors: self.factors.clone(),
        };
        let expires_at_ms = self.expires_at_ms;
        Ok(Step::Pending(Pending {
            awaits,
            state: Attempt::SecondFactor(self).seal()?,
            expires_at_ms,
        }))
    }
}

fn factor(strategy: &str) -> Factor {
    Factor {
        strategy: strategy.to_owned(),
        hint: None,
        // The code of an authenticator and those on paper are at hand; one by mail has to be sent first.
        sent: strategy != "otp",
        first: false,
    }
}

/// The route that checks a code of this kind.
fn route_of(strategy: &str) -> Result<&'static str> {
    match strategy {
        "totp" => Ok("/two-factor/verify-totp"),
        "otp" => Ok("/two-factor/verify-otp"),
        BACKUP_CODE => Ok("/two-factor/verify-backup-code"),
        _ => Err(Error::NotSupported("this factor")),
    }
}

impl BetterAuth {
    pub(super) async fn proceed_with_second_factor(
        &self,
        cx: &Context<'_>,
        mut attempt: SecondFactor,
        answer: Answer,
    ) -> Result<Step> {
        match answer {
            Answer::Code {
                strategy,
                code,
                trust_device,
            } => {
                let body = json!({
                    "code": typed(&strategy, code.expose()),
                    "trustDevice": trust_device,
                });
                let mut request = self.post(route_of(&strategy)?, &body);
                attempt.cookies.add_to(&mut request, &self.origin)?;
                let response = cx.http.send(request).await?;
                if error_code(&response).as_deref() == Some("TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE") {
                    // A code by mail can be sent anew; of the others the server forgets the whole sign-in.
                    return Err(match strategy.as_str() {
                        "otp" => Error::InvalidCode,
                        _ => Error::SignInExpired,
                    });
                }
                if response.status == 409 {
                    // The same backup code at the same moment: the server asks to try again.
                    return Err(Error::Server { status: 409 });
                }
                let grant = read_grant(&response, attempt.sliding, cx.now_ms)?;
                let user = read_user(&response);
                TrustedDevices::follow(cx.keep, &response, user.as_ref(), None).await;
                self.confirm(cx, grant).await.map(Step::Complete)
            }
            Answer::SendCode { strategy } => {
                if strategy != "otp" {
                    return Err(Error::NotSupported("sending a code for this factor"));
                }
                let mut request = self.post("/two-factor/send-otp", &json!({}));
                attempt.cookies.add_to(&mut request, &self.origin)?;
                check_accepted(&cx.http.send(request).await?)?;
                for factor in &mut attempt.factors {
                    factor.sent |= factor.strategy == strategy;
                }
                attempt.into_step()
            }
            Answer::Callback(_) | Answer::Poll => {
                Err(Error::NotSupported("this step for a second factor"))
            }
        }
    }
}

/// What the person meant: codes of digits are often shown, and typed, in groups.
fn typed(strategy: &str, code: &str) -> String {
    match strategy {
        BACKUP_CODE => code.trim().to_owned(),
        _ => code.split_whitespace().collect(),
    }
}
