//! The device flow (RFC 8628): signing in on another device, where this one has no browser to come back from.
#![forbid(unsafe_code)]

use crate::http::{Origin, Url};
use crate::{Error, Result};
use serde::Deserialize;
use zeroize::Zeroizing;

/// How long to wait between two questions when the server does not say (RFC 8628 section 3.2).
const DEFAULT_INTERVAL_S: u64 = 5;
/// How much longer after `slow_down` (RFC 8628 section 3.5).
const SLOWER_S: u64 = 5;
/// A server that wants more time between two questions is not heeded: the person waits.
const LONGEST_INTERVAL_S: u64 = 60;
/// What the person types is short.
const MOST_CODE_CHARACTERS: usize = 64;
/// The grant type of a question (RFC 8628 section 3.4).
pub const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What the server answers to one who asks for a code (RFC 8628 section 3.2).
#[derive(Debug)]
pub struct DeviceAuthorization {
    /// Names the sign-in to the server.
    pub device_code: Zeroizing<String>,
    /// What the person types.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: Option<String>,
    /// How long it is good, in milliseconds.
    pub expires_in_ms: u64,
    /// How long to wait between two questions, in milliseconds.
    pub interval_ms: u64,
}

impl DeviceAuthorization {
    /// Parses an answer.
    ///
    /// # Errors
    /// `ERR_UNEXPECTED_RESPONSE`, also for an address that no browser should be sent to.
    pub fn parse(body: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Body {
            device_code: Zeroizing<String>,
            user_code: String,
            #[serde(alias = "verification_url")]
            verification_uri: String,
            verification_uri_complete: Option<String>,
            expires_in: u64,
            interval: Option<u64>,
        }
        let unexpected = || Error::UnexpectedResponse("no device authorization in the answer");
        let body: Body = serde_json::from_slice(body).map_err(|_| unexpected())?;
        let can_be_typed = (1..=MOST_CODE_CHARACTERS).contains(&body.user_code.chars().count())
            && !body.user_code.chars().any(char::is_control);
        // Shown to the person, and opened: nothing but a page.
        let is_page = |url: &String| Url::parse(url).is_ok_and(|url| Origin::of(&url).is_ok());
        let complete = body.verification_uri_complete.iter();
        if !can_be_typed
            || !Some(&body.verification_uri)
                .into_iter()
                .chain(complete)
                .all(is_page)
        {
            return Err(unexpected());
        }
        let interval_s = body.interval.unwrap_or(DEFAULT_INTERVAL_S);
        Ok(Self {
            device_code: body.device_code,
            user_code: body.user_code,
            verification_uri: body.verification_uri,
            verification_uri_complete: body.verification_uri_complete,
            expires_in_ms: body.expires_in.saturating_mul(1000),
            interval_ms: interval_s.clamp(1, LONGEST_INTERVAL_S) * 1000,
        })
    }
}

/// What a refused question means for the sign-in (RFC 8628 section 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The person has not answered yet.
    NotYet,
    /// The same, and the questions come too fast.
    TooFast,
    /// The person refused.
    Denied,
    /// The code is over.
    Expired,
    /// Something else.
    Other,
}

impl Refusal {
    /// What this error code means.
    #[must_use]
    pub fn of(code: &str) -> Self {
        match code {
            "authorization_pending" => Self::NotYet,
            "slow_down" => Self::TooFast,
            "access_denied" => Self::Denied,
            "expired_token" => Self::Expired,
            _ => Self::Other,
        }
    }
}

/// The interval after a server asked for a longer one, in milliseconds.
#[must_use]
pub fn slower(interval_ms: u64) -> u64 {
    interval_ms
        .saturating_add(SLOWER_S * 1000)
        .min(LONGEST_INTERVAL_S * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(more: &str) -> Result<DeviceAuthorization> {
        DeviceAuthorization::parse(
            format!(r#"{{"device_code":"d","user_code":"WDJB-MJHT","expires_in":600{more}}}"#)
                .as_bytes(),
        )
    }

    #[test]
    fn without_an_interval_it_is_five_seconds() {
        let page = r#","verification_uri":"https://as.test/device""#;
        let of = |more: &str| {
            let parsed = parse(&format!("{page}{more}"));
            parsed.unwrap_or_else(|e| panic!("{e}"))
        };
        assert_eq!(of("").interval_ms, 5_000);
        assert_eq!(of(r#","interval":2"#).interval_ms, 2_000);
        assert_eq!(of(r#","interval":0"#).interval_ms, 1_000);
        assert_eq!(of(r#","interval":100000"#).interval_ms, 60_000);
        assert_eq!(of("").expires_in_ms, 600_000);
        assert_eq!(slower(5_000), 10_000);
        assert_eq!(slower(60_000), 60_000);
    }

    #[test]
    fn only_a_page_is_shown_to_the_person() {
        for bad in [
            "",
            r#","verification_uri":"javascript:alert(1)""#,
            r#","verification_uri":"http://as.test/device""#,
            r#","verification_uri":"https://as.test/d","verification_uri_complete":"file:///x""#,
        ] {
            let code = parse(bad).map_err(|e| e.code()).err();
            assert_eq!(code, Some("ERR_UNEXPECTED_RESPONSE"), "{bad}");
        }
    }
}
