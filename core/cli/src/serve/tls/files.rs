//! Certificates as they lie in files: read, checked to fit their key, and what may be known of them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use ironcore_api::wire;
use ironcore_egress::Fingerprint;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::sign::CertifiedKey;

use super::der;
use crate::serve::config::invalid;

/// A certificate with its key.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) key: CertifiedKey,
    pub(super) certificate: wire::Certificate,
}

/// Reads the administrator's own.
pub(super) fn own(certificate: &Path, key: &Path) -> Result<Loaded> {
    let read = |name: &str, path: &Path| {
        std::fs::read(path).with_context(|| format!("tls.{name}: cannot read {}", path.display()))
    };
    let mode = std::fs::metadata(key)
        .with_context(|| format!("tls.key: cannot read {}", key.display()))?
        .permissions()
        .mode();
    if mode & 0o007 != 0 {
        let text = format!(
            "tls.key: {} can be used by everybody; set its mode to 0600 or 0640",
            key.display()
        );
        return Err(invalid(text).into());
    }
    load(&read("certificate", certificate)?, &read("key", key)?, false).map_err(|error| {
        invalid(format!(
            "tls: {} and {}: {error:#}",
            certificate.display(),
            key.display()
        ))
        .into()
    })
}

/// Of the certificates and the key in PEM.
pub(super) fn load(certificates: &[u8], key: &[u8], generated: bool) -> Result<Loaded> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
        .collect::<Result<_, _>>()
        .context("the certificate is not valid PEM")?;
    let first = chain.first().context("there is no certificate in the file")?;
    let fingerprint = Fingerprint::of(first).to_string();
    let ends = der::ends(first).context("the certificate does not say when it ends")?;
    let key = PrivateKeyDer::from_pem_slice(key).context("there is no private key in the file")?;
    let key =
        CertifiedKey::from_der(chain, key, &default_provider()).context("certificate and key do not fit")?;
    Ok(Loaded {
        key,
        certificate: wire::Certificate {
            fingerprint,
            ends,
            generated,
        },
    })
}
