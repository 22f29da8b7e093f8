//! A listener on this machine that the browser comes back to (RFC 8252 section 7.3), where no private scheme can be
//! registered, or the system does not pass it on.
//!
//! Every program and every page on this machine can send something here. A request that is not the callback is answered
//! 404 and changes nothing; whether a callback answers a sign-in, its `state` tells, and that is not looked at here.
#![forbid(unsafe_code)]

use super::Callback;
use crate::{Error, Result};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::fmt;
use std::future::Future;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The largest head of a request, in bytes. A browser sends what cookies other programs on this address have set.
const MOST_HEAD_BYTES: usize = 64 * 1024;
/// How long a connection may take for its request, and for its answer. A browser opens some that it never uses.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most connections at once. Further ones wait.
const MOST_CONNECTIONS: usize = 32;
/// How long to wait after a connection that could not be taken: the process is out of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// A listener on 127.0.0.1, on a port that the system chose. Dropped, it is closed.
pub struct Loopback {
    listener: TcpListener,
    site: Site,
    connections: FuturesUnordered<Connection>,
}

type Connection = Pin<Box<dyn Future<Output = Option<Callback>> + Send>>;

/// What is served here.
#[derive(Debug, Clone)]
struct Site {
    /// `127.0.0.1:port`
    authority: String,
    path: String,
}

impl Loopback {
    /// Listens for callbacks on `path`, such as `/callback`, which must be the one that the server knows: only the port may
    /// differ there (RFC 8252 section 7.3).
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for a path that is none; `ERR_NETWORK` when the system gives no port.
    pub async fn bind(path: &str) -> Result<Self> {
        let is_path = path.starts_with('/')
            && path
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"?#%\\\"<>".contains(&b));
        if !is_path {
            return Err(Error::InvalidArgument(
                "The path of a loopback redirect must begin with '/' and need no escapes."
                    .to_owned(),
            ));
        }
        let failed = |_| Error::Network {
            reason: "no port on this machine",
            sent: false,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(failed)?;
        let authority = listener.local_addr().map_err(failed)?.to_string();
        Ok(Self {
            listener,
            site: Site {
                authority,
                path: path.to_owned(),
            },
            connections: FuturesUnordered::new(),
        })
    }

    /// Where the browser comes back to: `http://127.0.0.1:port/path`.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("http://{}{}", self.site.authority, self.site.path)
    }

    /// Waits for the next callback. By then the browser shows a page that says the window can be closed. The future may be
    /// dropped: a connection that is open then is served by the next call.
    pub async fn accept(&mut self) -> Callback {
        loop {
            let has_room = self.connections.len() < MOST_CONNECTIONS;
            tokio::select! {
                Some(ended) = self.connections.next() => {
                    if let Some(callback) = ended {
                        return callback;
                    }
                }
                accepted = self.listener.accept(), if has_room => match accepted {
                    Ok((stream, _)) => self.connections.push(Box::pin(serve(stream, self.site.clone()))),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
            }
        }
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Loopback").field(&self.site).finish()
    }
}

/// Answers one request.
async fn serve(mut stream: TcpStream, site: Site) -> Option<Callback> {
    let head = tokio::time::timeout(PATIENCE, read_head(&mut stream)).await;
    let callback = site.callback_of(&head.ok()??);
    let answer = if callback.is_some() {
        CLOSE_THIS_WINDOW
    } else {
        NOT_FOUND
    };
    // Whether the browser takes the answer or not: the callback came.
    let _ = tokio::time::timeout(PATIENCE, async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    })
    .await;
    callback
}

/// The request up to the empty line, `None` when it is too long or the connection ends before.
async fn read_head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    const END: &[u8] = b"\r\n\r\n";
    let mut head = Vec::new();
    loop {
        let looked_at = head.len().saturating_sub(END.len());
        let read = stream.read_buf(&mut head).await.ok()?;
        if let Some(found) = memchr::memmem::find(&head[looked_at..], END) {
            head.truncate(looked_at + found);
            return Some(head);
        }
        if read == 0 || head.len() > MOST_HEAD_BYTES {
            return None;
        }
    }
}

impl Site {
    /// The callback that a request is: a GET of our path with parameters, meant for this host and not for a name that
    /// somebody lets point here.
    fn callback_of(&self, head: &[u8]) -> Option<Callback> {
        let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
        let target = lines
            .next()?
            .strip_prefix("GET ")?
            .strip_suffix(" HTTP/1.1")?;
        let mut hosts = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("host").then(|| value.trim())
        });
        if (hosts.next(), hosts.next()) != (Some(&self.authority), None) {
            return None;
        }
        let (path, query) = target.split_once('?')?;
        if path != self.path || query.is_empty() {
            return None;
        }
        Callback::parse(&format!("http://{}{target}", self.authority)).ok()
    }
}

macro_rules! answer {
    ($status:literal, $title:literal, $text:literal) => {
        concat!(
            "HTTP/1.1 ",
            $status,
            "\r\nContent-Type: text/html; charset=utf-8\r\n",
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n",
            "Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n",
            "Connection: close\r\n\r\n",
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">",
            "<title>", $title, "</title>",
            "<style>body{font:1.2rem system-ui,sans-serif;display:grid;place-items:center;height:90vh;color-scheme:light dark}</style>",
            "<p>", $text, "</p></html>"
        )
    };
}

/// Constant: nothing of a request is shown. Whether the sign-in succeeds is not known yet.
const CLOSE_THIS_WINDOW: &str = answer!(
    "200 OK",
    "Back to the app",
    "You can close this window and go back to the app."
);
const NOT_FOUND: &str = answer!("404 Not Found", "Not found", "There is nothing here.");

#[cfg(test)]
mod tests {
    use super::*;

    async fn bound() -> Loopback {
        let bound = Loopback::bind("/cb").await;
        bound.unwrap_or_else(|e| panic!("{e}"))
    }

    async fn connect(site: &Site) -> TcpStream {
        let connected = TcpStream::connect(&site.authority).await;
        connected.unwrap_or_else(|e| panic!("{e}"))
    }

    /// Sends a request as it is, and reads the whole answer.
    async fn send(site: &Site, request: &str) -> String {
        let mut stream = connect(site).await;
        let mut answer = String::new();
        let sent = stream.write_all(request.as_bytes()).await;
        sent.unwrap_or_else(|e| panic!("{e}"));
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    fn get(site: &Site, target: &str) -> String {
        format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", site.authority)
    }

    #[tokio::test]
    async fn the_browser_comes_back_and_is_told_to_close_the_window() {
        let mut loopback = bound().await;
        let site = loopback.site.clone();
        let request = get(&site, "/cb?code=canary&state=s");
        let (callback, answer) = tokio::join!(loopback.accept(), send(&site, &request));
        assert_eq!(callback.get("code"), Some("canary"));
        assert!(callback.is_at(&loopback.redirect_uri()));
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("Connection: close") && answer.contains("close this window"));
        assert!(!answer.contains("canary"));
    }

    #[tokio::test]
    async fn what_is_not_the_callback_is_not_found_and_the_wait_goes_on() {
        let mut loopback = bound().await;
        let site = loopback.site.clone();
        let host = &site.authority;
        let strangers = [
            get(&site, "/favicon.ico"),
            get(&site, "/"),
            get(&site, "/cb"),
            get(&site, "/cb?"),
            get(&site, "/cb/?code=1&state=s"),
            get(&site, "/cb?code=%ff"),
            get(&site, "/cb?code=1&code=2"),
            get(&site, "http://evil.test/cb?code=1"),
            get(&site, "//evil.test/cb?code=1"),
            format!("POST /cb?code=1 HTTP/1.1\r\nHost: {host}\r\n\r\n"),
            "GET /cb?code=1 HTTP/1.1\r\n\r\n".to_owned(),
            "GET /cb?code=1 HTTP/1.1\r\nHost: rebound.evil.test\r\n\r\n".to_owned(),
            format!("GET /cb?code=1 HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n"),
            "nonsense\r\n\r\n".to_owned(),
        ];
        let browser = async {
            for stranger in &strangers {
                let answer = send(&site, stranger).await;
                assert!(answer.starts_with("HTTP/1.1 404 "), "{stranger}{answer}");
            }
            send(&site, &get(&site, "/cb?code=1")).await
        };
        let (callback, _) = tokio::join!(loopback.accept(), browser);
        assert_eq!(callback.get("code"), Some("1"));
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_or_too_much_keeps_nobody_waiting() {
        let mut loopback = bound().await;
        let site = loopback.site.clone();
        let browser = async {
            let _silent = connect(&site).await;
            let endless = "x".repeat(2 * MOST_HEAD_BYTES);
            let mut rude = connect(&site).await;
            let _ = rude.write_all(endless.as_bytes()).await;
            send(&site, &get(&site, "/cb?code=1")).await
        };
        let (callback, _) = tokio::join!(loopback.accept(), browser);
        assert_eq!(callback.get("code"), Some("1"));
    }

    #[tokio::test]
    async fn the_answer_stays_here_when_the_one_who_waits_gives_up_for_a_moment() {
        let mut loopback = bound().await;
        let site = loopback.site.clone();
        let mut stream = connect(&site).await;
        let request = get(&site, "/cb?code=1");
        let (first, rest) = request.split_at(10);
        let _ = stream.write_all(first.as_bytes()).await;
        let waited = tokio::time::timeout(Duration::from_millis(50), loopback.accept()).await;
        assert!(waited.is_err());
        let _ = stream.write_all(rest.as_bytes()).await;
        assert_eq!(loopback.accept().await.get("code"), Some("1"));
    }

    #[tokio::test]
    async fn dropped_it_is_closed() {
        let loopback = bound().await;
        let site = loopback.site.clone();
        drop(loopback);
        assert!(TcpStream::connect(&site.authority).await.is_err());
    }

    #[tokio::test]
    async fn a_path_that_is_none_is_refused() {
        for bad in ["", "cb", "/cb?x", "/cb#x", "/c b", "/%2e"] {
            assert!(Loopback::bind(bad).await.is_err(), "{bad}");
        }
    }
}
