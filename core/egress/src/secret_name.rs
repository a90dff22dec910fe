//! How secrets are called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::EgressError;

/// How a secret is called in configurations; the rule of names: 1 to 63 of a-z, 0-9, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

impl SecretName {
    /// Checks `text` and makes a name of it.
    pub fn new(text: impl Into<String>) -> Result<Self, EgressError> {
        let text = text.into();
        let fits = (1..=63).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
            && text.as_bytes()[0].is_ascii_alphanumeric();
        if fits {
            Ok(Self(text))
        } else {
            Err(EgressError::SecretName { text })
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SecretName {
    type Err = EgressError;
    fn from_str(text: &str) -> Result<Self, EgressError> {
        Self::new(text)
    }
}

impl TryFrom<String> for SecretName {
    type Error = EgressError;
    fn try_from(text: String) -> Result<Self, EgressError> {
        Self::new(text)
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> Self {
        name.0
    }
}
