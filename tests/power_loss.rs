//! Power loss and process death, on a simulated disk that keeps any mixture of what was not synced.
//!
//! After each cut the vault opens without an error and holds every acknowledged write. The write that was under way is
//! there as a whole or not at all.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::Result;
use electron_latchkey::vault::{Change, Vault};
use std::path::PathBuf;
use support::choice::{Choose, Every, Random};
use support::sim_disk::{Fault, SECTOR, SimDisk};
use support::{State, bytes, on_disk, open, state};
use tempfile::TempDir;

/// One call of the vault.
#[derive(Debug, Clone)]
enum Call {
    /// A value of this many bytes, each of them this one.
    Set(&'static str, usize, u8),
    Delete(&'static str),
    /// Two values in one step.
    Batch(&'static str, &'static str, u8),
    Clear,
    Compact,
    Rotate,
}

use Call::{Batch, Clear, Compact, Delete, Rotate, Set};

impl Call {
    fn run(&self, vault: &Vault) -> Result<()> {
        match self {
            Set(key, len, byte) => vault.set(key, bytes(&vec![*byte; *len]), None),
            Delete(key) => vault.delete(key).map(|_| ()),
            Batch(one, other, byte) => {
                let set = |key: &str| Change::Set {
                    key: key.to_owned(),
                    value: bytes(&[*byte; BATCHED]),
                    ttl: None,
                };
                vault.write(vec![set(one), set(other)])
            }
            Clear => vault.clear(),
            Compact => vault.compact(),
            Rotate => vault.rotate_key(),
        }
    }

    fn apply(&self, state: &mut State) {
        match self {
            Set(key, len, byte) => {
                state.insert((*key).to_owned(), vec![*byte; *len]);
            }
            Delete(key) => {
                state.remove(*key);
            }
            Batch(one, other, byte) => {
                let entry = |key: &str| (key.to_owned(), vec![*byte; BATCHED]);
                state.extend([entry(one), entry(other)]);
            }
            Clear => state.clear(),
            Compact | Rotate => {}
        }
    }
}

/// Together more than a sector.
const BATCHED: usize = 400;

/// Frames within a sector, over a boundary, over several sectors; rewrites before and after them.
const CALLS: [Call; 12] = [
    Set("a", 5, 1),
    Set("b", SECTOR * 3, 2),
    Set("c", 300, 3),
    Compact,
    Set("a", SECTOR + 100, 4),
    Rotate,
    Batch("a", "e", 6),
    Delete("c"),
    Clear,
    Set("d", 40, 5),
    Compact,
    Rotate,
];

struct World {
    root: TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    fn disk(&self) -> SimDisk {
        SimDisk::new(self.root.path())
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join("vault")
    }

    fn open(&self, disk: &SimDisk) -> Result<Vault> {
        open(on_disk(&self.dir(), disk.clone()), disk)
    }

    /// Opens the vault and makes the calls until the process dies. What may be found then.
    ///
    /// `before`: what may be found when it opens. What is found counts as acknowledged from then on, because a process
    /// that reads a value acts on it.
    fn run(&self, disk: &SimDisk, before: &Survivors, calls: &[Call]) -> Survivors {
        let opened = self.open(disk);
        let read = opened.and_then(|vault| state(&vault).map(|found| (vault, found)));
        if disk.is_dead() {
            return before.clone();
        }
        let (vault, found) = read.unwrap_or_else(|e| panic!("opening: {} ({e})", e.code()));
        let mut survivors = Survivors {
            acknowledged: before.check(Ok(found), &"opening"),
            under_way: None,
        };
        for call in calls {
            let mut after = survivors.acknowledged.clone();
            call.apply(&mut after);
            match call.run(&vault) {
                Ok(()) => survivors.acknowledged = after,
                Err(error) => {
                    assert!(disk.is_dead(), "{call:?}: {error}");
                    survivors.under_way = Some(after);
                    break;
                }
            }
        }
        survivors
    }

    /// What is found on `disk`.
    fn found(&self, disk: &SimDisk) -> Result<State> {
        self.open(disk).and_then(|vault| state(&vault))
    }
}

/// The states that may be found after a crash.
#[derive(Debug, Default, Clone)]
struct Survivors {
    acknowledged: State,
    under_way: Option<State>,
}

impl Survivors {
    fn check(&self, found: Result<State>, when: &dyn std::fmt::Debug) -> State {
        let found = found.unwrap_or_else(|e| panic!("{when:?}: {} ({e})", e.code()));
        let allowed = found == self.acknowledged || Some(&found) == self.under_way.as_ref();
        assert!(
            allowed,
            "{when:?}: found {}\nacknowledged {}\nunder way {:?}",
            brief(&found),
            brief(&self.acknowledged),
            self.under_way.as_ref().map(brief),
        );
        found
    }
}

fn brief(state: &State) -> String {
    let value = |value: &Vec<u8>| (value.len(), value.first().copied());
    format!(
        "{:?}",
        state.iter().map(|(k, v)| (k, value(v))).collect::<Vec<_>>()
    )
}

/// How a process can be stopped at an operation.
type Stop = (&'static str, fn() -> Fault);

const STOPS: [Stop; 3] = [
    ("before", || Fault::DieBefore),
    ("amid", || Fault::DieAmid),
    ("after", || Fault::DieAfter),
];

/// `disk` for a process that is stopped at its operation number `at`.
fn stopped(disk: &SimDisk, at: u64, stop: Stop) -> SimDisk {
    disk.process_with(move |op| (op.index == at).then(stop.1))
}

#[test]
fn the_power_may_fail_at_any_operation_and_lose_any_unsynced_sectors_and_names() {
    let seeds = if support::long() { 400 } else { 12 };
    for stop in STOPS {
        for at in 0.. {
            let world = World::new();
            let disk = stopped(&world.disk(), at, stop);
            let survivors = world.run(&disk, &Survivors::default(), &CALLS);
            for seed in 0..seeds {
                let left = disk.after_power_cut(&mut Random(seed));
                let when = (stop.0, at, disk.trace().last().copied(), seed);
                survivors.check(world.found(&left), &when);
            }
            if !disk.is_dead() {
                assert!(at > 40, "the calls take more operations than {at}");
                break;
            }
        }
    }
}

#[test]
fn every_mixture_of_the_unsynced_sectors_of_a_write_is_the_state_before_or_after_it() {
    let world = World::new();
    let disk = world.disk();
    let before = world.run(&disk, &Survivors::default(), &[Set("a", 100, 1), Compact]);
    let mut mixtures = 0;
    for stop in STOPS {
        for at in 0.. {
            let disk = stopped(&disk.copy(), at, stop);
            let survivors = world.run(&disk, &before, &[Set("b", SECTOR * 4, 2), Set("a", 10, 3)]);
            let mut every = Every::default();
            loop {
                let left = disk.after_power_cut(&mut every);
                survivors.check(world.found(&left), &(stop.0, at, &every));
                mixtures += 1;
                if !every.turn() {
                    break;
                }
            }
            if !disk.is_dead() {
                break;
            }
        }
    }
    // Five sectors, each there or not, under some lengths, at two operations at the least.
    assert!(mixtures > 200, "{mixtures}");
}

#[test]
fn a_vault_lives_on_through_one_power_cut_after_another() {
    let rounds = if support::long() { 5000 } else { 100 };
    for seed in 0..rounds {
        let world = World::new();
        let mut random = Random(seed);
        let mut disk = world.disk();
        let mut survivors = Survivors::default();
        for _life in 0..6 {
            let calls: Vec<Call> = (0..4)
                .map(|_| CALLS[random.choose(CALLS.len())].clone())
                .collect();
            let stop = STOPS[random.choose(STOPS.len())];
            disk = stopped(&disk, random.choose(60) as u64, stop);
            survivors = world.run(&disk, &survivors, &calls);
            disk = disk.after_power_cut(&mut random);
        }
        survivors.check(world.found(&disk), &("seed", seed));
    }
}

/// The kernel keeps what a killed process wrote but did not sync; the next process builds on it.
#[test]
fn what_is_acknowledged_after_another_process_was_killed_survives_a_power_cut() {
    let first_calls = [
        Set("a", 30, 1),
        Set("b", SECTOR * 2, 2),
        Rotate,
        Set("c", 700, 3),
    ];
    let second_calls = [Set("d", 20, 4), Set("e", 600, 5)];
    let seeds = if support::long() { 200 } else { 4 };
    for stop in STOPS {
        for at in 0.. {
            let world = World::new();
            let killed = stopped(&world.disk(), at, stop);
            let first = world.run(&killed, &Survivors::default(), &first_calls);
            for second_at in 0.. {
                let second = stopped(&killed.copy(), second_at, STOPS[2]);
                let survivors = world.run(&second, &first, &second_calls);
                for seed in 0..seeds {
                    let left = second.after_power_cut(&mut Random(seed));
                    let when = (stop.0, at, killed.trace().last().copied(), second_at, seed);
                    survivors.check(world.found(&left), &when);
                }
                if !second.is_dead() {
                    break;
                }
            }
            if !killed.is_dead() {
                break;
            }
        }
    }
}

#[test]
fn a_vault_that_is_wiped_while_the_power_fails_is_whole_or_gone() {
    for stop in STOPS {
        for at in 0.. {
            let world = World::new();
            let disk = world.disk();
            let before = world.run(&disk, &Survivors::default(), &CALLS[..3]);
            let disk = stopped(&disk, at, stop);
            let wiped = world.open(&disk).and_then(|vault| vault.wipe());
            assert!(wiped.is_ok() != disk.is_dead(), "{wiped:?}");
            let survivors = Survivors {
                under_way: wiped.is_err().then(State::new),
                acknowledged: if wiped.is_ok() {
                    State::new()
                } else {
                    before.acknowledged
                },
            };
            for seed in 0..12 {
                let left = disk.after_power_cut(&mut Random(seed));
                let when = (stop.0, at, disk.trace().last().copied(), seed);
                survivors.check(world.found(&left), &when);
            }
            if !disk.is_dead() {
                break;
            }
        }
    }
}
