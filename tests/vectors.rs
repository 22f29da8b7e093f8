//! Vault files as they lie on disks: each must open, or fail, in its own way in every version of Latchkey.
//!
//! The names say what is wrong. `LATCHKEY_WRITE_VECTORS=1` makes files that are missing; those that are there are never
//! written again: a change that cannot read them needs a new format version.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

use electron_latchkey::keychain::{Keychain as _, MemoryKeychain};
use electron_latchkey::secret::{SecretBytes, SecretString};
use electron_latchkey::vault::{KeySource, Value, Vault, VaultOptions};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

const ID: &str = "com.example.vectors";
const PASSPHRASE: &str = "correct horse battery staple";
const HEADER: usize = 128;
/// Where the header names the keychain item.
const SLOT: Range<usize> = 108..124;

/// Name, and what opening it must answer: the text under "key", or a code.
const VECTORS: [(&str, Result<&str, &str>); 19] = [
    ("valid", Ok("value")),
    ("valid_passphrase", Ok("value")),
    ("torn_cut_in_last_frame", Ok("value")),
    ("torn_last_frame_zeroed", Ok("value")),
    ("torn_zeros_behind_last_frame", Ok("value")),
    ("empty", Err("ERR_VAULT_CORRUPT")),
    ("zeros", Err("ERR_VAULT_CORRUPT")),
    ("plain_json", Err("ERR_VAULT_CORRUPT")),
    ("header_only", Err("ERR_VAULT_TAMPERED")),
    ("header_reserved_byte_set", Err("ERR_VAULT_CORRUPT")),
    ("header_epoch_changed", Err("ERR_KEY_INVALID")),
    ("header_slot_changed", Err("ERR_KEY_MISSING")),
    ("header_passphrase_with_slot", Err("ERR_VAULT_CORRUPT")),
    ("header_newer_version", Err("ERR_VAULT_VERSION")),
    ("header_other_vault", Err("ERR_VAULT_FOREIGN")),
    ("frame_bad_tag", Err("ERR_VAULT_TAMPERED")),
    ("frame_bad_length", Err("ERR_VAULT_TAMPERED")),
    ("frame_deleted", Err("ERR_VAULT_TAMPERED")),
    ("frames_swapped", Err("ERR_VAULT_TAMPERED")),
];

/// A keychain that holds the vectors' root key in `slot`: 32 bytes of 7, epoch 1, anchor 1.
fn keychain(slot: &[u8]) -> MemoryKeychain {
    let mut item = vec![1];
    item.extend(1u64.to_le_bytes());
    item.extend(1u32.to_le_bytes());
    item.extend([7; 32]);
    let slot: String = slot.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("latchkey-root-key.{slot}");
    let keychain = MemoryKeychain::default();
    keychain.write(ID, &name, &SecretBytes::new(item)).unwrap();
    keychain
}

fn open(name: &str, bytes: &[u8]) -> Result<String, &'static str> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("vault.latchkey"), bytes).unwrap();
    let slot = &fs::read(path("valid")).unwrap()[SLOT];
    open_in(name, dir.path(), slot).map(|vault| match vault.get("key").unwrap() {
        Some(Value::Text(text)) => text.expose().to_owned(),
        other => format!("{other:?}"),
    })
}

fn open_in(name: &str, dir: &Path, slot: &[u8]) -> Result<Vault, &'static str> {
    let mut options = VaultOptions::new(ID);
    options.path = Some(dir.to_owned());
    let source = if name.contains("passphrase") {
        KeySource::passphrase(SecretString::new(PASSPHRASE.to_owned()))
    } else {
        KeySource::keychain(keychain(slot))
    };
    Vault::open(options, source).map_err(|error| error.code())
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(name)
        .with_extension("latchkey")
}

#[test]
fn every_vector_opens_or_fails_as_its_name_says() {
    for (name, expected) in VECTORS {
        if std::env::var_os("LATCHKEY_WRITE_VECTORS").is_some() && !path(name).exists() {
            fs::write(path(name), make(name)).unwrap();
        }
        let bytes = fs::read(path(name)).unwrap();
        let opened = open(name, &bytes);
        let opened = opened.as_ref().map(String::as_str).map_err(|code| *code);
        assert_eq!(opened, expected, "{name}");
    }
}

#[test]
fn every_vector_file_is_tested() {
    let entries = fs::read_dir(path("valid").parent().unwrap()).unwrap();
    // The folder beside them is that of tests/import.rs.
    let files = entries.filter(|entry| entry.as_ref().unwrap().path().is_file());
    assert_eq!(files.count(), VECTORS.len());
}

fn make(name: &str) -> Vec<u8> {
    if name.starts_with("valid") {
        let dir = tempfile::tempdir().unwrap();
        // As docs/format.md has it for a new file.
        let named = [
            b"latchkey v1 slot",
            dir.path().as_os_str().as_encoded_bytes(),
        ]
        .concat();
        let vault = open_in(name, dir.path(), &Sha256::digest(named)[..16]).unwrap();
        let text = |text: &str| Value::Text(SecretString::new(text.to_owned()));
        vault.set("key", text("value"), None).unwrap();
        vault.set("other", text("one more"), None).unwrap();
        return fs::read(dir.path().join("vault.latchkey")).unwrap();
    }
    let begin = if name.contains("passphrase") {
        "valid_passphrase"
    } else {
        "valid"
    };
    let mut bytes = fs::read(path(begin)).unwrap();
    let frames = frames(&bytes);
    let last = frames[frames.len() - 1].clone();
    match name {
        "torn_cut_in_last_frame" => bytes.truncate(last.end - 40),
        "torn_last_frame_zeroed" => bytes[last].fill(0),
        "torn_zeros_behind_last_frame" => bytes.resize(bytes.len() + 4096, 0),
        "empty" => bytes.clear(),
        "zeros" => bytes.fill(0),
        "plain_json" => bytes = br#"{"accessToken":"plain"}"#.to_vec(),
        "header_only" => bytes.truncate(HEADER),
        "header_reserved_byte_set" => bytes[HEADER - 1] = 1,
        "header_epoch_changed" => bytes[12] = 2,
        "header_slot_changed" => bytes[SLOT.start] ^= 1,
        "header_passphrase_with_slot" => bytes[SLOT.start] = 1,
        "header_newer_version" => bytes[8] = 2,
        "header_other_vault" => bytes[32] ^= 1,
        "frame_bad_tag" => bytes[last.end - 5] ^= 1,
        "frame_bad_length" => bytes[frames[1].start] ^= 32,
        "frame_deleted" => {
            bytes.drain(frames[1].clone());
        }
        "frames_swapped" => {
            let (second, third) = (bytes[frames[1].clone()].to_vec(), bytes[last].to_vec());
            bytes.truncate(frames[1].start);
            bytes.extend([third, second].concat());
        }
        _ => panic!("{name} is not a vector"),
    }
    bytes
}

fn frames(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut frames = Vec::new();
    let mut at = HEADER;
    while at < bytes.len() {
        let len = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        frames.push(at..at + len);
        at += len;
    }
    assert_eq!(frames.len(), 3);
    frames
}
