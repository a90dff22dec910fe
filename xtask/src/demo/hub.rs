//! The demonstration's hub: the real binary, driven through its own command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::receivers;
use crate::steps::{root, say, wait_for};

/// A running hub; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Hub {
    binary: PathBuf,
    folder: PathBuf,
    child: std::cell::RefCell<Child>,
    /// Its address.
    pub(crate) url: String,
}

impl Hub {
    /// Starts a hub in `folder` on `port` (0 chooses a free one).
    pub(crate) fn start(binary: &Path, folder: &Path, port: u16) -> Result<Self> {
        ensure!(
            receivers::certificate(folder).exists(),
            "the receivers' certificate is missing"
        );
        let template = std::fs::read_to_string(root().join("examples/one-night/hub.toml"))?;
        let config = template
            .replace("${DEMO}", &folder.display().to_string())
            .replace("${PORT}", &port.to_string());
        std::fs::File::create(folder.join("hub.toml"))?.write_all(config.as_bytes())?;
        let address = folder.join("hub/listen");
        if address.exists() {
            std::fs::remove_file(&address)?;
        }
        let log_path = folder.join("hub.log");
        let log = std::fs::File::create(&log_path)?;
        say("starting the hub");
        let mut child = Command::new(binary)
            .args(["serve", "--config"])
            .arg(folder.join("hub.toml"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let address = wait_for("the hub listens", || {
            if let Some(status) = child.try_wait()? {
                let log = std::fs::read_to_string(&log_path).unwrap_or_default();
                bail!("the hub ended with {status}:\n{log}");
            }
            Ok(std::fs::read_to_string(&address).ok())
        })?;
        Ok(Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            child: std::cell::RefCell::new(child),
            url: format!("http://{}", address.trim()),
        })
    }

    /// Where the local admin's token is.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.folder.join("hub/admin.token")
    }

    /// The local admin's token.
    pub(crate) fn token(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.token_file())?.trim().to_owned())
    }

    /// Runs a command with `input`, whatever it ends with.
    pub(crate) fn try_cli(&self, args: &[&str], input: &str) -> Result<Output> {
        let mut child = Command::new(&self.binary)
            .args(["--server", &self.url, "--token-file"])
            .arg(self.token_file())
            .args(args)
            .env("IRONCORE_CONFIG", self.folder.join("hub.toml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        child
            .stdin
            .take()
            .context("no standard input")?
            .write_all(input.as_bytes())?;
        Ok(child.wait_with_output()?)
    }

    /// Runs a command that must succeed.
    pub(crate) fn cli(&self, args: &[&str]) -> Result<String> {
        self.cli_with(args, "")
    }

    fn cli_with(&self, args: &[&str], input: &str) -> Result<String> {
        let output = self.try_cli(args, input)?;
        ensure!(
            output.status.success(),
            "ironcore-backup {} ended with {}\n{}{}",
            args.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a command that prints JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Result<Value> {
        let mut all = args.to_vec();
        all.extend(["--output", "json"]);
        Ok(serde_json::from_str(&self.cli(&all)?)?)
    }

    /// All tasks, newest first.
    pub(crate) fn tasks(&self) -> Result<Vec<Value>> {
        self.list(&["task", "list", "--limit", "1000"], "tasks")
    }

    /// All messages, newest first.
    pub(crate) fn messages(&self) -> Result<Vec<Value>> {
        self.list(&["message", "list", "--limit", "1000"], "messages")
    }

    /// The inbox, newest first.
    pub(crate) fn inbox(&self) -> Result<Vec<Value>> {
        self.list(&["inbox", "list", "--limit", "1000"], "entries")
    }

    /// The snapshots of a datastore, newest first.
    pub(crate) fn snapshots(&self, datastore: &str) -> Result<Vec<Value>> {
        self.list(&["snapshot", "list", datastore], "snapshots")
    }

    fn list(&self, args: &[&str], member: &str) -> Result<Vec<Value>> {
        match self.json(args)?[member].take() {
            Value::Array(list) => Ok(list),
            other => bail!("{} printed no {member}: {other}", args.join(" ")),
        }
    }

    /// Keeps a secret.
    pub(crate) fn secret(&self, name: &str, value: &str) -> Result<()> {
        self.cli_with(&["secret", "set", name], value).map(drop)
    }

    /// Declares objects (TOML).
    pub(crate) fn apply(&self, objects: &str) -> Result<()> {
        self.cli_with(&["apply", "-f", "-"], objects).map(drop)
    }

    /// Writes the command line's client file, unless there is one that is not the demonstration's.
    pub(crate) fn write_client_file(&self) -> Result<Option<PathBuf>> {
        const MARK: &str = "# Written by `cargo xtask demo`.";
        let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        let config = config.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".config")));
        let Some(config) = config else { return Ok(None) };
        let path = config.join("ironcore-backup/client.toml");
        if std::fs::read_to_string(&path).is_ok_and(|text| !text.starts_with(MARK)) {
            return Ok(None);
        }
        std::fs::create_dir_all(config.join("ironcore-backup"))?;
        let text = format!(
            "{MARK}\nserver = \"{}\"\ntoken-file = \"{}\"\n",
            self.url,
            self.token_file().display()
        );
        std::fs::File::create(&path)?.write_all(text.as_bytes())?;
        Ok(Some(path))
    }

    /// Waits until the hub ends (Ctrl-C reaches it too).
    pub(crate) fn wait(&self) -> Result<()> {
        let status = self.child.borrow_mut().wait()?;
        ensure!(
            status.success(),
            "the hub ended with {status}; see {}",
            self.folder.join("hub.log").display()
        );
        Ok(())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        crate::steps::end(&mut self.child.borrow_mut());
    }
}
