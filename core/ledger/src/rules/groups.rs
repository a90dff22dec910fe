//! Whether notification groups hold together: their handlers, rules and matrix, and what their filters name.

use std::collections::BTreeSet;

use ironcore_types::notification::{
    Actions, Digest, Filter, Handler, Limit, Maintenance, NamePattern, Quiet,
};
use ironcore_types::objects::{DatastoreObject, Document, Group};
use ironcore_types::{HandlerName, ProjectName};

use super::configure::{datastore_label, group_label};
use super::incidents;
use super::references::refuse;
use crate::error::Result;

/// The most rules of a group: each is looked at for every event.
const RULES: usize = 200;

/// Checks a group against everything that is configured.
pub(super) fn check(all: &Document, group: &Group) -> Result<()> {
    let label = group_label(group);
    let mut names = BTreeSet::new();
    for handler in &group.handler {
        if !names.insert(&handler.name) {
            return refuse(&label, format_args!("handler {} is declared twice", handler.name));
        }
        let what = format!("the filter of handler {}", handler.name);
        filter(all, group, &handler.filter, &label, &what)?;
        pace(handler, &label)?;
    }
    incidents::check(group, &label)?;
    let known = |of: &str, told: &[HandlerName]| match told.iter().find(|name| !names.contains(name)) {
        Some(name) => refuse(
            &label,
            format_args!("{of} names handler {name}, which the group does not have"),
        ),
        None => Ok(()),
    };
    if group.rule.len() > RULES {
        return refuse(&label, format_args!("it has more than {RULES} rules"));
    }
    for (at, rule) in group.rule.iter().enumerate() {
        let what = format!("rule {}", at + 1);
        known(&what, rule.tell.as_deref().unwrap_or_default())?;
        filter(all, group, &rule.when, &label, &what)?;
    }
    if let Some(Err(why)) = group.actions.as_ref().map(Actions::check) {
        return refuse(&label, format_args!("actions: {why}"));
    }
    for (event, told) in &group.matrix {
        known(&format!("the matrix for {event}"), told)?;
    }
    Ok(())
}

/// A filter that names what does not exist would be silent for good: a misspelt name must not go unnoticed.
fn filter(all: &Document, group: &Group, filter: &Filter, label: &str, what: &str) -> Result<()> {
    names(
        all,
        group.project.as_ref(),
        (&filter.jobs, &filter.datastores),
        label,
        what,
    )?;
    match filter.hours.as_ref().map(|hours| hours.check()) {
        Some(Err(why)) => refuse(label, format_args!("{what}: {why}")),
        _ => Ok(()),
    }
}

/// A window that names what does not exist would silence nothing.
pub(super) fn check_matchers(all: &Document, window: &Maintenance, label: &str) -> Result<()> {
    let named = (window.when.jobs.as_slice(), window.when.datastores.as_slice());
    names(all, window.project.as_ref(), named, label, "when")
}

/// Jobs (of the project, when it is one's) and datastores that are named must be there.
fn names(
    all: &Document,
    project: Option<&ProjectName>,
    (jobs, datastores): (&[NamePattern], &[NamePattern]),
    label: &str,
    what: &str,
) -> Result<()> {
    let job = |name: &str| {
        let in_reach = |of| project.is_none_or(|own| own == of);
        all.job
            .iter()
            .any(|job| in_reach(&job.project) && job.name.as_str() == name)
    };
    let datastore = |name: &str| {
        all.datastore
            .iter()
            .any(|datastore| datastore.name.as_str() == name)
    };
    if let Some(name) = missing(jobs, job) {
        return refuse(
            label,
            format_args!("{what} names job {name}, which does not exist"),
        );
    }
    if let Some(name) = missing(datastores, datastore) {
        return refuse(
            label,
            format_args!("{what} names datastore {name}, which does not exist"),
        );
    }
    Ok(())
}

/// Whether digests, quiet hours and limits come to an end.
fn pace(handler: &Handler, label: &str) -> Result<()> {
    let name = &handler.name;
    if let Some(Err(why)) = handler.digest.as_ref().map(Digest::check) {
        return refuse(label, format_args!("the digest of handler {name}: {why}"));
    }
    if let Some(Err(why)) = handler.quiet.as_ref().map(Quiet::check) {
        return refuse(label, format_args!("the quiet hours of handler {name}: {why}"));
    }
    let endless = |limit: &Limit| !(1..=1_000).contains(&limit.messages) || limit.per.duration().is_zero();
    if handler.limit.as_ref().is_some_and(endless) {
        return refuse(
            label,
            format_args!("the limit of handler {name} must be of 1 to 1000 messages in some time"),
        );
    }
    Ok(())
}

fn missing(patterns: &[NamePattern], exists: impl Fn(&str) -> bool) -> Option<&str> {
    patterns
        .iter()
        .filter_map(NamePattern::exact)
        .find(|name| !exists(name))
}

/// Checks the groups that a datastore names.
pub(super) fn check_attached(all: &Document, datastore: &DatastoreObject) -> Result<()> {
    for wanted in &datastore.groups {
        if !all.group.iter().any(|group| group.reference() == *wanted) {
            let label = datastore_label(datastore);
            return refuse(&label, format_args!("group {wanted} does not exist"));
        }
    }
    Ok(())
}
