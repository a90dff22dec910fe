//! Runs Python with the reference libraries that check what the hub sends: `standardwebhooks`, `cloudevents` and
//! `aiosmtpd`, in the virtual environment that `cargo xtask test` makes under `build/python`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// The interpreter of the virtual environment.
pub fn interpreter() -> Result<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = workspace.join("build/python/bin/python");
    if !python.exists() {
        bail!(
            "{} is missing: run cargo xtask test, which makes it",
            python.display()
        );
    }
    Ok(python)
}

/// Runs a script to its end with `input` on its standard input; its output, or an error with what it complained of.
pub fn run(script: &str, input: &[u8]) -> Result<String> {
    let mut child = Command::new(interpreter()?)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting Python")?;
    child.stdin.take().context("standard input")?.write_all(input)?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!(
            "Python ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A script that runs beside the test and prints lines; killed when dropped.
pub struct Script {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Script {
    /// Starts a script with arguments.
    pub fn start(script: &str, args: &[&str]) -> Result<Self> {
        let mut child = Command::new(interpreter()?)
            .args(["-u", "-c", script])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting Python")?;
        let stdout = child.stdout.take().context("standard output")?;
        Ok(Self {
            child,
            lines: BufReader::new(stdout),
        })
    }

    /// Waits for the next line that the script prints; an error at its end.
    pub fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            bail!("the Python script ended early");
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}
