//! Whether and when an attempt that ended is followed by another.

use std::time::Duration;

use ironcore_types::objects::Job;
use ironcore_types::{ErrorCode, TaskState, Timestamp};

use crate::model::{NewTask, Task};

const LONGEST: Duration = Duration::from_secs(3600);

/// Who decides about a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryBy {
    /// The job's policy.
    Policy,
    /// The attempt was given back by a process that stops: it goes on as soon as somebody can.
    HandOver,
}

/// A further attempt: the task to enqueue and its number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Retry {
    pub(crate) new: NewTask,
    pub(crate) attempt: u32,
}

/// The attempt after `task`, which ended at `now`; `job` is its job as declared now.
pub(crate) fn retry(task: &Task, job: Option<&Job>, by: RetryBy, now: Timestamp) -> Option<Retry> {
    if task.state != TaskState::Failed || task.cancel_by.is_some() {
        return None;
    }
    let (attempt, not_before) = match by {
        RetryBy::HandOver => (task.attempt, None),
        RetryBy::Policy => {
            // A run whose worker died says nothing about the job: it gets one more try whatever the policy, but not
            // for ever, for it may be what killed the worker.
            let lost = task
                .error
                .as_ref()
                .is_some_and(|error| error.code == ErrorCode::WorkerLost);
            let allowed = |job: &Job| if lost { job.retries.max(1) } else { job.retries };
            // Of a paused job it waits as its other runs do; what a person started does not.
            let job = job.filter(|job| task.attempt <= allowed(job))?;
            // Nor is there anything to wait for.
            let at = if lost {
                now
            } else {
                now.after(delay(job, task.attempt))
            };
            let dark = task.automatic.then(|| job.blackout_at(at)).flatten();
            (task.attempt + 1, Some(dark.unwrap_or(at)))
        }
    };
    let new = NewTask {
        project: task.project.clone(),
        job: task.job.clone(),
        user: task.user.clone(),
        spec: task.spec.clone(),
        retry_of: Some(task.upid.clone()),
        not_before,
        automatic: task.automatic,
    };
    Some(Retry { new, attempt })
}

/// The job's delay, doubled for each attempt after the first, up to an hour (or the delay itself when longer).
fn delay(job: &Job, attempt: u32) -> Duration {
    let first = job.retry_delay.duration();
    let factor = 2_u32.saturating_pow(attempt.saturating_sub(1).min(30));
    first
        .checked_mul(factor)
        .unwrap_or(LONGEST)
        .min(LONGEST.max(first))
}
