//! Secrets: list their names, set their values, forget them. A value goes in and never comes out.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ironcore_ledger::Ledger;
use ironcore_ledger::model::NewEvent;
use ironcore_types::event::{ErrorData, EventData};
use ironcore_types::notification::Group;
use ironcore_types::objects::Job;
use ironcore_types::{ErrorCode, EventType, TaskSpec, UserId};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::{Json as Body, Path};
use crate::secrets::{Kept, SecretValue};
use crate::state::ApiState;
use crate::wire::{Secret, SecretIsSet, SecretList, SetSecret, SigningKind};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(set, remove))
}

/// The secrets of the hub: names, when and by whom they were set, and what uses them; never their values. What is used
/// and has no value here is among them.
#[utoipa::path(
    get, path = "/api/v1/secrets", tag = "secrets", operation_id = "list_secrets",
    responses((status = 200, body = SecretList))
)]
async fn list(State(state): State<ApiState>, access: Access) -> Result<Json<SecretList>, ApiError> {
    if !access.may(Right::Export) {
        return Err(ApiError::denied(
            "see which secrets there are, which takes the right `export`",
        ));
    }
    let mut uses = uses(state.ledger()).await?;
    let mut secrets: Vec<Secret> = kept(&state)
        .await?
        .into_iter()
        .map(|kept| {
            let used_by = uses.remove(&kept.name).unwrap_or_default();
            shown(kept, used_by)
        })
        .collect();
    secrets.extend(uses.into_iter().map(|(name, used_by)| Secret {
        name,
        kept: false,
        opens: false,
        set: None,
        by: None,
        public_key: None,
        used_by: used_by.into_iter().collect(),
    }));
    secrets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Json(SecretList { secrets }))
}

/// Keeps the value of a secret, in place of one that was there; what uses it has it from its next use on, and an event
/// tells of it. Or makes a signing key: of one for HMAC the receiver needs the value too, so it is in this answer and
/// nowhere else.
#[utoipa::path(
    put, path = "/api/v1/secrets/{name}", tag = "secrets", operation_id = "set_secret", request_body = SetSecret,
    params(("name" = String, Path, description = "Its name: 1 to 63 of a-z, 0-9, `-`, `_` and `.`.")),
    responses((status = 200, body = SecretIsSet))
)]
async fn set(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<String>,
    Body(request): Body<SetSecret>,
) -> Result<Json<SecretIsSet>, ApiError> {
    access.require(Right::Configure)?;
    let value = request.value.map(SecretValue);
    if value.is_some() == request.generate.is_some() {
        return Err(ApiError::invalid("Give one of `value` and `generate`."));
    }
    let (keeper, wanted, by) = (state.clone(), name.clone(), access.user.clone());
    let (replaced, generated) = tokio::task::spawn_blocking(move || {
        let keeper_of = keeper.secrets();
        let (value, generated) = match (value, request.generate) {
            (None, Some(kind)) => {
                let made = keeper_of.generate(kind)?;
                // Of a private key nobody but the hub needs to know.
                let told = (kind == SigningKind::Hmac).then(|| made.0.clone());
                (made, told)
            }
            (value, _) => (value.unwrap_or(SecretValue(String::new())), None),
        };
        let now = keeper.seams().now();
        keeper_of
            .set(&wanted, value, now, &by)
            .map(|replaced| (replaced, generated))
    })
    .await?
    .map_err(refused)?;
    tracing::info!(actor = %access.user, secret = %name, replaced, "a secret was set");
    if replaced {
        state.ledger().emit(rotated(&name, &access.user)).await?;
    }
    let mut uses = uses(state.ledger()).await?;
    let kept = kept(&state).await?.into_iter().find(|kept| kept.name == name);
    let kept = kept.ok_or_else(|| ApiError::not_found(format!("secret {name}")))?;
    let used_by = uses.remove(&name).unwrap_or_default();
    Ok(Json(SecretIsSet {
        secret: shown(kept, used_by),
        generated,
    }))
}

/// Forgets a secret. Refused while something uses it.
#[utoipa::path(
    delete, path = "/api/v1/secrets/{name}", tag = "secrets", operation_id = "remove_secret",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 204, description = "It is forgotten."))
)]
async fn remove(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    access.require(Right::Configure)?;
    if let Some(used_by) = uses(state.ledger()).await?.remove(&name) {
        let users: Vec<String> = used_by.into_iter().collect();
        return Err(ApiError::Invalid {
            code: ErrorCode::Conflict,
            detail: format!(
                "The secret {name} is used by {}. Take it out of there first.",
                users.join(", ")
            ),
            faults: Vec::new(),
        });
    }
    let (keeper, wanted) = (state.clone(), name.clone());
    let removed = tokio::task::spawn_blocking(move || keeper.secrets().remove(&wanted)).await?;
    if !removed.map_err(refused)? {
        return Err(ApiError::not_found(format!("secret {name}")));
    }
    Ok(super::removed(&access, &format!("secret {name}")))
}

/// The event of a secret that took the place of another. Of the values it says nothing.
fn rotated(name: &str, by: &UserId) -> NewEvent {
    let event_type = EventType::ConfigKeyRotated;
    let title = format!("Secret {name} was replaced by {by}");
    let mut data = EventData::new(None, event_type.default_severity(), title);
    data.actor = Some(by.clone());
    NewEvent {
        event_type,
        subject: Some(format!("secret/{name}")),
        data,
    }
}

async fn kept(state: &ApiState) -> Result<Vec<Kept>, ApiError> {
    let keeper = state.clone();
    let kept = tokio::task::spawn_blocking(move || keeper.secrets().list()).await?;
    kept.map_err(refused)
}

fn refused(error: ErrorData) -> ApiError {
    ApiError::Invalid {
        code: error.code,
        detail: error.message,
        faults: Vec::new(),
    }
}

fn shown(kept: Kept, used_by: BTreeSet<String>) -> Secret {
    Secret {
        name: kept.name,
        kept: true,
        opens: kept.opens,
        set: kept.set,
        by: kept.by,
        public_key: kept.public_key,
        used_by: used_by.into_iter().collect(),
    }
}

/// By the name of each secret that something is configured with, what that is.
async fn uses(ledger: &Ledger) -> Result<BTreeMap<String, BTreeSet<String>>, ApiError> {
    let mut groups = ledger.groups(None).await?;
    groups.extend(ledger.hub_groups().await?);
    let jobs = ledger.jobs(None).await?;
    Ok(found(&groups, &jobs))
}

fn found(groups: &[Group], jobs: &[Job]) -> BTreeMap<String, BTreeSet<String>> {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut note = |name: &str, user: String| {
        uses.entry(name.to_owned()).or_default().insert(user);
    };
    for group in groups {
        for handler in &group.handler {
            let user = format!("handler {}/{}", group.reference(), handler.name);
            for value in handler.config.values() {
                named(value, &mut |name| note(name, user.clone()));
            }
        }
    }
    for job in jobs {
        if let TaskSpec::Sync(sync) = &job.task
            && let Some(remote) = &sync.from.remote
        {
            note(&remote.token_secret, format!("job {}/{}", job.project, job.name));
        }
    }
    uses
}

/// The names in all places of the form `{ secret = "NAME" }`. Which of them a plugin's schema marks does not matter: of a
/// plugin that is not loaded nobody knows the schema, and one name too many only keeps a secret.
fn named(value: &Value, note: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(name)) = members.get("secret") {
                note(name);
            }
            members.values().for_each(|member| named(member, note));
        }
        Value::Array(items) => items.iter().for_each(|item| named(item, note)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_found_wherever_they_stand() {
        let config = json!({
            "url": { "secret": "hook", "before": "https://" }, "signing-secret": [{ "secret": "a" }, { "secret": "b" }],
            "headers": { "secret": { "secret": "odd" }, "x": "secret" }, "values": { "secret-word": "none" },
        });
        let mut names = Vec::new();
        named(&config, &mut |name| names.push(name.to_owned()));
        names.sort();
        assert_eq!(names, ["a", "b", "hook", "odd"]);
    }
}
