//! Signed tokens in compact form (RFC 7515), as far as a client needs them: read and verified, with public keys only.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::Zeroizing;

/// The longest token that is looked at, in bytes.
const MOST_BYTES: usize = 64 * 1024;

/// How a token is signed (RFC 7518 section 3.1, RFC 8037 section 3.1). What is not listed is not verified: `none` proves
/// nothing, and a symmetric key is not one that a server shares with a native application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of RFC 7518")]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    /// The algorithm of this name, `None` for one that is not taken.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" | "Ed25519" => Self::EdDsa,
            _ => return None,
        })
    }
}

/// A token whose signature has not been checked.
pub struct Jws<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    signed: &'a str,
    payload: Zeroizing<Vec<u8>>,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Parses a token.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(token: &'a str) -> Result<Self, &'static str> {
        #[derive(Deserialize)]
        struct Header {
            alg: String,
            kid: Option<String>,
            crit: Option<serde_json::Value>,
        }
        const FORM: &str = "not a signed token";
        if token.len() > MOST_BYTES {
            return Err("too long");
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(FORM)?;
        let (header, payload) = signed.split_once('.').ok_or(FORM)?;
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| FORM);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| FORM)?;
        if header.crit.is_some() {
            // Nothing is understood that would have to be (RFC 7515 section 4.1.11).
            return Err("an extension that is not understood");
        }
        Ok(Self {
            algorithm: Algorithm::parse(&header.alg).ok_or("an algorithm that proves nothing")?,
            kid: header.kid,
            signed,
            payload: Zeroizing::new(decode(payload)?),
            signature: decode(signature)?,
        })
    }

    /// How it says it is signed.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key it says it is signed with.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What it says, signed or not.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub(super) fn signed(&self) -> &str {
        self.signed
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Jwk, JwkSet};
    use super::*;
    use proptest::prelude::*;

    /// RFC 7515 appendix A: the payload of A.1 to A.3.
    const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const A1_HS256: (&str, &str) = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    );
    const A2_RS256: (&str, &str) = (
        "eyJhbGciOiJSUzI1NiJ9",
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    );
    const A2_KEY: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;
    const A3_ES256: (&str, &str) = (
        "eyJhbGciOiJFUzI1NiJ9",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    );
    const A3_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    /// RFC 8037 appendix A.4.
    const ED25519: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    const ED25519_KEY: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    fn token((header, signature): (&str, &str)) -> String {
        format!("{header}.{PAYLOAD}.{signature}")
    }

    fn key(text: &str) -> Jwk {
        serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}"))
    }

    fn verifies(key_text: &str, token: &str) -> bool {
        Jws::parse(token).is_ok_and(|jws| key(key_text).verifies(&jws))
    }

    #[test]
    fn the_vectors_of_rfc_7515_and_8037_verify_with_their_own_keys_only() {
        let tokens = [token(A2_RS256), token(A3_ES256), ED25519.to_owned()];
        let keys = [A2_KEY, A3_KEY, ED25519_KEY];
        for (at, token) in tokens.iter().enumerate() {
            for (of, key) in keys.iter().enumerate() {
                assert_eq!(verifies(key, token), at == of, "{at} with {of}");
            }
        }
    }

    #[test]
    fn a_symmetric_signature_as_in_rfc_7515_a1_is_refused_and_so_is_none() {
        let refused = "an algorithm that proves nothing";
        assert_eq!(Jws::parse(&token(A1_HS256)).err(), Some(refused));
        let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        assert_eq!(Jws::parse(&token((&none, ""))).err(), Some(refused));
        for name in ["NONE", "nOnE", "HS384", "ES256K", "rs256", ""] {
            assert_eq!(Algorithm::parse(name), None, "{name}");
        }
        let symmetric = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
        assert!(serde_json::from_str::<Jwk>(symmetric).is_err());
    }

    #[test]
    fn a_changed_token_does_not_verify() {
        let good = token(A3_ES256);
        for at in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap_or_default();
            assert!(!verifies(A3_KEY, &changed), "changed at {at}");
        }
        assert!(verifies(A3_KEY, &good));
    }

    #[test]
    fn a_key_is_used_for_what_it_says_it_is_for() {
        let set = |extra: &str| {
            let keys = format!(
                r#"{{"keys":[{{"kty":"future"}},{}]}}"#,
                A3_KEY.replace('{', &format!("{{{extra}"))
            );
            JwkSet::parse(keys.as_bytes()).unwrap_or_default()
        };
        let es256 = token(A3_ES256);
        let jws = Jws::parse(&es256).unwrap_or_else(|e| panic!("{e}"));
        for (extra, fits) in [
            ("", true),
            (r#""use":"sig","alg":"ES256","kid":"k","#, true),
            (r#""use":"enc","#, false),
            (r#""alg":"ES384","#, false),
            (r#""alg":"HS256","#, false),
        ] {
            assert_eq!(set(extra).verifies(&jws), fits, "{extra}");
        }
        let named = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"k"}"#);
        let named = token((&named, A3_ES256.1));
        let named = Jws::parse(&named).unwrap_or_else(|e| panic!("{e}"));
        assert!(set(r#""kid":"k","#).knows(&named));
        assert!(!set(r#""kid":"other","#).knows(&named) && !set("").knows(&named));
    }

    #[test]
    fn an_extension_that_must_be_understood_is_refused() {
        let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","crit":["exp"],"exp":1}"#);
        assert!(Jws::parse(&token((&header, A3_ES256.1))).is_err());
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638_section_3_1_and_rfc_8037_a_3() {
        let rsa = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
        assert_eq!(
            key(rsa).thumbprint(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
        assert_eq!(
            key(ED25519_KEY).thumbprint(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    proptest! {
        #[test]
        fn whatever_comes_is_parsed_or_refused(text in "[A-Za-z0-9_.-]{0,60}", any in any::<String>()) {
            let _ = Jws::parse(&text);
            let _ = Jws::parse(&any);
            let _ = JwkSet::parse(any.as_bytes());
        }
    }
}
