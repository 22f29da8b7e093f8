//! What is sent: nothing, bytes, or a stream that is written while it is sent.
#![forbid(unsafe_code)]

use crate::{Error, Result};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The body of a request.
#[derive(Debug, Default)]
pub enum Payload {
    /// None.
    #[default]
    Empty,
    /// Bytes in memory. They can be sent again.
    Bytes(Bytes),
    /// A stream. It can be sent once.
    Stream(Upload),
}

impl Payload {
    /// The same body once more, `None` for a stream.
    pub(super) fn again(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Bytes(bytes) => Some(Self::Bytes(bytes.clone())),
            Self::Stream(_) => None,
        }
    }

    pub(super) fn into_body(self) -> (Option<reqwest::Body>, Option<Progress>) {
        match self {
            Self::Empty => (None, None),
            Self::Bytes(bytes) => (Some(bytes.into()), None),
            Self::Stream(upload) => {
                let (turn, turns) = watch::channel(Turn::Server);
                let body = reqwest::Body::wrap(Sending { upload, turn });
                (Some(body), Some(Progress(turns)))
            }
        }
    }
}

enum Piece {
    Data(Bytes),
    End,
}

/// The reading end of a streamed body.
#[derive(Debug)]
pub struct Upload {
    pieces: mpsc::Receiver<Piece>,
    /// What is still to come, where the length was given.
    left: Option<u64>,
    ended: bool,
}

/// The writing end of a streamed body. Dropped before [`UploadWriter::end`], it breaks the request off: what was sent so far
/// must not pass for the whole.
#[derive(Debug, Clone)]
pub struct UploadWriter(mpsc::Sender<Piece>);

impl Upload {
    /// A streamed body of `length` bytes, or of any length. At most one piece waits between writer and connection.
    #[must_use]
    pub fn new(length: Option<u64>) -> (UploadWriter, Self) {
        let (writer, pieces) = mpsc::channel(1);
        let upload = Self {
            pieces,
            left: length,
            ended: false,
        };
        (UploadWriter(writer), upload)
    }

    /// Reads all of it into memory.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` beyond `max_bytes`; `ERR_ABORTED` when it breaks off.
    pub async fn collect(mut self, max_bytes: usize) -> Result<Vec<u8>> {
        let mut collected = Vec::new();
        loop {
            match self.pieces.recv().await {
                Some(Piece::Data(piece)) => collected.extend_from_slice(&piece),
                Some(Piece::End) => return Ok(collected),
                None => return Err(Error::Aborted),
            }
            if collected.len() > max_bytes {
                return Err(Error::InvalidArgument(format!(
                    "A body to the provider's own routes may have at most {max_bytes} bytes."
                )));
            }
        }
    }
}

impl UploadWriter {
    /// Hands over the next piece and waits until there is room for another. `false`: the request takes no more, since its
    /// answer is complete or it has failed.
    pub async fn write(&self, piece: Bytes) -> bool {
        // A piece of nothing would end a body in chunked coding.
        piece.is_empty() || self.0.send(Piece::Data(piece)).await.is_ok()
    }

    /// Says that the body is complete.
    pub async fn end(&self) {
        let _ = self.0.send(Piece::End).await;
    }
}

/// What is wrong with a streamed body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BrokenUpload {
    /// It has more bytes than were announced.
    #[error("the body is longer than its contentLength")]
    Longer,
    /// It has fewer bytes than were announced.
    #[error("the body is shorter than its contentLength")]
    Shorter,
    /// It was given up.
    #[error("the body broke off")]
    BrokenOff,
}

impl From<BrokenUpload> for Error {
    fn from(fault: BrokenUpload) -> Self {
        match fault {
            BrokenUpload::BrokenOff => Self::Aborted,
            _ => Self::InvalidArgument(format!("The request was broken off: {fault}.")),
        }
    }
}

/// Who holds things up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The server has not taken what it was given, or has not answered.
    Server,
    /// The application has not written.
    Application,
}

/// A streamed body on its way into the connection.
struct Sending {
    upload: Upload,
    turn: watch::Sender<Turn>,
}

impl Body for Sending {
    type Data = Bytes;
    type Error = BrokenUpload;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, BrokenUpload>>> {
        let this = &mut *self;
        if this.upload.ended {
            return Poll::Ready(None);
        }
        let polled = this.upload.pieces.poll_recv(context);
        let turn = if polled.is_pending() {
            Turn::Application
        } else {
            Turn::Server
        };
        // Also when it is the server's turn again: it has just taken something.
        this.turn.send_replace(turn);
        let piece = ready!(polled);
        let broken = |fault| Poll::Ready(Some(Err(fault)));
        match (piece, this.upload.left) {
            (Some(Piece::Data(piece)), left) => {
                let length = piece.len() as u64;
                if left.is_some_and(|left| length > left) {
                    return broken(BrokenUpload::Longer);
                }
                this.upload.left = left.map(|left| left - length);
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            (Some(Piece::End), None | Some(0)) => {
                this.upload.ended = true;
                Poll::Ready(None)
            }
            (Some(Piece::End), Some(_)) => broken(BrokenUpload::Shorter),
            (None, _) => broken(BrokenUpload::BrokenOff),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.upload.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.upload
            .left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Tells how a streamed body gets on.
#[derive(Debug)]
pub(super) struct Progress(watch::Receiver<Turn>);

impl Progress {
    /// Ends when the server has been asked for something and has not moved for `timeout`. A wait for the application's own
    /// stream does not count.
    pub(super) async fn stalled(progress: Option<Self>, timeout: Duration) {
        let Some(Self(mut turns)) = progress else {
            return tokio::time::sleep(timeout).await;
        };
        loop {
            let turn = *turns.borrow_and_update();
            tokio::select! {
                changed = turns.changed() => if changed.is_err() {
                    // All of it was taken: the answer is due.
                    return tokio::time::sleep(timeout).await;
                },
                () = tokio::time::sleep(timeout), if turn == Turn::Server => return,
            }
        }
    }
}
