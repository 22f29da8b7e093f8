//! What WorkOS refuses, in each of the shapes that it says it in.
#![forbid(unsafe_code)]

use crate::http::Response;
use crate::provider::safe_reason;
use crate::{Error, Result};
use serde::Deserialize;

/// The words for "only the person can go on, in the browser", from the vendor's OpenAPI description and its SDK for Node. A 403
/// is one whatever its word.
const CHALLENGES: [&str; 11] = [
    "application_consent_required",
    "authentication_method_not_allowed",
    "email_verification_required",
    "mfa_challenge",
    "mfa_enrollment",
    "mfa_verification",
    "organization_authentication_methods_required",
    "organization_selection_required",
    "passkey_progressive_enrollment",
    "radar_challenge",
    "sso_required",
];
/// The one challenge that has no word but a sentence.
const SSO_SENTENCE: &str = "Must use SSO";
/// The organization of the session is gone, or the person is no member any more.
const NO_ORGANIZATION: [&str; 2] = [
    "organization_not_found",
    "organization_membership_not_found",
];

/// An answer that refuses.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    code: String,
}

impl Refusal {
    /// # Errors
    /// `ERR_UNEXPECTED_RESPONSE` for what is not WorkOS's way to refuse: a page of something in between.
    pub(super) fn parse(response: &Response) -> Result<Self> {
        #[derive(Deserialize)]
        struct Body {
            code: Option<String>,
            error: Option<String>,
            message: Option<String>,
        }
        let body: Body = serde_json::from_slice(&response.body)
            .map_err(|_| Error::UnexpectedResponse("a refusal that is not JSON"))?;
        let message = body.message.unwrap_or_default();
        let code = body.code.or(body.error);
        let code = code.or_else(|| {
            message
                .starts_with(SSO_SENTENCE)
                .then(|| "sso_required".to_owned())
        });
        Ok(Self {
            status: response.status.as_u16(),
            code: code.unwrap_or_default(),
        })
    }

    /// The word for what was refused; empty when there was none.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// Whether it says that a session is over.
    pub(super) fn is_over(&self) -> bool {
        self.status == 400 && self.code == "invalid_grant"
    }

    /// As the outcome of a sign-in.
    pub(super) fn of_sign_in(self) -> Error {
        match self.code.as_str() {
            // The code was used, or lay too long.
            "invalid_grant" | "expired_token" => Error::SignInExpired,
            "access_denied" if self.status == 400 => Error::AccessDenied(self.reason()),
            code if CHALLENGES.contains(&code) => Error::StepUpRequired(self.reason()),
            _ => self.rejected(),
        }
    }

    /// As the outcome of a renewal that is not the session's end; `switching`: to an organization that the application named.
    pub(super) fn of_renewal(self, switching: bool) -> Error {
        let code = self.code.as_str();
        let is_challenge = self.status == 403
            || CHALLENGES.contains(&code)
            // The person chooses another in the browser. One that the application named is its own to name again.
            || (!switching && NO_ORGANIZATION.contains(&code));
        if is_challenge {
            Error::StepUpRequired(self.reason())
        } else {
            self.rejected()
        }
    }

    fn rejected(&self) -> Error {
        Error::SignInRejected {
            status: self.status,
            reason: self.reason(),
        }
    }

    fn reason(&self) -> String {
        safe_reason(Some(&self.code.to_ascii_uppercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{HeaderMap, StatusCode, parse_url};

    fn response(status: u16, body: &str) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap_or_default(),
            url: parse_url("https://api.workos.com/").unwrap_or_else(|e| panic!("{e}")),
            redirected: false,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn refusal(status: u16, body: &str) -> Refusal {
        Refusal::parse(&response(status, body)).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn only_invalid_grant_is_the_end_and_in_either_shape() {
        for over in [
            r#"{"error":"invalid_grant","error_description":"Session has already ended."}"#,
            r#"{"code":"invalid_grant","message":"Invalid refresh token"}"#,
        ] {
            assert!(refusal(400, over).is_over(), "{over}");
            assert!(!refusal(403, over).is_over(), "{over}");
        }
        for not_over in [
            r#"{"error":"invalid_client","error_description":"x"}"#,
            r#"{"code":"mfa_enrollment","message":"x"}"#,
            r#"{"message":"invalid_grant"}"#,
            "{}",
        ] {
            assert!(!refusal(400, not_over).is_over(), "{not_over}");
        }
    }

    #[test]
    fn a_challenge_is_known_in_every_shape() {
        for (status, body, reason) in [
            (
                403,
                r#"{"code":"mfa_enrollment","message":"x"}"#,
                "MFA_ENROLLMENT",
            ),
            (
                403,
                r#"{"code":"of_tomorrow","message":"x"}"#,
                "OF_TOMORROW",
            ),
            (403, "{}", "no reason given"),
            (
                400,
                r#"{"error":"sso_required","error_description":"x","connection_ids":["c"]}"#,
                "SSO_REQUIRED",
            ),
            (
                400,
                r#"{"message":"Must use SSO for selected organization"}"#,
                "SSO_REQUIRED",
            ),
        ] {
            let error = refusal(status, body).of_renewal(true);
            assert_eq!(error, Error::StepUpRequired(reason.to_owned()), "{body}");
        }
    }

    #[test]
    fn an_organization_that_is_gone_is_the_persons_to_replace_or_the_applications() {
        let gone = r#"{"error":"organization_membership_not_found","error_description":"x"}"#;
        assert_eq!(
            refusal(400, gone).of_renewal(false).code(),
            "ERR_STEP_UP_REQUIRED"
        );
        assert_eq!(
            refusal(400, gone).of_renewal(true).code(),
            "ERR_SIGN_IN_REJECTED"
        );
    }

    #[test]
    fn a_page_of_something_in_between_is_no_refusal() {
        let code = Refusal::parse(&response(403, "<html>blocked</html>")).map_err(|e| e.code());
        assert_eq!(code.err(), Some("ERR_UNEXPECTED_RESPONSE"));
    }
}
