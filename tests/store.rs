//! The records behind `Store`: edited under the vault's lock, followed by what changed.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

use electron_latchkey::Result;
use electron_latchkey::keychain::MemoryKeychain;
use electron_latchkey::secret::SecretString;
use electron_latchkey::store::{Record, StoreRecords, Update};
use electron_latchkey::vault::{KeySource, Vault, VaultOptions};
use std::path::PathBuf;
use std::thread;

/// A folder, and the keychain of its vault.
struct Home {
    folder: tempfile::TempDir,
    keychain: MemoryKeychain,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            keychain: MemoryKeychain::default(),
        }
    }

    /// Each call is another process, as far as the file can tell.
    fn vault(&self) -> Vault {
        let options = VaultOptions {
            path: Some(PathBuf::from(self.folder.path()).join("vault")),
            ..VaultOptions::new("test.store")
        };
        Vault::open(options, KeySource::keychain(self.keychain.clone())).unwrap()
    }

    fn store(&self, name: &str) -> StoreRecords {
        StoreRecords::new(self.vault(), name).unwrap()
    }
}

fn put(name: &str, text: &str) -> Record {
    let text = Some(SecretString::new(text.to_owned()));
    let name = name.to_owned();
    Record { name, text }
}

fn removed(name: &str) -> Record {
    let name = name.to_owned();
    Record { name, text: None }
}

fn write(store: &StoreRecords, changes: Vec<Record>) -> u64 {
    store.edit(None, |_| Ok(Some(changes))).unwrap().unwrap()
}

/// The records of an update, in words.
fn said(update: &Update) -> Vec<String> {
    let word = |record: &Record| match &record.text {
        Some(text) => format!("{}={}", record.name, text.expose()),
        None => format!("-{}", record.name),
    };
    update.records.iter().map(word).collect()
}

#[test]
fn a_reader_is_told_what_changed_since_it_last_asked() {
    let home = Home::new();
    let (mine, theirs) = (home.store("config.json"), home.store("config.json"));
    let first = mine.since(None).unwrap().unwrap();
    assert!(first.is_whole && first.records.is_empty());
    assert!(mine.since(Some(first.version)).unwrap().is_none());

    write(&theirs, vec![put("a", "1"), put("b", "1")]);
    let second = mine.since(Some(first.version)).unwrap().unwrap();
    assert!(!second.is_whole);
    assert_eq!(said(&second), ["a=1", "b=1"]);

    write(&theirs, vec![removed("a"), put("b", "2")]);
    let third = mine.since(Some(second.version)).unwrap().unwrap();
    assert_eq!(said(&third), ["-a", "b=2"]);
    assert_eq!(said(&mine.since(None).unwrap().unwrap()), ["b=2"]);
}

#[test]
fn an_edit_answers_the_version_its_writer_knows_and_others_do_not() {
    let home = Home::new();
    let (mine, theirs) = (home.store("s"), home.store("s"));
    let version = write(&mine, vec![put("a", "1"), put("b", "1")]);
    assert!(mine.since(Some(version)).unwrap().is_none());
    write(&theirs, vec![put("c", "1")]);
    let edited = mine
        .edit(Some(version), |update| {
            assert_eq!(said(&update), ["c=1"], "told before it decides");
            Ok(Some(vec![put("a", "2")]))
        })
        .unwrap();
    assert!(mine.since(edited).unwrap().is_none());
    assert_eq!(
        said(&theirs.since(None).unwrap().unwrap()),
        ["a=2", "b=1", "c=1"]
    );
}

#[test]
fn an_edit_that_decides_for_nothing_or_fails_writes_nothing() {
    let home = Home::new();
    let store = home.store("s");
    let version = write(&store, vec![put("a", "1")]);
    assert_eq!(store.edit(Some(version), |_| Ok(None)).unwrap(), None);
    let nothing = store.edit(Some(version), |_| Ok(Some(Vec::new()))).unwrap();
    assert_eq!(nothing, Some(version));
    let failed: Result<_> = store.edit(Some(version), |_| {
        Err(electron_latchkey::Error::InvalidArgument("no".to_owned()))
    });
    assert!(failed.is_err());
    assert!(store.since(Some(version)).unwrap().is_none());
}

#[test]
fn stores_and_the_applications_own_keys_do_not_meet() {
    let home = Home::new();
    let vault = home.vault();
    let one = StoreRecords::new(vault.clone(), "one").unwrap();
    let other = StoreRecords::new(vault.clone(), "one/two").unwrap();
    write(&one, vec![put("a", "1")]);
    write(&other, vec![put("a", "2")]);
    assert_eq!(said(&one.since(None).unwrap().unwrap()), ["a=1"]);
    assert_eq!(vault.keys().unwrap(), Vec::<String>::new());
    vault.clear().unwrap();
    assert_eq!(said(&other.since(None).unwrap().unwrap()), ["a=2"]);
    assert!(StoreRecords::new(vault, "one\0two").is_err());
}

#[test]
fn a_rewritten_file_is_read_whole() {
    let home = Home::new();
    let (mine, vault) = (home.store("s"), home.vault());
    let version = write(&mine, vec![put("a", "1")]);
    vault.compact().unwrap();
    let update = mine.since(Some(version)).unwrap().unwrap();
    assert!(update.is_whole);
    assert_eq!(said(&update), ["a=1"]);
}

#[test]
fn edits_of_many_writers_at_once_lose_nothing() {
    const WRITERS: usize = 4;
    const EDITS: usize = 25;
    let home = Home::new();
    let count = |store: &StoreRecords| {
        for _ in 0..EDITS {
            let add = |update: Update| {
                let now: usize = update
                    .records
                    .first()
                    .and_then(|record| record.text.as_ref())
                    .map_or(0, |text| text.expose().parse().unwrap());
                Ok(Some(vec![put("count", &(now + 1).to_string())]))
            };
            store.edit(None, add).unwrap();
        }
    };
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            let store = home.store("s");
            scope.spawn(move || count(&store));
        }
    });
    let store = home.store("s");
    let all = said(&store.since(None).unwrap().unwrap());
    assert_eq!(all, [format!("count={}", WRITERS * EDITS)]);
}

#[test]
fn a_subscriber_hears_of_what_another_process_wrote() {
    let home = Home::new();
    let (mine, theirs) = (home.store("s"), home.store("s"));
    let mut heard = mine.subscribe().unwrap();
    write(&theirs, vec![put("a", "1")]);
    assert_eq!(heard.blocking_recv(), Some(()));
    assert_eq!(said(&mine.since(None).unwrap().unwrap()), ["a=1"]);
}
