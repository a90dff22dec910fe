//! The tables: which advice belongs to which error code or event type.
//!
//! Texts may hold `{snapshot}`, `{group}`, `{datastore}`, `{job}`, `{upid}`, `{source}`, `{target}` and `{node}`.

mod delivery;
mod events;
mod hub;
mod source;
mod stored;

use ironcore_plugin::ActionKind;

use crate::facts::Facts;

/// Advice for some codes.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Error codes, or event types without `ironcore.`.
    pub(crate) codes: &'static [&'static str],
    pub(crate) title: &'static str,
    pub(crate) why: &'static str,
    pub(crate) steps: &'static [&'static str],
    pub(crate) offers: &'static [Offer],
}

/// Something that the hub could do itself.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) kind: fn() -> ActionKind,
    pub(crate) on: Target,
    pub(crate) label: &'static str,
}

/// What an action is done to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// The snapshot, else the datastore.
    Snapshot,
    /// The datastore.
    Datastore,
    /// The job, else the snapshot that it made.
    Job,
    /// The snapshot, whose job the hub knows; else the job.
    Made,
    /// The task.
    Task,
}

const VERIFY: Offer = Offer {
    kind: || ActionKind::Verify,
    on: Target::Snapshot,
    label: "Verify again",
};
const VERIFY_DATASTORE: Offer = Offer {
    kind: || ActionKind::Verify,
    on: Target::Datastore,
    label: "Verify {datastore}",
};
const FULL: Offer = Offer {
    kind: || ActionKind::FullBackup,
    on: Target::Made,
    label: "Run a full backup",
};
const FULL_JOB: Offer = Offer {
    kind: || ActionKind::FullBackup,
    on: Target::Job,
    label: "Run a full backup",
};
const GC: Offer = Offer {
    kind: || ActionKind::Gc,
    on: Target::Datastore,
    label: "Collect garbage on {datastore}",
};
const RESYNC: Offer = Offer {
    kind: || ActionKind::Resync,
    on: Target::Job,
    label: "Sync again",
};
const RETRY: Offer = Offer {
    kind: || ActionKind::Retry,
    on: Target::Task,
    label: "Try again",
};
const PAUSE: Offer = Offer {
    kind: || ActionKind::PauseJob,
    on: Target::Job,
    label: "Pause {job}",
};

fn all() -> impl Iterator<Item = &'static Rule> {
    [source::RULES, stored::RULES, hub::RULES, delivery::RULES]
        .into_iter()
        .flatten()
}

/// The advice for an error code.
pub(crate) fn for_code(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.codes.contains(&code))
}

/// The advice for an event without an error code.
pub(crate) fn for_event(kind: &str, facts: &Facts) -> Option<&'static Rule> {
    let code = match facts.result.as_str() {
        "CORRUPT" => Some("chunk.corrupt"),
        "MISSING" => Some("chunk.missing"),
        _ => None,
    };
    code.and_then(for_code)
        .or_else(|| events::RULES.iter().find(|rule| rule.codes.contains(&kind)))
}
