//! What a list that is empty may be owed to: a name that nothing has. Jobs may have been removed while their tasks stay,
//! so such a name is no error; it is told beside the list.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::{JobName, ProjectName};

use super::{Context, job};
use crate::output;

/// Says on standard error which of the names that a list of tasks was narrowed to nothing has: neither a job or project
/// that there is, nor any task.
pub(super) async fn tell(
    context: &Context,
    project: Option<&ProjectName>,
    named: Option<&JobName>,
) -> Result<()> {
    if let Some(project) = project {
        let all: wire::ProjectList = context.client.get(&["projects"], &[]).await?;
        let known = all.projects.iter().any(|other| other.name == *project);
        if !known && !in_history(context, Some(project), None).await? {
            output::note(&format!(
                "no project is called {project}; `project list` shows them"
            ));
            return Ok(());
        }
    }
    if let Some(named) = named {
        let all = job::jobs(context, project.cloned()).await?;
        let known = all.jobs.iter().any(|view| view.job.name == *named);
        if !known && !in_history(context, project, Some(named)).await? {
            let there = project.map_or_else(String::new, |project| format!(" in project {project}"));
            output::note(&format!("no job is called {named}{there}; `job list` shows them"));
        }
    }
    Ok(())
}

/// Whether some task names them.
async fn in_history(
    context: &Context,
    project: Option<&ProjectName>,
    named: Option<&JobName>,
) -> Result<bool> {
    let mut query = vec![("limit", "1".to_owned())];
    query.extend(project.map(|project| ("project", project.to_string())));
    query.extend(named.map(|named| ("job", named.to_string())));
    let found: wire::TaskList = context.client.get(&["tasks"], &query).await?;
    Ok(!found.tasks.is_empty())
}
