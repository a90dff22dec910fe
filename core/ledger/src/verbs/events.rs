//! Verbs of the outbox. The inbox that shows it has its own, in `inbox`.

use ironcore_types::event::Tip;
use ironcore_types::{EventId, TaskId};

use crate::Ledger;
use crate::error::Result;
use crate::model::{NewEvent, Scope, SeqEvent};

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
}
