//! The demonstration's mail server and webhook consumer: `examples/receivers`, as a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::steps::{root, wait_for};

/// Both, running; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Receivers {
    child: Child,
    /// Address of the page and of the consumer.
    pub(crate) http: String,
    /// Port of the mail server on `localhost`.
    pub(crate) smtp_port: u64,
    /// The mail user's password.
    pub(crate) password: String,
    /// What webhooks are signed with.
    pub(crate) signing_secret: String,
}

impl Receivers {
    /// Starts them in `folder`.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let example = root().join("examples/receivers");
        crate::build::node_packages(&example)?;
        std::fs::create_dir_all(folder)?;
        let info = folder.join("receivers.json");
        let log = std::fs::File::create(folder.join("receivers.log"))?;
        let mut child = Command::new("node")
            .arg(example.join("receivers.mjs"))
            .arg("--folder")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("node cannot be started; it is needed for the receivers")?;
        let pid = u64::from(child.id());
        let info: Value = wait_for("the receivers are up", || {
            if let Some(status) = child.try_wait()? {
                bail!(
                    "the receivers ended with {status}; see {}",
                    folder.join("receivers.log").display()
                );
            }
            let Ok(text) = std::fs::read_to_string(&info) else {
                return Ok(None);
            };
            let value: Value = serde_json::from_str(&text)?;
            Ok((value["pid"] == pid).then_some(value))
        })?;
        let text = |value: &Value| {
            value
                .as_str()
                .map(str::to_owned)
                .context("receivers.json is not whole")
        };
        Ok(Self {
            http: text(&info["http"])?,
            smtp_port: info["smtp"]["port"]
                .as_u64()
                .context("receivers.json is not whole")?,
            password: text(&info["password"])?,
            signing_secret: text(&info["signingSecret"])?,
            child,
        })
    }

    /// What came so far: `{mails: […], hooks: […]}`, newest first.
    pub(crate) fn received(&self) -> Result<Value> {
        let script = "fetch(process.argv[1]).then(r=>r.text()).then(t=>process.stdout.write(t))";
        let url = format!("{}/received.json", self.http);
        let output = Command::new("node").args(["-e", script, &url]).output()?;
        serde_json::from_slice(&output.stdout).context("the receivers do not answer")
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        crate::steps::end(&mut self.child);
    }
}

/// Where the certificate of the mail server is.
pub(crate) fn certificate(demo: &Path) -> PathBuf {
    demo.join("receivers/ca.pem")
}
