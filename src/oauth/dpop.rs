//! Demonstrating proof of possession (RFC 9449): a token that is of no use without a key that never leaves this machine.
#![forbid(unsafe_code)]

use super::Jwk;
use super::random_text;
use crate::http::{HeaderMap, Method, Origin, StatusCode, Url};
use crate::secret::SecretString;
use crate::{Error, Result};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// The field that carries a proof (RFC 9449 section 4.1).
const PROOF: HeaderName = HeaderName::from_static("dpop");
/// The field that carries a server's nonce (RFC 9449 section 8.1).
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// The longest nonce that is kept, in bytes.
const MOST_NONCE_BYTES: usize = 1024;
/// The most servers whose nonces are kept.
const MOST_SERVERS: usize = 32;

/// A P-256 key that signs proofs.
pub struct DpopKey {
    pair: EcdsaKeyPair,
    jwk: Jwk,
    stored: SecretString,
}

/// What a proof is for.
#[derive(Debug, Clone, Copy)]
pub struct Proof<'a> {
    /// The method of the request.
    pub method: &'a Method,
    /// Where the request goes.
    pub url: &'a Url,
    /// What the server asked to see in the next proof.
    pub nonce: Option<&'a str>,
    /// The access token that goes with the request.
    pub access_token: Option<&'a str>,
    /// The time, in milliseconds since 1970 by the server's clock as far as it is known.
    pub now_ms: u64,
}

impl DpopKey {
    /// A new key.
    ///
    /// # Errors
    /// `ERR_INTERNAL` when the system's generator fails.
    pub fn generate() -> Result<Self> {
        let failed = Error::Internal("a key could not be made");
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map_err(|_| failed.clone())?;
        Self::from_pkcs8(pkcs8.as_ref()).ok_or(failed)
    }

    /// The key that [`DpopKey::stored`] gave; `None` when it is none.
    #[must_use]
    pub fn restore(stored: &str) -> Option<Self> {
        let pkcs8 = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(stored).ok()?);
        Self::from_pkcs8(&pkcs8)
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let rng = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &rng).ok()?;
        Some(Self {
            jwk: Jwk::of_p256_point(pair.public_key().as_ref())?,
            stored: SecretString::new(BASE64_URL_SAFE_NO_PAD.encode(pkcs8)),
            pair,
        })
    }

    /// The key as text, to be sealed.
    #[must_use]
    pub fn stored(&self) -> &SecretString {
        &self.stored
    }

    /// What names the key to a server: `dpop_jkt` (RFC 9449 section 10).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        self.jwk.thumbprint()
    }

    /// Signs a proof (RFC 9449 section 4.2).
    ///
    /// # Errors
    /// `ERR_INTERNAL` when the system's generator fails.
    pub fn prove(&self, proof: &Proof<'_>) -> Result<String> {
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk.canonical() });
        let mut url = proof.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        let mut claims = json!({
            "jti": random_text()?.expose(),
            "htm": proof.method.as_str(),
            "htu": url.as_str(),
            "iat": proof.now_ms / 1000,
        });
        if let Some(access_token) = proof.access_token {
            claims["ath"] = access_token_hash(access_token).into();
        }
        if let Some(nonce) = proof.nonce {
            claims["nonce"] = nonce.into();
        }
        let encode = |part: String| BASE64_URL_SAFE_NO_PAD.encode(part);
        let signed = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .map_err(|_| Error::Internal("a proof could not be signed"))?;
        Ok(format!(
            "{signed}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(signature)
        ))
    }

    /// Adds a proof to the head of a request, and with an access token also that (RFC 9449 section 7.1).
    ///
    /// # Errors
    /// `ERR_UNEXPECTED_RESPONSE` when the server gave a token that no header can carry; `ERR_INTERNAL`.
    pub fn authorize(&self, headers: &mut HeaderMap, proof: &Proof<'_>) -> Result<()> {
        let sensitive = |text: &str| -> Result<HeaderValue> {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| Error::UnexpectedResponse("its token does not fit a header"))?;
            value.set_sensitive(true);
            Ok(value)
        };
        if let Some(access_token) = proof.access_token {
            headers.insert(AUTHORIZATION, sensitive(&format!("DPoP {access_token}"))?);
        }
        headers.insert(PROOF, sensitive(&self.prove(proof)?)?);
        Ok(())
    }
}

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DpopKey(…)")
    }
}

/// `ath` (RFC 9449 section 4.2).
fn access_token_hash(access_token: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(access_token))
}

/// The nonces that servers asked for last. Each is good at its own server only (RFC 9449 section 8).
#[derive(Debug, Default)]
pub struct Nonces(Mutex<HashMap<String, String>>);

impl Nonces {
    /// What the server of this URL asked for last.
    #[must_use]
    pub fn at(&self, url: &Url) -> Option<String> {
        let origin = Origin::of(url).ok()?.to_string();
        self.known().get(&origin).cloned()
    }

    /// Learns from an answer. `true`: it refused because of the nonce, and named the one it wants, so that the same request
    /// may be served with another proof (RFC 9449 sections 8 and 9). Whoever sends it again does so once.
    pub fn learn(&self, url: &Url, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
        let Some(nonce) = headers.get(NONCE).and_then(|value| value.to_str().ok()) else {
            return false;
        };
        let Ok(origin) = Origin::of(url) else {
            return false;
        };
        if nonce.is_empty() || nonce.len() > MOST_NONCE_BYTES {
            return false;
        }
        let mut known = self.known();
        if known.len() >= MOST_SERVERS {
            // A server asks again; which one is forgotten does not matter.
            known.clear();
        }
        known.insert(origin.to_string(), nonce.to_owned());
        wants_nonce(status, headers, body)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// At a token endpoint in the body of a 400, elsewhere in the challenge of a 401.
fn wants_nonce(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
    const CODE: &str = "use_dpop_nonce";
    match status {
        StatusCode::BAD_REQUEST => serde_json::from_slice::<serde_json::Value>(body)
            .is_ok_and(|body| body["error"] == CODE),
        StatusCode::UNAUTHORIZED => headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            // Among the challenges of other schemes, in whatever order.
            .any(|value| value.contains(CODE)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{JwkSet, Jws};
    use super::*;
    use serde_json::Value;

    /// RFC 9449 section 4.1, figure 1.
    const RFC_PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

    fn part(token: &str, at: usize) -> Value {
        let part = token.split('.').nth(at).unwrap_or_default();
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        serde_json::from_slice(&decoded).unwrap_or_else(|e| panic!("{e}"))
    }

    fn jwk(proof: &str) -> Jwk {
        serde_json::from_value(part(proof, 0)["jwk"].clone()).unwrap_or_else(|e| panic!("{e}"))
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap_or_else(|e| panic!("{e}"))
    }

    fn key() -> DpopKey {
        DpopKey::generate().unwrap_or_else(|e| panic!("{e}"))
    }

    fn names(value: &Value) -> Vec<&str> {
        let members = value.as_object().into_iter().flatten();
        members.map(|(name, _)| name.as_str()).collect()
    }

    fn verifies(proof: &str) -> bool {
        Jws::parse(proof).is_ok_and(|jws| jwk(proof).verifies(&jws))
    }

    #[test]
    fn the_proof_of_rfc_9449_section_4_verifies_and_has_the_thumbprint_of_section_6() {
        assert!(verifies(RFC_PROOF));
        assert_eq!(
            jwk(RFC_PROOF).thumbprint(),
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
        );
        assert_eq!(
            access_token_hash("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
            "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
        );
    }

    #[test]
    fn our_proof_has_the_form_of_rfc_9449_section_4_and_verifies() {
        let key = key();
        let proof = key.prove(&Proof {
            method: &Method::POST,
            url: &url("https://server.example.com/token?a=b#c"),
            nonce: None,
            access_token: None,
            now_ms: 1_562_262_616_999,
        });
        let proof = proof.unwrap_or_else(|e| panic!("{e}"));
        assert!(verifies(&proof));
        assert_eq!(names(&part(&proof, 0)), names(&part(RFC_PROOF, 0)));
        assert_eq!(
            names(&part(&proof, 0)["jwk"]),
            names(&part(RFC_PROOF, 0)["jwk"])
        );
        assert_eq!(part(&proof, 0)["typ"], "dpop+jwt");
        let (ours, theirs) = (part(&proof, 1), part(RFC_PROOF, 1));
        assert_eq!(names(&ours), names(&theirs));
        for name in ["htm", "htu", "iat"] {
            assert_eq!(ours[name], theirs[name]);
        }
    }

    #[test]
    fn a_proof_names_the_token_and_the_nonce_and_never_repeats() {
        let (key, url) = (key(), url("https://api.test/x"));
        let prove = || {
            let proof = key.prove(&Proof {
                method: &Method::GET,
                url: &url,
                nonce: Some("n1"),
                access_token: Some("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
                now_ms: 0,
            });
            part(&proof.unwrap_or_else(|e| panic!("{e}")), 1)
        };
        let (first, second) = (prove(), prove());
        assert_eq!(first["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
        assert_eq!(first["nonce"], "n1");
        assert_ne!(first["jti"], second["jti"]);
    }

    #[test]
    fn a_key_comes_back_as_it_was_stored_and_is_not_shown() {
        let key = key();
        let again = DpopKey::restore(key.stored().expose()).map(|again| again.thumbprint());
        assert_eq!(again, Some(key.thumbprint()));
        assert!(DpopKey::restore("AAAA").is_none() && DpopKey::restore("!").is_none());
        assert_eq!(format!("{key:?}"), "DpopKey(…)");
        assert!(JwkSet::parse(b"{}").is_none());
    }

    #[test]
    fn a_nonce_is_kept_for_its_own_server_and_only_a_refusal_for_it_is_worth_another_try() {
        let nonces = Nonces::default();
        let (api, other) = (url("https://api.test/x"), url("https://other.test/"));
        let headers = |nonce: &'static str, challenge: &'static str| {
            HeaderMap::from_iter([
                (NONCE, HeaderValue::from_static(nonce)),
                (WWW_AUTHENTICATE, HeaderValue::from_static(challenge)),
            ])
        };
        let challenge = r#"DPoP error="use_dpop_nonce", error_description="again""#;
        let asks = headers("n1", challenge);
        let learn = |headers: &HeaderMap, status: u16, body: &[u8]| {
            let status = StatusCode::from_u16(status).unwrap_or_default();
            nonces.learn(&api, status, headers, body)
        };
        assert!(learn(&asks, 401, b""));
        assert_eq!(nonces.at(&api).as_deref(), Some("n1"));
        assert_eq!(nonces.at(&other), None);
        // Of two requests at once both are told.
        assert!(learn(&asks, 401, b""));
        assert!(!learn(&headers("n2", "Bearer"), 401, b""));
        assert!(!learn(&headers("n3", ""), 200, b""));
        assert_eq!(nonces.at(&api).as_deref(), Some("n3"));
        assert!(learn(
            &headers("n4", ""),
            400,
            br#"{"error":"use_dpop_nonce"}"#
        ));
        assert!(!learn(
            &headers("n5", ""),
            400,
            br#"{"error":"invalid_grant"}"#
        ));
        assert!(!learn(&HeaderMap::new(), 401, b""));
    }
}
