//! Blots tokens out of answers, also where they lie across the borders of the pieces that the network delivers.
#![forbid(unsafe_code)]

use memchr::memmem;
use std::ops::Range;
use zeroize::Zeroizing;

/// Replaces every byte of every needle by `*` in a text that comes piece by piece.
///
/// Of each piece it keeps back only what may be the beginning of a needle, so that a stream of short messages is not held up.
#[derive(Default)]
pub(super) struct Mask {
    needles: Vec<Zeroizing<Vec<u8>>>,
    /// The end of what came, which may begin a needle: as it came, and as it will go on.
    held: Zeroizing<Vec<u8>>,
    blotted: Vec<u8>,
}

impl Mask {
    pub(super) fn add(&mut self, needle: &str) {
        if !needle.is_empty() {
            self.needles
                .push(Zeroizing::new(needle.as_bytes().to_vec()));
        }
    }

    /// Whether a header field's value has a needle in it.
    pub(super) fn finds(&self, value: &[u8]) -> bool {
        self.needles
            .iter()
            .any(|needle| memmem::find(value, needle).is_some())
    }

    /// A text that is here as a whole.
    pub(super) fn whole(&self, mut text: Vec<u8>) -> Vec<u8> {
        // Found in the text as it came: one needle may be a part of another.
        let found = self.find(&text);
        blot(&mut text, &found);
        text
    }

    /// The next piece, without what it keeps back for later.
    pub(super) fn piece(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut joined = Zeroizing::<Vec<u8>>::default();
        let text: &[u8] = if self.held.is_empty() {
            piece
        } else {
            // A growing buffer would leave copies behind.
            joined.reserve_exact(self.held.len() + piece.len());
            joined.extend_from_slice(&self.held);
            joined.extend_from_slice(piece);
            &joined
        };
        self.blotted.extend_from_slice(piece);
        let found = self.find(text);
        blot(&mut self.blotted, &found);
        let keep_from = text.len() - self.longest_beginning(text);
        self.held = Zeroizing::new(text[keep_from..].to_vec());
        let kept = self.blotted.split_off(keep_from);
        std::mem::replace(&mut self.blotted, kept)
    }

    fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let of_needle = |needle: &[u8]| -> Vec<Range<usize>> {
            memmem::find_iter(text, needle)
                .map(|at| at..at + needle.len())
                .collect()
        };
        self.needles
            .iter()
            .flat_map(|needle| of_needle(needle))
            .collect()
    }

    /// What was kept back, when no more comes.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        self.held = Zeroizing::default();
        std::mem::take(&mut self.blotted)
    }

    /// How many bytes at the end of `text` may be the beginning of a needle.
    fn longest_beginning(&self, text: &[u8]) -> usize {
        let of_needle = |needle: &[u8]| {
            let longest = text.len().min(needle.len().saturating_sub(1));
            let from = text.len() - longest;
            memchr::memchr_iter(*needle.first()?, &text[from..])
                .map(|at| &text[from + at..])
                .find(|end| needle.starts_with(end))
                .map(<[u8]>::len)
        };
        self.needles
            .iter()
            .filter_map(|needle| of_needle(needle))
            .max()
            .unwrap_or_default()
    }
}

fn blot(text: &mut [u8], found: &[Range<usize>]) {
    for range in found {
        text[range.clone()].fill(b'*');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(needles: &[&str], pieces: &[&[u8]]) -> Vec<u8> {
        let mut mask = Mask::default();
        for needle in needles {
            mask.add(needle);
        }
        if let [all] = pieces {
            return mask.whole(all.to_vec());
        }
        let mut out = Vec::new();
        for piece in pieces {
            out.extend(mask.piece(piece));
        }
        out.extend(mask.rest());
        out
    }

    #[test]
    fn a_token_is_found_across_pieces_and_its_part_alone() {
        let needles = ["key.signature", "key"];
        for (pieces, expected) in [
            (
                &[&b"a key.sig"[..], b"nature b"][..],
                &b"a ************* b"[..],
            ),
            (&[b"key", b".", b"signature"], b"*************"),
            (&[b"key", b".other"], b"***.other"),
            (&[b"ke", b"ke", b"y"], b"ke***"),
            (&[b"k"], b"k"),
            (&[], b""),
        ] {
            assert_eq!(masked(&needles, pieces), expected);
            assert_eq!(masked(&needles, &[&pieces.concat()]), expected);
        }
    }

    #[test]
    fn only_what_may_begin_a_token_waits() {
        let mut mask = Mask::default();
        mask.add("token");
        assert_eq!(mask.piece(b"data: 1\n\n"), b"data: 1\n\n");
        assert_eq!(mask.piece(b"data: to"), b"data: ");
        assert_eq!(mask.piece(b"day\n\n"), b"today\n\n");
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(
            text in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'.')], 0..60),
            cuts in proptest::collection::vec(0_usize..60, 0..6),
        ) {
            let needles = ["ab.ba", "ab"];
            let mut borders: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            borders.extend([0, text.len()]);
            borders.sort_unstable();
            let pieces: Vec<&[u8]> = borders.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            let out = masked(&needles, &pieces);
            prop_assert_eq!(out.len(), text.len());
            for needle in needles {
                for at in memmem::find_iter(&text, needle.as_bytes()) {
                    prop_assert!(out[at..at + needle.len()].iter().all(|byte| *byte == b'*'));
                }
            }
            for (at, byte) in out.iter().enumerate() {
                let within = |needle: &str| {
                    (at.saturating_sub(needle.len() - 1)..=at).any(|from| text[from..].starts_with(needle.as_bytes()))
                };
                prop_assert!(*byte == text[at] || needles.into_iter().any(within));
            }
        }
    }
}
