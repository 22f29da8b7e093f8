//! Child processes: the test binary runs itself again, with a role.
//!
//! A binary that uses this has a test named [`ENTRY`], which does nothing unless it is the child.

use electron_latchkey::keychain::{Backend, Keychain};
use electron_latchkey::secret::SecretBytes;
use electron_latchkey::{Error, Result};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

pub(crate) const ENTRY: &str = "child_process";
const ROLE: &str = "LATCHKEY_TEST_ROLE";
/// Tells a child's messages from what the test harness prints before and after them.
const MARK: &str = "@@";

/// The role of this process, when it is a child.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// An argument the parent gave.
pub(crate) fn argument(name: &str) -> String {
    std::env::var(variable(name)).unwrap_or_else(|_| panic!("the parent gives '{name}'"))
}

pub(crate) fn number(name: &str) -> u64 {
    argument(name)
        .parse()
        .unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn variable(name: &str) -> String {
    format!("LATCHKEY_TEST_{}", name.to_uppercase())
}

/// Tells the parent something. Returns when the parent can read it, whatever happens to this process.
pub(crate) fn tell(message: &str) {
    let mut out = io::stdout().lock();
    // A parent that is gone reads nothing; the child then ends when its standard input does.
    let _ = out
        .write_all(format!("{MARK}{message}\n").as_bytes())
        .and_then(|()| out.flush());
}

/// Waits for a line from the parent. A parent that died ends the child too.
pub(crate) fn wait() {
    let mut line = String::new();
    if !matches!(io::stdin().lock().read_line(&mut line), Ok(1..)) {
        std::process::exit(1);
    }
}

/// A running child. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn start(role: &str, arguments: &[(&str, &dyn AsRef<OsStr>)]) -> Self {
        Self::launch(&mut Self::command(role, arguments))
    }

    /// What [`Child::start`] runs, for a test that changes it first.
    pub(crate) fn command(role: &str, arguments: &[(&str, &dyn AsRef<OsStr>)]) -> Command {
        // On Linux by the kernel's own link, which also works for a user who may not enter the directory it lies in.
        let program = if cfg!(target_os = "linux") {
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe().unwrap_or_else(|e| panic!("{e}"))
        };
        let mut command = Command::new(program);
        command
            .args([ENTRY, "--exact", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .envs(
                arguments
                    .iter()
                    .map(|(name, value)| (variable(name), value)),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    pub(crate) fn launch(command: &mut Command) -> Self {
        let mut process = command.spawn().unwrap_or_else(|e| panic!("{e}"));
        let pipes = process.stdin.take().zip(process.stdout.take());
        let (stdin, stdout) = pipes.unwrap_or_else(|| unreachable!("both are piped"));
        Self {
            process,
            stdin,
            stdout: BufReader::new(stdout),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The next message; `None` when the child has ended or its last message is cut.
    pub(crate) fn hear(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            let read = self.stdout.read_line(&mut line);
            if !matches!(read, Ok(1..)) || !line.ends_with('\n') {
                return None;
            }
            if let Some((_, message)) = line.trim_end().split_once(MARK) {
                return Some(message.to_owned());
            }
        }
    }

    /// Hears exactly `expected`.
    pub(crate) fn expect(&mut self, expected: &str) {
        assert_eq!(self.hear().as_deref(), Some(expected));
    }

    /// Lets a child go on that waits.
    pub(crate) fn go_on(&mut self) {
        // A child that has ended shows in what it says and how it ends.
        let _ = self
            .stdin
            .write_all(b"\n")
            .and_then(|()| self.stdin.flush());
    }

    /// SIGKILL, and everything it had said until then.
    pub(crate) fn kill(mut self) -> Vec<String> {
        let _ = self.process.kill();
        let _ = self.process.wait();
        std::iter::from_fn(|| self.hear()).collect()
    }

    /// Sends a signal by its name, such as "STOP".
    #[cfg(target_os = "linux")]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.process.id()).ok();
        let pid = id.and_then(rustix::process::Pid::from_raw);
        let sent = pid.map(|pid| rustix::process::kill_process(pid, signal));
        assert_eq!(sent, Some(Ok(())));
    }

    /// Everything it says until it ends by itself, and whether that was in success.
    pub(crate) fn finish(mut self) -> (Vec<String>, bool) {
        let said = std::iter::from_fn(|| self.hear()).collect();
        let ended = self.process.wait();
        (said, ended.is_ok_and(|status| status.success()))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A keychain in a directory, which outlives a process and is shared by several. Each change is one rename.
#[derive(Debug, Clone)]
pub(crate) struct FileKeychain(PathBuf);

impl FileKeychain {
    pub(crate) fn new(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    /// Where an item lies.
    pub(crate) fn path(&self, vault_id: &str, item: &str) -> PathBuf {
        self.0.join(format!("{vault_id}.{item}"))
    }

    pub(crate) fn items(&self) -> usize {
        fs::read_dir(&self.0).map_or(0, Iterator::count)
    }
}

impl Keychain for FileKeychain {
    fn backend(&self) -> Backend {
        Backend::Memory
    }

    fn read(&self, vault_id: &str, item: &str) -> Result<Option<SecretBytes>> {
        let file = match fs::File::open(self.path(vault_id, item)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed)?,
        };
        // One buffer of the right size, so that the test's own keychain leaves no copy in freed memory.
        let len = usize::try_from(file.metadata().map_err(failed)?.len()).unwrap_or(0);
        let mut bytes = vec![0; len];
        (&file).read_exact(&mut bytes).map_err(failed)?;
        Ok(Some(SecretBytes::new(bytes)))
    }

    fn write(&self, vault_id: &str, item: &str, secret: &SecretBytes) -> Result<()> {
        let path = self.path(vault_id, item);
        let temporary = self.path(vault_id, &format!("{item}.{}.tmp", std::process::id()));
        fs::write(&temporary, secret.expose())
            .and_then(|()| fs::rename(&temporary, &path))
            .map_err(failed)
    }

    fn remove(&self, vault_id: &str, item: &str) -> Result<()> {
        match fs::remove_file(self.path(vault_id, item)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        }
    }
}

fn failed(error: io::Error) -> Error {
    Error::KeychainFailed(error.to_string())
}
