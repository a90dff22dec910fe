//! Which groups an event reaches.

use std::collections::BTreeSet;

use ironcore_types::event::EventData;
use ironcore_types::notification::{EventSource, Group};
use ironcore_types::{DatastoreName, Event, JobName, Severity};

use super::Declared;

/// The job that an event is about.
pub fn job_of(data: &EventData) -> Option<&JobName> {
    data.job_name()
}

/// The datastores that an event is about.
pub fn datastores_of(data: &EventData) -> BTreeSet<DatastoreName> {
    data.datastores()
}

/// The groups that an event reaches: those of its project, then those of the hub, each in their order.
pub fn groups_reached<'a>(event: &Event, declared: Declared<'a>) -> Vec<&'a Group> {
    let about = datastores_of(&event.data);
    let source = EventSource::of(event.event_type, &event.data);
    let by_job = by_job(event, declared, &about);
    let datastores = declared
        .datastores
        .iter()
        .filter(|datastore| about.contains(&datastore.name));
    let attached: Vec<_> = datastores.flat_map(|datastore| &datastore.groups).collect();
    let delivery = event.data.delivery.as_ref();
    let failed = delivery.and_then(|delivery| delivery.group.as_ref());
    let mine = |group: &&Group| {
        // A group of a project hears of that project; of the hub's own events only what happens to a datastore that it
        // is attached to.
        let project = group.project.as_ref();
        let attached = attached.iter().any(|name| **name == group.reference());
        match (&event.data.project, project) {
            (own, Some(_)) if own.as_ref() == project => {
                by_job.contains(&group.name)
                    || failed == Some(&group.name)
                    || group.sources.contains(&source)
                    || attached
            }
            (None, Some(_)) => attached,
            (Some(_), Some(_)) => false,
            (own, None) => {
                attached || group.sources.contains(&source) || (own.is_none() && failed == Some(&group.name))
            }
        }
    };
    let groups = declared.groups.iter().chain(declared.hub_groups);
    groups.filter(mine).collect()
}

/// The groups of the job that it is about; of trouble that is no job's, those of the jobs that use the same datastores.
fn by_job<'a>(
    event: &Event,
    declared: Declared<'a>,
    about: &BTreeSet<DatastoreName>,
) -> BTreeSet<&'a ironcore_types::GroupName> {
    let Some(project) = &event.data.project else {
        return BTreeSet::new();
    };
    let jobs = declared.jobs.iter().filter(|job| job.project == *project);
    match job_of(&event.data) {
        Some(name) => jobs
            .filter(|job| job.name == *name)
            .flat_map(|job| &job.groups)
            .collect(),
        None if event.data.severity >= Severity::Warning => jobs
            .filter(|job| job.task.datastores().into_iter().any(|name| about.contains(name)))
            .flat_map(|job| &job.groups)
            .collect(),
        None => BTreeSet::new(),
    }
}
