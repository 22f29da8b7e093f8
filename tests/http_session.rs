//! A session's `fetch`: what is sent again after a 401, what is renewed before a stream is sent, what giving up leaves alone.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

use async_trait::async_trait;
use electron_latchkey::clock::ManualClock;
use electron_latchkey::http::{Method, Origin, Payload, Upload, Url, parse_url};
use electron_latchkey::keychain::MemoryKeychain;
use electron_latchkey::provider::{
    Context, Credentials, Grant, Identifier, Provider, Renewal, SignIn, Step, Switch, User,
};
use electron_latchkey::secret::SecretString;
use electron_latchkey::session::{Delivery, Exchange, FetchRequest, Session, SessionOptions};
use electron_latchkey::vault::{KeySource, Vault, VaultOptions};
use electron_latchkey::{Error, Result};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

const START: u64 = 1_700_000_000_000;
const MINUTE: u64 = 60_000;

/// A provider whose token is another one after each renewal, and which renews only when let.
#[derive(Debug)]
struct Rotating {
    base_url: Url,
    renewals: AtomicUsize,
    gate: Semaphore,
}

impl Rotating {
    fn grant(number: usize, now_ms: u64) -> Grant {
        Grant {
            credentials: Credentials {
                access_token: SecretString::new(format!("token-{number}-of-many")),
                refresh_token: None,
                expires_at_ms: Some(now_ms + MINUTE),
                confirmed_at_ms: now_ms,
                sliding: true,
                private: None,
            },
            user: User {
                id: "u1".to_owned(),
                email: None,
                name: None,
                image: None,
                email_verified: None,
            },
        }
    }
}

#[async_trait]
impl Provider for Rotating {
    fn identity(&self) -> String {
        "rotating".to_owned()
    }

    fn base_url(&self) -> &Url {
        &self.base_url
    }

    async fn sign_in(&self, cx: &Context<'_>, _: SignIn) -> Result<Step> {
        Ok(Step::Complete(Self::grant(0, cx.now_ms)))
    }

    async fn renew(
        &self,
        cx: &Context<'_>,
        _: &Credentials,
        _: &User,
        _: Option<&Switch>,
    ) -> Result<Renewal> {
        self.gate.acquire().await.unwrap().forget();
        let number = self.renewals.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Renewal::Renewed(Self::grant(number, cx.now_ms)))
    }

    async fn revoke(&self, _: &Context<'_>, _: &Credentials) -> Result<()> {
        Ok(())
    }
}

/// What reached the server: token and body of each request.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

struct Setup {
    session: Session,
    provider: Arc<Rotating>,
    clock: Arc<ManualClock>,
    url: Url,
    seen: Seen,
    _dir: TempDir,
}

/// A session with somebody signed in, and a server that takes only the token with `accepted` in it.
async fn setup(accepted: &'static str) -> Setup {
    let seen = Seen::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&log), accepted));
        }
    });
    let dir = TempDir::new().unwrap();
    let mut options = VaultOptions::new("com.example.test");
    options.path = Some(dir.path().to_owned());
    let vault = Vault::open(options, KeySource::keychain(MemoryKeychain::default())).unwrap();
    let provider = Arc::new(Rotating {
        base_url: Url::parse("https://auth.example.com/api").unwrap(),
        renewals: AtomicUsize::new(0),
        gate: Semaphore::new(Semaphore::MAX_PERMITS),
    });
    let clock = Arc::new(ManualClock::at(START));
    let session = Session::open(SessionOptions {
        clock: clock.clone(),
        allowed_origins: vec![Origin::parse(&origin).unwrap()],
        ..SessionOptions::new(vault, provider.clone())
    })
    .await
    .unwrap();
    let how = SignIn::Password {
        identifier: Identifier::Email("a@example.com".to_owned()),
        password: SecretString::new("right".to_owned()),
        remember_me: true,
    };
    session.sign_in(how).await.unwrap();
    Setup {
        session,
        provider,
        clock,
        url: parse_url(&origin).unwrap(),
        seen,
        _dir: dir,
    }
}

/// Answers requests with 200 or 401, and with the token that they came with.
async fn serve(stream: TcpStream, seen: Seen, accepted: &str) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut token, mut length) = (String::new(), None);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("authorization: bearer ") {
                value.clone_into(&mut token);
            } else if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().ok();
            } else if line == "transfer-encoding: chunked" {
                length = Some(usize::MAX);
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = Vec::new();
        match length {
            Some(usize::MAX) => {
                while !body.ends_with(b"0\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => body.push(byte),
                        Err(_) => return,
                    }
                }
            }
            Some(length) => {
                body.resize(length, 0);
                stream.read_exact(&mut body).await.unwrap();
            }
            None => {}
        }
        let body = String::from_utf8(body).unwrap();
        seen.lock().unwrap().push((token.clone(), body));
        let status = if token.contains(accepted) {
            "200 OK"
        } else {
            "401 Unauthorized"
        };
        let length = token.len();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{token}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

impl Setup {
    fn request(&self, payload: Payload) -> FetchRequest {
        FetchRequest {
            payload,
            ..FetchRequest::new(Method::POST, self.url.clone())
        }
    }

    fn tokens(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(token, _)| token.clone()).collect()
    }

    async fn streamed(&self, body: &'static str) -> (u16, Vec<u8>) {
        let (writer, upload) = Upload::new(None);
        let request = self.request(Payload::Stream(upload));
        let writing = async {
            writer.write(body.into()).await;
            writer.end().await;
        };
        let (answer, ()) = tokio::join!(self.session.fetch_streamed(request), writing);
        let mut answer = answer.unwrap();
        let body = answer.body.read_all().await.unwrap();
        (answer.status.as_u16(), body)
    }

    fn renewals(&self) -> usize {
        self.provider.renewals.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_body_in_memory_is_sent_again_with_the_new_token_and_neither_token_comes_back() {
    for delivery in [Delivery::Whole, Delivery::Streamed] {
        let setup = setup("token-1-").await;
        let request = Ok(setup.request(Payload::Bytes("body".into())));
        let exchange = Exchange::new(setup.session.clone(), request, delivery);
        let head = exchange.response().await.unwrap();
        assert_eq!(head.status, 200);
        let mut body = head.first;
        while let Some(piece) = exchange.read().await.unwrap() {
            body.extend(piece);
        }
        assert_eq!(body, b"*".repeat("token-1-of-many".len()));
        let sent = |token: &str| (token.to_owned(), "body".to_owned());
        assert_eq!(
            *setup.seen.lock().unwrap(),
            [sent("token-0-of-many"), sent("token-1-of-many")]
        );
        assert_eq!(setup.renewals(), 1);
    }
}

#[tokio::test]
async fn a_stream_gets_the_401_and_the_next_request_the_new_token() {
    let setup = setup("token-1-").await;
    let (status, body) = setup.streamed("stream").await;
    assert_eq!((status, body), (401, b"*".repeat("token-0-of-many".len())));
    assert_eq!(setup.tokens(), ["token-0-of-many"], "sent once");
    let status = loop {
        // The renewal that the 401 began, or what came of it.
        let token = setup.session.access_token(Duration::ZERO).await.unwrap();
        if token.expose() == "token-1-of-many" {
            break setup.streamed("stream").await.0;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((status, setup.renewals()), (200, 1));
}

#[tokio::test]
async fn a_token_that_is_due_is_renewed_before_a_stream_is_sent() {
    let setup = setup("token-1-").await;
    // In its last quarter: a request that can be sent again would be sent with it.
    setup.clock.advance(50_000);
    let (status, _) = setup.streamed("stream").await;
    assert_eq!(
        (status, setup.tokens()),
        (200, vec!["token-1-of-many".to_owned()])
    );
    assert_eq!(setup.seen.lock().unwrap()[0].1, "6\r\nstream\r\n0\r\n\r\n");
}

#[tokio::test]
async fn giving_up_leaves_the_renewal_to_those_who_wait() {
    let setup = setup("token-1-").await;
    setup.provider.gate.forget_permits(Semaphore::MAX_PERMITS);
    setup.clock.advance(2 * MINUTE);
    let request = || Ok(setup.request(Payload::Empty));
    let exchange = || Exchange::new(setup.session.clone(), request(), Delivery::Streamed);
    let (given_up, kept) = (exchange(), exchange());
    let cancelling = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        given_up.cancel();
    };
    let freed = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        setup.provider.gate.add_permits(1);
    };
    let (first, second, (), ()) =
        tokio::join!(given_up.response(), kept.response(), cancelling, freed);
    assert_eq!(first.unwrap_err(), Error::Aborted);
    assert_eq!(second.unwrap().status, 200);
    assert_eq!((setup.renewals(), setup.tokens().len()), (1, 1));
    assert_eq!(given_up.read().await.unwrap_err(), Error::Aborted);
    assert!(!given_up.write(vec![1]).await, "nothing is taken any more");
}

#[tokio::test]
async fn an_exchange_is_sent_once_and_not_after_it_was_cancelled() {
    let setup = setup("token-0-").await;
    let request = Ok(setup.request(Payload::Empty));
    let exchange = Exchange::new(setup.session.clone(), request, Delivery::Whole);
    assert_eq!(exchange.response().await.unwrap().status, 200);
    let error = exchange.response().await.unwrap_err();
    assert_eq!(error.code(), "ERR_INVALID_ARGUMENT");

    let request = Ok(setup.request(Payload::Empty));
    let cancelled = Exchange::new(setup.session.clone(), request, Delivery::Whole);
    cancelled.cancel();
    assert_eq!(cancelled.response().await.unwrap_err(), Error::Aborted);
    assert_eq!(setup.tokens().len(), 1);
}
