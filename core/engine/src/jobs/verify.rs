//! Checks stored snapshots. Each result is recorded and told of at once, not at the end.

use ironcore_ledger::model::LogLevel;
use ironcore_store::{SnapshotFilter, VerifyRequest};
use ironcore_types::progress::TaskStats;
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::spec::VerifySpec;
use ironcore_types::verification::{VerifyReport, VerifyResult};
use ironcore_types::{ErrorCode, counted};

use super::JobContext;
use crate::error::EngineError;

pub(super) fn run(job: &JobContext, spec: &VerifySpec) -> Result<TaskStats, EngineError> {
    let datastore = job.datastore(&spec.datastore)?;
    let mut skipped = 0;
    let paths = match &spec.snapshot {
        Some(path) => {
            let filter = SnapshotFilter::group(path.group.clone());
            match job.owned(&spec.datastore, &datastore, filter)? {
                Some(_) => vec![datastore.snapshot(path)?.path],
                None => return Err(EngineError::NotOwned(path.group.clone())),
            }
        }
        None => {
            let due = due(job, spec, &datastore)?;
            skipped = due.skipped;
            due.paths
        }
    };
    let mut found = Found::default();
    let request = VerifyRequest {
        snapshots: paths,
        depth: spec.depth,
    };
    let mut stats = datastore.verify(
        request,
        &mut |report| {
            let line = match &report.failure {
                None => format!(
                    "{}: {} ({})",
                    report.snapshot,
                    report.result,
                    counted(report.chunks, "chunk")
                ),
                Some(failure) => format!(
                    "{}: {}: {} [{}]",
                    report.snapshot, report.result, failure.reason, failure.code
                ),
            };
            job.watch.log(level(report.result), &line);
            found.note(
                job.wait(
                    job.ledger
                        .record_verification(job.task.id, job.session, &spec.datastore, &report),
                ),
                &report,
            );
        },
        &job.watch,
    )?;
    stats.snapshots_skipped = skipped;
    found.into_result(stats)
}

/// What a line about a snapshot is: whoever looks for errors in the log must find the bad ones.
fn level(result: VerifyResult) -> LogLevel {
    match result {
        VerifyResult::Ok => LogLevel::Info,
        VerifyResult::Stale => LogLevel::Warn,
        VerifyResult::Corrupt | VerifyResult::Missing => LogLevel::Error,
    }
}

/// What a verification of a whole scope looks at.
struct Due {
    /// The snapshots that were not verified within `keep-verified`, or not well.
    paths: Vec<SnapshotPath>,
    /// How many others there are.
    skipped: u64,
}

fn due(
    job: &JobContext,
    spec: &VerifySpec,
    datastore: &ironcore_store::Datastore,
) -> Result<Due, EngineError> {
    let filter = match &spec.namespace {
        Some(namespace) => SnapshotFilter {
            namespace: Some(namespace.clone()),
            ..SnapshotFilter::default()
        },
        None => SnapshotFilter::default(),
    };
    let all = match job.owned(&spec.datastore, datastore, filter)? {
        Some(filter) => datastore.snapshots(&filter)?,
        None => Vec::new(),
    };
    let in_scope = all.len();
    let known = job.wait(job.ledger.verifications(&spec.datastore, None))?;
    let window = job.object(&spec.datastore)?.keep_verified.duration();
    let fresh_since = job.watch.now().before(window);
    let paths: Vec<SnapshotPath> = all
        .into_iter()
        .map(|info| info.path)
        .filter(|path| {
            spec.again
                || !known.iter().any(|row| {
                    row.report.snapshot == *path
                        && row.report.result == VerifyResult::Ok
                        && row.report.depth >= spec.depth
                        && row.report.started >= fresh_since
                })
        })
        .collect();
    let skipped = in_scope - paths.len();
    let window = ironcore_types::Span::new(window);
    let to_verify = format!("{} to verify", counted(paths.len(), "snapshot"));
    job.info(match skipped {
        0 => to_verify,
        1 => format!("{to_verify}; 1 was verified OK within {window}"),
        _ => format!("{to_verify}; {skipped} were verified OK within {window}"),
    });
    Ok(Due {
        paths,
        skipped: u64::try_from(skipped).unwrap_or(u64::MAX),
    })
}

#[derive(Default)]
struct Found {
    checked: u64,
    bad: u64,
    first: Option<(ErrorCode, String)>,
    unrecorded: Option<EngineError>,
}

impl Found {
    fn note(&mut self, recorded: Result<(), EngineError>, report: &VerifyReport) {
        self.checked += 1;
        if report.result.is_bad() {
            self.bad += 1;
            let (code, reason) = match &report.failure {
                Some(failure) => (failure.code, failure.reason.as_str()),
                None => (ErrorCode::ManifestInvalid, "no reason given"),
            };
            self.first.get_or_insert_with(|| {
                (
                    code,
                    format!("{} is {}: {reason}", report.snapshot, report.result),
                )
            });
        }
        if let Err(error) = recorded {
            self.unrecorded.get_or_insert(error);
        }
    }

    fn into_result(self, stats: TaskStats) -> Result<TaskStats, EngineError> {
        match (self.first, self.unrecorded) {
            // A result that nobody can look up later must not pass for a verification.
            (_, Some(error)) => Err(error),
            (Some((code, first)), None) => Err(EngineError::BadSnapshots {
                code,
                bad: self.bad,
                checked: self.checked,
                first,
                stats: Box::new(stats),
            }),
            (None, None) => Ok(stats),
        }
    }
}
