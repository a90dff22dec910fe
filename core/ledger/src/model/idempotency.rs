//! Keys under which clients enqueue tasks, so that a request that is sent twice enqueues one.

use ironcore_types::{Upid, UserId};

/// A request to enqueue a task, under a key of its sender's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Who sends it: each user's keys are his own.
    pub user: UserId,
    /// The key.
    pub key: String,
    /// SHA-256 of what is asked.
    pub sha256: [u8; 32],
}

/// What a key was used for within [`IDEMPOTENCY`](crate::IDEMPOTENCY).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyUse {
    /// The same request, which enqueued this task.
    Same(Upid),
    /// Another request.
    Other,
}

/// What a keyed request did.
#[derive(Debug, Clone, PartialEq)]
pub enum Enqueued {
    /// It enqueued this task.
    Now(Upid),
    /// Nothing, for its key was used before.
    Before(KeyUse),
}
