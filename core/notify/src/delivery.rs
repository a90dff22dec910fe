//! From messages to attempts: claims what is due, lets plugins deliver it, a bounded number at once, and records what
//! came of each. All state is the ledger's, so a crash between any two steps only means that the lease runs out and
//! the message is delivered again, under the same id.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{
    AttemptOutcome, ClaimedMessage, FinishAttempt, InboxEntry, KvScope, KvWrite, Message,
};
use ironcore_plugin_host::{Delivered, Delivery, HostServices, Hub, InboxWrite, Links};
use ironcore_types::event::{ErrorData, TaskData};
use ironcore_types::{ErrorCode, SessionId, Timestamp};
use serde_json::{Map, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::incidents::Told;
use crate::lanes;
use crate::matching;
use crate::notify::Shared;
use crate::outcome::{self, Meaning, cut};
use crate::recipients::Recipients;
use crate::record::{DETAIL, Record};
use crate::retry::{self, Next, Tries, Verdict};
use crate::services::{AttemptServices, shared as as_services};
use crate::slots::Slots;

/// How long to wait before the ledger is asked again to record an attempt.
const RECORD_AGAIN: Duration = Duration::from_secs(1);

/// Runs until cancelled, then lets the attempts in flight end, within the bound that the options give.
pub(crate) async fn run(shared: &Arc<Shared>, cancel: &CancellationToken) {
    let mut wakes = shared.ledger.wakes().messages;
    let mut flight = JoinSet::new();
    let slots = Slots::new(&shared.options);
    let most = slots.most();
    let mut backlog = false;
    while !cancel.is_cancelled() {
        wakes.borrow_and_update();
        let looked = shared.seams.now();
        let free = slots.free();
        // With more waiting than can be sent, a claim for every single end would be a transaction for every message.
        let worth_it = if backlog { free * 4 >= most } else { free > 0 };
        if worth_it {
            let claimed = claim(shared, free).await;
            backlog = claimed.len() == free;
            for (session, message) in claimed {
                let slot = slots.take();
                let hold = shared.held.hold(&message);
                let shared = Arc::clone(shared);
                flight.spawn(async move {
                    let _hold = hold;
                    slot.during(&shared.seams, attempt(&shared, session, message))
                        .await
                });
            }
            if backlog {
                continue;
            }
        }
        let due = if backlog {
            None
        } else {
            next_due(shared, looked).await
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            Some(ended) = flight.join_next(), if !flight.is_empty() => {
                report(ended);
                while let Some(ended) = flight.try_join_next() {
                    report(ended);
                }
            }
            () = slots.freed() => {}
            _ = wakes.changed(), if !backlog => {}
            () = shared.seams.sleep_until(due.unwrap_or(looked)), if due.is_some() => {}
            () = shared.seams.sleep(shared.options.poll), if !backlog => {}
        }
    }
    let drained = tokio::time::timeout(shared.options.drain, async {
        while let Some(ended) = flight.join_next().await {
            report(ended);
        }
    });
    if drained.await.is_err() {
        tracing::warn!(
            attempts = flight.len(),
            "attempts were still under way; their messages are delivered again"
        );
        flight.shutdown().await;
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("an attempt could not be recorded: {error}");
    }
}

async fn claim(shared: &Shared, free: usize) -> Vec<(SessionId, ClaimedMessage)> {
    let n = u32::try_from(free).unwrap_or(u32::MAX);
    let per_lane = shared.options.attempts_per_lane.max(1);
    // The session may have run out, perhaps because the machine slept; then once more under a new one.
    for _ in 0..2 {
        let session = shared.session();
        match shared.ledger.claim_messages(session, n, per_lane).await {
            Ok(claimed) => return claimed.into_iter().map(|message| (session, message)).collect(),
            Err(LedgerError::Fenced(_)) => {
                if let Err(error) = shared.register(session).await {
                    tracing::warn!(code = %error.code(), "no new session: {error}");
                    break;
                }
            }
            Err(error) => {
                tracing::warn!(code = %error.code(), "messages could not be claimed: {error}");
                break;
            }
        }
    }
    Vec::new()
}

/// When the next message is due. What was due when we `looked` and was not handed out is held back by what is under
/// way, whose end is a wake-up; what has become due since then is not.
async fn next_due(shared: &Shared, looked: Timestamp) -> Option<Timestamp> {
    let next = shared.ledger.next_message_due().await.ok().flatten();
    next.filter(|due| *due > looked)
}

async fn attempt(shared: &Shared, session: SessionId, claimed: ClaimedMessage) {
    let started = shared.seams.now();
    let made = AssertUnwindSafe(deliver(shared, &claimed)).catch_unwind().await;
    let ended = shared.seams.now();
    let (meaning, done, record) = made.unwrap_or_else(|_| {
        (
            Meaning::again(ErrorCode::Internal, "the attempt ended abnormally"),
            None,
            Record::default(),
        )
    });
    if let Some((code, reason)) = &meaning.failure {
        // Telling of a failure to tell would go on for ever.
        let about = claimed
            .events
            .iter()
            .any(|event| matching::is_about_delivery(event.event.event_type));
        if !about {
            let handler = &claimed.message.handler;
            let plugin = &claimed.message.plugin;
            shared
                .tell_failure(plugin, Some(handler), Some(claimed.message.id), *code, reason)
                .await;
        }
    }
    let reason = match &meaning.verdict {
        Verdict::Delivered => String::new(),
        Verdict::Again { reason, .. } | Verdict::Later { reason, .. } | Verdict::Rejected { reason, .. } => {
            reason.clone()
        }
    };
    lanes::mark(shared, &claimed, meaning.sign, (started, ended), &reason).await;
    let report = report_of(shared, session, &claimed, meaning, done, record, (started, ended));
    finish(shared, report).await;
}

/// One attempt: what it means, what the plugin wrote, and its record.
async fn deliver(shared: &Shared, claimed: &ClaimedMessage) -> (Meaning, Option<Delivered>, Record) {
    let nothing = |meaning| (meaning, None, Record::default());
    if !claimed.handler_active {
        let why = "the handler was removed or switched off before the message was sent";
        return nothing(Meaning::rejected(ErrorCode::DeliveryNotSent, why));
    }
    let services = services_of(shared, claimed);
    let (meaning, done) = call(shared, claimed, as_services(&services)).await;
    (meaning, done, services.finish())
}

/// What the plugin may do while it delivers this message.
pub(crate) fn services_of(shared: &Shared, claimed: &ClaimedMessage) -> Arc<AttemptServices> {
    let message = &claimed.message;
    Arc::new(AttemptServices {
        egress: shared.egress.clone(),
        ledger: shared.ledger.clone(),
        templates: shared.templates.clone(),
        seams: shared.seams.clone(),
        scope: KvScope {
            plugin: claimed.handler.plugin.clone(),
            handler: message.handler.clone(),
        },
        message: message.id,
        recipients: Recipients::of(message),
        log_of: task_of(claimed).map(|task| task.upid.clone()),
        link: link_of(shared, message).map(|(_, key)| key),
        record: Mutex::default(),
    })
}

/// Lets the plugin deliver with these services, and says what its answer means.
pub(crate) async fn call(
    shared: &Shared,
    claimed: &ClaimedMessage,
    services: Arc<dyn HostServices>,
) -> (Meaning, Option<Delivered>) {
    let Some(plugin) = shared.plugins.deliverer(&claimed.handler.plugin) else {
        let why = format!("the plugin {} is not loaded", claimed.handler.plugin);
        return (Meaning::failed(ErrorCode::PluginLoad, why), None);
    };
    let limit = shared.options.attempt_timeout;
    let link = link_of(shared, &claimed.message);
    let address = link
        .as_ref()
        .map(|(base, key)| format!("{base}/acknowledge/{key}"));
    let call = plugin.deliver(delivery_of(shared, claimed, address), services);
    let (meaning, done) = match tokio::time::timeout(limit, call).await {
        Ok(Ok(done)) => (outcome::of_answer(&done.outcome), Some(done)),
        Ok(Err(error)) => (outcome::of_failure(&error), None),
        Err(_) => {
            let why = format!("the attempt took longer than {} s", limit.as_secs());
            (Meaning::failed(ErrorCode::PluginTimeout, why), None)
        }
    };
    (meaning.without(link.as_ref().map(|(_, key)| key.as_str())), done)
}

/// The task that the message is about: of the worst of its events, and of those the newest.
fn task_of(claimed: &ClaimedMessage) -> Option<&TaskData> {
    let events = claimed.events.iter().map(|event| &event.event.data);
    events
        .filter(|data| data.task.is_some())
        .max_by_key(|data| data.severity)
        .and_then(|data| data.task.as_ref())
}

/// Where somebody says that they see to the incident of the message: the dashboard's address and the key of the link.
pub(crate) fn link_of(shared: &Shared, message: &Message) -> Option<(String, String)> {
    let told = Told::of(message).filter(Told::is_open)?;
    let base = shared.options.dashboard.clone()?;
    let key = shared.options.links.as_ref()?;
    Some((base, key.token(told.id, &message.handler, message.created)))
}

/// What the plugin is told; `link` is where somebody says that they see to the incident.
fn delivery_of(shared: &Shared, claimed: &ClaimedMessage, link: Option<String>) -> Delivery {
    let message = &claimed.message;
    let dashboard = shared.options.dashboard.as_ref();
    let task_page = dashboard.zip(task_of(claimed)).map(|(base, task)| {
        let upid: String = url::form_urlencoded::byte_serialize(task.upid.to_string().as_bytes()).collect();
        format!("{base}/tasks/{upid}")
    });
    let incident = Told::of(message).map(|told| told.into_delivery(link));
    Delivery {
        kind: message.kind.clone(),
        message: message.id,
        thread: message.thread.clone(),
        attempt: claimed.attempt,
        recipient: Some(message.recipient.clone()).filter(|recipient| !recipient.is_empty()),
        project: message.handler.project.clone(),
        group: message.handler.group.clone(),
        handler: message.handler.handler.clone(),
        config: claimed.handler.config.clone(),
        template: claimed.handler.template.clone(),
        events: claimed.events.iter().map(|event| event.event.clone()).collect(),
        incident,
        tips: claimed.tips.clone(),
        tip_events: claimed.tip_events.clone(),
        links: Links {
            dashboard: shared.options.dashboard.clone(),
            log: task_page.as_ref().map(|page| format!("{page}#log")),
            task: task_page,
        },
        hub: Hub {
            id: shared.ledger.hub_id(),
            name: shared.options.hub_name.clone(),
        },
        attrs: Vec::new(),
    }
}

fn report_of(
    shared: &Shared,
    session: SessionId,
    claimed: &ClaimedMessage,
    meaning: Meaning,
    done: Option<Delivered>,
    mut record: Record,
    (started, ended): (Timestamp, Timestamp),
) -> FinishAttempt {
    if meaning.verdict == Verdict::Delivered {
        record.delivered();
    }
    let policy = &shared.options.retry;
    let tries = Tries {
        failed: claimed.message.failures + 1,
        first: claimed.first_tried.unwrap_or(started),
    };
    let next = retry::next(policy, &meaning.verdict, tries, ended, shared.seams.fraction());
    let (kv, inbox) = done.map(|done| (done.kv, done.inbox)).unwrap_or_default();
    let kv = kv
        .into_iter()
        .map(|write| KvWrite {
            key: write.key,
            value: write.value,
        })
        .collect();
    let delivered = matches!(meaning.verdict, Verdict::Delivered);
    let recipients = record.recipients.as_ref();
    let attrs = recipients.and_then(|recipients| recipients.kept(&claimed.message, delivered));
    let taken = match recipients {
        Some(recipients) => recipients.any_took(),
        None => Recipients::of(&claimed.message).any_took(),
    };
    let refusals = recipients.and_then(Recipients::refusals).filter(|_| delivered);
    let refused = refusals.map(|message| ErrorData {
        code: ErrorCode::DeliveryRejected,
        message,
    });
    let outcome = match (next, meaning.verdict) {
        (Next::Again { at }, Verdict::Again { code, reason, .. }) => AttemptOutcome::Retry {
            at,
            reason,
            code,
            asked: false,
        },
        (Next::Again { at }, Verdict::Later { code, reason, .. }) => AttemptOutcome::Retry {
            at,
            reason,
            code,
            asked: true,
        },
        (Next::Exhausted, Verdict::Again { code, reason, .. } | Verdict::Later { code, reason, .. }) => {
            AttemptOutcome::Exhausted { reason, code }
        }
        (_, Verdict::Rejected { code, reason, gone }) => AttemptOutcome::Rejected { reason, code, gone },
        (_, Verdict::Again { code, reason, .. } | Verdict::Later { code, reason, .. }) => {
            AttemptOutcome::Rejected {
                reason,
                code,
                gone: false,
            }
        }
        (_, Verdict::Delivered) => AttemptOutcome::Delivered {
            receipt: meaning.receipt,
        },
    };
    FinishAttempt {
        message: claimed.message.id,
        session,
        started,
        ended,
        outcome,
        status: meaning.status,
        exchanges: record.exchanges,
        detail: Some(cut(record.detail, DETAIL)).filter(|detail| !detail.is_empty()),
        kv,
        inbox: inbox.into_iter().map(inbox_entry).collect(),
        attrs,
        refused,
        taken,
        tried: claimed.handler_active,
    }
}

fn inbox_entry(write: InboxWrite) -> InboxEntry {
    let mut attrs = Map::new();
    let links: Vec<_> = write
        .links
        .iter()
        .map(|(label, url)| json!({ "label": label, "url": url }))
        .collect();
    attrs.insert("links".to_owned(), links.into());
    attrs.insert("buttons".to_owned(), json!(write.buttons));
    InboxEntry {
        event: write.event,
        title: write.title,
        text: write.body,
        severity: Some(write.severity),
        link: write.links.into_iter().next().map(|(_, url)| url),
        attrs,
    }
}

/// Records an attempt. What was delivered must not be forgotten because the database was busy for a moment, so this
/// goes on until it succeeds or the message is no longer held.
async fn finish(shared: &Shared, report: FinishAttempt) {
    loop {
        match shared.ledger.finish_attempt(report.clone()).await {
            Ok(result) => {
                if result.kv_refused {
                    tracing::warn!(message = %report.message, "the plugin has written too much; its values were not kept");
                }
                return;
            }
            Err(LedgerError::Fenced(what)) => {
                tracing::warn!(message = %report.message, "the attempt came too late to be recorded: {what}");
                return;
            }
            Err(LedgerError::Closed) => return,
            Err(error) => {
                tracing::error!(code = %error.code(), message = %report.message, "not recorded yet: {error}");
                shared.seams.sleep(RECORD_AGAIN).await;
            }
        }
    }
}
