//! Secrets: names, and where they are used. Values go in and never come out.

use std::fmt;

use ironcore_types::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A secret, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Secret {
    /// Its name, as configurations write it.
    pub name: String,
    /// Whether it has a value on this hub; false for one that is used and was never set here.
    pub kept: bool,
    /// Whether its value opens with this hub's key.
    pub opens: bool,
    /// When its value was set; null when nobody noted it.
    pub set: Option<Timestamp>,
    /// Who set it; null when that was done on the hub's own files.
    pub by: Option<String>,
    /// The public key, `whpk_…`, when it is an Ed25519 signing key: what receivers verify with.
    pub public_key: Option<String>,
    /// What uses it, such as `handler office/oncall/chat` or `job office/copy`.
    pub used_by: Vec<String>,
}

/// The secrets of the hub, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecretList {
    /// The secrets.
    pub secrets: Vec<Secret>,
}

/// A kind of signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SigningKind {
    /// HMAC-SHA256 (`whsec_…`): receivers verify with the same key.
    Hmac,
    /// Ed25519 (`whsk_…`): receivers verify with its public key (`whpk_…`).
    Ed25519,
}

/// The value of a secret, or what kind of signing key the hub is to make; one of the two.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSecret {
    /// The value, 1 byte to 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// A signing key that the hub makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<SigningKind>,
}

impl fmt::Debug for SetSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetSecret")
            .field("value", &self.value.as_ref().map(|_| "…"))
            .field("generate", &self.generate)
            .finish()
    }
}

/// A secret that was set.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecretIsSet {
    /// The secret.
    pub secret: Secret,
    /// The HMAC key that the hub made, for the receiver; shown this once.
    pub generated: Option<String>,
}

impl fmt::Debug for SecretIsSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretIsSet")
            .field("secret", &self.secret)
            .finish_non_exhaustive()
    }
}
