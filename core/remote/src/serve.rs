//! The answering side: from a request's parts to an answer's bytes. Synchronous, as the datastore is; run it on a
//! thread that may block, and after access was checked.

use ironcore_store::{ChunkId, ManifestFault, Peer, StoreError};
use ironcore_types::ErrorCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::protocol::{
    CHUNKS_TYPE, ChunksRequest, Filter, Info, JSON_TYPE, MANIFEST_TYPE, MAX_IDS, MAX_REQUEST,
    ManifestRequest, PROBLEM_TYPE, Problem, Size, Snapshots, Verb, encode_chunks,
};

/// An answer, to be sent as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// Answers a request about `datastore`; what goes wrong becomes a [`Problem`].
pub fn serve(datastore: &dyn Peer, verb: Verb, body: &[u8]) -> Answer {
    answer(datastore, verb, body).unwrap_or_else(|error| problem(&error))
}

fn answer(datastore: &dyn Peer, verb: Verb, body: &[u8]) -> Result<Answer, StoreError> {
    match verb {
        Verb::Info => json(&Info::from(datastore.info()?)),
        Verb::List => {
            let filter: Filter = read(body)?;
            json(&Snapshots {
                snapshots: datastore.list(&filter.into())?,
            })
        }
        Verb::Manifest => {
            let request: ManifestRequest = read(body)?;
            Ok(Answer {
                status: 200,
                content_type: MANIFEST_TYPE,
                body: datastore.manifest(&request.snapshot)?,
            })
        }
        Verb::Chunks => {
            let chunks = datastore.chunks(&ids(body)?)?;
            Ok(Answer {
                status: 200,
                content_type: CHUNKS_TYPE,
                body: encode_chunks(&chunks),
            })
        }
        Verb::Size => {
            let bytes = datastore.stored_bytes(&ids(body)?);
            let unknown = || StoreError::Busy("how much the chunks take is not known now".to_owned());
            json(&Size {
                bytes: bytes.ok_or_else(unknown)?,
            })
        }
    }
}

/// The chunks that a request is about.
fn ids(body: &[u8]) -> Result<Vec<ChunkId>, StoreError> {
    let ChunksRequest { ids } = read(body)?;
    if ids.is_empty() || ids.len() > MAX_IDS {
        return Err(StoreError::Request(format!(
            "ask for 1 to {MAX_IDS} chunks at a time"
        )));
    }
    Ok(ids)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, StoreError> {
    if body.len() > MAX_REQUEST {
        return Err(StoreError::Request(format!(
            "the request is longer than {MAX_REQUEST} bytes"
        )));
    }
    serde_json::from_slice(body)
        .map_err(|error| StoreError::Request(format!("the request is not valid: {error}")))
}

fn json(value: &impl Serialize) -> Result<Answer, StoreError> {
    let body = serde_json::to_vec(value).map_err(|error| StoreError::Request(error.to_string()))?;
    Ok(Answer {
        status: 200,
        content_type: JSON_TYPE,
        body,
    })
}

fn problem(error: &StoreError) -> Answer {
    let code = error.code();
    let status = match code {
        ErrorCode::RequestInvalid => 400,
        ErrorCode::SnapshotNotFound | ErrorCode::ChunkMissing | ErrorCode::DatastoreNotFound => 404,
        ErrorCode::Conflict => 409,
        ErrorCode::DatastoreOffline => 503,
        _ => 500,
    };
    let mut problem = Problem {
        status,
        code: code.to_string(),
        detail: error.to_string(),
        chunk: None,
        snapshot: None,
    };
    match error {
        StoreError::Chunk { id, reason, .. } => {
            problem.chunk = Some(*id);
            problem.detail.clone_from(reason);
        }
        StoreError::Manifest {
            snapshot,
            reason,
            fault: ManifestFault::Invalid | ManifestFault::Signature,
        } => {
            problem.snapshot = Some(snapshot.clone());
            problem.detail.clone_from(reason);
        }
        StoreError::Snapshot { path, .. } => problem.snapshot = Some(path.clone()),
        _ => {}
    }
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    Answer {
        status,
        content_type: PROBLEM_TYPE,
        body,
    }
}
