//! Checks of declarations that need neither ledger nor disk: schedules, time zones, paths, handlers.
//!
//! What refers to other objects is checked by the ledger, in the transaction that stores the declaration.

use std::collections::HashSet;
use std::path::{Component, Path};

use ironcore_types::calendar::{Calendar, zone};
use ironcore_types::notification::InvalidMaintenance;
use ironcore_types::objects::{Document, Job};
use ironcore_types::{ErrorCode, TaskSpec};

use crate::state::PluginCatalog;
use crate::wire::Fault;

/// Everything that is wrong with a declaration by itself. Keys are those of the declaration's file.
pub(crate) fn check(document: &Document, plugins: &dyn PluginCatalog) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut seen = HashSet::new();
    for name in names(document) {
        if !seen.insert(name.clone()) {
            let detail = "it is declared twice".to_owned();
            faults.push(Fault {
                object: Some(name),
                key: "name".to_owned(),
                code: ErrorCode::ConfigInvalid,
                detail,
            });
        }
    }
    for datastore in &document.datastore {
        let object = format!("datastore/{}", datastore.name);
        faults.extend(
            path("path", &datastore.path)
                .into_iter()
                .map(|fault| of(&object, fault)),
        );
    }
    for group in &document.group {
        let object = format!("group/{}", group.reference());
        let mut handlers = HashSet::new();
        for handler in &group.handler {
            if !handlers.insert(&handler.name) {
                let key = format!("handler.{}.name", handler.name);
                let twice = invalid(
                    &key,
                    ErrorCode::ConfigInvalid,
                    "two handlers of a group have this name",
                );
                faults.push(of(&object, twice));
            }
        }
        faults.extend(plugins.check(group).into_iter().map(|fault| of(&object, fault)));
    }
    for job in &document.job {
        let object = format!("job/{}/{}", job.project, job.name);
        faults.extend(faults_of_job(job).into_iter().map(|fault| of(&object, fault)));
    }
    for window in &document.maintenance {
        let fault = window.check().err().map(|error| match error {
            InvalidMaintenance::From(why) => invalid("from", ErrorCode::ScheduleInvalid, why),
            InvalidMaintenance::Zone(why) => invalid("timezone", ErrorCode::ScheduleInvalid, why),
            InvalidMaintenance::Empty | InvalidMaintenance::Endless => {
                invalid("lasts", ErrorCode::ScheduleInvalid, error)
            }
            InvalidMaintenance::Nothing => invalid("when", ErrorCode::ConfigInvalid, error),
        });
        let object = window.silencer().to_string();
        faults.extend(fault.map(|fault| of(&object, fault)));
    }
    faults
}

/// The objects of a declaration, as the ledger's report calls them.
fn names(document: &Document) -> Vec<String> {
    let projects = document
        .project
        .iter()
        .map(|project| format!("project/{}", project.name));
    let datastores = document
        .datastore
        .iter()
        .map(|datastore| format!("datastore/{}", datastore.name));
    let groups = document
        .group
        .iter()
        .map(|group| format!("group/{}", group.reference()));
    let jobs = document
        .job
        .iter()
        .map(|job| format!("job/{}/{}", job.project, job.name));
    let windows = document
        .maintenance
        .iter()
        .map(|window| window.silencer().to_string());
    projects
        .chain(datastores)
        .chain(groups)
        .chain(jobs)
        .chain(windows)
        .collect()
}

/// What is wrong with a job by itself, whatever it refers to.
pub(crate) fn faults_of_job(job: &Job) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(schedule) = &job.schedule
        && let Err(error) = Calendar::parse(schedule)
    {
        faults.push(invalid("schedule", ErrorCode::ScheduleInvalid, &error));
    }
    if let Err(error) = zone(&job.timezone) {
        faults.push(invalid("timezone", ErrorCode::ScheduleInvalid, &error));
    }
    if job.after.as_ref() == Some(&job.name) {
        faults.push(invalid(
            "after",
            ErrorCode::ConfigInvalid,
            "a job cannot come after itself",
        ));
    }
    faults.extend(check_spec(&job.task, "task"));
    faults
}

/// What is wrong with a task's description; keys begin with `prefix`.
pub(crate) fn check_spec(spec: &TaskSpec, prefix: &str) -> Vec<Fault> {
    let key = |name: &str| format!("{prefix}.{name}");
    let mut faults = Vec::new();
    match spec {
        TaskSpec::Backup(backup) => faults.extend(path(&key("source.tree"), &backup.source.tree)),
        TaskSpec::Restore(restore) => faults.extend(path(&key("to"), &restore.to)),
        TaskSpec::Sync(sync) => match &sync.from.remote {
            None if sync.from.datastore == sync.to => {
                let detail = "a datastore cannot be synced with itself";
                faults.push(invalid(&key("to"), ErrorCode::ConfigInvalid, detail));
            }
            Some(remote) if !remote.url.starts_with("https://") && !loopback(&remote.url) => {
                let detail = "write https://HOST:PORT; plain http:// is for loopback only";
                faults.push(invalid(&key("from.remote.url"), ErrorCode::ConfigInvalid, detail));
            }
            _ => {}
        },
        TaskSpec::Prune(prune) => {
            if let Err(error) = zone(&prune.timezone) {
                faults.push(invalid(&key("timezone"), ErrorCode::ScheduleInvalid, &error));
            }
            if prune.keep.keeps_nothing() {
                // Meant as "this rule is off", it would be the end of every snapshot.
                let detail =
                    "every rule is 0, which would remove every snapshot; leave a rule out to switch it off";
                faults.push(invalid(&key("keep"), ErrorCode::ConfigInvalid, detail));
            }
        }
        TaskSpec::Verify(_) | TaskSpec::Gc(_) => {}
    }
    faults
}

fn loopback(url: &str) -> bool {
    ["http://127.0.0.1", "http://[::1]", "http://localhost"]
        .iter()
        .any(|start| {
            url.strip_prefix(start)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        })
}

/// A path must not depend on where the hub was started, nor say more than it shows.
fn path(key: &str, path: &Path) -> Option<Fault> {
    let plain = path.components().all(|part| part != Component::ParentDir);
    let usable = path.is_absolute() && plain && !path.as_os_str().as_encoded_bytes().contains(&0);
    (!usable).then(|| {
        invalid(
            key,
            ErrorCode::ConfigInvalid,
            "write an absolute path without `..`",
        )
    })
}

fn invalid(key: &str, code: ErrorCode, detail: impl ToString) -> Fault {
    Fault {
        object: None,
        key: key.to_owned(),
        code,
        detail: detail.to_string(),
    }
}

fn of(object: &str, fault: Fault) -> Fault {
    Fault {
        object: Some(object.to_owned()),
        ..fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback() {
        assert!(loopback("http://127.0.0.1:8007"));
        assert!(loopback("http://localhost/"));
        assert!(!loopback("http://127.0.0.1.example:8007"));
        assert!(!loopback("http://backup.example"));
    }

    #[test]
    fn paths_are_absolute_and_plain() {
        assert!(path("to", Path::new("/srv/restore")).is_none());
        for bad in ["srv", "/srv/../etc", ""] {
            assert!(path("to", Path::new(bad)).is_some(), "{bad:?}");
        }
    }
}
