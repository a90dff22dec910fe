//! Runs that do not begin, runs that do not end, jobs without a good backup, and a scheduler that stays paused.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ironcore_ledger::Ledger;
use ironcore_ledger::model::{Condition, GoodRun, JobCursor, QueuedRun, Service, SnapshotWindow, WaitReason};
use ironcore_types::objects::Job;
use ironcore_types::{JobName, ProjectName, TaskId, TaskSpec, TaskState, Timestamp};

use super::runs::{OVERRUN, Unfired, is_late, takes_too_long, unfired};
use super::{WatchOptions, close_others, open_keys, tell};
use crate::error::EngineError;

const OVERDUE: &str = "overdue/";

/// How many good runs are looked at for one whose snapshot is still good.
const LOOKED_AT: u32 = 50;
/// By how much the clocks of hubs may differ.
const AHEAD: Duration = Duration::from_secs(60);
/// How long whoever has come up has to begin its work before that is missed.
const SETTLE: Duration = Duration::from_secs(30);
/// Conditions that are opened in one transaction.
const AT_ONCE: usize = 200;

/// Looks at jobs and their runs.
#[derive(Debug)]
pub(super) struct Jobs {
    ledger: Ledger,
    options: WatchOptions,
}

type ByName<'a> = BTreeMap<(&'a ProjectName, &'a JobName), &'a Job>;

impl Jobs {
    pub(super) fn new(ledger: Ledger, options: WatchOptions) -> Self {
        Self { ledger, options }
    }

    pub(super) async fn look(&self, now: Timestamp) -> Result<(), EngineError> {
        let open = open_keys(&self.ledger, "").await?;
        let jobs = self.ledger.jobs(None).await?;
        let by_name: ByName<'_> = jobs.iter().map(|job| ((&job.project, &job.name), job)).collect();
        self.paused(&open, now).await?;
        self.unfired(&open, now).await?;
        self.late(&open, &by_name, now).await?;
        self.overrun(&open, &by_name, now).await?;
        self.overdue(&open, &jobs, now).await
    }

    async fn paused(&self, open: &BTreeSet<String>, now: Timestamp) -> Result<(), EngineError> {
        let since = self.ledger.scheduler_paused().await?;
        let after = self.options.paused_warning;
        // Hubs may differ in how long is too long: it is over when the scheduler goes on, which who resumes it says.
        if since.is_some_and(|since| now.since(since) > after) && !open.contains(Condition::PAUSED) {
            self.ledger
                .open_condition(Condition::PAUSED, tell::paused(after))
                .await?;
        }
        Ok(())
    }

    /// Runs that are not even in the queue, for nobody puts them there.
    async fn unfired(&self, open: &BTreeSet<String>, now: Timestamp) -> Result<(), EngineError> {
        let mut hold = BTreeSet::new();
        if let Some(why) = self.nobody_fires().await? {
            let mut new = Vec::new();
            for JobCursor { job, until } in self.ledger.cursors().await? {
                let key = Condition::unfired(&job.project, &job.name);
                // Once told, it is so until somebody fires it, be it that a window began meanwhile.
                match (unfired(&job, until, now), open.contains(&key)) {
                    (Unfired::Nothing, _) | (Unfired::Waits, false) => continue,
                    (_, true) => {}
                    (Unfired::Late(tick), false) => new.push((key.clone(), tell::unfired(&job, tick, &why))),
                }
                hold.insert(key);
            }
            for some in new.chunks(AT_ONCE) {
                self.ledger.open_conditions(some.to_vec()).await?;
            }
        }
        close_others(&self.ledger, Condition::UNFIRED, open, &hold).await
    }

    /// Why no tick fires; None while somebody sees to them.
    async fn nobody_fires(&self) -> Result<Option<String>, EngineError> {
        if let Some(since) = self.ledger.scheduler_paused().await? {
            return Ok(Some(format!(
                "the scheduler is paused since {}",
                tell::whole(since)
            )));
        }
        // Whoever has just come up is about to see to them.
        if self.ledger.within_reach() < SETTLE {
            return Ok(None);
        }
        let sessions = self.ledger.sessions().await?;
        let lives = sessions
            .iter()
            .any(|session| session.services.contains(&Service::Scheduler) && !session.silent);
        Ok((!lives).then(|| "no scheduler is online".to_owned()))
    }

    async fn late(
        &self,
        open: &BTreeSet<String>,
        jobs: &ByName<'_>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let queued = self.ledger.late_starts(now).await?;
        let mut hold = BTreeSet::new();
        let mut new = Vec::new();
        for run in &queued {
            let Some(job) = jobs.get(&(&run.project, &run.job)) else {
                continue;
            };
            let key = Condition::late(&run.upid);
            // Once told, it is so until the run begins, whatever windows come meanwhile.
            if open.contains(&key) {
                hold.insert(key);
            } else if is_late(job, run, now) {
                new.push((key.clone(), *job, run));
                hold.insert(key);
            }
        }
        for some in new.chunks(AT_ONCE) {
            self.tell_late(some).await?;
        }
        // Who begins it tells that it is late, unless that was told before: it stays so until the run has ended.
        let running = self.ledger.running_runs().await?;
        hold.extend(running.iter().map(|run| Condition::late(&run.upid)));
        close_others(&self.ledger, Condition::LATE, open, &hold).await
    }

    async fn tell_late(&self, new: &[(String, &Job, &QueuedRun)]) -> Result<(), EngineError> {
        let mut tasks = Vec::with_capacity(new.len());
        for (_, _, run) in new {
            tasks.extend(self.ledger.task_by_id(run.task).await?);
        }
        let waits: BTreeMap<TaskId, WaitReason> = self
            .ledger
            .waiting(&tasks)
            .await?
            .into_iter()
            .map(|waiting| (waiting.task, waiting.reason))
            .collect();
        let mut told = Vec::with_capacity(new.len());
        for (key, job, run) in new {
            let found = tasks.iter().find(|task| task.id == run.task);
            // It may have begun since.
            if let Some(task) = found.filter(|task| task.state == TaskState::Queued) {
                told.push((key.clone(), tell::late(job, run, task, waits.get(&run.task))));
            }
        }
        self.ledger.open_conditions(told).await?;
        Ok(())
    }

    async fn overrun(
        &self,
        open: &BTreeSet<String>,
        jobs: &ByName<'_>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let mut hold = BTreeSet::new();
        for run in self.ledger.running_runs().await? {
            let key = format!("{OVERRUN}{}", run.upid);
            if !open.contains(&key)
                && let Some(job) = jobs.get(&(&run.project, &run.job))
                && let Some(event) = takes_too_long(&self.ledger, job, &run, now, false).await?
            {
                self.ledger.open_condition(&key, event).await?;
            }
            // Once told, it is so until the run has ended.
            hold.insert(key);
        }
        close_others(&self.ledger, OVERRUN, open, &hold).await
    }

    async fn overdue(
        &self,
        open: &BTreeSet<String>,
        jobs: &[Job],
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let promised: BTreeMap<(ProjectName, JobName), (&Job, Duration)> = jobs
            .iter()
            .filter_map(|job| Some(((job.project.clone(), job.name.clone()), (job, promise(job)?))))
            .collect();
        let names: Vec<_> = promised.keys().cloned().collect();
        let found = self.ledger.freshness(&names).await?;
        let mut windows = Vec::new();
        for fresh in &found {
            if let Some((job, _)) = promised.get(&(fresh.project.clone(), fresh.job.clone())) {
                windows.extend(fresh.newest.as_ref().and_then(|run| window(job, run)));
            }
        }
        let bad = self.ledger.bad_snapshots(&windows).await?;
        let mut hold = BTreeSet::new();
        for fresh in found {
            let name = (fresh.project, fresh.job);
            let Some((job, promise)) = promised.get(&name).copied() else {
                continue;
            };
            let good = match fresh.newest {
                Some(run) if !is_good(job, &run, &bad, now) => self.older(job, now).await?,
                newest => newest,
            };
            let last = good.map(|run| run.started);
            let since = last.map_or(fresh.declared, |last| last.max(fresh.declared));
            if now.since(since) > promise {
                let key = format!("{OVERDUE}{}/{}", name.0, name.1);
                if !open.contains(&key) {
                    let event = tell::overdue(job, promise, last);
                    self.ledger.open_condition(&key, event).await?;
                }
                hold.insert(key);
            }
        }
        close_others(&self.ledger, OVERDUE, open, &hold).await
    }

    /// The newest run whose snapshot is still good, when that is not the newest of all.
    async fn older(&self, job: &Job, now: Timestamp) -> Result<Option<GoodRun>, EngineError> {
        let runs = self.ledger.good_runs(&job.project, &job.name, LOOKED_AT).await?;
        let windows: Vec<SnapshotWindow> = runs.iter().filter_map(|run| window(job, run)).collect();
        let bad = self.ledger.bad_snapshots(&windows).await?;
        Ok(runs.into_iter().find(|run| is_good(job, run, &bad, now)))
    }
}

/// The recovery-point objective of a job that makes or fetches snapshots.
fn promise(job: &Job) -> Option<Duration> {
    let makes = matches!(job.task, TaskSpec::Backup(_) | TaskSpec::Sync(_));
    job.recovery_point.filter(|_| makes).map(|span| span.duration())
}

/// Where the snapshot of a run of a backup lies.
fn window(job: &Job, run: &GoodRun) -> Option<SnapshotWindow> {
    let TaskSpec::Backup(spec) = &job.task else {
        return None;
    };
    Some(SnapshotWindow {
        task: run.task,
        datastore: spec.datastore.clone(),
        group: spec.group(),
        from: run.started,
        until: run.ended,
    })
}

/// Whether something came of a run that can be relied on. A sync that found nothing to copy is as good as one that did;
/// a backup that made no snapshot, because its optional source was not there, is not. Nor is one of a clock that was
/// ahead: nobody knows when it was.
fn is_good(job: &Job, run: &GoodRun, bad: &BTreeSet<TaskId>, now: Timestamp) -> bool {
    let made = run.snapshots > 0 || matches!(job.task, TaskSpec::Sync(_));
    made && !bad.contains(&run.task) && run.started.since(now) <= AHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn only_jobs_that_make_snapshots_have_an_objective() {
        let day = Some(Duration::from_secs(86_400));
        assert_eq!(promise(&job(r#""recovery-point": "24h","#, "backup")), day);
        assert_eq!(promise(&job(r#""recovery-point": "24h","#, "gc")), None);
        assert_eq!(promise(&job("", "backup")), None);
    }

    #[test]
    fn a_run_is_good_while_its_snapshot_is() {
        let job = job("", "backup");
        let run = |task, snapshots| GoodRun {
            task: TaskId(task),
            started: at("2026-05-21T02:00:00Z"),
            ended: at("2026-05-21T02:10:00Z"),
            snapshots,
        };
        let bad = BTreeSet::from([TaskId(2)]);
        let now = at("2026-05-21T03:00:00Z");
        assert!(is_good(&job, &run(1, 1), &bad, now));
        assert!(!is_good(&job, &run(2, 1), &bad, now), "its snapshot is CORRUPT");
        assert!(!is_good(&job, &run(3, 0), &bad, now), "it made none");
        let before = at("2026-05-21T01:50:00Z");
        assert!(
            !is_good(&job, &run(1, 1), &bad, before),
            "it is of a clock that was ahead"
        );
        let window = window(&job, &run(1, 1)).expect("a backup");
        assert_eq!(window.group.to_string(), "host/a");
    }
}
