//! Which servers may be spoken to, and which may see a token.
#![forbid(unsafe_code)]

use crate::{Error, Result};
use std::fmt;
use url::{Host, Url};

/// Scheme, host and port of a server that may carry a token: https, or http on a loopback address (RFC 8252 section 8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: Host,
    port: u16,
}

impl Origin {
    /// The origin of an absolute URL.
    ///
    /// # Errors
    /// `ERR_INSECURE_URL` for http elsewhere than on loopback, `ERR_INVALID_ARGUMENT` for anything else but https.
    pub fn of(url: &Url) -> Result<Self> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(refused(url));
        };
        let origin = Self {
            scheme: url.scheme().to_owned(),
            host: host.to_owned(),
            port,
        };
        match url.scheme() {
            "https" => Ok(origin),
            "http" if origin.is_loopback() => Ok(origin),
            _ => Err(refused(url)),
        }
    }

    /// Parses an origin, or a URL of which only the origin counts.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` when it is no absolute URL; those of [`Origin::of`].
    pub fn parse(text: &str) -> Result<Self> {
        Self::of(&parse_url(text)?)
    }

    /// Whether the host is this machine. `localhost` counts: RFC 6761 section 6.3 lets no resolver send it elsewhere.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(name) => name == "localhost",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

/// Parses an absolute URL.
///
/// # Errors
/// `ERR_INVALID_ARGUMENT`, without the text: it may hold a secret in its query.
pub fn parse_url(text: &str) -> Result<Url> {
    Url::parse(text).map_err(|_| {
        Error::InvalidArgument(
            "Give an absolute URL, such as 'https://api.example.com/path'.".to_owned(),
        )
    })
}

fn refused(url: &Url) -> Error {
    let host = url.host_str().unwrap_or_default();
    if url.scheme() == "http" {
        return Error::InsecureUrl(host.to_owned());
    }
    Error::InvalidArgument(format!(
        "'{}://{host}' may not carry a token. Use https, or http on a loopback address.",
        url.scheme()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_and_loopback_may_carry_a_token() {
        for good in [
            "https://example.com",
            "http://127.0.0.1:4711/api/auth",
            "http://127.9.9.9",
            "http://[::1]:80",
            "http://localhost:3000",
        ] {
            assert!(Origin::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/path",
            "example.com",
            "ftp://localhost",
            "file:///etc/passwd",
            "data:text/plain,x",
        ] {
            let code = Origin::parse(bad).map_err(|e| e.code()).err();
            assert_eq!(code, Some("ERR_INVALID_ARGUMENT"), "{bad}");
        }
        for readable in [
            "http://example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
        ] {
            let code = Origin::parse(readable).map_err(|e| e.code()).err();
            assert_eq!(code, Some("ERR_INSECURE_URL"), "{readable}");
        }
    }

    #[test]
    fn origins_compare_by_scheme_host_and_port() {
        let origin = |text| Origin::parse(text).ok();
        assert_eq!(origin("https://a.test"), origin("https://A.test:443/x?y"));
        assert_ne!(origin("https://a.test"), origin("https://a.test:444"));
        assert_ne!(origin("http://localhost"), origin("http://127.0.0.1"));
        assert_ne!(origin("https://a.test"), origin("https://a.test.evil.test"));
    }
}
