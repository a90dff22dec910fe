//! The scheduler: fires the ticks of the jobs' calendars, each exactly once.
//!
//! The ledger keeps, per job, up to which time its ticks were looked at, and refuses a tick that was fired
//! before; [`decide`] says which ticks are due. So any number of schedulers, a restart and a clock that jumps ahead
//! are all the same case. After a clock that was ahead the ledger takes the cursors back to now.

mod decide;

use std::time::Duration;

use ironcore_ledger::{Ledger, model::Tick};
use ironcore_types::calendar::{Calendar, zone};
use ironcore_types::objects::Job;
use ironcore_types::{Seams, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::error::EngineError;
use crate::watch::Pulse;

/// How soon the scheduler looks again when ticks that were due did not fire.
const AGAIN: Duration = Duration::from_secs(1);

/// How the scheduler behaves.
#[derive(Debug, Clone)]
pub struct SchedulerOptions {
    /// Look again at least this often, whatever else happens.
    pub longest_sleep: Duration,
    /// Touched at each look that succeeded, for whoever watches over the scheduler.
    pub pulse: Pulse,
}

impl Default for SchedulerOptions {
    fn default() -> Self {
        Self {
            longest_sleep: Duration::from_secs(60),
            pulse: Pulse::default(),
        }
    }
}

/// Turns calendar ticks into tasks.
#[derive(Debug)]
pub struct Scheduler {
    ledger: Ledger,
    seams: Seams,
    options: SchedulerOptions,
}

impl Scheduler {
    /// A scheduler over `ledger`.
    pub fn new(ledger: Ledger, seams: Seams, options: SchedulerOptions) -> Self {
        Self {
            ledger,
            seams,
            options,
        }
    }

    /// Fires ticks until `cancel`.
    pub async fn run(self, cancel: CancellationToken) {
        let mut wakes = self.ledger.wakes();
        loop {
            wakes.objects.mark_unchanged();
            let (next, longest) = match self.fire_due(self.seams.now()).await {
                Ok(next) => {
                    self.options.pulse.beat(self.seams.moment());
                    (next, self.options.longest_sleep)
                }
                Err(error) => {
                    tracing::error!(code = %error.code(), %error, "the scheduler could not fire ticks; trying again");
                    (None, AGAIN)
                }
            };
            tokio::select! {
                () = cancel.cancelled() => return,
                () = at(&self.seams, next) => {}
                () = self.seams.sleep(longest) => {}
                changed = wakes.objects.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// One look: fires what is due at `now`; answers when to look again for the next tick.
    pub async fn fire_due(&self, now: Timestamp) -> Result<Option<Timestamp>, EngineError> {
        if self.ledger.scheduler_paused().await?.is_some() {
            return Ok(None);
        }
        let moved = self.ledger.follow_clock().await?;
        if moved > 0 {
            tracing::warn!(
                jobs_and_runs = moved,
                "the clock was ahead and is right again: what it had put off goes on from now"
            );
        }
        let mut ticks = Vec::new();
        let mut next: Option<Timestamp> = None;
        let cursors = self.ledger.cursors().await?;
        // The clock may have been set back since, and the cursors with it: what was due by it then is not yet.
        let now = now.min(self.seams.now());
        for cursor in cursors {
            let job = cursor.job;
            let (calendar, zone) = match rule(&job) {
                Ok(Some(rule)) => rule,
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!(job = %job.name, project = %job.project, %error, "job cannot be scheduled");
                    continue;
                }
            };
            let decision = decide::decide(
                |after| calendar.next_after(after, &zone),
                |tick| job.to_begin(tick),
                cursor.until,
                now,
                job.grace.duration(),
                job.missed,
            );
            if let Some(due) = decision.due {
                ticks.push(Tick {
                    project: job.project,
                    job: job.name,
                    cursor: cursor.until,
                    scheduled_for: due.scheduled_for,
                    missed: due.missed,
                    late: due.late,
                    run: due.run,
                });
            }
            next = sooner(next, decision.next);
        }
        if !ticks.is_empty() {
            let fired = self.ledger.fire_ticks(&ticks).await?;
            for task in &fired {
                tracing::info!(upid = %task.upid, "scheduled");
            }
            // Another scheduler may have moved the cursor meanwhile, though not as far as to this tick.
            if fired.len() < ticks.iter().filter(|tick| tick.run).count() {
                let again = now.after(AGAIN);
                let held = self.ledger.supersede().await?;
                return Ok(sooner(sooner(next, held), Some(again)));
            }
        }
        Ok(sooner(next, self.ledger.supersede().await?))
    }
}

/// The first of two times.
fn sooner(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

/// Ends when the wall clock shows `time`; never when there is none.
async fn at(seams: &Seams, time: Option<Timestamp>) {
    match time {
        Some(time) => seams.sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// The calendar and zone of a job that has a schedule and is enabled.
pub(crate) fn rule(job: &Job) -> Result<Option<(Calendar, jiff::tz::TimeZone)>, EngineError> {
    let Some(schedule) = job.schedule.as_deref().filter(|_| job.enabled) else {
        return Ok(None);
    };
    let calendar = Calendar::parse(schedule).map_err(|error| EngineError::Schedule(error.to_string()))?;
    let zone = zone(&job.timezone).map_err(|error| EngineError::Schedule(error.to_string()))?;
    Ok(Some((calendar, zone)))
}
