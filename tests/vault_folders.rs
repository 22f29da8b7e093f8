//! One vault id in several folders, and folders that are moved, copied, linked and made anew: which key is whose.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::Result;
use electron_latchkey::keychain::{Backend, Keychain, MemoryKeychain};
use electron_latchkey::secret::{SecretBytes, SecretString};
use electron_latchkey::vault::{KeySource, Vault};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use support::{file, open, open_code, options, state, text};
use tempfile::TempDir;

/// Where the header names the keychain item, as docs/format.md says.
const SLOT: std::ops::Range<usize> = 108..124;

/// Folders beside each other, and one keychain for the vaults in all of them.
struct Folders {
    root: TempDir,
    keychain: MemoryKeychain,
}

impl Folders {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            keychain: MemoryKeychain::default(),
        }
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn open(&self, name: &str) -> Result<Vault> {
        open(options(&self.dir(name)), &self.keychain)
    }

    fn code(&self, name: &str) -> &'static str {
        open_code(options(&self.dir(name)), &self.keychain)
    }

    /// What a new opening finds under "k".
    fn found(&self, name: &str) -> Vec<u8> {
        let vault = self.open(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        state(&vault).unwrap()["k"].clone()
    }

    fn recover(&self, name: &str, copy: &[u8]) -> Result<Vault> {
        let source = KeySource::keychain(self.keychain.clone());
        let word = SecretString::new("paper".to_owned());
        Vault::recover(options(&self.dir(name)), source, copy, word)
    }

    fn slot(&self, name: &str) -> Vec<u8> {
        fs::read(file(&self.dir(name))).unwrap()[SLOT].to_vec()
    }
}

fn used(folders: &Folders, name: &str, value: &str) -> Vault {
    let vault = folders.open(name).unwrap();
    vault.set("k", text(value), None).unwrap();
    vault
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn vaults_of_one_id_in_two_folders_know_nothing_of_each_other() {
    let folders = Folders::new();
    let (one, other) = (used(&folders, "one", "1"), used(&folders, "other", "2"));
    assert_eq!(folders.keychain.len(), 2);
    for _ in 0..3 {
        one.rotate_key().unwrap();
        one.compact().unwrap();
    }
    other.set("l", text("more"), None).unwrap();
    assert_eq!(folders.found("one"), b"1");
    assert_eq!(folders.found("other"), b"2");
    other.rotate_key().unwrap();
    one.wipe().unwrap();
    assert_eq!(folders.keychain.len(), 1);
    assert_eq!(folders.found("other"), b"2");
}

#[test]
fn a_folder_that_is_moved_keeps_its_key() {
    let folders = Folders::new();
    drop(used(&folders, "before", "v"));
    let slot = folders.slot("before");
    fs::rename(folders.dir("before"), folders.dir("after")).unwrap();
    let vault = folders.open("after").unwrap();
    vault.compact().unwrap();
    vault.rotate_key().unwrap();
    assert_eq!(folders.found("after"), b"v");
    assert_eq!(folders.slot("after"), slot);
    assert_eq!(folders.keychain.len(), 1);
    vault.wipe().unwrap();
    assert!(folders.keychain.is_empty());
}

#[test]
fn a_file_made_in_place_of_a_deleted_one_is_newer_than_every_copy_of_that() {
    let folders = Folders::new();
    drop(used(&folders, "vault", "old"));
    let path = file(&folders.dir("vault"));
    let old = fs::read(&path).unwrap();
    fs::remove_dir_all(folders.dir("vault")).unwrap();
    drop(used(&folders, "vault", "new"));
    assert_eq!(folders.keychain.len(), 1, "no item is left behind");
    fs::write(&path, &old).unwrap();
    assert_eq!(folders.code("vault"), "ERR_VAULT_ROLLED_BACK");
    assert_eq!(fs::read(&path).unwrap(), old);
}

/// It is the same vault twice, so one of the two is an old copy as soon as the other one has moved on.
#[test]
fn a_copied_folder_has_the_key_of_its_origin() {
    let folders = Folders::new();
    let vault = used(&folders, "origin", "v");
    copy_dir(&folders.dir("origin"), &folders.dir("copy"));
    assert_eq!(folders.found("copy"), b"v");
    vault.rotate_key().unwrap();
    assert_eq!(folders.code("copy"), "ERR_KEY_INVALID");
    assert_eq!(folders.found("origin"), b"v");
    assert_eq!(folders.keychain.len(), 1);
}

#[test]
fn a_changed_slot_is_refused_and_neither_file_nor_key_is_made_or_changed() {
    let folders = Folders::new();
    drop(used(&folders, "vault", "v"));
    drop(used(&folders, "other", "w"));
    let path = file(&folders.dir("vault"));
    let good = fs::read(&path).unwrap();
    let refused = |bad: &[u8]| {
        fs::write(&path, bad).unwrap();
        let code = folders.code("vault");
        assert_eq!(fs::read(&path).unwrap(), bad);
        assert_eq!(folders.keychain.len(), 2);
        code
    };
    for at in SLOT {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert_eq!(refused(&bad), "ERR_KEY_MISSING", "byte {at}");
    }
    let mut bad = good.clone();
    bad[SLOT].copy_from_slice(&folders.slot("other"));
    assert_eq!(refused(&bad), "ERR_KEY_INVALID", "the slot of another");
    fs::write(&path, good).unwrap();
    assert_eq!(folders.found("vault"), b"v");
    assert_eq!(folders.found("other"), b"w");
}

#[test]
fn a_recovery_keeps_the_slot_of_a_file_that_tells_it_and_takes_the_folders_otherwise() {
    let folders = Folders::new();
    let vault = used(&folders, "before", "v");
    let copy = vault
        .export_recovery(&SecretString::new("paper".to_owned()))
        .unwrap();
    drop(vault);
    let slot = folders.slot("before");
    fs::rename(folders.dir("before"), folders.dir("after")).unwrap();
    drop(folders.recover("after", &copy).unwrap());
    assert_eq!(folders.slot("after"), slot);
    assert_eq!(folders.keychain.len(), 1);

    let path = file(&folders.dir("after"));
    fs::write(&path, "no header").unwrap();
    drop(folders.recover("after", &copy).unwrap());
    assert_ne!(folders.slot("after"), slot);
    assert_eq!(folders.found("after"), b"v");
    let aside = path.with_extension("replaced-2");
    assert_eq!(fs::read(aside).unwrap(), b"no header");
}

#[test]
fn an_open_vault_follows_a_recovery_to_another_slot() {
    let folders = Folders::new();
    drop(used(&folders, "before", "v"));
    fs::rename(folders.dir("before"), folders.dir("after")).unwrap();
    let open = folders.open("after").unwrap();
    let copy = open
        .export_recovery(&SecretString::new("paper".to_owned()))
        .unwrap();
    fs::remove_file(file(&folders.dir("after"))).unwrap();
    drop(folders.recover("after", &copy).unwrap());
    open.set("k", text("later"), None).unwrap();
    assert_eq!(folders.found("after"), b"later");
}

#[cfg(unix)]
#[test]
fn a_vault_begun_through_two_names_of_its_folder_has_one_key() {
    let folders = Folders::new();
    fs::create_dir(folders.dir("vault")).unwrap();
    std::os::unix::fs::symlink(folders.dir("vault"), folders.dir("link")).unwrap();
    std::thread::scope(|scope| {
        for name in ["vault", "link", "vault", "link"] {
            let folders = &folders;
            scope.spawn(move || {
                folders
                    .open(name)
                    .unwrap()
                    .set(name, text("v"), None)
                    .unwrap()
            });
        }
    });
    assert_eq!(folders.keychain.len(), 1);
    assert_eq!(
        folders.open("link").unwrap().keys().unwrap(),
        ["link", "vault"]
    );
}

/// A keychain that notes what it is asked.
#[derive(Clone, Default)]
struct Noting(MemoryKeychain, Arc<Mutex<Vec<&'static str>>>);

impl Noting {
    fn note(&self, call: &'static str) {
        self.1.lock().unwrap().push(call);
    }

    fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.1.lock().unwrap())
    }
}

impl Keychain for Noting {
    fn backend(&self) -> Backend {
        Backend::Memory
    }

    fn read(&self, vault_id: &str, item: &str) -> Result<Option<SecretBytes>> {
        self.note("read");
        self.0.read(vault_id, item)
    }

    fn write(&self, vault_id: &str, item: &str, secret: &SecretBytes) -> Result<()> {
        self.note("write");
        self.0.write(vault_id, item, secret)
    }

    fn remove(&self, vault_id: &str, item: &str) -> Result<()> {
        self.note("remove");
        self.0.remove(vault_id, item)
    }
}

/// Each question may be a prompt.
#[test]
fn opening_a_vault_asks_the_keychain_once_wherever_it_lies() {
    let folders = Folders::new();
    let keychain = Noting::default();
    let open = |name| open(options(&folders.dir(name)), &keychain).unwrap();
    drop(open("before"));
    keychain.asked();
    drop(open("before"));
    assert_eq!(keychain.asked(), ["read"]);
    fs::rename(folders.dir("before"), folders.dir("after")).unwrap();
    drop(open("after"));
    assert_eq!(keychain.asked(), ["read"]);
}
