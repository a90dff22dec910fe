//! `project list` and `project remove`.

use anyhow::Result;
use ironcore_api::wire;

use super::{Context, removal};
use crate::args::Project;
use crate::exit::Exit;
use crate::output;

pub(super) async fn run(context: &Context, command: Project) -> Result<Exit> {
    match command {
        Project::List => {
            let answer: wire::ProjectList = context.client.get(&["projects"], &[]).await?;
            let rows = answer
                .projects
                .iter()
                .map(|project| vec![project.name.to_string(), output::or_dash(project.title.as_ref())]);
            context.form.rows(&answer, &["PROJECT", "TITLE"], rows)?;
            Ok(Exit::Ok)
        }
        Project::Remove { name, sure } => {
            let (object, path) = (format!("project/{name}"), ["projects", name.as_str()]);
            let stays = "its tasks and backups stay";
            removal::remove(context, sure, &object, &path, stays).await
        }
    }
}
