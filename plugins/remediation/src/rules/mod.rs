//! The tables: which advice belongs to which error code or event type.
//!
//! Texts may hold `{project}`, `{snapshot}`, `{group}`, `{datastore}`, `{job}`, `{upid}`, `{source}`, `{target}`, `{node}`,
//! `{handler}` and `{message}`. What stands between back-quotes is typed by people: commands of the hub are checked against its command line
//! by the tests of `core/cli`.

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
    /// Error codes, or event types without `ironcore.`; with `/TYPE` at their end only for tasks of that type.
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

/// The advice for an error code: for tasks of this type, else for all.
pub(crate) fn for_code(code: &str, facts: &Facts) -> Option<&'static Rule> {
    narrowest(code, facts, all)
}

fn narrowest<R>(word: &str, facts: &Facts, rules: impl Fn() -> R) -> Option<&'static Rule>
where
    R: Iterator<Item = &'static Rule>,
{
    let of_type = format!("{word}/{}", facts.task_type);
    let find = |wanted: &str| rules().find(|rule| rule.codes.contains(&wanted));
    find(&of_type).or_else(|| find(word))
}

/// The pages of the documentation that tell more.
const TROUBLESHOOTING: &str =
    "https://docs.polystack.tech/services/ironcore-backup/user-guide/troubleshooting";
const JOBS: &str = "https://docs.polystack.tech/services/ironcore-backup/user-guide/backup-jobs";
const VERIFICATION: &str =
    "https://docs.polystack.tech/services/ironcore-backup/admin-guide/verification-validation";
const NOTIFICATIONS: &str = "https://docs.polystack.tech/services/ironcore-backup/admin-guide/notifications";

/// Where to read more about an error code or an event type, by its first word.
pub(crate) fn link(word: &str) -> &'static str {
    match word.split('.').next() {
        Some("source" | "path" | "command" | "job" | "schedule" | "scheduler") => JOBS,
        Some("chunk" | "manifest" | "index" | "snapshot") => VERIFICATION,
        Some("plugin" | "delivery" | "template" | "secret" | "handler") => NOTIFICATIONS,
        _ => TROUBLESHOOTING,
    }
}

/// The advice for an event without an error code.
pub(crate) fn for_event(kind: &str, facts: &Facts) -> Option<&'static Rule> {
    let code = match facts.result.as_str() {
        "CORRUPT" => Some("chunk.corrupt"),
        "MISSING" => Some("chunk.missing"),
        _ => None,
    };
    code.and_then(|code| for_code(code, facts))
        .or_else(|| narrowest(kind, facts, || events::RULES.iter()))
}
