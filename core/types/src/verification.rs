//! What a verification found, per snapshot.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error_code::ErrorCode;
use crate::snapshot::SnapshotPath;
use crate::timestamp::Timestamp;

/// The result of verifying one snapshot, worst last.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum VerifyResult {
    /// Every chunk matched its SHA-256 fingerprint.
    Ok,
    /// Was OK, but longer ago than `keep-verified`. Computed when shown, never stored.
    Stale,
    /// At least one chunk, or the manifest's signature, failed its check.
    Corrupt,
    /// A referenced chunk is absent from the datastore.
    Missing,
}

impl VerifyResult {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Ok, Self::Stale, Self::Corrupt, Self::Missing];

    /// As shown: `OK`, `STALE`, `CORRUPT` or `MISSING`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Stale => "STALE",
            Self::Corrupt => "CORRUPT",
            Self::Missing => "MISSING",
        }
    }

    /// Whether the snapshot must not be relied on.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Corrupt | Self::Missing)
    }
}

impl fmt::Display for VerifyResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How deep a verification looks.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum VerifyDepth {
    /// Stored bytes against the index's SHA-256; needs no key.
    Stored,
    /// Stored bytes decoded, and the plain data against its fingerprint.
    #[default]
    Full,
}

impl fmt::Display for VerifyDepth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stored => "stored",
            Self::Full => "full",
        })
    }
}

/// The first thing that was wrong in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct VerifyFailure {
    /// `chunk.corrupt`, `chunk.missing`, `manifest.signature` or `manifest.invalid`.
    pub code: ErrorCode,
    /// Fingerprint of the chunk in hex; none when the manifest itself is at fault.
    pub chunk: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// The report of verifying one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct VerifyReport {
    /// Which snapshot.
    pub snapshot: SnapshotPath,
    /// When its check began.
    pub started: Timestamp,
    /// How long it took, microseconds.
    pub duration_us: u64,
    /// How deep.
    pub depth: VerifyDepth,
    /// Chunks that were looked at (each distinct chunk once).
    pub chunks: u64,
    /// Never `Stale`.
    pub result: VerifyResult,
    /// The first failure, when the result is bad.
    pub failure: Option<VerifyFailure>,
}
