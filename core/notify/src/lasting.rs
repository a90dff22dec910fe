//! Whether a trouble lasts of which somebody was kept from hearing: who silences for a while must not lose what matters.

use ironcore_ledger::model::{DatastoreStatus, HandlerRef, HeldBack, MessageState};
use ironcore_ledger::{Ledger, LedgerError};
use ironcore_types::{Event, EventType, Severity, TaskState};

use crate::matching;
use crate::recipients::Recipients;

/// What an event is about, so that of several only the newest is looked at: the job whose outcome it tells, or what it
/// happened to.
pub(crate) fn subject_of(event: &Event) -> String {
    if let Some((job, _)) = matching::outcome_of(event) {
        return format!("outcome {job}");
    }
    let subject = event.subject.clone().unwrap_or_else(|| event.id.to_string());
    format!("{} {subject}", event.event_type)
}

/// Whether it still is as the event says. What nobody can say to be over lasts.
pub(crate) async fn lasts(ledger: &Ledger, held: &HeldBack) -> Result<bool, LedgerError> {
    let event = &held.event.event;
    let data = &event.data;
    if data.severity < Severity::Warning {
        return Ok(false);
    }
    if let Some((job, state)) = matching::outcome_of(event) {
        let known = ledger.last_outcomes(vec![job.clone()]).await?;
        return Ok(known.get(&job).is_none_or(|last| last.state == state));
    }
    match event.event_type {
        EventType::SnapshotVerified => bad_still(ledger, event).await,
        EventType::SnapshotStale
        | EventType::JobOverdue
        | EventType::JobOverrun
        | EventType::DatastoreSpaceLow => Ok(held.condition),
        EventType::JobMissed => Ok(held.condition || !ran_since(ledger, event).await?),
        EventType::DatastoreStatusChanged => {
            let Some(datastore) = &data.datastore else {
                return Ok(true);
            };
            let now = ledger.datastore(&datastore.name).await?;
            let same = |status: DatastoreStatus| status.online == datastore.online;
            Ok(now.is_some_and(|row| row.status.is_none_or(same)))
        }
        EventType::WorkerOffline => {
            let Some(node) = &data.node else { return Ok(true) };
            let sessions = ledger.sessions().await?;
            // Who takes tasks is a worker.
            let mut workers = sessions.iter().filter(|session| !session.types.is_empty());
            Ok(!workers.any(|session| session.node == node.name))
        }
        EventType::SchedulerPaused => Ok(ledger.scheduler_paused().await?.is_some()),
        EventType::HandlerDisabled => off_still(ledger, event).await,
        EventType::DeliveryExhausted => {
            let message = data.delivery.as_ref().and_then(|delivery| delivery.message);
            let Some(id) = message else { return Ok(true) };
            let message = ledger.message(id).await?;
            Ok(message.is_some_and(|message| {
                message.state == MessageState::Dead || Recipients::of(&message).refusals().is_some()
            }))
        }
        _ => Ok(true),
    }
}

/// Whether the snapshot was bad too when it was last verified.
async fn bad_still(ledger: &Ledger, event: &Event) -> Result<bool, LedgerError> {
    let Some(snapshot) = &event.data.snapshot else {
        return Ok(true);
    };
    let newest = ledger
        .verifications(&snapshot.datastore, Some(&snapshot.path))
        .await?;
    Ok(newest.iter().any(|row| row.report.result.is_bad()))
}

/// Whether a run of the job has ended well since.
async fn ran_since(ledger: &Ledger, event: &Event) -> Result<bool, LedgerError> {
    let (Some(project), Some(job)) = (&event.data.project, matching::job_of(&event.data)) else {
        return Ok(false);
    };
    let last = ledger.last_outcomes(vec![format!("{project}/{job}")]).await?;
    let good = |state| matches!(state, TaskState::Ok | TaskState::Warning);
    if !last.values().any(|outcome| good(outcome.state)) {
        return Ok(false);
    }
    let newest = ledger.good_runs(project, job, 1).await?;
    Ok(newest.iter().any(|run| run.ended > event.time))
}

/// Whether the handler is still switched off.
async fn off_still(ledger: &Ledger, event: &Event) -> Result<bool, LedgerError> {
    let Some(delivery) = &event.data.delivery else {
        return Ok(true);
    };
    let failing = ledger.handler_health().await?;
    let named = |handler: &HandlerRef| {
        handler.project == event.data.project
            && Some(&handler.group) == delivery.group.as_ref()
            && Some(&handler.handler) == delivery.handler.as_ref()
    };
    Ok(failing
        .iter()
        .any(|health| named(&health.handler) && health.disabled.is_some()))
}
