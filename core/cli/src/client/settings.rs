//! Which hub and which token: options, environment, the client file, and what lies where `serve` leaves it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ironcore_egress::Fingerprint;
use ironcore_types::ErrorCode;
use reqwest::Url;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::args::Global;
use crate::exit::Coded;

/// Where `serve` leaves the local admin's token when it runs as a system service.
pub(crate) const LOCAL_ADMIN_TOKEN: &str = "/var/lib/ironcore-backup/admin.token";
/// Where it leaves the fingerprint of its certificate.
const LOCAL_FINGERPRINT: &str = "/var/lib/ironcore-backup/tls/fingerprint";

/// What the client file may hold: `$XDG_CONFIG_HOME/ironcore-backup/client.toml`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ClientFile {
    /// Address of the hub.
    pub(crate) server: Option<String>,
    /// File with the token.
    pub(crate) token_file: Option<PathBuf>,
    /// PEM file with the authority to trust.
    pub(crate) ca: Option<PathBuf>,
    /// SHA-256 of the one certificate to believe.
    pub(crate) fingerprint: Option<String>,
}

/// Where the client file is.
fn client_file() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = folder.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".config")))?;
    Some(folder.join("ironcore-backup").join("client.toml"))
}

pub(super) fn read_client_file() -> Result<ClientFile> {
    let Some(path) = client_file() else {
        return Ok(ClientFile::default());
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).with_context(|| format!("{} is not valid", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(ClientFile::default()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

pub(super) fn token(global: &Global, from_file: Option<PathBuf>) -> Result<SecretString> {
    if let Some(path) = &global.token_file {
        return read_token(path);
    }
    if let Ok(token) = std::env::var("IRONCORE_TOKEN") {
        return Ok(SecretString::from(token.trim().to_owned()));
    }
    if let Some(path) = from_file {
        return read_token(&path);
    }
    let local = Path::new(LOCAL_ADMIN_TOKEN);
    if local.exists() {
        return read_token(local);
    }
    Err(Coded {
        code: ErrorCode::AuthRequired,
        message: format!(
            "no access token: give --token-file FILE, set IRONCORE_TOKEN, or write one of them into {}",
            client_file().map_or_else(|| "the client file".to_owned(), |path| path.display().to_string())
        ),
    }
    .into())
}

/// The one certificate to believe: what was said, else what the hub of this machine left beside its token.
pub(super) fn fingerprint(
    global: &Global,
    from_file: Option<&str>,
    base: &Url,
) -> Result<Option<Fingerprint>> {
    let said = global.fingerprint.as_deref().or(from_file);
    if let Some(text) = said {
        return Ok(Some(text.parse()?));
    }
    if global.ca.is_some() || base.scheme() != "https" || !is_loopback(base) {
        return Ok(None);
    }
    let left = std::fs::read_to_string(LOCAL_FINGERPRINT).ok();
    Ok(left.and_then(|text| text.trim().parse().ok()))
}

fn read_token(path: &Path) -> Result<SecretString> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the token file {}", path.display()))?;
    Ok(SecretString::from(text.trim().to_owned()))
}

fn is_loopback(base: &Url) -> bool {
    match base.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// A token must not travel in the clear over a network.
pub(super) fn refuse_plain(base: &Url) -> Result<()> {
    let loopback = is_loopback(base);
    match base.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => bail!("{base}: plain HTTP would show the token to the network; use https"),
        other => bail!("{base}: {other} is not spoken here; use https"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_loopback() {
        let ok = |text: &str| refuse_plain(&Url::parse(text).expect("url")).is_ok();
        assert!(ok("http://127.0.0.1:8007"));
        assert!(ok("http://[::1]:8007"));
        assert!(ok("http://localhost:8007"));
        assert!(ok("https://backup.example"));
        assert!(!ok("http://backup.example"));
        assert!(!ok("http://10.0.0.1"));
        assert!(!ok("ftp://127.0.0.1"));
    }
}
