//! What other programs have put into the system's keyrings. Read, never changed.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
use crate::Error;
use crate::Result;
use crate::keychain::{OsKeychain, within};
use crate::safe_storage::chromium::ChromiumKeys;
use crate::secret::SecretBytes;
use std::path::PathBuf;
use std::time::Duration;

/// An Electron app whose `safeStorage` sealed something.
#[derive(Debug, Clone)]
pub struct ElectronApp {
    /// Its name when it sealed: `app.getName()`, which names the item in the keyring.
    pub name: String,
    /// Its `Local State` in `app.getPath('userData')`, which holds the key on Windows. Read there only.
    pub local_state: Option<PathBuf>,
}

/// An entry that `keytar` made.
#[derive(Debug)]
pub struct KeytarEntry {
    /// The account.
    pub account: String,
    /// The password.
    pub secret: SecretBytes,
}

/// The keyrings, as a trait, so that tests need none.
pub trait Keyrings: Send + Sync {
    /// What opens the ciphertexts of `app` on this system. Keys that are not there are left out.
    ///
    /// # Errors
    /// The keychain's (see [`Keychain::read`](crate::keychain::Keychain::read)), and `ERR_IMPORT_SOURCE` for `Local State`.
    fn chromium_keys(&self, app: &ElectronApp) -> Result<ChromiumKeys>;

    /// The entries under `service`: those of `accounts`, or all where none is named. Windows finds only what is named.
    ///
    /// # Errors
    /// The keychain's.
    fn keytar(&self, service: &str, accounts: &[String]) -> Result<Vec<KeytarEntry>>;
}

/// The keyrings of the person who is logged in.
#[derive(Debug, Clone, Copy)]
pub struct OsKeyrings {
    /// How long one question may take, prompts included.
    pub limit: Duration,
}

impl Keyrings for OsKeyrings {
    fn chromium_keys(&self, app: &ElectronApp) -> Result<ChromiumKeys> {
        let app = app.clone();
        within(self.limit, move || chromium_keys(&app))
    }

    fn keytar(&self, service: &str, accounts: &[String]) -> Result<Vec<KeytarEntry>> {
        let (service, accounts) = (service.to_owned(), accounts.to_owned());
        within(self.limit, move || keytar(&service, &accounts))
    }
}

/// Electron's item has the attribute `application`, with the app's name; before Electron gave it a name of its own it was
/// Chromium's. KWallet is asked where the Secret Service has none.
#[cfg(target_os = "linux")]
fn chromium_keys(app: &ElectronApp) -> Result<ChromiumKeys> {
    let keychain = OsKeychain::new();
    let named = |name: &str| keychain.search(&[("application", name)].into());
    let from_service = named(&app.name).and_then(|mut found| {
        if found.is_empty() {
            found = named("chromium")?;
        }
        Ok(found.into_iter().map(|item| item.secret).collect())
    });
    let passwords: Vec<SecretBytes> = match from_service {
        Ok(passwords) => passwords,
        // A desktop of KDE's may have nothing but KWallet.
        Err(Error::KeychainUnavailable(why)) => match super::kwallet::passwords(&app.name)? {
            found if found.is_empty() => return Err(Error::KeychainUnavailable(why)),
            found => found,
        },
        Err(error) => return Err(error),
    };
    if !passwords.is_empty() {
        return Ok(ChromiumKeys::Linux(passwords));
    }
    super::kwallet::passwords(&app.name).map(ChromiumKeys::Linux)
}

/// Built, not run: no macOS here.
#[cfg(target_os = "macos")]
fn chromium_keys(app: &ElectronApp) -> Result<ChromiumKeys> {
    let service = format!("{} Safe Storage", app.name);
    let found = OsKeychain::new().search(&[("service", service.as_str())].into())?;
    let passwords = found.into_iter().map(|item| item.secret).collect();
    Ok(ChromiumKeys::MacOs(passwords))
}

#[cfg(windows)]
fn chromium_keys(app: &ElectronApp) -> Result<ChromiumKeys> {
    super::local_state::key(app).map(ChromiumKeys::Windows)
}

/// keytar's items have the attributes `service` and `account` on Linux, and are found by them on macOS too.
#[cfg(not(windows))]
fn keytar(service: &str, accounts: &[String]) -> Result<Vec<KeytarEntry>> {
    let account_attribute = if cfg!(target_os = "macos") {
        "user"
    } else {
        "account"
    };
    let found = OsKeychain::new().search(&[("service", service)].into())?;
    let entries = found.into_iter().filter_map(|mut item| {
        let account = item.attributes.remove(account_attribute)?;
        let secret = item.secret;
        (accounts.is_empty() || accounts.contains(&account))
            .then_some(KeytarEntry { account, secret })
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by(|one, other| one.account.cmp(&other.account));
    Ok(entries)
}

/// keytar's credentials are named `service/account`. Built, not run: no Windows here.
#[cfg(windows)]
fn keytar(service: &str, accounts: &[String]) -> Result<Vec<KeytarEntry>> {
    let keychain = OsKeychain::new();
    let mut entries = Vec::new();
    for account in accounts {
        if let Some(secret) = keychain.credential(&format!("{service}/{account}"))? {
            let account = account.clone();
            entries.push(KeytarEntry { account, secret });
        }
    }
    Ok(entries)
}
