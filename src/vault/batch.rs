//! What one frame says: a list of operations, applied all or none.
//!
//! Integers are little-endian. docs/format.md holds the layout.
#![forbid(unsafe_code)]

use super::MAX_KEY_BYTES;
use super::frame::PADDING;
use crate::secret::{SecretBytes, Wiped};

/// Who owns a key. Names in one space never meet names in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Space {
    /// Keys of the application.
    App,
    /// Latchkey's own records.
    Session,
}

/// How the application stored a value, so that it gets back what it gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bytes,
    Text,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// Milliseconds since 1970 after which the value is absent; `None` for never.
    pub(crate) expires_at_ms: Option<u64>,
    pub(crate) value: SecretBytes,
}

#[derive(Debug)]
pub(crate) enum Op {
    Put(Space, String, Entry),
    Delete(Space, String),
    /// Removes every key of a space.
    Clear(Space),
    /// Says how many times the vault was anchored: what is older than the keychain's anchor is an old copy.
    Generation(u64),
}

const PUT: u8 = 1;
const DELETE: u8 = 2;
const CLEAR: u8 = 3;
const GENERATION: u8 = 4;

/// Writes the operations one after another. The buffer holds secrets and is wiped on drop.
pub(crate) fn encode(ops: &[Op]) -> Wiped {
    let size = ops.iter().map(encoded_len).sum();
    // Exactly sized: growing would leave a copy of the first values in freed memory.
    let mut out = Wiped(Vec::with_capacity(size));
    for op in ops {
        encode_op(op, &mut out);
    }
    debug_assert_eq!(out.len(), size);
    out
}

/// How many bytes [`encode`] makes of `op`.
pub(crate) fn encoded_len(op: &Op) -> usize {
    match op {
        Op::Put(_, key, entry) => 2 + 4 + key.len() + 1 + 8 + 4 + entry.value.expose().len(),
        Op::Delete(_, key) => 2 + 4 + key.len(),
        Op::Clear(_) => 2,
        Op::Generation(_) => 2 + 8,
    }
}

fn encode_op(op: &Op, out: &mut Vec<u8>) {
    match op {
        Op::Put(space, key, entry) => {
            out.extend([PUT, space_byte(*space)]);
            sized(key.as_bytes(), out);
            out.push(match entry.kind {
                Kind::Bytes => 0,
                Kind::Text => 1,
            });
            out.extend(entry.expires_at_ms.unwrap_or(0).to_le_bytes());
            sized(entry.value.expose(), out);
        }
        Op::Delete(space, key) => {
            out.extend([DELETE, space_byte(*space)]);
            sized(key.as_bytes(), out);
        }
        Op::Clear(space) => out.extend([CLEAR, space_byte(*space)]),
        Op::Generation(generation) => {
            out.extend([GENERATION, space_byte(Space::Session)]);
            out.extend(generation.to_le_bytes());
        }
    }
}

fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    // Keys and values are bounded far below u32::MAX where they enter the vault.
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(bytes);
}

fn space_byte(space: Space) -> u8 {
    match space {
        Space::App => 0,
        Space::Session => 1,
    }
}

/// Reads what [`encode`] wrote; `None` when the bytes are anything else.
///
/// Called on authenticated bytes only, so `None` means a defect of a writer, not an attack.
pub(crate) fn decode(mut bytes: &[u8]) -> Option<Vec<Op>> {
    let mut ops = Vec::new();
    while let Some(first) = bytes.first() {
        if *first == PADDING {
            return bytes.iter().all(|byte| *byte == PADDING).then_some(ops);
        }
        ops.push(decode_op(&mut bytes)?);
    }
    Some(ops)
}

fn decode_op(bytes: &mut &[u8]) -> Option<Op> {
    let [tag, space] = take_array(bytes)?;
    let space = match space {
        0 => Space::App,
        1 => Space::Session,
        _ => return None,
    };
    match tag {
        PUT => {
            let key = take_key(bytes)?;
            let kind = match take_array(bytes)? {
                [0] => Kind::Bytes,
                [1] => Kind::Text,
                _ => return None,
            };
            let expires = u64::from_le_bytes(take_array(bytes)?);
            let value = SecretBytes::new(take_sized(bytes)?.to_vec());
            if kind == Kind::Text && std::str::from_utf8(value.expose()).is_err() {
                return None;
            }
            let expires_at_ms = (expires != 0).then_some(expires);
            Some(Op::Put(
                space,
                key,
                Entry {
                    kind,
                    expires_at_ms,
                    value,
                },
            ))
        }
        DELETE => Some(Op::Delete(space, take_key(bytes)?)),
        CLEAR => Some(Op::Clear(space)),
        GENERATION if space == Space::Session => {
            Some(Op::Generation(u64::from_le_bytes(take_array(bytes)?)))
        }
        _ => None,
    }
}

fn take_key(bytes: &mut &[u8]) -> Option<String> {
    let key = take_sized(bytes)?;
    if key.len() > MAX_KEY_BYTES {
        return None;
    }
    String::from_utf8(key.to_vec()).ok()
}

fn take_sized<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(u32::from_le_bytes(take_array(bytes)?)).ok()?;
    let (head, tail) = bytes.split_at_checked(len)?;
    *bytes = tail;
    Some(head)
}

fn take_array<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = bytes.split_first_chunk::<N>()?;
    *bytes = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn put(key: &str, value: &[u8]) -> Op {
        Op::Put(
            Space::App,
            key.to_owned(),
            Entry {
                kind: Kind::Bytes,
                expires_at_ms: Some(7),
                value: SecretBytes::new(value.to_vec()),
            },
        )
    }

    #[test]
    fn padding_ends_a_batch_and_nothing_may_follow_it() {
        let mut bytes = encode(&[put("k", b"v")]).to_vec();
        bytes.extend([0; 9]);
        assert_eq!(decode(&bytes).map(|ops| ops.len()), Some(1));
        bytes.push(1);
        assert!(decode(&bytes).is_none());
    }

    #[test]
    fn a_batch_round_trips() {
        let ops = [
            put("__proto__\0é", b"\0\xff"),
            Op::Delete(Space::Session, "k".into()),
            Op::Clear(Space::App),
            Op::Generation(9),
        ];
        let again = decode(&encode(&ops));
        assert_eq!(format!("{again:?}"), format!("Some({ops:?})"));
        match again.as_deref() {
            Some([Op::Put(_, _, entry), ..]) => assert_eq!(entry.value.expose(), b"\0\xff"),
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }

        #[test]
        fn a_cut_batch_is_refused_or_a_prefix(cut in 0usize..40) {
            let bytes = encode(&[put("key", b"value"), put("other", b"more")]);
            let cut = cut.min(bytes.len());
            if let Some(ops) = decode(&bytes[..cut]) {
                let consumed: usize = ops.iter().map(encoded_len).sum();
                prop_assert_eq!(consumed, cut);
            }
        }
    }
}
