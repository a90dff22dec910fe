//! Frees the space of chunks that no snapshot needs any more.

use ironcore_store::GcRequest;
use ironcore_types::progress::TaskStats;
use ironcore_types::spec::GcSpec;

use super::JobContext;
use crate::error::EngineError;

pub(super) fn run(job: &JobContext, spec: &GcSpec) -> Result<TaskStats, EngineError> {
    let datastore = job.datastore(&spec.datastore)?;
    let request = GcRequest {
        dry_run: spec.dry_run,
        ..GcRequest::default()
    };
    Ok(datastore.gc(request, &job.watch)?.stats)
}
