//! What the answer of a token endpoint says, in the names of OAuth 2 (RFC 6749 section 5.1) or in camel case.
#![forbid(unsafe_code)]

use super::{Credentials, User};
use crate::secret::SecretString;
use crate::{Error, Result};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    #[serde(alias = "accessToken")]
    access_token: Zeroizing<String>,
    #[serde(alias = "refreshToken")]
    refresh_token: Option<Zeroizing<String>>,
    /// In seconds.
    #[serde(alias = "expiresIn")]
    expires_in: Option<f64>,
    id_token: Option<Zeroizing<String>>,
    token_type: Option<String>,
    pub(super) user: Option<Claims>,
}

/// Who somebody is, in the names of OIDC (OpenID Connect Core 1.0 section 5.1) or of the usual user objects.
#[derive(Clone, Deserialize)]
pub(super) struct Claims {
    #[serde(alias = "id")]
    sub: String,
    email: Option<String>,
    name: Option<String>,
    #[serde(alias = "image")]
    picture: Option<String>,
    #[serde(alias = "emailVerified")]
    email_verified: Option<bool>,
}

impl Claims {
    /// The subject.
    pub(super) fn into_id(self) -> String {
        self.sub
    }
}

impl From<Claims> for User {
    fn from(claims: Claims) -> Self {
        Self {
            id: claims.sub,
            email: claims.email,
            name: claims.name,
            image: claims.picture,
            email_verified: claims.email_verified,
        }
    }
}

impl TokenAnswer {
    /// # Errors
    /// `ERR_UNEXPECTED_RESPONSE` for anything without an access token.
    pub(super) fn parse(body: &[u8]) -> Result<Self> {
        serde_json::from_slice(body)
            .ok()
            .filter(|answer: &Self| !answer.access_token.is_empty())
            .ok_or(Error::UnexpectedResponse("no access token in the answer"))
    }

    pub(super) fn access_token(&self) -> &str {
        &self.access_token
    }

    pub(super) fn id_token(&self) -> Option<&str> {
        self.id_token.as_ref().map(|token| token.as_str())
    }

    /// How the access token is to be used (RFC 6749 section 7.1): names of types have no case.
    pub(super) fn is_of_type(&self, name: &str) -> bool {
        let token_type = self.token_type.as_deref();
        token_type.is_some_and(|given| given.eq_ignore_ascii_case(name))
    }

    /// Who it is for, by the answer's own `user`, or by the access token where that is a JWT (RFC 9068 section 2.2).
    pub(super) fn subject(&self) -> Option<User> {
        let by_token = || claims_of::<Claims>(&self.access_token);
        self.user.clone().or_else(by_token).map(User::from)
    }

    /// What the ID token that came with it says; nothing is checked here.
    pub(super) fn id_claims(&self) -> Option<Claims> {
        claims_of(self.id_token.as_ref()?)
    }

    /// The credentials it grants; `before` is what it renews.
    pub(super) fn into_credentials(self, before: Option<&Credentials>, now_ms: u64) -> Credentials {
        let take = |mut token: Zeroizing<String>| SecretString::new(std::mem::take(&mut *token));
        let copy = |token: &SecretString| SecretString::new(token.expose().to_owned());
        let expires_at_ms = self
            .expires_in
            .and_then(seconds_to_millis)
            .or_else(|| lifetime_ms(&self.access_token))
            .map(|lifetime_ms| now_ms.saturating_add(lifetime_ms));
        Credentials {
            access_token: take(self.access_token),
            // An answer without one leaves the old one in force (RFC 6749 section 6).
            refresh_token: self
                .refresh_token
                .map(take)
                .or_else(|| before?.refresh_token.as_ref().map(copy)),
            expires_at_ms,
            confirmed_at_ms: now_ms,
            sliding: true,
            private: before.and_then(|before| before.private.as_ref().map(copy)),
        }
    }
}

/// How long a JWT lives from its issue on (RFC 7519 sections 4.1.4 and 4.1.6): a difference, so no clock matters.
pub(super) fn lifetime_ms(token: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Times {
        exp: f64,
        iat: f64,
    }
    let Times { exp, iat } = claims_of(token)?;
    seconds_to_millis(exp - iat)
}

/// When a JWT ends, in milliseconds since 1970 (RFC 7519 section 4.1.4).
pub(super) fn end_ms(token: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct End {
        exp: f64,
    }
    seconds_to_millis(claims_of::<End>(token)?.exp)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in range"
)]
fn seconds_to_millis(seconds: f64) -> Option<u64> {
    /// A hundred years: more is a mistake.
    const MOST_SECONDS: f64 = 3.2e9;
    (0.0..MOST_SECONDS)
        .contains(&seconds)
        .then_some((seconds * 1000.0) as u64)
}

pub(super) fn claims_of<T: DeserializeOwned>(token: &str) -> Option<T> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let payload = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?);
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(payload: &str) -> String {
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(payload))
    }

    fn credentials(body: &str, before: Option<&Credentials>) -> Option<Credentials> {
        let answer = TokenAnswer::parse(body.as_bytes()).ok()?;
        Some(answer.into_credentials(before, 1_000))
    }

    #[test]
    fn the_lifetime_is_what_the_answer_says_or_the_token_itself() {
        let ends = |body: &str| credentials(body, None).and_then(|found| found.expires_at_ms);
        assert_eq!(ends(r#"{"access_token":"a","expires_in":3}"#), Some(4_000));
        assert_eq!(ends(r#"{"accessToken":"a","expiresIn":3}"#), Some(4_000));
        let token = jwt(r#"{"exp":5000060,"iat":5000000}"#);
        assert_eq!(
            ends(&format!(r#"{{"access_token":"{token}"}}"#)),
            Some(61_000)
        );
        assert_eq!(ends(r#"{"access_token":"opaque"}"#), None);
        assert_eq!(ends(r#"{"access_token":"a","expires_in":-1}"#), None);
        assert_eq!(ends(r#"{"access_token":"a","expires_in":1e300}"#), None);
    }

    #[test]
    fn a_refresh_token_stays_in_force_until_another_comes() {
        let first = credentials(r#"{"access_token":"a","refresh_token":"r"}"#, None);
        let second = credentials(r#"{"access_token":"b"}"#, first.as_ref());
        let kept = second.and_then(|found| found.refresh_token);
        assert_eq!(
            kept.map(|token| token.expose().to_owned()),
            Some("r".to_owned())
        );
    }

    #[test]
    fn what_is_no_token_answer_is_an_error() {
        for wrong in [
            "",
            "null",
            "[]",
            "{}",
            "<html>",
            r#"{"access_token":""}"#,
            r#"{"access_token":1}"#,
        ] {
            let code = TokenAnswer::parse(wrong.as_bytes()).map_err(|error| error.code());
            assert_eq!(code.err(), Some("ERR_UNEXPECTED_RESPONSE"), "{wrong}");
        }
        for not_a_jwt in ["", "a.b", "a.!.c", "a.e30.c", "a.b.c.d"] {
            assert_eq!(lifetime_ms(not_a_jwt), None, "{not_a_jwt}");
        }
    }
}
