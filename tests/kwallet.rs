//! The password of Electron's `safeStorage` in KWallet: a fake of its D-Bus interface, since there is no KDE here.
//!
//! Real Electron 22.3.25 with `--password-store=kwallet5`, on a bus with this fake, took it for a KWallet: it asked `isEnabled`,
//! `networkWallet`, `open`, `hasFolder` and `readPassword` of `Chromium Keys` and `Chromium Safe Storage`, whatever the app's name,
//! and made the ciphertext below. From a wallet without the entry it took an empty password, and sealed with that.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::import::keyrings::{ElectronApp, Keyrings, OsKeyrings};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{self, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::child::{self, Child};
use tempfile::TempDir;
use zbus::blocking::{Connection, connection};

/// A bus of its own, on which nothing starts by itself.
struct Bus {
    daemon: process::Child,
    address: String,
    _folder: TempDir,
}

impl Bus {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("bus.conf");
        let text = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir={}</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"#,
            folder.path().display()
        );
        fs::write(&config, text).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let out = daemon.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut address).unwrap();
        Self {
            daemon,
            address: address.trim().to_owned(),
            _folder: folder,
        }
    }

    /// A KWallet on this bus, for as long as the connection is held.
    fn with(&self, wallet: Wallet) -> Connection {
        connection::Builder::address(self.address.as_str())
            .unwrap()
            .serve_at("/modules/kwalletd5", wallet)
            .unwrap()
            .name("org.kde.kwalletd5")
            .unwrap()
            .build()
            .unwrap()
    }

    /// What the importer makes of a ciphertext in this session: the text, or why not.
    fn open(&self, sealed: &str) -> String {
        let mut command = Child::command("asking", &[("sealed", &sealed)]);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        let (said, _) = Child::launch(&mut command).finish();
        said.concat()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

type Entries = BTreeMap<(String, String), String>;

/// What of KWallet's interface Chromium uses.
#[derive(Default, Clone)]
struct Wallet {
    entries: Arc<Mutex<Entries>>,
    is_disabled: bool,
    /// The person refuses to open it.
    is_refused: bool,
}

const HANDLE: i32 = 7;

#[zbus::interface(name = "org.kde.KWallet")]
impl Wallet {
    #[zbus(name = "isEnabled")]
    fn is_enabled(&self) -> bool {
        !self.is_disabled
    }

    #[zbus(name = "networkWallet")]
    fn network_wallet(&self) -> String {
        "kdewallet".to_owned()
    }

    #[zbus(name = "open")]
    fn open(&self, wallet: &str, _window: i64, _asker: &str) -> i32 {
        assert_eq!(wallet, "kdewallet");
        if self.is_refused { -1 } else { HANDLE }
    }

    #[zbus(name = "close")]
    fn close(&self, _handle: i32, _force: bool, _asker: &str) -> i32 {
        0
    }

    #[zbus(name = "hasFolder")]
    fn has_folder(&self, _handle: i32, folder: &str, _asker: &str) -> bool {
        self.entries
            .lock()
            .unwrap()
            .keys()
            .any(|key| key.0 == folder)
    }

    #[zbus(name = "createFolder")]
    fn create_folder(&self, _handle: i32, _folder: &str, _asker: &str) -> bool {
        true
    }

    #[zbus(name = "hasEntry")]
    fn has_entry(&self, _handle: i32, folder: &str, entry: &str, _asker: &str) -> bool {
        let key = (folder.to_owned(), entry.to_owned());
        self.entries.lock().unwrap().contains_key(&key)
    }

    #[zbus(name = "readPassword")]
    fn read_password(&self, handle: i32, folder: &str, entry: &str, _asker: &str) -> String {
        assert_eq!(handle, HANDLE);
        let key = (folder.to_owned(), entry.to_owned());
        let entries = self.entries.lock().unwrap();
        entries.get(&key).cloned().unwrap_or_default()
    }

    #[zbus(name = "writePassword")]
    fn write_password(
        &self,
        _handle: i32,
        folder: &str,
        entry: &str,
        password: &str,
        _asker: &str,
    ) -> i32 {
        let key = (folder.to_owned(), entry.to_owned());
        self.entries
            .lock()
            .unwrap()
            .insert(key, password.to_owned());
        0
    }
}

fn wallet(entries: &[(&str, &str, &str)]) -> Wallet {
    let entry = |(folder, entry, password): &(&str, &str, &str)| {
        let key = ((*folder).to_owned(), (*entry).to_owned());
        (key, (*password).to_owned())
    };
    Wallet {
        entries: Arc::new(Mutex::new(entries.iter().map(entry).collect())),
        ..Wallet::default()
    }
}

/// What this binary does when a test runs it as another process.
#[test]
fn child_process() {
    if child::role().is_none() {
        return;
    }
    let keyrings = OsKeyrings {
        limit: Duration::from_secs(30),
    };
    let app = ElectronApp {
        name: "Fixture App".to_owned(),
        local_state: None,
    };
    match keyrings.chromium_keys(&app) {
        Err(error) => child::tell(error.code()),
        Ok(keys) => match keys.open(&sealed()) {
            Ok(text) => child::tell(text.expose()),
            Err(why) => child::tell(&format!("{why:?}")),
        },
    }
}

/// The password that the fake gave Electron 22.3.25, and what that made of "a token".
const PASSWORD: &str = "cGFzc3dvcmQgaW4gS1dhbA==";
const SEALED: &str = "djExaM1IsoCrtSq2QP8qYDn36w==";
/// What it made of "a token" when the wallet had no entry.
const SEALED_WITH_NOTHING: &str = "djEx46qB+QW2T5lLckQHVXSSGQ==";

fn sealed() -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(child::argument("sealed"))
        .unwrap()
}

const FOLDER: &str = "Chromium Keys";
const ENTRY: &str = "Chromium Safe Storage";

#[test]
fn a_ciphertext_of_electron_is_opened_with_the_password_that_it_left_in_kwallet() {
    let bus = Bus::start();
    let _wallet = bus.with(wallet(&[(FOLDER, ENTRY, PASSWORD)]));
    assert_eq!(bus.open(SEALED), "a token");
}

#[test]
fn the_apps_own_entry_comes_before_chromiums() {
    let bus = Bus::start();
    let _wallet = bus.with(wallet(&[
        ("Chromium Keys", "Chromium Safe Storage", "another"),
        ("Fixture App Keys", "Fixture App Safe Storage", PASSWORD),
    ]));
    assert_eq!(bus.open(SEALED), "a token");
}

#[test]
fn what_electron_sealed_with_an_empty_password_is_opened_too() {
    let bus = Bus::start();
    let _wallet = bus.with(wallet(&[(FOLDER, ENTRY, "")]));
    assert_eq!(bus.open(SEALED_WITH_NOTHING), "a token");
    assert_eq!(bus.open(SEALED), "Damaged");
}

#[test]
fn a_wallet_that_is_not_opened_is_locked_and_none_is_unavailable() {
    let bus = Bus::start();
    assert_eq!(bus.open(SEALED), "ERR_KEYCHAIN_UNAVAILABLE");
    let refused = Wallet {
        is_refused: true,
        ..wallet(&[(FOLDER, ENTRY, PASSWORD)])
    };
    let connection = bus.with(refused);
    assert_eq!(bus.open(SEALED), "ERR_KEYCHAIN_LOCKED");
    drop(connection);
    let disabled = Wallet {
        is_disabled: true,
        ..Wallet::default()
    };
    let _connection = bus.with(disabled);
    assert_eq!(bus.open(SEALED), "ERR_KEYCHAIN_UNAVAILABLE");
}
