//! The HTTP client and its policy: TLS, no cookies, no redirect to another origin, limits on time and size.
//!
//! | file | what it holds |
//! |---|---|
//! | [`origin`] | which servers may be spoken to, and which may see a token |
//! | [`options`] | certificates, proxy, time to connect |
//! | [`body`] | what is sent: nothing, bytes, or a stream |
//! | [`answer`] | what comes back, piece by piece |
//! | [`redirect`] | where a request goes next |
//! | [`failure`] | the errors of the libraries below as ours |
#![forbid(unsafe_code)]

mod answer;
mod body;
mod failure;
mod options;
mod origin;
mod redirect;

pub use answer::{Answer, AnswerBody};
pub use body::{Payload, Upload, UploadWriter};
pub use bytes::Bytes;
pub use options::{HttpOptions, ProxyChoice};
pub use origin::{Origin, parse_url};
pub use redirect::Redirects;

use crate::{Error, Result};
use body::Progress;
pub use reqwest::header::HeaderMap;
use reqwest::header::{HeaderName, HeaderValue};
pub use reqwest::{Method, StatusCode};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
pub use url::Url;

/// How long a whole exchange may take, unless the request says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that is taken into memory, unless the request says otherwise.
pub const MAX_BODY_BYTES: u64 = 64 * 1024 * 1024;

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
        authorize(&mut self.headers, token)
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

/// A request whose body may be a stream, and whose answer is taken piece by piece.
#[derive(Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: Url,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body.
    pub payload: Payload,
    /// How long the answer's header may take; with a streamed body, how long the server may leave it untouched. Then: how
    /// long it may be silent between two pieces of the answer.
    pub timeout: Duration,
    /// The largest answer that is taken, in bytes; `None` for no limit.
    pub max_response_bytes: Option<u64>,
    /// What to do about a redirect.
    pub redirects: Redirects,
}

impl Call {
    /// As [`Request::authorize`].
    ///
    /// # Errors
    /// As for [`Request::authorize`].
    pub fn authorize(&mut self, token: &str) -> Result<()> {
        authorize(&mut self.headers, token)
    }

    /// The same call once more, `None` when its body is a stream, which can be read once only.
    #[must_use]
    pub fn again(&self) -> Option<Self> {
        Some(Self {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            payload: self.payload.again()?,
            timeout: self.timeout,
            max_response_bytes: self.max_response_bytes,
            redirects: self.redirects,
        })
    }
}

impl From<Request> for Call {
    fn from(request: Request) -> Self {
        Self {
            method: request.method,
            url: request.url,
            headers: request.headers,
            payload: request
                .body
                .map_or(Payload::Empty, |body| Payload::Bytes(body.into())),
            timeout: request.timeout,
            max_response_bytes: Some(MAX_BODY_BYTES),
            redirects: Redirects::Follow,
        }
    }
}

pub(crate) fn authorize(headers: &mut HeaderMap, token: &str) -> Result<()> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| Error::UnexpectedResponse("its token does not fit a header"))?;
    value.set_sensitive(true);
    headers.insert(reqwest::header::AUTHORIZATION, value);
    Ok(())
}

/// An answer whose body is in memory.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// Where the answer came from, after redirects.
    pub url: Url,
    /// Whether a redirect was followed.
    pub redirected: bool,
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
///
/// A request is never sent twice by itself, with two exceptions in which no server has worked on it: one that was not begun
/// to be written because the kept connection turned out closed, and one that an HTTP/2 server refuses unprocessed (RFC
/// 9113 sections 6.8 and 8.7). A connection that breaks later is `ERR_NETWORK`, also when it was a kept one.
#[derive(Debug, Clone, Default)]
pub struct HttpClient(Arc<Clients>);

/// Built on first use: reading the system's certificates takes time that a start-up need not spend.
#[derive(Debug, Default)]
struct Clients {
    options: HttpOptions,
    /// For this machine, which is never behind a proxy.
    direct: OnceLock<reqwest::Client>,
    /// For the network.
    proxied: OnceLock<reqwest::Client>,
}

impl HttpClient {
    /// A client with every default and no connections yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A client with these options and no connections yet.
    #[must_use]
    pub fn with(options: HttpOptions) -> Self {
        Self(Arc::new(Clients {
            options,
            ..Clients::default()
        }))
    }

    /// Sends `request` and reads the answer, up to [`MAX_BODY_BYTES`], all within the request's time-out.
    ///
    /// Redirects are followed within the origin only.
    ///
    /// # Errors
    /// `ERR_NETWORK`, `ERR_TIMEOUT`, `ERR_TLS`, `ERR_TLS_HOSTNAME`, `ERR_TLS_EXPIRED`, `ERR_TLS_UNTRUSTED`,
    /// `ERR_ORIGIN_NOT_ALLOWED` for a redirect elsewhere, `ERR_RESPONSE_TOO_LARGE`, `ERR_INSECURE_URL` and
    /// `ERR_INVALID_ARGUMENT` for a URL that may not carry a token.
    pub async fn send(&self, request: Request) -> Result<Response> {
        self.send_whole(request.into()).await
    }

    /// Sends `call` and reads the answer, all within the call's time-out.
    ///
    /// # Errors
    /// As for [`HttpClient::send`].
    pub async fn send_whole(&self, call: Call) -> Result<Response> {
        let timeout = call.timeout;
        let whole = async {
            let mut answer = self.start(call).await?;
            let mut body = Vec::new();
            while let Some(piece) = answer.body.chunk().await? {
                body.extend_from_slice(&piece);
            }
            Ok(Response {
                status: answer.status,
                url: answer.url,
                redirected: answer.redirected,
                headers: answer.headers,
                body,
            })
        };
        tokio::time::timeout(timeout, whole)
            .await
            .unwrap_or_else(|_| Err(failure::timed_out(timeout)))
    }

    /// Sends `call` and gives the answer as soon as its header is here. Dropping the future, or later the answer, closes
    /// the connection.
    ///
    /// # Errors
    /// As for [`HttpClient::send`].
    pub async fn start(&self, mut call: Call) -> Result<Answer> {
        let client = self.0.for_origin(&Origin::of(&call.url)?)?;
        let mut followed = 0;
        loop {
            let again = call.again();
            let (timeout, limit, redirects) =
                (call.timeout, call.max_response_bytes, call.redirects);
            let sent_from = call.url.clone();
            let received = self.0.send(client, call).await?;
            let next = redirect::next(redirects, &sent_from, &received)?;
            let Some(next) = next else {
                let redirected = followed > 0;
                return Answer::new(received, timeout, limit, redirected);
            };
            followed += 1;
            call = next.apply(again, followed)?;
        }
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
            .zip(parse_value(value));
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

/// One byte for each character, as in WHATWG fetch.
fn parse_value(value: &str) -> Option<HeaderValue> {
    let bytes: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(c).ok()).collect();
    HeaderValue::from_bytes(&bytes?).ok()
}

impl Clients {
    fn for_origin(&self, origin: &Origin) -> Result<&reqwest::Client> {
        let direct = origin.is_loopback();
        let cell = if direct { &self.direct } else { &self.proxied };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = self.options.build(direct)?;
        Ok(cell.get_or_init(|| client))
    }

    /// Sends one request and waits for the header of its answer.
    async fn send(&self, client: &reqwest::Client, call: Call) -> Result<reqwest::Response> {
        let (body, progress) = call.payload.into_body();
        let mut sending = client.request(call.method, call.url).headers(call.headers);
        if let Some(body) = body {
            sending = sending.body(body);
        }
        let connect_timeout = self.options.connect_timeout;
        tokio::select! {
            biased;
            received = sending.send() => {
                received.map_err(|error| failure::translate(&error, connect_timeout))
            }
            () = Progress::stalled(progress, call.timeout) => Err(failure::timed_out(call.timeout)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(date: &'static str) -> Response {
        Response {
            status: StatusCode::OK,
            url: Url::parse("https://a.test").unwrap_or_else(|e| panic!("{e}")),
            redirected: false,
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
