//! Jobs and groups as they are declared, kept between batches of events: reading and parsing them for each would take
//! longer than all the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{HandlerRef, SeqEvent};
use ironcore_types::objects::{Group, Job};
use ironcore_types::{Event, ProjectName, Timestamp};

use crate::notify::Shared;

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
    projects: BTreeMap<ProjectName, Arc<Declared>>,
}

#[derive(Debug)]
struct Declared {
    jobs: Vec<Job>,
    groups: Vec<Group>,
}

/// The jobs and groups of the projects that a batch is about.
pub(crate) struct Configuration {
    off: Arc<BTreeSet<HandlerRef>>,
    projects: BTreeMap<ProjectName, Arc<Declared>>,
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
                    off: Arc::new(off.map(|health| health.handler).collect()),
                    projects: BTreeMap::new(),
                }
            }
        };
        for project in events
            .iter()
            .filter_map(|event| event.event.data.project.as_ref())
        {
            if !state.projects.contains_key(project) {
                let declared = Declared {
                    jobs: shared.ledger.jobs(Some(project)).await?,
                    groups: shared.ledger.groups(Some(project)).await?,
                };
                state.projects.insert(project.clone(), Arc::new(declared));
            }
        }
        let found = Configuration {
            off: state.off.clone(),
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

    /// The jobs and groups of the event's project.
    pub(crate) fn of(&self, event: &Event) -> (&[Job], &[Group]) {
        let project = event
            .data
            .project
            .as_ref()
            .and_then(|project| self.projects.get(project));
        project.map_or((&[], &[]), |declared| (&declared.jobs, &declared.groups))
    }
}
