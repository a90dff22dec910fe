//! `apply`: what a declaration changes, found out before anything is written.

use std::collections::BTreeSet;

use ironcore_types::objects::{DatastoreObject, Document, Group, Job, Maintenance, Project};
use ironcore_types::{ErrorCode, JobName, ProjectName};

use super::references;
use crate::error::{LedgerError, Result};
use crate::model::ApplyReport;

/// What to write, in this order.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) projects: Vec<Project>,
    pub(crate) datastores: Vec<DatastoreObject>,
    pub(crate) groups: Vec<Group>,
    pub(crate) jobs: Vec<JobChange>,
    pub(crate) maintenance: Vec<Maintenance>,
    pub(crate) report: ApplyReport,
}

/// A job to write.
#[derive(Debug)]
pub(crate) struct JobChange {
    pub(crate) job: Job,
    /// Its ticks count from now: it is new, has other times, or was switched on.
    pub(crate) times_changed: bool,
    /// What holds its runs is another: its delay or its blackout windows.
    pub(crate) begins_changed: bool,
}

pub(crate) fn project_label(project: &Project) -> String {
    format!("project/{}", project.name)
}

pub(crate) fn datastore_label(datastore: &DatastoreObject) -> String {
    format!("datastore/{}", datastore.name)
}

pub(crate) fn group_label(group: &Group) -> String {
    format!("group/{}", group.reference())
}

pub(crate) fn job_label(job: &Job) -> String {
    format!("job/{}/{}", job.project, job.name)
}

pub(crate) fn maintenance_label(window: &Maintenance) -> String {
    window.silencer().to_string()
}

/// The objects to write with what they replace, and all objects as they will be.
type Overlaid<T> = (Vec<(T, Option<T>)>, Vec<T>);

/// Puts `wanted` over `current`: the objects that are new or differ, and all objects as they will be.
fn overlay<T: Clone + PartialEq>(
    current: &[T],
    wanted: &[T],
    label: impl Fn(&T) -> String,
    report: &mut ApplyReport,
) -> Result<Overlaid<T>> {
    let mut all = current.to_vec();
    let mut changes = Vec::new();
    for (at, object) in wanted.iter().enumerate() {
        let name = label(object);
        if wanted[..at].iter().any(|other| label(other) == name) {
            return Err(LedgerError::config(format!("{name} is declared twice")));
        }
        match all.iter_mut().find(|known| label(known) == name) {
            None => {
                report.created.push(name);
                changes.push((object.clone(), None));
                all.push(object.clone());
            }
            Some(known) if known == object => report.unchanged.push(name),
            Some(known) => {
                report.changed.push(name);
                changes.push((object.clone(), Some(std::mem::replace(known, object.clone()))));
            }
        }
    }
    Ok((changes, all))
}

/// What applying `wanted` to `current` does, or why it is refused. Of the jobs that somebody has `paused` none goes on by
/// that.
pub(crate) fn plan(
    current: &Document,
    wanted: &Document,
    paused: &BTreeSet<(ProjectName, JobName)>,
) -> Result<Plan> {
    let mut report = ApplyReport::default();
    let mut jobs = wanted.job.clone();
    for job in &mut jobs {
        job.enabled &= !paused.contains(&(job.project.clone(), job.name.clone()));
    }
    let (projects, all_projects) = overlay(&current.project, &wanted.project, project_label, &mut report)?;
    let (datastores, all_datastores) = overlay(
        &current.datastore,
        &wanted.datastore,
        datastore_label,
        &mut report,
    )?;
    let (groups, all_groups) = overlay(&current.group, &wanted.group, group_label, &mut report)?;
    let (jobs, all_jobs) = overlay(&current.job, &jobs, job_label, &mut report)?;
    let (windows, all_windows) = overlay(
        &current.maintenance,
        &wanted.maintenance,
        maintenance_label,
        &mut report,
    )?;
    for (new, old) in &datastores {
        if let Some(old) = old.as_ref().filter(|old| old.path != new.path) {
            return Err(LedgerError::Refused {
                code: ErrorCode::Conflict,
                message: format!(
                    "{}: the path cannot change (it is {}); declare another datastore instead",
                    datastore_label(new),
                    old.path.display()
                ),
            });
        }
    }
    let whole = Document {
        project: all_projects,
        datastore: all_datastores,
        group: all_groups,
        job: all_jobs,
        maintenance: all_windows,
    };
    references::check(&whole)?;
    let jobs = jobs
        .into_iter()
        .map(|(job, old)| {
            let times_changed = old.as_ref().is_none_or(|old| {
                (&old.schedule, &old.timezone) != (&job.schedule, &job.timezone)
                    || (!old.enabled && job.enabled)
            });
            let begins_changed = old.as_ref().is_some_and(|old| {
                (&old.blackout, old.randomized_delay, &old.timezone)
                    != (&job.blackout, job.randomized_delay, &job.timezone)
            });
            JobChange {
                job,
                times_changed,
                begins_changed,
            }
        })
        .collect();
    Ok(Plan {
        projects: projects.into_iter().map(|(new, _)| new).collect(),
        datastores: datastores.into_iter().map(|(new, _)| new).collect(),
        groups: groups.into_iter().map(|(new, _)| new).collect(),
        jobs,
        maintenance: windows.into_iter().map(|(new, _)| new).collect(),
        report,
    })
}
