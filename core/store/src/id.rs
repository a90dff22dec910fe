//! The datastore's own ids. All print as lower-case hexadecimal.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A text that is no such id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a {1} of {2} hexadecimal digits")]
pub struct InvalidId(String, &'static str, usize);

macro_rules! hex_id {
    ($(#[$doc:meta])* $type:ident, $len:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(pub [u8; $len]);

        impl $type {
            /// Bytes of an id.
            pub const LEN: usize = $len;

            /// From exactly as many bytes as an id has.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $type {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let mut bytes = [0; $len];
                match hex::decode_to_slice(text, &mut bytes) {
                    Ok(()) => Ok(Self(bytes)),
                    Err(_) => Err(InvalidId(text.to_owned(), $what, 2 * $len)),
                }
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(id: $type) -> String {
                id.to_string()
            }
        }
    };
}

hex_id!(
    /// The fingerprint of a chunk: SHA-256 of its plain bytes.
    ChunkId, 32, "chunk id"
);
hex_id!(
    /// SHA-256 of the bytes as they are stored, after compression.
    StoredHash, 32, "stored hash"
);
hex_id!(
    /// A pack: a UUIDv7, so that packs sort by the time of their making.
    PackId, 16, "pack id"
);
hex_id!(
    /// A key's public half, Ed25519.
    PublicKey, 32, "public key"
);
hex_id!(
    /// Which key signed: SHA-256 of the public key.
    SignerId, 32, "signer id"
);

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl ChunkId {
    /// The fingerprint of `plain`.
    pub fn of(plain: &[u8]) -> Self {
        Self(sha256(plain))
    }
}

impl StoredHash {
    /// The hash of stored bytes.
    pub fn of(stored: &[u8]) -> Self {
        Self(sha256(stored))
    }
}

impl PublicKey {
    /// How signatures name this key.
    pub fn signer(&self) -> SignerId {
        SignerId(sha256(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_and_read() {
        let id = ChunkId::of(b"");
        assert_eq!(
            id.to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("e3".parse::<ChunkId>().is_err());
        assert!("zz".repeat(32).parse::<ChunkId>().is_err());
    }
}
