//! A request that is driven from outside, piece by piece, and can be given up at any moment.
#![forbid(unsafe_code)]

use super::{FetchAnswer, FetchBody, FetchRequest, Source};
use crate::http::{Bytes, Payload, StatusCode, Upload, UploadWriter, Url};
use crate::session::Session;
use crate::{Error, Result};
use futures_util::FutureExt as _;
use reqwest::header::HeaderMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// How much of a body that is here together with its header goes out with it: most answers of an API, and then no further
/// call is needed.
const FIRST_BYTES: usize = 64 * 1024;

/// How much of the answer comes with its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// All of it; the time-out is then for the whole exchange.
    Whole,
    /// What is here; the rest is read piece by piece.
    Streamed,
}

/// The beginning of an answer.
#[derive(Debug)]
pub struct FetchHead {
    /// The status.
    pub status: StatusCode,
    /// Where the answer came from, after redirects.
    pub url: Url,
    /// Whether a redirect was followed.
    pub redirected: bool,
    /// Header fields, without cookies and tokens.
    pub headers: HeaderMap,
    /// The first bytes of the body.
    pub first: Vec<u8>,
    /// Whether that is all of it.
    pub complete: bool,
}

/// A request under way. Nothing is sent before [`Exchange::response`] is called.
#[derive(Debug)]
pub struct Exchange {
    session: Session,
    delivery: Delivery,
    request: Mutex<Option<Result<FetchRequest>>>,
    writer: Mutex<Option<UploadWriter>>,
    body: tokio::sync::Mutex<Option<FetchBody>>,
    cancelled: watch::Sender<bool>,
}

impl Exchange {
    /// An exchange for `request`; an error is what [`Exchange::response`] will give.
    #[must_use]
    pub fn new(session: Session, request: Result<FetchRequest>, delivery: Delivery) -> Self {
        Self {
            session,
            delivery,
            request: Mutex::new(Some(request)),
            writer: Mutex::new(None),
            body: tokio::sync::Mutex::new(None),
            cancelled: watch::Sender::new(false),
        }
    }

    /// As [`Exchange::new`], with a body of `length` bytes, or of any length, that is written with [`Exchange::write`].
    #[must_use]
    pub fn with_upload(
        session: Session,
        request: Result<FetchRequest>,
        delivery: Delivery,
        length: Option<u64>,
    ) -> Self {
        let (writer, upload) = Upload::new(length);
        let request = request.map(|request| FetchRequest {
            payload: Payload::Stream(upload),
            ..request
        });
        let exchange = Self::new(session, request, delivery);
        *lock(&exchange.writer) = Some(writer);
        exchange
    }

    /// Sends the request and waits for the answer's header.
    ///
    /// # Errors
    /// As for [`Session::fetch`]; `ERR_ABORTED` once it is cancelled; `ERR_INVALID_ARGUMENT` the second time.
    pub async fn response(&self) -> Result<FetchHead> {
        let request = lock(&self.request).take();
        if *self.cancelled.borrow() {
            return Err(Error::Aborted);
        }
        let Some(request) = request else {
            return Err(Error::InvalidArgument(
                "response() of an exchange may be called once.".to_owned(),
            ));
        };
        let answering = async {
            match self.delivery {
                Delivery::Whole => self.session.fetch_whole(request?).await,
                Delivery::Streamed => self.session.fetch_streamed(request?).await,
            }
        };
        let answer = self.unless_cancelled(answering).await;
        if answer.is_err() {
            // Nobody reads what would still be written.
            lock(&self.writer).take();
        }
        let FetchAnswer {
            status,
            url,
            redirected,
            headers,
            mut body,
        } = answer?;
        let (first, complete) = match self.delivery {
            Delivery::Whole => (self.unless_cancelled(body.read_all()).await?, true),
            Delivery::Streamed => first_bytes(&mut body).await,
        };
        if !complete {
            *self.body.lock().await = Some(body);
        }
        Ok(FetchHead {
            status,
            url,
            redirected,
            headers,
            first,
            complete,
        })
    }

    /// The next piece of the answer's body, `None` at its end.
    ///
    /// # Errors
    /// `ERR_NETWORK`, `ERR_TIMEOUT`, `ERR_RESPONSE_TOO_LARGE`, `ERR_ABORTED` once it is cancelled.
    pub async fn read(&self) -> Result<Option<Vec<u8>>> {
        let mut held = self.body.lock().await;
        let Some(body) = &mut *held else {
            return if *self.cancelled.borrow() {
                Err(Error::Aborted)
            } else {
                Ok(None)
            };
        };
        let read = self.unless_cancelled(body.chunk()).await;
        if !matches!(read, Ok(Some(_))) {
            *held = None;
        }
        read
    }

    /// Hands over the next piece of the request's body; ends when there is room for another. `false`: no more is taken.
    pub async fn write(&self, piece: Vec<u8>) -> bool {
        let writer = lock(&self.writer).clone();
        let Some(writer) = writer else {
            return false;
        };
        let writing = async { Ok(writer.write(Bytes::from(piece)).await) };
        self.unless_cancelled(writing).await.unwrap_or(false)
    }

    /// Says that the request's body is complete.
    pub async fn end(&self) {
        let writer = lock(&self.writer).take();
        if let Some(writer) = writer {
            let _ = self
                .unless_cancelled(async {
                    writer.end().await;
                    Ok(())
                })
                .await;
        }
    }

    /// Gives the exchange up: its connection is closed at once. A renewal that it waited for goes on, for others wait too.
    pub fn cancel(&self) {
        self.cancelled.send_replace(true);
        lock(&self.request).take();
        lock(&self.writer).take();
        // A read that is under way holds the lock, hears of it, and drops the body itself.
        if let Ok(mut body) = self.body.try_lock() {
            *body = None;
        }
    }

    async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut cancelled = self.cancelled.subscribe();
        tokio::select! {
            biased;
            _ = cancelled.wait_for(|cancelled| *cancelled) => Err(Error::Aborted),
            done = work => done,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing can panic while one of these is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What of a body comes without waiting for the network, and whether that is all.
async fn first_bytes(body: &mut FetchBody) -> (Vec<u8>, bool) {
    let mut first = Vec::new();
    // The connection's own task hands the body on when it gets its turn.
    for _ in 0..2 {
        while let Some(read) = body.chunk().now_or_never() {
            match read {
                Ok(Some(piece)) => first.extend_from_slice(&piece),
                Ok(None) => return (first, true),
                // The header is here, and is the answer: the body's trouble is told when the body is read.
                Err(error) => {
                    body.source = Source::Failed(error);
                    return (first, false);
                }
            }
            if first.len() >= FIRST_BYTES {
                return (first, false);
            }
        }
        tokio::task::yield_now().await;
    }
    (first, false)
}
