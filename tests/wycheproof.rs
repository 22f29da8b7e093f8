//! Project Wycheproof's vectors against the AEAD that seals every frame: XChaCha20-Poly1305, called as frames call it.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use wycheproof::TestResult;
use wycheproof::aead::{Test, TestName, TestSet};

#[test]
fn every_vector_is_sealed_and_opened_or_refused_as_wycheproof_says() {
    let set = TestSet::load(TestName::XChaCha20Poly1305).unwrap();
    let (mut valid, mut refused) = (0, 0);
    for group in &set.test_groups {
        assert_eq!((group.key_size, group.tag_size), (256, 128));
        for test in &group.tests {
            let opened = open(test);
            match test.result {
                TestResult::Valid | TestResult::Acceptable => {
                    assert_eq!(
                        opened.as_deref(),
                        Some(&test.pt[..]),
                        "vector {}",
                        test.tc_id
                    );
                    assert_eq!(seal(test).unwrap(), [&test.ct[..], &test.tag[..]].concat());
                    valid += 1;
                }
                TestResult::Invalid => {
                    assert_eq!(opened, None, "vector {}", test.tc_id);
                    refused += 1;
                }
            }
        }
    }
    // The set must not shrink unnoticed when the crate that carries it is updated.
    assert!(
        valid >= 200 && refused >= 50,
        "{valid} valid, {refused} refused"
    );
}

fn open(test: &Test) -> Option<Vec<u8>> {
    let cipher = XChaCha20Poly1305::new_from_slice(&test.key).ok()?;
    // A nonce of any other length does not have the type that a frame's nonce has.
    let nonce = XNonce::try_from(&test.nonce[..]).ok()?;
    let tag = Tag::try_from(&test.tag[..]).ok()?;
    let mut text = test.ct.to_vec();
    cipher
        .decrypt_inout_detached(&nonce, &test.aad, text.as_mut_slice().into(), &tag)
        .ok()?;
    Some(text)
}

fn seal(test: &Test) -> Option<Vec<u8>> {
    let cipher = XChaCha20Poly1305::new_from_slice(&test.key).ok()?;
    let nonce = XNonce::try_from(&test.nonce[..]).ok()?;
    let mut text = test.pt.to_vec();
    let tag = cipher
        .encrypt_inout_detached(&nonce, &test.aad, text.as_mut_slice().into())
        .ok()?;
    text.extend(tag);
    Some(text)
}
