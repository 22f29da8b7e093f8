//! When the keychain is asked and told, what happens meanwhile, and what becomes of a call that does not end.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::Result;
use electron_latchkey::keychain::{Backend, Keychain, MemoryKeychain};
use electron_latchkey::secret::SecretBytes;
use electron_latchkey::vault::Vault;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use support::{open, options, state, text};
use tempfile::TempDir;

/// A keychain with something done before a call, told which one it is.
#[derive(Clone)]
struct Hooked(MemoryKeychain, Arc<Mutex<Hook>>);

type Hook = Box<dyn FnMut(&'static str) + Send>;

impl Hooked {
    fn new(keychain: &MemoryKeychain, hook: impl FnMut(&'static str) + Send + 'static) -> Self {
        Self(keychain.clone(), Arc::new(Mutex::new(Box::new(hook))))
    }

    fn hook(&self, call: &'static str) {
        (self.1.lock().unwrap())(call);
    }
}

impl Keychain for Hooked {
    fn backend(&self) -> Backend {
        Backend::Memory
    }

    fn read(&self, vault_id: &str, item: &str) -> Result<Option<SecretBytes>> {
        self.hook("read");
        self.0.read(vault_id, item)
    }

    fn write(&self, vault_id: &str, item: &str, secret: &SecretBytes) -> Result<()> {
        self.hook("write");
        self.0.write(vault_id, item, secret)
    }

    fn remove(&self, vault_id: &str, item: &str) -> Result<()> {
        self.hook("remove");
        self.0.remove(vault_id, item)
    }
}

struct Home {
    root: TempDir,
    keychain: MemoryKeychain,
}

impl Home {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            keychain: MemoryKeychain::default(),
        }
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join("vault")
    }

    fn open(&self) -> Vault {
        open(options(&self.dir()), &self.keychain).unwrap()
    }
}

#[test]
fn a_key_replaced_between_the_looks_at_file_and_keychain_is_no_wrong_key() {
    let home = Home::new();
    let other = home.open();
    other.set("k", text("v"), None).unwrap();
    let rotating = other.clone();
    let mut times = 2;
    let keychain = Hooked::new(&home.keychain, move |_| {
        if times > 0 {
            times -= 1;
            rotating.rotate_key().unwrap();
        }
    });
    let vault = open(options(&home.dir()), &keychain).unwrap();
    assert_eq!(state(&vault).unwrap()["k"], b"v");

    // And while the vault is open.
    other.rotate_key().unwrap();
    let mut times = 1;
    *keychain.1.lock().unwrap() = Box::new(move |_| {
        if times > 0 {
            times -= 1;
            other.rotate_key().unwrap();
        }
    });
    assert_eq!(state(&vault).unwrap()["k"], b"v");
}
