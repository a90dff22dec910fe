//! Real mail servers: Postfix with Dovecot's login and a mailbox on disk, and a scripted one (PyPI `aiosmtpd`).
//!
//! Postfix and Dovecot run from a folder of their own on free ports of loopback; they want root and the Debian
//! packages `postfix dovecot-core`, which `cargo xtask test` installs.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::python::Script;
use crate::tls::ServerCertificate;

/// The login that Postfix accepts.
pub const USER: &str = "hub";
/// Its password.
pub const PASSWORD: &str = "right-password-of-the-hub";
/// Every address of this domain ends in the mailbox; a login may send to others, which Postfix then rejects.
pub const DOMAIN: &str = "example.test";

const NOBODY: u32 = 65_534;

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
        let [starttls, implicit, plain] = free_addresses()?;
        lay_out(root, certificate)?;
        write(&root.join("etc/main.cf"), &main_cf(root))?;
        write(&root.join("etc/master.cf"), &master_cf(starttls, implicit, plain))?;
        write(&root.join("dovecot.conf"), &dovecot_conf(root))?;
        write(&root.join("users"), &format!("{USER}:{{PLAIN}}{PASSWORD}\n"))?;
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

#[expect(
    clippy::disallowed_methods,
    reason = "nothing of a test's folder has to survive"
)]
fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| path.display().to_string())
}

fn lay_out(root: &Path, certificate: &ServerCertificate) -> Result<()> {
    fs::set_permissions(root, fs::Permissions::from_mode(0o755))?;
    let postfix = user_id("postfix")?;
    for (name, owner) in [
        ("etc", 0),
        ("queue", 0),
        ("dovecot", 0),
        ("data", postfix),
        ("log", postfix),
        ("mail", NOBODY),
    ] {
        fs::create_dir(root.join(name))?;
        chown(root.join(name), Some(owner), None).context("the mail server's folders want root")?;
    }
    let chain = root.join("chain.pem");
    write(
        &chain,
        &format!("{}{}", certificate.key_pem, certificate.certificate_pem),
    )?;
    Ok(fs::set_permissions(&chain, fs::Permissions::from_mode(0o600))?)
}

fn user_id(user: &str) -> Result<u32> {
    let users = fs::read_to_string("/etc/passwd")?;
    let line = users
        .lines()
        .find(|l| l.split(':').next() == Some(user))
        .context("no such user")?;
    Ok(line.split(':').nth(2).context("no user id")?.parse()?)
}

fn main_cf(root: &Path) -> String {
    let root = root.display();
    format!(
        "compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {root}/log/postfix.log
maillog_file_prefixes = {root}
myhostname = mail.test
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_base = {root}/mail
virtual_mailbox_maps = static:box/
virtual_minimum_uid = 100
virtual_uid_maps = static:{NOBODY}
virtual_gid_maps = static:{NOBODY}
smtpd_tls_chain_files = {root}/chain.pem
smtpd_sasl_type = dovecot
smtpd_sasl_path = {root}/dovecot/sasl
smtpd_sasl_auth_enable = yes
smtpd_tls_auth_only = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = reject_unauth_destination, permit
"
    )
}

fn master_cf(starttls: SocketAddr, implicit: SocketAddr, plain: SocketAddr) -> String {
    format!(
        "{starttls} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
{implicit} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
{plain} inet n - n - - smtpd -o smtpd_sasl_auth_enable=no -o smtpd_relay_restrictions=permit
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"
    )
}

fn dovecot_conf(root: &Path) -> String {
    let root = root.display();
    format!(
        "base_dir = {root}/dovecot/run
state_dir = {root}/dovecot/state
log_path = {root}/log/dovecot.log
protocols =
auth_mechanisms = plain login
disable_plaintext_auth = no
auth_failure_delay = 0
ssl = no
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {root}/users
}}
userdb {{
  driver = static
  args = uid={NOBODY} gid={NOBODY} home={root}/mail
}}
service auth {{
  unix_listener {root}/dovecot/sasl {{
    mode = 0600
    user = postfix
  }}
}}
"
    )
}

/// A mail server that answers as told (PyPI `aiosmtpd`): neither TLS nor login.
pub struct ScriptedSmtp {
    script: Script,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Replies of the scripted server, each used once and in order; after them it accepts.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct SmtpPlan {
    /// To `MAIL FROM`.
    pub mail: Vec<String>,
    /// To `RCPT TO`, by address.
    pub rcpt: std::collections::BTreeMap<String, Vec<String>>,
    /// To the end of the data.
    pub data: Vec<String>,
}

const SCRIPTED: &str = r#"
import asyncio, json, sys
from aiosmtpd.smtp import SMTP
plan = json.loads(sys.argv[1])
class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if plan["mail"]:
            return plan["mail"].pop(0)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"
    async def handle_RCPT(self, server, session, envelope, address, options):
        if plan["rcpt"].get(address):
            return plan["rcpt"][address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        if plan["data"]:
            return plan["data"].pop(0)
        print(json.dumps({"peer": session.peer[1], "to": envelope.rcpt_tos,
                          "content": envelope.content.decode("utf-8", "replace")}), flush=True)
        return "250 stored"
async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"#;

/// A mail that the scripted server took.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct TakenMail {
    /// The client's port: the same for mails over one connection.
    pub peer: u16,
    /// The recipients that were accepted.
    pub to: Vec<String>,
    /// The mail's text.
    pub content: String,
}

impl ScriptedSmtp {
    /// Starts the server.
    pub fn start(plan: &SmtpPlan) -> Result<Self> {
        let plan = serde_json::to_string(plan)?;
        let mut script = Script::start(SCRIPTED, &[&plan])?;
        let port: u16 = script.line()?.parse()?;
        Ok(Self {
            script,
            address: (Ipv4Addr::LOCALHOST, port).into(),
        })
    }

    /// Waits for the next mail that it takes.
    pub fn next_mail(&mut self) -> Result<TakenMail> {
        Ok(serde_json::from_str(&self.script.line()?)?)
    }
}
