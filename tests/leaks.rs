//! A process uses a vault, and its memory is searched for what it should have forgotten.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use chacha20::{R20, hchacha};
use electron_latchkey::secret::{SecretBytes, SecretString};
use electron_latchkey::vault::{Change, Value, Vault};
use hkdf::Hkdf;
use sha2::Sha256;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use support::child::{self, Child, FileKeychain};
use support::choice::Random;
use support::{ID, open, options};

/// Each block of a canary begins so. A freed piece of memory loses its first bytes to the allocator, so a canary is
/// looked for block by block.
const MARK: &[u8; 6] = b"canary";
const BLOCK: usize = 16;

/// A secret that both processes can make: ASCII, of `blocks` different blocks.
fn canary(number: u8, blocks: u8) -> Vec<u8> {
    let mut out = vec![0; usize::from(blocks) * BLOCK];
    for index in 0..blocks {
        let at = usize::from(index) * BLOCK;
        // Piece by piece into its place, so that the making leaves no block elsewhere.
        out[at..at + MARK.len()].copy_from_slice(MARK);
        out[at + 6] = b'0' + number;
        out[at + 7] = b'0' + index;
        let mut random = Random(u64::from(number) << 8 | u64::from(index));
        for byte in &mut out[at + 8..at + BLOCK] {
            *byte = b'a' + (random.next() % 26).to_le_bytes()[0];
        }
    }
    out
}

fn secret(number: u8) -> Value {
    Value::Bytes(SecretBytes::new(canary(number, 40)))
}

fn secret_text(number: u8) -> Value {
    Value::Text(SecretString::new(
        String::from_utf8(canary(number, 40)).unwrap(),
    ))
}

/// What this binary does when a test runs it as another process.
#[test]
fn child_process() {
    if child::role().as_deref() != Some("user") {
        return;
    }
    let root = PathBuf::from(child::argument("root"));
    let keychain = FileKeychain::new(&root.join("keys"));
    let reopen = || open(options(&root.join("vault")), &keychain).unwrap();
    let vault = reopen();
    vault.set("kept", secret(1), None).unwrap();
    vault.set("overwritten", secret(2), None).unwrap();
    vault.set("deleted", secret_text(3), None).unwrap();
    said("used", &vault);

    vault
        .set("overwritten", Value::Bytes(SecretBytes::new(vec![1])), None)
        .unwrap();
    vault.delete("deleted").unwrap();
    said("removed", &vault);

    vault.set("fourth", secret_text(4), None).unwrap();
    for _ in 0..3 {
        for key in vault.keys().unwrap() {
            drop(vault.get(&key).unwrap());
            vault.get_now(&key, |_| ()).unwrap();
        }
        vault.compact().unwrap();
    }
    let change = Change::Set {
        key: "batch".to_owned(),
        value: secret_text(7),
        ttl: None,
    };
    vault.write(vec![change]).unwrap();
    vault.update("batch", |old| old.map(|_| secret(8))).unwrap();
    let passphrase = String::from_utf8(canary(9, 40)).unwrap();
    let passphrase = SecretString::new(passphrase);
    vault.export_recovery(&passphrase).unwrap();
    drop(passphrase);
    vault.rotate_key().unwrap();
    let other = reopen();
    other.set("fifth", secret(5), None).unwrap();
    drop(vault.get("fifth").unwrap());
    vault.clear().unwrap();
    assert_eq!(other.keys().unwrap(), Vec::<String>::new());
    said("cleared", &vault);

    vault.set("sixth", secret(6), None).unwrap();
    drop(other.get("sixth").unwrap());
    other.close();
    vault.close();
    said("closed", &vault);
    drop((vault, other));
    child::tell("dropped");
    child::wait();
}

fn said(stage: &str, vault: &Vault) {
    child::tell(stage);
    child::wait();
    // The vault lives at least until here.
    let _ = format!("{vault:?}");
}

#[test]
fn what_was_overwritten_deleted_cleared_or_closed_is_in_no_memory_of_the_process() {
    let root = tempfile::tempdir().unwrap();
    let keys = root.path().join("keys");
    fs::create_dir(&keys).unwrap();
    let mut user = Child::start("user", &[("root", &root.path())]);
    let mut leaks = Vec::new();
    let mut stage = |user: &mut Child, name: &'static str, alive: &[u8]| {
        user.expect(name);
        let found = Dump::of(user).canaries();
        for number in alive {
            assert!(
                found.contains_key(number),
                "{name}: the search finds what is there: {number}"
            );
        }
        let dead = found
            .into_iter()
            .filter(|(number, _)| !alive.contains(number));
        leaks.extend(dead.map(|(number, places)| format!("{name}: canary {number} in {places:?}")));
    };
    stage(&mut user, "used", &[1, 2, 3]);
    user.go_on();
    stage(&mut user, "removed", &[1]);
    let first_key = keychain_item(&keys);
    let dump = Dump::of(&user);
    assert!(
        !dump.key(&first_key).is_empty(),
        "the search finds the key in use"
    );
    let (file_key, frame_keys) = derived_keys(&first_key, &root.path().join("vault"));
    let halves = |key: &[u8; 32]| {
        key.chunks(BLOCK)
            .map(|half| dump.places(half).count())
            .max()
    };
    assert_eq!(
        halves(&file_key),
        Some(1),
        "the file's key, in its page only"
    );
    assert!(frame_keys.len() > 5, "a key for each frame");
    for key in &frame_keys {
        assert_eq!(halves(key), Some(0), "a frame's key is in no memory");
    }
    user.go_on();
    stage(&mut user, "cleared", &[]);
    let rotated_away = Dump::of(&user).key(&first_key);
    user.go_on();
    stage(&mut user, "closed", &[]);
    user.go_on();
    stage(&mut user, "dropped", &[]);
    let dropped = Dump::of(&user).key(&keychain_item(&keys));
    let places = [
        ("the key before the rotation", rotated_away),
        ("the key", dropped),
    ];
    for (what, places) in places {
        leaks.extend(places.iter().map(|place| format!("{what} in {place}")));
    }
    user.go_on();
    assert!(user.finish().1, "the child ends well");
    assert!(leaks.is_empty(), "{leaks:#?}");
}

/// The writable memory of a process, region by region.
struct Dump(Vec<(String, Vec<u8>)>);

impl Dump {
    fn of(child: &Child) -> Self {
        let process = PathBuf::from(format!("/proc/{}", child.id()));
        let memory = fs::File::open(process.join("mem")).unwrap();
        let maps = fs::read_to_string(process.join("maps")).unwrap();
        let mut regions = Vec::new();
        for line in maps.lines() {
            let mut fields = line.split_whitespace();
            let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
            let name = fields.nth(3).unwrap_or("anonymous");
            if !rights.starts_with("rw") {
                continue;
            }
            let (begin, end) = range.split_once('-').unwrap();
            let number = |hex| u64::from_str_radix(hex, 16).unwrap();
            let (begin, end) = (number(begin), number(end));
            let mut bytes = vec![0; usize::try_from(end - begin).unwrap()];
            let read = memory.read_exact_at(&mut bytes, begin);
            read.unwrap_or_else(|e| panic!("{line}: {e}"));
            regions.push((format!("{name} {range}"), bytes));
        }
        Self(regions)
    }

    /// Where `needle` is.
    fn places(&self, needle: &[u8]) -> impl Iterator<Item = (&str, &[u8], usize)> {
        self.0.iter().flat_map(move |(name, bytes)| {
            memchr::memmem::find_iter(bytes, needle)
                .map(|at| (name.as_str(), bytes.as_slice(), at))
                .collect::<Vec<_>>()
        })
    }

    /// The canaries of which at least a block is there, with the numbers of the blocks in each region.
    fn canaries(&self) -> BTreeMap<u8, BTreeMap<String, Vec<u8>>> {
        let mut found = BTreeMap::<u8, BTreeMap<String, Vec<u8>>>::new();
        for (region, bytes, at) in self.places(MARK) {
            let Some(block) = bytes.get(at..at + BLOCK) else {
                continue;
            };
            let (number, index) = (block[6].wrapping_sub(b'0'), block[7].wrapping_sub(b'0'));
            if number < 10 && index < 40 && canary(number, index + 1).ends_with(block) {
                let regions = found.entry(number).or_default();
                regions.entry(region.to_owned()).or_default().push(index);
            }
        }
        found
    }

    /// Where a piece of a key is, given the keychain's item: the key and a few bytes around it.
    fn key(&self, item: &[u8]) -> BTreeSet<String> {
        let looks_random = |piece: &&[u8]| piece.iter().collect::<BTreeSet<_>>().len() > 11;
        let pieces = item.windows(BLOCK).filter(looks_random);
        pieces
            .flat_map(|piece| self.places(piece))
            .map(|(region, _, _)| region.to_owned())
            .collect()
    }
}

/// What is derived from the root key in the keychain's item, as docs/format.md says: the file's key, and of that the key
/// of each frame.
fn derived_keys(item: &[u8], vault: &Path) -> ([u8; 32], Vec<[u8; 32]>) {
    let file = fs::read(vault.join("vault.latchkey")).unwrap();
    let (header, mut frames) = file.split_at(128);
    let info = [b"latchkey v1 data key", &header[12..16], ID.as_bytes()].concat();
    let root_key = &item[13..][..32];
    let mut file_key = [0; 32];
    Hkdf::<Sha256>::new(Some(&header[16..32]), root_key)
        .expand(&info, &mut file_key)
        .unwrap();
    let mut frame_keys = Vec::new();
    while !frames.is_empty() {
        let (frame, rest) =
            frames.split_at(u32::from_le_bytes(*frames.first_chunk().unwrap()) as usize);
        frames = rest;
        let nonce: &[u8; 16] = frame[4..].first_chunk().unwrap();
        frame_keys.push(hchacha::<R20>((&file_key).into(), nonce.into()).into());
    }
    (file_key, frame_keys)
}

fn keychain_item(keys: &Path) -> Vec<u8> {
    let item = fs::read_dir(keys).unwrap().next().unwrap().unwrap();
    fs::read(item.path()).unwrap()
}
