//! What people configure: groups, declarations, export.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ironcore_ledger::model::{ApplyReport, HandlerRef};
use ironcore_types::notification::GroupScope;
use ironcore_types::objects::{Document, Group};
use ironcore_types::{ErrorCode, GroupName, HandlerName, counted};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::declare;
use crate::error::ApiError;
use crate::extract::{self, Json as Body, Path, Query};
use crate::state::ApiState;
use crate::view;
use crate::wire::{ApplyAnswer, GroupList, HandlerEnabled};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(groups))
        .routes(routes!(enable_handler))
        .routes(routes!(group, remove_group))
        .routes(routes!(apply))
        .routes(routes!(export))
}

/// Which groups are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct GroupQuery {
    /// Of this project.
    project: Option<String>,
}

/// Notification groups with their handlers. Secrets stand in them as names only; who may not change them does not see
/// what they say in plain words of credentials either.
#[utoipa::path(
    get, path = "/api/v1/groups", tag = "configuration", operation_id = "list_groups", params(GroupQuery),
    responses((status = 200, body = GroupList))
)]
async fn groups(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<GroupQuery>,
) -> Result<Json<GroupList>, ApiError> {
    let project = access.narrow(extract::optional("project", query.project.as_deref())?)?;
    let failing = state.ledger().handler_health().await?;
    let failing = failing
        .into_iter()
        .filter(|health| access.sees(health.handler.project.as_ref()))
        .filter(|health| project.is_none() || health.handler.project == project);
    let groups = state.ledger().groups(project.as_ref()).await?.into_iter();
    Ok(Json(GroupList {
        groups: groups.map(|group| seen_by(&access, group)).collect(),
        failing: failing.map(view::failing).collect(),
    }))
}

/// The group as it shows: to who may not change it, without what it says in plain words of credentials.
fn seen_by(access: &Access, mut group: Group) -> Group {
    if !access.may(Right::Configure) {
        for handler in &mut group.handler {
            handler.config = ironcore_notify::readable(&handler.config);
        }
    }
    group
}

/// One notification group.
#[utoipa::path(
    get, path = "/api/v1/groups/{project}/{name}", tag = "configuration", operation_id = "show_group",
    params(
        ("project" = String, Path, description = "Its project; `-` for a group of the hub."),
        ("name" = GroupName, Path, description = "Its name."),
    ),
    responses((status = 200, body = Group))
)]
async fn group(
    State(state): State<ApiState>,
    access: Access,
    Path((scope, name)): Path<(GroupScope, GroupName)>,
) -> Result<Json<Group>, ApiError> {
    let group = access.group(state.ledger(), &scope.group(name)).await?;
    Ok(Json(seen_by(&access, group)))
}

/// Removes a notification group with its handlers; its messages stay. Refused with `conflict` while a job or a datastore names it.
#[utoipa::path(
    delete, path = "/api/v1/groups/{project}/{name}", tag = "configuration", operation_id = "remove_group",
    params(
        ("project" = String, Path, description = "Its project; `-` for a group of the hub."),
        ("name" = GroupName, Path, description = "Its name."),
    ),
    responses((status = 204, description = "It is removed."))
)]
async fn remove_group(
    State(state): State<ApiState>,
    access: Access,
    Path((scope, name)): Path<(GroupScope, GroupName)>,
) -> Result<StatusCode, ApiError> {
    let group = scope.group(name);
    access.group(state.ledger(), &group).await?;
    access.require(Right::Configure)?;
    state.ledger().delete_group(&group).await?;
    Ok(super::removed(&access, &format!("group/{group}")))
}

/// Switches a handler on again that was switched off because it failed. Messages that were given up meanwhile stay so until
/// they are sent again.
#[utoipa::path(
    post, path = "/api/v1/groups/{project}/{name}/handlers/{handler}/enable", tag = "configuration",
    operation_id = "enable_handler",
    params(
        ("project" = String, Path, description = "Its project; `-` for a group of the hub."),
        ("name" = GroupName, Path, description = "Its group."),
        ("handler" = HandlerName, Path, description = "Its name."),
    ),
    responses((status = 200, body = HandlerEnabled))
)]
async fn enable_handler(
    State(state): State<ApiState>,
    access: Access,
    Path((scope, name, handler)): Path<(GroupScope, GroupName, HandlerName)>,
) -> Result<Json<HandlerEnabled>, ApiError> {
    let reference = scope.group(name);
    let group = access.group(state.ledger(), &reference).await?;
    access.require(Right::Configure)?;
    if !group.handler.iter().any(|known| known.name == handler) {
        return Err(ApiError::not_found(format!("handler {reference}/{handler}")));
    }
    let handler = HandlerRef {
        project: reference.project,
        group: reference.name,
        handler,
    };
    let was_off = state.ledger().enable_handler(&handler).await?;
    Ok(Json(HandlerEnabled { was_off }))
}

/// How a declaration is applied.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ApplyQuery {
    /// `true`, or the bare parameter: check and compare, but change nothing.
    #[serde(rename = "dry-run")]
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
}

/// Makes or changes what the declaration names and leaves the rest as it is: all of it, or nothing. Faults name the
/// object and the key. Datastores whose folder is missing or empty are made.
#[utoipa::path(
    post, path = "/api/v1/apply", tag = "configuration", params(ApplyQuery), request_body = Document,
    responses((status = 200, body = ApplyAnswer))
)]
async fn apply(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<ApplyQuery>,
    Body(document): Body<Document>,
) -> Result<Json<ApplyAnswer>, ApiError> {
    access.require(Right::Configure)?;
    let dry_run = match query.dry_run.as_deref() {
        None | Some("false") => false,
        Some("" | "true") => true,
        Some(_) => return Err(extract::parameter("dry-run", &"use true or false")),
    };
    let faults = declare::check(&document, state.plugins());
    if !faults.is_empty() {
        return Err(ApiError::Invalid {
            code: ErrorCode::ConfigInvalid,
            detail: format!(
                "The declaration has {}; nothing was changed.",
                counted(faults.len(), "fault")
            ),
            faults,
        });
    }
    // Asked first, so that no folder is made for a declaration that the ledger refuses.
    let planned = state.ledger().check(&document).await?;
    if dry_run {
        return Ok(Json(answer(true, planned)));
    }
    for datastore in &document.datastore {
        let made = state.stores().ensure(datastore).await;
        made.map_err(ApiError::of_place)?;
    }
    let report = state.ledger().apply(&document, &access.user).await?;
    for datastore in &document.datastore {
        // Its key is known before its first task is.
        if report.created.contains(&format!("datastore/{}", datastore.name))
            && let Err(error) = state.stores().open(&datastore.name).await
        {
            tracing::warn!(datastore = %datastore.name, %error, "a new datastore cannot be opened");
        }
    }
    Ok(Json(answer(false, report)))
}

fn answer(dry_run: bool, report: ApplyReport) -> ApplyAnswer {
    ApplyAnswer {
        dry_run,
        created: report.created,
        changed: report.changed,
        unchanged: report.unchanged,
    }
}

/// Everything that is configured, as a declaration; applying it again changes nothing.
#[utoipa::path(
    get, path = "/api/v1/export", tag = "configuration", responses((status = 200, body = Document))
)]
async fn export(State(state): State<ApiState>, access: Access) -> Result<Json<Document>, ApiError> {
    access.require(Right::Export)?;
    Ok(Json(state.ledger().export().await?))
}
