//! Clerk's Frontend API as native applications speak it: one request after the other, each answer's client token kept.
#![forbid(unsafe_code)]

use super::devices::Devices;
use crate::http::{Method, Origin, Request, Response, Url, parse_url};
use crate::provider::{Context, check_served, safe_reason};
use crate::{Error, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

/// The version of the API that this file speaks.
const API_VERSION: &str = "2026-05-12";

/// What the server says to a request it could work on: what was asked for, or why not.
pub(super) type Outcome<T> = Result<std::result::Result<Heard<T>, Refusal>>;

/// An answer that was read, and what is needed to tell the time by it.
#[derive(Debug)]
pub(super) struct Heard<T> {
    pub(super) answer: T,
    pub(super) response: Response,
}

/// Why a request was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// The server's code, such as `form_password_incorrect`; empty where it gave none.
    pub(super) code: String,
}

#[derive(Debug)]
pub(super) struct Fapi {
    base_url: Url,
    /// Each answer replaces the client token. Two requests at once would store two, the older one last.
    turn: Mutex<()>,
}

impl Fapi {
    /// `base_url`: the application's own proxy of the API, where it has one.
    pub(super) fn new(publishable_key: &str, base_url: Option<&str>) -> Result<Self> {
        let own = host_of(publishable_key)?;
        let mut base_url = base_url.map_or(Ok(own), parse_url)?;
        Origin::of(&base_url)?;
        base_url.set_query(None);
        base_url.set_fragment(None);
        let path = base_url.path().trim_end_matches('/').to_owned();
        base_url.set_path(&path);
        Ok(Self {
            base_url,
            turn: Mutex::new(()),
        })
    }

    pub(super) fn base_url(&self) -> &Url {
        &self.base_url
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        cx: &Context<'_>,
        device: &str,
        path: &str,
        query: &[(&str, &str)],
    ) -> Outcome<T> {
        let request = Request::new(Method::GET, self.url(path, query));
        self.exchange(cx, device, request).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        cx: &Context<'_>,
        device: &str,
        path: &str,
        query: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> Outcome<T> {
        let mut request = Request::new(Method::POST, self.url(path, query));
        request.form(encoded(fields));
        self.exchange(cx, device, request).await
    }

    /// Nothing is sent twice here: what a client may repeat, and when, is not for the wire to say.
    async fn exchange<T: DeserializeOwned>(
        &self,
        cx: &Context<'_>,
        device: &str,
        mut request: Request,
    ) -> Outcome<T> {
        let response = {
            let _in_this_process = self.turn.lock().await;
            let _among_all = cx.keep.exclusive().await?;
            let mut devices = Devices::load(cx.keep).await?;
            if let Some(token) = devices.token(device) {
                request.authorize(token)?;
            }
            let response = cx.http.send(request).await?;
            // Every answer brings one, refusals too (with or without the scheme's name).
            if let Some(token) = response.header("authorization") {
                let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
                if devices.renew(device, token) {
                    devices.store(cx.keep).await?;
                }
            }
            response
        };
        check_served(&response)?;
        if !response.status.is_success() {
            return Ok(Err(Refusal::read(&response)));
        }
        let answer = serde_json::from_slice(&response.body)
            .map_err(|_| Error::UnexpectedResponse("not what Clerk answers"))?;
        Ok(Ok(Heard { answer, response }))
    }

    /// Changes what is kept of the devices, if `edit` says that it did.
    pub(super) async fn edit_devices(
        &self,
        cx: &Context<'_>,
        edit: impl FnOnce(&mut Devices) -> bool + Send,
    ) -> Result<()> {
        let _in_this_process = self.turn.lock().await;
        let _among_all = cx.keep.exclusive().await?;
        let mut devices = Devices::load(cx.keep).await?;
        if edit(&mut devices) {
            devices.store(cx.keep).await?;
        }
        Ok(())
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base_url.clone();
        url.set_path(&format!(
            "{}/v1{path}",
            self.base_url.path().trim_end_matches('/')
        ));
        url.query_pairs_mut()
            .append_pair("_is_native", "1")
            .append_pair("__clerk_api_version", API_VERSION)
            .extend_pairs(query);
        url
    }
}

impl Refusal {
    fn read(response: &Response) -> Self {
        #[derive(Deserialize)]
        struct Answer {
            errors: Vec<Fault>,
        }
        #[derive(Deserialize)]
        struct Fault {
            code: String,
        }
        let errors = serde_json::from_slice::<Answer>(&response.body).map(|answer| answer.errors);
        let first = errors.ok().and_then(|errors| errors.into_iter().next());
        Self {
            status: response.status.as_u16(),
            code: first.map(|fault| fault.code).unwrap_or_default(),
        }
    }

    /// What it is to a caller who signs in or asks for something.
    pub(super) fn into_error(self) -> Error {
        match self.code.as_str() {
            "form_password_incorrect"
            | "form_identifier_not_found"
            | "form_password_or_identifier_incorrect" => Error::InvalidCredentials,
            // One that is outdated, or was never asked for, is a wrong one: another can be sent.
            "form_code_incorrect" | "verification_expired" | "verification_missing" => {
                Error::InvalidCode
            }
            "verification_failed" => Error::SignInExpired,
            "form_identifier_exists" => Error::UserExists,
            "form_password_length_too_short" => Error::WeakPassword("it is too short"),
            "form_password_length_too_long" => Error::WeakPassword("it is too long"),
            "form_password_pwned" => Error::WeakPassword("it is on a list of leaked passwords"),
            "form_password_not_strong_enough" => Error::WeakPassword("it is too easy to guess"),
            "session_reverification_required" => {
                Error::StepUpRequired("SESSION_REVERIFICATION_REQUIRED".to_owned())
            }
            code => Error::SignInRejected {
                status: self.status,
                reason: safe_reason(Some(&code.to_ascii_uppercase())),
            },
        }
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let mut encoded = url::form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(fields);
    encoded.finish()
}

/// The API's address, which a publishable key says: `pk_live_` or `pk_test_`, and base64 of the host with `$` behind it.
fn host_of(publishable_key: &str) -> Result<Url> {
    let encoded = ["pk_live_", "pk_test_"]
        .iter()
        .find_map(|prefix| publishable_key.strip_prefix(prefix));
    encoded
        .and_then(|encoded| {
            BASE64_STANDARD_NO_PAD
                .decode(encoded.trim_end_matches('='))
                .ok()
        })
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| {
            let host = text.strip_suffix('$')?;
            let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
            if !host.bytes().all(is_name) {
                return None;
            }
            let url = Url::parse(&format!("https://{host}")).ok()?;
            // Nothing but a host: no port, path, or user.
            (url.host_str() == Some(host) && url.domain().is_some()).then_some(url)
        })
        .ok_or_else(|| {
            Error::InvalidArgument(
                "provider.publishableKey must be the key that Clerk's dashboard shows, 'pk_live_…' or 'pk_test_…'."
                    .to_owned(),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(host: &str) -> String {
        format!(
            "pk_test_{}",
            base64::prelude::BASE64_STANDARD.encode(format!("{host}$"))
        )
    }

    #[test]
    fn a_publishable_key_says_where_the_api_is() {
        let url = |key: &str| host_of(key).map(|url| url.to_string());
        // The example of Clerk's own documentation.
        assert_eq!(
            url("pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk").as_deref(),
            Ok("https://foo-bar-13.clerk.accounts.dev/")
        );
        assert_eq!(
            url(&key("clerk.example.com")).as_deref(),
            Ok("https://clerk.example.com/")
        );
    }

    #[test]
    fn a_key_that_names_anything_but_a_host_is_refused() {
        for host in [
            "",
            "a.test/path",
            "user@a.test",
            "a.test:80",
            "a.test?x",
            "a b",
            "127.0.0.1",
            "a.test$",
        ] {
            let code = host_of(&key(host)).map_err(|error| error.code());
            assert_eq!(code.err(), Some("ERR_INVALID_ARGUMENT"), "{host}");
        }
        for wrong in ["", "pk_test_", "sk_live_Y2xlcmsuYS50ZXN0JA", "pk_live_!"] {
            let code = host_of(wrong).map_err(|error| error.code());
            assert_eq!(code.err(), Some("ERR_INVALID_ARGUMENT"), "{wrong}");
        }
    }
}
