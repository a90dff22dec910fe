//! Records of condemned packs: which packs a garbage collection wants to delete, since when, and which sessions
//! it must outwait. Both files of a record are written before anything is deleted.

use std::collections::HashSet;

use ironcore_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::blobs::{BlobErrorKind, Blobs};
use crate::chunk::PackKind;
use crate::error::{Result, StoreError};
use crate::id::PackId;
use crate::layout;

const SESSIONS: &str = ".sessions";

/// A condemned pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct CondemnedPack {
    pub(super) id: PackId,
    pub(super) meta: bool,
    /// Bytes of the pack.
    pub(super) size: u64,
}

impl CondemnedPack {
    pub(super) fn kind(&self) -> PackKind {
        if self.meta { PackKind::Meta } else { PackKind::Data }
    }

    pub(super) fn name(&self) -> String {
        layout::pack(self.kind(), self.id)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Body {
    format: u32,
    condemned: Timestamp,
    packs: Vec<CondemnedPack>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Waits {
    format: u32,
    sessions: Vec<String>,
}

/// A record as it is now.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) condemned: Timestamp,
    pub(super) packs: Vec<CondemnedPack>,
    /// Sessions that were there after the record was; none when that was not written down yet.
    pub(super) waits_for: Option<Vec<String>>,
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| StoreError::Request(error.to_string()))
}

impl Record {
    pub(super) fn write(&self, blobs: &dyn Blobs) -> Result<()> {
        let body = Body {
            format: 1,
            condemned: self.condemned,
            packs: self.packs.clone(),
        };
        Ok(blobs.replace(&self.name, &json(&body)?)?)
    }

    /// Notes whom to wait for: everybody who may have looked packs up before the record was there.
    pub(super) fn write_waits(&mut self, blobs: &dyn Blobs, sessions: Vec<String>) -> Result<()> {
        let waits = Waits {
            format: 1,
            sessions: sessions.clone(),
        };
        blobs.replace(&format!("{}{SESSIONS}", self.name), &json(&waits)?)?;
        self.waits_for = Some(sessions);
        Ok(())
    }

    /// Removes the record, the packs being gone or reprieved.
    pub(super) fn delete(&self, blobs: &dyn Blobs) -> Result<()> {
        blobs.delete(&self.name)?;
        Ok(blobs.delete(&format!("{}{SESSIONS}", self.name))?)
    }
}

/// All records.
pub(super) fn read_all(blobs: &dyn Blobs) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    let names = blobs.list(layout::CONDEMNED)?;
    for blob in names.iter().filter(|blob| !blob.name.ends_with(SESSIONS)) {
        let Some(bytes) = get(blobs, &blob.name)? else {
            continue;
        };
        let Ok(body) = serde_json::from_slice::<Body>(&bytes) else {
            // Then nobody deletes these packs, and they are condemned anew if they are garbage.
            tracing::error!(
                record = blob.name,
                "record of condemned packs cannot be read and is left out"
            );
            continue;
        };
        let waits = get(blobs, &format!("{}{SESSIONS}", blob.name))?
            .and_then(|bytes| serde_json::from_slice::<Waits>(&bytes).ok());
        records.push(Record {
            name: blob.name.clone(),
            condemned: body.condemned,
            packs: body.packs,
            waits_for: waits.map(|waits| waits.sessions),
        });
    }
    Ok(records)
}

fn get(blobs: &dyn Blobs, name: &str) -> Result<Option<Vec<u8>>> {
    match blobs.get(name) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind == BlobErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Every pack that is condemned now.
pub(crate) fn condemned_packs(blobs: &dyn Blobs) -> Result<HashSet<PackId>> {
    Ok(read_all(blobs)?
        .iter()
        .flat_map(|record| &record.packs)
        .map(|pack| pack.id)
        .collect())
}
