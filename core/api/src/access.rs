//! Who may do what: one function for each kind of object, and every handler goes through these.
//!
//! A token has a role and, maybe, a project. One with a project sees nothing beyond it, whatever its role. What a
//! token may not know of is "not found", never "denied": names and ids of other projects cannot be guessed at.
//!
//! | | admin | operator | auditor | member |
//! | --- | --- | --- | --- | --- |
//! | read what belongs to the project, or to all | yes | yes | yes | yes |
//! | run a job, cancel a task, take a tip's action, acknowledge events and incidents, verify | yes | yes | – | yes |
//! | gc, prune, sync on this hub; replay a message; test a handler; pause or resume a job; silence a project | yes | yes | – | – |
//! | let another hub sync from a datastore | yes | yes | – | – |
//! | back up any path, restore to any path; pause the scheduler | of the hub | of the hub | – | – |
//! | sync with another hub; apply; add datastores; remove objects; make tokens; silence the hub; set and forget secrets | of the hub | – | – | – |
//! | copy the hub's own state | of the hub | – | – | – |
//! | list tokens, list names of secrets, export everything | of the hub | – | of the hub | – |
//! | read the figures of the hub (`/metrics`) | of the hub | of the hub | of the hub | – |
//!
//! Statistics are of the project's own tasks, on shared datastores too; only tokens of the hub see those of a datastore as
//! a whole. How full a datastore is, and when it will be full, shows to tokens of the hub and to the project that uses it
//! alone; in a shared one a project sees how many snapshots it has, and what they hold. Verification reports show for the
//! backup groups that show.
//!
//! "Of the hub" means a token without a project. Work on a whole datastore (gc, prune, sync from or to it, a
//! verification without a snapshot) is open to a token with a project only when the datastore is granted to that project alone. In a
//! shared datastore a project sees the backup groups it owns; groups without an owner show to no project there.

use std::collections::HashSet;
use std::net::IpAddr;

use ironcore_ledger::Ledger;
use ironcore_ledger::model::{Actor, DatastoreRow, Incident, Message, Scope, SeqEvent, Silence, Task};
use ironcore_types::notification::{Group, GroupRef};
use ironcore_types::objects::Job;
use ironcore_types::right::Reach;
pub use ironcore_types::right::Right;
use ironcore_types::snapshot::BackupGroup;
use ironcore_types::{
    DatastoreName, EventId, IncidentId, JobName, MessageId, ProjectName, Rights, RoleName, SilenceId,
    SnapshotRef, TaskSpec, Timestamp, Upid, UserId,
};

use crate::error::ApiError;

/// Who asks, and what the token allows.
#[derive(Debug, Clone)]
pub struct Access {
    /// The user or token.
    pub user: UserId,
    /// By which role.
    pub role: RoleName,
    /// What it may do.
    pub rights: Rights,
    /// The only project that it sees; none for all.
    pub project: Option<ProjectName>,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// By which it is known; streams look it up again.
    pub(crate) key: Key,
    /// From where it asks, as far as that is known.
    pub(crate) address: Option<IpAddr>,
    /// Which request this is.
    pub(crate) request: Option<String>,
}

/// By which somebody is known: SHA-256 of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// Of a token.
    Token([u8; 32]),
    /// Of what a browser is signed in with.
    Login([u8; 32]),
}

impl Access {
    /// Whether the token sees the whole hub.
    pub fn of_hub(&self) -> bool {
        self.project.is_none()
    }

    /// Who changes something, for the audit log.
    pub fn actor(&self) -> Actor {
        Actor {
            user: self.user.clone(),
            address: self.address,
            request: self.request.clone(),
        }
    }

    /// What events and entries it sees.
    pub fn scope(&self) -> Scope {
        self.project.clone().map_or(Scope::All, Scope::Project)
    }

    /// Whether the token has the right, and sees far enough to use it.
    pub fn may(&self, right: Right) -> bool {
        self.rights.has(right) && (right.reach() == Reach::Project || self.of_hub())
    }

    /// Refuses unless the token has the right.
    pub fn require(&self, right: Right) -> Result<(), ApiError> {
        match self.may(right) {
            true => Ok(()),
            false => Err(ApiError::denied(right.words())),
        }
    }

    /// Whether objects of `owner` show; the hub's own (none) show to tokens of the hub only.
    pub fn sees(&self, owner: Option<&ProjectName>) -> bool {
        self.project.as_ref().is_none_or(|mine| owner == Some(mine))
    }

    /// The project that a list is to be narrowed to: the wanted one, or the token's own.
    pub fn narrow(&self, wanted: Option<ProjectName>) -> Result<Option<ProjectName>, ApiError> {
        match (&self.project, wanted) {
            (Some(mine), Some(wanted)) if *mine != wanted => {
                Err(ApiError::not_found(format!("project {wanted}")))
            }
            (Some(mine), _) => Ok(Some(mine.clone())),
            (None, wanted) => Ok(wanted),
        }
    }

    /// A project by name.
    pub async fn project(&self, ledger: &Ledger, name: &ProjectName) -> Result<(), ApiError> {
        let missing = || ApiError::not_found(format!("project {name}"));
        if !self.sees(Some(name)) {
            return Err(missing());
        }
        ledger.project(name).await?.map(|_| ()).ok_or_else(missing)
    }

    /// A task by UPID.
    pub async fn task(&self, ledger: &Ledger, upid: &Upid) -> Result<Task, ApiError> {
        let task = ledger.task(upid).await?;
        task.filter(|task| self.sees(task.project.as_ref()))
            .ok_or_else(|| ApiError::not_found(format!("task {upid}")))
    }

    /// A job by project and name.
    pub async fn job(&self, ledger: &Ledger, project: &ProjectName, name: &JobName) -> Result<Job, ApiError> {
        let missing = || ApiError::not_found(format!("job {project}/{name}"));
        if !self.sees(Some(project)) {
            return Err(missing());
        }
        ledger.job(project, name).await?.ok_or_else(missing)
    }

    /// A notification group by project and name.
    pub async fn group(&self, ledger: &Ledger, group: &GroupRef) -> Result<Group, ApiError> {
        let missing = || ApiError::not_found(format!("group {group}"));
        if !self.sees(group.project.as_ref()) {
            return Err(missing());
        }
        ledger.group(group).await?.ok_or_else(missing)
    }

    /// A silence by id.
    pub async fn silence(&self, ledger: &Ledger, id: SilenceId) -> Result<Silence, ApiError> {
        let silence = ledger.silence(id).await?;
        silence
            .filter(|silence| self.sees(silence.project.as_ref()))
            .ok_or_else(|| ApiError::not_found(format!("silence {id}")))
    }

    /// A message by id.
    pub async fn message(&self, ledger: &Ledger, id: MessageId) -> Result<Message, ApiError> {
        let message = ledger.message(id).await?;
        message
            .filter(|message| self.sees(message.handler.project.as_ref()))
            .ok_or_else(|| ApiError::not_found(format!("message {id}")))
    }

    /// An incident by id.
    pub async fn incident(&self, ledger: &Ledger, id: IncidentId) -> Result<Incident, ApiError> {
        let incident = ledger.incident(id).await?;
        incident
            .filter(|incident| self.sees(incident.project.as_ref()))
            .ok_or_else(|| ApiError::not_found(format!("incident {id}")))
    }

    /// An event by id.
    pub async fn event(&self, ledger: &Ledger, id: EventId) -> Result<SeqEvent, ApiError> {
        let event = ledger.event(id).await?;
        event
            .filter(|event| self.sees(event.event.data.project.as_ref()))
            .ok_or_else(|| ApiError::not_found(format!("event {id}")))
    }

    /// Whether a datastore shows: it is granted to the token's project, or the token is of the hub.
    pub fn sees_datastore(&self, row: &DatastoreRow) -> bool {
        self.project.as_ref().is_none_or(|mine| granted(row, mine))
    }

    /// Whether the figures of the whole of a datastore show: to a project, when no other uses it.
    pub fn sees_whole(&self, row: &DatastoreRow) -> bool {
        self.project.as_ref().is_none_or(|mine| alone(row, mine))
    }

    /// A datastore by name.
    pub async fn datastore(&self, ledger: &Ledger, name: &DatastoreName) -> Result<DatastoreRow, ApiError> {
        let row = ledger.datastore(name).await?;
        row.filter(|row| self.sees_datastore(row))
            .ok_or_else(|| ApiError::not_found(format!("datastore {name}")))
    }

    /// A datastore that another hub may read as a whole, contents included: for admins and operators, of the hub or
    /// of the one project that it is granted to.
    pub async fn peer(&self, ledger: &Ledger, name: &DatastoreName) -> Result<(), ApiError> {
        let row = self.datastore(ledger, name).await?;
        if self.sees_whole(&row) && self.may(Right::ReadDatastores) {
            Ok(())
        } else {
            Err(ApiError::denied(format!("read the whole of {name}")))
        }
    }

    /// Which backup groups of a datastore show.
    pub async fn groups_of(&self, ledger: &Ledger, row: &DatastoreRow) -> Result<VisibleGroups, ApiError> {
        let Some(mine) = &self.project else {
            return Ok(VisibleGroups::All);
        };
        let owners = ledger.group_owners(&row.object.name).await?;
        let (own, foreign): (Vec<_>, Vec<_>) = owners.into_iter().partition(|owner| owner.project == *mine);
        let names = |list: Vec<ironcore_ledger::model::GroupOwner>| {
            list.into_iter().map(|owner| owner.group).collect::<HashSet<_>>()
        };
        if alone(row, mine) {
            Ok(VisibleGroups::AllBut(names(foreign)))
        } else {
            Ok(VisibleGroups::Only(names(own)))
        }
    }

    /// The datastore of a snapshot whose group shows. Whether the snapshot exists is for the datastore to say.
    pub async fn snapshot(&self, ledger: &Ledger, reference: &SnapshotRef) -> Result<DatastoreRow, ApiError> {
        let row = self.datastore(ledger, &reference.datastore).await?;
        let groups = self.groups_of(ledger, &row).await?;
        if groups.show(&reference.path.group) {
            Ok(row)
        } else {
            Err(ApiError::not_found(format!("snapshot {reference}")))
        }
    }

    /// Refuses unless the token may start `spec` for `project`, and gives the project that the task will be of.
    pub async fn start(
        &self,
        ledger: &Ledger,
        project: Option<ProjectName>,
        spec: &TaskSpec,
    ) -> Result<Option<ProjectName>, ApiError> {
        let project = self.narrow(project)?;
        if let Some(project) = &project {
            self.project(ledger, project).await?;
        }
        self.require_kind(spec)?;
        for name in spec.datastores() {
            let row = self.datastore(ledger, name).await?;
            if let Some(project) = &project
                && !granted(&row, project)
            {
                return Err(ApiError::not_found(format!(
                    "datastore {name} for project {project}"
                )));
            }
        }
        self.require_reach(ledger, spec).await?;
        Ok(project)
    }

    /// Whether the role may start tasks like this one at all.
    fn require_kind(&self, spec: &TaskSpec) -> Result<(), ApiError> {
        self.require(match spec {
            TaskSpec::Verify(_) => Right::Verify,
            TaskSpec::Gc(_) => Right::CollectGarbage,
            TaskSpec::Prune(_) => Right::Prune,
            TaskSpec::Sync(sync) if sync.from.remote.is_some() => Right::SyncRemote,
            TaskSpec::Sync(_) => Right::Sync,
            TaskSpec::Backup(_) => Right::BackUpPaths,
            TaskSpec::Restore(_) => Right::RestorePaths,
        })
    }

    /// Whether the work stays within what the token sees of its datastores.
    async fn require_reach(&self, ledger: &Ledger, spec: &TaskSpec) -> Result<(), ApiError> {
        let Some(mine) = &self.project else { return Ok(()) };
        if let TaskSpec::Verify(verify) = spec
            && let Some(path) = &verify.snapshot
        {
            let reference = SnapshotRef {
                datastore: verify.datastore.clone(),
                path: path.clone(),
            };
            return self.snapshot(ledger, &reference).await.map(|_| ());
        }
        for name in spec.datastores() {
            let row = self.datastore(ledger, name).await?;
            if !alone(&row, mine) {
                return Err(ApiError::denied(format!(
                    "work on the whole of {name}, which other projects use too"
                )));
            }
        }
        Ok(())
    }
}

/// Whether a project may use a datastore.
pub fn granted(row: &DatastoreRow, project: &ProjectName) -> bool {
    row.object.granted_to(project)
}

/// Whether a datastore is granted to this project and no other.
fn alone(row: &DatastoreRow, project: &ProjectName) -> bool {
    !row.object.projects.is_empty() && row.object.projects.iter().all(|granted| granted == project)
}

/// Which backup groups of a datastore a token sees.
#[derive(Debug, Clone)]
pub enum VisibleGroups {
    /// All.
    All,
    /// All but those that another project owns.
    AllBut(HashSet<BackupGroup>),
    /// Those that its project owns.
    Only(HashSet<BackupGroup>),
}

impl VisibleGroups {
    /// Whether this group is among them.
    pub fn show(&self, group: &BackupGroup) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(foreign) => !foreign.contains(group),
            Self::Only(own) => own.contains(group),
        }
    }
}
