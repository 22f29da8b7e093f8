//! The error codes stand in three places; this holds them against each other.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

use electron_latchkey::CODES;
use std::collections::BTreeSet;

fn codes_in(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .filter(|word| word.starts_with("ERR_"))
        .collect()
}

#[test]
fn the_type_of_codes_in_javascript_is_every_code() {
    let types = include_str!("../index.d.ts");
    let union = types.split("export type ErrorCode").nth(1).unwrap();
    let union = union.split("\n\n").next().unwrap();
    assert_eq!(codes_in(union), CODES.iter().copied().collect());
}

#[test]
fn every_code_is_explained_and_every_explanation_is_of_a_code() {
    let explained: BTreeSet<&str> = include_str!("../docs/errors.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|word| word.starts_with("ERR_"))
        .collect();
    let of_the_bridge = BTreeSet::from([
        "ERR_ADDON_NOT_LOADED",
        "ERR_AWAITING_RESTART",
        "ERR_BROWSER_NOT_OPENED",
        "ERR_MIGRATION_FAILED",
        "ERR_NO_BROKER",
        "ERR_SCHEMA_VIOLATION",
        "ERR_SENDER_NOT_ALLOWED",
        "ERR_TOO_MANY_CALLS",
        "ERR_UNLOCK_REFUSED",
    ]);
    let all: BTreeSet<&str> = CODES.iter().copied().chain(of_the_bridge).collect();
    assert_eq!(explained, all);
}

#[test]
fn the_docs_of_the_types_name_only_codes_that_exist() {
    let named = codes_in(include_str!("../index.d.ts"));
    let all: BTreeSet<&str> = CODES.iter().copied().collect();
    assert_eq!(
        named.difference(&all).collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );
}
