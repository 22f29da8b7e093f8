//! A vault's file with a few changes: bits, cuts, zeroed sectors, frames moved, copied and taken out.
#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use support::specimen::Specimen;

static SPECIMEN: LazyLock<Specimen> = LazyLock::new(Specimen::new);

fuzz_target!(|data: &[u8]| SPECIMEN.read_changed(data));
