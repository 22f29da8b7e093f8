//! Public keys (RFC 7517): which one a signature names, and whether it made it.
#![forbid(unsafe_code)]

use super::jws::{Algorithm, Jws};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, EcdsaVerificationAlgorithm,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Jwk {
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    #[serde(flatten)]
    material: Material,
}

/// RFC 7518 section 6, RFC 8037 section 2. A key of any other kind, a symmetric one above all, is none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kty")]
enum Material {
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
    #[serde(rename = "EC")]
    Ec { crv: String, x: String, y: String },
    #[serde(rename = "OKP")]
    Okp { crv: String, x: String },
}

impl Jwk {
    /// The public half of a P-256 key, from its uncompressed point (SEC 1 section 2.3.3).
    pub(super) fn of_p256_point(point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        Some(Self {
            kid: None,
            usage: None,
            alg: None,
            material: Material::Ec {
                crv: "P-256".to_owned(),
                x: text(x),
                y: text(y),
            },
        })
    }

    /// What names the key: the members that make it, and no others, in the order of RFC 7638 section 3.
    pub(super) fn canonical(&self) -> serde_json::Value {
        // serde_json keeps the members of an object in the order of their names.
        match &self.material {
            Material::Rsa { n, e } => serde_json::json!({ "e": e, "kty": "RSA", "n": n }),
            Material::Ec { crv, x, y } => {
                serde_json::json!({ "crv": crv, "kty": "EC", "x": x, "y": y })
            }
            Material::Okp { crv, x } => serde_json::json!({ "crv": crv, "kty": "OKP", "x": x }),
        }
    }

    /// The thumbprint (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.canonical().to_string()))
    }

    /// Whether this key may have made the signature, by what both say of themselves.
    fn fits(&self, jws: &Jws<'_>) -> bool {
        let named = jws.kid().is_none_or(|kid| self.kid.as_deref() == Some(kid));
        let usage = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        let algorithm = self
            .alg
            .as_deref()
            .is_none_or(|alg| Algorithm::parse(alg) == Some(jws.algorithm()));
        named && usage && algorithm
    }

    /// Whether this key made the signature.
    #[must_use]
    pub fn verifies(&self, jws: &Jws<'_>) -> bool {
        let (message, signature) = (jws.signed().as_bytes(), jws.signature());
        let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let verified =
            match &self.material {
                Material::Rsa { n, e } => rsa(jws.algorithm()).zip(decode(n).zip(decode(e))).map(
                    |(parameters, (n, e))| {
                        RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
                    },
                ),
                Material::Ec { crv, x, y } => ecdsa(jws.algorithm(), crv)
                    .zip(decode(x).zip(decode(y)))
                    .map(|(algorithm, (x, y))| {
                        let point = [&[4][..], &x, &y].concat();
                        UnparsedPublicKey::new(algorithm, point).verify(message, signature)
                    }),
                Material::Okp { crv, x } => {
                    let is_ed25519 = jws.algorithm() == Algorithm::EdDsa && crv == "Ed25519";
                    decode(x)
                        .filter(|_| is_ed25519)
                        .map(|x| UnparsedPublicKey::new(&ED25519, x).verify(message, signature))
                }
            };
        matches!(verified, Some(Ok(())))
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::Rs256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Some(&RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Some(&RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Some(&RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => None,
    }
}

fn ecdsa(algorithm: Algorithm, curve: &str) -> Option<&'static EcdsaVerificationAlgorithm> {
    match (algorithm, curve) {
        (Algorithm::Es256, "P-256") => Some(&ECDSA_P256_SHA256_FIXED),
        (Algorithm::Es384, "P-384") => Some(&ECDSA_P384_SHA384_FIXED),
        _ => None,
    }
}

/// A server's public keys (RFC 7517 section 5).
#[derive(Debug, Clone, Default)]
pub struct JwkSet(Vec<Jwk>);

impl JwkSet {
    /// Parses a set; keys of a kind that is not known are left out. `None` when it is no set.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<serde_json::Value>,
        }
        let document: Document = serde_json::from_slice(body).ok()?;
        let keys = document.keys.into_iter();
        let known = keys.filter_map(|key| serde_json::from_value(key).ok());
        Some(Self(known.collect()))
    }

    /// Whether there is a key that the signature may be of.
    #[must_use]
    pub fn knows(&self, jws: &Jws<'_>) -> bool {
        self.0.iter().any(|key| key.fits(jws))
    }

    /// Whether one of the keys that the signature may be of made it.
    #[must_use]
    pub fn verifies(&self, jws: &Jws<'_>) -> bool {
        self.0.iter().any(|key| key.fits(jws) && key.verifies(jws))
    }
}
