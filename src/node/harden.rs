//! `hardenProcess` for JavaScript.

use crate::harden;
use napi_derive::napi;

/// What the system granted to `hardenProcess`.
#[napi(object)]
#[derive(Debug)]
pub struct Hardening {
    /// A crash writes no core file. Linux and macOS.
    pub no_core_dumps: bool,
    /// Other processes of the same user cannot attach a debugger or read the memory. Linux.
    pub not_debuggable: bool,
}

/// Keeps other programs of the same user out of this process' memory, as far as the system lets a process ask for that.
/// Opt-in, and cannot be undone.
///
/// The price: crash reporters that attach to the process see nothing, and debuggers must run as root. Call it first:
/// processes that Electron has started before are not covered. Windows grants neither.
#[napi(catch_unwind)]
#[must_use]
pub fn harden_process() -> Hardening {
    let harden::Hardening {
        no_core_dumps,
        not_debuggable,
    } = harden::harden_process();
    Hardening {
        no_core_dumps,
        not_debuggable,
    }
}
