//! The fences: where each stands, what is left when it is gone, and the tests that must fail then.

/// A fence.
pub(super) struct Fence {
    /// What `--only` calls it.
    pub(super) name: &'static str,
    /// The file, from the root of the project.
    pub(super) file: &'static str,
    /// The text that is the fence; it stands once in the file.
    pub(super) stands: &'static str,
    /// What stands there when the fence is taken away.
    pub(super) gone: &'static str,
    pub(super) tests: &'static [Tests],
}

/// Tests of one program.
pub(super) struct Tests {
    /// As `cargo test --test` calls it.
    pub(super) program: &'static str,
    /// With their modules.
    pub(super) names: &'static [&'static str],
}

/// The same tests of the conformance suite, on both databases.
macro_rules! suite {
    ($($name:literal),+) => {
        &[
            Tests { program: "sqlite", names: &[$($name),+] },
            Tests { program: "postgres", names: &[$($name),+] },
        ]
    };
}

const FINISH: &str = "core/ledger/src/sql/finish.rs";
const QUEUE: &str = "core/ledger/src/sql/queue.rs";
const SESSIONS: &str = "core/ledger/src/sql/sessions.rs";
const SCHEDULE: &str = "core/ledger/src/sql/schedule.rs";
const CLAIM: &str = "core/ledger/src/sql/claim.rs";
const SENDS: &str = "core/ledger/src/sql/delivery/claim.rs";
const ATTEMPTS: &str = "core/ledger/src/sql/delivery/attempts.rs";

/// In the order of `docs/fences.md`.
pub(super) const FENCES: &[Fence] = &[
    Fence {
        name: "end-state",
        file: FINISH,
        stands: "COALESCE(tasks.state, '') = 'running'",
        gone: "COALESCE(tasks.state, '') <> ''",
        tests: suite!["only_the_holder_speaks", "a_late_finisher_is_fenced"],
    },
    Fence {
        name: "end-session",
        file: FINISH,
        stands: "COALESCE(tasks.session, '') = $3",
        gone: "COALESCE(tasks.session, $3) <> ''",
        tests: suite!["only_the_holder_speaks", "a_late_finisher_is_fenced"],
    },
    Fence {
        name: "check-held",
        file: QUEUE,
        stands: "WHERE id = $1 AND state = 'running' AND session = $2\")",
        gone: "WHERE id = $1 AND session <> $2 || ' '\")",
        tests: suite!["only_the_holder_speaks", "a_late_finisher_is_fenced"],
    },
    Fence {
        name: "held",
        file: QUEUE,
        stands: ".filter(|task| task.state == TaskState::Running && task.session == Some(session))",
        gone: "",
        tests: suite!["verifications_are_recorded"],
    },
    Fence {
        name: "renew-task",
        file: QUEUE,
        stands: "WHERE id = $2 AND state = 'running' AND session = $3",
        gone: "WHERE id = $2 AND state = 'running' AND session <> $3 || ' '",
        tests: suite!["only_the_holder_speaks"],
    },
    Fence {
        name: "renew-session",
        file: SESSIONS,
        stands: "UPDATE sessions SET lease_until = $1 WHERE id = $2 AND ended IS NULL",
        gone: "UPDATE sessions SET lease_until = $1 WHERE id = $2",
        tests: suite!["a_session_ends_once", "a_late_finisher_is_fenced"],
    },
    Fence {
        name: "session-live",
        file: SESSIONS,
        stands: "SELECT 1 FROM sessions WHERE id = $1 AND ended IS NULL\")",
        gone: "SELECT 1 FROM sessions WHERE id = $1\")",
        tests: suite!["lost_senders_are_fenced"],
    },
    Fence {
        name: "session-claims",
        file: "core/ledger/src/sql/slots.rs",
        stands: "FROM sessions WHERE id = $1 AND ended IS NULL",
        gone: "FROM sessions WHERE id = $1",
        tests: &[Tests {
            program: "postgres_hubs",
            names: &["races::who_ends_meanwhile_gets_nothing"],
        }],
    },
    Fence {
        name: "reap-session",
        file: SESSIONS,
        stands: "WHERE id = $1 AND ended IS NULL AND lease_until <= $2",
        gone: "WHERE id = $1 AND ended IS NULL AND lease_until <> -$2",
        tests: RENEWS_IN_TIME,
    },
    Fence {
        name: "reap-task",
        file: SESSIONS,
        stands: "WHERE id = $1 AND state = 'running' AND lease_until <= $2",
        gone: "WHERE id = $1 AND state = 'running' AND lease_until <> -$2",
        tests: RENEWS_IN_TIME,
    },
    Fence {
        name: "reap-message",
        file: SESSIONS,
        stands: "WHERE number = $1 AND state = 'sending' AND lease_until <= $2",
        gone: "WHERE number = $1 AND state = 'sending' AND lease_until <> -$2",
        tests: &[Tests {
            program: "postgres_hubs",
            names: &["races::who_renews_in_time_keeps_its_messages"],
        }],
    },
    Fence {
        name: "lease-length",
        file: SESSIONS,
        stands: "self.shorten(&mut conn, now).await?;",
        gone: "",
        tests: &[Tests {
            program: "faults",
            names: &[
                "clocks::sqlite::a_clock_that_jumps_back_keeps_nothing_for_who_is_gone",
                "clocks::postgres::a_clock_that_jumps_back_keeps_nothing_for_who_is_gone",
            ],
        }],
    },
    Fence {
        name: "claim",
        file: CLAIM,
        stands: "i.state = 'queued' AND i.share = s.share",
        gone: "i.state <> '' AND i.share = s.share",
        tests: suite!["what_runs_is_not_claimed", "two_claimers_never_get_the_same_task"],
    },
    Fence {
        name: "cursor-passed",
        file: SCHEDULE,
        stands: "AND jobs.ticked < r.due",
        gone: "",
        tests: suite!["a_tick_fires_once"],
    },
    Fence {
        name: "cursor-moved",
        file: SCHEDULE,
        stands: "AND jobs.ticked = r.stood",
        gone: "",
        tests: suite!["a_tick_of_an_old_look_is_ignored"],
    },
    Fence {
        name: "tick-answered",
        file: SCHEDULE,
        stands: "jobs.remove(&key).filter(|_| fresh.contains(&key))",
        gone: "jobs.remove(&key)",
        tests: suite!["a_tick_is_answered_once_for_all"],
    },
    Fence {
        name: "pause",
        file: SCHEDULE,
        stands: "if tx.paused().await?.is_some() {",
        gone: "if false {",
        tests: &[Tests {
            program: "postgres_hubs",
            names: &["races::a_pause_is_seen_by_who_is_about_to_fire"],
        }],
    },
    Fence {
        name: "fan-out",
        file: "core/ledger/src/sql/fanout.rs",
        stands: "!= Some(fanout.seq)",
        gone: "== Some(-fanout.seq)",
        tests: suite!["fan_out_is_fenced"],
    },
    Fence {
        name: "message-claim",
        file: SENDS,
        stands: "FROM messages VIA(messages_ready) WHERE state = 'pending' AND head = 1 AND due <= $1",
        gone: "FROM messages WHERE state <> '' AND head = 1 AND due <= $1",
        tests: suite!["order_holds_within_a_thread"],
    },
    Fence {
        name: "message-session",
        file: ATTEMPTS,
        stands: "Some(held) if held.session == report.session",
        gone: "Some(held) if held.session != SessionId(uuid::Uuid::nil())",
        tests: suite!["lost_senders_are_fenced"],
    },
    Fence {
        name: "key-used",
        file: "core/ledger/src/sql/idempotency.rs",
        stands: "if let Some(before) = used(&mut self.conn, keyed, self.now).await? {",
        gone: "if let Some(before) = None::<KeyUse> {",
        tests: &[
            Tests {
                program: "sqlite",
                names: &["a_key_enqueues_one_task"],
            },
            Tests {
                program: "postgres_hubs",
                names: &["races::a_key_that_two_hubs_see_at_once_enqueues_one_task"],
            },
        ],
    },
    Fence {
        name: "signing-key",
        file: CLAIM,
        stands: "let foreign = look.signed.iter().filter(|(_, key)| !keys.contains(key));",
        gone: "let foreign = look.signed.iter().filter(|_| false);",
        tests: suite!["tasks_wait_for_who_signs_their_datastore"],
    },
    Fence {
        name: "one-writer",
        file: "core/ledger/src/postgres/transaction.rs",
        stands: "SELECT pg_advisory_xact_lock({lock});",
        gone: "SELECT {lock};",
        tests: &[Tests {
            program: "postgres_hubs",
            names: &[
                "sharing::two_hubs_never_get_the_same_task",
                "sharing::no_event_comes_late",
                "sharing::looking_for_work_takes_no_lock",
            ],
        }],
    },
    Fence {
        name: "condition",
        file: "core/ledger/src/sql/conditions.rs",
        stands: "if !self.put_condition(key.clone()).await? {",
        gone: "if !self.put_condition(key.clone()).await? && key.is_empty() {",
        tests: suite!["conditions_are_told_once_while_they_last"],
    },
    Fence {
        name: "one-process",
        file: "core/ledger/src/sqlite/mod.rs",
        stands: "match file.try_lock() {",
        gone: "match Ok::<(), TryLockError>(()) {",
        tests: &[Tests {
            program: "sqlite_durability",
            names: &["a_second_opener_is_refused"],
        }],
    },
];

const RENEWS_IN_TIME: &[Tests] = &[Tests {
    program: "postgres_hubs",
    names: &["races::who_renews_in_time_loses_nothing"],
}];
