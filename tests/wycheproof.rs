//! Project Wycheproof's vectors against what seals every frame: XChaCha20-Poly1305.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

use electron_latchkey::vault::aead;
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
    // A key, nonce or tag of any other length does not have the type that a frame's has.
    let key = test.key[..].try_into().ok()?;
    let nonce = test.nonce[..].try_into().ok()?;
    let tag = test.tag[..].try_into().ok()?;
    let mut text = test.ct.to_vec();
    aead::open(key, nonce, &test.aad, &mut text, tag)?;
    Some(text)
}

fn seal(test: &Test) -> Option<Vec<u8>> {
    let key = test.key[..].try_into().ok()?;
    let nonce = test.nonce[..].try_into().ok()?;
    let mut text = test.pt.to_vec();
    let tag = aead::seal(key, nonce, &test.aad, &mut text)?;
    text.extend(tag);
    Some(text)
}
