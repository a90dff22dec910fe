//! Writes a snapshot back to files, unless its last verification says that it must not be relied on.

use ironcore_store::{RestoreRequest, SnapshotFilter};
use ironcore_types::SnapshotRef;
use ironcore_types::progress::TaskStats;
use ironcore_types::spec::RestoreSpec;
use ironcore_types::verification::VerifyResult;

use super::JobContext;
use crate::error::EngineError;

pub(super) fn run(job: &JobContext, spec: &RestoreSpec) -> Result<TaskStats, EngineError> {
    let reference = &spec.snapshot;
    let datastore = job.datastore(&reference.datastore)?;
    job.wait(job.stores.check_target(&spec.to))?;
    let known = job.wait(job.ledger.verifications(&reference.datastore, None))?;
    let bad = known
        .iter()
        .find(|row| row.report.snapshot == reference.path && row.report.result.is_bad());
    if let Some(row) = bad {
        if !spec.force {
            let group = SnapshotFilter::group(reference.path.group.clone());
            let earlier = datastore
                .snapshots(&group)?
                .into_iter()
                .filter(|info| info.path.time < reference.path.time)
                .filter(|info| {
                    known
                        .iter()
                        .any(|r| r.report.snapshot == info.path && r.report.result == VerifyResult::Ok)
                })
                .max_by_key(|info| info.path.time)
                .map(|info| {
                    Box::new(SnapshotRef {
                        datastore: reference.datastore.clone(),
                        path: info.path,
                    })
                });
            return Err(EngineError::SnapshotNotOk {
                snapshot: Box::new(reference.clone()),
                result: row.report.result,
                earlier,
            });
        }
        job.info(format!(
            "the last verification was {}; restoring because force was asked for",
            row.report.result
        ));
    }
    job.info(format!("restore of {reference} to {}", spec.to.display()));
    Ok(datastore.restore(
        RestoreRequest {
            snapshot: reference.path.clone(),
            to: spec.to.clone(),
            overwrite: spec.overwrite,
            keep_going: spec.force,
        },
        &job.watch,
    )?)
}
