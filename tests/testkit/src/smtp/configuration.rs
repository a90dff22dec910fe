//! What Postfix and Dovecot are told: their folders, their certificate and their configuration files. Running
//! them is left to `servers`.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{DOMAIN, PASSWORD, USER};
use crate::tls::ServerCertificate;

const NOBODY: u32 = 65_534;

/// Puts everything that both want below `root`. The addresses: STARTTLS, TLS from the first byte, neither.
pub(super) fn configure(
    root: &Path,
    certificate: &ServerCertificate,
    [starttls, implicit, plain]: [SocketAddr; 3],
) -> Result<()> {
    lay_out(root, certificate)?;
    write(&root.join("etc/main.cf"), &main_cf(root))?;
    write(&root.join("etc/master.cf"), &master_cf(starttls, implicit, plain))?;
    write(&root.join("dovecot.conf"), &dovecot_conf(root))?;
    write(&root.join("users"), &format!("{USER}:{{PLAIN}}{PASSWORD}\n"))
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
