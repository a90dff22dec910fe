//! The rows of the ledger as values: what verbs take and give. How they are stored is left to the backends.
//!
//! Times are [`Timestamp`](ironcore_types::Timestamp)s (microseconds UTC); sizes are bytes.

pub mod access;
pub mod event;
pub mod inbox;
pub mod message;
pub mod object;
pub mod page;
pub mod session;
pub mod task;
pub mod verification;

pub use access::{NewToken, Role, Token};
pub use event::{NewEvent, Scope, SeqEvent};
pub use inbox::{InboxEntry, InboxItem, InboxPage};
pub use message::{
    Action, ActionResult, ActionWork, Attempt, AttemptOutcome, AttemptResult, Circuit, ClaimedMessage,
    FanOut, FanOutReport, FinishAttempt, HandlerRef, KvScope, KvWrite, Message, MessageFilter, MessagePage,
    MessageState, NewAction, NewMatch, NewMessage,
};
pub use object::{ApplyReport, DatastoreRow, DatastoreStatus, GroupOwner};
pub use page::{Count, Page};
pub use session::{JobCursor, NewSession, Service, Session, Tick};
pub use task::{
    Cancelled, Finished, LogLevel, LogLine, NewLogLine, NewTask, Outcome, Renewal, RenewalState, Renewals,
    Task, TaskFilter, TaskPage,
};
pub use verification::VerificationRow;
