//! What a silence may be: checked before it is made, for one that is wrong keeps somebody from hearing of trouble.

use std::time::Duration;

use ironcore_ledger::Ledger;
use ironcore_ledger::model::{NewSilence, Silence, SilenceFilter};
use ironcore_types::notification::{Maintenance, Matchers, NamePattern};
use ironcore_types::{ProjectName, Timestamp, UserId};

use crate::access::Access;
use crate::error::ApiError;
use crate::extract::parameter;
use crate::wire::{self, ActiveSilence, CreateSilence, MaintenanceView, SilenceState};

/// What is longer must be meant.
const LONG: Duration = Duration::from_secs(30 * 86_400);
/// The longest comment, bytes.
const COMMENT: usize = 1_000;

/// What the request asks for, of `project` or of the hub.
pub(crate) async fn checked(
    ledger: &Ledger,
    request: CreateSilence,
    project: Option<ProjectName>,
    by: UserId,
    now: Timestamp,
) -> Result<NewSilence, ApiError> {
    let comment = request.comment.trim();
    if comment.is_empty() || comment.len() > COMMENT {
        return Err(parameter(
            "comment",
            &format!("say why, in at most {COMMENT} bytes"),
        ));
    }
    let from = request.from.map_or(now, |from| from.max(now));
    let until = match (request.until, request.lasts) {
        (Some(until), None) => until,
        (None, Some(lasts)) => from.after(lasts.duration()),
        _ => return Err(ApiError::invalid("Give one of `until` and `for`.")),
    };
    if until <= from {
        return Err(parameter("until", &"it is over before it begins"));
    }
    if until.since(from) > LONG && !request.long {
        return Err(parameter(
            "until",
            &"it lasts more than 30 days; say `long` if that is meant",
        ));
    }
    if project.is_none() && request.when.is_empty() && !request.all {
        return Err(parameter(
            "when",
            &"it would silence everything of everybody; say which events, or `all` if that is meant",
        ));
    }
    check_matchers(ledger, &request.when, project.as_ref()).await?;
    Ok(NewSilence {
        project,
        when: request.when,
        from,
        until,
        comment: comment.to_owned(),
        by,
        key: None,
    })
}

/// A silence that names what does not exist would silence nothing.
async fn check_matchers(
    ledger: &Ledger,
    when: &Matchers,
    project: Option<&ProjectName>,
) -> Result<(), ApiError> {
    if when.is_impossible() {
        let why = "no event is of a severity that is at least min-severity and at most max-severity";
        return Err(parameter("when", &why));
    }
    let exact = |patterns: &[NamePattern]| -> Vec<String> {
        let named = patterns.iter().filter_map(NamePattern::exact);
        named.map(str::to_owned).collect()
    };
    let jobs = exact(&when.jobs);
    if !jobs.is_empty() {
        let known = ledger.jobs(project).await?;
        if let Some(name) = jobs
            .iter()
            .find(|name| !known.iter().any(|job| job.name.as_str() == *name))
        {
            return Err(parameter("when.jobs", &format!("there is no job {name}")));
        }
    }
    let datastores = exact(&when.datastores);
    if !datastores.is_empty() {
        let known = ledger.datastores().await?;
        let shows = |name: &str| {
            known.iter().any(|row| {
                row.object.name.as_str() == name
                    && project.is_none_or(|project| row.object.granted_to(project))
            })
        };
        if let Some(name) = datastores.iter().find(|name| !shows(name)) {
            return Err(parameter(
                "when.datastores",
                &format!("there is no datastore {name}"),
            ));
        }
    }
    Ok(())
}

/// A silence as it is at `now`.
pub(crate) fn shown(silence: Silence, now: Timestamp) -> wire::Silence {
    let state = match silence.ended {
        Some(ended) if ended <= now => SilenceState::Ended,
        _ if silence.until <= now => SilenceState::Expired,
        _ if silence.from > now => SilenceState::Pending,
        _ => SilenceState::Active,
    };
    wire::Silence {
        id: silence.id,
        project: silence.project,
        when: silence.when,
        state,
        from: silence.from,
        until: silence.until,
        comment: silence.comment,
        created: silence.created,
        by: silence.by,
        ended: silence.ended,
        ended_by: silence.ended_by,
    }
}

/// A window as it is at `now`.
pub(crate) fn window(window: Maintenance, now: Timestamp) -> MaintenanceView {
    // What cannot be read was refused when it was declared.
    let read = window.window().ok();
    MaintenanceView {
        until: read.as_ref().and_then(|read| read.until(now)),
        next: read.as_ref().and_then(|read| read.next_after(now)),
        window,
    }
}

/// What silences at `now` whoever asks: what is the hub's silences every project.
pub(crate) async fn active(
    ledger: &Ledger,
    access: &Access,
    now: Timestamp,
) -> Result<Vec<ActiveSilence>, ApiError> {
    let open = SilenceFilter {
        project: None,
        open_at: Some(now),
    };
    let silences = ledger.silences(&open).await?;
    let silences = silences.into_iter().filter(|silence| silence.is_active(now));
    let mut active: Vec<ActiveSilence> = silences
        .map(|silence| ActiveSilence {
            by: silence.silencer(),
            until: silence.over(),
            project: silence.project,
        })
        .collect();
    for declared in ledger.maintenance().await? {
        let by = declared.silencer();
        let view = window(declared, now);
        active.extend(view.until.map(|until| ActiveSilence {
            by,
            project: view.window.project,
            until,
        }));
    }
    active.retain(|one| one.project.is_none() || access.sees(one.project.as_ref()));
    Ok(active)
}
