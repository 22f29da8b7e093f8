//! Signing in in the system's browser, by the exchange of the official Electron plugin (`@better-auth/electron`): the page
//! hands the application a code in the fragment of its address, which the application redeems with its PKCE verifier.

use super::answers::read_grant;
use super::{Attempt, BetterAuth};
use crate::http::Url;
use crate::oauth::{Callback, Pkce, random_text};
use crate::provider::{Awaits, BrowserSignIn, Context, Pending, Step};
use crate::secret::SecretString;
use crate::{Error, Result};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

/// How long a person may take in the browser. The code they bring back from there lives five minutes.
const LIFETIME_MS: u64 = 30 * 60 * 1000;

/// What ends a sign-in in the browser.
#[derive(Serialize, Deserialize)]
pub(super) struct BrowserAttempt {
    state: String,
    verifier: Zeroizing<String>,
}

/// What the page puts into the fragment, as base64url of JSON.
#[derive(Deserialize)]
struct Token {
    identifier: Zeroizing<String>,
    state: String,
}

impl Token {
    fn decode(encoded: &str) -> Option<Self> {
        // Padding, and padding as it stands in a cookie, from where a person may have copied it.
        let encoded = encoded.trim_end_matches("%3D").trim_end_matches('=');
        let json = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?);
        serde_json::from_slice(&json).ok()
    }
}

impl BetterAuth {
    pub(super) fn begin_in_browser(&self, cx: &Context<'_>, asked: &BrowserSignIn) -> Result<Step> {
        // The code comes in a fragment, which a browser sends to no server: a port of this machine would never see it.
        if asked.loopback || asked.redirect_uri.is_some() {
            return Err(Error::NotSupported(
                "coming back to a port of this machine; set provider.redirectUri to an address of the application's own scheme",
            ));
        }
        let redirect_uri = self
            .redirect_uri
            .clone()
            .ok_or_else(|| missing("redirectUri"))?;
        let pkce = Pkce::new()?;
        let state = random_text()?.expose().to_owned();
        let mut url = match &asked.connection {
            Some(_) => self.route("/electron/init-oauth-proxy"),
            None => self
                .sign_in_url
                .clone()
                .ok_or_else(|| missing("signInUrl"))?,
        };
        {
            let mut query = url.query_pairs_mut();
            if let Some(connection) = &asked.connection {
                query.append_pair("provider", connection);
            }
            query
                .append_pair("client_id", &self.electron_client_id)
                .append_pair("code_challenge", &pkce.challenge)
                .append_pair("code_challenge_method", Pkce::METHOD)
                .append_pair("state", &state);
            let hints = [
                ("login_hint", &asked.login_hint),
                ("screen_hint", &asked.screen_hint),
                ("prompt", &asked.prompt),
            ];
            for (name, hint) in hints {
                if let Some(hint) = hint {
                    query.append_pair(name, hint);
                }
            }
        }
        let attempt = BrowserAttempt {
            state: state.clone(),
            verifier: Zeroizing::new(pkce.verifier.expose().to_owned()),
        };
        Ok(Step::Pending(Pending {
            awaits: Awaits::Browser {
                url: url.to_string(),
                redirect_uri,
                callback_state: state,
            },
            state: Attempt::Browser(attempt).seal()?,
            expires_at_ms: cx.now_ms.saturating_add(LIFETIME_MS),
        }))
    }

    /// Redeems the code. The server takes it once, and not again after a wrong state or verifier.
    pub(super) async fn finish_in_browser(
        &self,
        cx: &Context<'_>,
        attempt: &BrowserAttempt,
        callback: &Callback,
    ) -> Result<Step> {
        let identifier = identifier_of(callback, &attempt.state)?;
        let body = json!({
            "token": identifier.expose(),
            "state": attempt.state,
            "code_verifier": *attempt.verifier,
        });
        let response = cx.http.send(self.post("/electron/token", &body)).await?;
        let grant = read_grant(&response, true, cx.now_ms)?;
        self.confirm(cx, grant).await.map(Step::Complete)
    }
}

/// The state of the sign-in that a callback belongs to.
pub(super) fn state_of(callback: &Callback) -> Option<String> {
    match callback.fragment("token") {
        Some(token) => Token::decode(token).map(|token| token.state),
        // What a person pasted without the address around it.
        None => callback.get("state").map(str::to_owned),
    }
}

/// The code: in the fragment, or as the person pasted it, encoded or bare (`electron_authorization_code`).
fn identifier_of(callback: &Callback, state: &str) -> Result<SecretString> {
    let pasted = callback.get("code");
    let encoded = callback.fragment("token").or(pasted);
    match (encoded.and_then(Token::decode), pasted) {
        (Some(token), _) if token.state == state => {
            Ok(SecretString::new(token.identifier.as_str().to_owned()))
        }
        (None, Some(bare)) => Ok(SecretString::new(bare.to_owned())),
        (Some(_), _) => Err(Error::CallbackInvalid("it is of another sign-in")),
        (None, None) => Err(Error::CallbackInvalid("it holds no code")),
    }
}

/// Whether a callback came to `redirect_uri`. The official plugin writes `scheme://auth/callback` where RFC 8252 section 7.1
/// has `scheme:/auth/callback`, and takes both.
pub(super) fn is_at(callback: &Callback, redirect_uri: &str) -> bool {
    callback.is_at(redirect_uri)
        || Url::parse(redirect_uri).is_ok_and(|expected| {
            let came = callback.address();
            !matches!(expected.scheme(), "http" | "https")
                && came.scheme() == expected.scheme()
                && came.port().is_none()
                && whole_path(came) == whole_path(&expected)
        })
}

fn whole_path(url: &Url) -> String {
    match url.host_str() {
        Some(host) if !host.is_empty() => format!("/{host}{}", url.path()),
        _ => url.path().to_owned(),
    }
}

fn missing(option: &str) -> Error {
    Error::InvalidArgument(format!(
        "provider.{option} must be set to sign in in the browser."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(address: &str) -> Callback {
        Callback::parse(address).unwrap_or_else(|e| panic!("{address}: {e}"))
    }

    fn token(json: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(json)
    }

    #[test]
    fn a_callback_names_its_sign_in_in_the_fragment_only() {
        let good = token(r#"{"identifier":"code","state":"s"}"#);
        for suffix in ["", "=", "%3D%3D"] {
            let callback = came(&format!("app:/auth/callback#token={good}{suffix}"));
            assert_eq!(state_of(&callback).as_deref(), Some("s"), "{suffix}");
            let code = identifier_of(&callback, "s").unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(code.expose(), "code");
        }
        let stranger = came(&format!("app:/auth/callback#token={good}"));
        assert_eq!(
            identifier_of(&stranger, "t").err().map(|e| e.code()),
            Some("ERR_CALLBACK_INVALID")
        );
    }

    #[test]
    fn a_token_of_another_form_names_no_sign_in() {
        for bad in [
            "",
            "x",
            "%7B%7D",
            &token("null"),
            &token("{}"),
            &token(r#"{"identifier":"code"}"#),
            &token(r#"{"identifier":1,"state":"s"}"#),
            &token(r#"{"identifier":"code","state":["s"]}"#),
        ] {
            // The query of such a callback is not looked at.
            let callback = came(&format!("app:/auth/callback?state=s#token={bad}"));
            assert_eq!(state_of(&callback), None, "{bad}");
        }
        assert_eq!(state_of(&came("app:/auth/callback")), None);
        assert!(identifier_of(&came("app:/auth/callback"), "s").is_err());
    }

    #[test]
    fn a_person_may_paste_the_code_bare_or_as_the_page_has_it() {
        let encoded = token(r#"{"identifier":"code","state":"s"}"#);
        let as_in_a_cookie = format!("{encoded}%3D");
        for pasted in ["code", &encoded, &as_in_a_cookie] {
            let callback = Callback::pasted(pasted, "app:/auth/callback", "s");
            let callback = callback.unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(state_of(&callback).as_deref(), Some("s"));
            let code = identifier_of(&callback, "s").unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(code.expose(), "code");
        }
    }

    #[test]
    fn both_spellings_of_the_redirect_address_are_the_same() {
        let at = |came_to: &str, expected: &str| is_at(&came(came_to), expected);
        assert!(at("app://auth/callback#x", "app:/auth/callback"));
        assert!(at("app:/auth/callback#x", "app://auth/callback"));
        assert!(at("app:/auth/callback", "app:/auth/callback"));
        assert!(!at("app://auth/callback2", "app:/auth/callback"));
        assert!(!at("app://auth:1/callback", "app:/auth/callback"));
        assert!(!at("app2://auth/callback", "app:/auth/callback"));
        assert!(!at("https://auth/callback", "https://callback/auth"));
    }
}
