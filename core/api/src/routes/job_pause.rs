//! Pausing jobs and letting them go on.

use axum::Json;
use axum::extract::State;
use ironcore_types::{JobName, ProjectName};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::jobs::{SHOWN, view};
use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::Path;
use crate::state::ApiState;
use crate::wire::JobView;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(pause))
        .routes(routes!(resume))
}

/// Pauses a job: no tick of it fires, and runs that wait go on waiting. A run that is under way ends; by hand it can be
/// run all the same.
#[utoipa::path(
    post, path = "/api/v1/jobs/{project}/{name}/pause", tag = "jobs", operation_id = "pause_job",
    params(
        ("project" = ProjectName, Path, description = "Its project."),
        ("name" = JobName, Path, description = "Its name."),
    ),
    responses((status = 200, body = JobView))
)]
async fn pause(
    State(state): State<ApiState>,
    access: Access,
    Path((project, name)): Path<(ProjectName, JobName)>,
) -> Result<Json<JobView>, ApiError> {
    switch(&state, &access, &project, &name, false).await
}

/// Lets a paused job go on. Ticks that passed meanwhile are not missed.
#[utoipa::path(
    post, path = "/api/v1/jobs/{project}/{name}/resume", tag = "jobs", operation_id = "resume_job",
    params(
        ("project" = ProjectName, Path, description = "Its project."),
        ("name" = JobName, Path, description = "Its name."),
    ),
    responses((status = 200, body = JobView))
)]
async fn resume(
    State(state): State<ApiState>,
    access: Access,
    Path((project, name)): Path<(ProjectName, JobName)>,
) -> Result<Json<JobView>, ApiError> {
    switch(&state, &access, &project, &name, true).await
}

async fn switch(
    state: &ApiState,
    access: &Access,
    project: &ProjectName,
    name: &JobName,
    enabled: bool,
) -> Result<Json<JobView>, ApiError> {
    let job = access.job(state.ledger(), project, name).await?;
    access.require(Right::PauseJobs)?;
    let job = if job.enabled == enabled {
        job
    } else {
        let done = if enabled { "resumed" } else { "paused" };
        tracing::info!(actor = %access.user, %project, job = %name, "a job was {done}");
        state.ledger().set_job_enabled(project, name, enabled).await?
    };
    Ok(Json(view(state, job, SHOWN).await?))
}
