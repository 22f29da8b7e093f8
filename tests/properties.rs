//! The vault against a map: whatever is called, crashes and is opened again, both hold the same.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::Result;
use electron_latchkey::clock::ManualClock;
use electron_latchkey::secret::{SecretBytes, SecretString};
use electron_latchkey::vault::{Value, Vault};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use support::choice::Random;
use support::sim_disk::{Fault, SimDisk};
use support::specimen::Specimen;
use support::{State, bytes, on_disk, open, state};
use tempfile::TempDir;

#[derive(Debug, Clone)]
enum Call {
    Set(u8, usize, Option<u64>),
    Delete(u8),
    Clear,
    Compact,
    Rotate,
}

#[derive(Debug, Clone)]
enum Step {
    /// One of two processes makes a call.
    Call(usize, Call),
    /// The process is killed at an operation of the call, or after it; another one takes its place.
    Kill(usize, Call, u64, Stop),
    /// The power fails at an operation of the call, or after it.
    PowerCut(usize, Call, u64, Stop, u64),
    Reopen(usize),
    /// Milliseconds pass.
    Wait(u64),
}

#[derive(Debug, Clone, Copy)]
enum Stop {
    Before,
    Amid,
    After,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        6 => (0..5u8, 0..1200usize, prop::option::weighted(0.3, 0..60u64))
            .prop_map(|(key, len, ttl)| Call::Set(key, len, ttl)),
        2 => (0..5u8).prop_map(Call::Delete),
        1 => Just(Call::Clear),
        1 => Just(Call::Compact),
        1 => Just(Call::Rotate),
    ]
}

fn stop() -> impl Strategy<Value = Stop> {
    prop_oneof![Just(Stop::Before), Just(Stop::Amid), Just(Stop::After)]
}

fn step() -> impl Strategy<Value = Step> {
    let process = || 0..2usize;
    let at = || 0..14u64;
    prop_oneof![
        8 => (process(), call()).prop_map(|(process, call)| Step::Call(process, call)),
        2 => (process(), call(), at(), stop()).prop_map(|(p, c, at, s)| Step::Kill(p, c, at, s)),
        2 => (process(), call(), at(), stop(), any::<u64>())
            .prop_map(|(p, c, at, s, seed)| Step::PowerCut(p, c, at, s, seed)),
        1 => process().prop_map(Step::Reopen),
        2 => (0..40u64).prop_map(Step::Wait),
    ]
}

/// What the vault should hold: values and when they expire.
type Model = BTreeMap<String, (Vec<u8>, Option<u64>)>;

struct World {
    root: TempDir,
    clock: Arc<ManualClock>,
    disks: [SimDisk; 2],
    vaults: [Vault; 2],
    model: Model,
    /// Tells each value from all others.
    written: u8,
}

const BEGIN_MS: u64 = 1_000;

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(BEGIN_MS));
        let disk = SimDisk::new(root.path());
        let disks = [disk.process(), disk];
        let vaults = disks
            .clone()
            .map(|disk| open_at(&root, &clock, &disk).unwrap());
        Self {
            root,
            clock,
            disks,
            vaults,
            model: Model::new(),
            written: 0,
        }
    }

    /// What is to be seen now.
    fn visible(&self, model: &Model) -> State {
        use electron_latchkey::clock::Clock as _;
        let now = self.clock.now_ms();
        let live = |at: &Option<u64>| at.is_none_or(|at| now < at);
        model
            .iter()
            .filter(|(_, (_, expires))| live(expires))
            .map(|(key, (value, _))| (key.clone(), value.clone()))
            .collect()
    }

    /// Makes a call. The model as it is when the call succeeds.
    fn make(&mut self, process: usize, call: &Call) -> (Model, Result<()>) {
        use electron_latchkey::clock::Clock as _;
        let mut after = self.model.clone();
        let visible = self.visible(&after);
        let vault = &self.vaults[process];
        let done = match call {
            Call::Set(key, len, ttl) => {
                self.written = self.written.wrapping_add(1);
                let (key, value) = (format!("key {key}"), vec![self.written; *len]);
                let expires = ttl.map(|ttl| self.clock.now_ms() + ttl);
                let done = vault.set(&key, bytes(&value), ttl.map(Duration::from_millis));
                after.insert(key, (value, expires));
                done
            }
            Call::Delete(key) => {
                let key = format!("key {key}");
                after.remove(&key);
                vault
                    .delete(&key)
                    .map(|was_there| assert_eq!(was_there, visible.contains_key(&key)))
            }
            Call::Clear => {
                after.clear();
                vault.clear()
            }
            Call::Compact => vault.compact(),
            Call::Rotate => vault.rotate_key(),
        };
        (after, done)
    }

    /// Makes a call of which the process may die. The two models of which one is true then.
    fn make_and_die(&mut self, process: usize, call: &Call, at: u64, stop: Stop) -> [Model; 2] {
        let disk = &self.disks[process];
        let last = disk.trace().len() as u64 + at;
        disk.plan(move |op| {
            (op.index == last).then_some(match stop {
                Stop::Before => Fault::DieBefore,
                Stop::Amid => Fault::DieAmid,
                Stop::After => Fault::DieAfter,
            })
        });
        let (after, done) = self.make(process, call);
        let before = if done.is_ok() { &after } else { &self.model }.clone();
        assert!(done.is_ok() || self.disks[process].is_dead(), "{done:?}");
        self.disks[process].kill();
        [before, after]
    }

    fn reopen(&mut self, process: usize) {
        let opened = open_at(&self.root, &self.clock, &self.disks[process]);
        self.vaults[process] = opened.unwrap_or_else(|e| panic!("{} ({e})", e.code()));
    }

    /// Takes that one of the models which agrees with what `process` sees.
    fn settle(&mut self, process: usize, [before, after]: [Model; 2]) {
        let seen = state(&self.vaults[process]).unwrap();
        self.model = if seen == self.visible(&before) {
            before
        } else {
            after
        };
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Call(process, call) => {
                let (after, done) = self.make(*process, call);
                done.unwrap_or_else(|e| panic!("{call:?}: {e}"));
                self.model = after;
            }
            Step::Kill(process, call, at, stop) => {
                let either = self.make_and_die(*process, call, *at, *stop);
                self.disks[*process] = self.disks[1 - process].process();
                self.reopen(*process);
                self.settle(*process, either);
            }
            Step::PowerCut(process, call, at, stop, seed) => {
                let either = self.make_and_die(*process, call, *at, *stop);
                let left = self.disks[*process].after_power_cut(&mut Random(*seed));
                self.disks = [left.process(), left];
                self.reopen(0);
                self.reopen(1);
                self.settle(0, either);
            }
            Step::Reopen(process) => self.reopen(*process),
            Step::Wait(ms) => self.clock.advance(*ms),
        }
        let expected = self.visible(&self.model);
        for vault in &self.vaults {
            let seen = state(vault).unwrap_or_else(|e| panic!("{} ({e})", e.code()));
            assert!(
                seen == expected,
                "{step:?}: {seen:?}\ninstead of {expected:?}"
            );
        }
    }
}

fn open_at(root: &TempDir, clock: &Arc<ManualClock>, disk: &SimDisk) -> Result<Vault> {
    let mut options = on_disk(&root.path().join("vault"), disk.clone());
    options.clock = Arc::clone(clock) as _;
    open(options, disk)
}

fn cases(short: u32) -> ProptestConfig {
    let cases = if support::long() { short * 40 } else { short };
    ProptestConfig {
        cases,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn two_processes_hold_what_a_map_holds_through_calls_kills_and_power_cuts(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
    }

    #[test]
    fn any_name_and_value_comes_back_as_it_was_given(
        name in any::<String>(),
        text in any::<String>(),
        bytes in any::<Vec<u8>>(),
    ) {
        let world = World::new();
        let [one, other] = &world.vaults;
        for vault in [one, other] {
            one.set(&name, Value::Text(SecretString::new(text.clone())), None).unwrap();
            match vault.get(&name).unwrap() {
                Some(Value::Text(found)) => prop_assert_eq!(found.expose(), &text),
                other => prop_assert!(false, "{:?}", other),
            }
            one.set(&name, Value::Bytes(SecretBytes::new(bytes.clone())), None).unwrap();
            match vault.get(&name).unwrap() {
                Some(Value::Bytes(found)) => prop_assert_eq!(found.expose(), &bytes[..]),
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!(other.keys().unwrap(), vec![name]);
    }
}

/// What `cargo fuzz` runs for minutes, on inputs from a seed.
#[test]
fn no_file_makes_the_reader_panic_or_accept_changed_content() {
    let specimen = Specimen::new();
    for seed in 0..if support::long() { 1_000_000 } else { 6_000 } {
        specimen.read_random_files(seed);
    }
}
