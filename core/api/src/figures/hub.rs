//! Figures of the hub itself: what it is, who works, the scheduler, the ledger, events.

use ironcore_types::EventType;

use super::Scrape;
use super::exposition::Exposition;

pub(super) fn write(out: &mut Exposition, scrape: &Scrape<'_>) {
    let hub = scrape.state.hub();
    out.gauge(
        "ironcore_build_info",
        "The program that answers, and its hub; always 1.",
    )
    .sample(
        &[
            ("version", hub.version.as_str()),
            ("node", hub.name.as_str()),
            ("hub", hub.id.to_string().as_str()),
        ],
        1,
    );
    let paused = scrape.now.scheduler_paused.is_some();
    out.gauge("ironcore_scheduler_paused", "Whether the scheduler is paused.")
        .flag(&[], paused);
    workers(out, scrape);

    let (waiting, most) = scrape.now.writer_queue;
    out.gauge(
        "ironcore_ledger_writer_queue",
        "Verbs that wait for this process's writer.",
    )
    .value(waiting);
    out.gauge(
        "ironcore_ledger_writer_queue_limit",
        "Verbs that may wait for it; more wait outside.",
    )
    .value(most);
    out.counter(
        "ironcore_ledger_commits_total",
        "Transactions that this process committed.",
    )
    .value(scrape.tally.commits);

    let mut events = out.counter("ironcore_events_total", "Events that this process told.");
    for event_type in EventType::ALL {
        let count = scrape.tally.events.get(event_type).copied().unwrap_or(0);
        events.sample(&[("type", event_type.as_str())], count);
    }
    out.gauge(
        "ironcore_events_unmatched",
        "Events of which no messages were made yet; it stays when nobody notifies.",
    )
    .value(scrape.now.unmatched);
}

/// Those that claim tasks, heard of within their lease or not.
fn workers(out: &mut Exposition, scrape: &Scrape<'_>) {
    let workers = scrape
        .now
        .sessions
        .iter()
        .filter(|session| !session.types.is_empty());
    let (mut online, mut silent, mut slots, mut used) = (0_u64, 0_u64, 0_u64, 0_u64);
    for worker in workers {
        if worker.silent {
            silent += 1;
        } else {
            online += 1;
            slots += u64::from(worker.slots);
            used += worker.running;
        }
    }
    let mut family = out.gauge(
        "ironcore_workers",
        "Processes that run tasks; silent ones have not renewed their lease.",
    );
    family.sample(&[("state", "online")], online);
    family.sample(&[("state", "silent")], silent);
    out.gauge(
        "ironcore_worker_slots",
        "Tasks that the workers online may run at once.",
    )
    .value(slots);
    out.gauge("ironcore_worker_slots_used", "Tasks that the workers online run.")
        .value(used);
}
