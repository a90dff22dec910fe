//! Backs a tree up into a datastore.

use ironcore_store::BackupRequest;
use ironcore_types::progress::TaskStats;
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::spec::BackupSpec;

use super::JobContext;
use crate::error::EngineError;

pub(super) fn run(job: &JobContext, spec: &BackupSpec) -> Result<TaskStats, EngineError> {
    let datastore = job.datastore(&spec.datastore)?;
    let path = SnapshotPath::new(spec.group(), job.task.started.unwrap_or_else(|| job.watch.now()));
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
