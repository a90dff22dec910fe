//! Which messages are being sent by this process: those whose leases are renewed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use ironcore_ledger::model::ClaimedMessage;
use ironcore_types::MessageId;

/// The messages, each with the number of its attempt: one whose lease has run out may be sent twice at once.
type Messages = BTreeSet<(MessageId, u32)>;

/// What is being sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<Mutex<Messages>>);

impl Held {
    /// Holds a message until the answer is dropped.
    pub(crate) fn hold(&self, claimed: &ClaimedMessage) -> Hold {
        let attempt = (claimed.message.id, claimed.attempt);
        self.all(|all| all.insert(attempt));
        Hold {
            held: self.clone(),
            attempt,
        }
    }

    /// What is held now.
    pub(crate) fn messages(&self) -> Vec<MessageId> {
        let mut ids: Vec<MessageId> = self.all(|all| all.iter().map(|(id, _)| *id).collect());
        ids.dedup();
        ids
    }

    fn all<T>(&self, look: impl FnOnce(&mut Messages) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A message that is being sent.
#[derive(Debug)]
pub(crate) struct Hold {
    held: Held,
    attempt: (MessageId, u32),
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.held.all(|all| all.remove(&self.attempt));
    }
}
