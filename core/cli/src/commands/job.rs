//! `job list`, `run`, `pause`, `resume` and `remove`. `job next` and `job show` are in `job_next` and `job_show`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::{JobName, ProjectName};

use super::task::to_the_minute;
use super::{Context, job_next, job_show, only_one, removal, start};
use crate::args::{InProject, Job};
use crate::exit::Exit;
use crate::output;
use crate::table::GivesWay;

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
                    output::time(view.next.first().map(|run| run.begins)),
                    view.last
                        .as_ref()
                        .map_or_else(|| "-".to_owned(), |task| task.status.clone()),
                    if view.job.enabled { "enabled" } else { "paused" }.to_owned(),
                ]
            });
            let head = ["PROJECT", "JOB", "TYPE", "SCHEDULE", "NEXT RUN", "LAST", "STATE"];
            let order = [
                GivesWay::Short(4, |row| {
                    row.get(4).map_or_else(String::new, |next| to_the_minute(next))
                }),
                GivesWay::Named(3),
                GivesWay::Named(0),
            ];
            context.form.listing(&answer, &head, &order, rows)?;
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
        Job::Next { name, count, project } => job_next::run(context, name, count, project).await,
        Job::Show { name, project } => {
            let view = show(context, project, &name).await?;
            job_show::run(context, &view).await
        }
        Job::Pause { name, project } => switch(context, project, &name, "pause").await,
        Job::Resume { name, project } => switch(context, project, &name, "resume").await,
        Job::Remove { name, project, sure } => {
            removal::must_be_sure(sure)?;
            let project = project_of(context, project, &name).await?;
            let path = ["jobs", project.as_str(), name.as_str()];
            let object = format!("job/{project}/{name}");
            removal::remove(context, sure, &object, &path, "its tasks and snapshots stay").await
        }
    }
}

/// One job as the hub shows it.
pub(super) async fn show(context: &Context, project: InProject, name: &JobName) -> Result<wire::JobView> {
    let project = project_of(context, project, name).await?;
    let path = ["jobs", project.as_str(), name.as_str()];
    context.client.get(&path, &[]).await
}

async fn switch(context: &Context, project: InProject, name: &JobName, verb: &str) -> Result<Exit> {
    let project = project_of(context, project, name).await?;
    let path = ["jobs", project.as_str(), name.as_str(), verb];
    let view: wire::JobView = context.client.post(&path, &[], &serde_json::json!({})).await?;
    let fields = [
        ("Job", format!("{project}/{name}")),
        (
            "State",
            if view.job.enabled { "enabled" } else { "paused" }.to_owned(),
        ),
        ("Next run", output::time(view.next.first().map(|run| run.begins))),
    ];
    context.form.fields(&view, &fields)?;
    Ok(Exit::Ok)
}

/// The jobs of a project, or all of them.
pub(super) async fn jobs(context: &Context, project: Option<ProjectName>) -> Result<wire::JobList> {
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
    only_one("job", name.as_str(), found.map(|view| view.job.project))
}
