//! Actions of tips and of entries of the inbox, taken by a person.

use axum::Json;
use axum::extract::State;
use ironcore_ledger::model::ActionWork;
use ironcore_notify::actions::{offered, plan};
use ironcore_types::EventId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::Json as Body;
use crate::state::ApiState;
use crate::wire::{ActionAnswer, RunAction};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(act))
}

/// Takes an action that a tip offers. It is done once for each event, kind and target; asked for again, the answer
/// says so. The token needs the rights for what the action does.
#[utoipa::path(
    post, path = "/api/v1/actions", tag = "notifications", operation_id = "take_action", request_body = RunAction,
    responses((status = 200, body = ActionAnswer))
)]
async fn act(
    State(state): State<ApiState>,
    access: Access,
    Body(request): Body<RunAction>,
) -> Result<Json<ActionAnswer>, ApiError> {
    access.require(Right::TakeActions)?;
    let event = cause(&state, &access, &request).await?;
    take(&state, &access, event, &request.kind, &request.target)
        .await
        .map(Json)
}

/// Takes an action that is offered about an event which the token sees, once; the token needs the rights for what the
/// action does.
pub(super) async fn take(
    state: &ApiState,
    access: &Access,
    event: EventId,
    kind: &str,
    target: &str,
) -> Result<ActionAnswer, ApiError> {
    access.require(Right::TakeActions)?;
    let planned = plan(state.ledger(), event, kind, target, &access.user).await?;
    if !access.sees(planned.project.as_ref()) {
        return Err(ApiError::not_found(format!("{kind} of {target}")));
    }
    match &planned.action.work {
        // What a job does was decided by those who configured it.
        ActionWork::Enqueue(new) if new.job.is_some() => access.require(Right::RunJobs)?,
        ActionWork::Enqueue(new) => {
            access
                .start(state.ledger(), new.project.clone(), &new.spec)
                .await?;
        }
        ActionWork::PauseJob { .. } => access.require(Right::PauseJobs)?,
        ActionWork::Record => {}
    }
    let result = state.ledger().record_action(planned.action).await?;
    let task = match (result.task, result.action.task) {
        (Some(task), _) => Some(task),
        (None, Some(id)) => state.ledger().task_by_id(id).await?,
        (None, None) => None,
    };
    Ok(ActionAnswer {
        upid: task.map(|task| task.upid),
        new: result.new,
    })
}

/// The event whose tip offers the action: the one that is named, or the newest such of the task.
async fn cause(state: &ApiState, access: &Access, request: &RunAction) -> Result<EventId, ApiError> {
    if let Some(event) = request.event {
        return access
            .event(state.ledger(), event)
            .await
            .map(|event| event.event.id);
    }
    let upid = request
        .upid
        .as_ref()
        .ok_or_else(|| ApiError::invalid("Give `upid` or `event`."))?;
    let task = access.task(state.ledger(), upid).await?;
    for event in state.ledger().events_of_task(task.id).await?.into_iter().rev() {
        if offered(state.ledger(), &event.event, &request.kind, &request.target).await? {
            return Ok(event.event.id);
        }
    }
    Err(ApiError::not_found(format!(
        "tip about {upid} that offers {} of {}",
        request.kind, request.target
    )))
}
