//! The HTTP client and its policy: TLS, no cookies, no redirect to another origin, limits on time and size.
#![forbid(unsafe_code)]

mod origin;

pub use origin::{Origin, parse_url};

use crate::{Error, Result};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Method, StatusCode};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
pub use url::Url;

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a whole exchange may take, unless the request says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that is taken into memory.
pub const MAX_BODY_BYTES: u64 = 64 * 1024 * 1024;
/// Redirects within one origin that are followed, as browsers' limits go, rounded down.
const MAX_REDIRECTS: usize = 10;

/// A request whose body is in memory.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: Url,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body, if any.
    pub body: Option<Vec<u8>>,
    /// How long the exchange may take. Default [`DEFAULT_TIMEOUT`].
    pub timeout: Duration,
}

impl Request {
    /// A request without header fields or body.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Adds the field that authenticates with a bearer token (RFC 6750 section 2.1). Marked sensitive, so that no
    /// `Debug` shows it.
    ///
    /// # Errors
    /// `ERR_UNEXPECTED_RESPONSE` when the server gave a token that no header can carry.
    pub fn authorize(&mut self, token: &str) -> Result<()> {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| Error::UnexpectedResponse("its token does not fit a header"))?;
        value.set_sensitive(true);
        self.headers.insert(reqwest::header::AUTHORIZATION, value);
        Ok(())
    }

    /// Sets a body of form fields, encoded already (WHATWG URL, application/x-www-form-urlencoded).
    pub fn form(&mut self, encoded: String) {
        self.headers.insert(
            reqwest::header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        self.body = Some(encoded.into_bytes());
    }

    /// Sets a JSON body.
    pub fn json(&mut self, body: &serde_json::Value) {
        self.headers.insert(
            reqwest::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        self.body = Some(body.to_string().into_bytes());
    }
}

/// An answer whose body is in memory.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// Where the answer came from, after redirects.
    pub url: Url,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A header field as text, `None` when it is absent or not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long the server asks to wait, from `X-Retry-After` or `Retry-After` in seconds.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        /// A server that asks for more is not obeyed: the person would be locked out by one bad answer.
        const LONGEST_MS: u64 = 3_600_000;
        let seconds = self
            .header("x-retry-after")
            .or_else(|| self.header("retry-after"))?;
        let seconds: u64 = seconds.trim().parse().ok()?;
        Some(seconds.saturating_mul(1000).min(LONGEST_MS))
    }

    /// What the server's clock shows, in milliseconds since 1970, when the local one shows `now_ms`.
    ///
    /// From the `Date` field (RFC 9110 section 6.6.1), which has whole seconds: a difference that these explain is none.
    #[must_use]
    pub fn server_now_ms(&self, now_ms: u64) -> u64 {
        const EXPLAINED_MS: u64 = 2_000;
        match self.date_ms() {
            Some(date_ms) if date_ms.abs_diff(now_ms) > EXPLAINED_MS => date_ms,
            _ => now_ms,
        }
    }

    fn date_ms(&self) -> Option<u64> {
        let date = httpdate::parse_http_date(self.header("date")?).ok()?;
        let elapsed = date.duration_since(std::time::UNIX_EPOCH).ok()?;
        u64::try_from(elapsed.as_millis()).ok()
    }
}

/// Sends requests. Clones share their connections.
#[derive(Debug, Clone, Default)]
pub struct HttpClient(Arc<Clients>);

/// Built on first use: reading the system's certificates takes time that a start-up need not spend.
#[derive(Debug, Default)]
struct Clients {
    /// For this machine, which is never behind a proxy.
    direct: OnceLock<reqwest::Client>,
    /// For the network, through the system's proxy if there is one.
    proxied: OnceLock<reqwest::Client>,
}

impl HttpClient {
    /// A client with no connections yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends `request` and reads the answer, up to [`MAX_BODY_BYTES`].
    ///
    /// Redirects are followed within the origin only.
    ///
    /// # Errors
    /// `ERR_NETWORK`, `ERR_TIMEOUT`, `ERR_TLS`, `ERR_ORIGIN_NOT_ALLOWED` for a redirect elsewhere,
    /// `ERR_RESPONSE_TOO_LARGE`, `ERR_INVALID_ARGUMENT` for a URL that may not carry a token.
    pub async fn send(&self, request: Request) -> Result<Response> {
        let client = self.0.for_origin(&Origin::of(&request.url)?)?;
        let timeout = request.timeout;
        let mut sending = client
            .request(request.method, request.url)
            .headers(request.headers)
            .timeout(timeout);
        if let Some(body) = request.body {
            sending = sending.body(body);
        }
        let fail = |error: reqwest::Error| translate(&error, timeout);
        let mut answer = sending.send().await.map_err(fail)?;
        let mut response = Response {
            status: answer.status(),
            url: answer.url().clone(),
            headers: answer.headers().clone(),
            body: Vec::new(),
        };
        while let Some(chunk) = answer.chunk().await.map_err(fail)? {
            if (response.body.len() + chunk.len()) as u64 > MAX_BODY_BYTES {
                return Err(Error::ResponseTooLarge {
                    limit_bytes: MAX_BODY_BYTES,
                });
            }
            response.body.extend_from_slice(&chunk);
        }
        Ok(response)
    }
}

/// Parses header fields given as pairs.
///
/// # Errors
/// `ERR_INVALID_ARGUMENT` naming the field, never its value.
pub fn parse_headers(pairs: &[(String, String)]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .zip(HeaderValue::from_str(value).ok());
        let Some((name, value)) = parsed else {
            return Err(Error::InvalidArgument(format!(
                "The header field '{}' is not valid HTTP.",
                name.escape_debug()
            )));
        };
        headers.append(name, value);
    }
    Ok(headers)
}

impl Clients {
    fn for_origin(&self, origin: &Origin) -> Result<&reqwest::Client> {
        let direct = origin.is_loopback();
        let cell = if direct { &self.direct } else { &self.proxied };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = build(direct)?;
        Ok(cell.get_or_init(|| client))
    }
}

fn build(direct: bool) -> Result<reqwest::Client> {
    // reqwest aborts without a provider. Another part of the process may have installed one: either serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("electron-latchkey/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::custom(follow_within_origin));
    if direct {
        builder = builder.no_proxy();
    }
    builder
        .build()
        .map_err(|_| Error::Internal("the HTTP client could not be built"))
}

fn follow_within_origin(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    let target = Origin::of(attempt.url()).ok();
    let source = attempt
        .previous()
        .last()
        .and_then(|url| Origin::of(url).ok());
    if target.is_none() || target != source {
        let target = attempt.url().origin().ascii_serialization();
        return attempt.error(RedirectedAway(target));
    }
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error(RedirectedAway("a redirect loop".to_owned()));
    }
    attempt.follow()
}

/// A redirect to where a request of ours does not follow.
#[derive(Debug, thiserror::Error)]
#[error("redirected to {0}")]
struct RedirectedAway(String);

fn translate(error: &reqwest::Error, timeout: Duration) -> Error {
    if let Some(RedirectedAway(target)) = find_cause(error) {
        return Error::OriginNotAllowed(target.clone());
    }
    // Of a connection that was being made: address, TCP, a proxy's tunnel, TLS. The request is written after all of it.
    let sent = !error.is_connect();
    let is_tls = find_cause::<rustls::Error>(error).is_some();
    if is_tls && !sent {
        return Error::Tls;
    }
    if error.is_timeout() {
        return Error::Timeout {
            timeout_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            sent,
        };
    }
    // The error's own text would name the URL, query included.
    let reason = if !sent {
        "no connection"
    } else if is_tls {
        "the TLS connection broke"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else {
        "the connection broke"
    };
    Error::Network { reason, sent }
}

fn find_cause<'a, T: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a T> {
    let mut current = Some(error);
    while let Some(cause) = current {
        if let Some(found) = cause.downcast_ref::<T>() {
            return Some(found);
        }
        // An io::Error shows its inner error's source, not the inner error itself.
        if let Some(inner) = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            && let Some(found) = find_cause(inner)
        {
            return Some(found);
        }
        current = cause.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(date: &'static str) -> Response {
        Response {
            status: StatusCode::OK,
            url: Url::parse("https://a.test").unwrap_or_else(|e| panic!("{e}")),
            headers: HeaderMap::from_iter([(
                reqwest::header::DATE,
                HeaderValue::from_static(date),
            )]),
            body: Vec::new(),
        }
    }

    #[test]
    fn a_server_clock_that_differs_by_more_than_its_whole_seconds_is_believed() {
        let response = dated("Thu, 01 Jan 1970 01:00:00 GMT");
        let hour = 3_600_000;
        assert_eq!(response.server_now_ms(hour + 999), hour + 999);
        assert_eq!(response.server_now_ms(hour - 500), hour - 500);
        assert_eq!(response.server_now_ms(0), hour);
        assert_eq!(response.server_now_ms(3 * hour), hour);
        assert_eq!(dated("yesterday").server_now_ms(7), 7);
    }
}
