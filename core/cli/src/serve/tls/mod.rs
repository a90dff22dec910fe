//! The certificate that the hub shows: the administrator's own, read anew when its files change, or one that the hub makes
//! itself and renews before it ends. That another is shown is told, for whoever has pinned the one before.

mod der;
mod files;
mod made;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use ironcore_api::{ShownCertificate, wire};
use ironcore_ledger::Ledger;
use ironcore_ledger::model::NewEvent;
use ironcore_types::event::{EventData, NodeData};
use ironcore_types::{EventType, NodeName, Seams, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::files::Loaded;
use super::config::TlsSettings;
use super::keys;

/// How often files and ends are looked at.
const EVERY: Duration = Duration::from_secs(10);
/// A certificate of the administrator's that ends within this is warned of.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// Where the certificate comes from.
#[derive(Debug, Clone)]
enum Source {
    /// Files of the administrator's.
    Own { certificate: PathBuf, key: PathBuf },
    /// Made by the hub, in one file of its own with the key.
    Made { file: PathBuf, names: Vec<String> },
}

impl Source {
    fn of(settings: &TlsSettings, data: &Path, node: &NodeName) -> Self {
        match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => Self::Own {
                certificate: certificate.clone(),
                key: key.clone(),
            },
            _ => Self::Made {
                file: data.join("tls").join("generated.pem"),
                names: made::names(&settings.names, node),
            },
        }
    }

    /// What is there now, made or renewed where that is the hub's to do; whether it was renewed.
    fn look(&self, now: Timestamp) -> Result<(Loaded, bool)> {
        match self {
            Self::Own { certificate, key } => Ok((files::own(certificate, key)?, false)),
            Self::Made { file, names } => made::look(file, names, now),
        }
    }
}

/// What `config check` refuses of it.
pub(super) fn check(settings: &TlsSettings) -> Result<()> {
    if let (Some(certificate), Some(key)) = (&settings.certificate, &settings.key) {
        files::own(certificate, key)?;
    }
    Ok(())
}

/// The certificate, and what keeps it good.
#[derive(Debug)]
pub(super) struct Tls {
    source: Source,
    shown: Arc<ShownCertificate>,
    /// Where the fingerprint lies for the command line of this machine.
    left: PathBuf,
    told: watch::Sender<wire::Certificate>,
    /// The certificate that was warned of.
    warned: Option<String>,
    /// What was wrong at the last look, so that it is said once.
    fault: Option<String>,
    /// One was renewed, and that is to be told yet.
    renewed: bool,
}

impl Tls {
    /// Reads the certificate, or makes it.
    pub(super) fn open(settings: &TlsSettings, data: &Path, node: &NodeName, now: Timestamp) -> Result<Self> {
        let source = Source::of(settings, data, node);
        let (loaded, renewed) = source.look(now)?;
        let Loaded { key, certificate } = loaded;
        let folder = data.join("tls");
        keys::private_folder(&folder)?;
        let left = folder.join("fingerprint");
        leave(&left, &certificate)?;
        Ok(Self {
            source,
            left,
            shown: Arc::new(ShownCertificate::new(key)),
            told: watch::Sender::new(certificate),
            warned: None,
            fault: None,
            renewed,
        })
    }

    /// What clients are shown.
    pub(super) fn shown(&self) -> Arc<ShownCertificate> {
        self.shown.clone()
    }

    /// What may be known of it, as it changes.
    pub(super) fn certificate(&self) -> watch::Receiver<wire::Certificate> {
        self.told.subscribe()
    }

    /// Looks whether there is another, or has to be; shows it, and gives what is to be told of it.
    fn look(&mut self, now: Timestamp, node: &NodeName) -> Option<NewEvent> {
        let loaded = match self.source.look(now) {
            Ok((loaded, _)) => loaded,
            Err(error) => {
                // Files are replaced one after the other; what is shown stays until both fit.
                let fault = format!("{error:#}");
                if self.fault.as_ref() != Some(&fault) {
                    tracing::warn!(error = %fault, "the certificate cannot be read anew; the one before is shown still");
                    self.fault = Some(fault);
                }
                return None;
            }
        };
        self.fault = None;
        let Loaded { key, certificate } = loaded;
        self.warn(&certificate, now);
        let is_new = self.told.borrow().fingerprint != certificate.fingerprint;
        if is_new {
            self.shown.replace(key);
            if let Err(error) = leave(&self.left, &certificate) {
                tracing::warn!(%error, "the command line of this machine does not learn of the certificate");
            }
            self.told.send_replace(certificate.clone());
        }
        let tell = is_new || std::mem::take(&mut self.renewed);
        tell.then(|| renewed(&certificate, node))
    }

    fn warn(&mut self, certificate: &wire::Certificate, now: Timestamp) {
        let is_near = certificate.ends <= now.after(SOON);
        if is_near && self.warned.as_ref() != Some(&certificate.fingerprint) {
            tracing::warn!(ends = %certificate.ends, "the certificate ends soon: replace its files");
            self.warned = Some(certificate.fingerprint.clone());
        }
    }

    /// Looks again and again, until it is stopped.
    pub(super) async fn keep(
        mut self,
        ledger: Ledger,
        node: NodeName,
        seams: Seams,
        stop: CancellationToken,
    ) {
        loop {
            // Short reads of small files.
            if let Some(event) = self.look(seams.now(), &node) {
                tracing::info!(fingerprint = %self.told.borrow().fingerprint, "another certificate is shown");
                if let Err(error) = ledger.emit(event).await {
                    tracing::error!(%error, "that the certificate was renewed could not be told");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = seams.sleep(EVERY) => {}
            }
        }
    }
}

fn leave(path: &Path, certificate: &wire::Certificate) -> Result<()> {
    keys::replace(path, format!("{}\n", certificate.fingerprint).as_bytes())
}

/// `system.certificate-renewed`.
fn renewed(certificate: &wire::Certificate, node: &NodeName) -> NewEvent {
    let event_type = EventType::SystemCertificateRenewed;
    let title = format!(
        "The hub on {node} shows another certificate: its SHA-256 fingerprint is {}, and it ends {}",
        certificate.fingerprint, certificate.ends
    );
    let mut data = EventData::new(None, event_type.default_severity(), title);
    data.node = Some(NodeData {
        name: node.clone(),
        service: "api".to_owned(),
    });
    NewEvent {
        event_type,
        subject: None,
        data,
    }
}

#[cfg(test)]
mod tests;
