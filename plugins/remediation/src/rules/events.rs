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
            "Look whether a verify job for {datastore} exists, is enabled and has a schedule, such as `Sun 06:00`: `ironcore-backup job list`.",
            "Ask your administrator to start one when there is none.",
            "See what else is STALE: `ironcore-backup verify report {datastore} --latest --result STALE`.",
            "Verify now: `ironcore-backup verify start {snapshot}`.",
        ],
        offers: &[VERIFY, VERIFY_DATASTORE],
    },
    Rule {
        codes: &["sync.integrity-error"],
        title: "Verify the source of the sync, then sync again",
        why: "Data arrived that does not match its fingerprint, and was not kept. It is damaged at the source, or on its way.",
        steps: &[
            "Verify the snapshots on the source side: `ironcore-backup verify start DATASTORE --again` there.",
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
            "Look at the services: `ironcore-backup status --services`. Resume the scheduler if it is paused: `ironcore-backup scheduler resume`.",
            "With `missed = \"run-once\"` it has been started now; otherwise run it by hand: `ironcore-backup job run {job} --project {project}`.",
        ],
        offers: &[RUN],
    },
    Rule {
        codes: &["job.overdue"],
        title: "Make {job} succeed again",
        why: "There is no recent good snapshot of it.",
        steps: &[
            "Look at its last runs: do they fail, or wait in `queued`? `ironcore-backup task list --job {job} --project {project}`.",
            "A task that waits needs a worker slot: look whether the scheduler is paused (`ironcore-backup scheduler status`), and whether workers are online (`ironcore-backup worker list`).",
            "Run it now: `ironcore-backup job run {job} --project {project}`.",
        ],
        offers: &[FULL_JOB],
    },
    Rule {
        codes: &["job.overrun/sync"],
        title: "Look whether a bandwidth limit slows {job} down",
        why: "The sync runs longer than it should. A limit may have been set on it, or on what lies between the two hubs.",
        steps: &[
            "Look since when its rate is lower than before: `ironcore-backup statistics --job {job} --bucket day`.",
            "Ask your administrator whether a limit was meant; if not, raise or remove it.",
            "If there is no limit, look at the network between both hubs, and at what else runs at the same time: `ironcore-backup task list --status running`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["job.overrun/gc"],
        title: "Let garbage collection do less at once",
        why: "It runs longer than it should: it reads the list of chunks of every snapshot of {datastore}, and rewrites packs that hold few chunks that are still needed.",
        steps: &[
            "Let it run: it does no harm, and backups go on beside it.",
            "Collect more often, such as each day: what was pruned at once is then less.",
            "Keep fewer snapshots, or spread them over datastores: `ironcore-backup snapshot list {datastore} --limit 1000` shows what it reads.",
            "Look at the disk below {datastore}: a verification or a sync at the same time takes its time: `ironcore-backup task list --status running`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["job.overrun"],
        title: "Look at what slows {job} down",
        why: "It runs longer than it should.",
        steps: &[
            "Look at the rates of its stages, and at those of earlier runs: `ironcore-backup statistics --job {job} --bucket day`. If the rate dropped suddenly, a bandwidth limit may have been applied to the job or the datastore: ask your administrator, and raise or remove it if it was not meant.",
            "A garbage collection, a verification or another job at the same time takes disk and network: move one of them.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["task.warning"],
        title: "Read the warnings in the task's log",
        why: "The task is complete, with issues that are not fatal: a skipped path, a missing optional source, or data that could not be deduplicated.",
        steps: &[
            "Read its log, which lists each warning with the path: `ironcore-backup task log --upid {upid}`.",
            "Correct the cause, and run it again.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["datastore.space-low"],
        title: "Free space on {datastore} before it is full",
        why: "It has little space left.",
        steps: &[
            "See when it will be full: `ironcore-backup datastore usage {datastore}`.",
            "Prune what is not needed, then collect garbage: pruning alone frees nothing. `ironcore-backup prune start {datastore} --keep-daily 7 --dry-run` says what would go; `ironcore-backup gc start {datastore}` collects.",
            "Enlarge the file system, or keep fewer snapshots.",
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
            "See whether tasks wait for it: `ironcore-backup worker list`.",
            "Look at the log of {node}, and start it again.",
            "Tasks that it ran are tried again by the policy of their jobs.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["scheduler.paused"],
        title: "Resume the scheduler when the work is done",
        why: "While it is paused no job starts by itself, and tasks stay in `queued`.",
        steps: &[
            "Ask who paused it, and why; the title says since when.",
            "Resume it: `ironcore-backup scheduler resume`. What was missed meanwhile follows the `missed` policy of each job.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["auth.login-failed", "auth.locked-out"],
        title: "Find out who tried to log in",
        why: "A log-in failed, or an account was locked after several.",
        steps: &[
            "Ask the owner of the account whether it was them.",
            "If not, change its password, revoke its tokens (`ironcore-backup token list` and `ironcore-backup token revoke USER@REALM!NAME`), and look at where the attempts came from.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["delivery.exhausted", "handler.disabled"],
        title: "Mend the handler, and replay what was not delivered",
        why: "A message could not be delivered, or a handler was switched off, so somebody was not told.",
        steps: &[
            "Look at what was given up, and at what the destination answered: `ironcore-backup message list --state dead` and `ironcore-backup message show {message}`.",
            "Correct the handler, its secret or the destination, and switch it on: `ironcore-backup group enable {handler}`.",
            "Replay the messages: `ironcore-backup message replay --handler {handler}`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["plugin.failed"],
        title: "Replace or repair the plugin",
        why: "A plugin failed. Only its call was ended; what it should have done is tried again.",
        steps: &[
            "Look at the attempts of the message: they hold what the plugin wrote: `ironcore-backup message show {message}`.",
            "Go back to its earlier version.",
        ],
        offers: &[],
    },
];
