//! One task from claim to end: the work on a blocking thread, its log and progress carried to the ledger
//! meanwhile, and its end written, fenced, with everything that follows from it.

use std::sync::Arc;
use std::time::Duration;

use ironcore_ledger::model::{LogLevel, Outcome, Task};
use ironcore_ledger::{Ledger, LedgerError};
use ironcore_types::event::ErrorData;
use ironcore_types::progress::TaskStats;
use ironcore_types::{ErrorCode, SessionId, TaskState, Timestamp};
use tokio::task::{JoinError, JoinSet};

use super::context::{Stop, TaskContext};
use crate::error::EngineError;
use crate::jobs::{self, JobContext};
use crate::stores::Stores;

/// How often the log is carried to the ledger.
const FLUSH_EVERY: Duration = Duration::from_millis(200);
/// Every how many flushes progress goes along: once a second.
const PROGRESS_EVERY: u32 = 5;

/// What one task's run needs.
#[derive(Debug)]
pub(crate) struct Runner {
    pub(crate) ledger: Ledger,
    pub(crate) stores: Stores,
    pub(crate) session: SessionId,
    pub(crate) cancel_grace: Duration,
}

type Done = Result<Result<TaskStats, EngineError>, JoinError>;

impl Runner {
    /// Does `task`. Everything that goes wrong is written as the task's end.
    pub(crate) async fn run(&self, task: Task, context: TaskContext) {
        let task = Arc::new(task);
        context.log(
            LogLevel::Info,
            &format!("{} {} begins", task.spec.task_type(), task.spec.worker_id()),
        );
        let job = JobContext {
            ledger: self.ledger.clone(),
            stores: self.stores.clone(),
            session: self.session,
            task: Arc::clone(&task),
            watch: context.clone(),
            runtime: tokio::runtime::Handle::current(),
        };
        let mut work = JoinSet::new();
        work.spawn_blocking(move || jobs::perform(&job));
        let deadline = self.deadline(&task).await;
        let done = self.attend(&task, &context, deadline, &mut work).await;
        // A thread that did not stop in time is left to itself.
        work.detach_all();
        if context.stop_reason() == Some(Stop::Lost) {
            tracing::warn!(upid = %task.upid, "lost the task's lease; its end is not ours to write");
            return;
        }
        self.finish(&task, &context, done).await;
    }

    /// When the task has to be over, by its job as it is declared now.
    async fn deadline(&self, task: &Task) -> Option<Timestamp> {
        let (project, name) = task.project.as_ref().zip(task.job.as_ref())?;
        match self.ledger.job(project, name).await {
            Ok(job) => Some(task.started?.after(job?.timeout?.duration())),
            Err(error) => {
                tracing::warn!(upid = %task.upid, %error, "the task's time limit could not be looked up; it has none");
                None
            }
        }
    }

    /// Carries log and progress while the work goes on. None: it had to stop and did not within its grace.
    async fn attend(
        &self,
        task: &Task,
        context: &TaskContext,
        deadline: Option<Timestamp>,
        work: &mut JoinSet<Result<TaskStats, EngineError>>,
    ) -> Option<Done> {
        let mut flushes: u32 = 0;
        let grace = async {
            context.stopped().await;
            tokio::time::sleep(self.cancel_grace).await;
        };
        tokio::pin!(grace);
        let overdue = context.at(deadline);
        tokio::pin!(overdue);
        let mut in_time = true;
        loop {
            tokio::select! {
                done = work.join_next() => return done,
                () = &mut grace => return None,
                () = &mut overdue, if in_time => {
                    in_time = false;
                    context.log(LogLevel::Warn, "it takes longer than its job allows, and is stopped");
                    context.stop(Stop::TimedOut);
                    continue;
                }
                () = tokio::time::sleep(FLUSH_EVERY) => {}
                () = context.full() => {}
            }
            flushes = flushes.wrapping_add(1);
            self.flush(task, context, flushes % PROGRESS_EVERY == 1).await;
        }
    }

    /// Writes what is pending; what could not be written is kept for the next time.
    async fn flush(&self, task: &Task, context: &TaskContext, with_progress: bool) {
        let pending = context.take(with_progress);
        if let Some(progress) = pending.progress
            && let Err(error) = self.ledger.set_progress(task.id, self.session, &progress).await
        {
            tracing::warn!(upid = %task.upid, %error, "progress could not be written");
        }
        if !pending.lines.is_empty()
            && let Err(error) = self
                .ledger
                .append_log(task.id, self.session, &pending.lines)
                .await
        {
            if matches!(error, LedgerError::Fenced(_) | LedgerError::Final { .. }) {
                context.stop(Stop::Lost);
            } else {
                tracing::warn!(upid = %task.upid, %error, "log lines could not be written; kept for later");
                context.put_back(pending.lines);
            }
        }
    }

    async fn finish(&self, task: &Task, context: &TaskContext, done: Option<Done>) {
        let (stats, error) = match done {
            Some(Ok(Ok(stats))) => (stats, None),
            Some(Ok(Err(error))) => (error.stats(), Some(error)),
            Some(Err(panic)) => (
                TaskStats::default(),
                Some(EngineError::Internal(panic.to_string())),
            ),
            None => (TaskStats::default(), Some(EngineError::Cancelled)),
        };
        let (progress, warnings, warning_count) = context.summary();
        let end = match decide(context.stop_reason(), error, warning_count) {
            None => {
                context.log(LogLevel::Warn, "this worker shuts down; the task is handed over");
                End::HandOver
            }
            Some((state, error)) => {
                match (&state, &error) {
                    (TaskState::Failed, Some(error)) => {
                        context.log(LogLevel::Error, &format!("{} [{}]", error.message, error.code));
                    }
                    (TaskState::Cancelled, _) => context.log(LogLevel::Warn, "cancelled"),
                    _ => {}
                }
                let line = format!("ended {}: {}", state.shown(), summary(&stats, warning_count));
                context.log(LogLevel::Info, &line);
                End::Outcome(Box::new(Outcome {
                    state,
                    error,
                    stats,
                    warnings,
                    warning_count,
                    progress,
                }))
            }
        };
        let mut tries: u32 = 0;
        loop {
            self.flush(task, context, false).await;
            let written = match &end {
                End::Outcome(outcome) => {
                    self.ledger
                        .finish(task.id, self.session, (**outcome).clone())
                        .await
                }
                End::HandOver => self.ledger.hand_over(task.id, self.session).await,
            };
            match written {
                Ok(_) => return,
                Err(LedgerError::Fenced(_) | LedgerError::Final { .. }) => {
                    tracing::warn!(upid = %task.upid, "the task was ended by somebody else");
                    return;
                }
                Err(error) => {
                    tries += 1;
                    tracing::error!(upid = %task.upid, %error, tries, "the end could not be written; trying again");
                    // Past the lease the ledger ends it as lost; then we are told that we are fenced.
                    tokio::time::sleep(Duration::from_millis(200 * u64::from(tries.min(25)))).await;
                }
            }
        }
    }
}

/// What is written at the end of a run.
enum End {
    /// How it ended.
    Outcome(Box<Outcome>),
    /// That somebody else shall do it again.
    HandOver,
}

/// How a task ended, from why it stopped, what its work said and whether there were warnings. None: it was only
/// stopped because the worker shuts down.
fn decide(
    stop: Option<Stop>,
    error: Option<EngineError>,
    warnings: u64,
) -> Option<(TaskState, Option<ErrorData>)> {
    let data = |error: &EngineError| ErrorData {
        code: error.code(),
        message: error.to_string(),
    };
    match (error, stop) {
        (None, _) if warnings > 0 => Some((TaskState::Warning, None)),
        (None, _) => Some((TaskState::Ok, None)),
        (Some(error), Some(Stop::Cancelled)) if error.code() == ErrorCode::TaskCancelled => {
            Some((TaskState::Cancelled, None))
        }
        (Some(error), Some(Stop::Shutdown)) if error.code() == ErrorCode::TaskCancelled => None,
        (Some(error), Some(Stop::TimedOut)) if error.code() == ErrorCode::TaskCancelled => {
            let error = ErrorData {
                code: ErrorCode::TaskTimeout,
                message: "the task took longer than its job allows".to_owned(),
            };
            Some((TaskState::Failed, Some(error)))
        }
        (Some(error), _) => Some((TaskState::Failed, Some(data(&error)))),
    }
}

fn summary(stats: &TaskStats, warnings: u64) -> String {
    let mut parts = vec![format!("{} bytes", stats.bytes)];
    let counted = [
        (stats.bytes_stored, "bytes stored"),
        (stats.files, "files"),
        (stats.files_unchanged, "files unchanged"),
        (stats.chunks, "chunks"),
        (stats.chunks_known, "chunks known"),
        (stats.snapshots, "snapshots"),
        (stats.snapshots_affected, "snapshots affected"),
        (stats.snapshots_skipped, "snapshots skipped"),
        (warnings, "warnings"),
    ];
    parts.extend(
        counted
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{n} {what}")),
    );
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_follows_from_what_happened() {
        let state = |stop, error, warnings| decide(stop, error, warnings).map(|(state, _)| state);
        assert_eq!(state(None, None, 0), Some(TaskState::Ok));
        assert_eq!(state(None, None, 2), Some(TaskState::Warning));
        // Work that was done before it heard of the cancel is done.
        assert_eq!(state(Some(Stop::Cancelled), None, 0), Some(TaskState::Ok));
        let cancelled = || Some(EngineError::Cancelled);
        assert_eq!(
            state(Some(Stop::Cancelled), cancelled(), 0),
            Some(TaskState::Cancelled)
        );
        // A real fault stays one, even when a cancel came at the same time.
        let fault = || Some(EngineError::Internal("x".to_owned()));
        assert_eq!(state(Some(Stop::Cancelled), fault(), 0), Some(TaskState::Failed));
        assert_eq!(state(Some(Stop::Shutdown), fault(), 0), Some(TaskState::Failed));
        assert_eq!(state(Some(Stop::Shutdown), cancelled(), 0), None);
        let late = decide(Some(Stop::TimedOut), cancelled(), 0).expect("an end");
        assert_eq!(
            (late.0, late.1.map(|e| e.code)),
            (TaskState::Failed, Some(ErrorCode::TaskTimeout))
        );
    }
}
