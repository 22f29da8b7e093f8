//! The life of a vault's key and file: passphrase, rotation, recovery, rollback, wiping, and who is told of changes.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

use electron_latchkey::Error;
use electron_latchkey::keychain::MemoryKeychain;
use electron_latchkey::secret::SecretString;
use electron_latchkey::vault::{Change, KeySource, Value, Vault, VaultOptions};
use std::fs;
use std::path::PathBuf;
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
        options.path = Some(self.dir.path().to_owned());
        options
    }

    fn source(&self) -> KeySource {
        KeySource::keychain(self.keychain.clone())
    }

    fn open(&self) -> Result<Vault, Error> {
        Vault::open(self.options(), self.source())
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("vault.latchkey")
    }
}

fn secret(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

fn passphrase(text: &str) -> KeySource {
    KeySource::passphrase(secret(text))
}

fn text(value: &str) -> Value {
    Value::Text(secret(value))
}

fn read(vault: &Vault, key: &str) -> Option<String> {
    vault.get(key).unwrap().map(|value| match value {
        Value::Text(text) => text.expose().to_owned(),
        Value::Bytes(bytes) => format!("{:?}", bytes.expose()),
    })
}

fn code<T>(result: Result<T, Error>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "ok")
}

#[test]
fn a_passphrase_opens_what_it_sealed_and_nothing_else_does() {
    let home = Home::new();
    let open = |source| Vault::open(home.options(), source);
    let vault = open(passphrase("correct horse")).unwrap();
    assert_eq!(vault.protection().backend, None);
    vault.set("k", text("v"), None).unwrap();
    vault.compact().unwrap();
    drop(vault);
    let vault = open(passphrase("correct horse")).unwrap();
    assert_eq!(read(&vault, "k").as_deref(), Some("v"));
    assert_eq!(code(open(passphrase("wrong"))), "ERR_INVALID_PASSPHRASE");
    assert_eq!(code(open(home.source())), "ERR_PROTECTION_MISMATCH");
    assert!(home.keychain.is_empty());
}

#[test]
fn a_keychain_vault_is_not_opened_with_a_passphrase() {
    let home = Home::new();
    home.open().unwrap();
    let opened = Vault::open(home.options(), passphrase("any"));
    assert_eq!(code(opened), "ERR_PROTECTION_MISMATCH");
}

#[test]
fn a_changed_passphrase_is_the_only_one_that_opens() {
    let home = Home::new();
    let open = |source| Vault::open(home.options(), source);
    let vault = open(passphrase("old")).unwrap();
    vault.set("k", text("v"), None).unwrap();
    vault.change_passphrase(secret("new")).unwrap();
    vault.set("l", text("w"), None).unwrap();
    assert_eq!(code(open(passphrase("old"))), "ERR_INVALID_PASSPHRASE");
    assert_eq!(open(passphrase("new")).unwrap().keys().unwrap(), ["k", "l"]);

    let home = Home::new();
    let changed = home.open().unwrap().change_passphrase(secret("new"));
    assert_eq!(code(changed), "ERR_PROTECTION_MISMATCH");
}

#[test]
fn a_rotated_key_seals_everything_and_the_old_one_opens_nothing() {
    let home = Home::new();
    let vault = home.open().unwrap();
    vault.set("k", text("v"), None).unwrap();
    let other = home.open().unwrap();
    let before = fs::read(home.file()).unwrap();
    vault.rotate_key().unwrap();
    vault.rotate_key().unwrap();
    // A process that was open meanwhile finds the new key by itself.
    assert_eq!(read(&other, "k").as_deref(), Some("v"));
    other.set("l", text("w"), None).unwrap();
    assert_eq!(vault.keys().unwrap(), ["k", "l"]);
    assert_eq!(home.open().unwrap().keys().unwrap(), ["k", "l"]);
    fs::write(home.file(), before).unwrap();
    assert_eq!(code(home.open()), "ERR_KEY_INVALID");
}

#[test]
fn a_recovery_copy_brings_everything_back_when_the_keychain_is_lost() {
    let home = Home::new();
    let vault = home.open().unwrap();
    vault.set("k", text("v"), None).unwrap();
    let copy = vault.export_recovery(&secret("paper")).unwrap();
    drop(vault);
    let lost = fs::read(home.file()).unwrap();
    let home = Home {
        keychain: MemoryKeychain::default(),
        ..home
    };
    assert_eq!(code(home.open()), "ERR_KEY_MISSING");

    let recover =
        |copy: &[u8], word| Vault::recover(home.options(), home.source(), copy, secret(word));
    assert_eq!(code(recover(&copy, "wrong")), "ERR_INVALID_PASSPHRASE");
    assert_eq!(
        code(recover(&copy[..copy.len() - 1], "paper")),
        "ERR_VAULT_CORRUPT"
    );
    assert_eq!(fs::read(home.file()).unwrap(), lost, "nothing was touched");

    let vault = recover(&copy, "paper").unwrap();
    assert_eq!(read(&vault, "k").as_deref(), Some("v"));
    drop(vault);
    assert_eq!(read(&home.open().unwrap(), "k").as_deref(), Some("v"));
    let aside = home.dir.path().join("vault.replaced-1");
    assert_eq!(fs::read(aside).unwrap(), lost, "the old file is kept");
}

#[test]
fn a_copy_of_another_vault_is_refused() {
    let home = Home::new();
    let copy = home.open().unwrap().export_recovery(&secret("p")).unwrap();
    let other = Home::new();
    let mut options = other.options();
    options.id = "com.example.other".to_owned();
    let recovered = Vault::recover(options, other.source(), &copy, secret("p"));
    assert_eq!(code(recovered), "ERR_VAULT_FOREIGN");
}

#[test]
fn a_file_from_before_a_rotation_or_a_deletion_is_an_old_copy() {
    let home = Home::new();
    let vault = home.open().unwrap();
    vault.set("k", text("v"), None).unwrap();
    drop(vault);
    let old = fs::read(home.file()).unwrap();
    // Deleted and made anew: the key is the same, the copy is not.
    fs::remove_file(home.file()).unwrap();
    drop(home.open().unwrap());
    fs::write(home.file(), &old).unwrap();
    assert_eq!(code(home.open()), "ERR_VAULT_ROLLED_BACK");
    assert_eq!(fs::read(home.file()).unwrap(), old);

    let mut options = home.options();
    options.allow_rollback = true;
    let vault = Vault::open(options, home.source()).unwrap();
    assert_eq!(read(&vault, "k").as_deref(), Some("v"));
    drop(vault);
    // It counts as the newest now.
    assert_eq!(code(home.open()), "ok");
}

#[test]
fn a_batch_is_made_whole_or_not_at_all() {
    let home = Home::new();
    let vault = home.open().unwrap();
    vault.set("gone", text("x"), None).unwrap();
    let set = |key: &str, value| Change::Set {
        key: key.to_owned(),
        value,
        ttl: None,
    };
    let delete = |key: &str| Change::Delete {
        key: key.to_owned(),
    };
    vault
        .write(vec![
            set("a", text("1")),
            delete("gone"),
            set("b", text("2")),
        ])
        .unwrap();
    assert_eq!(vault.keys().unwrap(), ["a", "b"]);
    let too_large = Value::Text(secret(&"x".repeat(16 * 1024 * 1024 + 1)));
    let refused = vault.write(vec![delete("a"), set("c", too_large)]);
    assert_eq!(code(refused), "ERR_INVALID_ARGUMENT");
    assert_eq!(home.open().unwrap().keys().unwrap(), ["a", "b"]);
}

#[test]
fn an_update_has_nothing_in_between() {
    let home = Home::new();
    let vault = home.open().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let vault = home.open().unwrap();
            scope.spawn(move || {
                for _ in 0..50 {
                    vault
                        .update("n", |old| {
                            let old = match old {
                                Some(Value::Text(text)) => text.expose().parse().unwrap(),
                                _ => 0,
                            };
                            Some(text(&(old + 1).to_string()))
                        })
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(read(&vault, "n").as_deref(), Some("200"));
    vault.update("n", |_| None).unwrap();
    assert_eq!(read(&vault, "n"), None);
}

#[tokio::test]
async fn listeners_hear_of_every_change_also_of_other_processes() {
    let home = Home::new();
    let vault = home.open().unwrap();
    let other = home.open().unwrap();
    let mut changes = vault.subscribe().unwrap();
    let mut next = async || {
        let heard = tokio::time::timeout(Duration::from_secs(10), changes.recv());
        heard.await.unwrap()
    };
    vault.set("mine", text("1"), None).unwrap();
    assert_eq!(next().await, Some(vec!["mine".to_owned()]));
    other.set("theirs", text("1"), None).unwrap();
    assert_eq!(next().await, Some(vec!["theirs".to_owned()]));
    other.compact().unwrap();
    other.clear().unwrap();
    assert_eq!(
        next().await,
        Some(vec!["mine".to_owned(), "theirs".to_owned()])
    );
    vault.close();
    assert_eq!(next().await, None);
}

#[test]
fn a_wiped_vault_leaves_neither_file_nor_key() {
    let home = Home::new();
    let vault = home.open().unwrap();
    vault.set("k", text("v"), None).unwrap();
    vault.wipe().unwrap();
    assert!(!home.file().exists());
    assert!(home.keychain.is_empty());
    assert_eq!(code(vault.get("k")), "ERR_VAULT_CLOSED");
    assert_eq!(home.open().unwrap().keys().unwrap(), Vec::<String>::new());
}
