//! All SQL of the hub behind one type: [`Ledger`], whose methods are the domain's verbs. The ledger is the only
//! authority about tasks, events, messages and configuration. It knows nothing of stores, plugins or HTTP.
//!
//! # The protocol
//!
//! **One transaction a verb.** Every enqueue, every change of state, and the event that tells of it are committed
//! together or not at all. A verb returns after COMMIT; an error means that nothing of it was kept. `events` is the
//! outbox: whoever acts on an event finds the state it speaks of. `seq` is the order of commits, without gaps that
//! fill up later; streams, fan-out and inbox go by it alone.
//!
//! **Wake-ups say only "look again"** ([`Wakes`]). They come after COMMIT and carry nothing, so that a crash, a
//! restart and a tick share one path: look, claim, work, finish.
//!
//! **Claims are leased and fenced.** What is handed out belongs to a session (one life of one process) for
//! [`LEASE`]; [`Ledger::renew`] every 10 s keeps it. [`Ledger::reap`] takes back what was not renewed. Everything
//! that a holder writes is checked against (thing, session): a late finisher gets [`LedgerError::Fenced`], and
//! nothing of what it wrote is kept.
//!
//! | what | claimed by | given back | fence |
//! | --- | --- | --- | --- |
//! | task | [`Ledger::claim`] | ends `failed` with `worker.lost`; a new task with `retry_of` by the job's policy | task, session |
//! | message | [`Ledger::claim_messages`] | waits again under the same id; the attempt is recorded as lost | message, session |
//! | tick | [`Ledger::fire_ticks`] | – (fired or not, at once) | job's cursor; (job, scheduled_for) |
//! | event to fan out | [`Ledger::record_fanout`] | – | the cursor must stand right before it |
//! | action | [`Ledger::record_action`] | – | (cause, kind, target) |
//! | what was held back | [`Ledger::release`] | – (each hub that looks) | the rows must be as they were when they were looked at |
//! | key of a request | [`Ledger::enqueue_once`] | after [`IDEMPOTENCY`] | (user, key) |
//!
//! **One task is one attempt.** `queued → running → ok | warning | failed`, `queued | running → cancelled`; final is
//! final, and the table itself refuses rows that contradict their state. A retry is a new task in the same
//! transaction that ends the old one, delayed by the job's `retry-delay`, doubled for each further attempt. Jobs that
//! name another in `after` are enqueued by the transaction that ends it well. What was asked to cancel never runs
//! again. A job never runs beside itself.
//!
//! **Messages** are unique on (handler, recipient, thread, kind, window, replay) and joined to one or many events.
//! Within a thread only the earliest unfinished one (`head`) can be claimed. An open circuit rests its lane; after
//! its pause one message tries until the circuit is closed. What a plugin wrote is committed with the outcome of the
//! attempt, within a quota. When to try again and when to give up is decided above; the ledger only keeps it.
//!
//! # Tables
//!
//! | tables | hold |
//! | --- | --- |
//! | `hub` | the hub's id, the scheduler's pause, up to where events were fanned out |
//! | `projects`, `datastores`, `notification_groups`, `hub_groups`, `jobs`, `group_owners` | configuration as JSON bodies, with the columns that verbs ask for; who owns a backup group |
//! | `tokens`, `sessions` | SHA-256 of secrets; lives of processes |
//! | `ticks` | every tick that was dealt with |
//! | `tasks`, `task_progress`, `log_frames` | tasks; one row of progress each; zstd frames of log lines |
//! | `task_texts` | what tasks are called and why they failed, to be found by any part of it |
//! | `idempotency_keys` | keys under which clients enqueued tasks, for a day |
//! | `loads` | slots that each project and datastore holds, and slot time that projects used |
//! | `task_statistics`, `datastore_usage` | what attempts moved; how full datastores were |
//! | `verifications`, `verification_history` | the latest result of each snapshot, and all of them |
//! | `events`, `tips`, `matches` | the outbox, what to do about it, which handlers it matched |
//! | `outcomes`, `outcome_steps` | how the newest run of each job ended, and what each event that tells of an end found there |
//! | `messages`, `message_events`, `attempts`, `circuits`, `rates` | delivery |
//! | `silences`, `maintenance_windows`, `silenced` | when who is told nothing; who heard nothing of what, until that is over |
//! | `incidents`, `incident_events`, `incident_members`, `incident_notices` | trouble of one cause, who is affected, what handlers were told |
//! | `conditions` | what lasts and was told when it began |
//! | `plugin_kv`, `actions` | what plugins keep and cause |
//! | `inbox_entries`, `inbox_read`, `inbox_acknowledged`, `inbox_mutes` | how events show, who has read them and taken them on, and what users do not want to be counted |
//!
//! Times are `i64` microseconds UTC. Nothing is deleted but what a verb says it deletes.
//!
//! # Databases
//!
//! | folder | holds |
//! | --- | --- |
//! | `verbs` | what each verb promises |
//! | `sql` | the verbs in SQL, written once for both databases; the one writer of this process |
//! | `rules` | what holds without SQL: titles of events, retry delays, what a declaration may say |
//! | `db` | connections, statements, values and rows of either database; the few words in which the two differ |
//! | `sqlite`, `postgres` | what each does in its own way: opening, locking, versions, how transactions begin and end |
//! | `transfer` | the whole ledger from one database into the other |
//!
//! One conformance suite runs on both.
//!
//! **SQLite**: one file, one process, kept alone by a lock file; WAL, `synchronous=FULL`; one writer that runs verbs
//! in savepoints and commits them in groups, a few readers that never wait. Time is that of the seams.
//!
//! **PostgreSQL** (14 or newer): any number of hubs share one database and one hub id. Each has such a writer, and
//! each transaction of a writer begins by taking one advisory lock: of all hubs one writes at a time, so every promise
//! above holds between hubs as it does within one. The server throws out a holder that stops, and a statement or a
//! wait for the lock that takes too long. Time is the server's. Verbs that poll look with a reader first, so that hubs
//! at rest do not contend. A connection that breaks is made again; verbs wait for it for a while, and whoever had no
//! answer to COMMIT is told what became of it, or that this is not known
//! ([`Failure::Unknown`]).

mod db;
mod error;
pub mod model;
mod open;
mod postgres;
mod rules;
mod sql;
mod sqlite;
mod transfer;
mod verbs;

pub use error::{Failure, LedgerError, Result};
pub use open::{Clock, Database, Ledger, LedgerOptions, Postgres, Wakes};

use std::time::Duration;

/// How long a session, a running task or a message being sent is held without renewal.
pub const LEASE: Duration = Duration::from_secs(30);
/// How long a key under which a task was enqueued counts.
pub const IDEMPOTENCY: Duration = Duration::from_secs(24 * 3600);
/// Such keys that one user may hold: the oldest counts no more when another comes.
pub const IDEMPOTENCY_KEYS: i64 = 10_000;
/// How long it is known who changed what.
pub const AUDIT_KEPT: Duration = Duration::from_secs(3 * 366 * 86_400);
/// How long silences are kept after their end.
pub const SILENCES_KEPT: Duration = Duration::from_secs(400 * 86_400);
/// Jobs of which there are figures.
pub const FIGURES_JOBS: usize = 1_000;
/// Datastores of which there are figures.
pub const FIGURES_DATASTORES: usize = 100;
/// Up to where figures count what is open, or dead.
pub const FIGURES_COUNT: u64 = 100_000;
/// Attempts that the figures of a datastore are of.
pub const FIGURES_ATTEMPTS: u64 = 100;
/// Bytes of keys and values that one key-value scope may hold.
pub const KV_QUOTA_BYTES: u64 = 1024 * 1024;
/// Rules by which a user mutes entries of the inbox, at most.
pub const INBOX_MUTES: usize = 100;
/// Keys that one key-value scope may hold.
pub const KV_QUOTA_KEYS: u64 = 1_000;
