//! An import that is killed at each of its steps: nothing is lost, and running it again comes to the same.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::Result;
use electron_latchkey::import::keyrings::{ElectronApp, Keyrings, KeytarEntry};
use electron_latchkey::import::report::{Report, Status};
use electron_latchkey::import::source::{KeytarService, Map, Sealed, Source, StoreFile};
use electron_latchkey::import::{ImportOptions, import};
use electron_latchkey::safe_storage::{self, chromium::ChromiumKeys};
use electron_latchkey::secret::SecretBytes;
use electron_latchkey::vault::{Value, Vault};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use support::child::{self, Child, FileKeychain};
use support::hooked_disk::{Fate, HookedDisk};
use support::{on_disk, open, options};

const FATES: [Fate; 3] = [Fate::DieBefore, Fate::DieAmid, Fate::DieAfter];
/// Sealed by Electron 22.3.25 under `PASSWORD`.
const SOURCE: &str = r#"{"plain":"1","token":"djExvrAmiZpHEFtf2BbfcVIYfA=="}"#;
const PASSWORD: &[u8] = b"VMUg50J4UYSugnq8bLXxqw==";

struct Keyring;

impl Keyrings for Keyring {
    fn chromium_keys(&self, _: &ElectronApp) -> Result<ChromiumKeys> {
        let password = SecretBytes::new(PASSWORD.to_vec());
        Ok(ChromiumKeys::Linux(vec![password]))
    }

    fn keytar(&self, _: &str, _: &[String]) -> Result<Vec<KeytarEntry>> {
        let secret = SecretBytes::new(b"from keytar".to_vec());
        let account = "account".to_owned();
        Ok(vec![KeytarEntry { account, secret }])
    }
}

fn config(root: &Path) -> PathBuf {
    root.join("config.json")
}

fn aside(root: &Path) -> PathBuf {
    root.join("config.json.imported")
}

fn run(vault: &Vault, root: &Path) -> Result<Report> {
    let to = |name: &str| (name.to_owned(), Some(name.to_owned()));
    let app = ElectronApp {
        name: "app".to_owned(),
        local_state: None,
    };
    let file = Source::ElectronStore(StoreFile {
        path: config(root),
        encryption: None,
        store: "config.json".to_owned(),
        sealed: Sealed::Reseal(app),
        map: Map::from([to("plain"), to("token")]),
    });
    let keytar = Source::Keytar(KeytarService {
        service: "service".to_owned(),
        accounts: Vec::new(),
        map: Map::new(),
    });
    import(vault, &Keyring, &[file, keytar], ImportOptions::default())
}

fn text(vault: &Vault, key: &str) -> Option<String> {
    vault.get(key).unwrap().map(|value| match value {
        Value::Text(text) => text.expose().to_owned(),
        Value::Bytes(_) => panic!("{key} is text"),
    })
}

/// What this binary does when the test runs it as another process.
#[test]
fn child_process() {
    if child::role().is_none() {
        return;
    }
    let root = PathBuf::from(child::argument("root"));
    let fate = FATES[usize::try_from(child::number("fate")).unwrap()];
    let (at, operations) = (child::number("at"), AtomicU64::new(0));
    let armed = Arc::new(AtomicBool::new(false));
    let is_armed = Arc::clone(&armed);
    let disk = HookedDisk::new(move |_| {
        let counts = is_armed.load(Ordering::SeqCst);
        if counts && operations.fetch_add(1, Ordering::SeqCst) == at {
            return fate;
        }
        Fate::Done
    });
    let keychain = FileKeychain::new(&root.join("keys"));
    let vault = open(on_disk(&root.join("vault"), disk), &keychain).unwrap();
    armed.store(true, Ordering::SeqCst);
    run(&vault, &root).unwrap();
    child::tell("done");
}

#[test]
fn an_import_killed_at_any_step_loses_nothing_and_the_next_one_comes_to_the_same() {
    let mut deaths = 0;
    for (fate, name) in FATES.iter().enumerate() {
        for at in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path();
            fs::create_dir(root.join("keys")).unwrap();
            fs::write(config(root), SOURCE).unwrap();
            let numbers = [("at", at), ("fate", fate as u64)];
            let mut command = Child::command("importing", &[("root", &root)]);
            for (name, number) in numbers {
                let name = format!("LATCHKEY_TEST_{}", name.to_uppercase());
                command.env(name, number.to_string());
            }
            let (said, _) = Child::launch(&mut command).finish();
            if said.last().is_some_and(|last| last == "done") {
                break;
            }
            deaths += 1;
            let when = format!("{name:?} at {at}");

            // Whatever happened: the source is there as it was, under one of its two names.
            assert!(config(root).exists() != aside(root).exists(), "{when}");
            let kept = if config(root).exists() {
                config(root)
            } else {
                aside(root)
            };
            assert_eq!(fs::read_to_string(kept).unwrap(), SOURCE, "{when}");

            let keychain = FileKeychain::new(&root.join("keys"));
            let vault = open(options(&root.join("vault")), &keychain).unwrap();
            let report = run(&vault, root).unwrap();
            let good = [Status::Imported, Status::Present, Status::Skipped];
            assert!(
                report
                    .entries
                    .iter()
                    .all(|entry| good.contains(&entry.status)),
                "{when}: {report:?}"
            );
            assert!(!config(root).exists() && aside(root).exists(), "{when}");
            assert_eq!(text(&vault, "plain").as_deref(), Some("1"), "{when}");
            let token = text(&vault, "token").unwrap();
            let sealed = base64(&token);
            let opened = safe_storage::open(&vault, &sealed, None).unwrap();
            assert_eq!(opened.text.expose(), "a token", "{when}");
            let keytar = text(&vault, "service/account");
            assert_eq!(keytar.as_deref(), Some("from keytar"), "{when}");

            // And what the person has signed out of since stays away, even when the file comes back.
            vault.delete("token").unwrap();
            vault.delete("service/account").unwrap();
            fs::rename(aside(root), config(root)).unwrap();
            run(&vault, root).unwrap();
            assert_eq!(vault.keys().unwrap(), ["plain"], "{when}");
        }
    }
    // Two writes with their syncs, reading back, renaming and its sync, each before, amid and after.
    assert!(deaths > 30, "{deaths}");
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}
