//! What an open vault tells the keychain: its next key, and the generation below which a file is an old copy.
//!
//! Both stand in one item, which is replaced as a whole, and no keychain compares before it replaces. A write that came
//! late would bring an old key back, and the file's own would be lost. Therefore:
//!
//! - Whoever writes or removes the item holds the item's lock, until the keychain has done with it. That can be long after
//!   the caller has stopped waiting.
//! - The key of the file in place changes under that lock only, and what is written was read from the file under it. So a
//!   later write knows at least what an earlier one knew.
//! - The item's lock comes first, then the writer, then the vault's lock. The latter two are let go of before the keychain
//!   is written: one that hangs holds up whoever would write to it too, and no reader or writer of the vault.
//!
//! A process that dies leaves no write behind that could come late: a service answers what it was asked first, first.
#![forbid(unsafe_code)]

use super::KeyProtection;
use super::lock::OwnedLock;
use super::root_key::{KeySource, Keys, RootKey};
use super::shared::{Inner, read};
use crate::keychain::Held;
use crate::secret::SecretString;
use crate::{Error, Result};
use std::sync::Arc;

/// The file in place, as its key and its generation go.
struct InPlace {
    keys: Keys,
    root: RootKey,
    generation: u64,
}

impl Inner {
    /// Tells the keychain the file's generation, so that every copy from before becomes an old one.
    ///
    /// Best effort. When the keychain cannot be written now, being locked again, or another call of it hangs, the file stays
    /// newer than its anchor, and the next opening sets that right.
    pub(super) fn anchor(&self) {
        if self.protection.backend.is_none() {
            return;
        }
        if let Ok(held) = self.hold_item() {
            self.anchor_holding(&held);
        }
    }

    fn anchor_holding(&self, held: &Held) {
        // Under the vault's lock for a moment: what a reader sees without it may still be taken back, and an anchor above
        // the file's generation would lock the person out of a good file.
        if let Ok(now) = self.in_place() {
            let _ = now.keys.keep(&now.root, None, now.generation, held);
        }
    }

    /// Seals the file with the next key, from the new passphrase where one is given.
    pub(super) fn rotate(&self, passphrase: Option<SecretString>) -> Result<()> {
        let held = self.hold_item()?;
        let mut now = self.in_place()?;
        if let Some(passphrase) = passphrase {
            if matches!(now.root.protection, KeyProtection::Keychain(_)) {
                return Err(Error::ProtectionMismatch("the OS keychain"));
            }
            now.keys = Keys::new(KeySource::passphrase(passphrase), &self.place.vault_id);
        }
        let next = now.keys.next(&now.root)?;
        now.keys
            .keep(&now.root, Some(&next), now.generation, &held)?;
        self.with_locks(|writer| {
            self.reseal(writer, next)?;
            writer.keys = now.keys;
            Ok(())
        })?;
        // The file is sealed with the next key, and the item has it. That the old one is not forgotten yet is no failure.
        self.anchor_holding(&held);
        Ok(())
    }

    /// Removes the file, then the item.
    pub(super) fn wipe(&self) -> Result<()> {
        let held = self.hold_item()?;
        let place = &self.place;
        let now = self.in_place()?;
        self.with_locks(|_| {
            place
                .disk
                .remove(&place.path)
                .and_then(|()| match place.path.parent() {
                    Some(dir) => place.disk.sync_dir(dir),
                    None => Ok(()),
                })
                .map_err(Error::vault_io("remove the vault file"))
        })?;
        now.keys.forget(&now.root, &held)
    }

    fn hold_item(&self) -> Result<Held> {
        Ok(Arc::new(OwnedLock::take(
            &self.item_lock,
            self.lock_timeout,
        )?))
    }

    fn in_place(&self) -> Result<InPlace> {
        self.with_locks(|writer| {
            Ok(InPlace {
                keys: writer.keys.clone(),
                root: writer.root.copy(),
                generation: read(&self.contents).generation(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::keychain::{Backend, Keychain, MemoryKeychain};
    use crate::secret::{SecretBytes, SecretString};
    use crate::vault::{Edit, KeySource, Value, Vault, VaultOptions};
    use crate::{Error, Result};
    use std::path::Path;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    /// A keychain whose writes say that they have begun and then wait for a word, once for each.
    struct Hanging(MemoryKeychain, Mutex<(Sender<()>, Receiver<()>)>);

    impl Keychain for Hanging {
        fn backend(&self) -> Backend {
            Backend::Memory
        }
        fn read(&self, vault_id: &str, item: &str) -> Result<Option<SecretBytes>> {
            self.0.read(vault_id, item)
        }
        fn write(&self, vault_id: &str, item: &str, secret: &SecretBytes) -> Result<()> {
            let ends = self.1.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = ends.0.send(());
            let _ = ends.1.recv();
            self.0.write(vault_id, item, secret)
        }
        fn remove(&self, vault_id: &str, item: &str) -> Result<()> {
            self.0.remove(vault_id, item)
        }
    }

    fn open(dir: &Path, keychain: impl Keychain) -> Result<Vault> {
        let mut options = VaultOptions::new("com.example.test");
        options.path = Some(dir.to_owned());
        options.lock_timeout = Duration::from_millis(200);
        Vault::open(options, KeySource::keychain(keychain))
    }

    fn text(value: &str) -> Value {
        Value::Text(SecretString::new(value.to_owned()))
    }

    fn sign_in(vault: &Vault, value: &str) -> Result<()> {
        let edit = Edit::default().put("session", text(value)).anchored();
        vault.edit_records(|_| Ok(Some(edit))).map(|_| ())
    }

    #[test]
    fn a_keychain_that_hangs_at_a_sign_in_holds_up_no_reader_and_no_writer() {
        let dir = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let file = dir.path().join("vault.latchkey");
        let keychain = MemoryKeychain::default();
        let other = open(dir.path(), keychain.clone()).unwrap_or_else(|e| panic!("{e}"));
        let ((begun, hear), (say, wait)) = (channel(), channel());
        let hanging = Hanging(keychain.clone(), Mutex::new((begun, wait)));
        let vault = open(dir.path(), hanging).unwrap_or_else(|e| panic!("{e}"));
        let old = std::thread::scope(|scope| {
            let signing_in = scope.spawn(|| sign_in(&vault, "first"));
            assert_eq!(hear.recv(), Ok(()));
            for vault in [&vault, &other] {
                assert_eq!(vault.set("k", text("v"), None), Ok(()));
                assert_eq!(vault.has("k"), Ok(true));
            }
            assert!(matches!(other.rotate_key(), Err(Error::VaultBusy { .. })));
            // Another one is as good as signed in, although the keychain cannot be told of it.
            let old = std::fs::read(&file);
            assert_eq!(sign_in(&other, "second"), Ok(()));
            assert_eq!(say.send(()), Ok(()));
            assert_eq!(signing_in.join().map_err(|_| ()), Ok(Ok(())));
            old.unwrap_or_else(|e| panic!("{e}"))
        });
        // The next opening tells it.
        assert!(open(dir.path(), keychain.clone()).is_ok());
        assert!(std::fs::write(&file, old).is_ok());
        let rolled_back = open(dir.path(), keychain).map(drop);
        assert_eq!(rolled_back, Err(Error::VaultRolledBack));
    }
}
