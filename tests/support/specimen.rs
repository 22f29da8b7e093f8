//! A vault's file with its whole history, to be damaged; and what the reader may make of the damage.

use super::choice::{Choose, Random};
use super::sim_disk::{SECTOR, SimDisk};
use super::{State, bytes, file, frames, header_len, on_disk, open, open_code, options, state};
use electron_latchkey::Result;
use electron_latchkey::keychain::MemoryKeychain;
use electron_latchkey::vault::Vault;
use std::ops::Range;
use std::path::PathBuf;
use tempfile::TempDir;

/// A directory of its own, with a keychain. Simulated disks bring their own keychain.
pub(crate) struct Home {
    pub(crate) root: TempDir,
    pub(crate) keychain: MemoryKeychain,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap_or_else(|e| panic!("{e}")),
            keychain: MemoryKeychain::default(),
        }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("vault")
    }

    pub(crate) fn file(&self) -> PathBuf {
        file(&self.dir())
    }

    pub(crate) fn open(&self) -> Result<Vault> {
        open(options(&self.dir()), &self.keychain)
    }

    pub(crate) fn open_code(&self) -> &'static str {
        open_code(options(&self.dir()), &self.keychain)
    }

    pub(crate) fn disk(&self) -> SimDisk {
        SimDisk::new(self.root.path())
    }

    pub(crate) fn open_on(&self, disk: &SimDisk) -> Result<Vault> {
        open(on_disk(&self.dir(), disk.clone()), disk)
    }

    pub(crate) fn state_on(&self, disk: &SimDisk) -> Result<State> {
        self.open_on(disk).and_then(|vault| state(&vault))
    }
}

pub(crate) struct Specimen {
    pub(crate) home: Home,
    pub(crate) disk: SimDisk,
    pub(crate) good: Vec<u8>,
    pub(crate) frames: Vec<Range<usize>>,
    /// What the vault held after each frame. No two are the same.
    pub(crate) states: Vec<State>,
}

/// What opening a file came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// The code. The file was kept as it is.
    Refused(&'static str),
    /// With the contents after this many frames behind the first.
    After(usize),
}

impl Specimen {
    /// Frames of many sizes: several in one sector, some over boundaries, one over several sectors.
    pub(crate) fn new() -> Self {
        Self::of(&[10, 40, 600, 1100, 3, 90, 512, 5])
    }

    fn of(sizes: &[usize]) -> Self {
        let home = Home::new();
        let disk = home.disk();
        let make = || -> Result<_> {
            let vault = home.open_on(&disk)?;
            let fresh = disk.bytes(&home.file()).unwrap_or_default();
            let mut states = vec![State::new()];
            for (size, byte) in sizes.iter().zip(1..) {
                let key = format!("key {}", byte % 4);
                vault.set(&key, bytes(&vec![byte; *size]), None)?;
                states.push(state(&vault)?);
            }
            Ok((header_len(&fresh), states))
        };
        let (header_len, states) = make().unwrap_or_else(|e| panic!("{e}"));
        let good = disk.bytes(&home.file()).unwrap_or_default();
        let frames = frames(&good, header_len);
        assert_eq!(frames.len(), states.len());
        Self {
            home,
            disk,
            good,
            frames,
            states,
        }
    }

    /// The number of the last state.
    pub(crate) fn last(&self) -> usize {
        self.states.len() - 1
    }

    /// Opens `bytes` in the file's place.
    pub(crate) fn open(&self, bytes: &[u8]) -> Opened {
        let disk = self.disk.copy();
        disk.put(&self.home.file(), bytes.to_vec());
        match self.home.open_on(&disk) {
            Err(error) => {
                let kept = disk.bytes(&self.home.file());
                assert!(
                    kept.as_deref() == Some(bytes),
                    "a refused file is kept as it is"
                );
                Opened::Refused(error.code())
            }
            Ok(vault) => {
                let found = state(&vault).unwrap_or_else(|e| panic!("{e}"));
                let at = self.states.iter().rposition(|state| *state == found);
                Opened::After(at.unwrap_or_else(|| panic!("a state that never was: {found:?}")))
            }
        }
    }

    pub(crate) fn assert_refused(&self, bytes: &[u8], what: &dyn std::fmt::Debug) {
        match self.open(bytes) {
            Opened::Refused("ERR_VAULT_TAMPERED" | "ERR_VAULT_CORRUPT") => {}
            other => panic!("{what:?}: {other:?}"),
        }
    }

    /// The header followed by these frames.
    pub(crate) fn arranged(&self, frames: &[&[u8]]) -> Vec<u8> {
        [&self.good[..self.frames[0].start], &frames.concat()].concat()
    }

    pub(crate) fn pieces(&self) -> Vec<&[u8]> {
        let piece = |frame: &Range<usize>| &self.good[frame.clone()];
        self.frames.iter().map(piece).collect()
    }

    /// Opens `file`, whatever it is, and panics when the reader accepts content that was changed.
    ///
    /// Accepted are the whole frames at the beginning, unchanged. What is dropped behind them must look like a write
    /// that never finished: short, cut, or with a sector that is missing.
    pub(crate) fn judge(&self, file: &[u8]) {
        let opened = self.open(file);
        if file == self.good {
            assert_eq!(opened, Opened::After(self.last()));
        }
        if let Opened::After(frames) = opened {
            let end = self.frames[frames].end;
            assert!(
                file.get(..end) == Some(&self.good[..end]),
                "changed content was accepted"
            );
            let dropped = &file[end..];
            let cut = dropped.len() < 48 || super::length(&dropped[..4]) > dropped.len();
            let missing = || sectors(dropped, end).any(|sector| sector.iter().all(|b| *b == 0));
            assert!(
                cut || missing(),
                "{} bytes that are no torn write were dropped",
                dropped.len()
            );
        }
    }

    /// Opens the file that `data` stands for: itself, or behind a valid beginning of a file.
    pub(crate) fn read_bytes(&self, data: &[u8]) {
        let Some((mode, data)) = data.split_first() else {
            return self.judge(data);
        };
        let beginning = match usize::from(*mode) % (self.frames.len() + 2) {
            0 => 0,
            1 => self.frames[0].start,
            frames => self.frames[frames - 2].end,
        };
        self.judge(&[&self.good[..beginning], data].concat());
    }

    /// Opens the file after the changes that `data` stands for, each of a few bytes.
    pub(crate) fn read_changed(&self, data: &[u8]) {
        let mut file = self.good.clone();
        let mut pieces = data.chunks_exact(6);
        // Few changes: a file that is changed everywhere is refused for its first frame.
        for change in pieces.by_ref().take(8) {
            let number = |at: usize| usize::from(u16::from_le_bytes([change[at], change[at + 1]]));
            self.change(&mut file, change[0], change[1], number(2), number(4));
        }
        self.judge(&file);
    }

    fn change(&self, file: &mut Vec<u8>, kind: u8, byte: u8, one: usize, other: usize) {
        let len = file.len();
        if len == 0 {
            return;
        }
        let at = one % len;
        let end = (at + other % 2048).min(len);
        let frame = |number: usize| self.frames[number % self.frames.len()].clone();
        let piece = |number: usize| self.good[frame(number)].to_vec();
        match kind % 12 {
            0 => file[at] ^= byte.max(1),
            1 => file.truncate(at),
            2 => file[at..end].fill(byte),
            3 => file[at..end].fill(0),
            4 => {
                let from = at / SECTOR * SECTOR;
                let end = (from + SECTOR * (1 + other % 4)).min(len);
                file[from..end].fill(0);
            }
            5 => drop(file.drain(at..end)),
            6 => file.splice(at..at, piece(other)).for_each(drop),
            7 => {
                let place = frame(one).start.min(len);
                file.splice(place..place, piece(other)).for_each(drop);
            }
            8 => drop(file.drain(frame(one).start.min(len)..frame(one).end.min(len))),
            // A length field that says something else, at the beginning or the end of a frame.
            9 => {
                let at = if byte.is_multiple_of(2) {
                    frame(one).start
                } else {
                    frame(one).end - 4
                };
                if at + 4 <= len {
                    let length = u32::try_from(other * 32).unwrap_or(u32::MAX);
                    file[at..at + 4].copy_from_slice(&length.to_le_bytes());
                }
            }
            10 => file.extend(std::iter::repeat_n(byte, other % 4096)),
            _ => file.extend(piece(one)),
        }
    }

    /// The fuzz targets' work on inputs from a seed, for machines without a fuzzer.
    pub(crate) fn read_random_files(&self, seed: u64) {
        let mut random = Random(seed);
        let len = random.choose(60);
        let data = random.bytes(len);
        self.read_bytes(&data);
        self.read_changed(&data);
    }
}

/// `bytes`, which begin at `offset` in their file, as the sectors of the disk divide them.
fn sectors(bytes: &[u8], offset: usize) -> impl Iterator<Item = &[u8]> {
    let (first, others) = bytes.split_at(bytes.len().min(SECTOR - offset % SECTOR));
    std::iter::once(first).chain(others.chunks(SECTOR))
}
