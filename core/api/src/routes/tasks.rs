//! Tasks: list, show, start, cancel.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use ironcore_ledger::model::{Cancelled, NewTask, Page, TaskFilter, Waiting};
use ironcore_types::clock_text::parse_time;
use ironcore_types::spec::VerifySpec;
use ironcore_types::{ProjectName, TaskSpec, Timestamp, Upid};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::{self, Json as Body, Path, Query};
use crate::idempotency;
use crate::state::ApiState;
use crate::view::{task_detail, task_row};
use crate::wire::{CancelAnswer, CancelOutcome, StartTask, Started, Task, TaskList};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, start))
        .routes(routes!(show))
        .routes(routes!(cancel))
}

/// Which tasks are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct TaskQuery {
    /// Task types, joined by commas.
    #[serde(rename = "type")]
    task_type: Option<String>,
    /// States, joined by commas; `ok`, `OK` and `Ok` are the same.
    status: Option<String>,
    /// Started (if not started yet, enqueued) at or after this: RFC 3339, a date, or `24h ago`.
    since: Option<String>,
    /// Started (or enqueued) before this.
    until: Option<String>,
    /// Triggered by this user or token.
    user: Option<String>,
    /// Of this project.
    project: Option<String>,
    /// Of this job.
    job: Option<String>,
    /// With exactly this source.
    source: Option<String>,
    /// With exactly this target.
    target: Option<String>,
    /// Source, target, job, UPID or error hold this text; upper and lower case of A to Z are the same.
    text: Option<String>,
    /// At most this many; 100 when missing, and never more than 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
}

impl TaskQuery {
    fn filter(&self, access: &Access, now: Timestamp) -> Result<TaskFilter, ApiError> {
        let time = |name: &str, text: Option<&str>| {
            let text = text.map(str::trim).filter(|text| !text.is_empty());
            text.map(|text| parse_time(text, now).map_err(|error| extract::parameter(name, &error)))
                .transpose()
        };
        let plain = |name: &str, text: &Option<String>| {
            if text
                .as_deref()
                .is_some_and(|text| text.contains(char::is_control))
            {
                return Err(extract::parameter(name, &"it must hold no control characters"));
            }
            Ok(text.clone().filter(|text| !text.is_empty()))
        };
        let (since, until) = (
            time("since", self.since.as_deref())?,
            time("until", self.until.as_deref())?,
        );
        if since.zip(until).is_some_and(|(since, until)| since > until) {
            return Err(extract::parameter("until", &"it must not be before since"));
        }
        Ok(TaskFilter {
            types: extract::list("type", self.task_type.as_deref())?,
            states: extract::list("status", self.status.as_deref())?,
            since,
            until,
            user: extract::optional("user", self.user.as_deref())?,
            project: access.narrow(extract::optional("project", self.project.as_deref())?)?,
            job: extract::optional("job", self.job.as_deref())?,
            source: plain("source", &self.source)?,
            target: plain("target", &self.target)?,
            text: plain("text", &self.text)?,
        })
    }
}

/// Tasks, newest first. Warnings and tips are left out here.
#[utoipa::path(
    get, path = "/api/v1/tasks", tag = "tasks", operation_id = "list_tasks", params(TaskQuery),
    responses((status = 200, body = TaskList))
)]
async fn list(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<TaskQuery>,
) -> Result<Json<TaskList>, ApiError> {
    let filter = query.filter(&access, state.seams().now())?;
    let page = Page {
        limit: extract::limit(query.limit, 100)?,
        cursor: query.cursor,
    };
    let page = state.ledger().tasks(&filter, &page).await?;
    let reasons = reasons(&state, &page.tasks).await?;
    let tasks = page
        .tasks
        .into_iter()
        .zip(reasons)
        .map(|(task, reason)| task_row(task, reason));
    Ok(Json(TaskList {
        tasks: tasks.collect(),
        next: page.next,
        count: page.total.value,
        count_capped: page.total.more,
    }))
}

/// Why each of the tasks is still queued.
async fn reasons(
    state: &ApiState,
    tasks: &[ironcore_ledger::model::Task],
) -> Result<Vec<Option<Waiting>>, ApiError> {
    let mut waiting = state.ledger().waiting(tasks).await?;
    Ok(tasks
        .iter()
        .map(|task| {
            let at = waiting.iter().position(|waiting| waiting.task == task.id)?;
            Some(waiting.swap_remove(at))
        })
        .collect())
}

/// Starts a task. With an `Idempotency-Key`, the same request starts one task however often it is sent, and to whichever
/// hub, for a day.
#[utoipa::path(
    post, path = "/api/v1/tasks", tag = "tasks", operation_id = "start_task", request_body = StartTask,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 128 characters of the client's choice.")),
    responses((status = 202, description = "It is queued.", body = Started))
)]
async fn start(
    State(state): State<ApiState>,
    access: Access,
    headers: HeaderMap,
    Body(request): Body<StartTask>,
) -> Result<(StatusCode, Json<Started>), ApiError> {
    let project = access
        .start(state.ledger(), request.project.clone(), &request.spec)
        .await?;
    let faults = crate::declare::check_spec(&request.spec, "spec");
    if !faults.is_empty() {
        return Err(ApiError::faulty(
            "The task cannot be started as it is described.",
            faults,
        ));
    }
    let bytes = serde_json::to_vec(&request).map_err(|_| ApiError::Internal("a request became no JSON"))?;
    let keyed = idempotency::keyed(&headers, &access.user, &bytes)?;
    if let Some(upid) = idempotency::before(state.ledger(), keyed.as_ref()).await? {
        return Ok((StatusCode::ACCEPTED, Json(Started { upid })));
    }
    let project = match project {
        None => owner(&state, &request.spec).await?,
        some => some,
    };
    let new = NewTask::new(project, access.user.clone(), request.spec);
    let upid = idempotency::enqueue(state.ledger(), new, keyed).await?;
    Ok((StatusCode::ACCEPTED, Json(Started { upid })))
}

/// The project whose snapshot is verified: its groups hear of the result, whoever asked.
async fn owner(state: &ApiState, spec: &TaskSpec) -> Result<Option<ProjectName>, ApiError> {
    let TaskSpec::Verify(VerifySpec {
        datastore,
        snapshot: Some(path),
        ..
    }) = spec
    else {
        return Ok(None);
    };
    let owners = state.ledger().group_owners(datastore).await?;
    Ok(owners
        .into_iter()
        .find(|row| row.group == path.group)
        .map(|row| row.project))
}

/// One task with its warnings and tips.
#[utoipa::path(
    get, path = "/api/v1/tasks/{upid}", tag = "tasks", operation_id = "show_task",
    params(("upid" = Upid, Path, description = "Percent-encoded UPID.")),
    responses((status = 200, body = Task))
)]
async fn show(
    State(state): State<ApiState>,
    access: Access,
    Path(upid): Path<Upid>,
) -> Result<Json<Task>, ApiError> {
    let task = access.task(state.ledger(), &upid).await?;
    let tips = state.ledger().tips_of_task(task.id).await?;
    let reason = reasons(&state, std::slice::from_ref(&task))
        .await?
        .pop()
        .flatten();
    let retry = state.ledger().retry_of(&upid).await?;
    Ok(Json(task_detail(task, reason, retry, tips)))
}

/// Cancels a task: a queued one is over at once, a running one is asked to stop.
#[utoipa::path(
    post, path = "/api/v1/tasks/{upid}/cancel", tag = "tasks", operation_id = "cancel_task",
    params(("upid" = Upid, Path, description = "Percent-encoded UPID.")),
    responses((status = 200, body = CancelAnswer))
)]
async fn cancel(
    State(state): State<ApiState>,
    access: Access,
    Path(upid): Path<Upid>,
) -> Result<Json<CancelAnswer>, ApiError> {
    let task = access.task(state.ledger(), &upid).await?;
    access.require(Right::CancelTasks)?;
    let outcome = match state.ledger().cancel(&task.upid, &access.user).await? {
        Cancelled::AtOnce => CancelOutcome::Cancelled,
        Cancelled::Requested => CancelOutcome::Requested,
        Cancelled::AlreadyFinal(_) => CancelOutcome::AlreadyOver,
    };
    Ok(Json(CancelAnswer {
        upid: task.upid,
        outcome,
    }))
}
