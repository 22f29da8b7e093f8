//! A cheap look at whether anything has happened to the vault's file.
//!
//! Walking its path costs more than the rest of a read. What other processes of Latchkey do to a file shows in the file
//! itself, so an open one tells as much: a write makes it longer, another file in its place or its removal take a link from
//! it, and moving it changes its change time. A folder that is moved away with the file in it does not show here; the next
//! write looks at the path and finds it.
#![forbid(unsafe_code)]

use super::disk::{Look, Stamp, Stat};
use super::shared::{read, write};
use std::sync::RwLock;

/// The file at the path, held open to look at.
#[derive(Debug, Default)]
pub(super) struct Glance(RwLock<Option<Held>>);

#[derive(Debug)]
struct Held {
    file: Box<dyn Look>,
    /// How the file was when it stood at its path. `None` until that was seen.
    stamp: Option<Stamp>,
}

impl Glance {
    /// Whether the file `seen` stands at its path as it was seen, by `stat_path` where the open file does not tell.
    ///
    /// # Errors
    /// Those of `stat_path`.
    pub(super) fn is_current<E>(
        &self,
        seen: Stat,
        stat_path: impl FnOnce() -> Result<Stat, E>,
        open: impl FnOnce() -> Option<Box<dyn Look>>,
    ) -> Result<bool, E> {
        // Before the path is looked at: whatever happens after that differs from this.
        let (known, now) = match &*read(&self.0) {
            Some(held) => (held.stamp, held.file.stamp().ok()),
            None => (None, None),
        };
        let is_same = |stamp: &Stamp| stamp.stat == seen;
        if known
            .filter(is_same)
            .is_some_and(|known| now == Some(known))
        {
            return Ok(true);
        }
        let is_current = stat_path()? == seen;
        if is_current {
            let mut held = write(&self.0);
            match (&mut *held, now.filter(is_same)) {
                (Some(held), Some(now)) => held.stamp = Some(now),
                (held, _) => *held = open().map(|file| Held { file, stamp: None }),
            }
        }
        Ok(is_current)
    }

    /// Closes the file.
    pub(super) fn close(&self) {
        *write(&self.0) = None;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::vault::disk::{Disk as _, OsDisk};
    use std::cell::Cell;
    use std::fs;
    use std::io::Write as _;
    use std::path::PathBuf;

    /// A file, a glance at it, and how often the path had to be looked at.
    struct Looking {
        dir: tempfile::TempDir,
        glance: Glance,
        path_looks: Cell<u32>,
    }

    impl Looking {
        fn new() -> Self {
            let looking = Self {
                dir: tempfile::tempdir().unwrap_or_else(|e| panic!("{e}")),
                glance: Glance::default(),
                path_looks: Cell::new(0),
            };
            looking.put("file", b"one");
            looking
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn put(&self, name: &str, content: &[u8]) {
            assert!(fs::write(self.path(name), content).is_ok());
        }

        fn stat(&self) -> Stat {
            let found = OsDisk.stat(&self.path("file"));
            found.ok().flatten().unwrap_or(Stat { len: 0, id: (0, 0) })
        }

        /// Whether the file is as `seen`, and whether that was told without its path.
        fn look(&self, seen: Stat) -> (bool, bool) {
            let before = self.path_looks.get();
            let stat_path = || {
                self.path_looks.set(self.path_looks.get() + 1);
                Ok::<_, ()>(self.stat())
            };
            let open = || OsDisk.look(&self.path("file"));
            let is_current = self.glance.is_current(seen, stat_path, open);
            (is_current == Ok(true), self.path_looks.get() == before)
        }

        /// Looks until the path is not needed any more.
        fn settle(&self) -> Stat {
            let seen = self.stat();
            assert_eq!(self.look(seen), (true, false), "opens it");
            assert_eq!(self.look(seen), (true, false), "knows how it is now");
            assert_eq!(self.look(seen), (true, true));
            seen
        }
    }

    #[test]
    fn the_path_is_looked_at_again_whatever_happens_to_the_file() {
        type Act = fn(&Looking) -> std::io::Result<()>;
        let acts: [(&str, Act, bool); 5] = [
            (
                "longer",
                |l| {
                    let file = fs::OpenOptions::new().append(true).open(l.path("file"));
                    file.and_then(|mut file| file.write_all(b"two"))
                },
                false,
            ),
            (
                "replaced by one as long",
                |l| {
                    l.put("other", b"two");
                    fs::rename(l.path("other"), l.path("file"))
                },
                false,
            ),
            (
                "replaced, while it has another name",
                |l| {
                    fs::hard_link(l.path("file"), l.path("backup"))?;
                    l.put("other", b"two");
                    fs::rename(l.path("other"), l.path("file"))
                },
                false,
            ),
            ("removed", |l| fs::remove_file(l.path("file")), false),
            (
                "given another name",
                |l| fs::hard_link(l.path("file"), l.path("backup")),
                true,
            ),
        ];
        for (name, act, is_current) in acts {
            let looking = Looking::new();
            let seen = looking.settle();
            assert!(act(&looking).is_ok(), "{name}");
            assert_eq!(looking.look(seen), (is_current, false), "{name}");
            assert_eq!(looking.look(seen).0, is_current, "{name}, asked again");
        }
    }

    #[test]
    fn a_file_that_took_the_others_place_is_glanced_at_in_turn() {
        let looking = Looking::new();
        looking.settle();
        looking.put("other", b"two");
        assert!(fs::rename(looking.path("other"), looking.path("file")).is_ok());
        looking.settle();
    }
}
