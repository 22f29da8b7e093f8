//! Real file systems of the kernel, for tests that run as root on Linux.

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use std::ffi::CString;
use std::path::Path;
use tempfile::TempDir;

/// A tmpfs of its own. Unmounted when dropped.
#[derive(Debug)]
pub(crate) struct Tmpfs(TempDir);

impl Tmpfs {
    /// Mounts a tmpfs of `kib` KiB; `None`, said loudly, where that is not allowed.
    pub(crate) fn mounted(kib: u32) -> Option<Self> {
        let dir = tempfile::tempdir().ok()?;
        let size = CString::new(format!("size={kib}k,mode=0755")).ok()?;
        match mount(
            "tmpfs",
            dir.path(),
            "tmpfs",
            MountFlags::empty(),
            Some(&*size),
        ) {
            Ok(()) => Some(Self(dir)),
            Err(error) => {
                super::skipped(&format!("mounting a tmpfs needs root on Linux: {error}"));
                None
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Makes it read-only, or writable again. No file may be open for writing then.
    pub(crate) fn read_only(&self, read_only: bool) {
        let flags = if read_only {
            MountFlags::RDONLY
        } else {
            MountFlags::empty()
        };
        let done = mount_remount(self.path(), flags, "");
        assert_eq!(done, Ok(()), "remounting");
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily: an open file of a failed test must not keep it.
        let _ = unmount(self.path(), UnmountFlags::DETACH);
    }
}
