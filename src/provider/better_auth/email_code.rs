//! Signing in with a code that the server sends by mail (the email OTP plugin).

use super::answers::{check_accepted, error_code, read_grant};
use super::{Attempt, BetterAuth};
use crate::provider::{Answer, Awaits, Context, Factor, Identifier, Pending, Step};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The name of this way.
const STRATEGY: &str = "emailOtp";
/// How long a person may take. A code of the server's lives five minutes, and another can be sent.
const LIFETIME_MS: u64 = 15 * 60 * 1000;

/// Somebody who waits for mail.
#[derive(Serialize, Deserialize)]
pub(super) struct EmailCode {
    email: String,
    expires_at_ms: u64,
}

impl EmailCode {
    fn into_step(self) -> Result<Step> {
        let factor = Factor {
            strategy: STRATEGY.to_owned(),
            hint: Some(masked(&self.email)),
            sent: true,
            first: true,
        };
        Ok(Step::Pending(Pending {
            awaits: Awaits::Code {
                factors: vec![factor],
            },
            expires_at_ms: self.expires_at_ms,
            state: Attempt::EmailCode(self).seal()?,
        }))
    }
}

impl BetterAuth {
    pub(super) async fn begin_with_code(
        &self,
        cx: &Context<'_>,
        identifier: Identifier,
    ) -> Result<Step> {
        let Identifier::Email(email) = identifier else {
            return Err(Error::NotSupported("a code for a user name"));
        };
        self.send_email_code(cx, &email).await?;
        EmailCode {
            email,
            expires_at_ms: cx.now_ms.saturating_add(LIFETIME_MS),
        }
        .into_step()
    }

    async fn send_email_code(&self, cx: &Context<'_>, email: &str) -> Result<()> {
        let body = json!({ "email": email, "type": "sign-in" });
        let request = self.post("/email-otp/send-verification-otp", &body);
        check_accepted(&cx.http.send(request).await?)
    }

    pub(super) async fn proceed_with_email_code(
        &self,
        cx: &Context<'_>,
        attempt: EmailCode,
        answer: Answer,
    ) -> Result<Step> {
        match answer {
            Answer::Code { strategy, code, .. } if strategy == STRATEGY => {
                let otp: String = code.expose().split_whitespace().collect();
                let body = json!({ "email": attempt.email, "otp": otp });
                let response = cx.http.send(self.post("/sign-in/email-otp", &body)).await?;
                if error_code(&response).as_deref() == Some("TOO_MANY_ATTEMPTS") {
                    // The code is void. Another can be sent.
                    return Err(Error::InvalidCode);
                }
                let grant = read_grant(&response, true, cx.now_ms)?;
                self.confirm(cx, grant).await.map(Step::Complete)
            }
            Answer::SendCode { strategy } if strategy == STRATEGY => {
                self.send_email_code(cx, &attempt.email).await?;
                attempt.into_step()
            }
            _ => Err(Error::NotSupported("this step for a code by mail")),
        }
    }
}

/// The address as far as somebody who looks over the shoulder may see it.
fn masked(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((name, domain)) => {
            let first: String = name.chars().take(1).collect();
            format!("{first}•••@{domain}")
        }
        None => "•••".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn an_address_is_masked_to_its_first_letter_and_its_domain() {
        assert_eq!(masked("ada@example.com"), "a•••@example.com");
        assert_eq!(masked("@example.com"), "•••@example.com");
        assert_eq!(masked("ö"), "•••");
    }
}
