//! Pages by cursor, and counts that stop at a bound.

use serde::{Deserialize, Serialize};

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// At most this many rows; kept within 1 to 1,000.
    pub limit: u32,
    /// Where the page before ended (`next` of its answer); none for the first page.
    pub cursor: Option<String>,
}

impl Page {
    /// The first `limit` rows.
    pub fn first(limit: u32) -> Self {
        Self { limit, cursor: None }
    }

    /// What follows `cursor`.
    pub fn after(limit: u32, cursor: impl Into<String>) -> Self {
        Self {
            limit,
            cursor: Some(cursor.into()),
        }
    }

    /// The limit within its bounds.
    pub(crate) fn bounded(&self) -> i64 {
        i64::from(self.limit.clamp(1, 1_000))
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::first(50)
    }
}

/// How many rows match, counted up to [`Count::CAP`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The number, at most [`Count::CAP`].
    pub value: u64,
    /// Whether there are more than that.
    pub more: bool,
}

impl Count {
    /// Where counting stops.
    pub const CAP: u64 = 10_000;

    /// Rows to look for: one above the cap.
    pub(crate) const PROBE: i64 = 10_001;

    /// From a count that stopped one above the cap.
    pub(crate) fn capped(counted: i64) -> Self {
        let counted = u64::try_from(counted).unwrap_or(0);
        Self {
            value: counted.min(Self::CAP),
            more: counted > Self::CAP,
        }
    }
}

impl std::fmt::Display for Count {
    /// `12`, or `10,000+`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.more {
            f.write_str("10,000+")
        } else {
            write!(f, "{}", self.value)
        }
    }
}
