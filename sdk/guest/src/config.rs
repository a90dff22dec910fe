//! Values of a configuration that are or may be secrets, as the schemas of plugins describe them.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{Slot, WrappedSecret};

/// A secret in a configuration: `{ secret = "NAME" }`, with text around it if need be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Its name.
    pub secret: String,
    /// Text before its value.
    #[serde(default)]
    pub before: String,
    /// Text after its value.
    #[serde(default)]
    pub after: String,
}

impl Secret {
    /// The slot where the hub fills it in.
    pub fn slot(&self) -> Slot {
        if self.before.is_empty() && self.after.is_empty() {
            Slot::Secret(self.secret.clone())
        } else {
            Slot::Wrapped(WrappedSecret {
                before: self.before.clone(),
                secret: self.secret.clone(),
                after: self.after.clone(),
            })
        }
    }
}

/// A text or a secret in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextOrSecret {
    /// A text.
    Text(String),
    /// A secret.
    Secret(Secret),
}

impl TextOrSecret {
    /// The slot of it.
    pub fn slot(&self) -> Slot {
        match self {
            Self::Text(text) => Slot::Text(text.clone()),
            Self::Secret(secret) => secret.slot(),
        }
    }
}

impl<'de> Deserialize<'de> for TextOrSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::Text(text)),
            other => serde_json::from_value(other)
                .map(Self::Secret)
                .map_err(D::Error::custom),
        }
    }
}

/// One value or a list of them in a configuration; empty when it is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany<T>(Vec<T>);

impl<T> OneOrMany<T> {
    /// All of them.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = match Value::deserialize(deserializer)? {
            Value::Array(values) => values,
            one => vec![one],
        };
        let values = values
            .into_iter()
            .map(serde_json::from_value)
            .collect::<Result<_, _>>();
        values.map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_read_in_each_form() {
        let read = |value: Value| serde_json::from_value::<TextOrSecret>(value);
        assert_eq!(read(json!("x")).expect("text").slot(), Slot::Text("x".to_owned()));
        assert_eq!(
            read(json!({ "secret": "n" })).expect("secret").slot(),
            Slot::Secret("n".to_owned())
        );
        let wrapped = read(json!({ "secret": "n", "before": "Bearer " }))
            .expect("secret")
            .slot();
        assert!(matches!(wrapped, Slot::Wrapped(wrapped) if wrapped.before == "Bearer "));
        assert!(read(json!(1)).is_err() && read(json!({ "secret": "n", "x": 1 })).is_err());

        let many = |value: Value| serde_json::from_value::<OneOrMany<u8>>(value).expect("numbers");
        assert_eq!(many(json!(1)).as_slice(), [1]);
        assert_eq!(many(json!([1, 2])).as_slice(), [1, 2]);
        assert!(OneOrMany::<u8>::default().as_slice().is_empty());
    }
}
