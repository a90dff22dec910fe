//! The suite's tests, listed once for all backends.

/// Makes a test of each promise of the ledger. `$place` is an expression of a `Result` of a fresh
/// [`Place`](crate::ledger::Place).
#[macro_export]
macro_rules! ledger_suite {
    ($place:expr, model_cases: $cases:expr) => {
        $crate::ledger_tests! { $place;
            tasks: every_legal_transition, every_illegal_transition_is_refused, events_tell_everything,
                upids_are_made_once, enqueue_checks_what_it_names;
            leases: two_claimers_never_get_the_same_task, a_late_finisher_is_fenced, renewal_keeps_a_task,
                leases_outlast_a_clock_that_is_set, services_that_are_lost_are_told, workers_come_and_go, workers_are_silent_and_then_lost;
            fences: only_the_holder_speaks, a_session_ends_once, what_runs_is_not_claimed,
                a_tick_is_answered_once_for_all;
            lists: lists_filter_and_page, lists_hold_what_passes, counts_are_capped;
            retries: failures_are_retried_with_backoff, a_paused_job_is_tried_again_later, a_lost_worker_is_noticed,
                cancelled_work_is_not_retried, handed_over_work_goes_on, jobs_follow_one_another, followers_keep_their_rules,
                a_job_never_runs_twice_at_once;
            followers: a_run_that_is_handed_over_is_followed_once, a_run_that_was_lost_is_followed_once,
                a_run_of_many_attempts_is_followed_once, a_run_that_never_ends_well_is_not_followed,
                a_cancelled_run_is_not_followed;
            idempotency: a_key_enqueues_one_task, keys_count_for_a_day;
            schedule: a_tick_fires_once, a_tick_of_an_old_look_is_ignored, missed_ticks_collapse,
                one_event_tells_what_becomes_of_a_tick, pauses_hold, cursors_follow_the_schedule;
            queue: slots_are_shared_between_projects, limits_hold, slots_are_freed_however_tasks_end,
                blackouts_hold_what_the_hub_starts, overlaps_go_by_policy, delays_spread_the_beginning, waits_say_why;
            keys: keys_bind_tasks_to_workers, tasks_wait_for_who_signs_their_datastore,
                a_copy_needs_the_keys_of_both_datastores, who_takes_a_datastore_over_gets_its_tasks;
            windows: what_may_not_begin_yet_replaces_nothing, what_may_begin_replaces_all_before_it, runs_that_wait_go_by_what_is_declared_now,
                a_paused_job_stays_paused, errors_are_found_as_people_read_them;
            places: what_is_held_is_before_nobody;
            objects: bad_declarations_are_refused_whole, groups_are_of_projects_or_of_the_hub, rules_hold_together, removal_checks_references, datastores_are_known;
            access: tokens_live_and_die;
            users: users_come_and_go, grants_say_who_may_do_what, failures_lock_a_name, logins_end,
                changes_are_written_down, people_are_known_as_they_are;
            ways_in: second_factors_are_used_once, steps_to_a_login_are_taken_once, a_hub_is_set_up_once,
                users_of_providers_keep_who_they_are;
            logs: logs_are_read_by_line, every_log_has_an_end, old_logs_are_removed, progress_is_replaced, wakes_follow_commits,
                verifications_are_recorded;
            messages: fan_out_is_fenced, outcomes_follow_each_other, limits_are_kept, digests_gather_events, a_message_keeps_its_handler,
                digests_are_bounded;
            silences: silences_are_made_and_ended, a_key_makes_one_silence, old_silences_are_forgotten,
                what_is_silenced_waits_for_its_end, what_is_silenced_further_waits_on,
                a_silence_that_was_ended_silences_nothing, a_condition_is_known_by_its_event,
                maintenance_windows_are_declared;
            delivery: a_handler_that_fails_for_days_is_switched_off,
                a_handler_that_is_declared_otherwise_begins_anew, a_lost_sender_is_no_failure,
                order_holds_within_a_thread, dead_letters_can_be_replayed, lost_senders_are_fenced,
                circuits_hold_a_lane, a_lane_is_gone_gently_with, what_a_destination_puts_off_is_no_failure,
                only_what_would_be_sent_is_replayed;
            holding: what_no_sender_holds_goes_again, what_is_not_sent_says_nothing_of_its_handler,
                what_waits_for_a_handler_that_is_disabled_is_told_once,
                what_waits_for_a_handler_that_is_removed_is_told_once, what_is_made_for_a_handler_that_goes_is_told_once,
                what_is_under_way_when_a_handler_is_switched_off_is_told_with_it, what_some_have_holds_back_no_thread;
            exchanges: answers_are_kept_for_a_time;
            handlers: kv_is_committed_with_the_attempt, handlers_are_looked_up_when_sending;
            inbox: every_event_shows, entries_are_filtered, what_is_muted_is_not_counted,
                who_takes_an_event_on_shows_to_all, old_entries_go_with_their_state;
            actions: actions_happen_once;
            incidents: events_of_one_cause_are_one_incident, notices_are_told_once, an_end_is_told_once,
                incidents_come_to_an_end, incidents_are_acknowledged, incidents_are_closed, escalations_come_to_an_end;
            endings: what_is_gone_is_waited_for_no_more, a_handler_that_fails_keeps_its_incident;
            acknowledged: an_incident_goes_with_its_entries;
            held_back: what_is_silenced_by_now_waits_and_is_told_once, a_silence_that_was_ended_holds_nothing_back,
                an_end_is_heard_by_whom_it_was_for;
            figures: figures_are_of_now, figures_of_delivery_are_of_now, what_is_committed_is_counted, attempts_are_tallied,
                figures_have_bounds;
            conditions: conditions_are_told_once_while_they_last, runs_that_wait_are_seen, good_runs_are_found,
                bad_snapshots_are_found;
            statistics: attempts_are_counted_with_their_end, commands_are_no_time_of_the_work,
                cancelled_runs_are_counted_apart, sums_are_filtered_and_split, datastores_are_sampled,
                reports_are_listed;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn export_round_trips() -> anyhow::Result<()> {
            $crate::ledger::objects::export_round_trips(&$place?, &$place?).await
        }

        proptest::proptest! {
            #![proptest_config(proptest::prelude::ProptestConfig {
                cases: $cases,
                failure_persistence: None,
                ..Default::default()
            })]

            #[test]
            fn tasks_follow_the_model(steps in $crate::ledger::model::steps()) {
                let done = || {
                    let runtime = tokio::runtime::Builder::new_multi_thread()
                        .worker_threads(2)
                        .enable_all()
                        .build()?;
                    let place = $place?;
                    runtime.block_on($crate::ledger::model::follows_the_model(&place, steps))
                };
                let done: anyhow::Result<()> = done();
                proptest::prop_assert!(done.is_ok(), "{:?}", done.err());
            }
        }
    };
}

/// The tests themselves.
#[doc(hidden)]
#[macro_export]
macro_rules! ledger_tests {
    ($place:expr; $($module:ident: $($name:ident),+;)+) => {
        $($crate::ledger_tests! { @module $place; $module: $($name),+ })+
    };
    (@module $place:expr; $module:ident: $($name:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() -> anyhow::Result<()> {
                $crate::ledger::$module::$name(&$place?).await
            }
        )+
    };
}
