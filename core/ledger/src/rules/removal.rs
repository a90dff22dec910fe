//! What is in the way of removing an object.

use ironcore_types::notification::{Filter, Group, GroupRef, NamePattern};
use ironcore_types::objects::Document;
use ironcore_types::{DatastoreName, JobName, ProjectName, UserId};

use super::configure::{datastore_label, group_label, job_label, maintenance_label};
use crate::error::{LedgerError, Result};

fn in_the_way(what: &str, users: Vec<String>) -> Result<()> {
    if users.is_empty() {
        return Ok(());
    }
    Err(LedgerError::conflict(format!(
        "{what} cannot be removed: it is used by {}",
        users.join(", ")
    )))
}

/// Jobs, groups, maintenance windows, grants of datastores and to users, and valid tokens keep a project: the next project of
/// that name must not inherit them.
pub(crate) fn project(
    all: &Document,
    name: &ProjectName,
    tokens: &[UserId],
    members: &[UserId],
) -> Result<()> {
    let mut users: Vec<String> = all
        .job
        .iter()
        .filter(|j| j.project == *name)
        .map(job_label)
        .collect();
    let groups = all.group.iter().filter(|g| g.project.as_ref() == Some(name));
    users.extend(groups.map(group_label));
    let windows = all.maintenance.iter();
    users.extend(
        windows
            .filter(|window| window.project.as_ref() == Some(name))
            .map(maintenance_label),
    );
    users.extend(
        all.datastore
            .iter()
            .filter(|d| d.projects.contains(name))
            .map(datastore_label),
    );
    users.extend(tokens.iter().map(|user| format!("token/{user}")));
    users.extend(members.iter().map(|user| format!("user/{user}")));
    in_the_way(&format!("project/{name}"), users)
}

/// Jobs, filters and maintenance windows keep a datastore.
pub(crate) fn datastore(all: &Document, name: &DatastoreName) -> Result<()> {
    let mut users: Vec<String> = all
        .job
        .iter()
        .filter(|j| j.task.datastores().contains(&name))
        .map(job_label)
        .collect();
    let named = |filter: &Filter| filter.datastores.iter().any(|d| d.exact() == Some(name.as_str()));
    let groups = all.group.iter().filter(|g| filters(g).any(named));
    users.extend(groups.map(group_label));
    let exact = |named: &NamePattern| named.exact() == Some(name.as_str());
    let windows = all.maintenance.iter();
    users.extend(
        windows
            .filter(|window| window.when.datastores.iter().any(exact))
            .map(maintenance_label),
    );
    in_the_way(&format!("datastore/{name}"), users)
}

/// Jobs and datastores keep a group.
pub(crate) fn group(all: &Document, group: &GroupRef) -> Result<()> {
    let jobs = all
        .job
        .iter()
        .filter(|j| group.project.as_ref() == Some(&j.project) && j.groups.contains(&group.name));
    let mut users: Vec<String> = jobs.map(job_label).collect();
    let datastores = all.datastore.iter().filter(|d| d.groups.contains(group));
    users.extend(datastores.map(datastore_label));
    in_the_way(&format!("group/{group}"), users)
}

/// The filters of a group: those of its handlers and of its rules.
fn filters(group: &Group) -> impl Iterator<Item = &Filter> {
    let handlers = group.handler.iter().map(|handler| &handler.filter);
    handlers.chain(group.rule.iter().map(|rule| &rule.when))
}

/// Jobs that come after it, filters and maintenance windows keep a job.
pub(crate) fn job(all: &Document, project: &ProjectName, name: &JobName) -> Result<()> {
    let after = all
        .job
        .iter()
        .filter(|j| j.project == *project && j.after.as_ref() == Some(name));
    let mut users: Vec<String> = after.map(job_label).collect();
    // What the hub's groups name may be a job of any project of that name.
    let named = |filter: &Filter| filter.jobs.iter().any(|j| j.exact() == Some(name.as_str()));
    let groups = all.group.iter().filter(|g| g.project.as_ref() == Some(project));
    users.extend(groups.filter(|g| filters(g).any(named)).map(group_label));
    let exact = |named: &NamePattern| named.exact() == Some(name.as_str());
    let windows = all
        .maintenance
        .iter()
        .filter(|window| window.project.as_ref() == Some(project));
    users.extend(
        windows
            .filter(|window| window.when.jobs.iter().any(exact))
            .map(maintenance_label),
    );
    in_the_way(&format!("job/{project}/{name}"), users)
}
