//! Postfix and Dovecot as they run, and the mailbox that they fill. What they are told is left to `configuration`.
//!
//! They run from a folder of their own on free ports of loopback; they want root and the Debian packages
//! `postfix dovecot-core`, which `cargo xtask test` installs.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::configuration::configure;
use crate::tls::ServerCertificate;

/// A mail as it lies in the mailbox.
#[derive(Debug, Clone)]
pub struct StoredMail {
    /// The whole text, headers first.
    pub raw: String,
}

impl StoredMail {
    /// The first header of that name, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self
            .raw
            .split("\n\n")
            .next()
            .unwrap_or_default()
            .replace("\n ", " ")
            .replace("\n\t", " ");
        let prefix = format!("{}:", name.to_ascii_lowercase());
        let line = head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with(&prefix))?;
        Some(line[prefix.len()..].trim().to_owned())
    }
}

/// Postfix and Dovecot; stopped when dropped.
pub struct MailServer {
    folder: tempfile::TempDir,
    postfix: Child,
    dovecot: Child,
    /// STARTTLS, then login, wanted here.
    pub starttls: SocketAddr,
    /// TLS from the first byte, then login.
    pub implicit: SocketAddr,
    /// Neither TLS nor login.
    pub plain: SocketAddr,
}

impl MailServer {
    /// Starts both with a certificate, and waits until they greet.
    pub async fn start(certificate: &ServerCertificate) -> Result<Self> {
        if !Path::new("/usr/lib/postfix/sbin/master").exists() || !Path::new("/usr/sbin/dovecot").exists() {
            bail!("postfix and dovecot-core are missing: run cargo xtask test, which installs them");
        }
        let folder = tempfile::Builder::new().prefix("mail").tempdir()?;
        let root = folder.path();
        let addresses = free_addresses()?;
        configure(root, certificate, addresses)?;
        let [starttls, implicit, plain] = addresses;
        let etc = root.join("etc");
        let checked = Command::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(&etc)
            .arg("check")
            .output()?;
        if !checked.status.success() {
            bail!("postfix check: {}", String::from_utf8_lossy(&checked.stderr));
        }
        let quiet = |command: &mut Command| {
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
        };
        let dovecot = quiet(
            Command::new("/usr/sbin/dovecot")
                .arg("-F")
                .arg("-c")
                .arg(root.join("dovecot.conf")),
        )?;
        let postfix = quiet(
            Command::new("/usr/lib/postfix/sbin/master")
                .arg("-c")
                .arg(&etc)
                .arg("-s"),
        )?;
        let server = Self {
            folder,
            postfix,
            dovecot,
            starttls,
            implicit,
            plain,
        };
        server.wait_until_ready().await.with_context(|| server.log())?;
        Ok(server)
    }

    async fn wait_until_ready(&self) -> Result<()> {
        let ready = async {
            loop {
                let sasl = self.folder.path().join("dovecot/sasl").exists();
                if sasl && greets(self.starttls).await && greets(self.plain).await {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ready)
            .await
            .context("the mail server does not greet")
    }

    /// What is in the mailbox now.
    pub fn mailbox(&self) -> Result<Vec<StoredMail>> {
        let new = self.folder.path().join("mail/box/new");
        if !new.exists() {
            return Ok(Vec::new());
        }
        let mut files: Vec<PathBuf> = fs::read_dir(new)?
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<_>>()?;
        files.sort();
        files
            .iter()
            .map(|file| {
                Ok(StoredMail {
                    raw: fs::read_to_string(file)?,
                })
            })
            .collect()
    }

    /// Waits until the mailbox holds `count` mails; an error, with the servers' log, after `patience`.
    pub async fn wait_for(&self, count: usize, patience: Duration) -> Result<Vec<StoredMail>> {
        let arrived = async {
            loop {
                let mails = self.mailbox()?;
                if mails.len() >= count {
                    return Ok(mails);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let arrived = tokio::time::timeout(patience, arrived).await;
        arrived.with_context(|| format!("{count} mails did not come\n{}", self.log()))?
    }

    /// Waits until the servers have logged `text`; an error, with the log, after `patience`.
    pub async fn wait_for_log(&self, text: &str, patience: Duration) -> Result<()> {
        let logged = async {
            while !self.log().contains(text) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let logged = tokio::time::timeout(patience, logged).await;
        logged.with_context(|| format!("{text:?} was not logged\n{}", self.log()))
    }

    /// What the servers logged.
    pub fn log(&self) -> String {
        ["log/postfix.log", "log/dovecot.log"]
            .map(|file| fs::read_to_string(self.folder.path().join(file)).unwrap_or_default())
            .concat()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        stop(&mut self.postfix);
        stop(&mut self.dovecot);
    }
}

/// Asks a process to stop, so that it stops its children, too; after five seconds it is made to.
fn stop(child: &mut Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended by itself.
        let _asked = kill_process(pid, Signal::TERM);
    }
    for _ in 0..250 {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _killed = child.kill();
    let _ended = child.wait();
}

async fn greets(address: SocketAddr) -> bool {
    let greeting = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let mut code = [0; 3];
        stream.read_exact(&mut code).await.ok()?;
        (&code == b"220").then_some(())
    };
    matches!(
        tokio::time::timeout(Duration::from_secs(2), greeting).await,
        Ok(Some(()))
    )
}

fn free_addresses() -> Result<[SocketAddr; 3]> {
    // All are held until all are known, so that none is given twice.
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let held = [bind()?, bind()?, bind()?];
    Ok([
        held[0].local_addr()?,
        held[1].local_addr()?,
        held[2].local_addr()?,
    ])
}
