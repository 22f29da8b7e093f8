//! Signing in through the system's browser: authorization code with PKCE, `state`, `nonce` and `iss` (RFC 8252, RFC 9700
//! section 2.1, OpenID Connect Core 1.0 section 3.1).
#![forbid(unsafe_code)]

use super::Oidc;
use super::discovery::Metadata;
use super::exchange::{Wanted, error_code, rejected, shown};
use super::private::{Begun, BegunInBrowser, restore_key, stored_key};
use crate::http::Url;
use crate::oauth::{Callback, Challenge, DpopKey, Pkce, random_text};
use crate::provider::{Awaits, BrowserSignIn, Context, Pending, Step};
use crate::{Error, Result};
use serde::Deserialize;
use std::collections::HashSet;

/// How long the person has. Pages that ask for a second factor or a new account take some minutes.
const PATIENCE_MS: u64 = 20 * 60 * 1000;

/// What is asked of the server, beside what makes the request ours.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    scope: String,
    prompt: Option<String>,
    max_age_s: Option<u64>,
    acr_values: Option<String>,
    claims: Option<String>,
}

impl Oidc {
    pub(super) async fn begin_in_browser(
        &self,
        cx: &Context<'_>,
        how: BrowserSignIn,
    ) -> Result<Step> {
        let redirect_uri = how.redirect_uri.as_ref().or(self.redirect_uri.as_ref());
        let redirect_uri = redirect_uri
            .ok_or_else(|| Error::InvalidArgument("provider.redirectUri is missing.".to_owned()))?;
        let asked = self.asked(&how);
        let openid = asks_for(&asked.scope, "openid");
        let metadata = self.metadata(cx.http).await?;
        let authorization = metadata.authorization.as_ref();
        let authorization = authorization.ok_or(Error::NotSupported("sign-in in the browser"))?;
        let key = self.new_key()?;
        let pkce = Pkce::new()?;
        let begun = BegunInBrowser {
            redirect_uri: redirect_uri.clone(),
            state: random_text()?.expose().to_owned(),
            nonce: openid
                .then(random_text)
                .transpose()?
                .map(|nonce| nonce.expose().to_owned()),
            verifier: pkce.verifier.expose().to_owned().into(),
            dpop_key: stored_key(key.as_ref()),
            max_age_s: asked.max_age_s,
            acr_values: asked.wanted_acr(),
            subject: cx
                .current
                .as_ref()
                .filter(|_| asked.is_step_up())
                .map(|current| current.user.id.clone()),
        };
        let parameters = self.parameters(&how, asked, &begun, &pkce, key.as_ref());
        let url = self
            .authorize_url(cx, metadata, authorization, &parameters)
            .await?;
        Ok(Step::Pending(Pending {
            awaits: Awaits::Browser {
                url: url.into(),
                redirect_uri: begun.redirect_uri.clone(),
                callback_state: begun.state.clone(),
            },
            state: Begun::Browser(begun).seal()?,
            expires_at_ms: cx.now_ms.saturating_add(PATIENCE_MS),
        }))
    }

    /// What is asked for: in the request's own words, else in those of the challenge it answers, else as always.
    fn asked(&self, how: &BrowserSignIn) -> Asked {
        let challenge = how.challenge.as_deref().map(Challenge::parse);
        let challenge = challenge.unwrap_or_default();
        let mut scope = how.scope.clone().unwrap_or_else(|| self.scope.clone());
        for more in challenge.scope.iter().flat_map(|more| more.split(' ')) {
            if !more.is_empty() && !asks_for(&scope, more) {
                scope = format!("{scope} {more}");
            }
        }
        // Without it no refresh token comes (OpenID Connect Core 1.0 section 11).
        let needs_consent = asks_for(&scope, "openid") && asks_for(&scope, "offline_access");
        let prompt = how.prompt.clone().or_else(|| self.prompt.clone());
        let prompt = prompt.or_else(|| needs_consent.then(|| "consent".to_owned()));
        Asked {
            scope,
            prompt: prompt.filter(|prompt| !prompt.is_empty()),
            max_age_s: how.max_age_s.or(challenge.max_age_s),
            acr_values: how.acr_values.clone().or(challenge.acr_values),
            claims: challenge.claims,
        }
    }

    fn parameters(
        &self,
        how: &BrowserSignIn,
        asked: Asked,
        begun: &BegunInBrowser,
        pkce: &Pkce,
        key: Option<&DpopKey>,
    ) -> Vec<(&'static str, String)> {
        let always = [
            ("response_type", "code".to_owned()),
            ("redirect_uri", begun.redirect_uri.clone()),
            ("state", begun.state.clone()),
            ("code_challenge", pkce.challenge.clone()),
            ("code_challenge_method", Pkce::METHOD.to_owned()),
        ];
        let sometimes = [
            ("scope", Some(asked.scope).filter(|scope| !scope.is_empty())),
            ("nonce", begun.nonce.clone()),
            ("prompt", asked.prompt),
            (
                "max_age",
                asked.max_age_s.map(|seconds| seconds.to_string()),
            ),
            ("acr_values", asked.acr_values),
            ("claims", asked.claims),
            ("login_hint", how.login_hint.clone()),
            // Of no specification, but by these names with those who have them.
            ("connection", how.connection.clone()),
            ("organization", how.organization.clone()),
            ("domain_hint", how.domain_hint.clone()),
            ("screen_hint", how.screen_hint.clone()),
            ("audience", self.audience.clone()),
            ("dpop_jkt", key.map(DpopKey::thumbprint)),
        ];
        let sometimes = sometimes.into_iter();
        let given = sometimes.filter_map(|(name, value)| Some((name, value?)));
        always.into_iter().chain(given).collect()
    }

    /// What the browser opens. Announced to the server first where it takes that (RFC 9126), so that nothing on the way can
    /// read or change it.
    async fn authorize_url(
        &self,
        cx: &Context<'_>,
        metadata: &Metadata,
        authorization: &Url,
        parameters: &[(&'static str, String)],
    ) -> Result<Url> {
        let mut url = authorization.clone();
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id);
        if let Some(endpoint) = &metadata.pushed_authorization {
            match self.push(cx, endpoint, parameters).await {
                Ok(request_uri) => {
                    url.query_pairs_mut()
                        .append_pair("request_uri", &request_uri);
                    return Ok(url);
                }
                // Some offer it to other kinds of clients only.
                Err(Error::SignInRejected { .. }) if !metadata.requires_push => {}
                Err(error) => return Err(error),
            }
        }
        url.query_pairs_mut().extend_pairs(parameters);
        Ok(url)
    }

    async fn push(
        &self,
        cx: &Context<'_>,
        endpoint: &Url,
        parameters: &[(&'static str, String)],
    ) -> Result<String> {
        #[derive(Deserialize)]
        struct Pushed {
            request_uri: String,
        }
        let fields: Vec<_> = parameters
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let response = self.post(cx, endpoint, &fields, None).await?;
        if !response.status.is_success() {
            return Err(rejected(&response)?);
        }
        serde_json::from_slice::<Pushed>(&response.body)
            .map(|pushed| pushed.request_uri)
            .map_err(|_| Error::UnexpectedResponse("no request_uri in the answer"))
    }

    /// The browser came back.
    pub(super) async fn finish_in_browser(
        &self,
        cx: &Context<'_>,
        begun: &BegunInBrowser,
        callback: &Callback,
    ) -> Result<Step> {
        if !callback.is_at(&begun.redirect_uri) || callback.get("state") != Some(&begun.state) {
            return Err(Error::CallbackInvalid("it is of another sign-in"));
        }
        let metadata = self.metadata(cx.http).await?;
        // RFC 9207 section 2.4: an answer of another server must not have our code sent to it, or its to ours.
        match callback.get("iss") {
            Some(issuer) if issuer == metadata.issuer => {}
            Some(_) => return Err(Error::CallbackInvalid("it is from another server")),
            // A person pasted the code alone. PKCE ties it to this sign-in.
            None if callback.is_bare() => {}
            None if metadata.names_issuer => {
                return Err(Error::CallbackInvalid("it does not say from which server"));
            }
            None => {}
        }
        if let Some(code) = callback.get("error") {
            return Err(Error::AccessDenied(shown(code)));
        }
        let code = callback.get("code").filter(|code| !code.is_empty());
        let code = code.ok_or(Error::CallbackInvalid("it has no code"))?;
        let key = restore_key(begun.dpop_key.as_ref())?;
        if begun.nonce.is_some() {
            self.load_keys(cx.http).await?;
        }
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &begun.redirect_uri),
            ("code_verifier", &begun.verifier),
        ];
        let response = self
            .post(cx, &metadata.token, &fields, key.as_ref())
            .await?;
        if !response.status.is_success() && error_code(&response)? == "access_denied" {
            return Err(Error::AccessDenied(shown("access_denied")));
        }
        let wanted = Wanted {
            key: key.as_ref(),
            openid: begun.nonce.is_some(),
            nonce: begun.nonce.as_deref(),
            subject: begun.subject.as_deref(),
            max_age_s: begun.max_age_s,
            acr_values: &begun.acr_values,
        };
        let grant = self.granted(cx, &response, &wanted).await?;
        let known = cx.current.as_ref().map(|current| &current.user.id);
        // The same person's new grant and old one may be one grant to the server: revoking the old would end both.
        Ok(if known == Some(&grant.user.id) {
            Step::SteppedUp(grant)
        } else {
            Step::Complete(grant)
        })
    }
}

impl Asked {
    /// Whether the person at hand is to prove more, or anew, who they are.
    fn is_step_up(&self) -> bool {
        self.max_age_s.is_some() || self.acr_values.is_some() || self.claims.is_some()
    }

    /// One of these the ID token must say; empty: whatever it says.
    fn wanted_acr(&self) -> Vec<String> {
        let values = self.acr_values.iter().flat_map(|values| values.split(' '));
        let values = values.filter(|value| !value.is_empty()).map(str::to_owned);
        let claims = self.claims.as_deref().map(Challenge::essential_acr);
        let distinct: HashSet<String> = values.chain(claims.into_iter().flatten()).collect();
        distinct.into_iter().collect()
    }
}

pub(super) fn asks_for(scope: &str, word: &str) -> bool {
    scope.split(' ').any(|asked| asked == word)
}
