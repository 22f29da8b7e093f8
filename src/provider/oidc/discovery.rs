//! What a server says of itself (OpenID Connect Discovery 1.0 section 3, RFC 8414).
#![forbid(unsafe_code)]

use crate::http::{HttpClient, Method, Origin, Request, Url, parse_url};
use crate::provider::check_served;
use crate::{Error, Result};
use serde::Deserialize;

/// A server's endpoints, each one that may carry a token, and what it asks of a client.
#[derive(Debug)]
pub(super) struct Metadata {
    /// As the server writes it: every other mention of it must be the same, byte by byte.
    pub(super) issuer: String,
    pub(super) token: Url,
    pub(super) authorization: Option<Url>,
    pub(super) pushed_authorization: Option<Url>,
    pub(super) device_authorization: Option<Url>,
    pub(super) revocation: Option<Url>,
    pub(super) userinfo: Option<Url>,
    pub(super) keys: Option<Url>,
    pub(super) end_session: Option<Url>,
    /// Whether a sign-in has to be announced first (RFC 9126 section 5).
    pub(super) requires_push: bool,
    /// Whether each callback names the server (RFC 9207 section 3).
    pub(super) names_issuer: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    token_endpoint: String,
    authorization_endpoint: Option<String>,
    pushed_authorization_request_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    jwks_uri: Option<String>,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Asks the server; `issuer_name` is the issuer as it was given.
    ///
    /// # Errors
    /// Those of [`HttpClient::send`], `ERR_RATE_LIMITED`, `ERR_SERVER`, `ERR_UNEXPECTED_RESPONSE`.
    pub(super) async fn discover(
        http: &HttpClient,
        issuer: &Url,
        issuer_name: &str,
    ) -> Result<Self> {
        let path = issuer.path().trim_end_matches('/');
        // Below the issuer for OpenID Connect; before the issuer's path for OAuth alone (RFC 8414 section 3.1).
        let places = [
            format!("{path}/.well-known/openid-configuration"),
            format!("/.well-known/oauth-authorization-server{path}"),
        ];
        for place in places {
            let mut url = issuer.clone();
            url.set_path(&place);
            let response = http.send(Request::new(Method::GET, url)).await?;
            check_served(&response)?;
            if response.status.is_success() {
                return Self::parse(&response.body, issuer_name);
            }
        }
        Err(unexpected())
    }

    fn parse(body: &[u8], issuer_name: &str) -> Result<Self> {
        let document: Document = serde_json::from_slice(body).map_err(|_| unexpected())?;
        if document.issuer.trim_end_matches('/') != issuer_name.trim_end_matches('/') {
            return Err(Error::UnexpectedResponse(
                "the discovery document of another issuer",
            ));
        }
        let optional = |url: Option<String>| url.as_deref().map(endpoint).transpose();
        Ok(Self {
            issuer: document.issuer,
            token: endpoint(&document.token_endpoint)?,
            authorization: optional(document.authorization_endpoint)?,
            pushed_authorization: optional(document.pushed_authorization_request_endpoint)?,
            device_authorization: optional(document.device_authorization_endpoint)?,
            revocation: optional(document.revocation_endpoint)?,
            userinfo: optional(document.userinfo_endpoint)?,
            keys: optional(document.jwks_uri)?,
            end_session: optional(document.end_session_endpoint)?,
            requires_push: document.require_pushed_authorization_requests,
            names_issuer: document.authorization_response_iss_parameter_supported,
        })
    }
}

fn endpoint(url: &str) -> Result<Url> {
    let url = parse_url(url).map_err(|_| unexpected())?;
    match Origin::of(&url) {
        Ok(_) => Ok(url),
        Err(error @ Error::InsecureUrl(_)) => Err(error),
        Err(_) => Err(unexpected()),
    }
}

fn unexpected() -> Error {
    Error::UnexpectedResponse("no discovery document")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(more: &str) -> Result<Metadata> {
        let body = format!(
            r#"{{"issuer":"https://as.test/","token_endpoint":"https://as.test/token"{more}}}"#
        );
        Metadata::parse(body.as_bytes(), "https://as.test")
    }

    #[test]
    fn an_issuer_is_kept_as_the_server_writes_it() {
        let found = parse("").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(found.issuer, "https://as.test/");
        assert!(Metadata::parse(b"{}", "https://as.test").is_err());
        let other = br#"{"issuer":"https://evil.test","token_endpoint":"https://as.test/t"}"#;
        assert!(Metadata::parse(other, "https://as.test").is_err());
    }

    #[test]
    fn an_endpoint_that_may_not_carry_a_token_is_refused() {
        for bad in [
            r#","revocation_endpoint":"http://as.test/revoke""#,
            r#","authorization_endpoint":"javascript:alert(1)""#,
            r#","jwks_uri":"file:///etc/passwd""#,
            r#","end_session_endpoint":"/relative""#,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
