//! What an ID token must say (OpenID Connect Core 1.0 section 3.1.3.7).
#![forbid(unsafe_code)]

use super::jws::{Algorithm, Jws};
use crate::{Error, Result};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// How far the clocks of the servers that make and judge a token may differ, in seconds.
const LEEWAY_S: f64 = 60.0;

/// What an ID token is measured by.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The issuer, byte by byte.
    pub issuer: &'a str,
    /// Whom it is for.
    pub client_id: &'a str,
    /// What the request had; `None` for an answer to none, such as a refresh.
    pub nonce: Option<&'a str>,
    /// Whom it must speak of.
    pub subject: Option<&'a str>,
    /// How long ago the person may have proven who they are, in seconds.
    pub max_age_s: Option<u64>,
    /// One of these must be how they proved it; empty: no matter how.
    pub acr_values: &'a [String],
    /// The access token that came with it.
    pub access_token: &'a str,
    /// The time by the server's clock, in milliseconds since 1970.
    pub now_ms: u64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    iat: f64,
    azp: Option<String>,
    nonce: Option<String>,
    auth_time: Option<f64>,
    acr: Option<String>,
    at_hash: Option<String>,
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Expected<'_> {
    /// Checks what the token says. Its signature is not looked at here.
    ///
    /// # Errors
    /// `ERR_ID_TOKEN_INVALID`, with what does not hold.
    pub fn check(&self, token: &Jws<'_>) -> Result<()> {
        let claims: Claims =
            serde_json::from_slice(token.payload()).map_err(|_| invalid("claims are missing"))?;
        if claims.iss != self.issuer {
            return Err(invalid("iss is another issuer"));
        }
        let audiences = match &claims.aud {
            Audience::One(one) => std::slice::from_ref(one),
            Audience::Several(several) => several,
        };
        if !audiences.iter().any(|audience| audience == self.client_id) {
            return Err(invalid("aud is another client"));
        }
        match claims.azp.as_deref() {
            Some(azp) if azp != self.client_id => return Err(invalid("azp is another client")),
            None if audiences.len() > 1 => return Err(invalid("several aud and no azp")),
            _ => {}
        }
        if self.nonce.is_some() && claims.nonce.as_deref() != self.nonce {
            return Err(invalid("nonce is of another request"));
        }
        if claims.sub.is_empty() {
            return Err(invalid("sub is empty"));
        }
        if self.subject.is_some_and(|subject| subject != claims.sub) {
            return Err(invalid("sub is another person"));
        }
        self.check_times(&claims)?;
        let is_asked_for = |acr: &String| self.acr_values.contains(acr);
        if !self.acr_values.is_empty() && !claims.acr.as_ref().is_some_and(is_asked_for) {
            return Err(invalid("acr is not what was asked for"));
        }
        let hash = |_: &String| access_token_hash(token.algorithm(), self.access_token);
        if claims.at_hash.as_ref().map(hash) != claims.at_hash {
            return Err(invalid("at_hash is of another access token"));
        }
        Ok(())
    }

    fn check_times(&self, claims: &Claims) -> Result<()> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds since 1970 fit the mantissa"
        )]
        let now_s = self.now_ms as f64 / 1000.0;
        if claims.exp + LEEWAY_S <= now_s {
            return Err(invalid("exp is over"));
        }
        let is_begun = |time: f64| time - LEEWAY_S <= now_s;
        if !is_begun(claims.iat) || !claims.nbf.is_none_or(is_begun) {
            return Err(invalid("it is from the future"));
        }
        if let Some(max_age_s) = self.max_age_s {
            let auth_time = claims.auth_time.ok_or(invalid("auth_time is missing"))?;
            #[expect(clippy::cast_precision_loss, reason = "a rough number of seconds")]
            let latest = now_s - max_age_s as f64 - LEEWAY_S;
            if auth_time < latest {
                return Err(invalid("auth_time is too long ago"));
            }
        }
        Ok(())
    }
}

/// OpenID Connect Core 1.0 section 3.1.3.6: half of the hash that goes with the signature's algorithm.
fn access_token_hash(algorithm: Algorithm, access_token: &str) -> String {
    let hash = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => {
            Sha256::digest(access_token).to_vec()
        }
        Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => {
            Sha384::digest(access_token).to_vec()
        }
        Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::EdDsa => {
            Sha512::digest(access_token).to_vec()
        }
    };
    BASE64_URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
}

fn invalid(what: &'static str) -> Error {
    Error::IdTokenInvalid(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW_S: u64 = 1_800_000_000;

    fn expected(acr_values: &[String]) -> Expected<'_> {
        Expected {
            issuer: "https://as.test",
            client_id: "app",
            nonce: Some("n"),
            subject: None,
            max_age_s: None,
            acr_values,
            access_token: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
            now_ms: NOW_S * 1000,
        }
    }

    fn good() -> Value {
        json!({ "iss": "https://as.test", "sub": "ada", "aud": "app", "nonce": "n",
            "iat": NOW_S, "exp": NOW_S + 300 })
    }

    fn check(expected: &Expected<'_>, claims: &Value) -> std::result::Result<(), Error> {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let token = format!("{}.{}.", part(&json!({ "alg": "RS256" })), part(claims));
        expected.check(&Jws::parse(&token).unwrap_or_else(|e| panic!("{e}")))
    }

    /// What is said about the good token with these changes; `null` removes a claim.
    fn changed(expected: &Expected<'_>, changes: Value) -> Option<String> {
        let mut claims = good();
        for (name, value) in changes.as_object().into_iter().flatten() {
            if value.is_null() {
                claims.as_object_mut().and_then(|of| of.remove(name));
            } else {
                claims[name] = value.clone();
            }
        }
        match check(expected, &claims) {
            Ok(()) => None,
            Err(Error::IdTokenInvalid(what)) => Some(what.to_owned()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_token_for_us_about_this_sign_in_holds() {
        for fine in [
            json!({}),
            json!({ "aud": ["app"] }),
            json!({ "aud": ["app", "api"], "azp": "app" }),
            json!({ "azp": "app", "nbf": NOW_S }),
            // The example of OpenID Connect Core 1.0 appendix A.3.
            json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" }),
            // Within what clocks may differ.
            json!({ "exp": NOW_S - 59, "iat": NOW_S + 59 }),
        ] {
            assert_eq!(changed(&expected(&[]), fine.clone()), None, "{fine}");
        }
    }

    #[test]
    fn what_does_not_hold_is_refused() {
        for (changes, what) in [
            (
                json!({ "iss": "https://evil.test" }),
                "iss is another issuer",
            ),
            (
                json!({ "iss": "https://as.test/" }),
                "iss is another issuer",
            ),
            (json!({ "aud": "other" }), "aud is another client"),
            (json!({ "aud": [] }), "aud is another client"),
            (json!({ "azp": "other" }), "azp is another client"),
            (
                json!({ "aud": ["app", "api"], "azp": "api" }),
                "azp is another client",
            ),
            (json!({ "aud": ["app", "api"] }), "several aud and no azp"),
            (json!({ "nonce": "other" }), "nonce is of another request"),
            (json!({ "nonce": null }), "nonce is of another request"),
            (json!({ "exp": NOW_S - 61 }), "exp is over"),
            (json!({ "iat": NOW_S + 61 }), "it is from the future"),
            (json!({ "nbf": NOW_S + 61 }), "it is from the future"),
            (
                json!({ "at_hash": "other" }),
                "at_hash is of another access token",
            ),
            (json!({ "sub": "" }), "sub is empty"),
            (json!({ "sub": null }), "claims are missing"),
            (json!({ "exp": null }), "claims are missing"),
            (json!({ "iat": null }), "claims are missing"),
            (json!({ "aud": null }), "claims are missing"),
            (json!({ "exp": "soon" }), "claims are missing"),
        ] {
            assert_eq!(changed(&expected(&[]), changes).as_deref(), Some(what));
        }
    }

    #[test]
    fn a_step_up_is_what_was_asked_for_by_whom_it_was_asked_of() {
        let acr = ["gold".to_owned(), "silver".to_owned()];
        let asked = Expected {
            max_age_s: Some(60),
            subject: Some("ada"),
            ..expected(&acr)
        };
        let proven = |changes: Value| changed(&asked, changes);
        assert_eq!(
            proven(json!({ "acr": "silver", "auth_time": NOW_S - 100 })),
            None
        );
        for (changes, what) in [
            (json!({ "acr": "silver" }), "auth_time is missing"),
            (
                json!({ "acr": "silver", "auth_time": NOW_S - 121 }),
                "auth_time is too long ago",
            ),
            (
                json!({ "acr": "bronze", "auth_time": NOW_S }),
                "acr is not what was asked for",
            ),
            (
                json!({ "auth_time": NOW_S }),
                "acr is not what was asked for",
            ),
            (
                json!({ "acr": "gold", "auth_time": NOW_S, "sub": "eve" }),
                "sub is another person",
            ),
        ] {
            assert_eq!(proven(changes).as_deref(), Some(what));
        }
    }
}
