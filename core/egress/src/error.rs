//! Errors of setting egress up and of keeping secrets. What becomes of a delivery is [`crate::Failure`].

use std::path::PathBuf;

use ironcore_types::ErrorCode;

use crate::secrets::SecretName;

/// Why egress could not be set up, or a secret not be kept or opened. Never holds a secret's value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    /// An entry of a list of destinations cannot be read.
    #[error(
        "{entry:?} names no destination: write an address, a range such as 10.0.0.0/8, a host name, or *.DOMAIN"
    )]
    AllowEntry {
        /// The entry as written.
        entry: String,
    },
    /// The proxy cannot be used.
    #[error("the proxy cannot be used: {reason}")]
    Proxy {
        /// Why.
        reason: String,
    },
    /// A certificate authority cannot be read.
    #[error("certificate authority number {number} is not valid PEM: {reason}")]
    Authority {
        /// Which of those given, from 1.
        number: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A fingerprint cannot be read.
    #[error(
        "{text:?} is no fingerprint: write the SHA-256 of the certificate as 64 hex digits, with or without colons"
    )]
    Fingerprint {
        /// The text as written.
        text: String,
    },
    /// TLS or the HTTP client could not be set up.
    #[error("setting up TLS failed: {reason}")]
    Tls {
        /// What the library said.
        reason: String,
    },
    /// The text is no name for a secret.
    #[error(
        "{text:?} is no name for a secret: use 1 to 63 of a-z, 0-9, '-', '_' and '.', beginning with a letter or a digit"
    )]
    SecretName {
        /// The text as written.
        text: String,
    },
    /// There is no secret of that name.
    #[error("the secret {name} has no value on this hub")]
    SecretMissing {
        /// Which.
        name: SecretName,
    },
    /// The secret's value cannot be what it is used for.
    #[error("the secret {name} cannot be used: {reason}")]
    SecretUnfit {
        /// Which.
        name: SecretName,
        /// Why, without the value.
        reason: &'static str,
    },
    /// The stored secret does not open with this hub's key file.
    #[error(
        "the secret {name} does not open with this key file: it was sealed with another, or its file was changed"
    )]
    Sealed {
        /// Which.
        name: SecretName,
    },
    /// The key file cannot be used.
    #[error("the key file {} cannot be used: {reason}", path.display())]
    KeyFile {
        /// Where it is.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// Reading or writing failed.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The cryptographic library gave up.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl EgressError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::AllowEntry { .. }
            | Self::Proxy { .. }
            | Self::Authority { .. }
            | Self::Fingerprint { .. }
            | Self::SecretUnfit { .. } => ErrorCode::ConfigInvalid,
            Self::SecretName { .. } => ErrorCode::RequestInvalid,
            Self::SecretMissing { .. } => ErrorCode::SecretMissing,
            Self::Sealed { .. } => ErrorCode::KeyWrong,
            Self::KeyFile { .. } => ErrorCode::KeyMissing,
            Self::Tls { .. } | Self::Io { .. } | Self::Crypto => ErrorCode::Internal,
        }
    }
}
