//! `job list` and `job run`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::{ErrorCode, ProjectName};

use super::{Context, start};
use crate::args::Job;
use crate::exit::{Coded, Exit};
use crate::output;

pub(super) async fn run(context: &Context, command: Job) -> Result<Exit> {
    match command {
        Job::List { project } => {
            let answer = jobs(context, project.project).await?;
            let rows = answer.jobs.iter().map(|view| {
                let schedule = match (&view.job.schedule, &view.job.after) {
                    (Some(schedule), _) => format!("{schedule} ({})", view.job.timezone),
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
            let project = match project.project {
                Some(project) => project,
                None => only_project(context, name.as_str()).await?,
            };
            let path = ["jobs", project.as_str(), name.as_str(), "run"];
            let started: wire::Started = context.client.post(&path, &[], &wire::RunJob { full }).await?;
            start::report(context, &started, wait).await
        }
    }
}

async fn jobs(context: &Context, project: Option<ProjectName>) -> Result<wire::JobList> {
    let query: Vec<(&str, String)> = project.into_iter().map(|p| ("project", p.to_string())).collect();
    context.client.get(&["jobs"], &query).await
}

/// The project of the one job that has this name.
async fn only_project(context: &Context, name: &str) -> Result<ProjectName> {
    let answer = jobs(context, None).await?;
    let mut found = answer
        .jobs
        .into_iter()
        .filter(|view| view.job.name.as_str() == name);
    match (found.next(), found.next()) {
        (Some(view), None) => Ok(view.job.project),
        (None, _) => Err(Coded {
            code: ErrorCode::NotFound,
            message: format!("there is no job {name}"),
        }
        .into()),
        (Some(_), Some(_)) => Err(Coded {
            code: ErrorCode::RequestInvalid,
            message: format!("several projects have a job {name}: say which with --project"),
        }
        .into()),
    }
}
