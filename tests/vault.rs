//! The vault through its public interface: on a real disk, with the keychain in memory.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

use electron_latchkey::Error;
use electron_latchkey::clock::ManualClock;
use electron_latchkey::keychain::MemoryKeychain;
use electron_latchkey::secret::{SecretBytes, SecretString};
use electron_latchkey::vault::{KeySource, Value, Vault, VaultOptions};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

struct Home {
    dir: TempDir,
    keychain: MemoryKeychain,
}

impl Home {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            keychain: MemoryKeychain::default(),
        }
    }

    fn options(&self) -> VaultOptions {
        let mut options = VaultOptions::new("com.example.test");
        options.path = Some(self.dir.path().join("vault"));
        options.lock_timeout = Duration::from_millis(100);
        options
    }

    fn open(&self) -> Result<Vault, Error> {
        Vault::open(self.options(), KeySource::keychain(self.keychain.clone()))
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("vault/vault.latchkey")
    }

    fn open_code(&self) -> &'static str {
        self.open().map_or_else(|error| error.code(), |_| "opened")
    }
}

fn text(value: &str) -> Value {
    Value::Text(SecretString::new(value.to_owned()))
}

fn read(vault: &Vault, key: &str) -> Option<String> {
    vault.get(key).unwrap().map(|value| match value {
        Value::Text(text) => text.expose().to_owned(),
        Value::Bytes(bytes) => format!("{:?}", bytes.expose()),
    })
}

#[test]
fn what_was_set_is_there_after_reopening() {
    let home = Home::new();
    let vault = home.open().unwrap();
    vault.set("text", text("ünï\0code"), None).unwrap();
    let bytes = Value::Bytes(SecretBytes::new(vec![0, 255]));
    vault.set("bytes", bytes, None).unwrap();
    vault.set("gone", text("x"), None).unwrap();
    assert!(vault.delete("gone").unwrap());
    assert!(!vault.delete("gone").unwrap());
    drop(vault);

    let vault = home.open().unwrap();
    assert_eq!(read(&vault, "text").as_deref(), Some("ünï\0code"));
    assert_eq!(read(&vault, "bytes").as_deref(), Some("[0, 255]"));
    assert_eq!(read(&vault, "gone"), None);
    assert_eq!(vault.keys().unwrap(), ["bytes", "text"]);
    assert!(vault.has("text").unwrap() && !vault.has("gone").unwrap());
    vault.clear().unwrap();
    assert_eq!(home.open().unwrap().keys().unwrap(), Vec::<String>::new());
}

#[test]
fn names_are_only_names() {
    let home = Home::new();
    let vault = home.open().unwrap();
    let long = "k".repeat(10 * 1024);
    // The same letter, composed (NFC) and decomposed (NFD): two names.
    let names = ["__proto__", "", "\0", "é", "e\u{301}", long.as_str()];
    for name in names {
        vault.set(name, text(name), None).unwrap();
    }
    let vault = home.open().unwrap();
    for name in names {
        assert_eq!(read(&vault, name).as_deref(), Some(name));
    }
    let error = vault
        .set(&"k".repeat(16 * 1024 + 1), text(""), None)
        .unwrap_err();
    assert_eq!(error.code(), "ERR_INVALID_ARGUMENT");
}

#[test]
fn a_value_is_gone_when_its_time_has_passed() {
    let home = Home::new();
    let clock = Arc::new(ManualClock::at(1_000));
    let options = VaultOptions {
        clock: Arc::clone(&clock) as _,
        ..home.options()
    };
    let vault = Vault::open(options, KeySource::keychain(home.keychain.clone())).unwrap();
    let ttl = Some(Duration::from_millis(500));
    vault.set("k", text("v"), ttl).unwrap();
    clock.set(1_499);
    assert!(vault.has("k").unwrap());
    clock.set(1_500);
    assert_eq!(read(&vault, "k"), None);
    assert!(!vault.delete("k").unwrap());
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let vault = home.open().unwrap();
    vault.set("k", text("v"), None).unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(home.file()), 0o600);
    assert_eq!(mode(home.dir.path().join("vault")), 0o700);
    vault.compact().unwrap();
    assert_eq!(mode(home.file()), 0o600);
}

#[test]
fn neither_names_nor_values_are_in_the_file() {
    let home = Home::new();
    let vault = home.open().unwrap();
    vault
        .set("canary-name", text("canary-value"), None)
        .unwrap();
    let holds = |needle: &[u8]| {
        fs::read(home.file())
            .unwrap()
            .windows(needle.len())
            .any(|window| window == needle)
    };
    assert!(holds(b"LATCHKEY"));
    assert!(!holds(b"canary"));
}

#[test]
fn without_a_keychain_nothing_is_written() {
    let home = Home::new();
    home.keychain
        .fail_with(Some(Error::KeychainUnavailable("no session bus".into())));
    assert_eq!(home.open_code(), "ERR_KEYCHAIN_UNAVAILABLE");
    assert!(!home.dir.path().join("vault").exists());
    home.keychain.fail_with(None);
    assert_eq!(home.open_code(), "opened");
}

#[test]
fn a_key_is_never_made_beside_a_file() {
    let home = Home::new();
    home.open().unwrap();
    let before = fs::read(home.file()).unwrap();
    let other = Home {
        dir: home.dir,
        keychain: MemoryKeychain::default(),
    };
    assert_eq!(other.open_code(), "ERR_KEY_MISSING");
    assert!(other.keychain.is_empty());
    assert_eq!(fs::read(other.file()).unwrap(), before);
}

#[test]
fn a_key_that_does_not_fit_the_file_is_named() {
    let home = Home::new();
    home.open().unwrap();
    let file = fs::read(home.file()).unwrap();
    // Another keychain, in which another file had the same place.
    fs::remove_file(home.file()).unwrap();
    let other = Home {
        dir: home.dir,
        keychain: MemoryKeychain::default(),
    };
    other.open().unwrap();
    fs::write(other.file(), file).unwrap();
    assert_eq!(other.open_code(), "ERR_KEY_INVALID");
}

#[test]
fn every_changed_byte_is_noticed_and_the_file_is_kept() {
    let home = Home::new();
    let vault = home.open().unwrap();
    vault.set("a", text("1"), None).unwrap();
    vault.set("b", text("2"), None).unwrap();
    drop(vault);
    let good = fs::read(home.file()).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        fs::write(home.file(), &bad).unwrap();
        let code = home.open_code();
        assert!(code.starts_with("ERR_"), "byte {at} was accepted");
        assert_eq!(fs::read(home.file()).unwrap(), bad, "byte {at}: {code}");
        assert_eq!(home.keychain.len(), 1, "byte {at}: a key was made");
    }
    fs::write(home.file(), &good).unwrap();
    assert_eq!(home.open_code(), "opened");
}

#[test]
fn whatever_else_lies_in_its_place_is_refused_and_kept() {
    let home = Home::new();
    let vault = home.open().unwrap();
    vault.set("a", text("1"), None).unwrap();
    drop(vault);
    let good = fs::read(home.file()).unwrap();
    let mut newer = good.clone();
    newer[8] = 9;
    let cases: [(&[u8], &str); 5] = [
        (b"", "ERR_VAULT_CORRUPT"),
        (&vec![0; good.len()], "ERR_VAULT_CORRUPT"),
        (br#"{"token":"plain"}"#, "ERR_VAULT_CORRUPT"),
        (&newer, "ERR_VAULT_VERSION"),
        (&good[..128], "ERR_VAULT_TAMPERED"),
    ];
    for (bytes, code) in cases {
        fs::write(home.file(), bytes).unwrap();
        assert_eq!(home.open_code(), code);
        assert_eq!(fs::read(home.file()).unwrap(), bytes);
    }
}

#[test]
fn a_torn_last_write_is_dropped_and_the_rest_is_kept() {
    let home = Home::new();
    let vault = home.open().unwrap();
    vault.set("a", text("1"), None).unwrap();
    let acknowledged = fs::metadata(home.file()).unwrap().len();
    vault.set("b", text("2"), None).unwrap();
    drop(vault);
    let file = fs::OpenOptions::new()
        .write(true)
        .open(home.file())
        .unwrap();
    file.set_len(acknowledged + 20).unwrap();

    let vault = home.open().unwrap();
    assert!(vault.recovered_torn_write());
    assert_eq!(read(&vault, "a").as_deref(), Some("1"));
    assert_eq!(read(&vault, "b"), None);
    vault.set("c", text("3"), None).unwrap();
    let vault = home.open().unwrap();
    assert!(!vault.recovered_torn_write());
    assert_eq!(vault.keys().unwrap(), ["a", "c"]);
}

#[test]
fn two_handles_see_each_others_writes_and_rewrites() {
    let home = Home::new();
    let (one, two) = (home.open().unwrap(), home.open().unwrap());
    one.set("k", text("1"), None).unwrap();
    assert_eq!(read(&two, "k").as_deref(), Some("1"));
    two.set("k", text("2"), None).unwrap();
    two.compact().unwrap();
    assert_eq!(read(&one, "k").as_deref(), Some("2"));
    one.set("k", text("3"), None).unwrap();
    assert_eq!(read(&two, "k").as_deref(), Some("3"));
}

#[test]
fn a_rewrite_forgets_what_was_removed() {
    let home = Home::new();
    let vault = home.open().unwrap();
    for round in 0..200 {
        vault.set("k", text(&"v".repeat(round)), None).unwrap();
    }
    let grown = fs::metadata(home.file()).unwrap().len();
    vault.compact().unwrap();
    assert!(fs::metadata(home.file()).unwrap().len() < grown / 20);
    assert_eq!(read(&home.open().unwrap(), "k"), Some("v".repeat(199)));
}

#[test]
fn a_held_lock_is_a_bounded_wait() {
    let home = Home::new();
    let vault = home.open().unwrap();
    vault.set("k", text("v"), None).unwrap();
    let lock = fs::File::open(home.dir.path().join("vault/vault.lock")).unwrap();
    lock.lock().unwrap();
    let error = vault.set("k", text("w"), None).unwrap_err();
    assert_eq!(error.code(), "ERR_VAULT_BUSY");
    assert_eq!(read(&vault, "k").as_deref(), Some("v"));
    lock.unlock().unwrap();
    vault.set("k", text("w"), None).unwrap();
}

#[test]
fn a_closed_vault_says_so() {
    let home = Home::new();
    let vault = home.open().unwrap();
    let other = vault.clone();
    vault.close();
    assert_eq!(other.get("k").unwrap_err().code(), "ERR_VAULT_CLOSED");
    assert_eq!(
        other.set("k", text("v"), None).unwrap_err().code(),
        "ERR_VAULT_CLOSED"
    );
}

#[test]
fn ids_and_paths_are_checked_before_anything_happens() {
    let home = Home::new();
    for id in ["", ".hidden", "a/b", "a b", "ü", &"a".repeat(129)] {
        let mut options = home.options();
        options.id = id.to_owned();
        let error = Vault::open(options, KeySource::keychain(home.keychain.clone())).unwrap_err();
        assert_eq!(error.code(), "ERR_INVALID_ARGUMENT", "{id}");
    }
    let mut options = home.options();
    options.path = Some("relative".into());
    let error = Vault::open(options, KeySource::keychain(home.keychain.clone())).unwrap_err();
    assert_eq!(error.code(), "ERR_INVALID_ARGUMENT");
    assert!(home.keychain.is_empty());
}

#[cfg(unix)]
#[test]
fn a_link_in_the_files_place_is_not_followed() {
    let home = Home::new();
    home.open().unwrap();
    let elsewhere = home.dir.path().join("elsewhere");
    fs::rename(home.file(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, home.file()).unwrap();
    assert_eq!(home.open_code(), "ERR_VAULT_IO");
}
