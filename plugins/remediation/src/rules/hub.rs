//! What to do when a remote hub, a worker, a schedule or the hub itself is the trouble.

use super::{PAUSE, RESYNC, RETRY, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        codes: &["remote.auth"],
        title: "Give this hub a valid token for the remote one",
        why: "The remote hub did not accept the token: it was revoked, has run out, or has no right to read the datastore.",
        steps: &[
            "On the remote hub, look at the token (`USER@REALM!NAME`), and at its role and project: `ironcore-backup token list`.",
            "Make a new one there if need be: `ironcore-backup token create USER@REALM!NAME --role operator --project PROJECT`. On this hub, set the secret that {job} names to it: `ironcore-backup secret set NAME`.",
            "Sync again: `ironcore-backup job run {job} --project {project}`.",
        ],
        offers: &[RESYNC, PAUSE],
    },
    Rule {
        codes: &["remote.fingerprint"],
        title: "Compare the remote hub's certificate before trusting it",
        why: "The remote hub showed another certificate than the pinned one. It was renewed, or somebody stands between.",
        steps: &[
            "Ask the administrator of the remote hub for its fingerprint, over another channel.",
            "If it is the new certificate, set `fingerprint` of the remote to it.",
            "If it is not, do not sync: find out who answers at that address.",
        ],
        offers: &[PAUSE],
    },
    Rule {
        codes: &["remote.unreachable"],
        title: "Make the remote hub reachable again",
        why: "Nobody answered at the remote hub's address.",
        steps: &[
            "Look whether the remote hub runs, and whether its address and port (8007) are right.",
            "Look at firewalls and name resolution: `curl -v https://HOST:8007/` from this machine.",
            "If it only takes too long, look whether a bandwidth limit was set, and since when it is slow: `ironcore-backup statistics --job {job} --bucket day`.",
            "Sync again; what was copied already is not copied anew.",
        ],
        offers: &[RESYNC, RETRY],
    },
    Rule {
        codes: &["remote.protocol"],
        title: "Bring both hubs to versions that fit",
        why: "The remote hub answered in a way that is not understood: it is of another version, or something else answers there.",
        steps: &[
            "Compare the versions of both hubs, and update the older: `ironcore-backup status`.",
            "Look whether a proxy between them answers in its place.",
            "Sync again.",
        ],
        offers: &[RESYNC],
    },
    Rule {
        codes: &["worker.lost"],
        title: "Find out why the worker went away",
        why: "The worker that ran the task did not renew its lease: it crashed, was stopped, or lost the database. The task ended as failed; what it had stored is reused by the next run.",
        steps: &[
            "Look at the services: `ironcore-backup status --services`, and at the workers: `ironcore-backup worker list`.",
            "Look at the worker's log and at `dmesg`: a worker that the kernel killed for memory says so there.",
            "If a retry is not under way already, try again.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["worker.stopped"],
        title: "Nothing to do: the task is done again",
        why: "The worker was stopped while the task ran, for an update or a restart. The next attempt is queued already; what this one stored is reused.",
        steps: &[
            "Look at the next attempt on the task page, once a worker is online again.",
            "If none is, start the hub: `ironcore-backup status --services`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["task.timeout/gc"],
        title: "Give garbage collection more time, or less to do at once",
        why: "It took longer than it may. It reads the list of chunks of every snapshot of {datastore}, and rewrites packs that hold few chunks that are still needed.",
        steps: &[
            "Raise `timeout` of {job}, or take it away: a collection does no harm, and backups go on beside it.",
            "Collect more often, such as each day: what was pruned at once is then less.",
            "Look whether a verification or a sync at the same time takes the disk's time: `ironcore-backup task list --since \"24h ago\"`.",
            "Try again: `ironcore-backup gc start {datastore}`.",
        ],
        offers: &[RETRY, PAUSE],
    },
    Rule {
        codes: &["task.timeout"],
        title: "Give the task more time, or less to do",
        why: "The task took longer than it may.",
        steps: &[
            "Look at its stages: which one took the time? `ironcore-backup task show --upid {upid}`.",
            "A source that is read slowly, a bandwidth limit that was set, or a first backup without anything to reuse are the usual reasons.",
            "Raise `timeout` of {job}, move it to a quieter time, or split it.",
            "A garbage collection that takes very long ends sooner when less was pruned at once: run it more often.",
        ],
        offers: &[RETRY, PAUSE],
    },
    Rule {
        codes: &["task.cancelled"],
        title: "Run it again if it was cancelled by mistake",
        why: "Somebody stopped the task before it was complete; it made no snapshot.",
        steps: &[
            "Look who stopped it: `ironcore-backup task show --upid {upid}`.",
            "Run {job} again, or wait for its next time: `ironcore-backup job next {job} --project {project}`.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["job.overlap"],
        title: "Give {job} more room between its runs",
        why: "The previous run was still going on when the next one was due.",
        steps: &[
            "Look how long {job} usually takes, and schedule it less often than that: `ironcore-backup task list --job {job} --project {project}`.",
            "Look whether it waits for a worker slot (`ironcore-backup worker list`): more slots, or other times for other jobs.",
            "If it has become slower, look for a bandwidth limit that was set, and at the disk.",
        ],
        offers: &[PAUSE],
    },
    Rule {
        codes: &["job.blackout"],
        title: "Move {job} out of its blackout window",
        why: "The run was due while a blackout window of the job lasted, and the job leaves such runs out.",
        steps: &[
            "Compare the job's schedule with its blackout windows: `ironcore-backup job show {job} --project {project}`.",
            "Write `missed = \"run-once\"` if the run shall wait for the end of the window instead.",
            "Run it by hand if it is needed now, which starts at once: `ironcore-backup job run {job} --project {project}`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["command.failed"],
        title: "Look at the command of {job}",
        why: "A program that runs before or after the task ended with an error, or took longer than it may.",
        steps: &[
            "Read in the task's log what it printed, and its exit code: `ironcore-backup task log --upid {upid}`.",
            "Run it by hand as the hub's user, with the environment that the documentation of jobs names.",
            "Raise its `timeout`, or choose with `on-failure` whether its failure shall fail the task.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["command.refused"],
        title: "Put the command of {job} where it may be run",
        why: "A program that runs before or after the task is not in the worker's folder of commands, or others than root and the hub's user could change it.",
        steps: &[
            "Put the program into the folder of commands of every worker: a plain file, executable, no link.",
            "Take the right to write to it and to the folder from others: `chmod go-w`.",
            "The job names it without a path.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["archive.invalid"],
        title: "Use another copy of the hub's state",
        why: "The archive is damaged, incomplete, or of a newer hub, so nothing of it was used.",
        steps: &[
            "Take another archive: `ironcore-backup hub list` names those that were made lately.",
            "Copy it anew, and compare its SHA-256 with the one that was told when it was made.",
            "An archive of a newer hub needs that version to be restored.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["schedule.invalid"],
        title: "Correct the schedule of {job}",
        why: "Its calendar expression cannot be read, so it never runs.",
        steps: &[
            "Write it as systemd does (`02:00`, `Sun 06:00`, `mon..fri 8..18/2:30`) or as five cron fields.",
            "Try it out: `ironcore-backup schedule next EXPRESSION`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &[
            "task.not-found",
            "task.final",
            "not-found",
            "conflict",
            "request.invalid",
            "config.invalid",
        ],
        title: "Correct what was asked for",
        why: "The hub could not do this: something named in it does not exist, is over, is in the way, or is not valid.",
        steps: &[
            "Read the message: it names what is wrong.",
            "If a job is at fault, look at it: `ironcore-backup job show {job} --project {project}`. `ironcore-backup apply -f FILE --dry-run` checks a declaration without changing anything.",
            "If the hub's own file is at fault, check it: `ironcore-backup config check`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["auth.required", "auth.denied"],
        title: "Use a token that may do this",
        why: "The request carried no valid token, or one without the right. Tokens start with no rights.",
        steps: &[
            "Look at the token's role and project, and when it runs out: `ironcore-backup token list`.",
            "Ask an administrator for a token that has the right: `ironcore-backup token create USER@REALM!NAME --role operator --project PROJECT`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["auth.second-factor"],
        title: "Set up a second factor",
        why: "The hub demands a second factor for this role, and the user has none.",
        steps: &[
            "Set one up: `ironcore-backup user second-factor set USER`, or on the way in at the next sign-in.",
            "An administrator decides for which roles it is demanded: `login.second-factor-for` in the hub's configuration.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["auth.provider"],
        title: "Let the hub reach the identity provider",
        why: "The identity provider could not be asked, or what it answered cannot be relied on.",
        steps: &[
            "Read the message: it says what was asked and what came back.",
            "Compare `issuer`, `client-id` and the secret of `[[login.oidc]]` with what the provider has, and its list of return addresses with the hub's `public-url`.",
            "If the provider has an address inside the house, allow it: `egress.allow` in the hub's configuration.",
            "Sign in with a password or a token meanwhile.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["overloaded"],
        title: "Try again when the hub has less to do",
        why: "The hub had too much to do, and took nothing more.",
        steps: &[
            "Look at the queue and the workers: `ironcore-backup status --services`.",
            "Spread jobs over the night, or add worker slots.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["ledger.locked", "ledger.unavailable"],
        title: "Make the hub's database usable again",
        why: "The database is used by another process, or cannot be used: no space, no right, or its server is down.",
        steps: &[
            "Look whether another hub runs on the same database, and stop one of them.",
            "Look at the space and the rights of the hub's data folder, or at the database server.",
            "The hub goes on by itself when it can be used again; queued tasks and messages are kept.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["internal"],
        title: "Report this: it is a fault of the hub",
        why: "Something happened that must not happen. What was committed before is safe.",
        steps: &[
            "Keep the task's log, and the hub's own log of that time: `ironcore-backup task log --upid {upid} > task.log`.",
            "Try again: if it works, the fault was passing.",
            "Report it, with both logs.",
        ],
        offers: &[RETRY],
    },
];
