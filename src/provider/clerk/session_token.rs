//! The session token: a JWT that lives for a minute.
#![forbid(unsafe_code)]

use crate::http::Response;
use crate::provider::token_answer::claims_of;
use crate::provider::{Credentials, Minted};
use crate::secret::SecretString;
use crate::{Error, Result};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Which session a token is of: what a renewal must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The session's identifier.
    pub(super) session: String,
    /// The device it was signed in on, by our own name for it.
    pub(super) device: String,
    /// The organization it is in.
    pub(super) organization: Option<String>,
}

impl Place {
    pub(super) fn of(credentials: &Credentials) -> Result<Self> {
        let kept = credentials.private.as_ref();
        kept.and_then(|kept| serde_json::from_str(kept.expose()).ok())
            .ok_or(Error::Internal("no session of Clerk's"))
    }

    fn sealed(&self) -> Result<SecretString> {
        serde_json::to_string(self)
            .map(SecretString::new)
            .map_err(|_| Error::Internal("a session of Clerk's is not writable"))
    }
}

#[derive(Deserialize)]
struct Claims {
    sid: Option<String>,
    exp: Option<f64>,
    iat: Option<f64>,
    /// Version 1 of the claims.
    org_id: Option<String>,
    /// Version 2.
    o: Option<Organization>,
}

#[derive(Deserialize)]
struct Organization {
    id: Option<String>,
}

impl Claims {
    fn organization(&self) -> Option<&str> {
        let second = self.o.as_ref().and_then(|o| o.id.as_deref());
        self.org_id.as_deref().or(second)
    }
}

/// The credentials of a session token that came with `response`.
///
/// # Errors
/// `ERR_UNEXPECTED_RESPONSE` when it is none.
pub(super) fn credentials(
    jwt: String,
    place: &Place,
    response: &Response,
    now_ms: u64,
) -> Result<Credentials> {
    let expires_at_ms = end_ms(&jwt, response, now_ms);
    if expires_at_ms.is_none() {
        return Err(Error::UnexpectedResponse("no session token in the answer"));
    }
    Ok(Credentials {
        access_token: SecretString::new(jwt),
        refresh_token: None,
        expires_at_ms,
        confirmed_at_ms: now_ms,
        sliding: true,
        private: Some(place.sealed()?),
    })
}

/// A token of a template, which need not say when it ends.
pub(super) fn minted(jwt: String, response: &Response, now_ms: u64) -> Minted {
    Minted {
        expires_at_ms: end_ms(&jwt, response, now_ms),
        token: SecretString::new(jwt),
    }
}

/// When it ends by the local clock. A token that is not new any more has less left than its lifetime.
fn end_ms(jwt: &str, response: &Response, now_ms: u64) -> Option<u64> {
    let Claims { exp, iat, .. } = claims_of(jwt)?;
    let (exp_ms, iat_ms) = (millis(exp?)?, millis(iat?)?);
    let lifetime = exp_ms.saturating_sub(iat_ms);
    let left = exp_ms.saturating_sub(response.server_now_ms(now_ms));
    Some(now_ms.saturating_add(lifetime.min(left)))
}

/// Whether the token at hand says newer things than `came`: an edge of Clerk's that is behind gives out older ones. As the
/// official client chooses: by when the claims were read from the database (`oiat` in the header), then by `iat`. Only tokens
/// of one session and one organization can be compared.
pub(super) fn is_fresher(at_hand: &str, came: &str) -> bool {
    let (Some(old), Some(new)) = (claims_of::<Claims>(at_hand), claims_of::<Claims>(came)) else {
        return false;
    };
    if old.sid != new.sid || old.organization() != new.organization() {
        return false;
    }
    match (original_issue(at_hand), original_issue(came)) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(before), Some(after)) if before == after => old.iat > new.iat,
        (Some(before), Some(after)) => before > after,
    }
}

/// `oiat` of the header: when the claims were read.
fn original_issue(jwt: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Header {
        oiat: Option<i64>,
    }
    let (header, _) = jwt.split_once('.')?;
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).ok()?;
    serde_json::from_slice::<Header>(&header).ok()?.oiat
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in range"
)]
fn millis(seconds: f64) -> Option<u64> {
    /// The year 2286: more is a mistake.
    const MOST_SECONDS: f64 = 1e10;
    (0.0..MOST_SECONDS)
        .contains(&seconds)
        .then_some((seconds * 1000.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(header: &str, claims: &str) -> String {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", encode(header), encode(claims))
    }

    fn token(oiat: Option<i64>, iat: i64) -> String {
        let header = oiat.map_or("{}".to_owned(), |at| format!(r#"{{"oiat":{at}}}"#));
        jwt(&header, &format!(r#"{{"sid":"s","iat":{iat}}}"#))
    }

    #[test]
    fn the_token_whose_claims_were_read_later_is_the_fresher_one() {
        // (at hand, came, whether the one at hand stays): as clerk-js 6.34.1 decides.
        let cases = [
            (token(None, 9), token(None, 5), false),
            (token(None, 9), token(Some(1), 5), false),
            (token(Some(1), 5), token(None, 9), true),
            (token(Some(2), 5), token(Some(1), 9), true),
            (token(Some(1), 9), token(Some(2), 5), false),
            (token(Some(1), 9), token(Some(1), 5), true),
            (token(Some(1), 5), token(Some(1), 9), false),
            (token(Some(1), 5), token(Some(1), 5), false),
        ];
        for (at_hand, came, stays) in cases {
            assert_eq!(is_fresher(&at_hand, &came), stays, "{at_hand} {came}");
        }
    }

    #[test]
    fn tokens_of_other_sessions_and_organizations_are_not_compared() {
        let newest = r#"{"oiat":9}"#;
        let at_hand = jwt(newest, r#"{"sid":"s","iat":9,"o":{"id":"org_a"}}"#);
        for other in [
            r#"{"sid":"t","iat":1,"o":{"id":"org_a"}}"#,
            r#"{"sid":"s","iat":1,"o":{"id":"org_b"}}"#,
            r#"{"sid":"s","iat":1}"#,
        ] {
            assert!(!is_fresher(&at_hand, &jwt(r#"{"oiat":1}"#, other)));
        }
        let first_version = r#"{"sid":"s","iat":1,"org_id":"org_a"}"#;
        assert!(is_fresher(&at_hand, &jwt(r#"{"oiat":1}"#, first_version)));
        assert!(!is_fresher("opaque", "opaque") && !is_fresher(&at_hand, "opaque"));
    }
}
