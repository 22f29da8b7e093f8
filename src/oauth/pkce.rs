//! Proof key for code exchange (RFC 7636), method S256 only.
#![forbid(unsafe_code)]

use super::random_text;
use crate::Result;
use crate::secret::SecretString;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// A code verifier and what a server is shown of it before.
#[derive(Debug)]
pub struct Pkce {
    /// Shown with the code, and to nobody else.
    pub verifier: SecretString,
    /// Shown when the sign-in begins: `code_challenge`, with the method [`Pkce::METHOD`].
    pub challenge: String,
}

impl Pkce {
    /// The method of the challenge: `code_challenge_method`.
    pub const METHOD: &str = "S256";

    /// A new one, of 256 random bits.
    ///
    /// # Errors
    /// `ERR_INTERNAL` when the system's generator fails.
    pub fn new() -> Result<Self> {
        Ok(Self::of(random_text()?))
    }

    /// The one with this verifier.
    #[must_use]
    pub fn of(verifier: SecretString) -> Self {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()));
        Self {
            verifier,
            challenge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let pkce = Pkce::of(SecretString::new(verifier.to_owned()));
        assert_eq!(
            pkce.challenge,
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn each_verifier_is_new_and_of_the_form_of_rfc_7636_section_4_1() {
        let verifier = || {
            let pkce = Pkce::new().unwrap_or_else(|e| panic!("{e}"));
            pkce.verifier.expose().to_owned()
        };
        let (first, second) = (verifier(), verifier());
        assert_ne!(first, second);
        assert_eq!(first.len(), 43);
        assert!(
            first
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        );
    }
}
