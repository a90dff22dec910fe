//! `group list` and `group remove`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::objects::Handler;
use ironcore_types::{GroupName, ProjectName};

use super::{Context, only_project, removal};
use crate::args::{Group, InProject};
use crate::exit::Exit;
use crate::output;

pub(super) async fn run(context: &Context, command: Group) -> Result<Exit> {
    match command {
        Group::List { project } => {
            let answer = groups(context, project.project).await?;
            let rows = answer.groups.iter().map(|group| {
                let handlers: Vec<String> = group.handler.iter().map(shown).collect();
                vec![
                    group.project.to_string(),
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
        Group::Remove { name, project, sure } => {
            removal::must_be_sure(sure)?;
            let project = project_of(context, project, &name).await?;
            let path = ["groups", project.as_str(), name.as_str()];
            let object = format!("group/{project}/{name}");
            removal::remove(context, sure, &object, &path, "its messages stay").await
        }
    }
}

/// A handler in a list: `chat (webhook)`.
fn shown(handler: &Handler) -> String {
    let off = if handler.enabled { "" } else { ", off" };
    format!("{} ({}{off})", handler.name, handler.plugin)
}

async fn groups(context: &Context, project: Option<ProjectName>) -> Result<wire::GroupList> {
    let query: Vec<(&str, String)> = project.into_iter().map(|p| ("project", p.to_string())).collect();
    context.client.get(&["groups"], &query).await
}

/// The project that was named, or else the one that has a group of this name.
async fn project_of(context: &Context, project: InProject, name: &GroupName) -> Result<ProjectName> {
    if let Some(project) = project.project {
        return Ok(project);
    }
    let answer = groups(context, None).await?;
    let found = answer.groups.into_iter().filter(|group| group.name == *name);
    only_project("group", name.as_str(), found.map(|group| group.project))
}
