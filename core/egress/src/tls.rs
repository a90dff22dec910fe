//! Whom the hub believes: the system's authorities, those the admin adds, or one pinned certificate.
//!
//! One provider, aws-lc-rs, for HTTP and SMTP alike.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::digest;
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, aws_lc_rs::default_provider, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};

use crate::error::EgressError;

/// SHA-256 of a certificate (DER), in hex with or without colons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate.
    pub fn of(der: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, der).as_ref());
        Self(bytes)
    }
}

impl FromStr for Fingerprint {
    type Err = EgressError;
    fn from_str(text: &str) -> Result<Self, EgressError> {
        let wrong = || EgressError::Fingerprint {
            text: text.to_owned(),
        };
        let digits: Vec<u8> = text.trim().bytes().filter(|b| *b != b':').collect();
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return Err(wrong());
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |b: u8| {
                char::from(b)
                    .to_digit(16)
                    .and_then(|d| u8::try_from(d).ok())
                    .ok_or_else(wrong)
            };
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The authorities of this hub, read once.
pub(crate) struct Trust {
    provider: Arc<CryptoProvider>,
    certificates: Vec<CertificateDer<'static>>,
    /// The machine has no authorities of its own: those of the Mozilla programme stand in.
    bundled: bool,
}

impl Trust {
    /// The system's authorities and `extra` ones in PEM.
    pub(crate) fn new(extra: &[String]) -> Result<Self, EgressError> {
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::warn!(%error, "a certificate authority of the system cannot be read");
        }
        let bundled = system.certs.is_empty();
        let mut certificates = system.certs;
        for (index, pem) in extra.iter().enumerate() {
            certificates.extend(authorities(index + 1, pem)?);
        }
        Ok(Self {
            provider: Arc::new(default_provider()),
            certificates,
            bundled,
        })
    }

    /// TLS for HTTP, checked against the authorities.
    pub(crate) fn http(&self) -> Result<ClientConfig, EgressError> {
        let mut roots = RootCertStore::empty();
        if self.bundled {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let (_, unusable) = roots.add_parsable_certificates(self.certificates.iter().cloned());
        if unusable > 0 {
            tracing::debug!(
                unusable,
                "some certificate authorities are in a form that is not supported"
            );
        }
        Ok(with_alpn(
            self.versions()?
                .with_root_certificates(roots)
                .with_no_client_auth(),
        ))
    }

    /// TLS for HTTP that believes this one certificate, whoever issued it and however it is named.
    pub(crate) fn pinned(&self, fingerprint: Fingerprint) -> Result<ClientConfig, EgressError> {
        let verifier = Arc::new(Pinned {
            fingerprint,
            provider: Arc::clone(&self.provider),
        });
        let config = self
            .versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        Ok(with_alpn(config.with_no_client_auth()))
    }

    /// TLS for SMTP to `host`, checked against the authorities and a further one in PEM.
    pub(crate) fn smtp(&self, host: &str, extra: Option<&str>) -> Result<TlsParameters, EgressError> {
        let store = if self.bundled {
            CertificateStore::WebpkiRoots
        } else {
            CertificateStore::None
        };
        let mut builder = TlsParameters::builder(host.to_owned()).certificate_store(store);
        let more = extra
            .map(|pem| authorities(1, pem))
            .transpose()?
            .unwrap_or_default();
        let mut usable = RootCertStore::empty();
        for certificate in self.certificates.iter().cloned().chain(more) {
            // One odd certificate in the system's store must not make all mail fail.
            if usable.add(certificate.clone()).is_ok() {
                builder = builder
                    .add_root_certificate(Certificate::from_der(certificate.to_vec()).map_err(tls_error)?);
            }
        }
        builder.build().map_err(tls_error)
    }

    fn versions(&self) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, EgressError> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider));
        builder.with_safe_default_protocol_versions().map_err(tls_error)
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("authorities", &self.certificates.len())
            .finish_non_exhaustive()
    }
}

fn with_alpn(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

fn tls_error(error: impl fmt::Display) -> EgressError {
    EgressError::Tls {
        reason: error.to_string(),
    }
}

fn authorities(number: usize, pem: &str) -> Result<Vec<CertificateDer<'static>>, EgressError> {
    let wrong = |reason: String| EgressError::Authority { number, reason };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() {
        return Err(wrong("it holds no certificate".to_owned()));
    }
    let mut store = RootCertStore::empty();
    for certificate in &found {
        store
            .add(certificate.clone())
            .map_err(|error| wrong(error.to_string()))?;
    }
    Ok(found)
}

/// TLS that believes this one certificate, for clients outside of this crate: the command line.
pub fn pinned_tls(fingerprint: Fingerprint) -> Result<ClientConfig, EgressError> {
    let trust = Trust {
        provider: Arc::new(default_provider()),
        certificates: Vec::new(),
        bundled: false,
    };
    trust.pinned(fingerprint)
}

/// What an error says of a certificate that is not the pinned one, when that is why.
pub fn wrong_certificate(error: &(dyn StdError + 'static)) -> Option<String> {
    cause::<WrongCertificate>(error).map(ToString::to_string)
}

/// The server showed another certificate than the pinned one.
#[derive(Debug, thiserror::Error)]
#[error("the server's certificate has the fingerprint {found}, not the pinned {pinned}")]
pub(crate) struct WrongCertificate {
    found: Fingerprint,
    pinned: Fingerprint,
}

#[derive(Debug)]
struct Pinned {
    fingerprint: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = Fingerprint::of(end_entity);
        if found == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        let wrong = Arc::new(WrongCertificate {
            found,
            pinned: self.fingerprint,
        });
        Err(CertificateError::Other(OtherError(wrong)).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Looks through an error and all it was caused by for one of type `T`.
///
/// An `io::Error` and rustls hold their causes apart from `source()`, so these are opened, too.
pub(crate) fn cause<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| cause(inner as &(dyn StdError + 'static))) {
            return Some(found);
        }
        if let Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) =
            error.downcast_ref::<rustls::Error>()
            && let Some(found) = cause::<T>(&*other.0)
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// An error and all it was caused by, on one line, without saying anything twice.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let part = error.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        next = error.source();
    }
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_read_and_print() {
        let found = Fingerprint::of(b"certificate");
        let text = found.to_string();
        assert_eq!(text.parse::<Fingerprint>().expect("hex"), found);
        let colons: Vec<_> = text
            .as_bytes()
            .chunks(2)
            .map(|c| String::from_utf8_lossy(c).to_uppercase())
            .collect();
        assert_eq!(colons.join(":").parse::<Fingerprint>().expect("colons"), found);
        for bad in ["", "12", &"g".repeat(64), &"é".repeat(32)] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_authority_that_is_none_is_numbered() {
        let error = Trust::new(&["-----BEGIN nonsense".to_owned()]).expect_err("no certificate");
        assert!(
            matches!(error, EgressError::Authority { number: 1, .. }),
            "{error}"
        );
    }

    #[test]
    fn causes_are_found_behind_io_errors() {
        let wrong = WrongCertificate {
            found: Fingerprint::of(b"a"),
            pinned: Fingerprint::of(b"b"),
        };
        let tls = rustls::Error::from(CertificateError::Other(OtherError(Arc::new(wrong))));
        let io = io::Error::other(tls);
        assert!(cause::<WrongCertificate>(&io).is_some());
        assert!(cause::<EgressError>(&io).is_none());
    }
}
