//! Backs a tree up into a datastore.

use std::time::Duration;

use ironcore_store::{BackupRequest, Datastore};
use ironcore_types::ErrorCode;
use ironcore_types::progress::TaskStats;
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::spec::BackupSpec;

use super::JobContext;
use crate::error::EngineError;

pub(super) fn run(job: &JobContext, spec: &BackupSpec) -> Result<TaskStats, EngineError> {
    let datastore = job.datastore(&spec.datastore)?;
    let path = free_path(job, spec, &datastore)?;
    if let Some(project) = &job.task.project {
        // The first writer owns the group; nobody else may add to it.
        job.wait(job.ledger.own_group(&spec.datastore, &path.group, project))?;
    }
    job.info(format!(
        "backup of {} as {}:{path}",
        spec.source.tree.display(),
        spec.datastore
    ));
    let outcome = datastore.backup(
        BackupRequest {
            snapshot: path,
            tree: spec.source.tree.clone(),
            exclude: spec.source.exclude.clone(),
            include: Vec::new(),
            optional: spec.source.optional,
            full: spec.full,
            hub: job.ledger.hub_id(),
            user: job.task.user.clone(),
            project: job.task.project.clone(),
            job: job.task.job.clone(),
            upid: Some(job.task.upid.clone()),
        },
        &job.watch,
    )?;
    Ok(outcome.stats)
}

/// The name of the snapshot to make: the time at which the task began, or the first second after it that no snapshot
/// of the group has yet. Two runs may begin within one second.
fn free_path(
    job: &JobContext,
    spec: &BackupSpec,
    datastore: &Datastore,
) -> Result<SnapshotPath, EngineError> {
    let mut time = job.task.started.unwrap_or_else(|| job.watch.now());
    loop {
        let path = SnapshotPath::new(spec.group(), time);
        match datastore.snapshot(&path) {
            Ok(_) => time = time.after(Duration::from_secs(1)),
            Err(error) if error.code() == ErrorCode::SnapshotNotFound => return Ok(path),
            Err(error) => return Err(error.into()),
        }
    }
}
