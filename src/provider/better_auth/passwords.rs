//! Signing in with a password, and up.

use super::BetterAuth;
use super::answers::{Entry, read_entry, read_user};
use super::second_factor::SecondFactor;
use super::trusted_devices::TrustedDevices;
use crate::Result;
use crate::provider::{Context, Identifier, SignUp, Step};
use crate::secret::SecretString;
use serde_json::json;

impl BetterAuth {
    pub(super) async fn sign_in_with_password(
        &self,
        cx: &Context<'_>,
        identifier: Identifier,
        password: SecretString,
        remember_me: bool,
    ) -> Result<Step> {
        let (path, name, value) = match &identifier {
            Identifier::Email(email) => ("/sign-in/email", "email", email),
            Identifier::Username(username) => ("/sign-in/username", "username", username),
        };
        let body = json!({ name: value, "password": password.expose(), "rememberMe": remember_me });
        let mut request = self.post(path, &body);
        let (devices, _alone) = TrustedDevices::load_for(cx.keep, &identifier).await?;
        if let Some(cookie) = devices.cookie_of(&identifier) {
            cookie.add_to(&mut request, &self.origin)?;
        }
        let response = cx.http.send(request).await?;
        let entry = read_entry(&response, remember_me, cx.now_ms)?;
        let user = read_user(&response);
        TrustedDevices::follow(cx.keep, &response, user.as_ref(), Some(&identifier)).await;
        match entry {
            Entry::Granted(grant) => self.confirm(cx, grant).await.map(Step::Complete),
            Entry::SecondFactor { methods, cookies } => {
                SecondFactor::new(&methods, cookies, remember_me, cx.now_ms)?.into_step()
            }
        }
    }

    pub(super) async fn make_account(&self, cx: &Context<'_>, account: SignUp) -> Result<Step> {
        let mut body = json!({
            "email": account.email,
            "password": account.password.expose(),
            "name": account.name,
        });
        if let Some(username) = account.username {
            body["username"] = username.into();
        }
        let response = cx.http.send(self.post("/sign-up/email", &body)).await?;
        match read_entry(&response, true, cx.now_ms)? {
            Entry::Granted(grant) => self.confirm(cx, grant).await.map(Step::Complete),
            Entry::SecondFactor { .. } => Err(crate::Error::SecondFactorRequired),
        }
    }
}
