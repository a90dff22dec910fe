//! Quarantine: copies of chunks that were found bad. They stay where they are, but nothing new relies on them,
//! so that the next backup that meets such a chunk stores it again.

use ironcore_types::Timestamp;
use serde::Serialize;

use crate::blobs::BlobErrorKind;
use crate::datastore::Datastore;
use crate::error::Result;
use crate::index::Location;
use crate::layout;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Mark<'a> {
    format: u32,
    found: Timestamp,
    reason: &'a str,
}

impl Datastore {
    /// Marks a copy as bad.
    pub(crate) fn quarantine(&self, copy: &Location, reason: &str) -> Result<()> {
        let mark = Mark {
            format: 1,
            found: self.now(),
            reason,
        };
        let body = serde_json::to_vec(&mark).unwrap_or_default();
        match self
            .blobs()
            .put_new(&layout::quarantine(copy.info.id, copy.pack.id), &body)
        {
            Err(error) if error.kind != BlobErrorKind::Exists => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// A copy that was bad is good: the trouble was with the disk or the network.
    pub(crate) fn release(&self, copy: &Location) -> Result<()> {
        Ok(self
            .blobs()
            .delete(&layout::quarantine(copy.info.id, copy.pack.id))?)
    }
}
