//! The vault on a real disk beside what the disk itself can do.
//!
//! `cargo bench --no-default-features --bench vault`
//!
//! The machine may be noisy, so what is compared takes turns: in both halves of a pair, each measured call comes right
//! after one of the other half. Read the medians, and compare them within one run only.
//!
//! `LATCHKEY_BENCH_DIR` names the directory; by default it is in cargo's target directory. A directory in memory, as
//! `/tmp` may be, has nothing to sync: there the numbers are what the vault itself adds.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot run may panic"
)]

use divan::Bencher;
use electron_latchkey::keychain::MemoryKeychain;
use electron_latchkey::secret::SecretString;
use electron_latchkey::vault::{KeySource, Value, Vault, VaultOptions};
use std::cell::Cell;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// How many entries the store holds meanwhile.
const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
/// As long as many access tokens are.
const VALUE_BYTES: usize = 1024;

fn main() {
    divan::main();
}

/// A durable `set`, and the same bytes appended to a file and synced.
#[divan::bench_group(sample_count = 400, sample_size = 1)]
mod set {
    use super::*;

    #[divan::bench(args = SIZES)]
    fn raw_append(bencher: Bencher<'_, '_>, entries: usize) {
        let home = Home::with(entries);
        let (vault, raw) = (home.open(), RawFile::beside(&home));
        bencher
            .with_inputs(|| home.set_next(&vault))
            .bench_local_values(|()| raw.append());
    }

    #[divan::bench(args = SIZES)]
    fn vault(bencher: Bencher<'_, '_>, entries: usize) {
        let home = Home::with(entries);
        let (vault, raw) = (home.open(), RawFile::beside(&home));
        bencher
            .with_inputs(|| raw.append())
            .bench_local_values(|()| home.set_next(&vault));
    }
}

/// A `get`: a look at the file, to see that no other process has written, and a copy from memory.
#[divan::bench(args = SIZES)]
fn get(bencher: Bencher<'_, '_>, entries: usize) {
    let home = Home::with(entries);
    let vault = home.open();
    bencher
        .with_inputs(|| home.next_key())
        .bench_local_refs(|key| vault.get(key).unwrap());
}

/// Opening, with a keychain that answers at once, and reading the file without understanding it.
#[divan::bench_group(sample_count = 50, sample_size = 1)]
mod open {
    use super::*;

    #[divan::bench(args = SIZES)]
    fn raw_read(bencher: Bencher<'_, '_>, entries: usize) {
        let home = Home::with(entries);
        bencher
            .with_inputs(|| drop(home.open()))
            .bench_local_values(|()| fs::read(home.file()).unwrap());
    }

    #[divan::bench(args = SIZES)]
    fn vault(bencher: Bencher<'_, '_>, entries: usize) {
        let home = Home::with(entries);
        bencher
            .with_inputs(|| drop(fs::read(home.file()).unwrap()))
            .bench_local_values(|()| home.open());
    }
}

/// Rewriting the file, and the same bytes written to a new file that is synced and put in place.
#[divan::bench_group(sample_count = 30, sample_size = 1)]
mod compact {
    use super::*;

    #[divan::bench(args = SIZES)]
    fn raw_replace(bencher: Bencher<'_, '_>, entries: usize) {
        let home = Home::with(entries);
        let vault = home.open();
        let bytes = fs::read(home.file()).unwrap();
        bencher
            .with_inputs(|| vault.compact().unwrap())
            .bench_local_values(|()| replace(home.dir.path(), &bytes));
    }

    #[divan::bench(args = SIZES)]
    fn vault(bencher: Bencher<'_, '_>, entries: usize) {
        let home = Home::with(entries);
        let vault = home.open();
        let bytes = fs::read(home.file()).unwrap();
        bencher
            .with_inputs(|| replace(home.dir.path(), &bytes))
            .bench_local_values(|()| vault.compact().unwrap());
    }
}

/// A vault on disk, and the key to it.
struct Home {
    dir: TempDir,
    keychain: MemoryKeychain,
    entries: usize,
    next: Cell<usize>,
}

impl Home {
    fn with(entries: usize) -> Self {
        let base = std::env::var_os("LATCHKEY_BENCH_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
        fs::create_dir_all(&base).unwrap();
        let home = Self {
            dir: TempDir::new_in(base).unwrap(),
            keychain: MemoryKeychain::default(),
            entries,
            next: Cell::new(0),
        };
        let vault = home.open();
        for _ in 0..entries {
            home.set_next(&vault);
        }
        home
    }

    /// The one place that knows how a vault is opened.
    fn open(&self) -> Vault {
        let mut options = VaultOptions::new("com.example.bench");
        options.path = Some(self.dir.path().join("vault"));
        Vault::open(options, KeySource::keychain(self.keychain.clone())).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("vault/vault.latchkey")
    }

    fn set_next(&self, vault: &Vault) {
        let key = self.next_key();
        let value = Value::Text(SecretString::new("x".repeat(VALUE_BYTES)));
        vault.set(&key, value, None).unwrap();
    }

    /// Goes through all keys, so that each is overwritten as often as any other.
    fn next_key(&self) -> String {
        let index = self.next.get();
        self.next.set((index + 1) % self.entries);
        // A large step that shares no factor with the sizes, so that neighbours in time are not neighbours in order.
        format!("token-{:06}", index * 7_919 % self.entries)
    }
}

/// A file that grows by as many bytes as the vault's does.
struct RawFile {
    file: File,
    frame: Vec<u8>,
}

impl RawFile {
    fn beside(home: &Home) -> Self {
        let file_len = || fs::metadata(home.file()).unwrap().len();
        let vault = home.open();
        let before = file_len();
        home.set_next(&vault);
        let frame = usize::try_from(file_len() - before).unwrap();
        let file = File::create(home.dir.path().join("raw")).unwrap();
        (&file).write_all(&vec![1; frame * home.entries]).unwrap();
        file.sync_all().unwrap();
        Self {
            file,
            frame: vec![2; frame],
        }
    }

    fn append(&self) {
        (&self.file).write_all(&self.frame).unwrap();
        self.file.sync_data().unwrap();
    }
}

fn replace(dir: &Path, bytes: &[u8]) {
    let temporary = dir.join("raw-replace.tmp");
    let mut file = File::create(&temporary).unwrap();
    file.write_all(bytes).unwrap();
    file.sync_data().unwrap();
    fs::rename(&temporary, dir.join("raw-replace")).unwrap();
    // As the vault does, where a directory can be opened.
    if let Ok(dir) = File::open(dir) {
        dir.sync_all().unwrap();
    }
}
