//! One task from claim to end: the work on a blocking thread, its log and progress carried to the ledger
//! meanwhile, and its end written, fenced, with everything that follows from it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ironcore_ledger::model::{LogLevel, Outcome, Task};
use ironcore_ledger::{Ledger, LedgerError};
use ironcore_store::Watch as _;
use ironcore_types::event::ErrorData;
use ironcore_types::job::{Command, Job, OnCommandFailure};
use ironcore_types::progress::{Stage, TaskStats, Warning};
use ironcore_types::{ErrorCode, Moment, SessionId, TaskState};
use tokio::task::{JoinError, JoinSet};

use super::command::{Call, Fault};
use super::context::{Stop, TaskContext};
use super::guard::Guard;
use crate::error::EngineError;
use crate::jobs::{self, JobContext};
use crate::stores::Stores;
use crate::watch::{tell_late, tell_overrun};

/// How often the log is carried to the ledger.
const FLUSH_EVERY: Duration = Duration::from_millis(200);
/// Every how many flushes progress goes along: once a second.
const PROGRESS_EVERY: u32 = 5;

/// How often the end of the log is tried before the task ends without it.
const LOG_TRIES: u32 = 10;

/// What one task's run needs.
#[derive(Debug)]
pub(crate) struct Runner {
    pub(crate) ledger: Ledger,
    pub(crate) stores: Stores,
    pub(crate) session: SessionId,
    pub(crate) cancel_grace: Duration,
    /// The folder of commands.
    pub(crate) commands: PathBuf,
    /// What stands between this process and commands.
    pub(crate) guard: Option<Guard>,
}

type Done = Result<Result<TaskStats, EngineError>, JoinError>;

impl Runner {
    /// Does `task`. Everything that goes wrong is written as the task's end.
    pub(crate) async fn run(&self, task: Task, context: TaskContext) {
        let task = Arc::new(task);
        let begun = context.moment();
        context.log(
            LogLevel::Info,
            &format!(
                "{} {} begins{}",
                task.spec.task_type(),
                task.spec.worker_id(),
                place(&task)
            ),
        );
        let (job, known) = match self.job(&task, &context).await {
            Ok(job) => (job, Ok(())),
            Err(error) => (None, Err(error)),
        };
        if let Some(job) = &job
            && let Err(error) = tell_late(&self.ledger, job, &task, context.now()).await
        {
            tracing::warn!(upid = %task.upid, %error, "whether the run begins late could not be told");
        }
        let deadline = job
            .as_ref()
            .and_then(|job| job.timeout)
            .map(|limit| begun.after(limit.duration()));
        let prepared = match (known, job.as_ref().and_then(|job| job.command_before.as_ref())) {
            (Err(error), _) => Err(error),
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(command)) => self.before(&task, &context, command, deadline).await,
        };
        let done = match prepared {
            Ok(()) => self.work(&task, &context, deadline).await,
            Err(error) => Some(Ok(Err(error))),
        };
        if context.stop_reason() == Some(Stop::Lost) {
            tracing::warn!(upid = %task.upid, "lost the task's lease; its end is not ours to write");
            return;
        }
        let mut end = end_of(&context, done);
        if let Some(command) = job.as_ref().and_then(|job| job.command_after.as_ref())
            && let End::Outcome(outcome) = &mut end
        {
            self.after(&task, &context, command, outcome).await;
        }
        if let (Some(job), End::Outcome(_)) = (&job, &end)
            && let Err(error) = tell_overrun(&self.ledger, job, &task, context.now()).await
        {
            tracing::warn!(upid = %task.upid, %error, "whether the run took too long could not be told");
        }
        self.finish(&task, &context, end).await;
    }

    /// The task's job, as it is declared now. Without knowing it nothing is done: a backup without the dump that was to
    /// come before it would look like a good one.
    async fn job(&self, task: &Task, context: &TaskContext) -> Result<Option<Job>, EngineError> {
        let Some((project, name)) = task.project.as_ref().zip(task.job.as_ref()) else {
            return Ok(None);
        };
        let mut tries: u32 = 0;
        loop {
            match self.ledger.job(project, name).await {
                Ok(job) => return Ok(job),
                Err(error @ LedgerError::Database(_)) if context.stop_reason().is_none() => {
                    tries += 1;
                    tracing::warn!(upid = %task.upid, %error, tries, "the task's job could not be looked up; trying again");
                    // As long as we have the lease.
                    tokio::time::sleep(Duration::from_millis(200 * u64::from(tries.min(25)))).await;
                }
                Err(_) if context.stop_reason().is_some() => return Err(EngineError::Cancelled),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Does what the task is for, on a blocking thread.
    async fn work(&self, task: &Arc<Task>, context: &TaskContext, deadline: Option<Moment>) -> Option<Done> {
        let job = JobContext {
            ledger: self.ledger.clone(),
            stores: self.stores.clone(),
            session: self.session,
            task: Arc::clone(task),
            watch: context.clone(),
            runtime: tokio::runtime::Handle::current(),
        };
        let mut work = JoinSet::new();
        work.spawn_blocking(move || jobs::perform(&job));
        let done = self
            .attend(task, context, deadline, work.join_next())
            .await
            .flatten();
        // A thread that did not stop in time is left to itself.
        work.detach_all();
        done
    }

    /// Runs the command before the task. An error says that the task is not to be done.
    async fn before(
        &self,
        task: &Task,
        context: &TaskContext,
        command: &Command,
        deadline: Option<Moment>,
    ) -> Result<(), EngineError> {
        let call = self.call(task, command, "before");
        context.progress(&command_stage(Stage::COMMAND_BEFORE));
        let run = call.run(context, context.stopped());
        let ended = self.attend(task, context, deadline, run).await;
        // The task's own first stage may begin later, and what lies between is no command's.
        context.end_stages();
        let fault = match ended {
            Some(Ok(())) => return Ok(()),
            Some(Err(fault)) if !fault.stopped => fault,
            _ => return Err(EngineError::Cancelled),
        };
        if command.on_failure == OnCommandFailure::Fail {
            return Err(EngineError::Command {
                code: fault.code,
                message: format!("the command before the task failed: {}", fault.message),
            });
        }
        note(context, "before", command, &fault);
        Ok(())
    }

    /// Runs the command after the task, and makes of its end what the policy says.
    async fn after(&self, task: &Task, context: &TaskContext, command: &Command, outcome: &mut Outcome) {
        let mut call = self.call(task, command, "after");
        call.about
            .push(("IRONCORE_STATUS", outcome.state.shown().to_owned()));
        if let Some(error) = &outcome.error {
            call.about.push(("IRONCORE_ERROR", error.code.to_string()));
        }
        // The task is over, so its own limit does not count: the command's does, and that the worker goes. Who cancels a
        // task that was not cancelled before means the command.
        context.progress(&command_stage(Stage::COMMAND_AFTER));
        let cancelled = async {
            match context.stop_reason() {
                None => context.stopped().await,
                Some(_) => std::future::pending().await,
            }
            if context.stop_reason() != Some(Stop::Cancelled) {
                std::future::pending::<()>().await;
            }
        };
        let stop = async {
            tokio::select! {
                () = context.leaving() => {}
                () = cancelled => {}
            }
        };
        let ended = {
            let run = call.run(context, stop);
            tokio::pin!(run);
            loop {
                tokio::select! {
                    ended = &mut run => break ended,
                    () = tokio::time::sleep(FLUSH_EVERY) => {}
                    () = context.full() => {}
                }
                let _later = self.flush(task, context, true).await;
            }
        };
        outcome.progress = context.summary().0;
        let Err(fault) = ended else { return };
        if fault.stopped
            && context.stop_reason() == Some(Stop::Cancelled)
            && outcome.state != TaskState::Cancelled
        {
            let what = "cancelled during the command after the task; what the task itself did is done";
            context.log(LogLevel::Warn, what);
            outcome.state = TaskState::Cancelled;
            outcome.error = None;
            return;
        }
        let went_well = matches!(outcome.state, TaskState::Ok | TaskState::Warning);
        if command.on_failure == OnCommandFailure::Fail && went_well {
            outcome.state = TaskState::Failed;
            outcome.error = Some(ErrorData {
                code: fault.code,
                message: format!(
                    "the command after the task failed: {}; what the task itself did is done",
                    fault.message
                ),
            });
            return;
        }
        note(context, "after", command, &fault);
        (_, outcome.warnings, outcome.warning_count) = context.summary();
        if outcome.state == TaskState::Ok && outcome.warning_count > 0 {
            outcome.state = TaskState::Warning;
        }
    }

    fn call<'a>(&'a self, task: &Task, command: &'a Command, phase: &'static str) -> Call<'a> {
        let mut about = vec![
            ("IRONCORE_UPID", task.upid.to_string()),
            ("IRONCORE_TYPE", task.task_type().to_string()),
            ("IRONCORE_USER", task.user.to_string()),
            ("IRONCORE_ATTEMPT", task.attempt.to_string()),
        ];
        let named = [
            ("IRONCORE_PROJECT", task.project.as_ref().map(ToString::to_string)),
            ("IRONCORE_JOB", task.job.as_ref().map(ToString::to_string)),
            ("IRONCORE_SOURCE", task.spec.source()),
            ("IRONCORE_TARGET", task.spec.target()),
        ];
        about.extend(named.into_iter().filter_map(|(name, value)| Some((name, value?))));
        Call {
            command,
            phase,
            folder: &self.commands,
            guard: self.guard.as_ref(),
            about,
        }
    }

    /// Carries log and progress while the work goes on. None: it had to stop and did not within its grace.
    async fn attend<T>(
        &self,
        task: &Task,
        context: &TaskContext,
        deadline: Option<Moment>,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut flushes: u32 = 0;
        let grace = async {
            context.stopped().await;
            tokio::time::sleep(self.cancel_grace).await;
        };
        tokio::pin!(grace, work);
        let overdue = context.at(deadline);
        tokio::pin!(overdue);
        let mut in_time = true;
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
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
            let _later = self.flush(task, context, flushes % PROGRESS_EVERY == 1).await;
        }
    }

    /// Writes what is pending, or the first part of it; what could not be written is kept for the next time, and then
    /// this is false.
    async fn flush(&self, task: &Task, context: &TaskContext, with_progress: bool) -> bool {
        let pending = context.take(with_progress);
        if let Some(progress) = pending.progress
            && let Err(error) = self.ledger.set_progress(task.id, self.session, &progress).await
        {
            tracing::warn!(upid = %task.upid, %error, "progress could not be written");
        }
        if pending.lines.is_empty() {
            return true;
        }
        let written = self.ledger.append_log(task.id, self.session, &pending.lines);
        match written.await {
            Ok(_) => true,
            Err(LedgerError::Fenced(_) | LedgerError::Final { .. }) => {
                context.stop(Stop::Lost);
                true
            }
            Err(error) => {
                tracing::warn!(upid = %task.upid, %error, "log lines could not be written; kept for later");
                context.put_back(pending.lines);
                false
            }
        }
    }

    async fn finish(&self, task: &Task, context: &TaskContext, end: End) {
        // How it ended is the last line, which the ledger writes with the end.
        context.end_log();
        let mut tries: u32 = 0;
        loop {
            while self.flush(task, context, false).await && context.has_lines() {}
            if context.has_lines() && tries < LOG_TRIES {
                // What the log says at its end is what people look for.
                tries += 1;
                tokio::time::sleep(Duration::from_millis(200 * u64::from(tries))).await;
                continue;
            }
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

/// How the work ended, as it will be written.
fn end_of(context: &TaskContext, done: Option<Done>) -> End {
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
    let stats = match error {
        // What did not come to its end has moved something all the same.
        Some(_) if stats.bytes == 0 => TaskStats {
            bytes: progress.stages.iter().map(|stage| stage.bytes).max().unwrap_or(0),
            ..stats
        },
        _ => stats,
    };
    match decide(context.stop_reason(), error, warning_count) {
        None => End::HandOver,
        Some((state, error)) => End::Outcome(Box::new(Outcome {
            state,
            error,
            stats,
            warnings,
            warning_count,
            progress,
        })),
    }
}

/// Where the task runs.
fn place(task: &Task) -> String {
    task.node
        .as_ref()
        .map_or_else(String::new, |node| format!(" on {node}"))
}

/// A command, as one of the stages of its task: how long it takes, and nothing else, is known of it.
fn command_stage(name: &str) -> Stage {
    Stage {
        name: name.to_owned(),
        ..Stage::default()
    }
}

/// A command that failed, where that does not fail the task.
fn note(context: &TaskContext, phase: &str, command: &Command, fault: &Fault) {
    let message = format!("the command {phase} the task failed: {}", fault.message);
    if command.on_failure == OnCommandFailure::Ignore {
        context.log(LogLevel::Info, &format!("{message} [{}]", fault.code));
        return;
    }
    context.warn(Warning {
        code: fault.code,
        path: command.run.first().cloned(),
        message,
    });
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
