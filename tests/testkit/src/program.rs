//! A command of the command line that goes on beside the test: followed, interrupted, and waited for.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A program that runs; what it prints goes to files, so that it can be read while it goes on. It is killed when dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Program {
    /// Starts `command`, whose output goes to files `name` in `folder`.
    pub fn start(mut command: Command, folder: &Path, name: &str) -> Result<Self> {
        let (out, err) = (
            folder.join(format!("{name}.out")),
            folder.join(format!("{name}.err")),
        );
        let child = command
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&out)?)
            .stderr(std::fs::File::create(&err)?)
            .spawn()?;
        Ok(Self { child, out, err })
    }

    /// What it wrote to standard output so far.
    pub fn out(&self) -> String {
        std::fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// What it wrote to standard error so far.
    pub fn err(&self) -> String {
        std::fs::read_to_string(&self.err).unwrap_or_default()
    }

    /// Whether it has a handler for the interrupt signal, which would else end it like any program.
    pub fn minds_interrupts(&self) -> Result<bool> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.context("signals that it catches")?.trim(), 16)?;
        // The lowest bit is that of signal 1.
        Ok(caught >> (Signal::INT.as_raw() - 1) & 1 == 1)
    }

    /// Sends the signal of the interrupt key.
    pub fn interrupt(&self) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.context("a process id")?, Signal::INT)?)
    }

    /// How it ended, once it has; fails when it goes on for longer than `patience`.
    pub fn end(&mut self, patience: Duration) -> Result<ExitStatus> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if begun.elapsed() > patience {
                bail!("the program goes on; it said:\n{}{}", self.out(), self.err());
            }
            // Another process is looked at: there is nothing to be woken by.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}
