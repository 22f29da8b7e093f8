//! What a server of any kind says when it does not do what was asked.
#![forbid(unsafe_code)]

use crate::http::Response;
use crate::{Error, Result};

/// A server's error code, made safe to show: `A-Z 0-9 _`, at most 64 characters.
pub(crate) fn safe_reason(code: Option<&str>) -> String {
    let safe = |code: &&str| {
        (1..=64).contains(&code.len())
            && code
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    code.filter(safe).unwrap_or("no reason given").to_owned()
}

/// Checks that the server could do its work, whatever it said then.
///
/// # Errors
/// `ERR_RATE_LIMITED`, `ERR_SERVER`.
pub(crate) fn check_served(response: &Response) -> Result<()> {
    match response.status.as_u16() {
        429 => Err(Error::RateLimited {
            retry_after_ms: response.retry_after_ms(),
        }),
        status @ 500.. => Err(Error::Server { status }),
        _ => Ok(()),
    }
}
