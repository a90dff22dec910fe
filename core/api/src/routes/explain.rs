//! `notify explain`: which handlers an event is told to, and why not to the others.

use axum::Json;
use axum::extract::State;
use ironcore_ledger::model::LastOutcome;
use ironcore_notify::explain::{Asked, Explained, explain};
use ironcore_types::event::{DATASCHEMA, DatastoreData, ErrorData, JobData, TaskData};
use ironcore_types::notification::Handler;
use ironcore_types::progress::TaskStats;
use ironcore_types::{
    ErrorCode, Event, EventData, EventId, EventType, ProjectName, Severity, TaskId, TaskState, TaskType,
    Timestamp, Upid,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::error::ApiError;
use crate::extract::Json as Body;
use crate::state::ApiState;
use crate::wire::{
    ExplainAnswer, ExplainRequest, ExplainedEscalation, ExplainedHandler, ExplainedIncident, ExplainedWhen,
    MadeUpEvent,
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(explain_event))
}

/// Tells for an event that happened, or that is made up, which handlers are told as things are declared now and when, and
/// for each of the others what keeps it out, silences too. Nothing is sent. Handlers of the hub show to those alone who see the whole hub.
#[utoipa::path(
    post, path = "/api/v1/notifications/explain", tag = "notifications", operation_id = "explain_event",
    request_body = ExplainRequest, responses((status = 200, body = ExplainAnswer))
)]
async fn explain_event(
    State(state): State<ApiState>,
    access: Access,
    Body(request): Body<ExplainRequest>,
) -> Result<Json<ExplainAnswer>, ApiError> {
    let is_made_up = request.made_up.is_some();
    let (event, before) = match (request.event, request.made_up) {
        (Some(id), None) => {
            let event = access.event(state.ledger(), id).await?.event;
            let before = state.ledger().outcome_before(id).await?;
            (event, before)
        }
        (None, Some(wanted)) => {
            let before = wanted.before.map(|state| LastOutcome {
                state,
                failures: u64::from(state == TaskState::Failed),
                since: 0,
            });
            (made_up(&state, &access, wanted).await?, before)
        }
        _ => return Err(ApiError::invalid("Give one of `event` and `made-up`.")),
    };
    let now = state.seams().now();
    let lane = |project: Option<&ProjectName>, handler: &Handler| state.trials().lane(project, handler);
    let asked = Asked {
        event: &event,
        before: before.as_ref(),
        lane: is_made_up.then_some(&lane),
    };
    let explained = explain(state.ledger(), asked, now).await?;
    let handlers = explained
        .into_iter()
        .filter(|one| access.sees(one.handler.project.as_ref()))
        .map(shown)
        .collect();
    Ok(Json(ExplainAnswer { event, handlers }))
}

fn shown(one: Explained) -> ExplainedHandler {
    ExplainedHandler {
        project: one.handler.project,
        group: one.handler.group,
        handler: one.handler.handler,
        plugin: one.plugin,
        told: one.decision.told,
        reason: one.decision.reason.as_str().to_owned(),
        why: one.why,
        incident: one.incident.map(|joined| ExplainedIncident {
            cause: joined.cause,
            id: joined.incident.as_ref().map(|incident| incident.id),
            number: joined.incident.map(|incident| incident.number),
            told: joined.told,
            next: joined.next,
        }),
        when: one.when.map(|when| ExplainedWhen {
            how: when.how.as_str().to_owned(),
            at: when.at,
            escalation: when.escalated.map(|up| ExplainedEscalation {
                to: up.to,
                at: up.at,
                done: up.done,
                heard: up.heard,
            }),
        }),
    }
}

/// An event as it would be, with what was said of it. What a job does is looked up.
pub(super) async fn made_up(
    state: &ApiState,
    access: &Access,
    wanted: MadeUpEvent,
) -> Result<Event, ApiError> {
    let project = access.narrow(wanted.project)?;
    if let Some(project) = &project {
        access.project(state.ledger(), project).await?;
    }
    if let Some(datastore) = &wanted.datastore {
        access.datastore(state.ledger(), datastore).await?;
    }
    let now = state.seams().now();
    let severity = wanted.severity.unwrap_or(wanted.event_type.default_severity());
    let mut data = EventData::new(project.clone(), severity, "An event that is made up");
    if let Some(name) = wanted.job {
        let project = project.ok_or_else(|| ApiError::invalid("Name the project of the job."))?;
        let job = access.job(state.ledger(), &project, &name).await?;
        if let Some(outcome) = state_of(wanted.event_type) {
            let mut task = task(state, now, job.task.task_type(), outcome, job.owner.clone());
            task.upid.id = job.task.worker_id().to_string();
            task.source = job.task.source();
            task.target = job.task.target();
            task.job = Some(name.clone());
            data.task = Some(task);
        }
        data.job = Some(JobData {
            name,
            scheduled_for: None,
            missed: 0,
        });
    } else if let (Some(task_type), Some(outcome)) = (wanted.task_type, state_of(wanted.event_type)) {
        data.task = Some(task(state, now, task_type, outcome, access.user.clone()));
    }
    if let Some(name) = wanted.datastore {
        data.datastore = Some(DatastoreData {
            name,
            // One that has come back is no trouble.
            online: wanted.event_type != EventType::DatastoreStatusChanged || severity < Severity::Warning,
            used: None,
            free: None,
        });
    }
    let usual = (wanted.event_type == EventType::TaskFailed).then_some(ErrorCode::Internal);
    data.error = wanted.code.or(usual).map(|code| ErrorData {
        code,
        message: "made up".to_owned(),
    });
    Ok(Event {
        specversion: "1.0".to_owned(),
        id: EventId(state.seams().uuid()),
        source: format!("urn:ironcore-backup:hub:{}", state.ledger().hub_id()),
        event_type: wanted.event_type,
        subject: None,
        time: wanted.at.unwrap_or(now),
        datacontenttype: "application/json".to_owned(),
        dataschema: DATASCHEMA.to_owned(),
        data,
    })
}

/// The state of the task that an event of this type is about.
fn state_of(event_type: EventType) -> Option<TaskState> {
    match event_type {
        EventType::TaskQueued => Some(TaskState::Queued),
        EventType::TaskStarted => Some(TaskState::Running),
        EventType::TaskCompleted => Some(TaskState::Ok),
        EventType::TaskWarning => Some(TaskState::Warning),
        EventType::TaskFailed => Some(TaskState::Failed),
        EventType::TaskCancelled => Some(TaskState::Cancelled),
        _ => None,
    }
}

fn task(
    state: &ApiState,
    now: Timestamp,
    task_type: TaskType,
    outcome: TaskState,
    user: ironcore_types::UserId,
) -> TaskData {
    TaskData {
        upid: Upid {
            node: state.hub().name,
            pid: 0,
            pstart: 0,
            task: TaskId(0),
            start: now,
            task_type,
            id: "made-up".to_owned(),
            user: user.clone(),
        },
        task_type,
        job: None,
        user,
        source: None,
        target: None,
        state: outcome,
        retry_of: None,
        queued: now,
        started: None,
        ended: None,
        bytes: 0,
        stats: TaskStats::default(),
        stages: Vec::new(),
        warnings: Vec::new(),
        warning_count: 0,
        log_tail: Vec::new(),
    }
}
