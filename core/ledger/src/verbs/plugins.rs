//! Verbs of what plugins keep and cause: key-value rows and actions.

use ironcore_types::{EventId, TaskId};

use crate::Ledger;
use crate::error::Result;
use crate::model::{Action, ActionResult, KvScope, NewAction};

impl Ledger {
    /// The value of a key. Values are written by `finish_attempt` alone, within
    /// [`KV_QUOTA_BYTES`](crate::KV_QUOTA_BYTES) and [`KV_QUOTA_KEYS`](crate::KV_QUOTA_KEYS) a scope.
    pub async fn kv_get(&self, scope: &KvScope, key: &str) -> Result<Option<Vec<u8>>> {
        self.sql.kv_get(scope.clone(), key.to_owned()).await
    }

    /// Records an action and does its work, in one transaction; unique on (cause, kind, target): recorded before, it
    /// does nothing and says so.
    pub async fn record_action(&self, new: NewAction) -> Result<ActionResult> {
        self.sql.record_action(new).await
    }

    /// How deep the action was that enqueued a task, or an attempt before it; none when no action did.
    pub async fn action_depth(&self, task: TaskId) -> Result<Option<u32>> {
        self.sql.action_depth(task).await
    }

    /// Whether a plugin has taken an action of this kind on this target since the work began that led to a task: itself, the
    /// attempts before it, and whatever an action that enqueued one of them goes back to.
    pub async fn acted_since(&self, task: TaskId, kind: &str, target: &str) -> Result<bool> {
        self.sql
            .acted_since(task, kind.to_owned(), target.to_owned())
            .await
    }

    /// The actions that an event caused.
    pub async fn actions_of(&self, cause: EventId) -> Result<Vec<Action>> {
        self.sql.actions_of(cause).await
    }
}
