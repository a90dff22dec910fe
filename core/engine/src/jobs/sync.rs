//! Copies snapshots into a datastore of this hub, from another of its own or from another hub.

use ironcore_ledger::model::NewEvent;
use ironcore_store::{Peer, SnapshotFilter, SyncRequest};
use ironcore_types::event::{ErrorData, EventData};
use ironcore_types::progress::TaskStats;
use ironcore_types::spec::SyncSpec;
use ironcore_types::{ErrorCode, EventType, Severity};

use super::JobContext;
use crate::error::EngineError;

pub(super) fn run(job: &JobContext, spec: &SyncSpec) -> Result<TaskStats, EngineError> {
    let target = job.datastore(&spec.to)?;
    let source: Box<dyn Peer> = match &spec.from.remote {
        None if spec.from.datastore == spec.to => {
            return Err(EngineError::Internal(
                "a datastore cannot be synced to itself".to_owned(),
            ));
        }
        None => Box::new(job.datastore(&spec.from.datastore)?),
        Some(remote) => job.stores.remote(remote, &spec.from.datastore, &job.runtime)?,
    };
    job.info(format!(
        "sync from {} to {}",
        job.task.spec.source().unwrap_or_default(),
        spec.to
    ));
    let request = SyncRequest {
        filter: SnapshotFilter {
            namespace: Some(spec.namespace.clone()),
            groups: spec.groups.clone(),
            job: None,
        },
        task: Some(job.task.upid.to_string()),
        ..SyncRequest::default()
    };
    let result = target
        .sync_from(source.as_ref(), request, &job.watch)
        .map_err(EngineError::from);
    if let Err(error) = &result
        && matches!(
            error.code(),
            ErrorCode::ChunkCorrupt | ErrorCode::ChunkMissing | ErrorCode::ManifestSignature
        )
    {
        tell_integrity(job, spec, error)?;
    }
    result
}

fn tell_integrity(job: &JobContext, spec: &SyncSpec, error: &EngineError) -> Result<(), EngineError> {
    let title = format!("Sync to {} met data that does not match its fingerprint", spec.to);
    let mut data = EventData::new(job.task.project.clone(), Severity::Error, title);
    data.error = Some(ErrorData {
        code: error.code(),
        message: error.to_string(),
    });
    let event = NewEvent {
        event_type: EventType::SyncIntegrityError,
        subject: Some(job.task.upid.to_string()),
        data,
    };
    job.wait(job.ledger.emit(event)).map(|_| ())
}
