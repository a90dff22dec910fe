//! Figures of tasks: how many wait and run, how many ended in which way, how long they took.

use ironcore_ledger::model::Histogram;
use ironcore_ledger::model::figures::TASK_SECONDS;
use ironcore_types::{TaskState, TaskType};

use super::exposition::Exposition;
use super::{Scrape, age};

pub(super) fn write(out: &mut Exposition, scrape: &Scrape<'_>) {
    let open = &scrape.now.open;
    let mut tasks = out.gauge("ironcore_tasks", "Tasks that wait or run.");
    for task_type in TaskType::ALL {
        for state in [TaskState::Queued, TaskState::Running] {
            let of = open
                .iter()
                .find(|figures| figures.task_type == *task_type && figures.state == state);
            let labels = [("type", task_type.as_str()), ("state", state.as_str())];
            tasks.sample(&labels, of.map_or(0, |figures| figures.count));
        }
    }
    let oldest = open
        .iter()
        .filter(|figures| figures.state == TaskState::Queued)
        .map(|figures| figures.oldest)
        .min();
    out.gauge(
        "ironcore_task_queue_age_seconds",
        "For how long the oldest task has waited that could begin; 0 when none waits.",
    )
    .value(age(scrape.now.at, oldest));

    let tally = &scrape.tally;
    let mut queued = out.counter(
        "ironcore_tasks_enqueued_total",
        "Tasks that this process enqueued.",
    );
    for task_type in TaskType::ALL {
        let count = tally.queued.get(task_type).copied().unwrap_or(0);
        queued.sample(&[("type", task_type.as_str())], count);
    }
    let mut ended = out.counter(
        "ironcore_tasks_ended_total",
        "Attempts whose end this process recorded, by final state.",
    );
    for task_type in TaskType::ALL {
        for state in TaskState::ALL.iter().copied().filter(|state| state.is_final()) {
            let count = tally.ended.get(&(*task_type, state)).copied().unwrap_or(0);
            ended.sample(&[("type", task_type.as_str()), ("state", state.as_str())], count);
        }
    }
    let mut durations = out.histogram(
        "ironcore_task_duration_seconds",
        "How long attempts ran whose end this process recorded, whatever their final state.",
    );
    let none = Histogram::default();
    for task_type in TaskType::ALL {
        let of = tally.durations.get(task_type).unwrap_or(&none);
        durations.buckets(&[("type", task_type.as_str())], &TASK_SECONDS, of);
    }
}
