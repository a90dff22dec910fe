//! Single runs: whether one begins late or takes too long. Who does a run asks too, for much can happen between two
//! looks of the watch.

use std::time::Duration;

use ironcore_ledger::Ledger;
use ironcore_ledger::model::{Condition, NewEvent, QueuedRun, RunningRun, Task};
use ironcore_types::objects::Job;
use ironcore_types::{TaskState, Timestamp};

use super::tell;
use crate::error::EngineError;
use crate::scheduler::rule;

/// Prefix of the keys of runs that take too long.
pub(super) const OVERRUN: &str = "overrun/";

/// Good runs that say how long a job usually takes.
const USUAL: u32 = 10;
/// Fewer of them say nothing.
const FEWEST: usize = 3;
/// No run is told of that takes less, however quick its job usually is.
const LEAST: Duration = Duration::from_secs(60);

/// What is told of a run that takes too long by now, or took too long when its work is `over`; nothing of one that has
/// ended.
pub(super) async fn takes_too_long(
    ledger: &Ledger,
    job: &Job,
    run: &RunningRun,
    now: Timestamp,
    over: bool,
) -> Result<Option<NewEvent>, EngineError> {
    let takes = now.since(run.started);
    let limit = match job.warn_after {
        Some(span) => Limit::Set(span.duration()),
        None if takes <= LEAST => return Ok(None),
        None => {
            let runs = ledger.good_runs(&run.project, &run.job, USUAL).await?;
            match usual(runs.iter().map(|run| run.ended.since(run.started)).collect()) {
                Some(limit) => limit,
                None => return Ok(None),
            }
        }
    };
    if takes <= limit.span() {
        return Ok(None);
    }
    let task = ledger.task_by_id(run.task).await?;
    let task = task.filter(|task| task.state == TaskState::Running);
    Ok(task.map(|task| tell::overrun(job, &task, limit, over)))
}

/// Tells of a run that begins now, if it was to begin longer ago than its job allows and no watch saw it wait.
pub(crate) async fn tell_late(
    ledger: &Ledger,
    job: &Job,
    task: &Task,
    now: Timestamp,
) -> Result<(), EngineError> {
    if !task.automatic || task.retry_of.is_some() {
        return Ok(());
    }
    let scheduled_for = task.scheduled_for.unwrap_or(task.queued);
    let run = QueuedRun {
        task: task.id,
        upid: task.upid.clone(),
        project: job.project.clone(),
        job: job.name.clone(),
        scheduled_for,
        due: task.not_before.map_or(scheduled_for, |at| at.max(scheduled_for)),
    };
    if is_late(job, &run, now) {
        let event = tell::began_late(job, &run, task, now);
        ledger.open_condition(&Condition::late(&task.upid), event).await?;
    }
    Ok(())
}

/// Tells of a run that is about to end, if it took too long and no watch looked in time.
pub(crate) async fn tell_overrun(
    ledger: &Ledger,
    job: &Job,
    task: &Task,
    now: Timestamp,
) -> Result<(), EngineError> {
    let Some(started) = task.started else {
        return Ok(());
    };
    let run = RunningRun {
        task: task.id,
        upid: task.upid.clone(),
        project: job.project.clone(),
        job: job.name.clone(),
        started,
    };
    if let Some(event) = takes_too_long(ledger, job, &run, now, true).await? {
        ledger
            .open_condition(&format!("{OVERRUN}{}", task.upid), event)
            .await?;
    }
    Ok(())
}

/// Ticks that are looked at to find one that the job does not leave out.
const LOOKED_AT: usize = 1_000;

/// Whether ticks of a job wait to be fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfired {
    /// No tick whose run is to begin.
    Nothing,
    /// One whose run may begin later.
    Waits,
    /// The run of this tick was to begin longer ago than the job allows.
    Late(Timestamp),
}

/// What is to be said of the first tick of `job` after `until` whose run it does not leave out.
pub(super) fn unfired(job: &Job, until: Timestamp, now: Timestamp) -> Unfired {
    let Some((calendar, zone)) = rule(job).ok().flatten() else {
        return Unfired::Nothing;
    };
    let mut at = until;
    for _ in 0..LOOKED_AT {
        let Some(tick) = calendar.next_after(at, &zone).filter(|tick| *tick <= now) else {
            return Unfired::Nothing;
        };
        if let Some(begins) = job.to_begin(tick) {
            let late = now.since(begins) > job.grace.duration() && job.blackout_at(now).is_none();
            return if late { Unfired::Late(tick) } else { Unfired::Waits };
        }
        at = tick;
    }
    Unfired::Nothing
}

/// Whether a run that waits was to begin longer ago than its job allows. In a blackout window it is not to begin.
pub(super) fn is_late(job: &Job, run: &QueuedRun, now: Timestamp) -> bool {
    now.since(due(job, run)) > job.grace.duration() && job.blackout_at(now).is_none()
}

/// When a run was to begin: what a blackout window or a delay held, not before that was over, be it that nobody was there to
/// put it into the queue before.
fn due(job: &Job, run: &QueuedRun) -> Timestamp {
    let by_rule = job.to_begin(run.scheduled_for).filter(|_| job.schedule.is_some());
    by_rule.map_or(run.due, |begins| run.due.max(begins))
}

/// How long a run may take before that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// So long, by the job's own word.
    Set(Duration),
    /// Three times what the job usually takes, which is this.
    Usual(Duration),
}

impl Limit {
    pub(super) fn span(self) -> Duration {
        match self {
            Self::Set(span) => span,
            Self::Usual(median) => median.saturating_mul(3).max(LEAST),
        }
    }
}

/// What the durations of good runs say; nothing when they are few.
fn usual(mut durations: Vec<Duration>) -> Option<Limit> {
    if durations.len() < FEWEST {
        return None;
    }
    durations.sort();
    let upper = durations.len() / 2;
    let median = if durations.len() % 2 == 1 {
        durations[upper]
    } else {
        (durations[upper - 1] + durations[upper]) / 2
    };
    Some(Limit::Usual(median))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironcore_types::TaskId;

    fn job(more: &str, task: &str) -> Job {
        let text = format!(
            r#"{{"project": "acme", "name": "daily", "owner": "root@local", {more}
                "task": {{"type": "{task}", "datastore": "ibs-primary", {rest}}}}}"#,
            rest = match task {
                "backup" => r#""backup-id": "a", "source": {"tree": "/srv"}"#,
                _ => r#""dry-run": false"#,
            }
        );
        serde_json::from_str(&text).expect("a job")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn queued(scheduled_for: &str, due: &str) -> QueuedRun {
        QueuedRun {
            task: TaskId(7),
            upid: "UPID:hub1:00000D1C:0001A2B3:00000007:6A0E5F80:backup:a:root@local:"
                .parse()
                .expect("a UPID"),
            project: "acme".parse().expect("a name"),
            job: "daily".parse().expect("a name"),
            scheduled_for: at(scheduled_for),
            due: at(due),
        }
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn a_run_is_late_when_its_grace_is_over() {
        let job = job(r#""grace": "15m","#, "backup");
        let run = queued("2026-05-21T02:00:00Z", "2026-05-21T02:00:00Z");
        assert!(!is_late(&job, &run, at("2026-05-21T02:15:00Z")));
        assert!(is_late(&job, &run, at("2026-05-21T02:15:01Z")));
    }

    #[test]
    fn a_run_that_was_to_wait_is_not_late_meanwhile() {
        let run = queued("2026-05-21T02:00:00Z", "2026-05-21T02:40:00Z");
        let delayed = job(r#""randomized-delay": "1h","#, "backup");
        assert!(!is_late(&delayed, &run, at("2026-05-21T02:50:00Z")));
        let dark = job(r#""blackout": [{"from": "02:00", "lasts": "4h"}],"#, "backup");
        assert!(!is_late(&dark, &run, at("2026-05-21T05:59:00Z")));
        assert!(is_late(&dark, &run, at("2026-05-21T06:00:00Z")));
    }

    #[test]
    fn what_is_usual_is_the_middle_of_enough_runs() {
        assert_eq!(usual(vec![minutes(10), minutes(10)]), None);
        let odd = usual(vec![minutes(90), minutes(10), minutes(12)]).expect("enough");
        assert_eq!(odd, Limit::Usual(minutes(12)));
        assert_eq!(odd.span(), minutes(36));
        let even = usual(vec![minutes(14), minutes(10), minutes(90), minutes(12)]).expect("enough");
        assert_eq!(even, Limit::Usual(minutes(13)));
        let quick = usual(vec![Duration::from_secs(1); 10]).expect("enough");
        assert_eq!(quick.span(), LEAST, "a few seconds more are nothing to tell");
    }
}
