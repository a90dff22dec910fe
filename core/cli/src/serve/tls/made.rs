//! A certificate that the hub makes itself: signed by its own key, kept with it in one file that only the hub reads, and
//! made anew before it ends or when it is to be for other names.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use ironcore_types::{NodeName, Timestamp};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};

use super::files::{Loaded, load};
use crate::serve::keys;

/// How long one is good.
const VALID: Duration = Duration::from_secs(730 * 86_400);
/// It is renewed so long before its end.
const BEFORE: Duration = Duration::from_secs(30 * 86_400);
/// Clocks of clients may be behind by so much.
const SINCE: Duration = Duration::from_secs(86_400);

/// The names that it is for: those of the configuration, this machine's, and loopback.
pub(super) fn names(configured: &[String], node: &NodeName) -> Vec<String> {
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().to_lowercase();
    let always = ["localhost", "127.0.0.1", "::1", node.as_str(), &host];
    let mut names: Vec<String> = configured.to_vec();
    names.extend(
        always
            .into_iter()
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
    );
    names.sort();
    names.dedup();
    names
}

/// The one in the file, or another when there is none, when it ends soon, or when it is for other names; whether it took
/// the place of one.
pub(super) fn look(file: &Path, names: &[String], now: Timestamp) -> Result<(Loaded, bool)> {
    let known = match std::fs::read(file) {
        Ok(pem) => Some(pem),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    if let Some(pem) = &known {
        let loaded = load(pem, pem, true).with_context(|| file.display().to_string())?;
        if now.after(BEFORE) < loaded.certificate.ends && pem.starts_with(head(names).as_bytes()) {
            return Ok((loaded, false));
        }
    }
    let pem = make(names, now)?;
    if let Some(folder) = file.parent() {
        keys::private_folder(folder)?;
    }
    keys::replace(file, pem.as_bytes())?;
    Ok((load(pem.as_bytes(), pem.as_bytes(), true)?, known.is_some()))
}

/// Certificate and key in PEM.
pub(super) fn make(names: &[String], now: Timestamp) -> Result<String> {
    let mut params =
        CertificateParams::new(names.to_vec()).context("tls.names: not all can be in a certificate")?;
    let time = |time: Timestamp| time::OffsetDateTime::from_unix_timestamp(time.as_seconds());
    params.not_before = time(now.before(SINCE))?;
    params.not_after = time(now.after(VALID))?;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Ironcore Backup hub");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().context("no key could be made")?;
    let certificate = params.self_signed(&key).context("no certificate could be made")?;
    Ok(format!(
        "{}{}{}",
        head(names),
        certificate.pem(),
        key.serialize_pem()
    ))
}

/// What stands before both: the names that it is for.
fn head(names: &[String]) -> String {
    format!("for {}\n", names.join(" "))
}
