//! Jobs: list, show, run, remove. Pausing them is left to `job_pause`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use ironcore_ledger::model::{NewTask, Page, Task, TaskFilter};
use ironcore_types::objects::Job;
use ironcore_types::runs::Run;
use ironcore_types::{JobName, ProjectName, TaskSpec, TaskState, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::{self, OptionalJson, Path, Query};
use crate::idempotency;
use crate::state::ApiState;
use crate::view::task_row;
use crate::wire::{JobList, JobView, RunJob, Started};

/// How many runs of each job lists show.
const LISTED: usize = 5;
/// How many are shown of one job.
pub(super) const SHOWN: usize = 10;
/// Queued tasks of a job among which the one that waits for its time is looked for: there are few.
const WAITING: u32 = 10;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, remove))
        .routes(routes!(run))
}

/// Which jobs are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct JobQuery {
    /// Of this project.
    project: Option<String>,
}

/// Jobs, each with its next runs and its newest task.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "jobs", operation_id = "list_jobs", params(JobQuery),
    responses((status = 200, body = JobList))
)]
async fn list(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<JobQuery>,
) -> Result<Json<JobList>, ApiError> {
    let project = access.narrow(extract::optional("project", query.project.as_deref())?)?;
    let mut jobs = Vec::new();
    for job in state.ledger().jobs(project.as_ref()).await? {
        jobs.push(view(&state, job, LISTED).await?);
    }
    Ok(Json(JobList { jobs }))
}

/// One job.
#[utoipa::path(
    get, path = "/api/v1/jobs/{project}/{name}", tag = "jobs", operation_id = "show_job",
    params(
        ("project" = ProjectName, Path, description = "Its project."),
        ("name" = JobName, Path, description = "Its name."),
    ),
    responses((status = 200, body = JobView))
)]
async fn show(
    State(state): State<ApiState>,
    access: Access,
    Path((project, name)): Path<(ProjectName, JobName)>,
) -> Result<Json<JobView>, ApiError> {
    let job = access.job(state.ledger(), &project, &name).await?;
    Ok(Json(view(&state, job, SHOWN).await?))
}

/// Removes a job; its tasks stay in the history. Refused with `conflict` while another job comes after it, a filter
/// names it, or a task of it is not over.
#[utoipa::path(
    delete, path = "/api/v1/jobs/{project}/{name}", tag = "jobs", operation_id = "remove_job",
    params(
        ("project" = ProjectName, Path, description = "Its project."),
        ("name" = JobName, Path, description = "Its name."),
    ),
    responses((status = 204, description = "It is removed."))
)]
async fn remove(
    State(state): State<ApiState>,
    access: Access,
    Path((project, name)): Path<(ProjectName, JobName)>,
) -> Result<StatusCode, ApiError> {
    access.job(state.ledger(), &project, &name).await?;
    access.require(Right::Configure)?;
    state.ledger().delete_job(&project, &name).await?;
    Ok(super::removed(&access, &format!("job/{project}/{name}")))
}

/// A job with at most `count` of its next runs.
pub(super) async fn view(state: &ApiState, job: Job, count: usize) -> Result<JobView, ApiError> {
    let filter = TaskFilter {
        project: Some(job.project.clone()),
        job: Some(job.name.clone()),
        ..TaskFilter::default()
    };
    let newest = state.ledger().tasks(&filter, &Page::first(1)).await?.tasks.pop();
    let now = state.seams().now();
    let open = newest.as_ref().is_some_and(|task| !task.state.is_final());
    let waiting = if job.enabled && (open || job.randomized_delay.is_some() || !job.blackout.is_empty()) {
        let queued = TaskFilter {
            states: vec![TaskState::Queued],
            ..filter
        };
        let queued = state.ledger().tasks(&queued, &Page::first(WAITING)).await?;
        waiting(&job, &queued.tasks, now)
    } else {
        None
    };
    Ok(JobView {
        next: job.runs(now, count, waiting.clone()).runs,
        waiting,
        last: newest.map(|task| task_row(task, None)),
        job,
    })
}

/// The run that waits for its time, among those that are queued.
fn waiting(job: &Job, queued: &[Task], now: Timestamp) -> Option<Run> {
    // Its window may have been declared since it was queued, and others may follow the one it waits for.
    let begins = |task: &Task| {
        let at = task.not_before.map_or(now, |at| at.max(now));
        job.held_at(at).map_or(at, |held| held.until)
    };
    let waits = |task: &&Task| task.automatic && begins(task) > now;
    let task = queued.iter().filter(waits).min_by_key(|task| begins(task))?;
    let begins = begins(task);
    // A retry stands for the tick of the run before it, which has come.
    let due = task.scheduled_for.filter(|_| task.retry_of.is_none());
    let may = task.not_before.map_or(now, |at| at.max(now));
    let asked = match task.retry_of {
        None => task.queued,
        Some(_) => may,
    };
    let held_by = job.holder(due, asked, may);
    Some(Run {
        begins,
        due,
        ticks: u64::from(due.is_some()),
        left_out: 0,
        held_by,
        upid: Some(task.upid.clone()),
    })
}

/// Runs a job now, whether it is switched on or not. With an `Idempotency-Key`, the same request starts one task however
/// often it is sent, and to whichever hub, for a day.
#[utoipa::path(
    post, path = "/api/v1/jobs/{project}/{name}/run", tag = "jobs", operation_id = "run_job",
    params(
        ("project" = ProjectName, Path, description = "Its project."),
        ("name" = JobName, Path, description = "Its name."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 characters of the client's choice."),
    ),
    request_body(content = RunJob, description = "May be left out."),
    responses((status = 202, description = "It is queued.", body = Started))
)]
async fn run(
    State(state): State<ApiState>,
    access: Access,
    Path((project, name)): Path<(ProjectName, JobName)>,
    headers: HeaderMap,
    OptionalJson(how): OptionalJson<RunJob>,
) -> Result<(StatusCode, Json<Started>), ApiError> {
    let job = access.job(state.ledger(), &project, &name).await?;
    access.require(Right::RunJobs)?;
    let mut spec = job.task;
    if how.full {
        match &mut spec {
            TaskSpec::Backup(backup) => backup.full = true,
            _ => return Err(ApiError::invalid("Only a backup job can run in full.")),
        }
    }
    // What the job does may be declared otherwise when it is asked again; that it was asked is the same.
    let request = format!("run {project}/{name} full={}", how.full);
    let keyed = idempotency::keyed(&headers, &access.user, request.as_bytes())?;
    if let Some(upid) = idempotency::before(state.ledger(), keyed.as_ref()).await? {
        return Ok((StatusCode::ACCEPTED, Json(Started { upid })));
    }
    let new = NewTask {
        job: Some(name),
        ..NewTask::new(Some(project), access.user, spec)
    };
    let upid = idempotency::enqueue(state.ledger(), new, keyed).await?;
    Ok((StatusCode::ACCEPTED, Json(Started { upid })))
}
