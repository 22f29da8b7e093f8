//! Speaking to the server: with a proof of the key where there is one, and once more where the proof lacked its nonce.
#![forbid(unsafe_code)]

use super::Oidc;
use super::private::{Private, stored_key};
use crate::http::{HeaderMap, HttpClient, Method, Request, Response, Url};
use crate::oauth::{DpopKey, Expected, Jws, Proof};
use crate::provider::token_answer::{Claims, TokenAnswer};
use crate::provider::{Context, Credentials, Grant, User, check_served, safe_reason};
use crate::{Error, Result};
use serde::Deserialize;
use std::sync::atomic::Ordering;

/// What a token endpoint's answer is measured by.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    pub(super) key: Option<&'a DpopKey>,
    /// Whether an ID token was asked for.
    pub(super) openid: bool,
    pub(super) nonce: Option<&'a str>,
    pub(super) subject: Option<&'a str>,
    pub(super) max_age_s: Option<u64>,
    pub(super) acr_values: &'a [String],
}

impl Oidc {
    /// Posts a form, with the client's identifier.
    ///
    /// # Errors
    /// Those of [`HttpClient::send`], `ERR_RATE_LIMITED`, `ERR_SERVER`.
    pub(super) async fn post(
        &self,
        cx: &Context<'_>,
        url: &Url,
        fields: &[(&str, &str)],
        key: Option<&DpopKey>,
    ) -> Result<Response> {
        let encoded = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .append_pair("client_id", &self.client_id)
            .finish();
        let mut request = Request::new(Method::POST, url.clone());
        request.form(encoded);
        let sent = self.send(cx.http, cx.now_ms, request, |headers| match key {
            Some(key) => self.prove(headers, key, &Method::POST, url, None, cx.now_ms),
            None => Ok(()),
        });
        let response = sent.await?;
        check_served(&response)?;
        Ok(response)
    }

    /// Sends a request, and once more if the server only wanted another nonce: then it has not done anything yet (RFC 9449
    /// section 8).
    async fn send(
        &self,
        http: &HttpClient,
        now_ms: u64,
        request: Request,
        authorize: impl Fn(&mut HeaderMap) -> Result<()>,
    ) -> Result<Response> {
        let attempt = async || {
            let mut request = request.clone();
            authorize(&mut request.headers)?;
            let response = http.send(request).await?;
            let ahead_ms = response.server_now_ms(now_ms).wrapping_sub(now_ms);
            self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
            Ok::<_, Error>(response)
        };
        let first = attempt().await?;
        let (status, headers) = (first.status, &first.headers);
        if self
            .nonces
            .learn(&request.url, status, headers, &first.body)
        {
            return attempt().await;
        }
        Ok(first)
    }

    /// Adds a proof of `key`, and with it the access token that it is for.
    pub(super) fn prove(
        &self,
        headers: &mut HeaderMap,
        key: &DpopKey,
        method: &Method,
        url: &Url,
        access_token: Option<&str>,
        now_ms: u64,
    ) -> Result<()> {
        let nonce = self.nonces.at(url);
        let proof = Proof {
            method,
            url,
            nonce: nonce.as_deref(),
            access_token,
            // A proof from the past or the future is refused: the server's clock is the one that counts.
            now_ms: now_ms.wrapping_add(self.ahead_ms.load(Ordering::Relaxed)),
        };
        key.authorize(headers, &proof)
    }

    /// The grant in a token endpoint's answer, once all that was asked for holds.
    ///
    /// # Errors
    /// `ERR_SIGN_IN_REJECTED`, `ERR_ID_TOKEN_INVALID`, `ERR_UNEXPECTED_RESPONSE`, and what kept the server from showing its keys.
    pub(super) async fn granted(
        &self,
        cx: &Context<'_>,
        response: &Response,
        wanted: &Wanted<'_>,
    ) -> Result<Grant> {
        if !response.status.is_success() {
            return Err(rejected(response)?);
        }
        let answer = TokenAnswer::parse(&response.body)?;
        check_bound(&answer, wanted.key)?;
        let said = match answer.id_token() {
            Some(token) if wanted.openid => {
                self.verify(cx, response, token, answer.access_token(), wanted)
                    .await?;
                answer.id_claims().map(User::from)
            }
            None if wanted.openid => return Err(Error::IdTokenInvalid("there is none")),
            _ => None,
        };
        let private = Private {
            id_token: answer
                .id_token()
                .filter(|_| wanted.openid)
                .map(|token| token.to_owned().into()),
            dpop_key: stored_key(wanted.key),
        };
        let told = answer.subject();
        let credentials = Credentials {
            private: Some(private.seal()?),
            ..answer.into_credentials(None, cx.now_ms)
        };
        let user = self
            .person(cx, &credentials, wanted.key, said, told)
            .await?;
        Ok(Grant { credentials, user })
    }

    /// Who the grant is for: the ID token says, and the userinfo endpoint what that leaves out. A server without ID tokens has
    /// the one or the other way to tell.
    async fn person(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        key: Option<&DpopKey>,
        said: Option<User>,
        told: Option<User>,
    ) -> Result<User> {
        let is_whole = |user: &User| user.email.is_some() && user.name.is_some();
        let has_userinfo = self.metadata(cx.http).await?.userinfo.is_some();
        match said {
            Some(user) if is_whole(&user) || !has_userinfo => Ok(user),
            Some(user) => match self.userinfo(cx, credentials, key).await {
                Ok(more) if more.id == user.id => Ok(merge(user, &more)),
                // OpenID Connect Core 1.0 section 5.3.2: claims about somebody else must not be used.
                Ok(_) => Err(Error::UnexpectedResponse(
                    "userinfo speaks of another person",
                )),
                // The person is known. What else there is to know may be missing.
                Err(_) => Ok(user),
            },
            None if has_userinfo => self.userinfo(cx, credentials, key).await,
            None => told.ok_or(Error::UnexpectedResponse("nothing says who signed in")),
        }
    }

    /// Checks the ID token that came with an access token.
    async fn verify(
        &self,
        cx: &Context<'_>,
        response: &Response,
        token: &str,
        access_token: &str,
        wanted: &Wanted<'_>,
    ) -> Result<()> {
        let token = Jws::parse(token).map_err(Error::IdTokenInvalid)?;
        self.check(cx, response, &token, access_token, wanted)
            .await?;
        let keys = self.metadata(cx.http).await?.keys.as_ref();
        let keys = keys.ok_or(Error::IdTokenInvalid("the server shows no keys"))?;
        self.keys.verify(cx.http, keys, &token).await
    }

    /// Checks what an ID token says, and not who signed it.
    async fn check(
        &self,
        cx: &Context<'_>,
        response: &Response,
        token: &Jws<'_>,
        access_token: &str,
        wanted: &Wanted<'_>,
    ) -> Result<()> {
        let expected = Expected {
            issuer: &self.metadata(cx.http).await?.issuer,
            client_id: &self.client_id,
            nonce: wanted.nonce,
            subject: wanted.subject,
            max_age_s: wanted.max_age_s,
            acr_values: wanted.acr_values,
            access_token,
            now_ms: response.server_now_ms(cx.now_ms),
        };
        expected.check(token)
    }

    /// The grant in the answer to a refresh of `before`, the session of `user`.
    ///
    /// # Errors
    /// `ERR_ID_TOKEN_INVALID`, `ERR_UNEXPECTED_RESPONSE`.
    pub(super) async fn renewed(
        &self,
        cx: &Context<'_>,
        response: &Response,
        before: &Credentials,
        key: Option<&DpopKey>,
        user: &User,
    ) -> Result<Grant> {
        let answer = TokenAnswer::parse(&response.body)?;
        check_bound(&answer, key)?;
        let mut private = Private::of(before);
        let mut user = user.clone();
        if let Some(token) = answer.id_token() {
            // Another subject would be another session (OpenID Connect Core 1.0 section 12.2).
            let subject = user.id.clone();
            let wanted = Wanted {
                subject: Some(&subject),
                ..Wanted::default()
            };
            let parsed = Jws::parse(token).map_err(Error::IdTokenInvalid)?;
            self.check(cx, response, &parsed, answer.access_token(), &wanted)
                .await?;
            // Without its key what it says is not used. The tokens beside it are not stored yet, and wait for nothing.
            if let Some(verified) = self.keys.verify_at_hand(&parsed).await {
                verified?;
                let said = answer.id_claims().map(User::from);
                user = said.map_or(user.clone(), |said| merge(said, &user));
                private.id_token = Some(token.to_owned().into());
            }
        }
        let has_any = private.id_token.is_some() || private.dpop_key.is_some();
        Ok(Grant {
            credentials: Credentials {
                private: has_any.then(|| private.seal()).transpose()?,
                ..answer.into_credentials(Some(before), cx.now_ms)
            },
            user,
        })
    }

    /// Who the access token speaks for (OpenID Connect Core 1.0 section 5.3).
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` where the server has no such endpoint, `ERR_INVALID_CREDENTIALS`, `ERR_UNEXPECTED_RESPONSE`, and
    /// those of [`HttpClient::send`].
    pub(super) async fn userinfo(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        key: Option<&DpopKey>,
    ) -> Result<User> {
        let Some(url) = &self.metadata(cx.http).await?.userinfo else {
            return Err(Error::InvalidArgument(
                "user is missing, and the server has no userinfo endpoint to ask.".to_owned(),
            ));
        };
        let token = credentials.access_token.expose();
        let request = Request::new(Method::GET, url.clone());
        let sent = self.send(cx.http, cx.now_ms, request, |headers| match key {
            Some(key) => self.prove(headers, key, &Method::GET, url, Some(token), cx.now_ms),
            None => crate::http::authorize(headers, token),
        });
        let response = sent.await?;
        check_served(&response)?;
        if response.status == 401 {
            return Err(Error::InvalidCredentials);
        }
        serde_json::from_slice::<Claims>(&response.body)
            .map(User::from)
            .map_err(|_| Error::UnexpectedResponse("userinfo is not a list of claims"))
    }
}

/// A server that does not bind the token hands out one that serves whoever has it, which is not what was asked for.
fn check_bound(answer: &TokenAnswer, key: Option<&DpopKey>) -> Result<()> {
    if key.is_some() && !answer.is_of_type("DPoP") {
        return Err(Error::UnexpectedResponse(
            "the access token is not bound to our key",
        ));
    }
    Ok(())
}

/// What was said, and for what was not, what is known.
fn merge(said: User, known: &User) -> User {
    User {
        id: said.id,
        email: said.email.or_else(|| known.email.clone()),
        name: said.name.or_else(|| known.name.clone()),
        image: said.image.or_else(|| known.image.clone()),
        email_verified: said.email_verified.or(known.email_verified),
    }
}

/// The error for an answer that refuses.
///
/// # Errors
/// As for [`error_code`].
pub(super) fn rejected(response: &Response) -> Result<Error> {
    Ok(Error::SignInRejected {
        status: response.status.as_u16(),
        reason: shown(&error_code(response)?),
    })
}

/// A server's error code as it is shown.
pub(super) fn shown(code: &str) -> String {
    safe_reason(Some(&code.to_ascii_uppercase()))
}

/// The `error` of an answer that refuses (RFC 6749 section 5.2).
///
/// # Errors
/// `ERR_UNEXPECTED_RESPONSE`.
pub(super) fn error_code(response: &Response) -> Result<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    serde_json::from_slice::<Refusal>(&response.body)
        .map(|refusal| refusal.error)
        .map_err(|_| Error::UnexpectedResponse("a refusal that is not JSON"))
}
