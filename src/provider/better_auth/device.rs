//! The device flow (RFC 8628), which Better Auth speaks in JSON.

use super::answers::{check_accepted, new_credentials};
use super::{Attempt, BetterAuth};
use crate::http::Response;
use crate::provider::{Awaits, Context, Pending, Renewal, Step, check_served, safe_reason};
use crate::secret::SecretString;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// RFC 8628 section 3.2: where the server does not say how often to ask.
const DEFAULT_INTERVAL_S: u64 = 5;
/// RFC 8628 section 3.5: by how much `slow_down` makes the interval longer.
const SLOWER_BY_MS: u64 = 5_000;

/// A device that waits to be allowed.
#[derive(Serialize, Deserialize)]
pub(super) struct DeviceAttempt {
    device_code: Zeroizing<String>,
    /// The token, once the server gave it: it gives it once, and who it is of is another question.
    token: Option<Zeroizing<String>>,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    interval_ms: u64,
    expires_at_ms: u64,
}

impl DeviceAttempt {
    fn into_step(self) -> Result<Step> {
        Ok(Step::Pending(Pending {
            awaits: Awaits::Device {
                user_code: self.user_code.clone(),
                verification_uri: self.verification_uri.clone(),
                verification_uri_complete: self.verification_uri_complete.clone(),
                interval_ms: self.interval_ms,
            },
            expires_at_ms: self.expires_at_ms,
            state: Attempt::Device(self).seal()?,
        }))
    }
}

#[derive(Deserialize)]
struct CodeAnswer {
    device_code: Zeroizing<String>,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Zeroizing<String>,
}

impl BetterAuth {
    pub(super) async fn begin_on_device(
        &self,
        cx: &Context<'_>,
        scope: Option<String>,
    ) -> Result<Step> {
        let mut body = json!({ "client_id": self.device_client_id });
        if let Some(scope) = scope {
            body["scope"] = scope.into();
        }
        let response = cx.http.send(self.post("/device/code", &body)).await?;
        check_granted(&response)?;
        let unexpected = |_| Error::UnexpectedResponse("a device authorization without its codes");
        let answer: CodeAnswer = serde_json::from_slice(&response.body).map_err(unexpected)?;
        let interval_s = answer.interval.unwrap_or(DEFAULT_INTERVAL_S).max(1);
        DeviceAttempt {
            device_code: answer.device_code,
            token: None,
            user_code: answer.user_code,
            verification_uri: answer.verification_uri,
            verification_uri_complete: answer.verification_uri_complete,
            interval_ms: interval_s.saturating_mul(1000),
            expires_at_ms: cx
                .now_ms
                .saturating_add(answer.expires_in.saturating_mul(1000)),
        }
        .into_step()
    }

    pub(super) async fn poll_device(
        &self,
        cx: &Context<'_>,
        mut attempt: DeviceAttempt,
    ) -> Result<Step> {
        if attempt.token.is_none() {
            let body = json!({
                "grant_type": GRANT_TYPE,
                "device_code": *attempt.device_code,
                "client_id": self.device_client_id,
            });
            let response = cx.http.send(self.post("/device/token", &body)).await?;
            match oauth_error(&response).as_deref() {
                Some("authorization_pending") => return attempt.into_step(),
                Some("slow_down") => {
                    attempt.interval_ms = attempt.interval_ms.saturating_add(SLOWER_BY_MS);
                    return attempt.into_step();
                }
                _ => check_granted(&response)?,
            }
            let unexpected = |_| Error::UnexpectedResponse("a device token without a token");
            let answer: TokenAnswer = serde_json::from_slice(&response.body).map_err(unexpected)?;
            attempt.token = Some(answer.access_token);
        }
        let Some(token) = &attempt.token else {
            return Err(Error::Internal("a device without its token"));
        };
        let credentials = new_credentials(
            SecretString::new(token.as_str().to_owned()),
            true,
            cx.now_ms,
        );
        // Whose it is only this tells.
        match self.renew_session(cx, &credentials).await {
            Ok(Renewal::Renewed(grant)) => {
                self.page_sign_in.forget();
                Ok(Step::Complete(grant))
            }
            Ok(Renewal::Over) => Err(Error::UnexpectedResponse(
                "a device token is unsigned, and this server's bearer plugin takes signed tokens only (requireSignature)",
            )),
            // Asked again at the next turn, with the token in the sealed state.
            Err(_) => attempt.into_step(),
        }
    }
}

/// The errors of this plugin alone are OAuth's (RFC 6749 section 5.2).
fn oauth_error(response: &Response) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        error: String,
    }
    let answer: Answer = serde_json::from_slice(&response.body).ok()?;
    (!response.status.is_success()).then_some(answer.error)
}

fn check_granted(response: &Response) -> Result<()> {
    check_served(response)?;
    let Some(error) = oauth_error(response) else {
        return check_accepted(response);
    };
    Err(match error.as_str() {
        "expired_token" | "invalid_grant" => Error::SignInExpired,
        "access_denied" => Error::AccessDenied(error),
        other => Error::SignInRejected {
            status: response.status.as_u16(),
            reason: safe_reason(Some(&other.to_ascii_uppercase())),
        },
    })
}
