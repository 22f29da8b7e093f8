//! Chromium's password in KWallet, over D-Bus, as Chromium's `kwallet_dbus.cc` asks for it.
//!
//! Tested against a fake KWallet that real Electron 22 talked to as well; no KDE here.
#![forbid(unsafe_code)]

use crate::secret::SecretBytes;
use crate::{Error, Result};
use zbus::blocking::{Connection, Proxy};
use zbus::names::WellKnownName;

/// What KWallet shows the person when it asks for permission.
const ASKER: &str = "electron-latchkey";
const INTERFACE: &str = "org.kde.KWallet";

/// The daemons of Plasma 6, 5 and 4: each is a bus name and an object.
const DAEMONS: [(&str, &str); 3] = [
    ("org.kde.kwalletd6", "/modules/kwalletd6"),
    ("org.kde.kwalletd5", "/modules/kwalletd5"),
    ("org.kde.kwalletd", "/modules/kwalletd"),
];

/// The passwords of the app's `safeStorage`, in all wallets that run. A wallet that does not run is not started: that could
/// ask the person to set one up.
///
/// # Errors
/// `ERR_KEYCHAIN_LOCKED` when a wallet was not opened, `ERR_KEYCHAIN_FAILED`.
pub(crate) fn passwords(app: &str) -> Result<Vec<SecretBytes>> {
    // Without a bus there is no wallet.
    let Ok(bus) = Connection::session() else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (name, object) in DAEMONS {
        if is_running(&bus, name) {
            let wallet = Proxy::new(&bus, name, object, INTERFACE).map_err(failed)?;
            found.extend(password_in(&wallet, app)?);
        }
    }
    Ok(found)
}

fn is_running(bus: &Connection, name: &'static str) -> bool {
    let name = WellKnownName::from_static_str_unchecked(name);
    zbus::blocking::fdo::DBusProxy::new(bus)
        .is_ok_and(|dbus| dbus.name_has_owner(name.into()).unwrap_or(false))
}

fn password_in(wallet: &Proxy<'_>, app: &str) -> Result<Option<SecretBytes>> {
    let is_enabled: bool = wallet.call("isEnabled", &()).map_err(failed)?;
    if !is_enabled {
        return Ok(None);
    }
    let name: String = wallet.call("networkWallet", &()).map_err(failed)?;
    // No window of ours: 0.
    let handle: i32 = wallet.call("open", &(name, 0_i64, ASKER)).map_err(failed)?;
    if handle < 0 {
        return Err(Error::KeychainLocked);
    }
    let read = read_password(wallet, handle, app);
    // A wallet that others use stays open for them.
    let _closed: zbus::Result<i32> = wallet.call("close", &(handle, false, ASKER));
    read
}

fn read_password(wallet: &Proxy<'_>, handle: i32, app: &str) -> Result<Option<SecretBytes>> {
    // Electron gives folder and entry the app's name; where it does not, they have Chromium's.
    for owner in [app, "Chromium"] {
        let folder = format!("{owner} Keys");
        let entry = format!("{owner} Safe Storage");
        let has_entry: bool = wallet
            .call("hasEntry", &(handle, &folder, &entry, ASKER))
            .map_err(failed)?;
        if has_entry {
            let password: String = wallet
                .call("readPassword", &(handle, &folder, &entry, ASKER))
                .map_err(failed)?;
            return Ok(Some(SecretBytes::new(password.into_bytes())));
        }
    }
    Ok(None)
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: zbus::Error) -> Error {
    // The text of a D-Bus error is the wallet's own and names no password.
    Error::KeychainFailed(format!("KWallet: {error}"))
}
