//! Verbs of what people configure: projects, datastores, groups, jobs.

use ironcore_types::objects::{Document, Group, GroupRef, Job, Project};
use ironcore_types::snapshot::BackupGroup;
use ironcore_types::{DatastoreName, HubId, JobName, KeyId, ProjectName, UserId};

use crate::Ledger;
use crate::error::Result;
use crate::model::{ApplyReport, DatastoreRow, DatastoreStatus, GroupOwner};

impl Ledger {
    /// Makes or changes what `document` names, in one transaction, and leaves the rest as it is.
    ///
    /// Refused as a whole, naming the object, when a reference dangles or is not granted (`config.invalid`), two
    /// datastores would share a path (`datastore.shared-path`), a schedule cannot be read (`schedule.invalid`), or
    /// something immutable would change (`conflict`).
    pub async fn apply(&self, document: &Document, actor: &UserId) -> Result<ApplyReport> {
        self.sql.apply(document.clone(), actor.clone()).await
    }

    /// What [`Ledger::apply`] would do now, or why it would refuse; changes nothing.
    pub async fn check(&self, document: &Document) -> Result<ApplyReport> {
        self.sql.check(document).await
    }

    /// Everything that was configured, sorted by name; applying it again changes nothing.
    pub async fn export(&self) -> Result<Document> {
        self.sql.export().await
    }

    /// All projects, by name.
    pub async fn projects(&self) -> Result<Vec<Project>> {
        Ok(self.export().await?.project)
    }

    /// One project.
    pub async fn project(&self, name: &ProjectName) -> Result<Option<Project>> {
        Ok(self
            .projects()
            .await?
            .into_iter()
            .find(|project| project.name == *name))
    }

    /// All datastores, by name.
    pub async fn datastores(&self) -> Result<Vec<DatastoreRow>> {
        self.sql.datastores().await
    }

    /// One datastore.
    pub async fn datastore(&self, name: &DatastoreName) -> Result<Option<DatastoreRow>> {
        Ok(self
            .datastores()
            .await?
            .into_iter()
            .find(|row| row.object.name == *name))
    }

    /// All jobs, or those of one project, by project and name.
    pub async fn jobs(&self, project: Option<&ProjectName>) -> Result<Vec<Job>> {
        self.sql.jobs(project.cloned()).await
    }

    /// One job.
    pub async fn job(&self, project: &ProjectName, name: &JobName) -> Result<Option<Job>> {
        self.sql.job(project.clone(), name.clone()).await
    }

    /// All notification groups, or those of one project, by project and name.
    pub async fn groups(&self, project: Option<&ProjectName>) -> Result<Vec<Group>> {
        self.sql.groups(project.cloned()).await
    }

    /// The notification groups of the hub itself, by name.
    pub async fn hub_groups(&self) -> Result<Vec<Group>> {
        self.sql.hub_groups().await
    }

    /// One notification group.
    pub async fn group(&self, group: &GroupRef) -> Result<Option<Group>> {
        self.sql.group(group.clone()).await
    }

    /// Removes a project. `conflict` while anything belongs to it.
    pub async fn delete_project(&self, name: &ProjectName) -> Result<()> {
        self.sql.delete_project(name.clone()).await
    }

    /// Forgets a datastore (its files stay). `conflict` while a job, or a task that is not over, uses it.
    pub async fn delete_datastore(&self, name: &DatastoreName) -> Result<()> {
        self.sql.delete_datastore(name.clone()).await
    }

    /// Removes a group. `conflict` while a job or a datastore names it.
    pub async fn delete_group(&self, group: &GroupRef) -> Result<()> {
        self.sql.delete_group(group.clone()).await
    }

    /// Removes a job; its tasks stay in the history. `conflict` while another job comes after it, a filter names it,
    /// or a task of it is not over.
    pub async fn delete_job(&self, project: &ProjectName, name: &JobName) -> Result<()> {
        self.sql.delete_job(project.clone(), name.clone()).await
    }

    /// Switches a job on or off. Ticks that pass while it is off are not missed.
    pub async fn set_job_enabled(&self, project: &ProjectName, name: &JobName, enabled: bool) -> Result<Job> {
        self.sql
            .set_job_enabled(project.clone(), name.clone(), enabled)
            .await
    }

    /// Remembers the key that a datastore's manifests must be signed with, and which hub owns it. From now on its tasks
    /// go to workers that have that key ([`KeyId::signing`]), those too that wait.
    pub async fn pin_datastore(
        &self,
        name: &DatastoreName,
        public_key: [u8; 32],
        owner: HubId,
    ) -> Result<()> {
        self.sql.pin_datastore(name.clone(), public_key, owner).await
    }

    /// Says which key opens what the datastore holds; none when it is not encrypted. Backups and restores that are
    /// enqueued from now on go to workers that have it.
    pub async fn set_datastore_key(&self, name: &DatastoreName, key: Option<&KeyId>) -> Result<()> {
        self.sql.set_datastore_key(name.clone(), key.cloned()).await
    }

    /// Remembers what was seen of a datastore; `datastore.status-changed` is told when it went offline or came back.
    /// The first look of each hour is kept for [`datastore_usage`](Self::datastore_usage).
    pub async fn set_datastore_status(&self, name: &DatastoreName, status: &DatastoreStatus) -> Result<()> {
        self.sql.set_datastore_status(name.clone(), status.clone()).await
    }

    /// Makes `project` the owner of a backup group, unless it has one. `conflict` when that is another project.
    /// To be called before the first byte is written.
    pub async fn own_group(
        &self,
        datastore: &DatastoreName,
        group: &BackupGroup,
        project: &ProjectName,
    ) -> Result<()> {
        self.sql
            .own_group(datastore.clone(), group.clone(), project.clone())
            .await
    }

    /// The backup groups of a datastore that have an owner.
    pub async fn group_owners(&self, datastore: &DatastoreName) -> Result<Vec<GroupOwner>> {
        self.sql.group_owners(datastore.clone()).await
    }
}
