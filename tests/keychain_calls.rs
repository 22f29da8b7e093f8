//! When the keychain is asked and told, what happens meanwhile, and what becomes of a call that does not end.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::keychain::{Backend, Deadline, Keychain, MemoryKeychain};
use electron_latchkey::secret::SecretBytes;
use electron_latchkey::vault::{Vault, VaultOptions};
use electron_latchkey::{Error, Result};
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{file, open, open_code, options, state, text};
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

    /// Options for one who does not wait long for a lock.
    fn impatient(&self) -> VaultOptions {
        let mut options = options(&self.dir());
        options.lock_timeout = Duration::from_millis(100);
        options
    }

    /// A keychain on which call number `hanging` of this name, counted from the returned gate on, hangs.
    fn hanging(&self, name: &'static str, hanging: usize) -> (Hooked, Gate) {
        let ((begun, hear), (say, wait)) = (channel(), channel());
        let counted = Arc::new(Mutex::new(None));
        let count = Arc::clone(&counted);
        let keychain = Hooked::new(&self.keychain, move |call| {
            let mut count = count.lock().unwrap();
            let Some(count) = count.as_mut().filter(|_| call == name) else {
                return;
            };
            *count += 1;
            if *count == hanging {
                begun.send(()).unwrap();
                let _ = wait.recv();
            }
        });
        (keychain, Gate { counted, hear, say })
    }
}

/// Where a call hangs.
struct Gate {
    counted: Arc<Mutex<Option<usize>>>,
    hear: Receiver<()>,
    say: Sender<()>,
}

impl Gate {
    fn arm(&self) {
        *self.counted.lock().unwrap() = Some(0);
    }

    /// Waits until the call hangs.
    fn reached(&self) {
        self.hear.recv().unwrap();
    }

    fn open(self) {
        self.say.send(()).unwrap();
    }
}

fn code<T>(done: Result<T>) -> &'static str {
    done.map_or_else(|error| error.code(), |_| "done")
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

#[test]
fn a_rotation_whose_last_word_to_the_keychain_fails_has_rotated() {
    let home = Home::new();
    let other = home.open();
    other.set("k", text("v"), None).unwrap();
    let old = fs::read(file(&home.dir())).unwrap();
    let mut writes = 0;
    let failing = home.keychain.clone();
    let keychain = Hooked::new(&home.keychain, move |call| {
        writes += usize::from(call == "write");
        let failure = (writes == 2).then(|| Error::KeychainFailed("on purpose".to_owned()));
        failing.fail_with(failure);
    });
    let vault = open(options(&home.dir()), &keychain).unwrap();
    vault.rotate_key().unwrap();
    home.keychain.fail_with(None);
    assert_eq!(state(&vault).unwrap()["k"], b"v");
    assert_eq!(state(&other).unwrap()["k"], b"v");
    // The next opening settles it: the old key is forgotten.
    assert_eq!(state(&home.open()).unwrap()["k"], b"v");
    fs::write(file(&home.dir()), old).unwrap();
    assert_eq!(
        open_code(options(&home.dir()), &home.keychain),
        "ERR_KEY_INVALID"
    );
}

#[test]
fn while_the_keychain_hangs_at_a_rotation_others_read_and_write() {
    for write in [1, 2] {
        let home = Home::new();
        let (keychain, gate) = home.hanging("write", write);
        let vault = open(options(&home.dir()), &keychain).unwrap();
        let other = open(home.impatient(), &home.keychain).unwrap();
        gate.arm();
        std::thread::scope(|scope| {
            let rotating = scope.spawn(|| vault.rotate_key());
            gate.reached();
            for (vault, key) in [(&vault, "one"), (&other, "other")] {
                vault.set(key, text("v"), None).unwrap();
                assert_eq!(state(vault).unwrap()[key], b"v");
            }
            assert_eq!(code(other.rotate_key()), "ERR_VAULT_BUSY");
            gate.open();
            assert_eq!(code(rotating.join().unwrap()), "done");
        });
        assert_eq!(home.open().keys().unwrap(), ["one", "other"]);
        other.rotate_key().unwrap();
        assert_eq!(home.open().keys().unwrap(), ["one", "other"]);
    }
}

/// The call goes on when its caller has stopped waiting. What it writes then is old.
#[test]
fn a_write_that_ends_after_its_deadline_brings_no_old_key_back() {
    for (write, outcome) in [(1, "ERR_KEYCHAIN_TIMEOUT"), (2, "done")] {
        let home = Home::new();
        let (keychain, gate) = home.hanging("write", write);
        let keychain = Deadline::new(keychain, Duration::from_millis(50));
        let vault = open(options(&home.dir()), &keychain).unwrap();
        vault.set("k", text("v"), None).unwrap();
        gate.arm();
        assert_eq!(code(vault.rotate_key()), outcome);
        let impatient = open(home.impatient(), &home.keychain).unwrap();
        assert_eq!(code(impatient.rotate_key()), "ERR_VAULT_BUSY");
        gate.open();
        home.open().rotate_key().unwrap();
        assert_eq!(state(&home.open()).unwrap()["k"], b"v");
        assert_eq!(state(&vault).unwrap()["k"], b"v");
    }
}

#[test]
fn a_removal_that_ends_after_its_deadline_takes_no_new_key_away() {
    let home = Home::new();
    let (keychain, gate) = home.hanging("remove", 1);
    let keychain = Deadline::new(keychain, Duration::from_millis(50));
    let vault = open(options(&home.dir()), &keychain).unwrap();
    gate.arm();
    assert_eq!(code(vault.wipe()), "ERR_KEYCHAIN_TIMEOUT");
    let begun = open_code(home.impatient(), &home.keychain);
    assert_eq!(begun, "ERR_VAULT_BUSY");
    gate.open();
    home.open().set("k", text("v"), None).unwrap();
    assert_eq!(state(&home.open()).unwrap()["k"], b"v");
}
