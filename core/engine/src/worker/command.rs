//! Runs a job's command before or after its task: a program of the worker's folder of commands, with what it prints in
//! the task's log. What its failure means is decided in `run`.
//!
//! Whoever may declare jobs must not thereby run what they like, so the program is named by a plain file name in one
//! folder, and neither may be written by anybody but root and the hub's own user. No shell is involved; the environment
//! holds `PATH` and what is said of the task.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ironcore_ledger::model::LogLevel;
use ironcore_types::ErrorCode;
use ironcore_types::job::{Command, command_path};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use super::context::TaskContext;
use super::guard::{Ended, Guard, Started};

/// Between being asked to end and being killed.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// How long what a program left running may keep its output open after it ended.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// A longer line is told in parts.
const LINE_BYTES: usize = 8 << 10;
/// Where programs look for others.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why a command did not do its part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    /// It was ended because the task has to stop.
    pub(crate) stopped: bool,
}

impl Fault {
    fn failed(message: String) -> Self {
        Self {
            code: ErrorCode::CommandFailed,
            message,
            stopped: false,
        }
    }

    fn refused(message: String) -> Self {
        Self {
            code: ErrorCode::CommandRefused,
            message,
            stopped: false,
        }
    }
}

/// A command to run.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) command: &'a Command,
    /// `before` or `after`.
    pub(crate) phase: &'static str,
    pub(crate) folder: &'a Path,
    /// Who ends it when this process is gone; nobody, where there is no such program.
    pub(crate) guard: Option<&'a Guard>,
    /// What is said of the task: `IRONCORE_…`.
    pub(crate) about: Vec<(&'static str, String)>,
}

impl Call<'_> {
    /// Runs it to its end. It is ended early when it takes longer than it may, and when `stop` says so.
    pub(crate) async fn run(
        &self,
        context: &TaskContext,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Fault> {
        let name = self.command.run.first().map_or("", String::as_str);
        let program = find(self.folder, self.command)?;
        context.log(
            LogLevel::Info,
            &format!("command {} the task: {}", self.phase, self.command.run.join(" ")),
        );
        let unstarted = |error: std::io::Error| Fault::failed(format!("{name} cannot be started: {error}"));
        let prepare = |command: &mut tokio::process::Command| {
            command
                .args(self.command.run.iter().skip(1))
                .env_clear()
                .env("PATH", PATH)
                .envs(self.about.iter().map(|(name, value)| (name, value)))
                .env("IRONCORE_PHASE", self.phase)
                .current_dir(self.folder)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                // A group of its own, so that what it started ends with it.
                .process_group(0)
                .kill_on_drop(true);
        };
        let mut started = Started::begin(self.guard, &program, prepare).map_err(unstarted)?;
        let group = Group::of(&started.leader);
        let output = (started.leader.stdout.take(), started.leader.stderr.take());
        let listen = async {
            tokio::join!(
                tell(output.0, name, context, LogLevel::Info),
                tell(output.1, name, context, LogLevel::Info)
            );
        };
        tokio::pin!(listen);
        let limit = self.command.timeout.duration();
        let mut heard = false;
        let (ended, cut) = {
            let wait = watch(&mut started, &group, limit, stop);
            tokio::pin!(wait);
            loop {
                tokio::select! {
                    ended = &mut wait => break ended,
                    () = &mut listen, if !heard => heard = true,
                }
            }
        };
        if !heard && timeout(LAST_WORDS, listen).await.is_err() {
            context.log(
                LogLevel::Warn,
                &format!("{name} left something running that holds its output open"),
            );
        }
        drop(group);
        if let Err(error) = started.end().await {
            tracing::warn!(%error, "a command's process cannot be waited for");
        }
        match (cut, ended) {
            (Some(Cut::Stopped), _) => Err(Fault {
                stopped: true,
                ..Fault::failed(format!("{name} was ended, because the task has to stop"))
            }),
            (Some(Cut::Late), _) => Err(Fault::failed(format!(
                "{name} took longer than {}, and was ended",
                self.command.timeout
            ))),
            (None, Ok(Ended::Code(0))) => Ok(()),
            (None, Ok(Ended::Code(code))) => {
                Err(Fault::failed(format!("{name} ended with exit code {code}")))
            }
            (None, Ok(Ended::Signal(signal))) => {
                Err(Fault::failed(format!("{name} ended with signal {signal}")))
            }
            (None, Ok(Ended::NotStarted(error))) => Err(unstarted(std::io::Error::from_raw_os_error(error))),
            (None, Err(error)) => Err(Fault::failed(format!("{name} cannot be waited for: {error}"))),
        }
    }
}

/// Why a command was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Late,
    Stopped,
}

/// Waits for the program, and ends it when it must: first it is asked to, with all that it started.
async fn watch(
    started: &mut Started,
    group: &Group,
    limit: Duration,
    stop: impl Future<Output = ()>,
) -> (std::io::Result<Ended>, Option<Cut>) {
    let cut = tokio::select! {
        ended = started.wait() => return (ended, None),
        () = sleep(limit) => Cut::Late,
        () = stop => Cut::Stopped,
    };
    group.signal(Signal::TERM);
    if timeout(GRACE, started.wait()).await.is_err() {
        group.signal(Signal::KILL);
    }
    (started.wait().await, Some(cut))
}

/// The processes of a command, which end with this at the latest.
#[derive(Debug)]
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        Self(pid.and_then(Pid::from_raw))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0
            && let Err(error) = kill_process_group(group, signal)
        {
            tracing::debug!(%error, "the processes of a command have ended already");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Carries what a program prints to the log, line by line.
async fn tell(output: Option<impl AsyncRead + Unpin>, name: &str, context: &TaskContext, level: LogLevel) {
    let Some(mut output) = output else { return };
    let mut line: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    let say = |line: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(line);
        context.log(level, &format!("{name}: {}", text.trim_end_matches('\r')));
        line.clear();
    };
    while let Ok(read @ 1..) = output.read(&mut buffer).await {
        for byte in &buffer[..read] {
            if *byte == b'\n' || line.len() == LINE_BYTES {
                say(&mut line);
            }
            if *byte != b'\n' {
                line.push(*byte);
            }
        }
    }
    if !line.is_empty() {
        say(&mut line);
    }
}

/// The program of a command, when it may be run.
fn find(folder: &Path, command: &Command) -> Result<PathBuf, Fault> {
    let program = command_path(folder, command)
        .ok_or_else(|| Fault::refused("a command is named by the plain file name of a program".to_owned()))?;
    let look = |path: &Path| {
        path.symlink_metadata().map_err(|error| {
            let why = format!("{} cannot be run: {error}", path.display());
            Fault::refused(match error.kind() {
                std::io::ErrorKind::NotFound => {
                    format!("{why}; put the program there, or correct the job")
                }
                _ => why,
            })
        })
    };
    let (around, found) = (look(folder)?, look(&program)?);
    if !around.is_dir() || !found.is_file() {
        return Err(Fault::refused(format!(
            "{} is not a plain file in a plain folder, so it is not run",
            program.display()
        )));
    }
    let own = rustix::process::geteuid().as_raw();
    for (path, meta) in [(folder, &around), (program.as_path(), &found)] {
        let by_others = meta.permissions().mode() & 0o022 != 0;
        if by_others || (meta.uid() != own && meta.uid() != 0) {
            return Err(Fault::refused(format!(
                "{} can be changed by others than the hub's user and root, so nothing is run from it",
                path.display()
            )));
        }
    }
    Ok(program)
}
