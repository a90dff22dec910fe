//! `config check`: finds what `serve` would refuse, without starting or writing anything.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ironcore_egress::{AllowList, EgressOptions};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

use super::config::{EgressSettings, Overrides, ProxySettings, Settings, invalid};
use super::{builtin, tls};
use crate::exit::{Coded, Exit};
use crate::output::{self, Form};

/// `config check`: prints what would be used, or what is wrong. Starts nothing and writes nothing.
pub(crate) fn check(form: Form, config: Option<&Path>) -> Result<Exit> {
    let settings = Settings::load(Overrides {
        config,
        ..Overrides::default()
    })?;
    builtin::check(&settings)?;
    egress(&settings.egress)?
        .check()
        .map_err(|error| invalid(format!("egress: {error}")))?;
    if let Some(settings) = &settings.tls {
        tls::check(settings)?;
    }
    data_folder(&settings.data)?;
    let show = |path: &Option<PathBuf>| {
        path.as_ref()
            .map_or_else(|| "-".to_owned(), |path| path.display().to_string())
    };
    let fields = [
        ("Listen", settings.listen.to_string()),
        ("TLS", output::or_dash(settings.tls.as_ref())),
        (
            "Public address",
            settings
                .public_url
                .as_ref()
                .map_or_else(|| "-".to_owned(), ToString::to_string),
        ),
        ("Data", settings.data.display().to_string()),
        ("Node", settings.node.to_string()),
        ("Database", settings.database.to_string()),
        (
            "Roles",
            settings
                .roles
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        ),
        ("Slots", settings.slots.to_string()),
        ("Plugins", show(&settings.plugins)),
        ("Templates", show(&settings.templates)),
        ("Commands", settings.commands.display().to_string()),
        ("Private addresses allowed", settings.egress.allow.join(", ")),
        ("Proxy", output::or_dash(settings.egress.proxy.as_ref())),
        ("Paused scheduler told after", settings.paused_warning.to_string()),
        ("Heartbeat", output::or_dash(settings.heartbeat.as_ref())),
        ("Copies of the hub", settings.backup.to_string()),
        ("Kept", settings.retention.to_string()),
    ];
    form.fields(&settings, &fields)?;
    Ok(Exit::Ok)
}

/// What may leave the machine, with the files that the settings name.
pub(super) fn egress(settings: &EgressSettings) -> Result<EgressOptions> {
    Ok(EgressOptions {
        allow: AllowList::parse(&settings.allow)?,
        proxy: settings.proxy.as_ref().map(ProxySettings::options).transpose()?,
        roots_pem: authorities(settings)?,
        plain_smtp: settings.plain_smtp,
        ..EgressOptions::default()
    })
}

/// The files of `egress.ca`, each of which holds certificates.
fn authorities(egress: &EgressSettings) -> Result<Vec<String>> {
    let read = |path: &PathBuf| -> Result<String> {
        let pem = std::fs::read_to_string(path)
            .with_context(|| format!("egress.ca: cannot read {}", path.display()))?;
        let wrong = |why: String| invalid(format!("egress.ca: {} cannot be used: {why}", path.display()));
        let mut store = RootCertStore::empty();
        for found in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = found.map_err(|error| wrong(error.to_string()))?;
            store.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
        if store.is_empty() {
            return Err(wrong("it holds no certificate".to_owned()).into());
        }
        Ok(pem)
    };
    egress.ca.iter().map(read).collect()
}

/// Refuses a data folder that is none, and that cannot become one.
fn data_folder(data: &Path) -> Result<(), Coded> {
    for place in data.ancestors() {
        match std::fs::metadata(place) {
            Ok(found) if found.is_dir() => return Ok(()),
            Ok(_) => {
                return Err(invalid(format!(
                    "data = \"{}\": {} is not a folder",
                    data.display(),
                    place.display()
                )));
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            // The hub may be allowed to look where this user is not.
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}
