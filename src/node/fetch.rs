//! `AuthSession.fetch`, and the exchange below it, for JavaScript.

use super::argument::{Argument, parse_millis};
use super::promise::{or_rejected, promise};
use super::session::AuthSession;
use crate::http::{
    self, HttpClient, Method, Payload, ProxyChoice, Redirects, parse_headers, parse_url,
};
use crate::session::{self, Delivery, Exchange, FetchRequest};
use crate::{Error, Result as CoreResult};
use napi::bindgen_prelude::{Buffer, Either, Env, PromiseRaw, Result, Uint8Array, Uint8ArraySlice};
use napi_derive::napi;
use reqwest::header::HeaderMap;
use std::sync::Arc;

/// How connections are made.
#[napi(object)]
#[derive(Debug)]
pub struct HttpOptions {
    /// Certificates of authorities to trust beside the system's, in PEM form (RFC 7468): one text or several, each with one
    /// certificate or more.
    #[napi(ts_type = "string | Array<string>")]
    pub ca_certificates: Option<Either<String, Vec<String>>>,
    /// The way out. `'system'` (the default): `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, and on macOS and Windows the
    /// settings, without scripts (PAC). `'none'`: directly. Otherwise the URL of an http or https proxy, with a name and a
    /// password if it asks for them. This machine's own addresses are always reached directly.
    #[napi(ts_type = "'system' | 'none' | (string & {})")]
    pub proxy: Option<String>,
    /// How long making a connection may take, TLS included, in milliseconds. Default 10000.
    pub connect_timeout_ms: Option<f64>,
}

/// A request.
#[napi(object)]
pub struct FetchInit {
    /// The method. Default `GET`.
    pub method: Option<String>,
    /// Header fields. Those that authenticate, name the sender, frame the message or ask for compression are dropped.
    #[napi(ts_type = "Array<[string, string]>")]
    pub headers: Option<Vec<Vec<String>>>,
    /// The body. After a 401 it is sent again if a new token could be had.
    #[napi(ts_type = "string | Uint8Array")]
    pub body: Option<Either<String, Uint8Array>>,
    /// How long the exchange may take, in milliseconds. Default 30000. Where the answer is streamed: how long its header may
    /// take, and then how long the server may be silent. Where the body is streamed: how long the server may leave it
    /// untouched; a wait for the application's own stream does not count.
    pub timeout_ms: Option<f64>,
    /// The largest answer that is taken, in bytes. Default 67108864, and no limit where the answer is streamed.
    pub max_response_bytes: Option<f64>,
    /// What to do about a redirect. `'follow'` (the default): follow it within the origin; one to another origin is
    /// `ERR_ORIGIN_NOT_ALLOWED`. `'manual'`: it is the answer. `'error'`: it is `ERR_NETWORK`.
    #[napi(ts_type = "'follow' | 'manual' | 'error'")]
    pub redirect: Option<String>,
}

/// How an exchange is driven.
#[napi(object)]
#[derive(Debug)]
pub struct ExchangeOptions {
    /// Whether `response()` waits for the whole answer. `timeoutMs` and `maxResponseBytes` are then as for `fetch`. Default
    /// false.
    pub whole: Option<bool>,
    /// Whether the request's body is written with `write()` and `end()`. It is sent once only: a 401 is the answer then, and
    /// a token that is due is renewed before the request is sent. Default false.
    pub upload: Option<bool>,
    /// How many bytes will be written, where that is known.
    pub content_length: Option<f64>,
}

/// An answer. Holds no token of the session.
#[napi(object, object_from_js = false)]
pub struct FetchResponse {
    /// The status.
    pub status: u16,
    /// The status' standard phrase, empty when it has none.
    pub status_text: String,
    /// Where the answer came from, after redirects.
    pub url: String,
    /// Whether a redirect was followed.
    pub redirected: bool,
    /// Header fields, without cookies and tokens.
    #[napi(ts_type = "Array<[string, string]>")]
    pub headers: Vec<Vec<String>>,
    /// The body.
    pub body: Buffer,
}

/// The beginning of an answer. Holds no token of the session.
#[napi(object, object_from_js = false)]
pub struct FetchHead<'env> {
    /// The status.
    pub status: u16,
    /// The status' standard phrase, empty when it has none.
    pub status_text: String,
    /// Where the answer came from, after redirects.
    pub url: String,
    /// Whether a redirect was followed.
    pub redirected: bool,
    /// Header fields, without cookies and tokens.
    #[napi(ts_type = "Array<[string, string]>")]
    pub headers: Vec<Vec<String>>,
    /// The first bytes of the body.
    #[napi(ts_type = "Uint8Array")]
    pub first: Uint8ArraySlice<'env>,
    /// Whether that is all of it.
    pub complete: bool,
}

#[napi]
impl AuthSession {
    /// Sends a request with the access token, to the provider's origin and the allowed ones only, and takes the whole answer.
    /// Without a session it goes out without a token. Redirects are followed within one origin.
    ///
    /// The low level: `createFetch()` of `electron-latchkey/main` makes a standard `fetch` of a session, with streams and
    /// `AbortSignal`.
    ///
    /// Rejects with `ERR_INVALID_ARGUMENT`, `ERR_ORIGIN_NOT_ALLOWED`, `ERR_NETWORK`, `ERR_TIMEOUT`, `ERR_TLS`,
    /// `ERR_RESPONSE_TOO_LARGE`, `ERR_SESSION_CLOSED`. An HTTP error status is an answer, not a rejection.
    #[napi(catch_unwind, ts_return_type = "Promise<FetchResponse>")]
    pub fn fetch<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] url: Argument<String>,
        #[napi(ts_arg_type = "FetchInit | undefined | null")] init: Option<Argument<FetchInit>>,
    ) -> Result<PromiseRaw<'env, FetchResponse>> {
        let begun = parse_request(url, init, Delivery::Whole).map(|request| {
            let session = self.session.clone();
            promise(
                env,
                async move { session.fetch(request).await },
                |_, response| Ok(response.into()),
            )
        });
        or_rejected(env, begun)
    }

    /// The same, driven piece by piece: for code that streams, or gives a request up. `response()` sends it.
    #[napi(catch_unwind)]
    pub fn exchange(
        &self,
        #[napi(ts_arg_type = "string")] url: Argument<String>,
        #[napi(ts_arg_type = "FetchInit | undefined | null")] init: Option<Argument<FetchInit>>,
        #[napi(ts_arg_type = "ExchangeOptions | undefined | null")] options: Option<
            Argument<ExchangeOptions>,
        >,
    ) -> FetchExchange {
        let session = self.session.clone();
        let options = options
            .map(|options| options.parse("options", "ExchangeOptions"))
            .transpose();
        let exchange = match options {
            Err(error) => Exchange::new(session, Err(error), Delivery::Whole),
            Ok(options) => start(session, url, init, options.as_ref()),
        };
        FetchExchange(Arc::new(exchange))
    }
}

/// A request under way, made by `AuthSession.exchange`.
#[napi]
#[derive(Debug)]
pub struct FetchExchange(Arc<Exchange>);

#[napi]
impl FetchExchange {
    /// Sends the request and resolves when the answer's header is here, or with `whole`, all of it. May be called once.
    ///
    /// Rejects as `AuthSession.fetch` does, and with `ERR_ABORTED`.
    #[napi(catch_unwind, ts_return_type = "Promise<FetchHead>")]
    pub fn response<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, FetchHead<'env>>> {
        let exchange = Arc::clone(&self.0);
        promise(
            env,
            async move { exchange.response().await },
            |env, head| {
                Ok(FetchHead {
                    status: head.status.as_u16(),
                    status_text: phrase(head.status),
                    url: head.url.into(),
                    redirected: head.redirected,
                    headers: pairs(&head.headers),
                    first: Uint8ArraySlice::copy_from(env, &head.first)?,
                    complete: head.complete,
                })
            },
        )
    }

    /// The next piece of the answer's body, `null` at its end. Nothing is read from the network that nobody asked for, except
    /// into buffers of bounded size.
    ///
    /// Rejects with `ERR_NETWORK`, `ERR_TIMEOUT`, `ERR_RESPONSE_TOO_LARGE`, `ERR_ABORTED`.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint8Array | null>")]
    pub fn read<'env>(
        &self,
        env: &'env Env,
    ) -> Result<PromiseRaw<'env, Option<Uint8ArraySlice<'env>>>> {
        let exchange = Arc::clone(&self.0);
        promise(env, async move { exchange.read().await }, |env, piece| {
            piece
                .map(|piece| Uint8ArraySlice::copy_from(env, piece))
                .transpose()
        })
    }

    /// Hands over the next piece of the request's body and resolves when there is room for another: wait for it. `false`: no
    /// more is taken, since the answer is complete or the request has failed.
    ///
    /// Rejects with `ERR_INVALID_ARGUMENT`.
    #[napi(catch_unwind, ts_return_type = "Promise<boolean>")]
    pub fn write<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "Uint8Array")] piece: Argument<Uint8Array>,
    ) -> Result<PromiseRaw<'env, bool>> {
        let begun = piece.parse("piece", "a Uint8Array").map(|piece| {
            // Taken now: the caller may reuse the memory.
            let piece = piece.to_vec();
            let exchange = Arc::clone(&self.0);
            promise(
                env,
                async move { Ok(exchange.write(piece).await) },
                |_, room| Ok(room),
            )
        });
        or_rejected(env, begun)
    }

    /// Says that the request's body is complete. One that is not ended is never taken for complete by the server.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn end<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let exchange = Arc::clone(&self.0);
        promise(
            env,
            async move {
                exchange.end().await;
                Ok(())
            },
            |_, ()| Ok(()),
        )
    }

    /// Gives the exchange up and closes its connection at once; whatever is waiting rejects with `ERR_ABORTED`. A renewal of
    /// the token that it waited for goes on.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// # Errors
/// `ERR_INVALID_ARGUMENT` naming the option.
pub(super) fn parse_http(options: Option<&HttpOptions>) -> CoreResult<HttpClient> {
    let Some(options) = options else {
        return Ok(HttpClient::new());
    };
    let mut parsed = http::HttpOptions::default();
    match &options.ca_certificates {
        None => {}
        Some(Either::A(pem)) => parsed.trust(pem)?,
        Some(Either::B(pems)) => pems.iter().try_for_each(|pem| parsed.trust(pem))?,
    }
    if let Some(proxy) = &options.proxy {
        parsed.proxy = ProxyChoice::parse(proxy)?;
    }
    parsed.connect_timeout = parse_millis(
        "http.connectTimeoutMs",
        options.connect_timeout_ms,
        parsed.connect_timeout,
    )?;
    Ok(HttpClient::with(parsed))
}

fn start(
    session: session::Session,
    url: Argument<String>,
    init: Option<Argument<FetchInit>>,
    options: Option<&ExchangeOptions>,
) -> Exchange {
    let delivery = match options.and_then(|options| options.whole) {
        Some(true) => Delivery::Whole,
        _ => Delivery::Streamed,
    };
    let request = parse_request(url, init, delivery);
    let upload = options.filter(|options| options.upload == Some(true));
    let Some(upload) = upload else {
        return Exchange::new(session, request, delivery);
    };
    match parse_bytes("contentLength", upload.content_length) {
        Ok(length) => Exchange::with_upload(session, request, delivery, length),
        Err(error) => Exchange::new(session, Err(error), delivery),
    }
}

fn parse_request(
    url: Argument<String>,
    init: Option<Argument<FetchInit>>,
    delivery: Delivery,
) -> CoreResult<FetchRequest> {
    let url = parse_url(&url.parse("url", "a string")?)?;
    let init = init
        .map(|init| init.parse("init", "FetchInit"))
        .transpose()?;
    let invalid = |text: &str| Error::InvalidArgument(text.to_owned());
    let mut request = FetchRequest::new(Method::GET, url);
    if delivery == Delivery::Streamed {
        request.max_response_bytes = None;
    }
    let Some(init) = init else {
        return Ok(request);
    };
    if let Some(method) = init.method {
        request.method = Method::from_bytes(method.to_uppercase().as_bytes())
            .map_err(|_| invalid("method is not an HTTP method."))?;
    }
    let headers = init
        .headers
        .into_iter()
        .flatten()
        .map(|pair| <[String; 2]>::try_from(pair).map(|[name, value]| (name, value)))
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|_| invalid("headers must be pairs of a name and a value."))?;
    request.headers = parse_headers(&headers)?;
    request.payload = match init.body {
        None => Payload::Empty,
        Some(Either::A(text)) => Payload::Bytes(text.into()),
        Some(Either::B(bytes)) => Payload::Bytes(bytes.to_vec().into()),
    };
    request.timeout = parse_millis("timeoutMs", init.timeout_ms, request.timeout)?;
    request.max_response_bytes =
        parse_bytes("maxResponseBytes", init.max_response_bytes)?.or(request.max_response_bytes);
    request.redirects = match init.redirect.as_deref() {
        None | Some("follow") => Redirects::Follow,
        Some("manual") => Redirects::Return,
        Some("error") => Redirects::Refuse,
        Some(_) => return Err(invalid("redirect must be 'follow', 'manual' or 'error'.")),
    };
    Ok(request)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number from 0 to 2^53"
)]
fn parse_bytes(name: &str, given: Option<f64>) -> CoreResult<Option<u64>> {
    const MOST: f64 = 9_007_199_254_740_991.0;
    match given {
        None => Ok(None),
        Some(bytes) if (0.0..=MOST).contains(&bytes) && bytes.fract() == 0.0 => {
            Ok(Some(bytes as u64))
        }
        Some(_) => Err(Error::InvalidArgument(format!(
            "{name} must be a whole number of bytes."
        ))),
    }
}

fn phrase(status: http::StatusCode) -> String {
    status.canonical_reason().unwrap_or_default().to_owned()
}

fn pairs(headers: &HeaderMap) -> Vec<Vec<String>> {
    let pair = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        // One character for each byte, as in WHATWG fetch: another one would not be taken by a `Headers` object.
        let value = value.as_bytes().iter().copied().map(char::from).collect();
        vec![name.as_str().to_owned(), value]
    };
    headers.iter().map(pair).collect()
}

impl From<session::FetchResponse> for FetchResponse {
    fn from(response: session::FetchResponse) -> Self {
        Self {
            status: response.status.as_u16(),
            status_text: phrase(response.status),
            url: response.url.into(),
            redirected: response.redirected,
            headers: pairs(&response.headers),
            body: response.body.into(),
        }
    }
}
