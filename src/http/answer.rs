//! What comes back: the header first, then the body piece by piece, as it is asked for.
#![forbid(unsafe_code)]

use super::failure;
use super::{StatusCode, Url};
use crate::{Error, Result};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use reqwest::header::HeaderMap;
use std::time::Duration;

/// Pieces that are already here are handed over together, up to this size: each costs a change of threads.
const PIECE_BYTES: usize = 64 * 1024;

/// An answer whose body has not been read.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Where the answer came from, after redirects.
    pub url: Url,
    /// Whether a redirect was followed.
    pub redirected: bool,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: AnswerBody,
}

impl Answer {
    pub(super) fn new(
        received: reqwest::Response,
        idle_timeout: Duration,
        limit_bytes: Option<u64>,
        redirected: bool,
    ) -> Result<Self> {
        let (status, url) = (received.status(), received.url().clone());
        let headers = received.headers().clone();
        let announced_bytes = received.content_length().unwrap_or_default();
        let body = AnswerBody {
            received: Some(received),
            idle_timeout,
            limit_bytes,
            taken_bytes: 0,
            failure: None,
        };
        body.check(announced_bytes)?;
        Ok(Self {
            status,
            url,
            redirected,
            headers,
            body,
        })
    }
}

/// The body of an answer. Nothing is read from the network but what is asked for and what lies in buffers of bounded size;
/// a server that sends faster has to wait. Dropped before its end, it closes the connection.
#[derive(Debug)]
pub struct AnswerBody {
    /// `None` at the end.
    received: Option<reqwest::Response>,
    idle_timeout: Duration,
    limit_bytes: Option<u64>,
    taken_bytes: u64,
    /// What went wrong behind the piece that was handed over last.
    failure: Option<Error>,
}

impl AnswerBody {
    /// The next piece, `None` at the end. The future may be dropped, and nothing is lost.
    ///
    /// # Errors
    /// `ERR_NETWORK` when it breaks off, `ERR_TIMEOUT` when nothing comes, `ERR_RESPONSE_TOO_LARGE`.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        if let Some(failure) = self.failure.take() {
            self.received = None;
            return Err(failure);
        }
        let Some(received) = &mut self.received else {
            return Ok(None);
        };
        let read = tokio::time::timeout(self.idle_timeout, received.chunk()).await;
        let first = match read {
            Ok(Ok(Some(first))) => first,
            Ok(Ok(None)) => {
                self.received = None;
                return Ok(None);
            }
            Ok(Err(error)) => {
                self.received = None;
                return Err(failure::translate(&error, self.idle_timeout));
            }
            Err(_) => {
                self.received = None;
                return Err(failure::timed_out(self.idle_timeout));
            }
        };
        let piece = self.join_what_is_here(first);
        self.taken_bytes += piece.len() as u64;
        if let Err(error) = self.check(self.taken_bytes) {
            self.received = None;
            return Err(error);
        }
        Ok(Some(piece))
    }

    fn join_what_is_here(&mut self, first: Bytes) -> Bytes {
        let Some(received) = &mut self.received else {
            return first;
        };
        let mut joined: Option<BytesMut> = None;
        while joined.as_ref().map_or(first.len(), BytesMut::len) < PIECE_BYTES {
            match received.chunk().now_or_never() {
                Some(Ok(Some(more))) => joined
                    .get_or_insert_with(|| BytesMut::from(&*first))
                    .extend_from_slice(&more),
                Some(Ok(None)) => {
                    self.received = None;
                    break;
                }
                Some(Err(error)) => {
                    self.failure = Some(failure::translate(&error, self.idle_timeout));
                    break;
                }
                None => break,
            }
        }
        joined.map_or(first, BytesMut::freeze)
    }

    fn check(&self, bytes: u64) -> Result<()> {
        match self.limit_bytes {
            Some(limit_bytes) if bytes > limit_bytes => {
                Err(Error::ResponseTooLarge { limit_bytes })
            }
            _ => Ok(()),
        }
    }
}
