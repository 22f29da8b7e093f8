//! Disks that fail, fill up or are read-only, and links, directories, pipes and other users' files in a file's place.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::Result;
use electron_latchkey::vault::Vault;
use std::path::PathBuf;
use support::sim_disk::{EIO, ENOSPC, Fault, Op, SimDisk};
use support::specimen::Home;
use support::{State, bytes, exposed, open_code, options, state, text};

mod failing_disk {
    use super::*;

    #[derive(Debug)]
    enum Call {
        Set(&'static str, usize),
        Delete(&'static str),
        Clear,
        Compact,
        Rotate,
    }

    use Call::{Clear, Compact, Delete, Rotate, Set};

    impl Call {
        fn run(&self, vault: &Vault) -> Result<()> {
            match self {
                Set(key, len) => vault.set(key, bytes(&vec![7; *len]), None),
                Delete(key) => vault.delete(key).map(|_| ()),
                Clear => vault.clear(),
                Compact => vault.compact(),
                Rotate => vault.rotate_key(),
            }
        }

        fn apply(&self, state: &mut State) {
            match self {
                Set(key, len) => {
                    state.insert((*key).to_owned(), vec![7; *len]);
                }
                Delete(key) => {
                    state.remove(*key);
                }
                Clear => state.clear(),
                Compact | Rotate => {}
            }
        }
    }

    const CALLS: [Call; 12] = [
        Set("a", 5),
        Set("b", 1500),
        Delete("a"),
        Compact,
        Set("c", 300),
        Rotate,
        Set("b", 2),
        Clear,
        Set("d", 600),
        Compact,
        Rotate,
        Set("e", 1),
    ];

    /// After this the file is so much garbage that the vault rewrites it by itself at the next call.
    const GROWING: [Call; 1] = [Set("big", 1_050_000)];
    const GROWN: [Call; 1] = [Set("big", 4)];

    /// Makes the calls on a disk that fails as `plan` says, and holds the vault to its promise after each failure.
    ///
    /// `exact`: a call that failed changed nothing. Otherwise it changed everything or nothing, and whoever looks sees
    /// the same. Says how many operations there were, and how many calls failed.
    fn run(
        begin: &Begin,
        calls: &[Call],
        exact: bool,
        when: &dyn std::fmt::Debug,
        plan: impl FnMut(&Op) -> Option<Fault> + Send + 'static,
    ) -> (u64, u32) {
        let home = &begin.home;
        let disk = begin.disk.copy();
        disk.plan(plan);
        let mut failures = 0;
        let mut failed = |error: electron_latchkey::Error| {
            let expected = ["ERR_VAULT_IO", "ERR_KEYCHAIN_FAILED"].contains(&error.code());
            assert!(expected, "{when:?}: {}: {error}", error.code());
            failures += 1;
            assert!(
                failures < 20,
                "{when:?}: the fault has passed, and still: {error}"
            );
        };
        let vault = loop {
            match home.open_on(&disk) {
                Ok(vault) => break vault,
                Err(error) => failed(error),
            }
        };
        let mut expected = begin.state.clone();
        for call in calls {
            let mut after = expected.clone();
            call.apply(&mut after);
            let done = call.run(&vault);
            // Looking at the file is an operation that may fail too.
            let seen = loop {
                match state(&vault) {
                    Ok(seen) => break seen,
                    Err(error) => failed(error),
                }
            };
            let failed_call = done.map_err(&mut failed).is_err();
            let stored = home.state_on(&disk.copy());
            let stored = stored.unwrap_or_else(|e| panic!("{when:?}: {call:?}: {e}"));
            let kept = if failed_call && (exact || stored != after) {
                &expected
            } else {
                &after
            };
            assert!(stored == *kept, "{when:?}: {call:?}: wrong on disk");
            assert!(seen == *kept, "{when:?}: {call:?}: wrong in memory");
            expected = stored;
        }
        (disk.trace().len() as u64, failures)
    }

    /// A vault, or none yet, that the calls begin with.
    struct Begin {
        home: Home,
        disk: SimDisk,
        state: State,
    }

    impl Begin {
        fn nothing() -> Self {
            let home = Home::new();
            Self {
                disk: home.disk(),
                home,
                state: State::new(),
            }
        }

        fn after(calls: &[Call]) -> Self {
            let mut begin = Self::nothing();
            let vault = begin.home.open_on(&begin.disk).unwrap();
            for call in calls {
                call.run(&vault).unwrap();
                call.apply(&mut begin.state);
            }
            begin
        }
    }

    /// From operation number `from` on: what comes before is another test's. Says how many calls failed.
    fn each_operation_fails_once(begin: &Begin, calls: &[Call], from: u64) -> u32 {
        let mut failures = 0;
        type Make = fn() -> Fault;
        let faults: [(&str, Make); 2] = [
            ("EIO", || Fault::Error(EIO)),
            ("ENOSPC", || Fault::Short(ENOSPC)),
        ];
        for (name, fault) in faults {
            for at in from.. {
                let plan = move |op: &Op| (op.index == at).then(fault);
                let (operations, failed) = run(begin, calls, true, &(name, at), plan);
                failures += failed;
                if operations <= at {
                    break;
                }
            }
        }
        failures
    }

    #[test]
    fn a_failed_operation_leaves_the_state_before_on_disk_and_in_memory() {
        let failures = each_operation_fails_once(&Begin::nothing(), &CALLS, 0);
        assert!(failures > 50, "the faults were felt: {failures}");
    }

    #[test]
    fn a_failed_operation_while_the_vault_rewrites_itself_loses_nothing() {
        let begin = Begin::after(&GROWING);
        let grown = begin.disk.bytes(&begin.home.file()).unwrap().len();
        let opening = begin.disk.process();
        begin.home.open_on(&opening).unwrap();
        let failures = each_operation_fails_once(&begin, &GROWN, opening.trace().len() as u64);
        assert!(failures > 3, "the faults were felt: {failures}");
        // Without a fault, the call rewrites the file.
        let vault = begin.home.open_on(&begin.disk).unwrap();
        GROWN[0].run(&vault).unwrap();
        assert!(begin.disk.bytes(&begin.home.file()).unwrap().len() < grown / 100);
    }

    #[test]
    fn a_disk_that_fails_again_while_the_vault_recovers_leaves_one_state_for_all() {
        let begin = Begin::nothing();
        for gap in 1..4 {
            for at in 0.. {
                let plan = move |op: &Op| {
                    (op.index == at || op.index == at + gap).then_some(Fault::Error(EIO))
                };
                let (operations, _) = run(&begin, &CALLS, false, &("twice", at, gap), plan);
                if operations <= at {
                    break;
                }
            }
        }
        for lasting in [3, 8] {
            for at in 0.. {
                let plan = move |op: &Op| {
                    (at..at + lasting)
                        .contains(&op.index)
                        .then_some(Fault::Short(ENOSPC))
                };
                let (operations, _) = run(&begin, &CALLS, false, &("lasting", at, lasting), plan);
                if operations <= at {
                    break;
                }
            }
        }
    }

    /// A reader needs no lock, so it may read a frame whose sync then fails. What it read must not outlive the failure.
    #[test]
    fn a_write_whose_sync_fails_is_not_kept_by_another_process_that_saw_it() {
        let home = Home::new();
        let disk = home.disk();
        let writer_disk = disk.process();
        let writer = home.open_on(&writer_disk).unwrap();
        writer.set("k", text("before"), None).unwrap();
        let reader = home.open_on(&disk.process()).unwrap();
        let looking = reader.clone();
        let mut look = Some(move || {
            looking.get("k").unwrap();
        });
        writer_disk.plan(move |op| {
            let look = (op.name == "sync").then(|| look.take()).flatten()?;
            Some(Fault::Meanwhile(Box::new(look), EIO))
        });
        let error = writer.set("k", text("failed"), None).unwrap_err();
        assert_eq!(error.code(), "ERR_VAULT_IO");
        let read = |vault: &Vault| vault.get("k").map(|v| v.map(|v| exposed(&v).to_vec()));
        assert_eq!(read(&writer), Ok(Some(b"before".to_vec())), "writer");
        assert_eq!(read(&reader), Ok(Some(b"before".to_vec())), "reader");
        // The next frame is as long as the one that failed, so that the file's length tells the reader nothing.
        writer.set("k", text("second"), None).unwrap();
        assert_eq!(read(&reader), Ok(Some(b"second".to_vec())), "reader, later");
        reader.set("l", text("third"), None).unwrap();
        assert_eq!(read(&writer), Ok(Some(b"second".to_vec())));
        assert_eq!(home.state_on(&disk.copy()).map(|state| state.len()), Ok(2));
    }
}

#[cfg(unix)]
mod wrong_place {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use support::{lock_file, open};

    /// Everything below the home, with its contents: nothing may be made or changed.
    fn listing(home: &Home) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let mut found = Vec::new();
        let mut dirs = vec![home.root.path().to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                let kind = fs::symlink_metadata(&path).unwrap();
                if kind.is_dir() {
                    dirs.push(path.clone());
                }
                let content = kind.is_file().then(|| fs::read(&path).unwrap());
                found.push((path, content));
            }
        }
        found.sort();
        found
    }

    #[test]
    fn a_link_in_place_of_the_file_is_refused_wherever_it_points() {
        let home = Home::new();
        home.open().unwrap();
        let elsewhere = home.root.path().join("elsewhere");
        fs::rename(home.file(), &elsewhere).unwrap();
        symlink(&elsewhere, home.file()).unwrap();
        let before = listing(&home);
        assert_eq!(home.open_code(), "ERR_VAULT_IO", "to a vault");
        assert_eq!(listing(&home), before);

        fs::remove_file(&elsewhere).unwrap();
        assert_eq!(home.open_code(), "ERR_VAULT_IO", "to nothing");
        assert!(!elsewhere.exists());
    }

    #[test]
    fn a_link_that_takes_the_place_of_an_open_vaults_file_is_refused() {
        let home = Home::new();
        let vault = home.open().unwrap();
        vault.set("k", text("v"), None).unwrap();
        let elsewhere = home.root.path().join("elsewhere");
        fs::rename(home.file(), &elsewhere).unwrap();
        symlink(&elsewhere, home.file()).unwrap();
        let before = fs::read(&elsewhere).unwrap();
        assert_eq!(vault.get("k").unwrap_err().code(), "ERR_VAULT_IO");
        assert_eq!(
            vault.set("k", text("w"), None).unwrap_err().code(),
            "ERR_VAULT_IO"
        );
        assert_eq!(fs::read(&elsewhere).unwrap(), before);
        // Back in its place, it goes on.
        fs::rename(&elsewhere, home.file()).unwrap();
        vault.set("k", text("w"), None).unwrap();
    }

    #[test]
    fn a_link_in_place_of_the_lock_is_refused_and_what_it_names_is_not_made() {
        let home = Home::new();
        home.open().unwrap();
        let elsewhere = home.root.path().join("elsewhere");
        fs::remove_file(lock_file(&home.dir())).unwrap();
        symlink(&elsewhere, lock_file(&home.dir())).unwrap();
        assert_eq!(home.open_code(), "ERR_VAULT_IO");
        assert!(!elsewhere.exists());
    }

    #[test]
    fn a_link_in_place_of_the_temporary_file_is_not_written_through() {
        let home = Home::new();
        let vault = home.open().unwrap();
        vault.set("k", text("v"), None).unwrap();
        let victim = home.root.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, home.file().with_extension("tmp")).unwrap();
        assert_eq!(vault.compact().unwrap_err().code(), "ERR_VAULT_IO");
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        vault.set("k", text("w"), None).unwrap();
        fs::remove_file(home.file().with_extension("tmp")).unwrap();
        vault.compact().unwrap();
        assert_eq!(state(&home.open().unwrap()).unwrap()["k"], b"w");
    }

    #[test]
    fn a_vault_under_a_linked_directory_is_the_same_vault() {
        let home = Home::new();
        let vault = home.open().unwrap();
        let linked = home.root.path().join("linked");
        symlink(home.dir(), &linked).unwrap();
        let other = open(options(&linked), &home.keychain).unwrap();
        other.set("k", text("v"), None).unwrap();
        vault.set("l", text("w"), None).unwrap();
        assert_eq!(other.keys().unwrap(), ["k", "l"]);
    }

    #[test]
    fn a_directory_or_a_pipe_in_place_of_a_file_is_refused_at_once() {
        for place in ["vault.latchkey", "vault.lock"] {
            let home = Home::new();
            home.open().unwrap();
            let path = home.dir().join(place);
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
            let before = listing(&home);
            assert_eq!(home.open_code(), "ERR_VAULT_IO", "a directory as {place}");
            assert_eq!(listing(&home), before);
        }
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{CWD, FileType, Mode, mknodat};
            let home = Home::new();
            home.open().unwrap();
            fs::remove_file(home.file()).unwrap();
            mknodat(CWD, home.file(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
            assert_eq!(home.open_code(), "ERR_VAULT_IO", "a pipe");
        }
    }

    #[test]
    fn a_file_in_place_of_the_directory_is_refused_and_kept() {
        let home = Home::new();
        fs::write(home.dir(), "precious").unwrap();
        assert_eq!(home.open_code(), "ERR_VAULT_IO");
        assert_eq!(fs::read(home.dir()).unwrap(), b"precious");
    }
}

#[cfg(target_os = "linux")]
mod real_file_system {
    use super::*;
    use electron_latchkey::keychain::MemoryKeychain;
    use std::fs;
    use support::child::{self, Child};
    use support::mount::Tmpfs;
    use support::{file, open};

    struct Full {
        disk: Tmpfs,
        keychain: MemoryKeychain,
    }

    impl Full {
        fn open(&self) -> Result<Vault> {
            open(options(&self.dir()), &self.keychain)
        }

        fn dir(&self) -> PathBuf {
            self.disk.path().join("vault")
        }

        /// Takes all the space that is left.
        fn fill(&self) {
            let filler = fs::File::create(self.filler()).unwrap();
            let error = loop {
                use std::io::Write as _;
                if let Err(error) = (&filler).write_all(&[0xff; 512]) {
                    break error;
                }
            };
            assert_eq!(error.raw_os_error(), Some(ENOSPC));
        }

        fn free(&self) {
            fs::remove_file(self.filler()).unwrap();
        }

        fn filler(&self) -> PathBuf {
            self.disk.path().join("filler")
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.dir()).unwrap();
            let mut names: Vec<String> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        }
    }

    fn small_disk() -> Option<Full> {
        Some(Full {
            disk: Tmpfs::mounted(256)?,
            keychain: MemoryKeychain::default(),
        })
    }

    #[test]
    fn a_set_on_a_full_disk_fails_changes_nothing_and_works_when_there_is_space() {
        let Some(full) = small_disk() else { return };
        let vault = full.open().unwrap();
        vault.set("k", bytes(&[1; 3000]), None).unwrap();
        full.fill();
        let before = (state(&vault).unwrap(), fs::read(file(&full.dir())).unwrap());
        for attempt in 0..3 {
            let error = vault.set("k", bytes(&[2; 9000]), None).unwrap_err();
            assert_eq!(error.code(), "ERR_VAULT_IO");
            let found = (state(&vault).unwrap(), fs::read(file(&full.dir())).unwrap());
            assert!(found == before, "attempt {attempt}");
            assert_eq!(state(&full.open().unwrap()).unwrap(), before.0);
        }
        full.free();
        vault.set("k", bytes(&[2; 9000]), None).unwrap();
        assert_eq!(state(&full.open().unwrap()).unwrap()["k"], [2; 9000]);
    }

    #[test]
    fn a_rewrite_on_a_full_disk_fails_and_leaves_nothing_behind() {
        let Some(full) = small_disk() else { return };
        let vault = full.open().unwrap();
        for byte in 0..4 {
            vault
                .set(&format!("k{byte}"), bytes(&[byte; 9000]), None)
                .unwrap();
        }
        full.fill();
        let before = (state(&vault).unwrap(), full.names());
        let error = vault.compact().unwrap_err();
        assert_eq!(error.code(), "ERR_VAULT_IO");
        assert_eq!((state(&vault).unwrap(), full.names()), before);
        assert_eq!(state(&full.open().unwrap()).unwrap(), before.0);
        full.free();
        vault.compact().unwrap();
        vault.set("after", text("v"), None).unwrap();
        assert_eq!(state(&full.open().unwrap()).unwrap().len(), 5);
    }

    #[test]
    fn a_vault_first_opened_on_a_full_disk_is_made_when_there_is_space() {
        let Some(full) = small_disk() else { return };
        full.fill();
        assert_eq!(full.open().unwrap_err().code(), "ERR_VAULT_IO");
        full.free();
        full.open().unwrap().set("k", text("v"), None).unwrap();
        assert_eq!(state(&full.open().unwrap()).unwrap()["k"], b"v");
    }

    #[test]
    fn a_read_only_file_system_is_an_error_that_passes() {
        let Some(disk) = small_disk() else { return };
        disk.open().unwrap().set("k", text("v"), None).unwrap();
        let before = fs::read(file(&disk.dir())).unwrap();
        disk.disk.read_only(true);
        let error = disk.open().unwrap_err();
        assert_eq!(error.code(), "ERR_VAULT_IO");
        assert_eq!(fs::read(file(&disk.dir())).unwrap(), before);
        let new = open(
            options(&disk.disk.path().join("new")),
            &MemoryKeychain::default(),
        );
        assert_eq!(new.unwrap_err().code(), "ERR_VAULT_IO");
        disk.disk.read_only(false);
        assert_eq!(state(&disk.open().unwrap()).unwrap()["k"], b"v");
    }

    /// Root may open every file, so a child process without its rights tries.
    #[test]
    fn files_of_another_user_are_an_error_and_stay_as_they_are() {
        use std::os::unix::fs::PermissionsExt;
        use std::os::unix::process::CommandExt as _;
        const NOBODY: u32 = 65534;
        if !rustix::process::geteuid().is_root() {
            return support::skipped("becoming another user needs root");
        }
        // What of root's vault the other user meets first: the directory, the lock, or the file.
        for (open_to_all, what) in [
            (&[][..], "directory"),
            (&[""], "lock"),
            (&["", "vault.lock"], "file"),
        ] {
            let home = Home::new();
            fs::set_permissions(home.root.path(), PermissionsExt::from_mode(0o755)).unwrap();
            let keys = home.root.path().join("keys");
            fs::create_dir(&keys).unwrap();
            let keychain = child::FileKeychain::new(&keys);
            let vault = open(options(&home.dir()), &keychain).unwrap();
            vault.set("k", text("v"), None).unwrap();
            for name in open_to_all {
                fs::set_permissions(home.dir().join(name), PermissionsExt::from_mode(0o777))
                    .unwrap();
            }
            for entry in fs::read_dir(&keys).unwrap() {
                fs::set_permissions(entry.unwrap().path(), PermissionsExt::from_mode(0o644))
                    .unwrap();
            }
            let before = fs::read(home.file()).unwrap();
            let mut command = Child::command("open", &[("dir", &home.dir()), ("keys", &keys)]);
            let (said, _) = Child::launch(command.uid(NOBODY).gid(NOBODY)).finish();
            assert_eq!(said, ["ERR_VAULT_IO"], "{what}");
            assert_eq!(fs::read(home.file()).unwrap(), before);
            vault.set("k", text("w"), None).unwrap();
        }
    }
}

/// What this binary does when a test runs it as another process.
#[test]
fn child_process() {
    use support::child;
    if child::role().as_deref() == Some("open") {
        let dir = PathBuf::from(child::argument("dir"));
        let keychain = child::FileKeychain::new(child::argument("keys").as_ref());
        child::tell(open_code(options(&dir), &keychain));
    }
}
