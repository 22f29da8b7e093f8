//! Keeps other programs of the same user out of this process' memory, as far as the system lets a process ask for that.
#![forbid(unsafe_code)]

/// What the system granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardening {
    /// A crash writes no core file.
    pub no_core_dumps: bool,
    /// Other processes of the same user cannot attach a debugger or read the memory.
    pub not_debuggable: bool,
}

/// Turns off core dumps and, on Linux, debugging by the same user (`prctl(PR_SET_DUMPABLE)`, `setrlimit(RLIMIT_CORE)`).
///
/// The price: crash reporters that attach to the process see nothing, debuggers must run as root, and the files in
/// `/proc/PID` belong to root. Children that Electron started before are not covered. Cannot be undone.
///
/// Linux: both. macOS: core dumps only. Windows: neither; the operating system offers a process no such switch.
pub fn harden_process() -> Hardening {
    Hardening {
        no_core_dumps: refuse_core_dumps(),
        not_debuggable: refuse_debuggers(),
    }
}

#[cfg(unix)]
fn refuse_core_dumps() -> bool {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).is_ok()
}

#[cfg(not(unix))]
fn refuse_core_dumps() -> bool {
    false
}

#[cfg(target_os = "linux")]
fn refuse_debuggers() -> bool {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn refuse_debuggers() -> bool {
    false
}
