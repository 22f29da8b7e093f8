//! Requests of the application, with the token added and kept from coming back.
#![forbid(unsafe_code)]

mod exchange;
mod mask;

pub use exchange::{Delivery, Exchange, FetchHead};

use self::mask::Mask;
use super::Session;
use super::core::Fresh;
use super::engine::Engine;
use super::freshness::{self, Freshness};
use crate::http::{
    AnswerBody, Call, DEFAULT_TIMEOUT, MAX_BODY_BYTES, Method, Origin, Payload, Redirects, Request,
    Response, StatusCode, Url,
};
use crate::provider::Current;
use crate::{Error, Result};
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The largest streamed body that is taken for one of the provider's own routes, which are sent from memory.
const MAX_PROVIDER_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Fields that only this side may set: they authenticate, name the sender, or frame the message.
const RESERVED_FIELDS: [&str; 13] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "origin",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A request of the application.
#[derive(Debug)]
pub struct FetchRequest {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: Url,
    /// Header fields. Those that authenticate or frame the message are dropped.
    pub headers: HeaderMap,
    /// The body. One in memory is sent again where a 401 was answered and the token could be renewed; for one that is a
    /// stream, the 401 is the answer.
    pub payload: Payload,
    /// How long one exchange may take. Where the answer is streamed: how long its header may take, and how long the server
    /// may then be silent.
    pub timeout: Duration,
    /// The largest answer that is taken, in bytes; `None` for no limit. Answers of the provider's own routes are never
    /// larger than [`MAX_BODY_BYTES`].
    pub max_response_bytes: Option<u64>,
    /// What to do about a redirect.
    pub redirects: Redirects,
}

impl FetchRequest {
    /// A request with every default: no header fields, no body, 30 s, 64 MiB, redirects within the origin.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            payload: Payload::Empty,
            timeout: DEFAULT_TIMEOUT,
            max_response_bytes: Some(MAX_BODY_BYTES),
            redirects: Redirects::Follow,
        }
    }
}

/// The answer to a request of the application. Holds no token of the session.
pub type FetchResponse = Response;

/// The same with a body that is still to be read.
#[derive(Debug)]
pub struct FetchAnswer {
    /// The status.
    pub status: StatusCode,
    /// Where the answer came from, after redirects.
    pub url: Url,
    /// Whether a redirect was followed.
    pub redirected: bool,
    /// Header fields, without cookies and tokens.
    pub headers: HeaderMap,
    /// The body.
    pub body: FetchBody,
}

/// The body of an answer, read from the network as it is asked for. Dropped before its end, it closes the connection.
pub struct FetchBody {
    source: Source,
    mask: Mask,
}

#[derive(Debug)]
enum Source {
    Network(AnswerBody),
    Memory(Vec<u8>),
    /// What is told when the next piece is asked for.
    Failed(Error),
    End,
}

impl fmt::Debug for FetchBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchBody").finish_non_exhaustive()
    }
}

impl FetchBody {
    /// The next piece, `None` at the end. The future may be dropped, and nothing is lost.
    ///
    /// # Errors
    /// `ERR_NETWORK` when it breaks off, `ERR_TIMEOUT` when nothing comes, `ERR_RESPONSE_TOO_LARGE`.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let piece = match &mut self.source {
                Source::Network(body) => match body.chunk().await? {
                    Some(piece) => self.mask.piece(&piece),
                    None => {
                        self.source = Source::End;
                        self.mask.rest()
                    }
                },
                Source::Memory(body) => {
                    let body = self.mask.whole(std::mem::take(body));
                    self.source = Source::End;
                    body
                }
                Source::Failed(error) => {
                    let error = error.clone();
                    self.source = Source::End;
                    return Err(error);
                }
                Source::End => return Ok(None),
            };
            // All of it may have been kept back.
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    /// The rest of it.
    ///
    /// # Errors
    /// As for [`FetchBody::chunk`].
    pub async fn read_all(&mut self) -> Result<Vec<u8>> {
        let mut all = self.chunk().await?.unwrap_or_default();
        while let Some(piece) = self.chunk().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }
}

impl Session {
    /// As [`Session::fetch`], with the answer as soon as its header is here, and its body piece by piece. Answers of the
    /// provider's own routes are in memory by then.
    ///
    /// Dropping the future, or later the answer, closes the connection. It cancels no renewal: others wait for that, too.
    ///
    /// # Errors
    /// As for [`Session::fetch`].
    pub async fn fetch_streamed(&self, request: FetchRequest) -> Result<FetchAnswer> {
        fetch(&self.0, request, Delivery::Streamed).await
    }

    /// As [`Session::fetch`], with the answer in memory, and its body to be read from there.
    pub(super) async fn fetch_whole(&self, request: FetchRequest) -> Result<FetchAnswer> {
        fetch(&self.0, request, Delivery::Whole).await
    }
}

pub(super) async fn fetch_response(
    engine: &Arc<Engine>,
    request: FetchRequest,
) -> Result<FetchResponse> {
    let mut answer = fetch(engine, request, Delivery::Whole).await?;
    Ok(Response {
        status: answer.status,
        url: answer.url,
        redirected: answer.redirected,
        headers: answer.headers,
        body: answer.body.read_all().await?,
    })
}

async fn fetch(
    engine: &Arc<Engine>,
    request: FetchRequest,
    delivery: Delivery,
) -> Result<FetchAnswer> {
    let origin = Origin::of(&request.url)?;
    if !engine.allows(&origin) {
        return Err(Error::OriginNotAllowed(origin.to_string()));
    }
    engine.core().check_open()?;
    if engine.provider().owns(&request.url) {
        return fetch_provider_route(engine, request).await;
    }
    if matches!(request.payload, Payload::Stream(_)) {
        renew_ahead(engine).await;
    }
    // Without a session the request goes out as it is: public routes need none.
    let fresh = match engine.fresh_credentials(0).await {
        Ok(fresh) => Some(fresh),
        Err(Error::NotSignedIn | Error::SessionExpired) => None,
        Err(error) => return Err(error),
    };
    let call = prepare(request);
    let mut again = call.again();
    let mut answer = send(engine, call, fresh.as_ref(), delivery).await?;
    if fresh.is_some()
        && engine
            .provider()
            .learn(answer.url(), answer.status(), answer.headers())
        && let Some(call) = again
    {
        again = call.again();
        answer = send(engine, call, fresh.as_ref(), delivery).await?;
    }
    if answer.status() == 401
        && let Some(sent) = &fresh
    {
        match again {
            Some(again) => {
                if let Some(replacement) = engine.after_unauthorized(sent).await {
                    answer = send(engine, again, Some(&replacement), delivery).await?;
                } else if let Some(refusal) = engine.refusal(sent) {
                    return Err(refusal);
                }
            }
            // A stream is gone: the 401 is the answer, and the next request has the new token.
            None => {
                let (engine, sent) = (Arc::clone(engine), sent.clone());
                tokio::spawn(async move { engine.after_unauthorized(&sent).await });
            }
        }
    }
    Ok(guard(engine, answer, fresh))
}

/// Renews a token that is due, before a stream is sent with it that cannot be sent again.
async fn renew_ahead(engine: &Arc<Engine>) {
    let current = engine.core().credentials().ok();
    let due = current.is_some_and(|fresh| {
        freshness::judge(&fresh.credentials, engine.now_ms(), 0) != Freshness::Fresh
    });
    if due && let Ok(flight) = engine.join_flight() {
        // What came of it is found out when the token is asked for.
        let _ = engine.wait_for(flight).await;
    }
}

/// A request of the provider's own client, which manages the session itself: its answers are read and followed.
async fn fetch_provider_route(engine: &Arc<Engine>, request: FetchRequest) -> Result<FetchAnswer> {
    let mut request = into_memory(prepare(request)).await?;
    let provider = engine.provider();
    let turn = if engine.core().credentials().is_ok()
        && provider.may_replace(&request.method, &request.url)
    {
        let turn = engine.turn().await?;
        // Whoever had the turn before may have stored another token.
        engine.follow_vault().await?;
        Some(turn)
    } else {
        None
    };
    let (generation, fresh, user) = {
        let core = engine.core();
        (
            core.generation(),
            core.credentials().ok(),
            core.user().cloned(),
        )
    };
    let current = || {
        let (fresh, user) = fresh.as_ref().zip(user.as_ref())?;
        let credentials = &fresh.credentials;
        Some(Current { credentials, user })
    };
    let sent = provider
        .adapt(&engine.context(current()), &mut request)
        .await?;
    let used = fresh.as_ref().filter(|_| !sent.anonymous);
    let answer = send(engine, request.into(), used, Delivery::Whole).await?;
    let mut response = match answer {
        Received::Whole(response) => response,
        // It was asked for whole.
        Received::Streamed(_) => return Err(Error::Internal("an answer came as a stream")),
    };
    let cx = engine.context(current());
    let observation = provider.observe(&cx, &sent, &mut response).await;
    engine.follow(observation, generation, used).await?;
    drop(turn);
    if response.status == 401
        && let Some(sent) = used
    {
        engine.after_unauthorized(sent).await;
    }
    Ok(guard(engine, Received::Whole(response), fresh))
}

async fn into_memory(call: Call) -> Result<Request> {
    let body = match call.payload {
        Payload::Empty => None,
        Payload::Bytes(bytes) => Some(bytes.into()),
        Payload::Stream(upload) => Some(upload.collect(MAX_PROVIDER_BODY_BYTES).await?),
    };
    Ok(Request {
        method: call.method,
        url: call.url,
        headers: call.headers,
        body,
        timeout: call.timeout,
    })
}

fn prepare(request: FetchRequest) -> Call {
    let FetchRequest {
        method,
        url,
        mut headers,
        payload,
        timeout,
        max_response_bytes,
        redirects,
    } = request;
    for name in RESERVED_FIELDS {
        headers.remove(name);
    }
    // What a browser says of itself would make the server treat this as a page of another site.
    let browser_fields: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("sec-") || name.as_str().starts_with("proxy-"))
        .cloned()
        .collect();
    for name in browser_fields {
        headers.remove(name);
    }
    // A token is not found in what is compressed.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Call {
        method,
        url,
        headers,
        payload,
        timeout,
        max_response_bytes,
        redirects,
    }
}

#[derive(Debug)]
enum Received {
    Whole(Response),
    Streamed(crate::http::Answer),
}

impl Received {
    fn status(&self) -> StatusCode {
        match self {
            Self::Whole(response) => response.status,
            Self::Streamed(answer) => answer.status,
        }
    }

    fn url(&self) -> &Url {
        match self {
            Self::Whole(response) => &response.url,
            Self::Streamed(answer) => &answer.url,
        }
    }

    fn headers(&self) -> &HeaderMap {
        match self {
            Self::Whole(response) => &response.headers,
            Self::Streamed(answer) => &answer.headers,
        }
    }
}

async fn send(
    engine: &Arc<Engine>,
    mut call: Call,
    fresh: Option<&Fresh>,
    delivery: Delivery,
) -> Result<Received> {
    if let Some(fresh) = fresh {
        let (provider, now_ms) = (engine.provider(), engine.now_ms());
        provider.authorize(
            &call.method,
            &call.url,
            &mut call.headers,
            &fresh.credentials,
            now_ms,
        )?;
    }
    let to_provider = engine.provider().base_url().origin() == call.url.origin();
    let answer = match delivery {
        Delivery::Whole => engine.http().send_whole(call).await.map(Received::Whole),
        Delivery::Streamed => engine.http().start(call).await.map(Received::Streamed),
    };
    if matches!(answer, Err(Error::Network { .. })) && to_provider && fresh.is_some() {
        // Whether the session is offline is for the engine's own question to find out.
        let _ = engine.join_flight();
    }
    answer
}

/// Takes out of an answer what authenticates: cookies, and the session's token where a server sends it back.
fn guard(engine: &Engine, received: Received, used: Option<Fresh>) -> FetchAnswer {
    let mut mask = Mask::default();
    // The token that was sent, and the one that the answer may just have brought.
    let current = engine.core().credentials().ok();
    for fresh in used.into_iter().chain(current) {
        let token = fresh.credentials.access_token.expose();
        for fragment in engine.provider().fragments(token) {
            mask.add(fragment);
        }
    }
    let mut answer = match received {
        Received::Whole(response) => FetchAnswer {
            status: response.status,
            redirected: response.redirected,
            url: response.url,
            headers: response.headers,
            body: FetchBody {
                source: Source::Memory(response.body),
                mask,
            },
        },
        Received::Streamed(answer) => FetchAnswer {
            status: answer.status,
            redirected: answer.redirected,
            url: answer.url,
            headers: answer.headers,
            body: FetchBody {
                source: Source::Network(answer.body),
                mask,
            },
        },
    };
    answer.headers.remove(SET_COOKIE);
    let mask = &answer.body.mask;
    let leaking: Vec<HeaderName> = answer
        .headers
        .iter()
        .filter(|(_, value)| mask.finds(value.as_bytes()))
        .map(|(name, _)| name.clone())
        .collect();
    for name in leaking {
        answer.headers.remove(name);
    }
    answer
}
