//! The few things a vault asks of a file system, as a trait, so that tests can break each of them.
#![forbid(unsafe_code)]

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// A file system.
pub trait Disk: Debug + Send + Sync + 'static {
    /// What stands at `path`: `None` when nothing does.
    ///
    /// # Errors
    /// The operating system's, and `InvalidInput` for anything but a regular file: a link could point elsewhere.
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>>;

    /// Opens an existing regular file for reading and writing.
    ///
    /// # Errors
    /// The operating system's.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Creates a file that did not exist, readable by its owner only (0600).
    ///
    /// # Errors
    /// The operating system's; `AlreadyExists` when it exists.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Puts the file at `from` in the place of the one at `to`, in one step.
    ///
    /// # Errors
    /// The operating system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The operating system's.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// The operating system's.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Creates a directory and its parents, open to its owner only (0700), durably: the name of each one that was made
    /// survives a power cut. Does nothing when it is there.
    ///
    /// # Errors
    /// The operating system's.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// The file at `path`, held open only to be looked at; `None` where that does not tell when another file takes its
    /// place.
    fn look(&self, _path: &Path) -> Option<Box<dyn Look>> {
        None
    }
}

/// A file that is open to be looked at.
pub trait Look: Debug + Send + Sync {
    /// The file as it is now, wherever its name points.
    ///
    /// # Errors
    /// The operating system's.
    fn stamp(&self) -> io::Result<Stamp>;
}

/// What a file shows of what is done to it: equal stamps, taken one after the other, are of a file to which nothing was
/// done in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Identity and length.
    pub stat: Stat,
    /// How many names it has: one less when another file takes its place.
    pub links: u64,
    /// When its content, its names or its rights last changed: seconds and nanoseconds.
    pub changed: (i64, i64),
}

/// An open file.
pub trait DiskFile: Debug + Send {
    /// Reads everything from `offset` to the end.
    ///
    /// # Errors
    /// The operating system's.
    fn read_from(&mut self, offset: u64) -> io::Result<Vec<u8>>;

    /// Fills `piece` with `len` bytes from `offset`, or as many as there are, in place of what it holds.
    ///
    /// # Errors
    /// The operating system's.
    fn read_piece(&mut self, offset: u64, len: usize, piece: &mut Vec<u8>) -> io::Result<()> {
        *piece = self.read_from(offset)?;
        piece.truncate(len);
        Ok(())
    }

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// The operating system's. Part of the bytes may have been written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written durable.
    ///
    /// # Errors
    /// The operating system's. What was written since the last success may be lost.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file.
    ///
    /// # Errors
    /// The operating system's.
    fn truncate(&mut self, len: u64) -> io::Result<()>;

    /// The identity and length of the open file, wherever its name points now.
    ///
    /// # Errors
    /// The operating system's.
    fn stat(&self) -> io::Result<Stat>;
}

/// Identity and length of a file. Two files that exist at the same time have different identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Length in bytes.
    pub len: u64,
    /// Volume and file number.
    pub id: (u64, u64),
}

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        let found = match fs::symlink_metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !found.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is a link, a directory or a device, not a file",
            ));
        }
        #[cfg(unix)]
        return Ok(Some(unix_stat(&found)));
        #[cfg(windows)]
        return windows_stat(&File::open(path)?).map(Some);
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        no_follow(&mut options);
        let file = options.open(path)?;
        read_ahead(&file);
        Ok(Box::new(OsFile(file)))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        owner_only(&mut options);
        Ok(Box::new(OsFile(options.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    #[cfg(unix)]
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    /// Windows cannot open a directory for flushing; NTFS journals its names.
    #[cfg(not(unix))]
    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.is_dir()).collect();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir)?;
        let parents = missing.iter().filter_map(|made| made.parent());
        parents.rev().try_for_each(|parent| self.sync_dir(parent))
    }

    #[cfg(unix)]
    fn look(&self, path: &Path) -> Option<Box<dyn Look>> {
        let mut options = OpenOptions::new();
        options.read(true);
        no_follow(&mut options);
        Some(Box::new(LookedAt(options.open(path).ok()?)))
    }
}

/// Adds 0600 to a file that will be created.
pub(crate) fn owner_only(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    no_follow(options);
}

/// Refuses to open a symbolic link, also one put there after `stat` looked.
fn no_follow(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NOFOLLOW);
    #[cfg(windows)]
    {
        const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        std::os::windows::fs::OpenOptionsExt::custom_flags(options, FILE_FLAG_OPEN_REPARSE_POINT);
    }
}

/// Has the system begin to read the file from the disk, all of it, while the caller waits for the keychain. A hint: that it
/// fails, or is not there, costs time only.
fn read_ahead(file: &File) {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{Advice, fadvise};
        let _ = fadvise(file, 0, None, Advice::WillNeed);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

#[cfg(unix)]
fn unix_stat(found: &fs::Metadata) -> Stat {
    use std::os::unix::fs::MetadataExt as _;
    Stat {
        len: found.len(),
        id: (found.dev(), found.ino()),
    }
}

#[cfg(windows)]
fn windows_stat(file: &File) -> io::Result<Stat> {
    let found = winapi_util::file::information(file)?;
    Ok(Stat {
        len: found.file_size(),
        id: (found.volume_serial_number(), found.file_index()),
    })
}

#[derive(Debug)]
struct OsFile(File);

impl DiskFile for OsFile {
    fn read_from(&mut self, offset: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.0.seek(SeekFrom::Start(offset))?;
        self.0.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read_piece(&mut self, offset: u64, len: usize, piece: &mut Vec<u8>) -> io::Result<()> {
        piece.clear();
        piece.reserve(len);
        self.0.seek(SeekFrom::Start(offset))?;
        (&self.0).take(len as u64).read_to_end(piece)?;
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(offset))?;
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn stat(&self) -> io::Result<Stat> {
        #[cfg(unix)]
        return Ok(unix_stat(&self.0.metadata()?));
        #[cfg(windows)]
        return windows_stat(&self.0);
    }
}

#[cfg(unix)]
#[derive(Debug)]
struct LookedAt(File);

#[cfg(unix)]
impl Look for LookedAt {
    fn stamp(&self) -> io::Result<Stamp> {
        use std::os::unix::fs::MetadataExt as _;
        let found = self.0.metadata()?;
        Ok(Stamp {
            stat: unix_stat(&found),
            links: found.nlink(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}
