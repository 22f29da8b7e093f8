//! Files that are damaged, cut, rearranged, foreign or old: refused and kept, never accepted with other content.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use std::fs;
use std::ops::Range;
use support::choice::Random;
use support::sim_disk::SECTOR;
use support::specimen::{Home, Opened, Specimen};
use support::{bytes, file, frames, open, options, state, text};

#[test]
fn every_changed_byte_of_a_file_of_many_frames_is_refused_and_kept() {
    let specimen = Specimen::new();
    assert_eq!(
        specimen.open(&specimen.good),
        Opened::After(specimen.last())
    );
    for at in 0..specimen.good.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut bad = specimen.good.clone();
            bad[at] ^= mask;
            let opened = specimen.open(&bad);
            assert!(
                matches!(opened, Opened::Refused(_)),
                "byte {at} ^ {mask}: {opened:?}"
            );
        }
    }
}

#[test]
fn a_file_cut_anywhere_holds_the_whole_frames_before_the_cut() {
    let specimen = Specimen::new();
    let first_end = specimen.frames[0].end;
    for len in 0..specimen.good.len() {
        let cut = &specimen.good[..len];
        if len < first_end {
            // A file is put in place with its first frame, so that no crash makes a shorter one.
            specimen.assert_refused(cut, &len);
        } else {
            let whole = specimen
                .frames
                .iter()
                .filter(|frame| frame.end <= len)
                .count();
            assert_eq!(specimen.open(cut), Opened::After(whole - 1), "cut at {len}");
        }
    }
}

#[test]
fn a_file_zeroed_from_anywhere_to_its_end_never_holds_anything_but_whole_frames() {
    let specimen = Specimen::new();
    for from in 0..specimen.good.len() {
        let mut bad = specimen.good.clone();
        bad[from..].fill(0);
        match specimen.open(&bad) {
            Opened::Refused(_) => {}
            Opened::After(frames) => {
                // A frame's length ends with zeros, so zeroing them changes nothing.
                let whole = |frame: &&Range<usize>| bad[..frame.end] == specimen.good[..frame.end];
                let whole = specimen.frames.iter().take_while(whole).count();
                assert_eq!(frames + 1, whole, "zeroed from {from}");
            }
        }
    }
}

#[test]
fn sectors_zeroed_before_the_last_frame_are_refused_and_kept() {
    let specimen = Specimen::new();
    let last = specimen.frames[specimen.last()].start;
    let sectors = last / SECTOR;
    assert!(sectors >= 5);
    for first in 0..sectors {
        for end in first + 1..=sectors {
            let mut bad = specimen.good.clone();
            bad[first * SECTOR..end * SECTOR].fill(0);
            specimen.assert_refused(&bad, &("sectors", first, end));
        }
    }
}

#[test]
fn two_frames_exchanged_are_refused() {
    let specimen = Specimen::new();
    for one in 0..specimen.frames.len() {
        for other in 0..one {
            let mut pieces = specimen.pieces();
            pieces.swap(one, other);
            specimen.assert_refused(&specimen.arranged(&pieces), &("swapped", one, other));
        }
    }
}

/// The last frame is another matter: without it the file is the one of a moment before.
#[test]
fn a_frame_taken_out_is_refused() {
    let specimen = Specimen::new();
    for out in 0..specimen.last() {
        let mut pieces = specimen.pieces();
        pieces.remove(out);
        specimen.assert_refused(&specimen.arranged(&pieces), &("removed", out));
    }
}

#[test]
fn a_frame_put_in_a_second_time_is_refused_anywhere() {
    let specimen = Specimen::new();
    for copied in 0..specimen.frames.len() {
        for place in 0..=specimen.frames.len() {
            let mut pieces = specimen.pieces();
            pieces.insert(place, specimen.pieces()[copied]);
            specimen.assert_refused(&specimen.arranged(&pieces), &("copied", copied, place));
        }
    }
}

/// Frames of the same vault's file before a rewrite, and of another vault: in place of one, and between two.
#[test]
fn a_frame_of_another_file_is_refused_anywhere() {
    let specimen = Specimen::new();
    let stranger = Specimen::new();
    let rewritten = {
        let disk = specimen.disk.copy();
        let vault = specimen.home.open_on(&disk).unwrap();
        vault.compact().unwrap();
        vault.set("key 0", bytes(&[1; 40]), None).unwrap();
        disk.bytes(&specimen.home.file()).unwrap()
    };
    let header = specimen.frames[0].start;
    let rewritten: Vec<&[u8]> = frames(&rewritten, header)
        .into_iter()
        .map(|frame| &rewritten[frame])
        .collect();
    for foreign in rewritten.into_iter().chain(stranger.pieces()) {
        for place in 0..=specimen.frames.len() {
            let mut pieces = specimen.pieces();
            pieces.insert(place, foreign);
            specimen.assert_refused(&specimen.arranged(&pieces), &("inserted", place));
            if place < specimen.frames.len() {
                pieces.remove(place + 1);
                specimen.assert_refused(&specimen.arranged(&pieces), &("replaced", place));
            }
        }
    }
}

/// A copy that was restored and written on has the same file id and numbers as the original, so only the chain of tags
/// tells their frames apart.
#[test]
fn frames_of_two_histories_of_one_file_do_not_mix() {
    let specimen = Specimen::new();
    let history = |byte: u8| {
        let disk = specimen.disk.copy();
        let vault = specimen.home.open_on(&disk).unwrap();
        for key in ["first", "second", "third"] {
            vault.set(key, bytes(&[byte; 40]), None).unwrap();
        }
        disk.bytes(&specimen.home.file()).unwrap()
    };
    let (one, other) = (history(1), history(2));
    let frames = frames(&one, specimen.frames[0].start);
    assert_eq!(
        (one.len(), frames.len()),
        (other.len(), specimen.frames.len() + 3)
    );
    for first_of_other in specimen.frames.len() + 1..frames.len() {
        for end in first_of_other + 1..=frames.len() {
            let at = frames[first_of_other].start;
            let mixed = [
                &one[..at],
                &other[at..frames[end - 1].end],
                &one[frames[end - 1].end..],
            ];
            specimen.assert_refused(&mixed.concat(), &(first_of_other, end));
        }
    }
}

#[test]
fn what_is_no_vault_of_this_format_and_id_is_refused_by_its_own_code() {
    let specimen = Specimen::new();
    let len = specimen.good.len();
    let json = br#"{"accessToken":"plain","refreshToken":"plain"}"#.repeat(200);
    let corrupt: [(&str, Vec<u8>); 7] = [
        ("empty", vec![]),
        ("one zero", vec![0]),
        ("zeros", vec![0; len]),
        ("ones", vec![0xff; len]),
        ("plaintext JSON", json),
        ("noise", Random(1).bytes(len)),
        ("text", b"LATCHKE".to_vec()),
    ];
    for (what, bytes) in corrupt {
        assert_eq!(
            specimen.open(&bytes),
            Opened::Refused("ERR_VAULT_CORRUPT"),
            "{what}"
        );
    }
    // The format version stands behind the eight bytes of magic, little-endian.
    for newer in [[2, 0], [0, 1], [0xff, 0xff]] {
        let mut bytes = specimen.good.clone();
        bytes[8..10].copy_from_slice(&newer);
        assert_eq!(
            specimen.open(&bytes),
            Opened::Refused("ERR_VAULT_VERSION"),
            "{newer:?}"
        );
    }
}

/// The cost of a passphrase's key is in the header, which is not authenticated before that key is known.
#[test]
fn a_header_that_asks_for_an_absurd_key_derivation_is_refused_before_it_is_tried() {
    let specimen = Specimen::new();
    let max = u32::MAX;
    let costs = [
        [0, 0, 0],
        [max, max, max],
        [max, 1, 1],
        [64 * 1024, max, 4],
        [64 * 1024, 3, max],
        [64 * 1024, 3, 1 << 29],
        [64 * 1024, 3, 1 << 30],
        [7, 1, 1],
    ];
    for [memory_kib, passes, lanes] in costs {
        let mut bytes = specimen.good.clone();
        // Offsets as in docs/format.md: the key's source is a passphrase; then memory, passes and lanes.
        bytes[10] = 2;
        bytes[80..84].copy_from_slice(&memory_kib.to_le_bytes());
        bytes[84..88].copy_from_slice(&passes.to_le_bytes());
        bytes[88..92].copy_from_slice(&lanes.to_le_bytes());
        specimen.assert_refused(&bytes, &(memory_kib, passes, lanes));
    }
}

/// The key of before the rotation is gone, and the generation is known besides.
#[test]
fn a_copy_from_before_a_rotation_is_refused_at_opening_and_while_the_vault_is_open() {
    let home = Home::new();
    let vault = home.open().unwrap();
    vault.set("k", text("old"), None).unwrap();
    let old = fs::read(home.file()).unwrap();
    vault.rotate_key().unwrap();
    vault.set("k", text("new"), None).unwrap();
    let new = fs::read(home.file()).unwrap();
    let put = |bytes: &[u8]| {
        // As a restored backup comes into place: another file, under the same name.
        let beside = home.root.path().join("beside");
        fs::write(&beside, bytes).unwrap();
        fs::rename(&beside, home.file()).unwrap();
    };
    put(&old);
    assert_eq!(home.open_code(), "ERR_KEY_INVALID");
    assert!(vault.get("k").is_err());
    assert!(vault.set("k", text("newer"), None).is_err());
    assert_eq!(fs::read(home.file()).unwrap(), old);
    put(&new);
    assert_eq!(state(&vault).unwrap()["k"], b"new");
    assert_eq!(state(&home.open().unwrap()).unwrap()["k"], b"new");
}

#[test]
fn a_file_cut_in_place_while_the_vault_is_open_is_refused_and_kept() {
    let home = Home::new();
    let vault = home.open().unwrap();
    vault.set("k", text("v"), None).unwrap();
    let whole = fs::read(home.file()).unwrap();
    fs::write(home.file(), &whole[..whole.len() - 40]).unwrap();
    assert_eq!(vault.get("k").unwrap_err().code(), "ERR_VAULT_TAMPERED");
    let set = vault.set("k", text("w"), None);
    assert_eq!(set.unwrap_err().code(), "ERR_VAULT_TAMPERED");
    assert_eq!(fs::read(home.file()).unwrap(), whole[..whole.len() - 40]);
}

#[test]
fn the_file_of_a_vault_with_another_id_is_named() {
    let home = Home::new();
    home.open().unwrap();
    let mut other = options(&home.dir());
    other.id = "com.example.other".to_owned();
    other.path = Some(home.root.path().join("other"));
    open(other, &home.keychain).unwrap();
    fs::copy(file(&home.root.path().join("other")), home.file()).unwrap();
    assert_eq!(home.open_code(), "ERR_VAULT_FOREIGN");
}
