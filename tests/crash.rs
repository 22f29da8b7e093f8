//! Processes that are killed, stopped and many: what was acknowledged stays, and the others go on.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::Result;
use electron_latchkey::secret::SecretBytes;
use electron_latchkey::vault::disk::{Disk, OsDisk};
use electron_latchkey::vault::{Value, Vault};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::child::{self, Child, FileKeychain};
use support::choice::{Choose, Random};
use support::hooked_disk::{Fate, HookedDisk};
use support::{State, bytes, exposed, on_disk, open, options, state, state_of};
use tempfile::TempDir;

/// A vault that several processes open.
struct Shared {
    root: TempDir,
}

impl Shared {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("keys")).unwrap();
        Self { root }
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join("vault")
    }

    fn keychain(&self) -> FileKeychain {
        FileKeychain::new(&self.root.path().join("keys"))
    }

    fn open(&self) -> Result<Vault> {
        open(options(&self.dir()), &self.keychain())
    }

    fn child(&self, role: &str, numbers: &[(&str, u64)]) -> Child {
        let mut command = Child::command(role, &[("root", &self.root.path())]);
        for (name, number) in numbers {
            command.env(
                format!("LATCHKEY_TEST_{}", name.to_uppercase()),
                number.to_string(),
            );
        }
        Child::launch(&mut command)
    }

    /// In a child: the vault of the parent.
    fn open_as_child(disk: impl Disk) -> Result<Vault> {
        let root = PathBuf::from(child::argument("root"));
        let keychain = FileKeychain::new(&root.join("keys"));
        open(on_disk(&root.join("vault"), disk), &keychain)
    }
}

/// What this binary does when a test runs it as another process.
#[test]
fn child_process() {
    match child::role().as_deref() {
        None => {}
        Some("writer") => writer(),
        Some("dying") => dying(),
        Some("waiting") => waiting(),
        Some("counting") => counting(),
        Some("beginning") => beginning(),
        Some(other) => panic!("{other}"),
    }
}

/// The n-th call of an endless workload, which every process knows.
#[derive(Debug)]
enum Call {
    Set(String, Vec<u8>),
    Delete(String),
    Compact,
    Rotate,
}

impl Call {
    fn number(writer: u64, n: u64) -> Self {
        let key = |n: u64| format!("writer {writer}, key {}", n % 7);
        let byte = n.to_le_bytes()[0];
        let large = |len| Self::Set(format!("writer {writer}, large"), vec![byte; len]);
        match n % 199 {
            // So much garbage that the vault rewrites its file by itself at the third of them.
            50 | 51 => return large(600_000),
            52 => return large(1),
            _ => {}
        }
        match n % 53 {
            10 | 40 => Self::Compact,
            25 => Self::Rotate,
            20 | 30 => Self::Delete(key(n + 3)),
            _ => Self::Set(key(n), vec![byte; usize::try_from(n * 37 % 1400).unwrap()]),
        }
    }

    fn run(self, vault: &Vault) -> Result<()> {
        match self {
            Self::Set(key, value) => vault.set(&key, Value::Bytes(SecretBytes::new(value)), None),
            Self::Delete(key) => vault.delete(&key).map(|_| ()),
            Self::Compact => vault.compact(),
            Self::Rotate => vault.rotate_key(),
        }
    }

    fn apply(self, state: &mut State) {
        match self {
            Self::Set(key, value) => {
                state.insert(key, value);
            }
            Self::Delete(key) => {
                state.remove(&key);
            }
            Self::Compact | Self::Rotate => {}
        }
    }
}

/// Makes the calls from number `from` on, for ever, and tells of each when it is done.
fn writer() {
    let (id, from) = (child::number("writer"), child::number("from"));
    let vault = Shared::open_as_child(OsDisk).unwrap();
    child::tell("open");
    for n in from.. {
        Call::number(id, n).run(&vault).unwrap();
        child::tell(&n.to_string());
    }
}

/// What one writer has acknowledged so far.
struct Ledger {
    writer: u64,
    done: u64,
    state: State,
}

impl Ledger {
    fn new(writer: u64) -> Self {
        Self {
            writer,
            done: 0,
            state: State::new(),
        }
    }

    fn start(&self, shared: &Shared) -> Child {
        shared.child("writer", &[("writer", self.writer), ("from", self.done)])
    }

    fn acknowledge(&mut self, said: &str) {
        if said != "open" {
            assert_eq!(
                said,
                self.done.to_string(),
                "calls are acknowledged in their order"
            );
            Call::number(self.writer, self.done).apply(&mut self.state);
            self.done += 1;
        }
    }

    /// Holds what is found against what was acknowledged. The call that was under way may have been made.
    fn check(&mut self, vault: &Vault) {
        let found = state_of(vault, &format!("writer {},", self.writer)).unwrap();
        if found != self.state {
            Call::number(self.writer, self.done).apply(&mut self.state);
            self.done += 1;
            assert!(found == self.state, "after call {}", self.done - 1);
        }
    }
}

fn kills() -> usize {
    if support::long() { 2200 } else { 150 }
}

#[test]
fn every_acknowledged_write_is_there_after_each_kill_at_a_random_moment() {
    let shared = Shared::new();
    let mut random = Random(1);
    let mut ledger = Ledger::new(0);
    let mut torn = 0;
    for _ in 0..kills() {
        let mut child = ledger.start(&shared);
        // Some are killed before they have opened the vault, the others during one of their calls.
        for _ in 0..random.choose(14) {
            ledger.acknowledge(&child.hear().unwrap());
        }
        spin(Duration::from_micros(random.next() % 600));
        for said in child.kill() {
            ledger.acknowledge(&said);
        }
        let vault = shared.open().unwrap();
        torn += u32::from(vault.recovered_torn_write());
        ledger.check(&vault);
    }
    assert!(ledger.done > 100, "{} calls", ledger.done);
    if support::long() {
        let (kills, calls) = (kills(), ledger.done);
        support::say(&format!(
            "{kills} kills, {calls} acknowledged calls, {torn} torn writes"
        ));
    }
}

/// Waits without giving up the processor: sleeping would hit the same few moments each time.
fn spin(time: Duration) {
    let started = Instant::now();
    while started.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[test]
fn a_kill_of_one_writer_takes_nothing_from_another() {
    let shared = Shared::new();
    let mut random = Random(2);
    let mut ledgers = [Ledger::new(0), Ledger::new(1)];
    let mut children = ledgers.each_ref().map(|ledger| Some(ledger.start(&shared)));
    for _ in 0..kills() / 8 {
        let victim = random.choose(2);
        for _ in 0..random.choose(8) {
            for (ledger, child) in ledgers.iter_mut().zip(&mut children) {
                ledger.acknowledge(&child.as_mut().unwrap().hear().unwrap());
            }
        }
        let other = 1 - victim;
        for said in children[victim].take().unwrap().kill() {
            ledgers[victim].acknowledge(&said);
        }
        // The other one goes on at once: it does two more calls at least.
        for _ in 0..2 {
            let said = children[other].as_mut().unwrap().hear().unwrap();
            ledgers[other].acknowledge(&said);
        }
        ledgers[victim].check(&shared.open().unwrap());
        children[victim] = Some(ledgers[victim].start(&shared));
    }
    for (ledger, child) in ledgers.iter_mut().zip(children) {
        for said in child.unwrap().kill() {
            ledger.acknowledge(&said);
        }
    }
    let vault = shared.open().unwrap();
    for ledger in &mut ledgers {
        ledger.check(&vault);
    }
}

/// Makes a few calls from number `from` on a disk that is its end.
fn dying() {
    let fate = FATES[usize::try_from(child::number("fate")).unwrap()];
    let (at, operations) = (child::number("at"), AtomicU64::new(0));
    let disk = HookedDisk::new(move |_| match operations.fetch_add(1, Ordering::SeqCst) {
        now if now == at => fate,
        _ => Fate::Done,
    });
    let from = child::number("from");
    let vault = Shared::open_as_child(disk).unwrap();
    child::tell("open");
    for n in from..from + SHORT_LIFE {
        Call::number(0, n).run(&vault).unwrap();
        child::tell(&n.to_string());
    }
    child::tell("alive");
}

/// Calls of a process that dies on purpose. Together with [`LIFE_BEGINS`] they hold a rewrite, a rotation and a deletion.
const SHORT_LIFE: u64 = 4;
#[cfg(unix)]
const LIFE_BEGINS: [u64; 3] = [8, 18, 23];
const FATES: [Fate; 3] = [Fate::DieBefore, Fate::DieAmid, Fate::DieAfter];

#[cfg(unix)]
#[test]
fn every_acknowledged_write_is_there_after_a_kill_at_each_operation_on_the_disk() {
    for begin in LIFE_BEGINS {
        for fate in 0..FATES.len() as u64 {
            for at in 0.. {
                let shared = Shared::new();
                let mut ledger = Ledger::new(0);
                if at % 2 == 0 {
                    // Every other child finds a vault, the others make it.
                    shared.open().unwrap();
                }
                ledger.done = begin;
                let numbers = [("from", begin), ("at", at), ("fate", fate)];
                let (said, _) = shared.child("dying", &numbers).finish();
                let alive = said.last().is_some_and(|last| last == "alive");
                for said in said.iter().filter(|said| *said != "alive") {
                    ledger.acknowledge(said);
                }
                ledger.check(&shared.open().unwrap());
                if alive {
                    break;
                }
            }
        }
    }
}

/// Holds the lock in the middle of a write until the parent lets it go on.
fn waiting() {
    let armed = Arc::new(AtomicBool::new(false));
    let is_armed = Arc::clone(&armed);
    let disk = HookedDisk::new(move |name| {
        if name == "sync" && is_armed.load(Ordering::SeqCst) {
            child::tell("holding the lock");
            child::wait();
        }
        Fate::Done
    });
    let vault = Shared::open_as_child(disk).unwrap();
    armed.store(true, Ordering::SeqCst);
    vault.set("held", bytes(b"theirs"), None).unwrap();
    child::tell("done");
}

fn impatient(shared: &Shared) -> Vault {
    let mut options = options(&shared.dir());
    options.lock_timeout = Duration::from_millis(150);
    open(options, &shared.keychain()).unwrap()
}

/// Longer than any wait that is bounded as it should be, on a machine under load.
const FAR_BELOW_THE_WAIT: Duration = Duration::from_secs(30);

#[test]
fn the_lock_of_a_killed_process_is_free_at_once() {
    let shared = Shared::new();
    let (patient, impatient) = (shared.open().unwrap(), impatient(&shared));
    patient.set("held", bytes(b"ours"), None).unwrap();
    let mut holder = shared.child("waiting", &[]);
    holder.expect("holding the lock");
    let busy = impatient.set("held", bytes(b"later"), None).unwrap_err();
    assert_eq!(busy.code(), "ERR_VAULT_BUSY");

    // A waiter is in its wait, of a minute, when the holder dies.
    let started = Instant::now();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| patient.set("waiter", bytes(b"through"), None));
        holder.kill();
        waiter.join().unwrap().unwrap();
    });
    assert!(started.elapsed() < FAR_BELOW_THE_WAIT);
    impatient.set("next", bytes(b"through"), None).unwrap();
    assert_eq!(impatient.keys().unwrap(), ["held", "next", "waiter"]);
    assert_eq!(state(&shared.open().unwrap()), state(&patient));
}

#[cfg(target_os = "linux")]
#[test]
fn a_stopped_process_holds_the_others_up_for_a_bounded_time_only() {
    use rustix::process::Signal;
    let shared = Shared::new();
    let vault = impatient(&shared);
    vault.set("held", bytes(b"ours"), None).unwrap();
    let mut holder = shared.child("waiting", &[]);
    holder.expect("holding the lock");
    holder.signal(Signal::STOP);
    for _ in 0..3 {
        let started = Instant::now();
        let error = vault.set("held", bytes(b"later"), None).unwrap_err();
        assert_eq!(error.code(), "ERR_VAULT_BUSY");
        let waited = started.elapsed();
        assert!(waited >= Duration::from_millis(150) && waited < FAR_BELOW_THE_WAIT);
        // Reading needs no lock.
        assert!(vault.get("held").unwrap().is_some());
    }
    let mut options = options(&shared.dir());
    options.lock_timeout = Duration::from_millis(150);
    assert_eq!(
        support::open_code(options, &shared.keychain()),
        "ERR_VAULT_BUSY"
    );

    holder.signal(Signal::CONT);
    holder.go_on();
    holder.expect("done");
    let held = vault.get("held").unwrap();
    assert_eq!(held.as_ref().map(exposed), Some(&b"theirs"[..]));
    vault.set("held", bytes(b"later"), None).unwrap();
    assert_eq!(shared.open().unwrap().keys().unwrap(), ["held"]);
}

/// Adds 1 to a number in the vault, again and again, and keeps a value of its own for each time.
fn counting() {
    let (id, times) = (child::number("writer"), child::number("times"));
    let vault = Shared::open_as_child(OsDisk).unwrap();
    child::tell("open");
    child::wait();
    for n in 0..times {
        increment(&vault).unwrap();
        vault
            .set(&format!("{id}/{n}"), bytes(&n.to_le_bytes()), None)
            .unwrap();
    }
    child::tell("done");
}

fn increment(vault: &Vault) -> Result<()> {
    vault.update("count", |old| {
        let old = old.map_or(0, |old| count(exposed(&old)));
        Some(bytes(&(old + 1).to_le_bytes()))
    })
}

fn count(value: &[u8]) -> u64 {
    u64::from_le_bytes(value.try_into().unwrap())
}

const PROCESSES: u64 = 8;

fn together(shared: &Shared, role: &str, numbers: &[(&str, u64)]) {
    let child = |id| shared.child(role, &[&[("writer", id)], numbers].concat());
    let mut children: Vec<Child> = (0..PROCESSES).map(child).collect();
    for child in &mut children {
        child.expect("open");
    }
    for child in &mut children {
        child.go_on();
    }
    for child in children {
        let (said, succeeded) = child.finish();
        assert_eq!((said, succeeded), (vec!["done".to_owned()], true));
    }
}

#[test]
fn no_increment_and_no_write_of_eight_processes_is_lost() {
    let times = if support::long() { 1000 } else { 100 };
    let shared = Shared::new();
    together(&shared, "counting", &[("times", times)]);
    let found = state(&shared.open().unwrap()).unwrap();
    let own = (0..PROCESSES).flat_map(|id| (0..times).map(move |n| format!("{id}/{n}")));
    let expected: BTreeSet<String> = own.chain(["count".to_owned()]).collect();
    assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), expected);
    assert_eq!(count(&found["count"]), PROCESSES * times);
}

/// Opens a vault that does not exist yet, at the same moment as others do.
fn beginning() {
    let id = child::number("writer");
    child::tell("open");
    child::wait();
    let vault = Shared::open_as_child(OsDisk).unwrap();
    vault.set(&id.to_string(), bytes(&[1]), None).unwrap();
    child::tell("done");
}

#[test]
fn processes_that_begin_a_vault_together_make_one_key_and_one_file() {
    for _ in 0..if support::long() { 50 } else { 5 } {
        let shared = Shared::new();
        together(&shared, "beginning", &[]);
        let found = state(&shared.open().unwrap()).unwrap();
        assert_eq!(found.len() as u64, PROCESSES);
        assert_eq!(shared.keychain().items(), 1);
    }
}
