//! Frees the space of chunks that no snapshot needs any more.

use std::time::Duration;

use ironcore_store::{GcOutcome, GcRequest};
use ironcore_types::Timestamp;
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
    let grace = request.grace;
    let outcome = datastore.gc(request, &job.watch)?;
    for line in told(&outcome, grace) {
        job.info(line);
    }
    Ok(outcome.stats)
}

/// What was deleted and what waits. A collection that deletes nothing yet looks like one that found nothing, so the
/// grace is told.
fn told(outcome: &GcOutcome, grace: Duration) -> Vec<String> {
    let mut lines = Vec::new();
    if outcome.packs_deleted > 0 {
        lines.push(format!(
            "{} bytes in {} were deleted",
            outcome.bytes_freed,
            count(outcome.packs_deleted, "pack")
        ));
    }
    if outcome.packs_pending > 0 {
        let when = outcome.pending_until.map_or_else(String::new, |until| {
            // The next whole second: the grace is over by then.
            let until = Timestamp::from_seconds(until.as_seconds() + 1);
            let hours = grace.as_secs() / 3600;
            format!(
                "; they are deleted by a collection after {until} (a grace of {hours} h, for readers and backups \
                 under way)"
            )
        });
        lines.push(format!(
            "{} bytes in {} are not needed any more{when}",
            outcome.bytes_pending,
            count(outcome.packs_pending, "pack")
        ));
    }
    if outcome.waiting_for > 0 {
        lines.push(format!(
            "they also wait for the end of {} that began earlier",
            count(outcome.waiting_for, "writer")
        ));
    }
    lines
}

fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_told_with_its_time() {
        let day = Duration::from_secs(24 * 3600);
        assert!(told(&GcOutcome::default(), day).is_empty());
        let outcome = GcOutcome {
            bytes_pending: 4096,
            packs_pending: 2,
            pending_until: Some(Timestamp::from_micros(1_779_321_599_500_000)),
            waiting_for: 1,
            ..GcOutcome::default()
        };
        assert_eq!(
            told(&outcome, day),
            [
                "4096 bytes in 2 packs are not needed any more; they are deleted by a collection after \
                 2026-05-21T00:00:00Z (a grace of 24 h, for readers and backups under way)",
                "they also wait for the end of 1 writer that began earlier",
            ]
        );
    }
}
