//! What to do about events that carry no error code.

use super::{FULL_JOB, GC, Offer, RESYNC, RETRY, Rule, Target, VERIFY, VERIFY_DATASTORE};
use ironcore_plugin::ActionKind;

const RUN: Offer = Offer {
    kind: || ActionKind::FullBackup,
    on: Target::Job,
    label: "Run {job} now",
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        codes: &["snapshot.stale"],
        title: "Start a verification schedule",
        why: "{snapshot} was last verified longer ago than `keep-verified` of {datastore}. When it stays so for weeks, no verification job runs.",
        steps: &[
            "Look whether a verify job for {datastore} exists, is enabled and has a schedule, such as `Sun 06:00`.",
            "Ask your administrator to start one when there is none.",
            "Verify now: `ironcore-backup verify start REF`.",
        ],
        offers: &[VERIFY, VERIFY_DATASTORE],
    },
    Rule {
        codes: &["sync.integrity-error"],
        title: "Verify the source of the sync, then sync again",
        why: "Data arrived that does not match its fingerprint, and was not kept. It is damaged at the source, or on its way.",
        steps: &[
            "Verify the snapshots on the source side.",
            "If they are OK there, sync again: only what is missing is copied.",
            "If not, run a full backup there, and sync afterwards.",
        ],
        offers: &[RESYNC, VERIFY_DATASTORE],
    },
    Rule {
        codes: &["job.missed"],
        title: "Find out why {job} did not start",
        why: "It did not begin at its time: it waited in the queue, its scheduler was paused, or the hub was down; the title says what is known.",
        steps: &[
            "If it waited: look what the workers do, and at the limits of its project and datastore: `ironcore-backup worker list`.",
            "Look at the services: `ironcore-backup status --services`. Resume the scheduler if it is paused.",
            "With `missed = \"run-once\"` it has been started now; otherwise run it by hand.",
        ],
        offers: &[RUN],
    },
    Rule {
        codes: &["job.overdue"],
        title: "Make {job} succeed again",
        why: "There is no recent good snapshot of it.",
        steps: &[
            "Look at its last runs: do they fail, or wait in `queued`?",
            "A task that waits needs a worker slot: look whether the scheduler is paused, and whether workers are online.",
            "Run it now.",
        ],
        offers: &[FULL_JOB],
    },
    Rule {
        codes: &["job.overrun"],
        title: "Look at what slows {job} down",
        why: "It runs longer than it should.",
        steps: &[
            "Look at the rates of its stages. A bandwidth limit may have been applied to the job or the datastore: confirm it, and raise or remove it if it was not meant.",
            "A garbage collection, a verification or another job at the same time takes disk and network: move one of them.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["task.warning"],
        title: "Read the warnings in the task's log",
        why: "The task is complete, with issues that are not fatal: a skipped path, a missing optional source, or data that could not be deduplicated.",
        steps: &[
            "Open {upid}: its log lists each warning with the path.",
            "Correct the cause, and run {job} again.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["datastore.space-low"],
        title: "Free space on {datastore} before it is full",
        why: "It has little space left.",
        steps: &[
            "Prune what is not needed, then collect garbage: pruning alone frees nothing.",
            "Enlarge the file system, or keep fewer snapshots: the Prune Simulator shows what a policy keeps.",
        ],
        offers: &[GC],
    },
    Rule {
        codes: &["datastore.status-changed"],
        title: "Look whether {datastore} is online",
        why: "Its status changed. While it is offline, tasks that use it fail.",
        steps: &[
            "`ironcore-backup datastore list` shows its state and why.",
            "Mount its disk if it is not mounted.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["worker.offline"],
        title: "Start {node} again",
        why: "A worker is gone. When none is left, tasks stay in `queued`.",
        steps: &[
            "Look at the services: `ironcore-backup status --services`.",
            "Look at the log of {node}, and start it again.",
            "Tasks that it ran are tried again by the policy of their jobs.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["scheduler.paused"],
        title: "Resume the scheduler when the work is done",
        why: "While it is paused no job starts by itself, and tasks stay in `queued`.",
        steps: &["Resume it; what was missed meanwhile follows the `missed` policy of each job."],
        offers: &[],
    },
    Rule {
        codes: &["auth.login-failed", "auth.locked-out"],
        title: "Find out who tried to log in",
        why: "A log-in failed, or an account was locked after several.",
        steps: &[
            "Ask the owner of the account whether it was them.",
            "If not, change its password, revoke its tokens, and look at where the attempts came from.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["delivery.exhausted", "handler.disabled"],
        title: "Mend the handler, and replay what was not delivered",
        why: "A message could not be delivered, or a handler was switched off, so somebody was not told.",
        steps: &[
            "Look at the attempts of the message: they hold what the destination answered.",
            "Correct the handler, its secret or the destination, and switch it on.",
            "Replay the messages.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["plugin.failed"],
        title: "Replace or repair the plugin",
        why: "A plugin failed. Only its call was ended; what it should have done is tried again.",
        steps: &[
            "Look at the attempts of the message: they hold what the plugin wrote.",
            "Go back to its earlier version.",
        ],
        offers: &[],
    },
];
