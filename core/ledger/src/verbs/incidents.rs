//! Verbs of incidents. What the cause of an event is, and when a handler is told, is notify's to decide.

use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::{DatastoreName, IncidentId, ProjectName, Timestamp, UserId};

use crate::Ledger;
use crate::error::Result;
use crate::model::{
    DueNotice, FanOutReport, Incident, IncidentFilter, IncidentMember, IncidentPage, Notice, NoticeStep,
    Page, SeqEvent,
};

impl Ledger {
    /// A page of the incidents that pass `filter`, newest first.
    pub async fn incidents(&self, filter: &IncidentFilter, page: &Page) -> Result<IncidentPage> {
        self.sql.incidents(filter.clone(), page.clone()).await
    }

    /// The incident of that id.
    pub async fn incident(&self, id: IncidentId) -> Result<Option<Incident>> {
        self.sql.incident(id).await
    }

    /// The incident of that cause which is not over, of a project or of the hub.
    pub async fn incident_of(&self, project: Option<&ProjectName>, cause: &str) -> Result<Option<Incident>> {
        self.sql.incident_of(project.cloned(), cause.to_owned()).await
    }

    /// Who is or was affected, those first that still are; at most `limit`.
    pub async fn incident_members(&self, id: IncidentId, limit: u32) -> Result<Vec<IncidentMember>> {
        self.sql.incident_members(id, limit).await
    }

    /// The newest events of an incident, newest first; at most `limit`.
    pub async fn incident_events(&self, id: IncidentId, limit: u32) -> Result<Vec<SeqEvent>> {
        self.sql.incident_events(id, limit).await
    }

    /// The snapshots of a datastore that incidents which last take for damaged.
    pub async fn damaged_snapshots(&self, datastore: &DatastoreName) -> Result<Vec<SnapshotPath>> {
        self.sql.damaged_snapshots(datastore).await
    }

    /// These snapshots are no longer there: incidents wait for them no more.
    pub async fn forget_snapshots(&self, datastore: &DatastoreName, gone: &[SnapshotPath]) -> Result<()> {
        self.sql.forget_snapshots(datastore, gone).await
    }

    /// Says that somebody sees to an incident; what joined it is acknowledged in the inbox too. Who came first stays;
    /// `conflict` when it is over.
    pub async fn acknowledge_incident(
        &self,
        id: IncidentId,
        by: &UserId,
        comment: Option<&str>,
    ) -> Result<Incident> {
        self.sql
            .acknowledge_incident(id, by.clone(), comment.map(str::to_owned))
            .await
    }

    /// Ends an incident because somebody says that it is over; what fails of the same cause later is another one.
    /// `conflict` when it is over already.
    pub async fn close_incident(
        &self,
        id: IncidentId,
        by: &UserId,
        comment: Option<&str>,
    ) -> Result<Incident> {
        self.sql
            .close_incident(id, by.clone(), comment.map(str::to_owned))
            .await
    }

    /// Removes some of the incidents that were over before then, with all that is about them but their events; how many
    /// those were. To be called until it is none.
    pub async fn forget_incidents(&self, before: Timestamp) -> Result<u64> {
        self.sql.forget_incidents(before).await
    }

    /// What handlers were told of an incident.
    pub async fn notices(&self, id: IncidentId) -> Result<Vec<Notice>> {
        self.sql.notices(id).await
    }

    /// Up to `limit` notices that are to be looked at, those first that are due longest; and the time by which they are.
    pub async fn due_notices(&self, limit: u32) -> Result<(Timestamp, Vec<DueNotice>)> {
        self.sql.due_notices(limit).await
    }

    /// When the next notice is to be looked at; it may be past.
    pub async fn next_notice_due(&self) -> Result<Option<Timestamp>> {
        self.sql.next_notice_due().await
    }

    /// Records what came of looking at notices, in one transaction. [`Fenced`](crate::LedgerError::Fenced) when one of
    /// them, or the limit of a destination, has changed since it was looked at; then nothing is written.
    pub async fn record_notices(&self, steps: Vec<NoticeStep>) -> Result<FanOutReport> {
        self.sql.record_notices(steps).await
    }
}
