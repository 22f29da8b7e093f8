//! What a vault holds, as the log's operations made it.
#![forbid(unsafe_code)]

use super::batch::{Entry, Kind, Op, Space, encoded_len};
use super::options::StoredValue;
use crate::secret::SecretBytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem::take;

/// How many changes of records are remembered by name. Whoever has missed more reads all of its records.
const REMEMBERED_CHANGES: usize = 1024;

#[derive(Debug, Default)]
pub(crate) struct Contents {
    app: BTreeMap<String, Entry>,
    session: BTreeMap<String, Entry>,
    /// What a snapshot of the entries takes, in bytes before sealing.
    live_bytes: usize,
    generation: u64,
    /// Grows whenever a record of Latchkey's own may have changed.
    records_version: u64,
    /// The names of the records that changed last; the newest one's change made `records_version`.
    changed_records: VecDeque<String>,
    /// The application's keys that changed, while somebody listens.
    journal: Option<BTreeSet<String>>,
}

impl Contents {
    pub(crate) fn apply(&mut self, op: Op) {
        self.note(&op);
        self.count(&op);
        match op {
            Op::Generation(generation) => self.generation = generation,
            Op::Put(space, key, entry) => {
                let key_len = key.len();
                self.live_bytes += put_len(key_len, &entry);
                if let Some(old) = self.entries_mut(space).insert(key, entry) {
                    self.live_bytes -= put_len(key_len, &old);
                }
            }
            Op::Delete(space, key) => {
                if let Some(old) = self.entries_mut(space).remove(&key) {
                    self.live_bytes -= put_len(key.len(), &old);
                }
            }
            Op::Clear(space) => {
                for (key, entry) in take(self.entries_mut(space)) {
                    self.live_bytes -= put_len(key.len(), &entry);
                }
            }
        }
    }

    fn count(&mut self, op: &Op) {
        match op {
            Op::Put(Space::Session, key, _) | Op::Delete(Space::Session, key) => {
                if self.changed_records.len() == REMEMBERED_CHANGES {
                    self.changed_records.pop_front();
                }
                self.changed_records.push_back(key.clone());
                self.records_version += 1;
            }
            Op::Clear(Space::Session) => {
                self.changed_records.clear();
                self.records_version += 1;
            }
            Op::Put(..) | Op::Delete(..) | Op::Clear(_) | Op::Generation(_) => {}
        }
    }

    fn note(&mut self, op: &Op) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        match op {
            Op::Put(Space::App, key, _) | Op::Delete(Space::App, key) => {
                journal.insert(key.clone());
            }
            Op::Clear(Space::App) => journal.extend(self.app.keys().cloned()),
            Op::Put(..) | Op::Delete(..) | Op::Clear(_) | Op::Generation(_) => {}
        }
    }

    /// Begins to note which keys change, or goes on.
    pub(crate) fn start_journal(&mut self) {
        self.journal.get_or_insert_default();
    }

    /// The keys that changed since the journal was last taken.
    pub(crate) fn take_journal(&mut self) -> BTreeSet<String> {
        self.journal.as_mut().map(take).unwrap_or_default()
    }

    /// Becomes `fresh`, which was read from a file that replaced the one before.
    pub(crate) fn replace(&mut self, fresh: Self) {
        if let Some(journal) = &mut self.journal {
            let mut note = |ours: &BTreeMap<String, Entry>, theirs: &BTreeMap<String, Entry>| {
                let differs = |(key, entry): &(&String, &Entry)| {
                    theirs.get(*key).map(|other| other.value.expose()) != Some(entry.value.expose())
                };
                let changed = ours.iter().filter(differs);
                journal.extend(changed.map(|(key, _)| key.clone()));
            };
            note(&self.app, &fresh.app);
            note(&fresh.app, &self.app);
        }
        *self = Self {
            records_version: self.records_version + 1,
            // Which ones differ is not known.
            changed_records: VecDeque::new(),
            journal: self.journal.take(),
            ..fresh
        };
    }

    /// How many times the vault was anchored.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// How often records of Latchkey's own may have changed.
    pub(crate) fn records_version(&self) -> u64 {
        self.records_version
    }

    /// The names of the records that may have changed since the version was `since`; `None` when that is not known any
    /// more, or never was.
    pub(crate) fn records_changed_since(&self, since: u64) -> Option<BTreeSet<&str>> {
        let missed = usize::try_from(self.records_version.checked_sub(since)?).ok()?;
        let known = self.changed_records.len().checked_sub(missed)?;
        let changed = self.changed_records.range(known..);
        Some(changed.map(String::as_str).collect())
    }

    fn entries(&self, space: Space) -> &BTreeMap<String, Entry> {
        match space {
            Space::App => &self.app,
            Space::Session => &self.session,
        }
    }

    fn entries_mut(&mut self, space: Space) -> &mut BTreeMap<String, Entry> {
        match space {
            Space::App => &mut self.app,
            Space::Session => &mut self.session,
        }
    }

    /// The entry under `key`, unless its time has passed.
    pub(crate) fn get(&self, space: Space, key: &str, now_ms: u64) -> Option<&Entry> {
        self.entries(space)
            .get(key)
            .filter(|entry| entry.is_live(now_ms))
    }

    /// The names of a space's entries, sorted by their bytes.
    pub(crate) fn keys(&self, space: Space, now_ms: u64) -> impl Iterator<Item = &str> {
        self.entries(space)
            .iter()
            .filter(move |(_, entry)| entry.is_live(now_ms))
            .map(|(key, _)| key.as_str())
    }

    pub(crate) fn live_bytes(&self) -> usize {
        self.live_bytes
    }

    /// Operations that make these contents anew, without what has expired, in batches of about `batch_bytes`.
    pub(crate) fn snapshot(&self, now_ms: u64, batch_bytes: usize) -> Vec<Vec<Op>> {
        // A file always has a first frame: it is what authenticates the header.
        let mut batches = vec![vec![Op::Generation(self.generation)]];
        // The generation is not counted, as in `live_bytes`.
        let mut size = 0;
        let spaces = [Space::App, Space::Session].into_iter();
        let entries =
            spaces.flat_map(|space| self.entries(space).iter().map(move |of| (space, of)));
        for (space, (key, entry)) in entries {
            if !entry.is_live(now_ms) {
                continue;
            }
            let op = Op::Put(space, key.clone(), entry.duplicate());
            let len = encoded_len(&op);
            if size > 0 && size + len > batch_bytes {
                batches.push(Vec::new());
                size = 0;
            }
            size += len;
            if let Some(batch) = batches.last_mut() {
                batch.push(op);
            }
        }
        batches
    }
}

impl Entry {
    fn is_live(&self, now_ms: u64) -> bool {
        self.expires_at_ms.is_none_or(|at| now_ms < at)
    }

    fn duplicate(&self) -> Self {
        Self {
            kind: self.kind,
            expires_at_ms: self.expires_at_ms,
            value: SecretBytes::new(self.value.expose().to_vec()),
        }
    }

    /// The value where it is.
    pub(crate) fn stored(&self) -> StoredValue<'_> {
        match self.kind {
            Kind::Text => StoredValue::Text(self.value.expose()),
            Kind::Bytes => StoredValue::Bytes(self.value.expose()),
        }
    }

    /// The value as the application gave it.
    pub(crate) fn to_value(&self) -> super::Value {
        match self.kind {
            // The decoder has checked that text is UTF-8; a copy is made because the caller owns what it gets.
            Kind::Text => super::Value::Text(crate::secret::SecretString::new(
                String::from_utf8_lossy(self.value.expose()).into_owned(),
            )),
            Kind::Bytes => super::Value::Bytes(SecretBytes::new(self.value.expose().to_vec())),
        }
    }
}

fn put_len(key_len: usize, entry: &Entry) -> usize {
    // The size of an Op::Put, without building one.
    encoded_len(&Op::Delete(Space::App, String::new())) + key_len + 13 + entry.value.expose().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(space: Space, key: &str, value: &[u8], expires_at_ms: Option<u64>) -> Op {
        Op::Put(
            space,
            key.to_owned(),
            Entry {
                kind: Kind::Bytes,
                expires_at_ms,
                value: SecretBytes::new(value.to_vec()),
            },
        )
    }

    fn keys(contents: &Contents, space: Space) -> Vec<&str> {
        contents.keys(space, 0).collect()
    }

    #[test]
    fn clearing_one_space_leaves_the_other() {
        let mut contents = Contents::default();
        contents.apply(put(Space::App, "a", b"1", None));
        contents.apply(put(Space::Session, "s", b"2", None));
        contents.apply(Op::Clear(Space::App));
        assert_eq!(keys(&contents, Space::App), Vec::<&str>::new());
        assert_eq!(keys(&contents, Space::Session), ["s"]);
        contents.apply(Op::Clear(Space::Session));
        assert_eq!(contents.live_bytes(), 0);
    }

    #[test]
    fn live_bytes_is_what_a_snapshot_takes() {
        let mut contents = Contents::default();
        contents.apply(put(Space::App, "key", b"first", None));
        contents.apply(put(Space::App, "key", b"second value", Some(9)));
        contents.apply(put(Space::Session, "other", b"", None));
        contents.apply(Op::Delete(Space::App, "absent".into()));
        let snapshot: usize = contents
            .snapshot(0, usize::MAX)
            .iter()
            .flatten()
            .filter(|op| !matches!(op, Op::Generation(_)))
            .map(encoded_len)
            .sum();
        assert_eq!(contents.live_bytes(), snapshot);
    }

    #[test]
    fn the_journal_holds_each_of_the_applications_keys_that_changed() {
        let mut contents = Contents::default();
        contents.apply(put(Space::App, "before", b"1", None));
        contents.start_journal();
        contents.apply(put(Space::App, "b", b"1", None));
        contents.apply(put(Space::App, "b", b"2", None));
        contents.apply(put(Space::Session, "s", b"3", None));
        let taken = |contents: &mut Contents| Vec::from_iter(contents.take_journal());
        assert_eq!(taken(&mut contents), ["b"]);
        contents.apply(Op::Clear(Space::App));
        assert_eq!(taken(&mut contents), ["b", "before"]);

        contents.apply(put(Space::App, "kept", b"1", None));
        contents.apply(put(Space::App, "lost", b"1", None));
        contents.take_journal();
        let mut fresh = Contents::default();
        fresh.apply(put(Space::App, "kept", b"1", None));
        fresh.apply(put(Space::App, "new", b"1", None));
        contents.replace(fresh);
        assert_eq!(taken(&mut contents), ["lost", "new"]);
    }

    #[test]
    fn the_records_that_changed_are_known_by_name_for_a_while() {
        let mut contents = Contents::default();
        let names = |contents: &Contents, since| {
            let changed = contents.records_changed_since(since)?;
            Some(changed.into_iter().map(str::to_owned).collect::<Vec<_>>())
        };
        contents.apply(put(Space::Session, "a", b"1", None));
        contents.apply(put(Space::App, "app", b"1", None));
        contents.apply(put(Space::Session, "b", b"1", None));
        contents.apply(Op::Delete(Space::Session, "a".into()));
        assert_eq!(contents.records_version(), 3);
        assert_eq!(names(&contents, 3), Some(vec![]));
        assert_eq!(names(&contents, 1), Some(vec!["a".into(), "b".into()]));
        assert_eq!(names(&contents, 4), None, "a version that never was");

        for _ in 0..REMEMBERED_CHANGES {
            contents.apply(put(Space::Session, "b", b"2", None));
        }
        assert_eq!(names(&contents, 3), Some(vec!["b".into()]));
        assert_eq!(names(&contents, 2), None, "forgotten");

        let version = contents.records_version();
        contents.apply(Op::Clear(Space::Session));
        assert_eq!(names(&contents, version), None, "everything");
        let mut fresh = Contents::default();
        fresh.apply(put(Space::Session, "a", b"1", None));
        fresh.apply(put(Space::Session, "b", b"1", None));
        contents.replace(fresh);
        assert_eq!(names(&contents, version + 1), None, "another file");
        assert_eq!(names(&contents, version + 2), Some(vec![]));
    }

    #[test]
    fn what_has_expired_is_absent() {
        let mut contents = Contents::default();
        contents.apply(put(Space::App, "k", b"v", Some(10)));
        assert!(contents.get(Space::App, "k", 9).is_some());
        assert!(contents.get(Space::App, "k", 10).is_none());
        assert_eq!(contents.keys(Space::App, 10).count(), 0);
        let snapshot = contents.snapshot(10, usize::MAX);
        assert!(matches!(snapshot[0][..], [Op::Generation(0)]));
    }
}
