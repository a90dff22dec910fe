//! Whether a whole configuration holds together: nothing dangles, nothing is shared that must not be.

use std::path::{Component, Path};

use ironcore_types::calendar::{self, Calendar};
use ironcore_types::job::is_command_name;
use ironcore_types::notification::InvalidMaintenance;
use ironcore_types::objects::{DatastoreObject, Document, Job};
use ironcore_types::{DatastoreName, ErrorCode, ProjectName, TaskSpec};

use super::configure::{datastore_label, group_label, job_label, maintenance_label, project_label};
use super::groups;
use crate::error::{LedgerError, Result};

/// Checks every object of `all` against every other.
pub(crate) fn check(all: &Document) -> Result<()> {
    paths(&all.datastore)?;
    for project in &all.project {
        limit(project.max_running, &project_label(project))?;
    }
    for datastore in &all.datastore {
        limit(datastore.max_running, &datastore_label(datastore))?;
    }
    for datastore in &all.datastore {
        for project in &datastore.projects {
            known_project(all, project, &datastore_label(datastore))?;
        }
        groups::check_attached(all, datastore)?;
    }
    for group in &all.group {
        if let Some(project) = &group.project {
            known_project(all, project, &group_label(group))?;
        }
        groups::check(all, group)?;
    }
    for job in &all.job {
        known_project(all, &job.project, &job_label(job))?;
        check_job(all, job)?;
    }
    for window in &all.maintenance {
        let label = maintenance_label(window);
        if let Some(project) = &window.project {
            known_project(all, project, &label)?;
        }
        window.check().map_err(|error| LedgerError::Refused {
            code: match error {
                InvalidMaintenance::Nothing => ErrorCode::ConfigInvalid,
                _ => ErrorCode::ScheduleInvalid,
            },
            message: format!("{label}: {error}"),
        })?;
        groups::check_matchers(all, window, &label)?;
    }
    Ok(())
}

/// With no task at once everything would wait for good.
fn limit(max_running: Option<u32>, label: &str) -> Result<()> {
    if max_running == Some(0) {
        return refuse(label, "max-running must be at least 1; to hold jobs, pause them");
    }
    Ok(())
}

pub(super) fn refuse<T>(label: &str, why: impl std::fmt::Display) -> Result<T> {
    Err(LedgerError::config(format!("{label}: {why}")))
}

fn known_project(all: &Document, project: &ProjectName, label: &str) -> Result<()> {
    if all.project.iter().any(|known| known.name == *project) {
        return Ok(());
    }
    refuse(label, format_args!("project {project} does not exist"))
}

fn plain_absolute(path: &Path) -> bool {
    path.is_absolute()
        && path
            .components()
            .all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
}

fn paths(datastores: &[DatastoreObject]) -> Result<()> {
    for (at, datastore) in datastores.iter().enumerate() {
        let label = datastore_label(datastore);
        if !plain_absolute(&datastore.path) {
            return refuse(
                &label,
                format_args!("path {} is not absolute", datastore.path.display()),
            );
        }
        // One inside the other is as bad as both in one: each would find the other's files.
        let shared = datastores[..at]
            .iter()
            .find(|other| other.path.starts_with(&datastore.path) || datastore.path.starts_with(&other.path));
        if let Some(other) = shared {
            return Err(LedgerError::Refused {
                code: ErrorCode::DatastoreShared,
                message: format!(
                    "{label}: path {} is shared with {} at {}",
                    datastore.path.display(),
                    datastore_label(other),
                    other.path.display()
                ),
            });
        }
    }
    Ok(())
}

/// Whether a task of `project` may use these datastores, and they exist.
pub(crate) fn usable(
    datastores: &[DatastoreObject],
    project: Option<&ProjectName>,
    wanted: &[&DatastoreName],
    label: &str,
) -> Result<()> {
    for name in wanted {
        let Some(datastore) = datastores.iter().find(|known| known.name == **name) else {
            return refuse(label, format_args!("datastore {name} does not exist"));
        };
        // Tasks without a project are the administrators'.
        if let Some(project) = project
            && !datastore.granted_to(project)
        {
            return refuse(
                label,
                format_args!(
                    "datastore {name} is not granted to project {project}: add the project to its `projects`"
                ),
            );
        }
    }
    Ok(())
}

fn check_job(all: &Document, job: &Job) -> Result<()> {
    let label = job_label(job);
    usable(&all.datastore, Some(&job.project), &job.task.datastores(), &label)?;
    for group in &job.groups {
        if !all
            .group
            .iter()
            .any(|known| known.project.as_ref() == Some(&job.project) && known.name == *group)
        {
            return refuse(
                &label,
                format_args!("group {group} does not exist in project {}", job.project),
            );
        }
    }
    schedule(job, &label)?;
    times(job, &label)?;
    commands(job, &label)?;
    spec(&job.task, &label)?;
    chain(all, job, &label)
}

fn schedule(job: &Job, label: &str) -> Result<()> {
    let invalid = |why: String| LedgerError::Refused {
        code: ErrorCode::ScheduleInvalid,
        message: format!("{label}: {why}"),
    };
    if let Some(text) = &job.schedule {
        Calendar::parse(text).map_err(|error| invalid(error.to_string()))?;
    }
    calendar::zone(&job.timezone).map_err(|error| invalid(error.to_string()))?;
    for window in &job.blackout {
        Calendar::parse(&window.from).map_err(|error| invalid(format!("blackout: {error}")))?;
        if window.lasts.duration().is_zero() {
            return Err(invalid(
                "blackout: a window must last longer than nothing".to_owned(),
            ));
        }
    }
    if job.always_dark() {
        return Err(invalid(
            "blackout: the windows leave no time in which it could run".to_owned(),
        ));
    }
    Ok(())
}

/// Further attempts that one failure may have.
const RETRIES: u32 = 1_000;

fn times(job: &Job, label: &str) -> Result<()> {
    let commands = [&job.command_before, &job.command_after].into_iter().flatten();
    let spans = [
        // Nothing begins in the very moment that it is due.
        ("grace", Some(job.grace)),
        ("timeout", job.timeout),
        ("warn-after", job.warn_after),
        ("recovery-point", job.recovery_point),
    ];
    let spans = spans.into_iter().filter_map(|(name, span)| Some((name, span?)));
    let all = spans.chain(commands.map(|command| ("timeout of a command", command.timeout)));
    for (name, span) in all {
        if span.duration().is_zero() {
            return refuse(label, format_args!("{name} must be longer than nothing"));
        }
    }
    let makes = matches!(job.task, TaskSpec::Backup(_) | TaskSpec::Sync(_));
    if job.recovery_point.is_some() && !makes {
        return refuse(
            label,
            "only backup and sync jobs make what a recovery-point asks for",
        );
    }
    if job.retries > RETRIES {
        return refuse(label, format_args!("retries must be at most {RETRIES}"));
    }
    Ok(())
}

/// Commands are found in the worker's own folder of commands, and nowhere else.
fn commands(job: &Job, label: &str) -> Result<()> {
    for command in [&job.command_before, &job.command_after].into_iter().flatten() {
        let name = command.run.first().map_or("", String::as_str);
        if !is_command_name(name) {
            return refuse(
                label,
                format_args!(
                    "{name:?} is no command: write the plain file name of a program in the worker's folder of \
                     commands, without slashes"
                ),
            );
        }
    }
    Ok(())
}

fn spec(task: &TaskSpec, label: &str) -> Result<()> {
    match task {
        TaskSpec::Backup(spec) if !spec.source.tree.is_absolute() => refuse(
            label,
            format_args!("source {} is not absolute", spec.source.tree.display()),
        ),
        TaskSpec::Restore(spec) if !spec.to.is_absolute() => refuse(
            label,
            format_args!("target {} is not absolute", spec.to.display()),
        ),
        TaskSpec::Sync(spec) if spec.from.remote.is_none() && spec.from.datastore == spec.to => refuse(
            label,
            format_args!("datastore {} cannot be synced to itself", spec.to),
        ),
        _ => Ok(()),
    }
}

/// The jobs before this one exist, and none of them comes after it.
fn chain(all: &Document, job: &Job, label: &str) -> Result<()> {
    let mut seen = vec![&job.name];
    let mut at = job;
    while let Some(before) = &at.after {
        if seen.contains(&before) {
            let by_way = match &at.name {
                same if *same == job.name => String::new(),
                last => format!(", by way of job {last}"),
            };
            return refuse(label, format_args!("it would come after itself{by_way}"));
        }
        seen.push(before);
        at = match all
            .job
            .iter()
            .find(|known| known.project == job.project && known.name == *before)
        {
            Some(found) => found,
            None => {
                return refuse(
                    label,
                    format_args!("it comes after job {before}, which does not exist"),
                );
            }
        };
    }
    Ok(())
}
