//! Datastores: list, show, add, take off the list.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ironcore_ledger::model::DatastoreRow;
use ironcore_types::DatastoreName;
use ironcore_types::event::ErrorData;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::{Json as Body, Path};
use crate::state::ApiState;
use crate::usage;
use crate::wire::{AddDatastore, AddMode, Datastore, DatastoreList};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, remove))
}

/// The datastores that the token sees, each with how full it is.
#[utoipa::path(
    get, path = "/api/v1/datastores", tag = "datastores", operation_id = "list_datastores",
    responses((status = 200, body = DatastoreList))
)]
async fn list(State(state): State<ApiState>, access: Access) -> Result<Json<DatastoreList>, ApiError> {
    let mut datastores = Vec::new();
    for row in state.ledger().datastores().await? {
        if access.sees_datastore(&row) {
            datastores.push(view(&state, &access, row).await?);
        }
    }
    Ok(Json(DatastoreList { datastores }))
}

/// One datastore.
#[utoipa::path(
    get, path = "/api/v1/datastores/{name}", tag = "datastores", operation_id = "show_datastore",
    params(("name" = DatastoreName, Path, description = "Its name.")),
    responses((status = 200, body = Datastore))
)]
async fn show(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<DatastoreName>,
) -> Result<Json<Datastore>, ApiError> {
    let row = access.datastore(state.ledger(), &name).await?;
    Ok(Json(view(&state, &access, row).await?))
}

/// Takes a datastore off the list. Its files stay as they are, and it can be attached again. Refused with `conflict`
/// while a job, a filter, or a task that is not over names it.
#[utoipa::path(
    delete, path = "/api/v1/datastores/{name}", tag = "datastores", operation_id = "remove_datastore",
    params(("name" = DatastoreName, Path, description = "Its name.")),
    responses((status = 204, description = "It is off the list."))
)]
async fn remove(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<DatastoreName>,
) -> Result<StatusCode, ApiError> {
    let row = access.datastore(state.ledger(), &name).await?;
    access.require(Right::Configure)?;
    state.ledger().delete_datastore(&name).await?;
    state.stores().forget(&row.object.path).await;
    Ok(super::removed(&access, &format!("datastore/{name}")))
}

/// A datastore as it is now; one that cannot be opened says why.
async fn view(state: &ApiState, access: &Access, row: DatastoreRow) -> Result<Datastore, ApiError> {
    let (usage, error) = match usage::look(state, access, &row).await? {
        Ok(usage) => (Some(usage), None),
        Err(error) => (None, Some(error)),
    };
    let object = row.object;
    // Who else uses a datastore, and where it lies, is nothing for a project to know.
    let error = error.map(|error| match access.of_hub() {
        true => error,
        false => ErrorData {
            code: error.code,
            message: error.code.summary().to_owned(),
        },
    });
    Ok(Datastore {
        path: access.of_hub().then(|| object.path.display().to_string()),
        keep_verified: object.keep_verified,
        max_running: object.max_running,
        projects: object
            .projects
            .into_iter()
            .filter(|project| access.sees(Some(project)))
            .collect(),
        online: usage.is_some(),
        error,
        usage,
        name: object.name,
    })
}

/// Makes a datastore in an empty or missing folder, or attaches one that this hub owns.
#[utoipa::path(
    post, path = "/api/v1/datastores", tag = "datastores", operation_id = "add_datastore",
    request_body = AddDatastore, responses((status = 201, body = Datastore))
)]
async fn add(
    State(state): State<ApiState>,
    access: Access,
    Body(request): Body<AddDatastore>,
) -> Result<(StatusCode, Json<Datastore>), ApiError> {
    access.require(Right::Configure)?;
    let (stores, object) = (state.stores(), &request.object);
    let added = match request.mode {
        AddMode::Create => stores.create(object, &access.user).await,
        AddMode::Attach => stores.attach(object, &access.user).await,
        AddMode::Adopt => stores.adopt(object, &access.user).await,
    };
    added.map_err(ApiError::of_place)?;
    let row = access.datastore(state.ledger(), &request.object.name).await?;
    Ok((StatusCode::CREATED, Json(view(&state, &access, row).await?)))
}
