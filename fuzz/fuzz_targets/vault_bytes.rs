//! Any bytes in place of a vault's file, alone or behind its valid beginning.
#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use support::specimen::Specimen;

static SPECIMEN: LazyLock<Specimen> = LazyLock::new(Specimen::new);

fuzz_target!(|data: &[u8]| SPECIMEN.read_bytes(data));
