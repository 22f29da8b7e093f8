//! The client tokens: what Clerk knows this application on this device by. Each holds sessions, and is replaced with every
//! answer.
#![forbid(unsafe_code)]

use crate::provider::Keep;
use crate::secret::SecretString;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The name they are kept under.
const NAME: &str = "clerk-clients";
/// The most that are kept: the one in use, and those of sign-ins under way.
const MOST: usize = 8;

/// The clients of this application, the newest last. One is enough as long as nobody signs in over somebody else.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Devices {
    /// The one that signed in last, which the next sign-in uses, so that Clerk sees a device it knows.
    usual: Option<String>,
    known: Vec<Device>,
}

#[derive(Serialize, Deserialize)]
struct Device {
    /// A name of our own.
    name: String,
    token: Zeroizing<String>,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Devices {
    pub(super) async fn load(keep: &dyn Keep) -> Result<Self> {
        match keep.load(NAME).await? {
            None => Ok(Self::default()),
            Some(kept) => serde_json::from_str(kept.expose())
                .map_err(|_| Error::Internal("what was kept for Clerk is not readable")),
        }
    }

    pub(super) async fn store(&self, keep: &dyn Keep) -> Result<()> {
        let text = serde_json::to_string(self)
            .map_err(|_| Error::Internal("what is kept for Clerk is not writable"))?;
        keep.store(NAME, Some(SecretString::new(text))).await
    }

    pub(super) fn usual(&self) -> Option<&str> {
        self.usual.as_deref()
    }

    /// Whether another one was.
    pub(super) fn make_usual(&mut self, name: &str) -> bool {
        let is_news = self.usual() != Some(name);
        self.usual = Some(name.to_owned());
        is_news
    }

    pub(super) fn token(&self, name: &str) -> Option<&str> {
        let device = self.known.iter().find(|device| device.name == name)?;
        Some(&device.token)
    }

    /// Whether this token is another than the one that is kept. It is kept then.
    pub(super) fn renew(&mut self, name: &str, token: &str) -> bool {
        if token.is_empty() || self.token(name) == Some(token) {
            return false;
        }
        let token = Zeroizing::new(token.to_owned());
        match self.known.iter_mut().find(|device| device.name == name) {
            Some(device) => device.token = token,
            None => {
                self.make_room();
                self.known.push(Device {
                    name: name.to_owned(),
                    token,
                });
            }
        }
        true
    }

    /// Forgets a device whose session has ended, unless it is the one that the next sign-in uses. Whether it did.
    pub(super) fn forget(&mut self, name: &str) -> bool {
        let before = self.known.len();
        if self.usual() != Some(name) {
            self.known.retain(|device| device.name != name);
        }
        self.known.len() < before
    }

    /// The oldest go: sign-ins that were given up.
    fn make_room(&mut self) {
        while self.known.len() >= MOST {
            let usual = self.usual.as_deref();
            let oldest = self
                .known
                .iter()
                .position(|device| Some(device.name.as_str()) != usual);
            self.known.remove(oldest.unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_replaces_the_one_before_it() {
        let mut devices = Devices::default();
        assert!(devices.renew("a", "1"));
        assert!(devices.renew("a", "2"));
        assert!(!devices.renew("a", "2") && !devices.renew("a", ""));
        assert_eq!(devices.token("a"), Some("2"));
        assert_eq!(devices.token("b"), None);
    }

    #[test]
    fn sign_ins_that_were_given_up_are_forgotten_before_the_usual_device() {
        let mut devices = Devices::default();
        devices.renew("usual", "1");
        devices.make_usual("usual");
        for number in 0..20 {
            devices.renew(&format!("other-{number}"), "1");
        }
        assert_eq!(devices.known.len(), MOST);
        assert_eq!(devices.token("usual"), Some("1"));
        assert_eq!(devices.token("other-19"), Some("1"));
        assert!(!devices.forget("usual") && devices.forget("other-19"));
    }

    #[test]
    fn no_debug_shows_a_token() {
        let mut devices = Devices::default();
        devices.renew("a", "secret-token");
        assert!(!format!("{devices:?}").contains("secret-token"));
    }
}
