//! Steps of work: running programs and saying so, waiting, and where things are.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to a terminal"
)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// How long [`wait_for`] waits at most.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The folder with the workspace's `Cargo.toml`: the checkout that this program was compiled from.
pub(crate) fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// What the hub embeds and what the tests need; never checked in.
pub(crate) fn products() -> PathBuf {
    root().join("build")
}

/// Cargo's target folder, wherever it was put.
pub(crate) fn target() -> Result<PathBuf> {
    let metadata = read(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo metadata")?;
    let target = metadata["target_directory"]
        .as_str()
        .context("cargo metadata names no target folder")?;
    Ok(PathBuf::from(target))
}

/// A program that runs in the root of the project.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Told to us by the cargo that runs us, about us: it would make the next cargo compile things anew.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    command
}

/// A line that says what comes now.
pub(crate) fn say(what: &str) {
    println!("==> {what}");
}

/// A line about what was just done or needs not be done.
pub(crate) fn note(what: &str) {
    println!("    {what}");
}

/// A line about what went wrong.
pub(crate) fn complain(what: &str) {
    eprintln!("xtask: {what}");
}

/// Runs `command` with its output on the terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    note(&format!("$ {shown}"));
    let status = command
        .status()
        .with_context(|| format!("cannot start {shown}"))?;
    ensure!(status.success(), "{shown} failed: {status}");
    Ok(())
}

/// Does `work` and says how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    say(what);
    let begun = Instant::now();
    let result = work().with_context(|| what.to_owned())?;
    note(&format!("done in {:.1} s", begun.elapsed().as_secs_f64()));
    Ok(result)
}

/// What `command` prints.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {shown}"))?;
    ensure!(output.status.success(), "{shown} failed: {}", output.status);
    String::from_utf8(output.stdout).with_context(|| format!("{shown} does not print text"))
}

/// Whether `command` can be started and succeeds; its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Refuses with `why` when the program `name` cannot be started.
pub(crate) fn need(name: &str, why: &str) -> Result<()> {
    if succeeds(Command::new(name).arg("--version")) {
        return Ok(());
    }
    bail!("{name} is not installed: {why}")
}

fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Asks `look` again and again until it has an answer.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().with_context(|| format!("while waiting until {what}"))? {
            return Ok(found);
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "waited {} minutes in vain until {what}",
            PATIENCE.as_secs() / 60
        );
        sleep(Duration::from_millis(100));
    }
}

/// Ends a program that we started: it is asked to, and killed when it does not within ten seconds.
pub(crate) fn end(child: &mut Child) {
    let asked = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let (Ok(None), Some(pid)) = (child.try_wait(), asked) {
        if kill_process(pid, Signal::TERM).is_ok() {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(10) && matches!(child.try_wait(), Ok(None)) {
                sleep(Duration::from_millis(50));
            }
        }
        if matches!(child.try_wait(), Ok(None)) && child.kill().is_ok() && child.wait().is_err() {
            complain("a program that was started does not end");
        }
    }
}
