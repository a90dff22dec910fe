//! `project list`, `create`, `pattern` and `remove`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::objects::{Document, Project as Object};
use ironcore_types::{ErrorCode, ProjectName};

use super::{Context, declare, removal};
use crate::args::{PatternArgs, Project};
use crate::exit::{Coded, Exit};
use crate::output::{self, Form};

pub(super) async fn run(context: &Context, command: Project) -> Result<Exit> {
    match command {
        Project::List => {
            let answer = projects(context).await?;
            let rows = answer.projects.iter().map(|project| {
                vec![
                    project.name.to_string(),
                    output::or_dash(project.max_running.as_ref()),
                    output::or_dash(project.title.as_ref()),
                ]
            });
            context.form.rows(&answer, &["PROJECT", "LIMIT", "TITLE"], rows)?;
            Ok(Exit::Ok)
        }
        Project::Create {
            name,
            title,
            pattern,
            jobs,
        } => create(context, name, title, pattern.then_some(&jobs), &jobs).await,
        Project::Pattern { name, jobs } => {
            declare::print(context, &pattern(context, &name, &jobs).await?)?;
            Ok(Exit::Ok)
        }
        Project::Remove { name, sure } => {
            let (object, path) = (format!("project/{name}"), ["projects", name.as_str()]);
            let stays = "its tasks and backups stay";
            removal::remove(context, sure, &object, &path, stays).await
        }
    }
}

async fn projects(context: &Context) -> Result<wire::ProjectList> {
    context.client.get(&["projects"], &[]).await
}

async fn create(
    context: &Context,
    name: ProjectName,
    title: Option<String>,
    with_pattern: Option<&PatternArgs>,
    given: &PatternArgs,
) -> Result<Exit> {
    let refuse = |code, message: String| Err(Coded { code, message }.into());
    if with_pattern.is_none() && given.datastore.is_some() {
        let message = "--datastore and what comes with it are for the usual jobs: add --pattern";
        return refuse(ErrorCode::RequestInvalid, message.to_owned());
    }
    let known = projects(context).await?;
    if known.projects.iter().any(|project| project.name == name) {
        return refuse(ErrorCode::Conflict, format!("there is a project {name} already"));
    }
    let mut document = match with_pattern {
        Some(jobs) => pattern(context, &name, jobs).await?,
        None => Document::default(),
    };
    document.project = vec![Object {
        name: name.clone(),
        title,
        max_running: None,
    }];
    let answer: wire::ApplyAnswer = context.client.post(&["apply"], &[], &document).await?;
    declare::tell(context, &answer)?;
    if with_pattern.is_none() && context.form == Form::Table {
        output::note(&format!(
            "It has no jobs yet. The usual ones (backups each day and week, prune, verify, gc) are offered by:\n  \
             ironcore-backup project pattern {name} --datastore NAME --tree PATH | ironcore-backup apply -f -"
        ));
    }
    Ok(Exit::Ok)
}

async fn pattern(context: &Context, name: &ProjectName, jobs: &PatternArgs) -> Result<Document> {
    let tree = jobs.tree.as_deref().map(std::path::absolute).transpose()?;
    let query = [
        ("project", Some(name.to_string())),
        ("datastore", jobs.datastore.as_ref().map(ToString::to_string)),
        ("archive", jobs.archive.as_ref().map(ToString::to_string)),
        ("tree", tree.map(|tree| tree.display().to_string())),
        ("owner", jobs.owner.as_ref().map(ToString::to_string)),
        ("timezone", jobs.timezone.clone()),
    ];
    let query: Vec<(&str, String)> = query
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect();
    context.client.get(&["projects", "pattern"], &query).await
}
