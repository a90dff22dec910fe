//! When a silence is over: whoever was kept from hearing of a trouble that still lasts hears of it then, once and by one
//! message. All state is the ledger's, and any hub may look: what another was faster with is left alone.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{HandlerRef, HeldBack, NewMessage, Overdue, Release, SeqEvent};
use ironcore_types::Timestamp;
use ironcore_types::notification::{GroupRef, Handler};
use serde_json::Map;
use tokio_util::sync::CancellationToken;

use crate::cause;
use crate::error::NotifyError;
use crate::fanout::{KIND_DIGEST, KIND_EVENT, lane};
use crate::lasting;
use crate::matching::{self, Silences};
use crate::notify::Shared;
use crate::pacing::{self, Paced};
use crate::silences;

/// Runs until cancelled.
pub(crate) async fn run(shared: &Shared, cancel: &CancellationToken) {
    let mut wakes = shared.ledger.wakes().objects;
    while !cancel.is_cancelled() {
        // Seen before looking: a silence that is ended from here on wakes again.
        wakes.borrow_and_update();
        let looked = shared.seams.now();
        match once(shared).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(NotifyError::Ledger(LedgerError::Fenced(_))) => {
                tracing::debug!("another process released the same events first");
            }
            Err(error) => {
                tracing::warn!(code = %error.code(), "what was silenced could not be looked at: {error}");
            }
        }
        let next = shared.ledger.next_release().await.ok().flatten();
        let next = next.filter(|due| *due > looked);
        tokio::select! {
            () = cancel.cancelled() => {}
            _ = wakes.changed() => {}
            () = shared.seams.sleep_until(next.unwrap_or(looked)), if next.is_some() => {}
            () = shared.seams.sleep(shared.options.poll) => {}
        }
    }
}

/// Looks at what was held back from one handler; whether there was any.
pub(crate) async fn once(shared: &Shared) -> Result<bool, NotifyError> {
    let Some(overdue) = shared.ledger.overdue().await? else {
        return Ok(false);
    };
    let now = shared.seams.now();
    let silences = silences::read(&shared.ledger, now).await?;
    let handler = declared(shared, &overdue.handler).await?;
    let release = decide(shared, overdue, handler, &silences, now).await?;
    shared.ledger.release(release).await?;
    Ok(true)
}

/// The handler as it is declared, unless it is told of nothing any more.
async fn declared(shared: &Shared, handler: &HandlerRef) -> Result<Option<Handler>, NotifyError> {
    let failing = shared.ledger.handler_health().await?;
    if failing
        .iter()
        .any(|health| health.handler == *handler && health.disabled.is_some())
    {
        return Ok(None);
    }
    let group = GroupRef {
        project: handler.project.clone(),
        name: handler.group.clone(),
    };
    let group = shared.ledger.group(&group).await?;
    let found = group.and_then(|group| {
        let mut handlers = group.handler.into_iter();
        handlers.find(|known| known.name == handler.handler)
    });
    Ok(found.filter(|handler| handler.enabled))
}

async fn decide(
    shared: &Shared,
    overdue: Overdue,
    handler: Option<Handler>,
    silences: &Silences,
    now: Timestamp,
) -> Result<Release, NotifyError> {
    let mut release = Release {
        handler: overdue.handler,
        held: Vec::new(),
        told: Vec::new(),
        by_notices: Vec::new(),
        dropped: Vec::new(),
        message: None,
    };
    let mut newest = BTreeMap::new();
    for held in overdue.events {
        // What has ended is over, though the clock that said so may be ahead of this one.
        let at = now.max(held.until);
        let project = release.handler.project.as_ref();
        match silences.quiet(&held.event.event, project, at) {
            Some(quiet) => release.held.push((held.event.seq, quiet.by, quiet.until)),
            None => {
                let older = newest.insert(lasting::subject_of(&held.event.event), held);
                release.dropped.extend(older.map(|held| held.event.seq));
            }
        }
    }
    let hears_of_incidents = handler
        .as_ref()
        .is_some_and(|handler| handler.incidents.is_some());
    let mut told = Vec::new();
    for held in newest.into_values() {
        if handler.is_none() || !lasting::lasts(&shared.ledger, &held).await? {
            release.dropped.push(held.event.seq);
        } else if hears_of_incidents && held.by_incident && cause::of(&held.event.event).is_some() {
            release.by_notices.push(held.event.seq);
        } else {
            told.push(held);
        }
    }
    told.sort_by_key(|held| held.event.seq);
    release.told = told.iter().map(|held| held.event.seq).collect();
    if let Some(handler) = handler.filter(|_| !told.is_empty()) {
        let lane = lane(&shared.plugins, release.handler.project.as_ref(), &handler);
        release.message = message(&release.handler, handler, lane, &told, now);
    }
    Ok(release)
}

/// The message that tells of what lasts.
fn message(
    reference: &HandlerRef,
    handler: Handler,
    lane: String,
    told: &[HeldBack],
    now: Timestamp,
) -> Option<NewMessage> {
    let events: Vec<&SeqEvent> = told.iter().map(|held| &held.event).collect();
    let severity = events.iter().map(|event| event.event.data.severity).max()?;
    // As after quiet hours, this does not count towards a limit.
    let (thread, kind, window, due) = match (
        pacing::pace(reference, &handler, severity, now, None),
        told,
        events.as_slice(),
    ) {
        (Paced::Gathered { window, due }, ..) => (window.clone(), KIND_DIGEST, window, due),
        (Paced::AtOnce, _, [one]) => {
            let event = &one.event;
            (matching::thread_of(event), KIND_EVENT, event.id.to_string(), now)
        }
        (Paced::AtOnce, told, _) => {
            let over: BTreeSet<Timestamp> = told.iter().map(|held| held.until).collect();
            let window = format!("silenced/{}", over.last()?);
            (window.clone(), KIND_DIGEST, window, now)
        }
    };
    Some(NewMessage {
        handler: reference.clone(),
        snapshot: handler,
        recipient: String::new(),
        thread,
        kind: kind.to_owned(),
        window,
        lane,
        due,
        attrs: Map::new(),
    })
}
