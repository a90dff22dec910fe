//! The ledger's suite on SQLite, in real files.

use anyhow::{Context, Result};
use futures::future::BoxFuture;
use ironcore_conformance::ledger::{
    Place, access, actions, delivery, handlers, inbox, leases, lists, logs, messages, model, objects,
    retries, schedule, tasks,
};
use ironcore_ledger::{Ledger, LedgerError, LedgerOptions};
use ironcore_types::{NodeName, Seams};

struct SqlitePlace {
    folder: tempfile::TempDir,
    node: NodeName,
}

impl SqlitePlace {
    fn new() -> Result<Self> {
        Ok(Self {
            folder: tempfile::tempdir()?,
            node: "node-1".parse()?,
        })
    }
}

impl Place for SqlitePlace {
    fn open(&self, seams: Seams) -> BoxFuture<'_, Result<Ledger, LedgerError>> {
        let path = self.folder.path().join("hub.db");
        let options = LedgerOptions {
            path,
            node: self.node.clone(),
            pid: 4_711,
            pstart: 815,
        };
        Box::pin(Ledger::open(options, seams))
    }
}

macro_rules! suite {
    ($($module:ident: $($name:ident),+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() -> Result<()> {
                $module::$name(&SqlitePlace::new()?).await
            }
        )+)+
    };
}

suite! {
    tasks: every_legal_transition, every_illegal_transition_is_refused, events_tell_everything, upids_are_made_once,
        enqueue_checks_what_it_names;
    leases: two_claimers_never_get_the_same_task, a_late_finisher_is_fenced, renewal_keeps_a_task, workers_come_and_go;
    lists: lists_filter_and_page, counts_are_capped;
    retries: failures_are_retried_with_backoff, a_lost_worker_is_noticed, cancelled_work_is_not_retried,
        handed_over_work_goes_on, jobs_follow_one_another, a_job_never_runs_twice_at_once;
    schedule: a_tick_fires_once, missed_ticks_collapse, pauses_hold, cursors_follow_the_schedule;
    objects: bad_declarations_are_refused_whole, removal_checks_references, datastores_are_known;
    access: tokens_live_and_die;
    logs: logs_are_read_by_line, progress_is_replaced, wakes_follow_commits, verifications_are_recorded;
    messages: fan_out_is_fenced, digests_gather_events;
    delivery: order_holds_within_a_thread, dead_letters_can_be_replayed, lost_senders_are_fenced, circuits_hold_a_lane;
    handlers: kv_is_committed_with_the_attempt, handlers_are_looked_up_when_sending;
    inbox: every_event_shows;
    actions: actions_happen_once;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_round_trips() -> Result<()> {
    objects::export_round_trips(&SqlitePlace::new()?, &SqlitePlace::new()?).await
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() })]

    #[test]
    fn tasks_follow_the_model(steps in model::steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let done = runtime.context("a runtime").and_then(|runtime| {
            let place = SqlitePlace::new()?;
            runtime.block_on(model::follows_the_model(&place, steps))
        });
        proptest::prop_assert!(done.is_ok(), "{:?}", done.err());
    }
}
