//! The steps of a sign-in: to the hosted page and back, or on another device.
#![forbid(unsafe_code)]

use super::WorkOs;
use super::answer::{self, Authenticated};
use super::authorize::{self, Authorization};
use super::device::Device;
use super::refusal::Refusal;
use crate::oauth::{Callback, DEVICE_GRANT, DeviceAuthorization};
use crate::provider::{Awaits, BrowserSignIn, Context, Pending, Provider as _, Step, check_served};
use crate::secret::SecretString;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What a sign-in needs for its next step.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(super) enum State {
    Browser(Authorization),
    Device(Device),
}

impl State {
    pub(super) fn seal(&self) -> Result<SecretString> {
        serde_json::to_string(self)
            .map(SecretString::new)
            .map_err(|_| Error::Internal("a sign-in that cannot be written down"))
    }

    pub(super) fn open(sealed: &SecretString) -> Result<Self> {
        // Written by another version: there is nothing to go on with.
        serde_json::from_str(sealed.expose()).map_err(|_| Error::SignInExpired)
    }
}

impl WorkOs {
    pub(super) fn begin_in_browser(&self, cx: &Context<'_>, how: BrowserSignIn) -> Result<Step> {
        let redirect_uri = how
            .redirect_uri
            .clone()
            .or_else(|| self.redirect_uri.clone());
        let redirect_uri = redirect_uri
            .ok_or_else(|| Error::InvalidArgument("provider.redirectUri is missing.".to_owned()))?;
        let (how, person) = authorize::for_the_person_at_hand(how, cx.current.as_ref());
        let (url, callback_state, authorization) = authorize::begin(
            self.route("authorize"),
            &self.client_id,
            &redirect_uri,
            &how,
        )?;
        let state = State::Browser(Authorization {
            person,
            ..authorization
        });
        Ok(Step::Pending(Pending {
            awaits: Awaits::Browser {
                url: url.into(),
                redirect_uri,
                callback_state,
            },
            state: state.seal()?,
            expires_at_ms: cx.now_ms.saturating_add(authorize::LIFETIME_MS),
        }))
    }

    pub(super) async fn take_callback(
        &self,
        cx: &Context<'_>,
        authorization: &Authorization,
        callback: &Callback,
    ) -> Result<Step> {
        let code = authorize::code_of(callback)?;
        let shown = [
            ("code", code),
            ("code_verifier", authorization.code_verifier.as_str()),
        ];
        let answered = self.authenticate(cx, "authorization_code", &shown).await?;
        let answer = answered.map_err(Refusal::of_sign_in)?;
        let person = authorization.person.as_deref();
        if person.is_some_and(|person| person != answer.user_id()) {
            // Whoever it is has not proven what was asked for. Their session is nobody's.
            let _ = self
                .revoke(cx, &answer.into_grant(cx.now_ms).credentials)
                .await;
            return Err(Error::AccessDenied("ANOTHER_PERSON".to_owned()));
        }
        Ok(entered(cx, answer))
    }

    pub(super) async fn begin_on_device(&self, cx: &Context<'_>) -> Result<Step> {
        let body = json!({ "client_id": self.client_id });
        let response = cx.http.send(self.post("authorize/device", &body)).await?;
        check_served(&response)?;
        if !response.status.is_success() {
            return Err(Refusal::parse(&response)?.of_sign_in());
        }
        Device::of(DeviceAuthorization::parse(&response.body)?, cx.now_ms).pending()
    }

    pub(super) async fn poll(&self, cx: &Context<'_>, mut device: Device) -> Result<Step> {
        let shown = [("device_code", device.device_code.as_str())];
        match self.authenticate(cx, DEVICE_GRANT, &shown).await? {
            Ok(answer) => Ok(entered(cx, answer)),
            Err(refusal) => {
                device.wait_after(refusal)?;
                device.pending()
            }
        }
    }
}

/// Somebody has signed in. Where it is in the session at hand, that one was proven anew, and must not be ended for it.
fn entered(cx: &Context<'_>, answer: Authenticated) -> Step {
    let grant = answer.into_grant(cx.now_ms);
    let same_session = cx.current.as_ref().is_some_and(|current| {
        let before = answer::session_id(current.credentials);
        before.is_some() && before == answer::session_id(&grant.credentials)
    });
    if same_session {
        Step::SteppedUp(grant)
    } else {
        Step::Complete(grant)
    }
}
