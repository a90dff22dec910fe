//! Incidents: what lasts, who is affected, and saying that somebody sees to it or that it is over.

use axum::Json;
use axum::extract::State;
use ironcore_ledger::model::{self, IncidentFilter, Page};
use ironcore_types::IncidentId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::{self, OptionalJson, Path, Query};
use crate::state::ApiState;
use crate::view;
use crate::wire::{
    AcknowledgeRequest, Acknowledgement, CloseRequest, Closing, Incident, IncidentDetail, IncidentEnding,
    IncidentList, IncidentMember, IncidentNotice, IncidentState,
};

/// Who is affected is shown up to so many.
const MEMBERS: u32 = 1_000;
/// Events are shown up to so many.
const EVENTS: u32 = 100;
/// The longest comment, characters.
const COMMENT: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(incidents))
        .routes(routes!(incident))
        .routes(routes!(acknowledge))
        .routes(routes!(close))
}

/// Which incidents are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct IncidentQuery {
    /// States, joined by commas: `open`, `acknowledged`, `ended`.
    state: Option<String>,
    /// Of this project.
    project: Option<String>,
    /// That this event joined.
    event: Option<String>,
    /// At most this many; 100 when missing, and never more than 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
}

fn states(text: Option<&str>) -> Result<Vec<model::IncidentState>, ApiError> {
    let words: Vec<String> = extract::list("state", text)?;
    let unknown = || extract::parameter("state", &"use open, acknowledged or ended");
    words
        .iter()
        .map(|word| model::IncidentState::parse(&word.to_ascii_lowercase()).ok_or_else(unknown))
        .collect()
}

/// Incidents, newest first. Those of the hub show to tokens of the hub alone.
#[utoipa::path(
    get, path = "/api/v1/incidents", tag = "notifications", operation_id = "list_incidents", params(IncidentQuery),
    responses((status = 200, body = IncidentList))
)]
async fn incidents(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<IncidentQuery>,
) -> Result<Json<IncidentList>, ApiError> {
    let filter = IncidentFilter {
        project: access.narrow(extract::optional("project", query.project.as_deref())?)?,
        states: states(query.state.as_deref())?,
        event: extract::optional("event", query.event.as_deref())?,
    };
    let page = Page {
        limit: extract::limit(query.limit, 100)?,
        cursor: query.cursor,
    };
    let page = state.ledger().incidents(&filter, &page).await?;
    Ok(Json(IncidentList {
        incidents: page.incidents.into_iter().map(shown).collect(),
        next: page.next,
        count: page.total.value,
        count_capped: page.total.more,
    }))
}

/// One incident with who is affected, what happened, and who was told.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}", tag = "notifications", operation_id = "show_incident",
    params(("id" = IncidentId, Path, description = "Its id.")),
    responses((status = 200, body = IncidentDetail))
)]
async fn incident(
    State(state): State<ApiState>,
    access: Access,
    Path(id): Path<IncidentId>,
) -> Result<Json<IncidentDetail>, ApiError> {
    let ledger = state.ledger();
    let incident = access.incident(ledger, id).await?;
    let members = ledger.incident_members(id, MEMBERS).await?;
    let events = ledger.incident_events(id, EVENTS).await?;
    let notices = ledger.notices(id).await?;
    Ok(Json(IncidentDetail {
        incident: shown(incident),
        members: members
            .into_iter()
            .map(|one| IncidentMember {
                member: one.member,
                failures: one.failures,
                failing: one.failing,
            })
            .collect(),
        events: events
            .into_iter()
            .filter(|event| access.sees(event.event.data.project.as_ref()))
            .map(view::sequenced)
            .collect(),
        notices: notices
            .into_iter()
            .filter(|notice| access.sees(notice.handler.project.as_ref()))
            .map(|notice| IncidentNotice {
                project: notice.handler.project,
                group: notice.handler.group,
                handler: notice.handler.handler,
                told: notice.sent,
                last: notice.last,
                escalated: notice.escalated,
                next: notice.due,
            })
            .collect(),
    }))
}

/// Says that somebody sees to an incident: it is neither told again nor escalated, until it becomes worse. Who came first
/// stays. The entries of its events in the inbox are acknowledged too. A conflict when it is over.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/acknowledge", tag = "notifications", operation_id = "acknowledge_incident",
    params(("id" = IncidentId, Path, description = "Its id.")), request_body = AcknowledgeRequest,
    responses((status = 200, body = Incident))
)]
async fn acknowledge(
    State(state): State<ApiState>,
    access: Access,
    Path(id): Path<IncidentId>,
    OptionalJson(request): OptionalJson<AcknowledgeRequest>,
) -> Result<Json<Incident>, ApiError> {
    access.incident(state.ledger(), id).await?;
    access.require(Right::Acknowledge)?;
    let comment = comment(request.comment.as_deref())?;
    let incident = state
        .ledger()
        .acknowledge_incident(id, &access.user, comment)
        .await?;
    Ok(Json(shown(incident)))
}

/// Says that an incident is over which nothing else ends, such as the loss of a worker on a machine that was taken away.
/// Handlers that were told of it are told who closed it. What fails of the same cause later is another incident. A
/// conflict when it is over already.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/close", tag = "notifications", operation_id = "close_incident",
    params(("id" = IncidentId, Path, description = "Its id.")), request_body = CloseRequest,
    responses((status = 200, body = Incident))
)]
async fn close(
    State(state): State<ApiState>,
    access: Access,
    Path(id): Path<IncidentId>,
    OptionalJson(request): OptionalJson<CloseRequest>,
) -> Result<Json<Incident>, ApiError> {
    access.incident(state.ledger(), id).await?;
    access.require(Right::Acknowledge)?;
    let comment = comment(request.comment.as_deref())?;
    let closed = state.ledger().close_incident(id, &access.user, comment).await?;
    tracing::info!(actor = %access.user, incident = closed.number, "an incident was closed");
    Ok(Json(shown(closed)))
}

/// What somebody said, if they did.
fn comment(text: Option<&str>) -> Result<Option<&str>, ApiError> {
    let comment = text.map(str::trim).filter(|text| !text.is_empty());
    match comment {
        Some(text) if text.chars().count() > COMMENT => {
            Err(ApiError::invalid("A comment has 1000 characters at most."))
        }
        comment => Ok(comment),
    }
}

fn shown(incident: model::Incident) -> Incident {
    let state = match incident.state() {
        model::IncidentState::Open => IncidentState::Open,
        model::IncidentState::Acknowledged => IncidentState::Acknowledged,
        model::IncidentState::Ended => IncidentState::Ended,
    };
    let ending = incident.ended.map(|(_, ending)| match ending {
        model::Ending::Recovered => IncidentEnding::Recovered,
        model::Ending::Moved => IncidentEnding::Moved,
        model::Ending::Removed => IncidentEnding::Removed,
        model::Ending::Closed => IncidentEnding::Closed,
    });
    Incident {
        id: incident.id,
        number: incident.number,
        project: incident.project,
        cause: incident.cause,
        title: incident.title,
        severity: incident.severity,
        state,
        opened: incident.opened,
        last_seen: incident.seen,
        ended: incident.ended.map(|(at, _)| at),
        ending,
        closed: incident.closed.map(|closing| Closing {
            by: closing.by,
            comment: closing.comment,
        }),
        events: incident.failures,
        affected: incident.members,
        failing: incident.failing,
        acknowledged: incident.acknowledged.map(|by| Acknowledgement {
            at: by.at,
            by: by.by,
            comment: by.comment,
        }),
    }
}
