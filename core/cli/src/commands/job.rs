//! `job list`, `job run` and `job remove`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::{JobName, ProjectName};

use super::{Context, only_project, removal, start};
use crate::args::{InProject, Job};
use crate::exit::Exit;
use crate::output;

pub(super) async fn run(context: &Context, command: Job) -> Result<Exit> {
    match command {
        Job::List { project } => {
            let answer = jobs(context, project.project).await?;
            let rows = answer.jobs.iter().map(|view| {
                let schedule = match (&view.job.schedule, &view.job.after) {
                    (Some(schedule), None) => format!("{schedule} ({})", view.job.timezone),
                    (Some(schedule), Some(after)) => {
                        format!("{schedule} ({}), after {after}", view.job.timezone)
                    }
                    (None, Some(after)) => format!("after {after}"),
                    (None, None) => "by hand".to_owned(),
                };
                vec![
                    view.job.project.to_string(),
                    view.job.name.to_string(),
                    view.job.task.task_type().to_string(),
                    schedule,
                    output::time(view.next.first().copied()),
                    view.last
                        .as_ref()
                        .map_or_else(|| "-".to_owned(), |task| task.status.clone()),
                    if view.job.enabled { "yes" } else { "no" }.to_owned(),
                ]
            });
            let head = [
                "PROJECT", "JOB", "TYPE", "SCHEDULE", "NEXT RUN", "LAST", "ENABLED",
            ];
            context.form.rows(&answer, &head, rows)?;
            Ok(Exit::Ok)
        }
        Job::Run {
            name,
            full,
            project,
            wait,
        } => {
            let project = project_of(context, project, &name).await?;
            let path = ["jobs", project.as_str(), name.as_str(), "run"];
            let started: wire::Started = context.client.post(&path, &[], &wire::RunJob { full }).await?;
            start::report(context, &started, wait).await
        }
        Job::Remove { name, project, sure } => {
            removal::must_be_sure(sure)?;
            let project = project_of(context, project, &name).await?;
            let path = ["jobs", project.as_str(), name.as_str()];
            let object = format!("job/{project}/{name}");
            removal::remove(context, sure, &object, &path, "its tasks and snapshots stay").await
        }
    }
}

async fn jobs(context: &Context, project: Option<ProjectName>) -> Result<wire::JobList> {
    let query: Vec<(&str, String)> = project.into_iter().map(|p| ("project", p.to_string())).collect();
    context.client.get(&["jobs"], &query).await
}

/// The project that was named, or else the one that has a job of this name.
async fn project_of(context: &Context, project: InProject, name: &JobName) -> Result<ProjectName> {
    if let Some(project) = project.project {
        return Ok(project);
    }
    let answer = jobs(context, None).await?;
    let found = answer.jobs.into_iter().filter(|view| view.job.name == *name);
    only_project("job", name.as_str(), found.map(|view| view.job.project))
}
