//! Requests of the application, with the token added and kept from coming back.
#![forbid(unsafe_code)]

use super::core::Fresh;
use super::engine::Engine;
use crate::http::{Method, Origin, Request, Response, Url};
use crate::{Error, Result};
use reqwest::header::HeaderMap;
use std::sync::Arc;
use std::time::Duration;

/// Fields that only this side may set: they authenticate, name the sender, or frame the message.
const RESERVED_FIELDS: [&str; 12] = [
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
    /// The body, if any.
    pub body: Option<Vec<u8>>,
    /// How long one exchange may take.
    pub timeout: Duration,
}

/// The answer to a request of the application. Holds no token of the session.
pub type FetchResponse = Response;

pub(super) async fn fetch(engine: &Arc<Engine>, request: FetchRequest) -> Result<FetchResponse> {
    let origin = Origin::of(&request.url)?;
    if !engine.allows(&origin) {
        return Err(Error::OriginNotAllowed(origin.to_string()));
    }
    engine.core().check_open()?;
    if engine.provider().owns(&request.url) {
        return fetch_provider_route(engine, request).await;
    }
    // Without a session the request goes out as it is: public routes need none.
    let fresh = match engine.fresh_credentials(0).await {
        Ok(fresh) => Some(fresh),
        Err(Error::NotSignedIn | Error::SessionExpired) => None,
        Err(error) => return Err(error),
    };
    let request = prepare(request);
    let mut response = send(engine, request.clone(), fresh.as_ref()).await?;
    if response.status == 401
        && let Some(sent) = &fresh
        && let Some(replacement) = engine.after_unauthorized(sent).await
    {
        response = send(engine, request, Some(&replacement)).await?;
    }
    guard(engine, &mut response, fresh);
    Ok(response)
}

/// A request of the provider's own client, which manages the session itself: its answers are read and followed.
async fn fetch_provider_route(
    engine: &Arc<Engine>,
    request: FetchRequest,
) -> Result<FetchResponse> {
    let (generation, fresh) = {
        let core = engine.core();
        (core.generation(), core.credentials().ok())
    };
    let mut request = prepare(request);
    let current = fresh.as_ref().map(|fresh| &*fresh.credentials);
    let sent = engine.provider().adapt(&mut request, current);
    let mut response = send(engine, request, fresh.as_ref()).await?;
    let now_ms = engine.now_ms();
    let observation = engine.provider().observe(&sent, &mut response, now_ms);
    engine
        .follow(observation, generation, fresh.as_ref())
        .await?;
    if response.status == 401
        && let Some(sent) = &fresh
    {
        engine.after_unauthorized(sent).await;
    }
    guard(engine, &mut response, fresh);
    Ok(response)
}

fn prepare(request: FetchRequest) -> Request {
    let FetchRequest {
        method,
        url,
        mut headers,
        body,
        timeout,
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
    Request {
        method,
        url,
        headers,
        body,
        timeout,
    }
}

async fn send(
    engine: &Arc<Engine>,
    mut request: Request,
    fresh: Option<&Fresh>,
) -> Result<Response> {
    if let Some(fresh) = fresh {
        request.authorize(fresh.credentials.access_token.expose())?;
    }
    let to_provider = engine.provider().base_url().origin() == request.url.origin();
    let answer = engine.http().send(request).await;
    if matches!(answer, Err(Error::Network { .. })) && to_provider && fresh.is_some() {
        // Whether the session is offline is for the engine's own question to find out.
        let _ = engine.join_flight();
    }
    answer
}

/// Takes out of an answer what authenticates: cookies, and the session's token where a server sends it back.
fn guard(engine: &Engine, response: &mut Response, used: Option<Fresh>) {
    response.headers.remove("set-cookie");
    // The token that was sent, and the one that the answer may just have brought.
    let current = engine.core().credentials().ok();
    for fresh in used.into_iter().chain(current) {
        let token = fresh.credentials.access_token.expose();
        for fragment in engine.provider().fragments(token) {
            mask(response, fragment.as_bytes());
        }
    }
}

/// Blots out a token, as an echo or a debug page shows it.
fn mask(response: &mut Response, needle: &[u8]) {
    let found: Vec<usize> = memchr::memmem::find_iter(&response.body, needle).collect();
    for at in found {
        response.body[at..at + needle.len()].fill(b'*');
    }
    let leaking: Vec<_> = response
        .headers
        .iter()
        .filter(|(_, value)| memchr::memmem::find(value.as_bytes(), needle).is_some())
        .map(|(name, _)| name.clone())
        .collect();
    for name in leaking {
        response.headers.remove(name);
    }
}
