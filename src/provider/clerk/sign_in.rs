//! Signing in to Clerk, step by step.
#![forbid(unsafe_code)]

use super::Clerk;
use super::answers::{AttemptAnswer, ClientAnswer, Envelope, SessionAnswer, SignUpAnswer};
use super::attempt::{Attempt, Kind};
use super::devices::Devices;
use super::fapi::{Heard, Outcome, Refusal};
use super::session_token::{self, Place};
use crate::http::Response;
use crate::oauth::{Callback, random_text};
use crate::provider::{
    Answer, Awaits, BrowserSignIn, Context, Grant, Identifier, SignIn, SignUp, Step, User,
    safe_reason, token_answer,
};
use crate::secret::SecretString;
use crate::{Error, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

const SIGN_INS: &str = "/client/sign_ins";
const SIGN_UPS: &str = "/client/sign_ups";
/// The parameter of the redirect that says which sign-in it answers.
const STATE: &str = "state";
/// What Clerk adds to the redirect: proof, for one use, that the browser and this application are one client.
const NONCE: &str = "rotating_token_nonce";
/// What is proven where the application does not say: Clerk asks for more by itself where there is more.
const DEFAULT_LEVEL: &str = "first_factor";

impl Clerk {
    pub(super) async fn begin(&self, cx: &Context<'_>, how: SignIn) -> Result<Step> {
        match how {
            SignIn::Password {
                identifier,
                password,
                ..
            } => {
                let fields = [
                    ("strategy", "password"),
                    ("identifier", name_of(&identifier)),
                    ("password", password.expose()),
                ];
                let (device, heard) = self.create(cx, SIGN_INS, &fields).await?;
                self.follow(cx, Kind::SignIn, &device, heard).await
            }
            SignIn::Code { identifier } => self.begin_with_code(cx, &identifier).await,
            SignIn::Browser(browser) => self.begin_in_browser(cx, browser).await,
            SignIn::StepUp { level } => self.begin_step_up(cx, level.as_deref()).await,
            SignIn::Tokens {
                access_token,
                refresh_token,
                ..
            } => self.adopt(cx, &access_token, refresh_token).await,
            SignIn::Custom => Err(Error::NotSupported("method 'custom'")),
            SignIn::Device { .. } => Err(Error::NotSupported("signing in on another device")),
        }
    }

    pub(super) async fn begin_sign_up(&self, cx: &Context<'_>, account: SignUp) -> Result<Step> {
        let (first_name, last_name) = account.name.split_once(' ').unwrap_or((&account.name, ""));
        let mut fields = vec![
            ("email_address", account.email.as_str()),
            ("password", account.password.expose()),
        ];
        let optional = [
            ("first_name", Some(first_name)),
            ("last_name", Some(last_name)),
            ("username", account.username.as_deref()),
        ];
        for (name, value) in optional {
            fields.extend(
                value
                    .filter(|value| !value.is_empty())
                    .map(|value| (name, value)),
            );
        }
        let (device, heard) = self.create(cx, SIGN_UPS, &fields).await?;
        self.follow_sign_up(cx, &device, heard).await
    }

    pub(super) async fn go_on(
        &self,
        cx: &Context<'_>,
        state: &SecretString,
        answer: Answer,
    ) -> Result<Step> {
        let attempt = Attempt::parse(state)?;
        match answer {
            Answer::Callback(callback) => self.returned(cx, &attempt, &callback).await,
            Answer::SendCode { strategy } => self.send(cx, attempt, &strategy).await,
            Answer::Code { strategy, code, .. } => {
                let field = if strategy == "password" {
                    "password"
                } else {
                    "code"
                };
                let fields = [("strategy", strategy.as_str()), (field, code.expose())];
                let path = attempt.step("attempt", &strategy)?;
                if attempt.kind == Kind::SignUp {
                    let heard = self.advance(cx, &attempt, &path, &fields).await?;
                    return self.follow_sign_up(cx, &attempt.device, heard).await;
                }
                let said = self.advance(cx, &attempt, &path, &fields).await;
                // A password that is asked for like a code may be typed again like one.
                let heard = said.map_err(|error| match error {
                    Error::InvalidCredentials => Error::InvalidCode,
                    error => error,
                })?;
                self.follow(cx, attempt.kind, &attempt.device, heard).await
            }
            Answer::Poll => Err(Error::NotSupported("signing in on another device")),
        }
    }

    async fn begin_with_code(&self, cx: &Context<'_>, identifier: &Identifier) -> Result<Step> {
        let fields = [("identifier", name_of(identifier))];
        let (device, heard) = self.create(cx, SIGN_INS, &fields).await?;
        let heard: Heard<Envelope<AttemptAnswer>> = heard;
        let attempt = Attempt::awaiting(Kind::SignIn, &device, heard.answer.response, cx.now_ms)?;
        let strategy = attempt
            .first_sent()
            .ok_or_else(|| rejected("STRATEGY_FOR_USER_INVALID"))?;
        self.send(cx, attempt, &strategy).await
    }

    async fn begin_in_browser(&self, cx: &Context<'_>, browser: BrowserSignIn) -> Result<Step> {
        let missing = |what: &str| Error::InvalidArgument(format!("{what} is missing."));
        let connection = browser
            .connection
            .ok_or_else(|| missing("connection, such as 'google',"))?;
        let redirect_uri = browser.redirect_uri.or_else(|| self.redirect_uri.clone());
        let redirect_uri = redirect_uri.ok_or_else(|| missing("provider.redirectUri"))?;
        let callback_state = random_text()?.expose().to_owned();
        let mut redirect_url = Url::parse(&redirect_uri)
            .map_err(|_| Error::InvalidArgument("redirectUri must be an address.".to_owned()))?;
        redirect_url
            .query_pairs_mut()
            .append_pair(STATE, &callback_state);
        let is_full_name =
            connection.starts_with("oauth_") || matches!(&*connection, "enterprise_sso" | "saml");
        let strategy = if is_full_name {
            connection
        } else {
            format!("oauth_{connection}")
        };
        let mut fields = vec![
            ("strategy", strategy.as_str()),
            ("redirect_url", redirect_url.as_str()),
            ("action_complete_redirect_url", redirect_url.as_str()),
        ];
        let optional = [
            ("identifier", &browser.login_hint),
            ("oidc_prompt", &browser.prompt),
        ];
        for (name, value) in optional {
            fields.extend(value.as_deref().map(|value| (name, value)));
        }
        let (device, mut heard): (String, Heard<Envelope<AttemptAnswer>>) =
            self.create(cx, SIGN_INS, &fields).await?;
        let attempt = Attempt::in_browser(&device, heard.answer.response.id.clone(), cx.now_ms);
        if external_url(&heard.answer.response).is_none() {
            // An enterprise connection is looked up first, and sent to then.
            let path = format!("{}/prepare_first_factor", attempt.path());
            heard = self.advance(cx, &attempt, &path, &fields[..3]).await?;
        }
        let url = external_url(&heard.answer.response)
            .ok_or(Error::UnexpectedResponse("nothing for the browser to open"))?;
        let awaits = Awaits::Browser {
            url,
            redirect_uri,
            callback_state,
        };
        attempt.pending(Some(awaits)).map(Step::Pending)
    }

    /// Clerk's reverification of the session at hand.
    async fn begin_step_up(&self, cx: &Context<'_>, level: Option<&str>) -> Result<Step> {
        let current = cx.current.as_ref().ok_or(Error::NotSignedIn)?;
        let Place {
            session, device, ..
        } = Place::of(current.credentials)?;
        let path = format!("/client/sessions/{session}/verify");
        let fields = [("level", level.unwrap_or(DEFAULT_LEVEL))];
        let heard: Heard<Envelope<AttemptAnswer>> = self
            .fapi
            .post(cx, &device, &path, &[], &fields)
            .await?
            .map_err(Refusal::into_error)?;
        let kind = Kind::Verification { session };
        self.follow(cx, kind, &device, heard).await
    }

    /// Takes over the client that another library of Clerk's had here, by its token.
    async fn adopt(
        &self,
        cx: &Context<'_>,
        access_token: &SecretString,
        client_token: Option<SecretString>,
    ) -> Result<Step> {
        #[derive(Deserialize)]
        struct Claims {
            sid: Option<String>,
        }
        let client_token = client_token.ok_or_else(|| {
            Error::InvalidArgument(
                "refreshToken is missing: the client token that Clerk's library kept.".to_owned(),
            )
        })?;
        let device = new_device()?;
        self.fapi
            .edit_devices(cx, |devices| devices.renew(&device, client_token.expose()))
            .await?;
        let heard: Heard<Envelope<Option<ClientAnswer>>> = self
            .fapi
            .get(cx, &device, "/client", &[])
            .await?
            .map_err(|_| Error::InvalidCredentials)?;
        let client = heard.answer.response.ok_or(Error::InvalidCredentials)?;
        let wanted = token_answer::claims_of::<Claims>(access_token.expose())
            .and_then(|claims| claims.sid)
            .or_else(|| client.last_active_session_id.clone())
            .ok_or(Error::InvalidCredentials)?;
        let session = client.take_session(&wanted);
        let session = session.ok_or(Error::InvalidCredentials)?;
        self.enter(cx, &device, session, &heard.response).await
    }

    /// Creates a sign-in or sign-up on the device that Clerk knows, and on a new one where that would end a session: an instance
    /// may allow a client one session only, and who is signed in stays so until somebody else is.
    async fn create<T: DeserializeOwned>(
        &self,
        cx: &Context<'_>,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<(String, Heard<T>)> {
        let usual = match cx.current {
            None => Devices::load(cx.keep).await?.usual().map(str::to_owned),
            Some(_) => None,
        };
        if let Some(device) = usual {
            match self.fapi.post(cx, &device, path, &[], fields).await? {
                Ok(heard) => return Ok((device, heard)),
                Err(refusal) if !is_about_the_client(&refusal) => return Err(refusal.into_error()),
                Err(_) => {}
            }
        }
        let device = new_device()?;
        let heard = self.fapi.post(cx, &device, path, &[], fields).await?;
        Ok((device, heard.map_err(Refusal::into_error)?))
    }

    async fn send(&self, cx: &Context<'_>, mut attempt: Attempt, strategy: &str) -> Result<Step> {
        let fields = attempt.preparation(strategy)?;
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let path = attempt.step("prepare", strategy)?;
        // What it says of the attempt is what was known before.
        let _: Heard<serde::de::IgnoredAny> = self.advance(cx, &attempt, &path, &fields).await?;
        attempt.sent(strategy, cx.now_ms);
        attempt.pending(None).map(Step::Pending)
    }

    async fn advance<T: DeserializeOwned>(
        &self,
        cx: &Context<'_>,
        attempt: &Attempt,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Heard<T>> {
        let said = self.fapi.post(cx, &attempt.device, path, &[], fields).await;
        of_attempt(said)
    }

    /// The browser is back. What it says is asked of Clerk: the address itself proves nothing.
    async fn returned(
        &self,
        cx: &Context<'_>,
        attempt: &Attempt,
        callback: &Callback,
    ) -> Result<Step> {
        // A person who pasted the nonce alone gave it as a code.
        let nonce = callback.get(NONCE).or_else(|| callback.get("code"));
        let query: Vec<(&str, &str)> = nonce.map(|nonce| (NONCE, nonce)).into_iter().collect();
        let said = self
            .fapi
            .get(cx, &attempt.device, &attempt.path(), &query)
            .await;
        let heard: Heard<Envelope<AttemptAnswer>> = of_attempt(said)?;
        let answer = &heard.answer.response;
        if matches!(
            answer.status.as_str(),
            "needs_identifier" | "needs_first_factor"
        ) {
            let verification = answer.first_factor_verification.as_ref();
            let fault = verification.and_then(|it| it.error.as_ref());
            match verification.and_then(|it| it.status.as_deref()) {
                // Nobody has this account yet: Clerk makes one of what the browser brought.
                Some("transferable") => {
                    let said = self
                        .fapi
                        .post(cx, &attempt.device, SIGN_UPS, &[], &[("transfer", "true")])
                        .await;
                    let heard = of_attempt(said)?;
                    return self.follow_sign_up(cx, &attempt.device, heard).await;
                }
                Some("verified") => {}
                _ => {
                    let code = fault.map_or(String::new(), |it| it.code.to_ascii_uppercase());
                    return Err(Error::AccessDenied(safe_reason(Some(&code))));
                }
            }
        }
        self.follow(cx, Kind::SignIn, &attempt.device, heard).await
    }

    /// What the state of an attempt asks for.
    async fn follow(
        &self,
        cx: &Context<'_>,
        kind: Kind,
        device: &str,
        heard: Heard<Envelope<AttemptAnswer>>,
    ) -> Result<Step> {
        let Heard { answer, response } = heard;
        let Envelope {
            response: attempt,
            client,
        } = answer;
        match (attempt.status.as_str(), &kind) {
            ("complete", Kind::Verification { .. }) => self.stepped_up(cx).await,
            ("complete", _) => {
                let id = attempt.created_session_id.as_deref();
                self.enter_created(cx, device, id, client, &response).await
            }
            ("needs_first_factor" | "needs_second_factor" | "needs_client_trust", _) => {
                Attempt::awaiting(kind, device, attempt, cx.now_ms)?
                    .pending(None)
                    .map(Step::Pending)
            }
            (status, _) => Err(rejected(&status.to_ascii_uppercase())),
        }
    }

    async fn follow_sign_up(
        &self,
        cx: &Context<'_>,
        device: &str,
        heard: Heard<Envelope<SignUpAnswer>>,
    ) -> Result<Step> {
        let Heard { answer, response } = heard;
        let Envelope {
            response: sign_up,
            client,
        } = answer;
        if sign_up.status == "complete" {
            let id = sign_up.created_session_id.as_deref();
            return self.enter_created(cx, device, id, client, &response).await;
        }
        let needs_email = sign_up
            .unverified_fields
            .iter()
            .any(|field| field == "email_address");
        if !needs_email || !sign_up.missing_fields.is_empty() {
            return Err(rejected(&sign_up.status.to_ascii_uppercase()));
        }
        let attempt = Attempt::of_sign_up(device, sign_up, cx.now_ms);
        self.send(cx, attempt, "email_code").await
    }

    async fn enter_created(
        &self,
        cx: &Context<'_>,
        device: &str,
        id: Option<&str>,
        client: Option<ClientAnswer>,
        response: &Response,
    ) -> Result<Step> {
        let unexpected = Error::UnexpectedResponse("a sign-in without its session");
        let session = id.and_then(|id| client?.take_session(id));
        self.enter(cx, device, session.ok_or(unexpected)?, response)
            .await
    }

    /// Selects the session, as the official client does, and takes it over.
    async fn enter(
        &self,
        cx: &Context<'_>,
        device: &str,
        session: SessionAnswer,
        response: &Response,
    ) -> Result<Step> {
        let organization = session.last_active_organization_id.clone();
        let place = Place {
            session: session.id.clone(),
            device: device.to_owned(),
            organization: organization.clone(),
        };
        let touched = self
            .touch(cx, &place, "select_session", organization.as_deref())
            .await;
        // The sign-in has succeeded, whatever becomes of this.
        let (session, response) = match touched {
            Ok(Ok(touched)) => (touched.answer.response, &touched.response.clone()),
            _ => (session, response),
        };
        let user = session
            .user
            .ok_or(Error::UnexpectedResponse("a session without its person"))?;
        let token = session
            .last_active_token
            .ok_or(Error::UnexpectedResponse("a session without a token"))?;
        let credentials = session_token::credentials(token.jwt, &place, response, cx.now_ms)?;
        self.fapi
            .edit_devices(cx, |devices| devices.make_usual(device))
            .await?;
        Ok(Step::Complete(Grant {
            credentials,
            user: user.into(),
        }))
    }

    /// The session was proven anew: its next token says so.
    async fn stepped_up(&self, cx: &Context<'_>) -> Result<Step> {
        let current = cx.current.as_ref().ok_or(Error::SignInExpired)?;
        let place = Place::of(current.credentials)?;
        let said = self.token(cx, &place, current.credentials).await?;
        let credentials = said.map_err(Refusal::into_error)?;
        let user: User = current.user.clone();
        Ok(Step::SteppedUp(Grant { credentials, user }))
    }
}

fn name_of(identifier: &Identifier) -> &str {
    match identifier {
        Identifier::Email(name) | Identifier::Username(name) => name,
    }
}

fn new_device() -> Result<String> {
    Ok(random_text()?.expose().to_owned())
}

/// The client has a session already, or is not known any more: what was sent says nothing about the person.
fn is_about_the_client(refusal: &Refusal) -> bool {
    refusal.status == 401
        || matches!(
            refusal.code.as_str(),
            "session_exists" | "identifier_already_signed_in" | "client_not_found"
        )
}

/// An attempt that the server does not know any more is over.
fn of_attempt<T>(said: Outcome<T>) -> Result<Heard<T>> {
    said?.map_err(|refusal| match (refusal.status, refusal.code.as_str()) {
        (401, _) | (404, "resource_not_found") => Error::SignInExpired,
        _ => refusal.into_error(),
    })
}

fn external_url(answer: &AttemptAnswer) -> Option<String> {
    let verification = answer.first_factor_verification.as_ref()?;
    let url = verification.external_verification_redirect_url.as_deref()?;
    // It is handed to the system to open.
    let url = Url::parse(url).ok()?;
    matches!(url.scheme(), "https" | "http").then(|| url.to_string())
}

fn rejected(reason: &str) -> Error {
    Error::SignInRejected {
        status: 200,
        reason: safe_reason(Some(reason)),
    }
}
