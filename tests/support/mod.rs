//! What tests share: opening a vault, reading all of it, seeded choices, and the frames of a file.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod child;
pub(crate) mod choice;
pub(crate) mod hooked_disk;
#[cfg(target_os = "linux")]
pub(crate) mod mount;
// The fuzz targets share this module, and have nothing to do with sessions.
#[cfg(test)]
pub(crate) mod scripted;
pub(crate) mod sim_disk;
pub(crate) mod specimen;

use electron_latchkey::Result;
use electron_latchkey::keychain::Keychain;
use electron_latchkey::secret::{SecretBytes, SecretString};
use electron_latchkey::vault::disk::Disk;
use electron_latchkey::vault::{KeySource, Value, Vault, VaultOptions};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const ID: &str = "com.example.faults";

/// Everything a vault holds for the application.
pub(crate) type State = BTreeMap<String, Vec<u8>>;

/// The one place where these tests open a vault.
pub(crate) fn open(options: VaultOptions, keychain: &(impl Keychain + Clone)) -> Result<Vault> {
    Vault::open(options, KeySource::keychain(keychain.clone()))
}

/// Options for a vault in `dir`. The lock is waited for long enough that only a test that means to sees it busy.
pub(crate) fn options(dir: &Path) -> VaultOptions {
    let mut options = VaultOptions::new(ID);
    options.path = Some(dir.to_owned());
    options.lock_timeout = Duration::from_secs(60);
    options
}

pub(crate) fn on_disk(dir: &Path, disk: impl Disk) -> VaultOptions {
    let mut options = options(dir);
    options.disk = Arc::new(disk);
    options
}

/// The vault's file in `dir`.
pub(crate) fn file(dir: &Path) -> PathBuf {
    dir.join("vault.latchkey")
}

pub(crate) fn lock_file(dir: &Path) -> PathBuf {
    dir.join("vault.lock")
}

pub(crate) fn bytes(value: &[u8]) -> Value {
    Value::Bytes(SecretBytes::new(value.to_vec()))
}

pub(crate) fn text(value: &str) -> Value {
    Value::Text(SecretString::new(value.to_owned()))
}

pub(crate) fn exposed(value: &Value) -> &[u8] {
    match value {
        Value::Bytes(bytes) => bytes.expose(),
        Value::Text(text) => text.expose().as_bytes(),
    }
}

/// Reads every value. A name without a value, or a value without a name, is an error of its own.
pub(crate) fn state(vault: &Vault) -> Result<State> {
    state_of(vault, "")
}

/// As [`state`], of the keys that begin with `prefix`: for a vault in which others write meanwhile.
pub(crate) fn state_of(vault: &Vault, prefix: &str) -> Result<State> {
    let mut state = State::new();
    for key in vault.keys()? {
        if !key.starts_with(prefix) {
            continue;
        }
        let value = vault.get(&key)?;
        assert!(value.is_some(), "{key:?} is listed and absent");
        state.extend(value.map(|value| (key, exposed(&value).to_vec())));
    }
    Ok(state)
}

/// The code of a failed opening, or "opened".
pub(crate) fn open_code(options: VaultOptions, keychain: &(impl Keychain + Clone)) -> &'static str {
    open(options, keychain).map_or_else(|error| error.code(), |_| "opened")
}

/// Where each frame begins and ends in the bytes of a whole file. A frame begins with its length (u32, little-endian).
pub(crate) fn frames(file: &[u8], header_len: usize) -> Vec<Range<usize>> {
    let mut frames = Vec::new();
    let mut at = header_len;
    while at < file.len() {
        let end = at + length(&file[at..at + 4]);
        assert!(end <= file.len(), "a frame reaches beyond the file");
        frames.push(at..end);
        at = end;
    }
    frames
}

/// How long the header is, told by a vault's file that holds exactly one frame: the file ends with that frame's length.
pub(crate) fn header_len(fresh: &[u8]) -> usize {
    fresh.len() - length(&fresh[fresh.len() - 4..])
}

fn length(bytes: &[u8]) -> usize {
    let mut length = [0; 4];
    length.copy_from_slice(bytes);
    usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX)
}

/// Says loudly that something was not tested. In CI that is a failure.
pub(crate) fn skipped(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "skipped in CI: {why}");
    say(&format!("SKIPPED: {why}"));
}

/// Writes a line past the harness, which keeps what passing tests print.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether the long forms run (`LATCHKEY_LONG=1`), which take minutes.
pub(crate) fn long() -> bool {
    std::env::var_os("LATCHKEY_LONG").is_some_and(|value| value != "0")
}
