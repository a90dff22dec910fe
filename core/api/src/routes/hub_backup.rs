//! Copies of the hub's own state: have one made, see what became of them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ironcore_types::event::ErrorData;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::{OptionalJson, parameter};
use crate::state::ApiState;
use crate::wire::{HubBackup, HubBackupList, MakeHubBackup};

/// More archives than these are not kept.
const MOST: u32 = 1_000;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, make))
}

/// The copies of the hub's own state that were asked for lately, and the archives that there are.
#[utoipa::path(
    get, path = "/api/v1/hub/backup", tag = "hub", operation_id = "list_hub_backups",
    responses((status = 200, body = HubBackupList))
)]
async fn list(State(state): State<ApiState>, access: Access) -> Result<Json<HubBackupList>, ApiError> {
    access.require(Right::BackUpHub)?;
    let mut backups = state.backups().runs().borrow().clone();
    backups.reverse();
    let folder = state.clone();
    let archives = tokio::task::spawn_blocking(move || folder.backups().archives()).await?;
    let mut archives = archives.map_err(failed)?;
    archives.reverse();
    Ok(Json(HubBackupList { backups, archives }))
}

/// Copies the hub's own state into an archive on the hub's machine, while the hub goes on. The archive holds the keys
/// unless they are left out: whoever has it can open what the hub can open.
#[utoipa::path(
    post, path = "/api/v1/hub/backup", tag = "hub", operation_id = "back_up_hub",
    request_body(content = MakeHubBackup, description = "May be left out."),
    responses(
        (status = 200, description = "It is made.", body = HubBackup),
        (status = 202, description = "It takes longer: look for its id in the list.", body = HubBackup),
    )
)]
async fn make(
    State(state): State<ApiState>,
    access: Access,
    OptionalJson(wanted): OptionalJson<MakeHubBackup>,
) -> Result<(StatusCode, Json<HubBackup>), ApiError> {
    access.require(Right::BackUpHub)?;
    if wanted.keep.is_some_and(|keep| !(1..=MOST).contains(&keep)) {
        return Err(parameter("keep", &format!("use 1 to {MOST}")));
    }
    let id = state.backups().ask(wanted, &access.user)?;
    let mut runs = state.backups().runs();
    let until = state.seams().moment().after(state.limits().timeout / 2);
    let mut late = false;
    loop {
        let run = runs.borrow_and_update().iter().find(|run| run.id == id).cloned();
        let run = run.ok_or(ApiError::Internal("a copy of the hub's state was forgotten"))?;
        match run {
            HubBackup {
                error: Some(error), ..
            } => return Err(failed(error)),
            run if run.is_over() => return Ok((StatusCode::OK, Json(run))),
            run if late => return Ok((StatusCode::ACCEPTED, Json(run))),
            _ => {}
        }
        tokio::select! {
            changed = runs.changed() => late = changed.is_err(),
            () = state.seams().sleep_to(until) => late = true,
            () = state.shutdown().cancelled() => late = true,
        }
    }
}

/// Whoever may ask for a copy may know why there is none: it is told as it is.
fn failed(error: ErrorData) -> ApiError {
    ApiError::Invalid {
        code: error.code,
        detail: error.message,
        faults: Vec::new(),
    }
}
