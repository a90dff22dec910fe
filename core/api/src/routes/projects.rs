//! Projects: list, remove. They are made by declarations.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ironcore_types::ProjectName;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::Path;
use crate::state::ApiState;
use crate::wire::ProjectList;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(remove))
}

/// The projects that the token sees.
#[utoipa::path(
    get, path = "/api/v1/projects", tag = "configuration", operation_id = "list_projects",
    responses((status = 200, body = ProjectList))
)]
async fn list(State(state): State<ApiState>, access: Access) -> Result<Json<ProjectList>, ApiError> {
    let mut projects = state.ledger().projects().await?;
    projects.retain(|project| access.sees(Some(&project.name)));
    Ok(Json(ProjectList { projects }))
}

/// Removes a project; its tasks and events stay in the history. Refused with `conflict` while a job, a group, a grant
/// of a datastore, or a task that is not over belongs to it.
#[utoipa::path(
    delete, path = "/api/v1/projects/{name}", tag = "configuration", operation_id = "remove_project",
    params(("name" = ProjectName, Path, description = "Its name.")),
    responses((status = 204, description = "It is removed."))
)]
async fn remove(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<ProjectName>,
) -> Result<StatusCode, ApiError> {
    access.project(state.ledger(), &name).await?;
    access.require(Right::Configure)?;
    state.ledger().delete_project(&name).await?;
    Ok(super::removed(&access, &format!("project/{name}")))
}
