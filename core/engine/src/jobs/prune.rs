//! Removes the snapshots that no retention rule keeps, saying for each one why it stays or goes.

use ironcore_store::{Datastore, PrunePlan, PruneRequest, SnapshotFilter, StoreError, Watch};
use ironcore_types::progress::{Stage, TaskStats, Warning};
use ironcore_types::spec::PruneSpec;
use ironcore_types::{DatastoreName, ErrorCode};

use super::JobContext;
use crate::error::EngineError;

pub(super) fn run(job: &JobContext, spec: &PruneSpec) -> Result<TaskStats, EngineError> {
    if spec.keep.keeps_nothing() {
        // Refused where it is declared; this is for what was declared before that was so.
        let why =
            "keep: every rule is 0, which would remove every snapshot; leave a rule out to switch it off";
        return Err(StoreError::Request(why.to_owned()).into());
    }
    let datastore = job.datastore(&spec.datastore)?;
    let filter = SnapshotFilter {
        namespace: Some(spec.namespace.clone()),
        groups: spec.groups.clone(),
        job: None,
    };
    let plan = match job.owned(&spec.datastore, &datastore, filter)? {
        Some(filter) => datastore.prune_plan(&PruneRequest {
            filter,
            keep: spec.keep.clone(),
            timezone: spec.timezone.clone(),
        })?,
        None => PrunePlan::default(),
    };
    let seen = u64::try_from(plan.entries.len()).unwrap_or(u64::MAX);
    job.watch.progress(&Stage {
        name: "plan".to_owned(),
        unit: "snapshots".to_owned(),
        done: seen,
        total: Some(seen),
        ..Stage::default()
    });
    for entry in &plan.entries {
        let verb = if entry.kept { "keep" } else { "remove" };
        job.info(format!("{verb} {} ({})", entry.snapshot, entry.why));
    }
    for (snapshot, fault) in &plan.left_alone {
        // A warning, for it will stay for ever, and what it refers to with it, until somebody looks after it.
        job.watch.warn(Warning {
            code: fault.code,
            path: Some(snapshot.to_string()),
            message: format!("left alone: {}", fault.reason),
        });
    }
    if spec.dry_run {
        job.info("dry run: nothing was removed");
        let kept = plan.entries.iter().filter(|entry| entry.kept).count();
        return Ok(TaskStats {
            snapshots: u64::try_from(kept).unwrap_or(u64::MAX),
            snapshots_affected: u64::try_from(plan.entries.len() - kept).unwrap_or(u64::MAX),
            ..TaskStats::default()
        });
    }
    let applied = datastore.prune_apply(&plan, &job.watch);
    // Also of one that did not come to its end.
    let forgotten = forget_gone(job, &spec.datastore, &datastore);
    let stats = applied?;
    forgotten?;
    Ok(stats)
}

/// Nobody waits for damaged snapshots that are no longer there to be verified well.
fn forget_gone(job: &JobContext, name: &DatastoreName, datastore: &Datastore) -> Result<(), EngineError> {
    let mut gone = job.wait(job.ledger.damaged_snapshots(name))?;
    gone.retain(|path| {
        let found = datastore.snapshot(path);
        found.is_err_and(|error| error.code() == ErrorCode::SnapshotNotFound)
    });
    if gone.is_empty() {
        return Ok(());
    }
    job.wait(job.ledger.forget_snapshots(name, &gone))
}
