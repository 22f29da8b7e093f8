//! For whom this device stands in for the second factor. The server renews the cookie that says so with every sign-in, and
//! takes each only once.

use super::answers::UserAnswer;
use super::cookies::{Cookie, Cookies, TRUST_DEVICE};
use crate::Result;
use crate::http::Response;
use crate::provider::{Exclusive, Identifier, Keep};
use crate::secret::SecretString;
use serde::{Deserialize, Serialize};

/// Under which name they are kept.
const NAME: &str = "trusted-devices";
/// More people than share a device.
const MOST: usize = 16;

/// One for each person.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct TrustedDevices(Vec<Trusted>);

#[derive(Serialize, Deserialize)]
struct Trusted {
    user_id: String,
    email: Option<String>,
    username: Option<String>,
    cookie: Cookie,
}

impl Trusted {
    fn is_of(&self, identifier: &Identifier) -> bool {
        let (known, typed) = match identifier {
            Identifier::Email(typed) => (&self.email, typed),
            Identifier::Username(typed) => (&self.username, typed),
        };
        // The server compares both without case.
        known
            .as_ref()
            .is_some_and(|known| known.to_lowercase() == typed.to_lowercase())
    }
}

impl TrustedDevices {
    /// # Errors
    /// The vault's.
    pub(super) async fn load(keep: &dyn Keep) -> Result<Self> {
        let kept = keep.load(NAME).await?;
        // One of another version is worth no more than a second factor.
        Ok(kept
            .and_then(|kept| serde_json::from_str(kept.expose()).ok())
            .unwrap_or_default())
    }

    /// As [`TrustedDevices::load`], for a request with the cookie of this person if there is one: it serves once, whichever
    /// process sends it, so that others wait until what is returned beside it is dropped.
    ///
    /// # Errors
    /// The vault's, `ERR_VAULT_BUSY`.
    pub(super) async fn load_for(
        keep: &dyn Keep,
        identifier: &Identifier,
    ) -> Result<(Self, Option<Exclusive>)> {
        let devices = Self::load(keep).await?;
        if devices.cookie_of(identifier).is_none() {
            return Ok((devices, None));
        }
        let alone = keep.exclusive().await?;
        Ok((Self::load(keep).await?, Some(alone)))
    }

    /// What to send when this person has the server forget their devices.
    pub(super) fn cookie_of_user(&self, user_id: &str) -> Option<&Cookie> {
        let mut trusted = self.0.iter();
        trusted
            .find(|trusted| trusted.user_id == user_id)
            .map(|trusted| &trusted.cookie)
    }

    /// Forgets the device of this person.
    pub(super) async fn forget(keep: &dyn Keep, user_id: &str) {
        if let Ok(mut devices) = Self::load(keep).await {
            devices.0.retain(|trusted| trusted.user_id != user_id);
            // What cannot be forgotten here is worth nothing on the server any more.
            let _ = devices.store(keep).await;
        }
    }

    /// What to send when this person signs in.
    pub(super) fn cookie_of(&self, identifier: &Identifier) -> Option<&Cookie> {
        let mut trusted = self.0.iter();
        trusted
            .find(|trusted| trusted.is_of(identifier))
            .map(|trusted| &trusted.cookie)
    }

    /// Follows what the answer to a sign-in says of this device. `identifier`: who tried to sign in, for an answer that does
    /// not say it.
    pub(super) async fn follow(
        keep: &dyn Keep,
        response: &Response,
        user: Option<&UserAnswer>,
        identifier: Option<&Identifier>,
    ) {
        let set = Cookies::set_by(response).take(TRUST_DEVICE);
        let is_removed = Cookies::removed_by(response, TRUST_DEVICE);
        if set.is_none() && !is_removed {
            return;
        }
        // What cannot be kept costs a second factor, and must not cost the sign-in.
        let Ok(mut devices) = Self::load(keep).await else {
            return;
        };
        match (set, user) {
            (Some(cookie), Some(user)) => devices.trust(cookie, user),
            _ => devices.0.retain(|trusted| {
                !(identifier.is_some_and(|identifier| trusted.is_of(identifier))
                    || user.is_some_and(|user| trusted.user_id == user.id))
            }),
        }
        let _ = devices.store(keep).await;
    }

    fn trust(&mut self, cookie: Cookie, user: &UserAnswer) {
        self.0.retain(|trusted| trusted.user_id != user.id);
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push(Trusted {
            user_id: user.id.clone(),
            email: user.email.clone(),
            username: user.username.clone(),
            cookie,
        });
    }

    async fn store(&self, keep: &dyn Keep) -> Result<()> {
        let value = (!self.0.is_empty())
            .then(|| serde_json::to_string(self).map(SecretString::new))
            .transpose()
            .map_err(|_| crate::Error::Internal("a trusted device that is not JSON"))?;
        keep.store(NAME, value).await
    }
}
