//! Verbs of the outbox, and of the inbox that shows it.

use ironcore_types::event::Tip;
use ironcore_types::{EventId, TaskId, UserId};

use crate::Ledger;
use crate::error::Result;
use crate::model::{InboxPage, NewEvent, Page, Scope, SeqEvent};

impl Ledger {
    /// Tells an event that no other verb tells.
    pub async fn emit(&self, new: NewEvent) -> Result<SeqEvent> {
        self.sql.emit(new).await
    }

    /// Up to `limit` (at most 1,000) events after `seq`, in order.
    pub async fn events_after(&self, seq: i64, limit: u32, scope: &Scope) -> Result<Vec<SeqEvent>> {
        self.sql.events_after(seq, limit, scope.clone()).await
    }

    /// The sequence number of the last event; 0 when there is none.
    pub async fn last_seq(&self) -> Result<i64> {
        self.sql.last_seq().await
    }

    /// The event of that id.
    pub async fn event(&self, id: EventId) -> Result<Option<SeqEvent>> {
        self.sql.event(id).await
    }

    /// The events of a task, oldest first.
    pub async fn events_of_task(&self, task: TaskId) -> Result<Vec<SeqEvent>> {
        self.sql.events_of_task(task).await
    }

    /// What to do about an event.
    pub async fn tips_of(&self, event: EventId) -> Result<Vec<Tip>> {
        self.sql.tips_of(event).await
    }

    /// What to do about any event of a task.
    pub async fn tips_of_task(&self, task: TaskId) -> Result<Vec<Tip>> {
        self.sql.tips_of_task(task).await
    }

    /// A page of the inbox of `user`, newest first: every event of the scope, whatever was delivered outside.
    pub async fn inbox(
        &self,
        scope: &Scope,
        user: &UserId,
        unread_only: bool,
        page: &Page,
    ) -> Result<InboxPage> {
        self.sql
            .inbox(scope.clone(), user.clone(), unread_only, page.clone())
            .await
    }

    /// Marks events as read (or not) for `user`. Events outside the scope are left alone. Returns how many changed.
    pub async fn mark_read(
        &self,
        scope: &Scope,
        user: &UserId,
        events: &[EventId],
        read: bool,
    ) -> Result<u64> {
        self.sql
            .mark_read(scope.clone(), user.clone(), events.to_vec(), read)
            .await
    }

    /// Marks every event of the scope up to `seq` as read for `user`. Returns how many changed.
    pub async fn mark_all_read(&self, scope: &Scope, user: &UserId, seq: i64) -> Result<u64> {
        self.sql.mark_all_read(scope.clone(), user.clone(), seq).await
    }
}
