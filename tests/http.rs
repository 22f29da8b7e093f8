//! The HTTP client against servers that misbehave: what may have been sent, what is sent again, what is kept in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a failing test may panic"
)]

use electron_latchkey::Error;
use electron_latchkey::http::{
    Call, HttpClient, Method, Payload, Redirects, Request, Upload, parse_url,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const SOON: Duration = Duration::from_secs(5);

/// Answers each connection with `serve`; gives the origin and how many connections came.
async fn server<F, S>(serve: S) -> (String, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
    S: Fn(TcpStream) -> F + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream));
        }
    });
    (origin, count)
}

/// Reads up to the end of a request's header.
async fn read_header(stream: &mut TcpStream) -> String {
    let mut header = Vec::new();
    while !header.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => header.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(header).unwrap()
}

fn post(origin: &str) -> Request {
    Request {
        body: Some(b"{}".to_vec()),
        timeout: SOON,
        ..Request::new(Method::POST, parse_url(origin).unwrap())
    }
}

fn call(origin: &str, payload: Payload) -> Call {
    Call {
        payload,
        timeout: Duration::from_millis(300),
        max_response_bytes: None,
        ..Call::from(post(origin))
    }
}

#[tokio::test]
async fn what_was_never_sent_is_told_from_what_may_have_arrived() {
    let http = HttpClient::new();

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let error = http.send(post(&refused)).await.unwrap_err();
    assert!(
        matches!(error, Error::Network { sent: false, .. }),
        "{error:?}"
    );
    assert!(error.was_never_sent());

    let (plain, _) = server(async |mut stream: TcpStream| {
        let _ = stream
            .write_all(b"this is not TLS, and long enough to tell")
            .await;
    })
    .await;
    let error = http
        .send(post(&plain.replace("http:", "https:")))
        .await
        .unwrap_err();
    assert_eq!((error.code(), error.was_never_sent()), ("ERR_TLS", true));

    let (hangs_up, count) = server(async |mut stream: TcpStream| {
        read_header(&mut stream).await;
    })
    .await;
    let error = http.send(post(&hangs_up)).await.unwrap_err();
    assert!(
        matches!(error, Error::Network { sent: true, .. }),
        "{error:?}"
    );
    assert_eq!(count.load(Ordering::SeqCst), 1, "sent once");

    let (silent, _) = server(async |stream: TcpStream| {
        tokio::time::sleep(SOON).await;
        drop(stream);
    })
    .await;
    let request = Request {
        timeout: Duration::from_millis(100),
        ..post(&silent)
    };
    let error = http.send(request).await.unwrap_err();
    assert_eq!(
        error,
        Error::Timeout {
            timeout_ms: 100,
            sent: true
        }
    );
}

#[tokio::test]
async fn a_post_on_a_kept_connection_that_breaks_is_not_repeated() {
    let posts = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&posts);
    let (origin, connections) = server(move |mut stream: TcpStream| {
        let seen = Arc::clone(&seen);
        async move {
            read_header(&mut stream).await;
            let mut body = [0; 2];
            let _ = stream.read_exact(&mut body).await;
            let _ = stream.write_all(OK).await;
            // The second request on this connection is read, and gets no answer.
            if read_header(&mut stream).await.starts_with("POST") {
                seen.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let http = HttpClient::new();
    assert_eq!(http.send(post(&origin)).await.unwrap().body, b"ok");
    let error = http.send(post(&origin)).await.unwrap_err();
    assert!(
        matches!(error, Error::Network { sent: true, .. }),
        "{error:?}"
    );
    assert_eq!(posts.load(Ordering::SeqCst), 1);
    assert_eq!(connections.load(Ordering::SeqCst), 1, "no second try");
}

#[tokio::test]
async fn a_redirect_stays_within_the_origin_and_changes_the_method_as_browsers_do() {
    let (origin, _) = server(async |mut stream: TcpStream| {
        let header = read_header(&mut stream).await;
        let path = header.split(' ').nth(1).unwrap();
        let answer = match path {
            "/307" => "HTTP/1.1 307 x\r\nlocation: /end\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned(),
            "/302" => "HTTP/1.1 302 x\r\nlocation: /end\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned(),
            "/away" => {
                "HTTP/1.1 302 x\r\nlocation: http://example.com/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
                    .to_owned()
            }
            _ => {
                let method = header.split(' ').next().unwrap();
                let length = method.len();
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{method}")
            }
        };
        let _ = stream.write_all(answer.as_bytes()).await;
        // A request's body may still lie unread, and closing would then reset the connection.
        let _ = timeout(SOON, stream.read_to_end(&mut Vec::new())).await;
    })
    .await;
    let http = HttpClient::new();
    let send = async |path: &str, redirects| {
        let call = Call {
            redirects,
            ..call(&format!("{origin}{path}"), Payload::Bytes("{}".into()))
        };
        http.send_whole(call).await
    };
    let kept = send("/307", Redirects::Follow).await.unwrap();
    assert_eq!((&*kept.body, kept.redirected), (&b"POST"[..], true));
    assert_eq!(kept.url.path(), "/end");
    let changed = send("/302", Redirects::Follow).await.unwrap();
    assert_eq!(changed.body, b"GET");
    let given = send("/302", Redirects::Return).await.unwrap();
    assert_eq!((given.status.as_u16(), given.redirected), (302, false));
    let refused = send("/302", Redirects::Refuse).await.unwrap_err();
    assert_eq!(refused.code(), "ERR_NETWORK");
    let away = send("/away", Redirects::Follow).await.unwrap_err();
    assert_eq!(
        away,
        Error::OriginNotAllowed("http://example.com".to_owned())
    );

    let (writer, upload) = Upload::new(None);
    writer.end().await;
    let streamed = call(&format!("{origin}/307"), Payload::Stream(upload));
    let error = http.start(streamed).await.unwrap_err();
    assert_eq!(error.code(), "ERR_NETWORK");
}

#[tokio::test]
async fn a_streamed_body_is_timed_by_the_server_and_not_by_the_application() {
    let (echo, _) = server(async |mut stream: TcpStream| {
        read_header(&mut stream).await;
        let mut body = Vec::new();
        while !body.ends_with(b"0\r\n\r\n") {
            body.push(stream.read_u8().await.unwrap());
        }
        let _ = stream.write_all(OK).await;
    })
    .await;
    let http = HttpClient::new();
    let (writer, upload) = Upload::new(None);
    let started = http.start(call(&echo, Payload::Stream(upload)));
    let writing = async {
        // Longer than the time-out, which is the server's.
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert!(writer.write("piece".into()).await);
        }
        writer.end().await;
    };
    let (answer, ()) = tokio::join!(started, writing);
    assert_eq!(answer.unwrap().status, 200);

    let (deaf, _) = server(async |stream: TcpStream| {
        tokio::time::sleep(SOON).await;
        drop(stream);
    })
    .await;
    let (writer, upload) = Upload::new(None);
    let started = http.start(call(&deaf, Payload::Stream(upload)));
    let writing = async {
        let mut taken = 0;
        while writer.write(vec![0; 64 * 1024].into()).await {
            taken += 64 * 1024;
        }
        taken
    };
    let (answer, taken) = tokio::join!(started, writing);
    assert_eq!(answer.unwrap_err().code(), "ERR_TIMEOUT");
    // What the sockets' buffers hold, which the kernel bounds.
    assert!(taken < 16 * 1024 * 1024, "{taken}");
}

#[tokio::test]
async fn a_streamed_body_must_be_complete_and_as_long_as_announced() {
    let whole = Arc::new(AtomicUsize::new(0));
    let ended = Arc::clone(&whole);
    let (origin, _) = server(move |mut stream: TcpStream| {
        let ended = Arc::clone(&ended);
        async move {
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all).await;
            if all.ends_with(b"0\r\n\r\n") {
                ended.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let http = HttpClient::new();
    let send = async |length, pieces: &[&'static str], end: bool| {
        let (writer, upload) = Upload::new(length);
        let call = Call {
            timeout: SOON,
            ..call(&origin, Payload::Stream(upload))
        };
        let writing = async move {
            for piece in pieces {
                writer.write((*piece).into()).await;
            }
            if end {
                writer.end().await;
            }
        };
        let (answer, ()) = tokio::join!(http.start(call), writing);
        answer.unwrap_err().code()
    };
    assert_eq!(send(None, &["a"], false).await, "ERR_ABORTED");
    assert_eq!(send(Some(3), &["ab"], true).await, "ERR_INVALID_ARGUMENT");
    assert_eq!(send(Some(1), &["ab"], true).await, "ERR_INVALID_ARGUMENT");
    assert_eq!(whole.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn nothing_is_read_that_nobody_asks_for_and_dropping_closes() {
    let sent = Arc::new(AtomicUsize::new(0));
    let closed = Arc::new(tokio::sync::Notify::new());
    let (counter, notify) = (Arc::clone(&sent), Arc::clone(&closed));
    let (origin, _) = server(move |mut stream: TcpStream| {
        let (counter, notify) = (Arc::clone(&counter), Arc::clone(&notify));
        async move {
            read_header(&mut stream).await;
            let header = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n";
            stream.write_all(header).await.unwrap();
            while stream.write_all(&[b'x'; 16 * 1024]).await.is_ok() {
                counter.fetch_add(16 * 1024, Ordering::SeqCst);
            }
            notify.notify_one();
        }
    })
    .await;
    let http = HttpClient::new();
    let mut answer = http.start(call(&origin, Payload::Empty)).await.unwrap();
    let first = answer.body.chunk().await.unwrap().unwrap();
    assert!(first.iter().all(|byte| *byte == b'x'));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let standing = sent.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(sent.load(Ordering::SeqCst), standing, "the server waits");
    assert!(standing < 16 * 1024 * 1024, "{standing}");
    drop(answer);
    timeout(SOON, closed.notified())
        .await
        .expect("the socket closes");
}

#[tokio::test]
async fn a_body_that_is_too_large_silent_or_cut_off_is_an_error() {
    let (origin, _) = server(async |mut stream: TcpStream| {
        let header = read_header(&mut stream).await;
        let answer: &[u8] = match header.split(' ').nth(1).unwrap() {
            "/announced" => b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world",
            "/chunked" => {
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n"
            }
            _ => b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello",
        };
        stream.write_all(answer).await.unwrap();
        if header.contains("/silent") {
            tokio::time::sleep(SOON).await;
        }
    })
    .await;
    let http = HttpClient::new();
    let read = async |path: &str, limit| {
        let call = Call {
            method: Method::GET,
            max_response_bytes: Some(limit),
            ..call(&format!("{origin}{path}"), Payload::Empty)
        };
        let mut answer = http.start(call).await?;
        let mut body = Vec::new();
        while let Some(piece) = answer.body.chunk().await? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    };
    for path in ["/announced", "/chunked"] {
        assert_eq!(read(path, 11).await, Ok(b"hello world".to_vec()));
        let error = Error::ResponseTooLarge { limit_bytes: 10 };
        assert_eq!(read(path, 10).await, Err(error));
    }
    assert_eq!(read("/cut", 11).await.unwrap_err().code(), "ERR_NETWORK");
    assert_eq!(read("/silent", 11).await.unwrap_err().code(), "ERR_TIMEOUT");
}
