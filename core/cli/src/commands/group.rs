//! `group list`, `enable` and `remove`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::notification::{GroupScope, Handler};
use ironcore_types::{ErrorCode, GroupName, ProjectName};

use super::{Context, only_one, removal};
use crate::args::{Group, HandlerArg, InProject};
use crate::exit::{Coded, Exit};
use crate::output;

pub(super) async fn run(context: &Context, command: Group) -> Result<Exit> {
    match command {
        Group::List { project } => {
            let answer = groups(context, project.project).await?;
            let rows = answer.groups.iter().map(|group| {
                let failing = |handler: &Handler| {
                    answer.failing.iter().find(|failing| {
                        failing.project == group.project
                            && failing.group == group.name
                            && failing.handler == handler.name
                    })
                };
                let handlers = group.handler.iter();
                let handlers: Vec<String> =
                    handlers.map(|handler| shown(handler, failing(handler))).collect();
                vec![
                    output::or_dash(group.project.as_ref()),
                    group.name.to_string(),
                    if handlers.is_empty() {
                        "-".to_owned()
                    } else {
                        handlers.join(", ")
                    },
                    output::or_dash(group.comment.as_ref()),
                ]
            });
            let head = ["PROJECT", "GROUP", "HANDLERS", "COMMENT"];
            context.form.rows(&answer, &head, rows)?;
            Ok(Exit::Ok)
        }
        Group::Enable {
            handler: HandlerArg { group, handler },
            project,
        } => {
            let Some(group) = group else {
                return Err(Coded {
                    code: ErrorCode::RequestInvalid,
                    message: format!("say the group too: GROUP/{handler}"),
                }
                .into());
            };
            let scope = scope_of(context, project, &group).await?.to_string();
            let path = [
                "groups",
                scope.as_str(),
                group.as_str(),
                "handlers",
                handler.as_str(),
                "enable",
            ];
            let answer: wire::HandlerEnabled =
                context.client.post(&path, &[], &serde_json::json!({})).await?;
            let said = if answer.was_off {
                format!("on again; `message replay --handler {group}/{handler}` sends what was given up")
            } else {
                "on, as before".to_owned()
            };
            let fields = [("Handler", format!("{group}/{handler}")), ("State", said)];
            context.form.fields(&answer, &fields)?;
            Ok(Exit::Ok)
        }
        Group::Remove { name, project, sure } => {
            removal::must_be_sure(sure)?;
            let scope = scope_of(context, project, &name).await?;
            let path = ["groups", &scope.to_string(), name.as_str()];
            let object = format!("group/{}", scope.clone().group(name.clone()));
            removal::remove(context, sure, &object, &path, "its messages stay").await
        }
    }
}

/// A handler in a list: `chat (webhook)`.
fn shown(handler: &Handler, failing: Option<&wire::FailingHandler>) -> String {
    let state = match failing {
        _ if !handler.enabled => ", off".to_owned(),
        Some(failing) if failing.disabled.is_some() => format!(
            ", switched off at {}: {}",
            output::time(failing.disabled),
            failing.error.message
        ),
        Some(failing) => format!(", failing since {}", output::time(failing.failing_since)),
        None => String::new(),
    };
    format!("{} ({}{state})", handler.name, handler.plugin)
}

async fn groups(context: &Context, project: Option<ProjectName>) -> Result<wire::GroupList> {
    let query: Vec<(&str, String)> = project.into_iter().map(|p| ("project", p.to_string())).collect();
    context.client.get(&["groups"], &query).await
}

/// The project that was named, or else the one that has a group of this name, or the hub.
pub(super) async fn scope_of(context: &Context, project: InProject, name: &GroupName) -> Result<GroupScope> {
    if project.project.is_some() {
        return Ok(GroupScope(project.project));
    }
    let answer = groups(context, None).await?;
    let found = answer.groups.into_iter().filter(|group| group.name == *name);
    only_one(
        "group",
        name.as_str(),
        found.map(|group| GroupScope(group.project)),
    )
}
