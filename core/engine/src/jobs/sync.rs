//! Copies snapshots into a datastore of this hub, from another of its own or from another hub.

use std::collections::HashSet;

use ironcore_ledger::model::NewEvent;
use ironcore_store::{Datastore, Peer, SnapshotFilter, SyncRequest};
use ironcore_types::event::{ErrorData, EventData};
use ironcore_types::progress::TaskStats;
use ironcore_types::spec::SyncSpec;
use ironcore_types::{ErrorCode, EventType, Severity};

use super::JobContext;
use crate::error::EngineError;

pub(super) fn run(job: &JobContext, spec: &SyncSpec) -> Result<TaskStats, EngineError> {
    let target = job.datastore(&spec.to)?;
    let mut wanted = Some(filter(spec));
    let source: Box<dyn Peer> = match &spec.from.remote {
        None if spec.from.datastore == spec.to => {
            return Err(EngineError::Internal(
                "a datastore cannot be synced to itself".to_owned(),
            ));
        }
        None => {
            let source = job.datastore(&spec.from.datastore)?;
            wanted = job.owned(&spec.from.datastore, &source, filter(spec))?;
            Box::new(source)
        }
        Some(remote) => job.stores.remote(remote, &spec.from.datastore, &job.runtime)?,
    };
    job.info(format!(
        "sync from {} to {}",
        job.task.spec.source().unwrap_or_default(),
        spec.to
    ));
    let Some(filter) = wanted else {
        job.info("this project has no snapshots there");
        return Ok(TaskStats::default());
    };
    let request = SyncRequest {
        filter: filter.clone(),
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
        // What goes wrong here must not hide what went wrong there.
        if let Err(untold) = tell_integrity(job, spec, error) {
            job.info(format!("the integrity error could not be told: {untold}"));
        }
    }
    match (result, own_groups(job, spec, &target, &filter)) {
        (Ok(_), Err(error)) => Err(error),
        (result, _) => result,
    }
}

/// A group that was copied belongs to the project that made it there as well; what came from another hub belongs to
/// the project that fetched it, whatever the other hub says.
fn own_groups(
    job: &JobContext,
    spec: &SyncSpec,
    target: &Datastore,
    filter: &SnapshotFilter,
) -> Result<(), EngineError> {
    let mut told = HashSet::new();
    for info in target.snapshots(filter)? {
        let project = match &spec.from.remote {
            Some(_) => job.task.project.clone(),
            None => info.manifest.and_then(|manifest| manifest.project),
        };
        let Some(project) = project.filter(|_| told.insert(info.path.group.clone())) else {
            continue;
        };
        match job.wait(job.ledger.own_group(&spec.to, &info.path.group, &project)) {
            Err(error) if error.code() == ErrorCode::Conflict => {
                job.info(format!(
                    "{} in {} belongs to another project",
                    info.path.group, spec.to
                ));
            }
            other => other?,
        }
    }
    Ok(())
}

fn filter(spec: &SyncSpec) -> SnapshotFilter {
    SnapshotFilter {
        namespace: Some(spec.namespace.clone()),
        groups: spec.groups.clone(),
        job: None,
    }
}

fn tell_integrity(job: &JobContext, spec: &SyncSpec, error: &EngineError) -> Result<(), EngineError> {
    let title = format!("Sync to {} met data that does not match its fingerprint", spec.to);
    let mut data = EventData::new(job.task.project.clone(), Severity::Error, title);
    data.task = Some(job.task.data(Vec::new()));
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
