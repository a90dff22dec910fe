//! Projects: list, remove, and the pattern that a new one is offered. They are made by declarations.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::delete;
use ironcore_types::objects::{DatastoreObject, Document, Project};
use ironcore_types::{DatastoreName, ProjectName, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::{self, Path, Query};
use crate::state::ApiState;
use crate::wire::ProjectList;
use crate::{declare, pattern};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(remove))
        .routes(routes!(show_pattern))
        // The path of the pattern is that of a project of this name too, which can be removed like any other.
        .route("/api/v1/projects/pattern", delete(remove_one_called_pattern))
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

async fn remove_one_called_pattern(state: State<ApiState>, access: Access) -> Result<StatusCode, ApiError> {
    let name = ProjectName::new("pattern").map_err(|_| ApiError::Internal("a name is not valid"))?;
    remove(state, access, Path(name)).await
}

/// What the pattern is for. What is required is only asked for once it is known that the token may ask.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PatternQuery {
    /// The project; it may be new.
    #[param(required = true)]
    project: Option<String>,
    /// The datastore that the backups go to.
    #[param(required = true)]
    datastore: Option<String>,
    /// The datastore that the weekly backups are copied to; without it there are no copies.
    archive: Option<String>,
    /// The absolute path of what is backed up.
    #[param(required = true)]
    tree: Option<String>,
    /// The user that the jobs run as; whoever asks when missing.
    owner: Option<String>,
    /// The time zone of the schedules and of retention (IANA name); UTC when missing.
    timezone: Option<String>,
}

/// The jobs that a new project is offered, as a declaration for `apply`: a backup each day and each week, copies of the
/// weekly ones in an archive, retention for each, a verification and a collection. Nothing is changed by asking.
#[utoipa::path(
    get, path = "/api/v1/projects/pattern", tag = "configuration", operation_id = "project_pattern",
    params(PatternQuery), responses((status = 200, body = Document))
)]
async fn show_pattern(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<PatternQuery>,
) -> Result<Json<Document>, ApiError> {
    access.require(Right::Configure)?;
    let name: ProjectName = required("project", query.project.as_deref())?;
    let known = state.ledger().project(&name).await?;
    let archive: Option<DatastoreName> = extract::optional("archive", query.archive.as_deref())?;
    let owner: Option<UserId> = extract::optional("owner", query.owner.as_deref())?;
    let timezone: Option<String> = extract::optional("timezone", query.timezone.as_deref())?;
    let store = required("datastore", query.datastore.as_deref())?;
    let wanted = pattern::Wanted {
        project: known.unwrap_or(Project {
            name,
            title: None,
            max_running: None,
        }),
        datastore: datastore(&state, &access, &store).await?,
        archive: match archive {
            Some(name) => Some(datastore(&state, &access, &name).await?),
            None => None,
        },
        tree: required("tree", query.tree.as_deref())?,
        owner: owner.unwrap_or(access.user),
        timezone: timezone.unwrap_or_else(|| "UTC".to_owned()),
    };
    if wanted
        .archive
        .as_ref()
        .is_some_and(|archive| archive.name == wanted.datastore.name)
    {
        return Err(extract::parameter(
            "archive",
            &"it is the datastore itself; name another one",
        ));
    }
    let document = pattern::declaration(wanted)
        .map_err(|_| ApiError::Internal("the pattern of a project is no declaration"))?;
    let faults = declare::check(&document, state.plugins());
    if let Some(fault) = faults.first() {
        // What is wrong is wrong in every job; the parameter is what the client can mend.
        let key = match fault.key.as_str() {
            "task.source.tree" => "tree",
            key => key,
        };
        return Err(extract::parameter(key, &fault.detail));
    }
    Ok(Json(document))
}

fn required<T>(name: &str, text: Option<&str>) -> Result<T, ApiError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    extract::optional(name, text)?.ok_or_else(|| extract::parameter(name, &"it is missing"))
}

async fn datastore(
    state: &ApiState,
    access: &Access,
    name: &DatastoreName,
) -> Result<DatastoreObject, ApiError> {
    Ok(access.datastore(state.ledger(), name).await?.object)
}
