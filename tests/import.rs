//! Files of real conf and electron-store, and what real Electron sealed inside them, in a vault.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::import::conf::{Algorithm, Encryption};
use electron_latchkey::import::keyrings::{ElectronApp, Keyrings, KeytarEntry};
use electron_latchkey::import::report::{Report, Status};
use electron_latchkey::import::source::{KeytarService, Map, Sealed, Source, StoreFile};
use electron_latchkey::import::{ImportOptions, import};
use electron_latchkey::keychain::MemoryKeychain;
use electron_latchkey::safe_storage::chromium::ChromiumKeys;
use electron_latchkey::secret::SecretBytes;
use electron_latchkey::vault::{Value, Vault};
use electron_latchkey::{Error, Result, safe_storage};
use serde_json::{Map as Json, Value as JsonValue};
use std::fs;
use std::path::{Path, PathBuf};
use support::{open, options};
use tempfile::TempDir;

const KEY: &str = "the key in the app’s code";
const RUN: ImportOptions = ImportOptions {
    dry_run: false,
    replace: false,
};
const DRY: ImportOptions = ImportOptions {
    dry_run: true,
    replace: false,
};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/import")
}

/// A keyring that holds what a test gives it.
#[derive(Default)]
struct Keyring {
    passwords: Vec<String>,
    keytar: Vec<(&'static str, &'static [u8])>,
    is_locked: bool,
}

impl Keyrings for Keyring {
    fn chromium_keys(&self, app: &ElectronApp) -> Result<ChromiumKeys> {
        if self.is_locked {
            return Err(Error::KeychainLocked);
        }
        assert_eq!(app.name, "Fixture App");
        let bytes = |password: &String| SecretBytes::new(password.clone().into_bytes());
        Ok(ChromiumKeys::Linux(
            self.passwords.iter().map(bytes).collect(),
        ))
    }

    fn keytar(&self, _service: &str, _accounts: &[String]) -> Result<Vec<KeytarEntry>> {
        let entry = |(account, secret): &(&str, &[u8])| KeytarEntry {
            account: (*account).to_owned(),
            secret: SecretBytes::new(secret.to_vec()),
        };
        Ok(self.keytar.iter().map(entry).collect())
    }
}

/// A vault and a folder with one file to import.
struct Place {
    folder: TempDir,
    vault: Vault,
}

impl Place {
    fn with(fixture: &str) -> Self {
        let place = Self::empty();
        fs::copy(vectors().join(fixture), place.file()).unwrap();
        place
    }

    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = open(
            options(&folder.path().join("vault")),
            &MemoryKeychain::default(),
        );
        Self {
            vault: vault.unwrap(),
            folder,
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("config.json")
    }

    fn aside(&self) -> PathBuf {
        self.folder.path().join("config.json.imported")
    }

    fn text(&self, key: &str) -> Option<String> {
        self.vault.get(key).unwrap().map(|value| match value {
            Value::Text(text) => text.expose().to_owned(),
            Value::Bytes(bytes) => format!("{:?}", bytes.expose()),
        })
    }
}

/// Every member of the file to a key of its own name.
fn to_keys(names: &[&str]) -> Map {
    let to = |name: &&str| ((*name).to_owned(), Some((*name).to_owned()));
    names.iter().map(to).collect()
}

fn store_file(place: &Place, encryption: Option<Encryption>, sealed: Sealed, map: Map) -> Source {
    Source::ElectronStore(StoreFile {
        path: place.file(),
        encryption,
        store: "config".to_owned(),
        sealed,
        map,
    })
}

fn key(algorithm: Algorithm) -> Option<Encryption> {
    let key = SecretBytes::new(KEY.as_bytes().to_vec());
    Some(Encryption { key, algorithm })
}

fn statuses(report: &Report) -> Vec<(&str, Status)> {
    let named = report
        .entries
        .iter()
        .map(|entry| (entry.key.as_deref().unwrap_or("*"), entry.status));
    named.collect()
}

fn values() -> Json<String, JsonValue> {
    serde_json::from_slice(&fs::read(vectors().join("values.json")).unwrap()).unwrap()
}

#[test]
fn the_files_of_every_version_of_conf_come_over_whole() {
    let expected = values();
    let names: Vec<&str> = expected.keys().map(String::as_str).collect();
    let mut count = 0;
    for file in fs::read_dir(vectors()).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        if !file.starts_with("conf-") {
            continue;
        }
        count += 1;
        let algorithm = match () {
            () if file.contains("-gcm-") => Algorithm::Aes256Gcm,
            () if file.contains("-ctr-") => Algorithm::Aes256Ctr,
            () => Algorithm::Aes256Cbc,
        };
        let encryption = file.contains("-key").then(|| key(algorithm)).flatten();
        let place = Place::with(&file);
        let source = store_file(&place, encryption, Sealed::Keep, to_keys(&names));
        let report = import(&place.vault, &Keyring::default(), &[source], RUN).unwrap();
        let imported = |entry: &_| matches!(entry, (_, Status::Imported));
        assert!(statuses(&report).iter().all(imported), "{file}: {report:?}");
        for (name, value) in &expected {
            let found = place.text(name).unwrap();
            match value.as_str() {
                Some(text) => assert_eq!(found, text, "{file}: {name}"),
                None => assert_eq!(
                    serde_json::from_str::<JsonValue>(&found).unwrap(),
                    *value,
                    "{file}: {name}"
                ),
            }
        }
        assert!(!place.file().exists() && place.aside().exists(), "{file}");
        let kept = fs::read(place.aside()).unwrap();
        assert_eq!(kept, fs::read(vectors().join(&file)).unwrap(), "{file}");
    }
    assert_eq!(count, 29);
}

#[test]
fn another_key_or_algorithm_leaves_the_file_where_it_is() {
    for (file, algorithm, right_key) in [
        ("conf-1.4.0-key.conf", Algorithm::Aes256Cbc, false),
        ("conf-10.2.0-key-1.conf", Algorithm::Aes256Cbc, false),
        (
            "conf-16.0.0-aes-256-gcm-key.conf",
            Algorithm::Aes256Gcm,
            false,
        ),
        (
            "conf-16.0.0-aes-256-ctr-key.conf",
            Algorithm::Aes256Ctr,
            false,
        ),
        (
            "conf-16.0.0-aes-256-gcm-key.conf",
            Algorithm::Aes256Cbc,
            true,
        ),
        ("conf-16.0.0-plain.conf", Algorithm::Aes256Gcm, true),
    ] {
        let place = Place::with(file);
        let name = if right_key { KEY } else { "another key" };
        let key = SecretBytes::new(name.as_bytes().to_vec());
        let encryption = Some(Encryption { key, algorithm });
        let source = store_file(&place, encryption, Sealed::Keep, Map::new());
        let report = import(&place.vault, &Keyring::default(), &[source], RUN).unwrap();
        assert_eq!(statuses(&report), [("*", Status::Damaged)], "{file}");
        assert_eq!(report.renamed, []);
        assert!(place.file().exists());
    }
}

const ELECTRON: &str = "electron-store-8.2.0-gnome-libsecret";
const SEALED: [&str; 7] = [
    "plain", "tokens", "hex", "latin1", "buffer", "list", "nothing",
];

fn electrons() -> (Place, Keyring) {
    let password = fs::read_to_string(vectors().join(format!("{ELECTRON}.password"))).unwrap();
    let keyring = Keyring {
        passwords: vec![password],
        ..Keyring::default()
    };
    (Place::with(&format!("{ELECTRON}.conf")), keyring)
}

fn app() -> ElectronApp {
    ElectronApp {
        name: "Fixture App".to_owned(),
        local_state: None,
    }
}

#[test]
fn what_real_electron_sealed_is_opened_in_every_spelling_and_the_damaged_value_reported() {
    let (place, keyring) = electrons();
    let source = store_file(&place, None, Sealed::Open(app()), to_keys(&SEALED));
    let report = import(&place.vault, &keyring, &[source], RUN).unwrap();
    let mut expected: Vec<_> = SEALED.map(|name| (name, Status::Imported)).to_vec();
    expected.push(("damaged", Status::Damaged));
    assert_eq!(statuses(&report), expected);
    assert_eq!(
        SEALED.map(|name| place.text(name).unwrap()),
        [
            "a plain value",
            r#"{"accessToken":"the access token","refreshToken":"the refresh token 🔑"}"#,
            "in hex",
            "in latin1, long enough for two blocks",
            "as a Buffer",
            r#"["first","in a list"]"#,
            "",
        ]
    );
    assert!(place.aside().exists() && !place.file().exists());
    assert_eq!(report.renamed[0].to, place.aside());
}

#[test]
fn what_is_sealed_anew_is_spelled_as_before_and_latchkeys_safe_storage_reads_it() {
    let (place, keyring) = electrons();
    let source = store_file(&place, None, Sealed::Reseal(app()), to_keys(&SEALED));
    import(&place.vault, &keyring, &[source], RUN).unwrap();
    let opened = |bytes: &[u8]| {
        let opened = safe_storage::open(&place.vault, bytes, None).unwrap();
        assert!(!opened.is_outdated);
        opened.text.expose().to_owned()
    };
    let from_hex = |text: &str| -> Vec<u8> {
        let pairs = text.as_bytes().chunks(2);
        pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    assert_eq!(opened(&from_hex(&place.text("hex").unwrap())), "in hex");
    let latin1: Vec<u8> = place
        .text("latin1")
        .unwrap()
        .chars()
        .map(|c| u8::try_from(c).unwrap())
        .collect();
    assert_eq!(opened(&latin1), "in latin1, long enough for two blocks");
    let buffer: JsonValue = serde_json::from_str(&place.text("buffer").unwrap()).unwrap();
    assert_eq!(buffer["type"], "Buffer");
    let buffer: Vec<u8> = serde_json::from_value(buffer["data"].clone()).unwrap();
    assert_eq!(opened(&buffer), "as a Buffer");
    assert_eq!(place.text("plain").as_deref(), Some("a plain value"));
}

#[test]
fn a_dry_run_tells_the_same_and_touches_nothing() {
    let (place, keyring) = electrons();
    let sources = [store_file(
        &place,
        None,
        Sealed::Reseal(app()),
        to_keys(&SEALED),
    )];
    let vault_file = place.folder.path().join("vault/vault.latchkey");
    let before = fs::read(&vault_file).unwrap();
    let dry = import(&place.vault, &keyring, &sources, DRY).unwrap();
    assert_eq!(fs::read(&vault_file).unwrap(), before);
    assert!(place.file().exists() && !place.aside().exists());
    assert_eq!(dry.renamed, []);
    let wet = import(&place.vault, &keyring, &sources, RUN).unwrap();
    assert_eq!(dry.entries, wet.entries);
}

#[test]
fn a_locked_keyring_is_an_error_and_nothing_was_touched_and_no_key_is_damage() {
    let (place, mut keyring) = electrons();
    keyring.is_locked = true;
    let sources = [store_file(
        &place,
        None,
        Sealed::Open(app()),
        to_keys(&SEALED),
    )];
    let refused = import(&place.vault, &keyring, &sources, RUN);
    assert_eq!(refused, Err(Error::KeychainLocked));
    assert!(place.file().exists() && place.vault.keys().unwrap().is_empty());
    let empty = Keyring::default();
    let report = import(&place.vault, &empty, &sources, RUN).unwrap();
    let reasons = report.entries.iter().filter_map(|entry| entry.reason);
    assert!(reasons.eq([
        "its key is not in the keyring",
        "its key is not in the keyring",
        "its key is not in the keyring",
        "its key is not in the keyring",
        "its key is not in the keyring",
        "its key is not in the keyring",
        "its key is not in the keyring"
    ]));
    assert_eq!(place.text("plain").as_deref(), Some("a plain value"));
    assert_eq!(place.text("tokens").as_deref(), Some("{}"));
    assert_eq!(place.text("list").as_deref(), Some(r#"["first",null]"#));
}

#[test]
fn importing_again_brings_back_nothing_that_was_deleted_and_overwrites_nothing() {
    let place = Place::empty();
    let write = |json: &str| fs::write(place.file(), json).unwrap();
    let sources = [store_file(
        &place,
        None,
        Sealed::Keep,
        to_keys(&["a", "b", "c"]),
    )];
    let run = |options| import(&place.vault, &Keyring::default(), &sources, options).unwrap();
    write(r#"{"a":"1","b":"2"}"#);
    run(RUN);
    place.vault.delete("a").unwrap();
    place.vault.set("b", text("newer"), None).unwrap();
    // The person put the file back, as it was.
    fs::rename(place.aside(), place.file()).unwrap();
    let again = run(RUN);
    let present = [("a", Status::Present), ("b", Status::Present)];
    assert_eq!(statuses(&again), present);
    assert_eq!(
        (place.text("a"), place.text("b")),
        (None, Some("newer".into()))
    );
    // An older version of the app wrote it anew.
    write(r#"{"a":"signed in anew","b":"3","c":"4"}"#);
    let anew = run(RUN);
    let expected = [
        ("a", Status::Imported),
        ("b", Status::Present),
        ("c", Status::Imported),
    ];
    assert_eq!(statuses(&anew), expected);
    assert_eq!(place.text("a").as_deref(), Some("signed in anew"));
    assert_eq!(place.text("b").as_deref(), Some("newer"));
    assert!(place.folder.path().join("config.json.imported-2").exists());
    write(r#"{"b":"3"}"#);
    run(ImportOptions {
        replace: true,
        ..RUN
    });
    assert_eq!(place.text("b").as_deref(), Some("3"));
}

#[test]
fn keytars_entries_come_over_and_the_map_decides_where_to() {
    let place = Place::empty();
    let keyring = Keyring {
        keytar: vec![
            ("alice", b"secret"),
            ("bob", b"\xFF\x00"),
            ("carol", b"not"),
        ],
        ..Keyring::default()
    };
    let service = || {
        Source::Keytar(KeytarService {
            service: "my-app".to_owned(),
            accounts: vec!["alice".into(), "bob".into(), "carol".into(), "dave".into()],
            map: Map::from([
                ("alice".into(), Some("token".into())),
                ("carol".into(), None),
            ]),
        })
    };
    let report = import(&place.vault, &keyring, &[service()], RUN).unwrap();
    let expected = [
        ("alice", Status::Imported),
        ("bob", Status::Imported),
        ("dave", Status::Skipped),
        ("carol", Status::Skipped),
    ];
    assert_eq!(statuses(&report), expected);
    assert_eq!(place.text("token").as_deref(), Some("secret"));
    assert_eq!(place.text("my-app/bob").as_deref(), Some("[255, 0]"));
    assert_eq!(place.vault.keys().unwrap(), ["my-app/bob", "token"]);
    place.vault.delete("token").unwrap();
    import(&place.vault, &keyring, &[service()], RUN).unwrap();
    assert_eq!(place.text("token"), None);
}

#[test]
fn no_file_is_nothing_to_do_and_a_folder_is_an_error() {
    let place = Place::empty();
    let sources = [store_file(&place, None, Sealed::Keep, Map::new())];
    let report = import(&place.vault, &Keyring::default(), &sources, RUN).unwrap();
    assert_eq!(statuses(&report), [("*", Status::Skipped)]);
    fs::create_dir(place.file()).unwrap();
    let refused = import(&place.vault, &Keyring::default(), &sources, RUN);
    assert_eq!(
        refused.map_err(|e| e.code()).err(),
        Some("ERR_IMPORT_SOURCE")
    );
}

#[test]
fn bytes_that_are_no_utf8_damage_only_the_value_they_are_in() {
    let place = Place::empty();
    fs::write(place.file(), b"\xEF\xBB\xBF{\"a\":\"\xFF\",\"b\":\"good\"}").unwrap();
    let sources = [store_file(&place, None, Sealed::Keep, to_keys(&["a", "b"]))];
    let report = import(&place.vault, &Keyring::default(), &sources, RUN).unwrap();
    let expected = [("b", Status::Imported), ("a", Status::Damaged)];
    assert_eq!(statuses(&report), expected);
}

fn text(text: &str) -> Value {
    Value::Text(electron_latchkey::secret::SecretString::new(
        text.to_owned(),
    ))
}
