//! Model checks of the core: its real code under a scheduler that tries thousands of orders of every lock.
//!
//! A process here takes the steps that [`renewal`](super::renewal) and [`commits`](super::commits) take, in their order and
//! under their locks; vault and server are a few lines each. The server ends the session when a token is sent twice.

use super::core::Core;
use super::record::{Record, Stamp};
use super::state::{Reason, State};
use crate::provider::{Credentials, User};
use crate::secret::SecretString;
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;
use std::collections::BTreeSet;

const SCHEDULES: usize = 3_000;

/// What the processes of an application share.
struct World {
    /// The vault's record. Its lock is the vault's.
    vault: Mutex<Option<Stored>>,
    /// Who renews.
    turn: Mutex<()>,
    server: Mutex<Server>,
}

#[derive(Clone)]
struct Stored {
    stamp: Stamp,
    token: u32,
    is_spent: bool,
    locked: bool,
}

/// Tokens are numbers; the newest that was not revoked is alive.
#[derive(Default)]
struct Server {
    last: u32,
    spent: BTreeSet<u32>,
    revoked: BTreeSet<u32>,
    renewals: u32,
}

struct Process {
    core: Mutex<Core>,
    commits: Mutex<()>,
}

impl Stored {
    fn record(&self) -> Record {
        let token = SecretString::new(self.token.to_string());
        Record {
            stamp: self.stamp,
            user: User {
                id: "u".to_owned(),
                email: None,
                name: None,
                image: None,
                email_verified: None,
            },
            credentials: Some(Credentials {
                access_token: token,
                refresh_token: None,
                expires_at_ms: None,
                confirmed_at_ms: 0,
                sliding: true,
                private: None,
            }),
            signed_in_at_ms: 0,
            spent_at_ms: self.is_spent.then_some(1),
            locked: self.locked,
        }
    }
}

impl World {
    fn signed_in() -> Arc<Self> {
        let stored = Stored {
            stamp: Stamp::of_sign_in().unwrap_or_default(),
            token: 0,
            is_spent: false,
            locked: false,
        };
        Arc::new(Self {
            vault: Mutex::new(Some(stored)),
            turn: Mutex::new(()),
            server: Mutex::new(Server::default()),
        })
    }

    fn process(&self) -> Arc<Process> {
        let stored = lock(&self.vault).as_ref().map(Stored::record);
        Arc::new(Process {
            core: Mutex::new(Core::restore(stored)),
            commits: Mutex::new(()),
        })
    }

    fn renewals(&self) -> u32 {
        lock(&self.server).renewals
    }

    /// The server's tokens that live, and that nobody holds: neither vault nor revoked.
    fn assert_no_token_is_lost(&self) {
        let server = lock(&self.server);
        let held = lock(&self.vault).as_ref().map(|stored| stored.token);
        let newest = server.last;
        assert!(
            held == Some(newest) || server.revoked.contains(&newest),
            "token {newest} lives on, and nobody holds it"
        );
    }
}

impl Process {
    fn follow(&self, world: &World) {
        let _in_order = lock(&self.commits);
        let stored = lock(&world.vault).as_ref().map(Stored::record);
        lock(&self.core).adopt(stored);
    }

    fn renew(&self, world: &World) {
        let Ok(asked) = lock(&self.core).credentials() else {
            return;
        };
        let _turn = lock(&world.turn);
        self.follow(world);
        let Ok(fresh) = lock(&self.core).held() else {
            return;
        };
        if fresh.stamp != asked.stamp {
            return;
        }
        {
            let _in_order = lock(&self.commits);
            let mut vault = lock(&world.vault);
            let Some(stored) = vault.as_mut().filter(|stored| stored.stamp == fresh.stamp) else {
                return;
            };
            if stored.is_spent {
                // Whoever sent it is being signed out: nobody can say what became of it.
                return;
            }
            stored.is_spent = true;
        }
        let token = fresh.credentials.access_token.expose().parse();
        let granted = {
            let mut server = lock(&world.server);
            let token = token.unwrap_or(u32::MAX);
            assert!(server.spent.insert(token), "token {token} was sent twice");
            server.renewals += 1;
            server.last += 1;
            server.last
        };
        if !self.commit(world, fresh.generation, fresh.stamp, granted) {
            lock(&world.server).revoked.insert(granted);
        }
    }

    fn commit(&self, world: &World, generation: u64, renewed: Stamp, granted: u32) -> bool {
        let _in_order = lock(&self.commits);
        if lock(&self.core).check_generation(generation).is_err() {
            return false;
        }
        let record = {
            let mut vault = lock(&world.vault);
            let Some(stored) = vault.as_mut().filter(|stored| stored.stamp == renewed) else {
                return false;
            };
            stored.stamp = stored.stamp.renewed();
            stored.token = granted;
            stored.is_spent = false;
            stored.record()
        };
        let mut core = lock(&self.core);
        if core.check_generation(generation).is_err() {
            return false;
        }
        core.renew(record);
        true
    }

    fn sign_out(&self, world: &World) {
        let held = lock(&self.core).begin_sign_out(Reason::SignedOut);
        let _in_order = lock(&self.commits);
        *lock(&world.vault) = None;
        let held = held.ok().flatten();
        if let Some(token) = held.and_then(|held| held.access_token.expose().parse().ok()) {
            lock(&world.server).revoked.insert(token);
        }
    }

    fn set_locked(&self, world: &World, locked: bool) {
        lock(&self.core).lock(locked, Reason::Locked);
        let _in_order = lock(&self.commits);
        let locked = lock(&self.core).is_locked();
        if let Some(stored) = lock(&world.vault).as_mut() {
            stored.locked = locked;
        }
        lock(&self.core).lock_stored();
    }

    fn has_token(&self) -> bool {
        lock(&self.core).credentials().is_ok()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> shuttle::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs `scenario` under many schedules, drawn at random, and few preemptions in the worst places.
fn check(scenario: impl Fn() + Send + Sync + Clone + 'static) {
    shuttle::check_random(scenario.clone(), SCHEDULES);
    shuttle::check_pct(scenario, SCHEDULES, 3);
}

fn join(threads: Vec<thread::JoinHandle<()>>) {
    for thread in threads {
        assert!(thread.join().is_ok());
    }
}

#[test]
fn processes_that_renew_at_once_send_each_token_once() {
    check(|| {
        let world = World::signed_in();
        let processes = [world.process(), world.process()];
        let threads = processes.iter().flat_map(|process| [process, process]);
        join(
            threads
                .map(|process| {
                    let (world, process) = (Arc::clone(&world), Arc::clone(process));
                    thread::spawn(move || process.renew(&world))
                })
                .collect(),
        );
        assert!((1..=4).contains(&world.renewals()));
        world.assert_no_token_is_lost();
        for process in &processes {
            process.follow(&world);
            assert_eq!(
                Some(lock(&process.core).stamp()),
                lock(&world.vault).as_ref().map(|stored| stored.stamp)
            );
        }
    });
}

#[test]
fn a_sign_out_beats_renewals_of_every_process() {
    check(|| {
        let world = World::signed_in();
        let (leaving, other) = (world.process(), world.process());
        let mut threads: Vec<_> = [&leaving, &other]
            .map(|process| {
                let (world, process) = (Arc::clone(&world), Arc::clone(process));
                thread::spawn(move || process.renew(&world))
            })
            .into();
        threads.push({
            let (world, leaving) = (Arc::clone(&world), Arc::clone(&leaving));
            thread::spawn(move || {
                leaving.sign_out(&world);
                assert!(!leaving.has_token());
                leaving.follow(&world);
                assert!(!leaving.has_token());
            })
        });
        join(threads);
        for process in [&leaving, &other] {
            process.follow(&world);
            assert_eq!(lock(&process.core).snapshot().state, State::SignedOut);
        }
        assert!(lock(&world.vault).is_none());
    });
}

#[test]
fn a_lock_holds_whatever_is_under_way() {
    check(|| {
        let world = World::signed_in();
        let process = world.process();
        let mut threads: Vec<_> = (0..2)
            .map(|_| {
                let (world, process) = (Arc::clone(&world), Arc::clone(&process));
                thread::spawn(move || {
                    process.renew(&world);
                    process.follow(&world);
                })
            })
            .collect();
        threads.push({
            let (world, process) = (Arc::clone(&world), Arc::clone(&process));
            thread::spawn(move || {
                process.set_locked(&world, true);
                assert!(!process.has_token());
                process.follow(&world);
                assert!(!process.has_token());
            })
        });
        join(threads);
        assert!(!process.has_token());
        assert!(!world.process().has_token());
        process.set_locked(&world, false);
        assert!(process.has_token());
        world.assert_no_token_is_lost();
    });
}
