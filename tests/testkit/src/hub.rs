//! A real hub: the binary, with a configuration of its own, on a free port of the loopback address.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;

use crate::postgres::wanted_database;
use crate::program::Program;

/// How long a test waits for a condition before it fails.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The binary that this test run built, or that lies beside the program that runs.
pub fn binary() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let folder = this.parent().context("programs lie in folders")?;
    let beside = folder.join("ironcore-backup");
    if beside.exists() {
        return Ok(beside);
    }
    let folder = folder
        .parent()
        .context("test binaries lie in target/PROFILE/deps")?;
    let path = folder.join("ironcore-backup");
    ensure!(
        path.exists(),
        "{} is missing: run cargo xtask test, which builds it",
        path.display()
    );
    Ok(path)
}

/// A hub with a data folder of its own. It is killed when dropped.
#[derive(Debug)]
pub struct TestHub {
    folder: TempDir,
    child: Option<std::process::Child>,
}

impl TestHub {
    /// Starts a hub. `config` is added to a configuration that allows loopback destinations. With
    /// `IRONCORE_TEST_DATABASE=postgres` its state is in a new database of the test's PostgreSQL, unless `config` names
    /// one.
    pub fn start(config: &str) -> Result<Self> {
        let mut config = config.to_owned();
        if !config.contains("database = ")
            && let Some(url) = wanted_database()?
        {
            config = format!("database = \"{url}\"\n{config}");
        }
        let mut hub = Self::prepare("testhub", &config)?;
        hub.resume()?;
        Ok(hub)
    }

    /// Starts a further hub `node` beside this one. `config` names the database that they share.
    pub fn beside(&self, node: &str, config: &str) -> Result<Self> {
        let mut hub = Self::prepare(node, config)?;
        // What hubs on one database share: the keys, and the secrets that one of them opens.
        let data = hub.data();
        std::fs::create_dir_all(&data)?;
        for part in ["keys", "secrets"].map(|part| self.data().join(part)) {
            if part.exists() {
                let copied = Command::new("cp").arg("-a").args([&part, &data]).status()?;
                ensure!(copied.success(), "cannot copy {}", part.display());
            }
        }
        hub.resume()?;
        Ok(hub)
    }

    fn prepare(node: &str, config: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("ironcore-hub-").tempdir()?;
        let data = folder.path().join("data");
        let mut text = format!(
            "listen = \"127.0.0.1:0\"\nnode = \"{node}\"\ndata = \"{}\"\n{config}\n",
            data.display()
        );
        if !config.contains("[egress]") {
            text.push_str("[egress]\nallow = [\"127.0.0.0/8\", \"localhost\"]\n");
        }
        std::io::Write::write_all(
            &mut std::fs::File::create(folder.path().join("hub.toml"))?,
            text.as_bytes(),
        )?;
        Ok(Self { folder, child: None })
    }

    /// The hub's folder: `hub.toml`, `data`, and whatever a test puts there.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the process again after [`TestHub::kill`] or [`TestHub::stop`].
    pub fn resume(&mut self) -> Result<()> {
        let before = self.log().len();
        self.launch()?;
        let address = self.data().join("listen");
        self.wait_until("the hub listens or works", |hub| {
            if let Some(child) = hub.child.as_mut()
                && let Some(status) = child.try_wait()?
            {
                bail!("the hub ended with {status}; its log:\n{}", hub.log());
            }
            // One without the role `api` listens nowhere.
            let works = hub
                .log()
                .get(before..)
                .is_some_and(|log| log.contains("the hub works"));
            Ok((address.exists() || works).then_some(()))
        })
    }

    /// As [`TestHub::resume`], without waiting for anything: it may be killed while it starts.
    pub fn launch(&mut self) -> Result<()> {
        let address = self.data().join("listen");
        if address.exists() {
            std::fs::remove_file(&address)?;
        }
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder().join("hub.log"))?;
        let child = Command::new(binary()?)
            .args(["serve", "--config"])
            .arg(self.folder().join("hub.toml"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.child = Some(child);
        Ok(())
    }

    /// From now on the hub listens where it listens now, also when it is started anew.
    pub fn keep_port(&self) -> Result<()> {
        let file = self.folder().join("hub.toml");
        let address = std::fs::read_to_string(self.data().join("listen"))?;
        let text = std::fs::read_to_string(&file)?.replace("127.0.0.1:0", address.trim());
        std::io::Write::write_all(&mut std::fs::File::create(&file)?, text.as_bytes())?;
        Ok(())
    }

    /// What the hub wrote to its terminal.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("hub.log")).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// The hub's address.
    pub fn url(&self) -> Result<String> {
        let address = std::fs::read_to_string(self.data().join("listen"))?;
        let scheme = if self.fingerprint().is_some() {
            "https"
        } else {
            "http"
        };
        Ok(format!("{scheme}://{}", address.trim()))
    }

    /// The fingerprint of the certificate that the hub shows, when it speaks TLS.
    pub fn fingerprint(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.data().join("tls/fingerprint")).ok()?;
        Some(text.trim().to_owned())
    }

    /// The file with the local admin's token.
    pub fn token_file(&self) -> PathBuf {
        self.data().join("admin.token")
    }

    /// The process id.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(std::process::Child::id)
    }

    /// SIGKILL, and waits until the process is gone.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Sends a signal: SIGSTOP, say, or SIGCONT.
    pub fn signal(&self, signal: rustix::process::Signal) -> Result<()> {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok());
        let pid = pid.and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.context("a process id")?, signal)?;
        Ok(())
    }

    /// SIGTERM, and waits until the process has ended by itself.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        let pid = i32::try_from(child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.context("a process id")?, rustix::process::Signal::TERM)?;
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if begun.elapsed() > PATIENCE {
                child.kill()?;
                bail!("the hub did not stop; its log:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        ensure!(
            status.code().is_some(),
            "the hub did not end by itself: {status}; its log:\n{}",
            self.log()
        );
        Ok(())
    }

    /// Runs the command line with these arguments against this hub.
    pub fn cli(&self, args: &[&str]) -> Result<Output> {
        self.cli_with(args, b"")
    }

    /// The same, with standard input.
    pub fn cli_with(&self, args: &[&str], input: &[u8]) -> Result<Output> {
        let mut child = self.spawn(args)?;
        if let Some(mut stdin) = child.stdin.take() {
            std::io::Write::write_all(&mut stdin, input)?;
        }
        Ok(child.wait_with_output()?)
    }

    /// Starts the command line with these arguments, to be talked with.
    pub fn spawn(&self, args: &[&str]) -> Result<std::process::Child> {
        let mut command = self.command(args)?;
        let piped = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(piped.spawn()?)
    }

    /// Starts the command line with these arguments and lets it go on. `name` is that of its output, in the hub's folder.
    pub fn program(&self, name: &str, args: &[&str]) -> Result<Program> {
        Program::start(self.command(args)?, self.folder(), name)
    }

    fn command(&self, args: &[&str]) -> Result<Command> {
        let mut command = Command::new(binary()?);
        command
            .args(args)
            .env("IRONCORE_SERVER", self.url().unwrap_or_default())
            .env("IRONCORE_CONFIG", self.folder().join("hub.toml"))
            .env(
                "IRONCORE_TOKEN",
                std::fs::read_to_string(self.token_file()).unwrap_or_default(),
            )
            .env("XDG_CONFIG_HOME", self.folder().join("config"));
        if let Some(fingerprint) = self.fingerprint() {
            command.env("IRONCORE_FINGERPRINT", fingerprint);
        }
        Ok(command)
    }

    /// Runs a command that must succeed, and gives its standard output.
    pub fn ok(&self, args: &[&str]) -> Result<String> {
        let output = self.cli(args)?;
        ensure!(
            output.status.success(),
            "{args:?} ended with {}\n{}{}\nhub's log:\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            self.log()
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The same with `--output json`, read.
    pub fn json<T: DeserializeOwned>(&self, args: &[&str]) -> Result<T> {
        let mut all = args.to_vec();
        all.extend(["--output", "json"]);
        Ok(serde_json::from_str(&self.ok(&all)?)?)
    }

    /// Seals a secret.
    pub fn secret(&self, name: &str, value: &str) -> Result<()> {
        let output = self.cli_with(&["secret", "set", name], value.as_bytes())?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// Applies a declaration (TOML).
    pub fn apply(&self, document: &str) -> Result<()> {
        let output = self.cli_with(&["apply", "-f", "-"], document.as_bytes())?;
        ensure!(
            output.status.success(),
            "{}\nhub's log:\n{}",
            String::from_utf8_lossy(&output.stderr),
            self.log()
        );
        Ok(())
    }

    /// All tasks, newest first.
    pub fn tasks(&self) -> Result<Vec<Value>> {
        let mut list: Value = self.json(&["task", "list", "--limit", "1000"])?;
        match list["tasks"].take() {
            Value::Array(tasks) => Ok(tasks),
            other => bail!("no list of tasks: {other}"),
        }
    }

    /// All messages, newest first.
    pub fn messages(&self) -> Result<Vec<Value>> {
        let mut list: Value = self.json(&["message", "list", "--limit", "1000"])?;
        match list["messages"].take() {
            Value::Array(messages) => Ok(messages),
            other => bail!("no list of messages: {other}"),
        }
    }

    /// Waits until `look` finds something; fails with `what` and the hub's log when it never does.
    pub fn wait_until<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&mut Self) -> Result<Option<T>>,
    ) -> Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(found) = look(self)? {
                return Ok(found);
            }
            if begun.elapsed() > PATIENCE {
                bail!("waited in vain until {what}; the hub's log:\n{}", self.log());
            }
            // Another process is looked at: there is nothing to be woken by.
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for TestHub {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            tracing::warn!(%error, "the test's hub could not be killed");
        }
    }
}
