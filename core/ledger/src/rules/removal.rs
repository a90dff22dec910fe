//! What is in the way of removing an object.

use ironcore_types::objects::Document;
use ironcore_types::{DatastoreName, GroupName, JobName, ProjectName, UserId};

use super::configure::{datastore_label, group_label, job_label};
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

/// Jobs, groups, grants and valid tokens keep a project: the next project of that name must not inherit them.
pub(crate) fn project(all: &Document, name: &ProjectName, tokens: &[UserId]) -> Result<()> {
    let mut users: Vec<String> = all
        .job
        .iter()
        .filter(|j| j.project == *name)
        .map(job_label)
        .collect();
    users.extend(all.group.iter().filter(|g| g.project == *name).map(group_label));
    users.extend(
        all.datastore
            .iter()
            .filter(|d| d.projects.contains(name))
            .map(datastore_label),
    );
    users.extend(tokens.iter().map(|user| format!("token/{user}")));
    in_the_way(&format!("project/{name}"), users)
}

/// Jobs and filters keep a datastore.
pub(crate) fn datastore(all: &Document, name: &DatastoreName) -> Result<()> {
    let mut users: Vec<String> = all
        .job
        .iter()
        .filter(|j| j.task.datastores().contains(&name))
        .map(job_label)
        .collect();
    let filters =
        |g: &&ironcore_types::objects::Group| g.handler.iter().any(|h| h.filter.datastores.contains(name));
    users.extend(all.group.iter().filter(filters).map(group_label));
    in_the_way(&format!("datastore/{name}"), users)
}

/// Jobs keep a group.
pub(crate) fn group(all: &Document, project: &ProjectName, name: &GroupName) -> Result<()> {
    let users = all
        .job
        .iter()
        .filter(|j| j.project == *project && j.groups.contains(name))
        .map(job_label);
    in_the_way(&format!("group/{project}/{name}"), users.collect())
}

/// Jobs that come after it, and filters, keep a job.
pub(crate) fn job(all: &Document, project: &ProjectName, name: &JobName) -> Result<()> {
    let after = all
        .job
        .iter()
        .filter(|j| j.project == *project && j.after.as_ref() == Some(name));
    let mut users: Vec<String> = after.map(job_label).collect();
    let filters = |g: &&ironcore_types::objects::Group| {
        g.project == *project && g.handler.iter().any(|h| h.filter.jobs.contains(name))
    };
    users.extend(all.group.iter().filter(filters).map(group_label));
    in_the_way(&format!("job/{project}/{name}"), users)
}
