//! What the API needs of whoever keeps secrets. How they are sealed is the binary's matter; a value goes in here and never
//! comes out. What the API itself has sealed, to keep it elsewhere, it may open.

use ironcore_types::event::ErrorData;
use ironcore_types::{Timestamp, UserId};

use crate::wire::SigningKind;

/// What may be known of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// When its value was set, as far as it was noted.
    pub set: Option<Timestamp>,
    /// Who set it; none when that was done on the hub's own files.
    pub by: Option<String>,
    /// The public key of an Ed25519 signing key.
    pub public_key: Option<String>,
    /// Whether it opens with the hub's key.
    pub opens: bool,
}

/// A value on its way in; shows nothing of it.
pub struct SecretValue(pub String);

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

/// Keeps secrets. Everything reads or writes files, and so may block.
pub trait SecretKeeper: Send + Sync + 'static {
    /// All secrets, by name.
    fn list(&self) -> Result<Vec<Kept>, ErrorData>;

    /// Keeps a value, in place of one that was there; whether there was one.
    fn set(&self, name: &str, value: SecretValue, at: Timestamp, by: &UserId) -> Result<bool, ErrorData>;

    /// A fresh key for signing.
    fn generate(&self, kind: SigningKind) -> Result<SecretValue, ErrorData>;

    /// Forgets a secret; whether there was one.
    fn remove(&self, name: &str) -> Result<bool, ErrorData>;

    /// Seals what is kept elsewhere, for one purpose.
    fn seal_for(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, ErrorData>;

    /// Opens what was sealed for this purpose; none when it was not.
    fn open_for(&self, purpose: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, ErrorData>;
}
