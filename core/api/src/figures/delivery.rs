//! Figures of delivery: messages that wait, attempts, how long it takes, what is switched off.

use std::collections::BTreeMap;

use ironcore_ledger::model::AttemptOutcome;
use ironcore_ledger::model::figures::{ATTEMPT_SECONDS, DELIVERY_SECONDS};

use super::exposition::Exposition;
use super::{Scrape, age};

pub(super) fn write(out: &mut Exposition, scrape: &Scrape<'_>) {
    let now = &scrape.now;
    let mut messages = out.gauge(
        "ironcore_messages",
        "Messages that wait, are being sent, or are dead letters.",
    );
    for (state, count) in &now.messages {
        messages.sample(&[("state", state.as_str())], count);
    }
    out.gauge(
        "ironcore_message_queue_age_seconds",
        "For how long the first message has been due that nobody sends; 0 when none is due.",
    )
    .value(age(now.at, now.oldest_due));
    out.gauge(
        "ironcore_circuits_open",
        "Destinations that are left alone for a while because they failed.",
    )
    .value(now.circuits);
    out.gauge(
        "ironcore_handlers_disabled",
        "Handlers that were switched off for failing.",
    )
    .value(now.disabled_handlers);

    let tally = &scrape.tally;
    let mut attempts = BTreeMap::new();
    // Those that there are begin at zero, so that their first failure is a rise.
    for plugin in scrape.state.plugins().list().plugins {
        for outcome in AttemptOutcome::WORDS {
            attempts.insert((plugin.name.to_string(), *outcome), 0);
        }
    }
    for ((plugin, outcome), count) in &tally.attempts {
        attempts.insert((plugin.to_string(), *outcome), *count);
    }
    let mut family = out.counter(
        "ironcore_delivery_attempts_total",
        "Attempts to deliver a message that this process recorded.",
    );
    for ((plugin, outcome), count) in &attempts {
        family.sample(&[("plugin", plugin.as_str()), ("outcome", *outcome)], count);
    }
    out.histogram(
        "ironcore_delivery_latency_seconds",
        "From when a message was made until it was delivered, pauses between attempts included.",
    )
    .buckets(&[], &DELIVERY_SECONDS, &tally.latency);
    out.histogram(
        "ironcore_delivery_attempt_duration_seconds",
        "How long single attempts to deliver took.",
    )
    .buckets(&[], &ATTEMPT_SECONDS, &tally.attempt_durations);
}
