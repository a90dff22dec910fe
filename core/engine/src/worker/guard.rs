//! A command's guard: a process between the hub and the program, which ends the program when the hub is gone, whatever way
//! it went. Which program may run, and what its end means, is left to `command`.
//!
//! The guard leads the process group of the command. Its standard input is one end of a socket whose other end only the hub
//! has: there it says, in one line, how the program ended, and there it learns that the hub is gone, for then the socket is
//! closed, or that it stands still, for then nothing comes any more: whoever stands still for as long as a lease loses the
//! task, and another runs the command. It outlives what it guards, so that nothing of the group is left behind, and ends with the group.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Signal, getpgrp, getpid, kill_process_group, setpgid};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::command::GRACE;

/// How often the hub says that it is there.
const BEAT: Duration = Duration::from_secs(4);
/// When nothing was heard for so long, and [`GRACE`] has passed, a lease has not run out yet.
const SILENCE: Duration = Duration::from_secs(20);

/// The program that guards commands, and what its arguments begin with; those of the command follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The program, which does [`stand_guard`].
    pub program: PathBuf,
    /// Its first arguments.
    pub args: Vec<String>,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Code(i32),
    Signal(i32),
    /// It could not be started, for this reason of the system.
    NotStarted(i32),
}

impl Ended {
    fn of(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        // What was waited for has either.
        status
            .code()
            .map_or_else(|| Self::Signal(status.signal().unwrap_or_default()), Self::Code)
    }

    fn line(self) -> String {
        match self {
            Self::Code(code) => format!("code {code}\n"),
            Self::Signal(signal) => format!("signal {signal}\n"),
            Self::NotStarted(error) => format!("error {error}\n"),
        }
    }

    /// What a line says, once it is whole.
    fn read(bytes: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let (word, number) = line.split_once(' ')?;
        let number = number.parse().ok()?;
        match word {
            "code" => Some(Self::Code(number)),
            "signal" => Some(Self::Signal(number)),
            "error" => Some(Self::NotStarted(number)),
            _ => None,
        }
    }
}

/// A program that was started, with or without a guard.
#[derive(Debug)]
pub(super) struct Started {
    /// The leader of the group: the guard, or the program itself.
    pub(super) leader: Child,
    line: Option<UnixStream>,
    said: Vec<u8>,
}

impl Started {
    /// Starts `program`; `prepare` says with what, but for its standard input.
    pub(super) fn begin(
        guard: Option<&Guard>,
        program: &Path,
        prepare: impl FnOnce(&mut Command),
    ) -> io::Result<Self> {
        let Some(guard) = guard else {
            let mut command = Command::new(program);
            prepare(command.stdin(Stdio::null()));
            let leader = command.spawn()?;
            return Ok(Self {
                leader,
                line: None,
                said: Vec::new(),
            });
        };
        let (ours, theirs) = UnixStream::pair()?;
        let theirs = theirs.into_std()?;
        let mut command = Command::new(&guard.program);
        command.arg0("ironcore-backup").args(&guard.args).arg(program);
        // With the command the other end is closed here: only the guard has it then.
        prepare(command.stdin(OwnedFd::from(theirs)));
        Ok(Self {
            leader: command.spawn()?,
            line: Some(ours),
            said: Vec::new(),
        })
    }

    /// Ends with the program; may be dropped and asked again.
    pub(super) async fn wait(&mut self) -> io::Result<Ended> {
        let Some(line) = &mut self.line else {
            return self.leader.wait().await.map(Ended::of);
        };
        loop {
            if let Some(ended) = Ended::read(&self.said) {
                return Ok(ended);
            }
            match timeout(BEAT, line.read_buf(&mut self.said)).await {
                Ok(Ok(1..)) => {}
                Ok(_) => {
                    let status = self.leader.wait().await?;
                    return Err(io::Error::other(format!("its guard ended with {status}")));
                }
                Err(_) => {
                    // A guard that does not read is seen by its end.
                    let _beat = line.try_write(b".");
                }
            }
        }
    }

    /// Waits for the leader, whose group was killed.
    pub(super) async fn end(&mut self) -> io::Result<()> {
        self.leader.wait().await.map(|_| ())
    }
}

/// What the guard's process does, from its beginning to its end: it runs `command`, a program with its arguments, and
/// ends it with the hub at the other side of standard input.
///
/// # Errors
/// Standard input is no socket, or the system gives too little to work with; nothing was started then.
pub fn stand_guard(command: impl Iterator<Item = OsString>) -> io::Result<()> {
    // Whoever ends the group later must not end another one.
    if getpgrp() != getpid() {
        setpgid(None, None)?;
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(watch_over(command.collect()))
}

async fn watch_over(words: Vec<OsString>) -> io::Result<()> {
    // It outlives what it asks to end; the program begins with the usual handling again.
    let _deaf = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
        signal(SignalKind::hangup())?,
    );
    let hub = std::os::unix::net::UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    hub.set_nonblocking(true)?;
    let mut hub = UnixStream::from_std(hub)?;
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| io::Error::other("no command was given"))?;
    let started = Command::new(program).args(arguments).stdin(Stdio::null()).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            let reason = Ended::NotStarted(error.raw_os_error().unwrap_or_default());
            return hub.write_all(reason.line().as_bytes()).await;
        }
    };
    // The output is the program's: it ends when the program closes it.
    let nothing = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    let ended = tokio::select! {
        ended = child.wait() => Some(Ended::of(ended?)),
        () = gone(&mut hub) => None,
    };
    if let Some(ended) = ended {
        // When nobody hears it the hub is gone, which is seen next.
        let _told = hub.write_all(ended.line().as_bytes()).await;
        // The hub may still listen to what is left of the group; it ends the group when it has heard enough.
        gone(&mut hub).await;
    } else {
        kill_process_group(getpid(), Signal::TERM)?;
        let _ended = timeout(GRACE, child.wait()).await;
    }
    kill_process_group(getpid(), Signal::KILL)?;
    Ok(())
}

/// Ends when the hub does, or stands still.
async fn gone(hub: &mut UnixStream) {
    let mut nothing = [0; 16];
    while matches!(timeout(SILENCE, hub.read(&mut nothing)).await, Ok(Ok(1..))) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_program_ended_is_read_as_it_was_said() {
        for ended in [
            Ended::Code(0),
            Ended::Code(255),
            Ended::Signal(9),
            Ended::NotStarted(2),
        ] {
            let line = ended.line();
            assert_eq!(Ended::read(line.as_bytes()), Some(ended));
            assert_eq!(Ended::read(line.trim_end().as_bytes()), None, "half a line");
        }
        assert_eq!(Ended::read(b"what 7\n"), None);
    }
}
