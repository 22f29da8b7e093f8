//! What an API wants before it serves, from the `WWW-Authenticate` field of its answer (RFC 9110 section 11.6.1): a stronger
//! or newer proof of who the person is (RFC 9470), or claims as Microsoft's platforms ask for them.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// The longest field that is looked at, in bytes.
const MOST_BYTES: usize = 8 * 1024;

/// The parameters of a challenge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Why the request was not served, such as `insufficient_user_authentication`.
    pub error: Option<String>,
    /// Which scopes it takes (RFC 6750 section 3).
    pub scope: Option<String>,
    /// How the person has to prove who they are (RFC 9470 section 3).
    pub acr_values: Option<String>,
    /// How long ago that may have been, in seconds (RFC 9470 section 3).
    pub max_age_s: Option<u64>,
    /// The `claims` to ask the server for (OpenID Connect Core 1.0 section 5.5), as JSON.
    pub claims: Option<String>,
}

impl Challenge {
    /// Reads a field. What is not understood is left out.
    #[must_use]
    pub fn parse(field: &str) -> Self {
        let mut found = Self::default();
        if field.len() > MOST_BYTES {
            return found;
        }
        for (name, value) in parameters(field) {
            match name.to_ascii_lowercase().as_str() {
                "error" => found.error = Some(value),
                "scope" => found.scope = Some(value),
                "acr_values" => found.acr_values = Some(value),
                "max_age" => found.max_age_s = value.parse().ok(),
                "claims" => found.claims = claims(&value),
                _ => {}
            }
        }
        found
    }

    /// The values of `acr` one of which [`Challenge::claims`] insists on in the ID token; empty when it does not.
    #[must_use]
    pub fn essential_acr(claims: &str) -> Vec<String> {
        let Ok(claims) = serde_json::from_str::<serde_json::Value>(claims) else {
            return Vec::new();
        };
        let acr = &claims["id_token"]["acr"];
        if acr["essential"] != true {
            return Vec::new();
        }
        let several = acr["values"].as_array().into_iter().flatten();
        let all = several.chain(Some(&acr["value"]));
        all.filter_map(|value| value.as_str().map(str::to_owned))
            .collect()
    }
}

/// Every `name=value` and `name="value"` (RFC 9110 section 11.2), of whatever scheme.
fn parameters(field: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('=') {
        let name = before.rsplit([' ', ',', '\t']).next().unwrap_or_default();
        let value;
        (value, rest) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = after.find([' ', ',', '\t']).unwrap_or(after.len());
                (after[..end].to_owned(), &after[end..])
            }
        };
        if !name.is_empty() {
            found.push((name, value));
        }
    }
    found
}

/// The text up to the closing quote, and what follows it.
fn unquote(quoted: &str) -> (String, &str) {
    let mut text = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (text, &quoted[at + 1..]),
            '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
            other => text.push(other),
        }
    }
    (text, "")
}

/// JSON, or JSON in base64, which is how it fits a header.
fn claims(value: &str) -> Option<String> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decoded = [base64::alphabet::URL_SAFE, base64::alphabet::STANDARD]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, LENIENT).decode(value).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let is_object = |text: &String| {
        serde_json::from_str::<serde_json::Value>(text).is_ok_and(|json| json.is_object())
    };
    [Some(value.to_owned()), decoded]
        .into_iter()
        .flatten()
        .find(is_object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;

    #[test]
    fn the_challenges_of_rfc_9470_section_3_are_read() {
        let acr = Challenge::parse(
            r#"Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="myACR""#,
        );
        assert_eq!(
            acr.error.as_deref(),
            Some("insufficient_user_authentication")
        );
        assert_eq!(acr.acr_values.as_deref(), Some("myACR"));
        let age = Challenge::parse(
            r#"Bearer error="insufficient_user_authentication",error_description="More recent, \"really\"", max_age="5""#,
        );
        assert_eq!((age.max_age_s, age.acr_values), (Some(5), None));
        let bare = Challenge::parse("DPoP realm=x, Bearer max_age=7, scope=\"a b\"");
        assert_eq!(
            (bare.max_age_s, bare.scope.as_deref()),
            (Some(7), Some("a b"))
        );
    }

    #[test]
    fn claims_come_as_json_or_in_base64() {
        let json = r#"{"id_token":{"acr":{"essential":true,"values":["gold"]}}}"#;
        let encoded = BASE64_STANDARD.encode(json);
        for value in [
            json.replace('"', "\\\""),
            encoded.clone(),
            encoded.trim_end_matches('=').to_owned(),
        ] {
            let field = format!("Bearer error=\"insufficient_claims\", claims=\"{value}\"");
            let claims = Challenge::parse(&field).claims;
            assert_eq!(claims.as_deref(), Some(json), "{field}");
        }
        assert_eq!(Challenge::essential_acr(json), ["gold"]);
        assert!(Challenge::essential_acr(r#"{"id_token":{"acr":{"value":"x"}}}"#).is_empty());
        assert!(Challenge::essential_acr("{").is_empty());
        assert_eq!(
            Challenge::parse(r#"Bearer claims="nonsense!""#).claims,
            None
        );
        assert_eq!(Challenge::parse(r#"Bearer claims="[1]""#).claims, None);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read(field in any::<String>(), likely in r#"[a-z=," \\]{0,60}"#) {
            let _ = Challenge::parse(&field);
            let _ = Challenge::parse(&likely);
        }
    }
}
