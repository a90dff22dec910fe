//! The datastore's configuration: what every reader and writer of it must agree on.

use ironcore_types::{HubId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::chunker::ChunkerConfig;
use crate::id::PublicKey;

/// The newest format that this version reads and the one it writes.
pub const FORMAT: u32 = 1;

/// The contents of `ironcore-datastore.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Version of the format; [`FORMAT`].
    pub format: u32,
    /// The datastore's own id, UUIDv7; stays when its folder moves.
    pub id: Uuid,
    /// The hub that owns it.
    pub owner: HubId,
    /// When it was made.
    pub created: Timestamp,
    /// The owner's public key, Ed25519.
    pub public_key: PublicKey,
    /// How content is cut.
    pub chunker: ChunkerConfig,
    /// How chunk ids are made; `sha-256`.
    pub chunk_id: String,
    /// How chunks are compressed from now on; readers go by the flags of each chunk.
    pub compression: Compression,
    /// How chunks are encrypted; none in this version.
    pub encryption: Option<serde_json::Value>,
}

/// How new chunks are compressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Compression {
    /// Always `zstd`.
    pub algorithm: String,
    /// Zstandard level, 1 to 19.
    pub level: i32,
}

impl Config {
    pub(crate) fn new(id: Uuid, owner: HubId, public_key: PublicKey, created: Timestamp) -> Self {
        Self {
            format: FORMAT,
            id,
            owner,
            created,
            public_key,
            chunker: ChunkerConfig::default(),
            chunk_id: "sha-256".to_owned(),
            compression: Compression {
                algorithm: "zstd".to_owned(),
                level: 1,
            },
            encryption: None,
        }
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// Reads and checks a configuration; says why it cannot be used.
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let unreadable = |error| format!("its configuration cannot be read: {error}");
        let Format { format } = serde_json::from_slice(bytes).map_err(unreadable)?;
        if format != FORMAT {
            return Err(format!(
                "format {format} is not known; this version reads format {FORMAT}"
            ));
        }
        let config: Self = serde_json::from_slice(bytes).map_err(unreadable)?;
        config.chunker.check()?;
        if config.chunk_id != "sha-256" || config.encryption.is_some() {
            return Err("it is encrypted, which this version cannot read".to_owned());
        }
        if config.compression.algorithm != "zstd" || !(1..=19).contains(&config.compression.level) {
            return Err("its compression is not known".to_owned());
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_format_and_unknown_keys_are_refused() {
        let config = Config::new(
            Uuid::nil(),
            HubId(Uuid::nil()),
            PublicKey([1; 32]),
            Timestamp::EPOCH,
        );
        let json = String::from_utf8(config.to_json()).expect("text");
        assert_eq!(Config::from_json(json.as_bytes()), Ok(config));
        let newer = json.replace("\"format\": 1", "\"format\": 2");
        assert!(Config::from_json(newer.as_bytes()).is_err_and(|why| why.contains("format 2")));
        let unknown = json.replace("\"format\": 1", "\"format\": 1, \"colour\": 2");
        assert!(Config::from_json(unknown.as_bytes()).is_err());
    }
}
