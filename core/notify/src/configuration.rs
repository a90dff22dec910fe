//! Jobs and groups as they are declared, kept between batches of events: reading and parsing them for each would take
//! longer than all the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ironcore_ledger::model::{HandlerRef, SeqEvent};
use ironcore_ledger::{Ledger, LedgerError};
use ironcore_types::objects::{DatastoreObject, Group, Job};
use ironcore_types::{Event, ProjectName, Timestamp};

use crate::matching::{self, Silences};
use crate::notify::Shared;
use crate::silences;

/// How old what is kept may be: that something changed is heard at once, but on a shared database word of it can get lost.
const FRESH: Duration = Duration::from_secs(2);

/// What is kept.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Option<State>>);

#[derive(Debug, Clone)]
struct State {
    /// Which change it was read after.
    change: u64,
    read: Timestamp,
    /// Handlers that were switched off because they failed.
    off: Arc<BTreeSet<HandlerRef>>,
    /// Silences that are not over, and maintenance windows.
    silences: Arc<Silences>,
    hub: Arc<OfHub>,
    projects: BTreeMap<ProjectName, Arc<OfProject>>,
}

/// What is declared for the hub.
#[derive(Debug)]
pub(crate) struct OfHub {
    pub(crate) groups: Vec<Group>,
    pub(crate) datastores: Vec<DatastoreObject>,
    /// Groups of projects that datastores name.
    pub(crate) attached: Vec<Group>,
}

impl OfHub {
    pub(crate) async fn read(ledger: &Ledger) -> Result<Self, LedgerError> {
        let datastores = ledger.datastores().await?;
        let datastores: Vec<_> = datastores.into_iter().map(|row| row.object).collect();
        let named: BTreeSet<_> = datastores
            .iter()
            .flat_map(|datastore| &datastore.groups)
            .collect();
        let mut attached = Vec::new();
        for group in named.into_iter().filter(|group| group.project.is_some()) {
            attached.extend(ledger.group(group).await?);
        }
        Ok(Self {
            groups: ledger.hub_groups().await?,
            datastores,
            attached,
        })
    }
}

#[derive(Debug)]
struct OfProject {
    jobs: Vec<Job>,
    groups: Vec<Group>,
}

/// What is declared for the projects that a batch is about, and for the hub.
pub(crate) struct Configuration {
    off: Arc<BTreeSet<HandlerRef>>,
    silences: Arc<Silences>,
    hub: Arc<OfHub>,
    projects: BTreeMap<ProjectName, Arc<OfProject>>,
}

impl Kept {
    /// What is declared for the projects of these events.
    pub(crate) async fn of(
        &self,
        shared: &Shared,
        events: &[SeqEvent],
    ) -> Result<Configuration, LedgerError> {
        // Seen before looking: a change that comes while this reads makes it be read again.
        let change = *shared.ledger.wakes().objects.borrow();
        let now = shared.seams.now();
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fresh =
            |state: &State| state.change == change && state.read <= now && now.since(state.read) < FRESH;
        let mut state = match kept.filter(fresh) {
            Some(state) => state,
            None => {
                let failing = shared.ledger.handler_health().await?;
                let off = failing.into_iter().filter(|health| health.disabled.is_some());
                State {
                    change,
                    read: now,
                    hub: Arc::new(OfHub::read(&shared.ledger).await?),
                    off: Arc::new(off.map(|health| health.handler).collect()),
                    silences: Arc::new(silences::read(&shared.ledger, now).await?),
                    projects: BTreeMap::new(),
                }
            }
        };
        for project in events
            .iter()
            .filter_map(|event| event.event.data.project.as_ref())
        {
            if !state.projects.contains_key(project) {
                let declared = OfProject {
                    jobs: shared.ledger.jobs(Some(project)).await?,
                    groups: shared.ledger.groups(Some(project)).await?,
                };
                state.projects.insert(project.clone(), Arc::new(declared));
            }
        }
        let found = Configuration {
            off: state.off.clone(),
            silences: state.silences.clone(),
            hub: state.hub.clone(),
            projects: state.projects.clone(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
        Ok(found)
    }
}

impl Configuration {
    /// Whether the handler was switched off because it failed.
    pub(crate) fn is_off(&self, handler: &HandlerRef) -> bool {
        self.off.contains(handler)
    }

    /// What silences the event now for handlers of a project, or of the hub.
    pub(crate) fn quiet(
        &self,
        event: &Event,
        project: Option<&ProjectName>,
        now: Timestamp,
    ) -> Option<matching::Quiet> {
        self.silences.quiet(event, project, now)
    }

    /// What is declared, as far as this event may reach it. The hub's own events may reach groups of any project, by way of
    /// a datastore.
    pub(crate) fn of(&self, event: &Event) -> matching::Declared<'_> {
        let hub = &self.hub;
        let of = event
            .data
            .project
            .as_ref()
            .map(|project| self.projects.get(project));
        let (jobs, groups): (&[Job], &[Group]) = match of {
            Some(Some(declared)) => (&declared.jobs, &declared.groups),
            Some(None) => (&[], &[]),
            None => (&[], &hub.attached),
        };
        matching::Declared {
            jobs,
            groups,
            hub_groups: &hub.groups,
            datastores: &hub.datastores,
        }
    }
}
