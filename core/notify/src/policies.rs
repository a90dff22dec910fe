//! What becomes of the actions about some events, read from the ledger at once: for lists that show buttons, and for
//! whoever uses one.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_ledger::{Ledger, LedgerError};
use ironcore_types::objects::{Group, Job};
use ironcore_types::{Event, ProjectName};

use crate::configuration::OfHub;
use crate::matching::{Declared, Policy, policy};

/// What groups say, as far as some events reach them.
#[derive(Debug)]
pub struct Policies {
    hub: OfHub,
    projects: BTreeMap<ProjectName, (Vec<Job>, Vec<Group>)>,
}

impl Policies {
    /// As things are declared now for the hub and these projects.
    pub async fn read(ledger: &Ledger, projects: BTreeSet<ProjectName>) -> Result<Self, LedgerError> {
        let mut declared = BTreeMap::new();
        for project in projects {
            let both = (
                ledger.jobs(Some(&project)).await?,
                ledger.groups(Some(&project)).await?,
            );
            declared.insert(project, both);
        }
        Ok(Self {
            hub: OfHub::read(ledger).await?,
            projects: declared,
        })
    }

    /// What becomes of the actions about an event of one of those projects, or of the hub.
    pub fn of(&self, event: &Event) -> Policy {
        let declared = event
            .data
            .project
            .as_ref()
            .and_then(|project| self.projects.get(project));
        let (jobs, groups): (&[Job], &[Group]) = match declared {
            Some((jobs, groups)) => (jobs, groups),
            None => (&[], &self.hub.attached),
        };
        let declared = Declared {
            jobs,
            groups,
            hub_groups: &self.hub.groups,
            datastores: &self.hub.datastores,
        };
        policy(event, declared)
    }
}
