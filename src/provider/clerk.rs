//! Clerk, as a native application speaks with its Frontend API.
//!
//! Facts this file rests on, from Clerk's API description (2026-05-12) and from what `@clerk/clerk-js` 6.34.1 and
//! `@clerk/electron` send and read. Clerk offers no server to test against: the tests hold a fake against the official client.
//! - A *client* is this application on this device. It holds sessions, and its token is replaced with every answer, refusals
//!   too. An older one must never overwrite a newer one, so requests go one after the other, in all processes.
//! - The *session token* is a JWT for 60 seconds. Asking for the next one costs nothing.
//! - Requests carry `_is_native=1`, form fields, `Authorization`, and no `Origin`: the two together are refused.
//! - A session is over when Clerk refuses a token and its client does not hold the session any more, or its person is banned.
#![forbid(unsafe_code)]

mod answers;
mod attempt;
mod devices;
mod fapi;
mod session_token;
mod sign_in;

use super::{
    Answer, Context, Credentials, Grant, Minted, Provider, RemoteSession, Renewal, SignIn, SignUp,
    Step, Switch, User,
};
use crate::http::{Url, parse_url};
use crate::secret::SecretString;
use crate::{Error, Result};
use answers::{ClientAnswer, Envelope, SessionAnswer, SessionsAnswer, TokenAnswer};
use async_trait::async_trait;
use fapi::{Fapi, Heard, Outcome, Refusal};
use serde::de::IgnoredAny;
use session_token::Place;

/// Which of Clerk's instances, and where its browser pages come back to.
#[derive(Debug, Clone, Default)]
pub struct ClerkOptions {
    /// The key from Clerk's dashboard, which says where the instance's API is. No secret.
    pub publishable_key: String,
    /// The application's own proxy of that API (Clerk's `proxyUrl`), where it has one.
    pub base_url: Option<String>,
    /// Where the browser comes back to: an address that the instance's list of redirect URLs has.
    pub redirect_uri: Option<String>,
}

/// An instance of Clerk.
#[derive(Debug)]
pub struct Clerk {
    fapi: Fapi,
    redirect_uri: Option<String>,
}

impl Clerk {
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for a key that is none of Clerk's, and for a proxy that is neither https nor http on loopback.
    pub fn new(options: ClerkOptions) -> Result<Self> {
        if let Some(redirect_uri) = &options.redirect_uri {
            parse_url(redirect_uri)?;
        }
        Ok(Self {
            fapi: Fapi::new(&options.publishable_key, options.base_url.as_deref())?,
            redirect_uri: options.redirect_uri,
        })
    }

    /// Asks for the next session token. `before`: the credentials at hand, which stay where they say newer things.
    async fn token(
        &self,
        cx: &Context<'_>,
        place: &Place,
        before: &Credentials,
    ) -> Result<std::result::Result<Credentials, Refusal>> {
        let path = format!("/client/sessions/{}/tokens", place.session);
        let organization = place.organization.as_deref().unwrap_or_default();
        let fields = [("organization_id", organization)];
        let last = before.access_token.expose();
        let heard = match self.mint_token(cx, place, &path, last, &fields).await? {
            Ok(heard) => heard,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Heard { answer, response } = heard;
        let is_alive = before.expires_at_ms.is_some_and(|end| cx.now_ms < end);
        if is_alive && session_token::is_fresher(last, &answer.jwt) {
            return Ok(Ok(before.duplicate()));
        }
        session_token::credentials(answer.jwt, place, &response, cx.now_ms).map(Ok)
    }

    /// Asks once, and once more with the last token where the server wants to see it. No other refusal is worth repeating.
    async fn mint_token(
        &self,
        cx: &Context<'_>,
        place: &Place,
        path: &str,
        last: &str,
        fields: &[(&str, &str)],
    ) -> Outcome<TokenAnswer> {
        let said = self.fapi.post(cx, &place.device, path, &[], fields).await?;
        match said {
            Err(refusal) if refusal.status == 422 && refusal.code == "missing_expired_token" => {
                let query = [("expired_token", last)];
                self.fapi
                    .post(cx, &place.device, path, &query, fields)
                    .await
            }
            said => Ok(said),
        }
    }

    /// Selects the session on the server, in an organization or none.
    async fn touch(
        &self,
        cx: &Context<'_>,
        place: &Place,
        intent: &str,
        organization: Option<&str>,
    ) -> Outcome<Envelope<SessionAnswer>> {
        let path = format!("/client/sessions/{}/touch", place.session);
        let fields = [
            ("active_organization_id", organization.unwrap_or_default()),
            ("intent", intent),
        ];
        self.fapi.post(cx, &place.device, &path, &[], &fields).await
    }

    async fn switch(
        &self,
        cx: &Context<'_>,
        place: Place,
        user: &User,
        switch: &Switch,
    ) -> Result<Renewal> {
        let organization = switch.organization.as_deref();
        let touched = self.touch(cx, &place, "select_org", organization).await?;
        let Heard { answer, response } = match touched {
            Ok(heard) => heard,
            Err(refusal) => return self.judge(cx, &place, refusal).await,
        };
        let place = Place {
            organization: switch.organization.clone(),
            ..place
        };
        let token = answer
            .response
            .last_active_token
            .ok_or(Error::UnexpectedResponse("a session without a token"))?;
        let credentials = session_token::credentials(token.jwt, &place, &response, cx.now_ms)?;
        Ok(Renewal::Renewed(Grant {
            credentials,
            user: answer
                .response
                .user
                .map_or_else(|| user.clone(), User::from),
        }))
    }

    /// Whether a refusal means that the session is over. A refused token alone does not: the client is asked.
    async fn judge(&self, cx: &Context<'_>, place: &Place, refusal: Refusal) -> Result<Renewal> {
        if is_barred(&refusal) {
            return Ok(Renewal::Over);
        }
        let is_about_the_session = match refusal.status {
            // Somebody is to prove that they are none of the machines.
            401 => refusal.code != "requires_captcha",
            404 | 422 => true,
            _ => false,
        };
        if !is_about_the_session || self.is_held(cx, place).await? {
            return Err(refusal.into_error());
        }
        Ok(Renewal::Over)
    }

    /// Whether the client still holds the session, by the server's own word.
    async fn is_held(&self, cx: &Context<'_>, place: &Place) -> Result<bool> {
        let said: Outcome<Envelope<Option<ClientAnswer>>> =
            self.fapi.get(cx, &place.device, "/client", &[]).await;
        match said? {
            Ok(heard) => Ok(heard
                .answer
                .response
                .and_then(|client| client.take_session(&place.session))
                .is_some_and(|session| session.is_alive())),
            Err(refusal) if refusal.status == 401 || is_barred(&refusal) => Ok(false),
            Err(refusal) => Err(refusal.into_error()),
        }
    }
}

/// The person may not use the instance any more.
fn is_barred(refusal: &Refusal) -> bool {
    refusal.status == 403 && matches!(&*refusal.code, "user_banned" | "user_deactivated")
}

#[async_trait]
impl Provider for Clerk {
    fn identity(&self) -> String {
        format!("clerk {}", self.fapi.base_url())
    }

    fn base_url(&self) -> &Url {
        self.fapi.base_url()
    }

    fn redirect_uri(&self) -> Option<&str> {
        self.redirect_uri.as_deref()
    }

    async fn sign_in(&self, cx: &Context<'_>, how: SignIn) -> Result<Step> {
        self.begin(cx, how).await
    }

    async fn sign_up(&self, cx: &Context<'_>, account: SignUp) -> Result<Step> {
        self.begin_sign_up(cx, account).await
    }

    async fn proceed(
        &self,
        cx: &Context<'_>,
        state: &SecretString,
        answer: Answer,
    ) -> Result<Step> {
        self.go_on(cx, state, answer).await
    }

    async fn renew(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        user: &User,
        switch: Option<&Switch>,
    ) -> Result<Renewal> {
        let place = Place::of(credentials)?;
        if let Some(switch) = switch {
            return self.switch(cx, place, user, switch).await;
        }
        match self.token(cx, &place, credentials).await? {
            Ok(credentials) => Ok(Renewal::Renewed(Grant {
                credentials,
                user: user.clone(),
            })),
            Err(refusal) => self.judge(cx, &place, refusal).await,
        }
    }

    /// Whatever Clerk says to it, it has heard: a session it does not know needs no end.
    async fn revoke(&self, cx: &Context<'_>, credentials: &Credentials) -> Result<()> {
        let Ok(place) = Place::of(credentials) else {
            return Ok(());
        };
        let path = format!("/client/sessions/{}/remove", place.session);
        let said: Outcome<IgnoredAny> = self.fapi.post(cx, &place.device, &path, &[], &[]).await;
        if said?.is_ok() {
            self.fapi
                .edit_devices(cx, |devices| devices.forget(&place.device))
                .await?;
        }
        Ok(())
    }

    async fn mint(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        template: &str,
    ) -> Result<Minted> {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if template.is_empty() || !template.bytes().all(is_name) || template.starts_with('.') {
            return Err(Error::InvalidArgument(
                "template must be the name of a JWT template.".to_owned(),
            ));
        }
        let place = Place::of(credentials)?;
        let path = format!("/client/sessions/{}/tokens/{template}", place.session);
        let last = credentials.access_token.expose();
        let heard = self.mint_token(cx, &place, &path, last, &[]).await?;
        let Heard { answer, response } = heard.map_err(Refusal::into_error)?;
        Ok(session_token::minted(answer.jwt, &response, cx.now_ms))
    }

    async fn sessions(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<RemoteSession>> {
        let place = Place::of(credentials)?;
        let query = [("_clerk_session_id", place.session.as_str())];
        let heard: Heard<SessionsAnswer> = self
            .fapi
            .get(cx, &place.device, "/me/sessions/active", &query)
            .await?
            .map_err(Refusal::into_error)?;
        let (SessionsAnswer::Plain(found) | SessionsAnswer::Enveloped { response: found }) =
            heard.answer;
        Ok(found
            .into_iter()
            .map(|session| session.into_remote(&place.session))
            .collect())
    }

    async fn end_session(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        id: &str,
    ) -> Result<()> {
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(Error::InvalidArgument(
                "id must be one of sessions().".to_owned(),
            ));
        }
        let place = Place::of(credentials)?;
        let query = [("_clerk_session_id", place.session.as_str())];
        let path = format!("/me/sessions/{id}/revoke");
        let said: Outcome<IgnoredAny> = self.fapi.post(cx, &place.device, &path, &query, &[]).await;
        said?.map(|_| ()).map_err(Refusal::into_error)
    }
}
