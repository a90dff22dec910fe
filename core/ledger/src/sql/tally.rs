//! What this process counts of what it commits. Verbs note it in their transaction; it counts once COMMIT succeeded, and
//! is kept in memory alone.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ironcore_types::event::TaskData;
use ironcore_types::{Event, EventType, JobName, PluginName, ProjectName, TaskState, TaskType};

use crate::FIGURES_JOBS;
use crate::model::figures::{ATTEMPT_SECONDS, DELIVERY_SECONDS, TASK_SECONDS, Tally};
use crate::model::{AttemptOutcome, Message};

/// Plugins that are told apart; handlers may name any.
const PLUGINS: usize = 100;

/// Something that counts.
#[derive(Debug)]
pub(super) enum Noted {
    Event {
        event_type: EventType,
        task: Option<(TaskType, TaskState, Option<Duration>)>,
        job: Option<(ProjectName, JobName, u64)>,
    },
    Attempt {
        plugin: PluginName,
        outcome: &'static str,
        duration: Duration,
        /// Since the message was made, when it was delivered.
        latency: Option<Duration>,
    },
}

fn task(data: &TaskData) -> (TaskType, TaskState, Option<Duration>) {
    let times = data.started.zip(data.ended);
    let duration = times.map(|(started, ended)| ended.since(started));
    (data.task_type, data.state, duration)
}

impl Noted {
    pub(super) fn event(event: &Event) -> Self {
        let job = match event.event_type {
            EventType::JobMissed | EventType::JobOverdue => {
                event.data.project.clone().zip(event.data.job.as_ref())
            }
            _ => None,
        };
        Self::Event {
            event_type: event.event_type,
            task: event.data.task.as_ref().map(task),
            job: job.map(|(project, job)| (project, job.name.clone(), job.missed)),
        }
    }

    /// An attempt that took `duration`, and the message after it.
    pub(super) fn attempt(message: &Message, outcome: &AttemptOutcome, duration: Duration) -> Self {
        let delivered = matches!(outcome, AttemptOutcome::Delivered { .. });
        Self::Attempt {
            plugin: message.plugin.clone(),
            outcome: outcome.word(),
            duration,
            latency: message
                .ended
                .filter(|_| delivered)
                .map(|ended| ended.since(message.created)),
        }
    }
}

/// Adds to what is counted under `key`, unless that would be one more than `most`.
fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, most: usize, key: K, number: u64) {
    if counts.len() < most || counts.contains_key(&key) {
        *counts.entry(key).or_default() += number;
    }
}

fn add(tally: &mut Tally, noted: Noted) {
    match noted {
        Noted::Event {
            event_type,
            task,
            job,
        } => {
            *tally.events.entry(event_type).or_default() += 1;
            match (event_type, job) {
                (EventType::JobMissed, Some((project, job, missed))) => {
                    count(&mut tally.missed, FIGURES_JOBS, (project, job), missed.max(1));
                }
                (EventType::JobOverdue, Some((project, job, _))) => {
                    count(&mut tally.overdue, FIGURES_JOBS, (project, job), 1);
                }
                _ => {}
            }
            match (event_type, task) {
                (EventType::TaskQueued, Some((task_type, ..))) => {
                    *tally.queued.entry(task_type).or_default() += 1;
                }
                (
                    EventType::TaskCompleted
                    | EventType::TaskWarning
                    | EventType::TaskFailed
                    | EventType::TaskCancelled,
                    Some((task_type, state, duration)),
                ) => {
                    *tally.ended.entry((task_type, state)).or_default() += 1;
                    if let Some(duration) = duration {
                        let durations = tally.durations.entry(task_type).or_default();
                        durations.observe(&TASK_SECONDS, duration);
                    }
                }
                _ => {}
            }
        }
        Noted::Attempt {
            plugin,
            outcome,
            duration,
            latency,
        } => {
            let most = PLUGINS * AttemptOutcome::WORDS.len();
            count(&mut tally.attempts, most, (plugin, outcome), 1);
            tally.attempt_durations.observe(&ATTEMPT_SECONDS, duration);
            if let Some(latency) = latency {
                tally.latency.observe(&DELIVERY_SECONDS, latency);
            }
        }
    }
}

/// What was counted so far; the writer adds, whoever asks reads.
#[derive(Debug, Default)]
pub(super) struct Counted(Mutex<Tally>);

impl Counted {
    /// A transaction was committed, with all that was noted in it.
    pub(super) fn committed(&self, noted: Vec<Noted>) {
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tally.commits += 1;
        for noted in noted {
            add(&mut tally, noted);
        }
    }

    pub(super) fn read(&self) -> Tally {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_apart_has_a_bound() {
        let mut counts = BTreeMap::new();
        for key in [1, 2, 3, 1] {
            count(&mut counts, 2, key, 10);
        }
        assert_eq!(counts, BTreeMap::from([(1, 20), (2, 10)]));
    }
}
