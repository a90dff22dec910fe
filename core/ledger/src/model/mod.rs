//! The rows of the ledger as values: what verbs take and give. How they are stored is left to the backends.
//!
//! Times are [`Timestamp`](ironcore_types::Timestamp)s (microseconds UTC); sizes are bytes.

pub mod access;
pub mod action;
pub mod audit;
pub mod condition;
pub mod event;
pub mod figures;
pub mod handler;
pub mod health;
pub mod idempotency;
pub mod inbox;
pub mod incident;
pub mod kv;
pub mod message;
pub mod object;
pub mod page;
pub mod session;
pub mod silence;
pub mod statistics;
pub mod task;
pub mod user;
pub mod verification;
pub mod waiting;

pub use access::{NewToken, Role, Token, Withheld};
pub use action::{Action, ActionResult, ActionWork, NewAction};
pub use audit::{AuditEntry, AuditFilter, AuditPage, Change};
pub use condition::{Condition, Freshness, GoodRun, QueuedRun, RunningRun, SnapshotWindow};
pub use event::{NewEvent, Scope, SeqEvent};
pub use figures::{DatastoreFigures, Figures, Histogram, JobFigures, LastRun, OpenFigures, Tally};
pub use handler::HandlerRef;
pub use health::HandlerHealth;
pub use idempotency::{Enqueued, KeyUse, KeyedRequest};
pub use inbox::{
    Acknowledged, InboxEntry, InboxFilter, InboxItem, InboxPage, Mute, NewMute, Taken, UnreadCounts,
};
pub use incident::{
    Acknowledgement, Clear, Closing, DueNotice, Ending, Incident, IncidentFilter, IncidentMember,
    IncidentPage, IncidentState, IncidentStep, Joins, Notice, NoticeStep, Raised,
};
pub use kv::{KvScope, KvWrite};
pub use message::{
    Attempt, AttemptOutcome, AttemptResult, Circuit, ClaimedMessage, Exchange, FanOut, FanOutReport,
    FinishAttempt, Gathering, LastOutcome, ListedMessage, Message, MessageFilter, MessagePage, MessageState,
    NewMatch, NewMessage, OutcomeStep, Rate, ReplayReport, Sent,
};
pub use object::{ApplyReport, DatastoreRow, DatastoreStatus, GroupOwner};
pub use page::{Count, Page};
pub use session::{JobCursor, NewSession, Service, Session, Tick};
pub use silence::{HeldBack, NewSilence, NewSilenced, Overdue, Release, Silence, SilenceFilter, Silenced};
pub use statistics::{PartSums, SpanSums, Statistics, StatisticsBy, StatisticsFilter};
pub use task::{
    Cancelled, Finished, LogLevel, LogLine, LogState, NewLogLine, NewTask, OpenTasks, Outcome, Renewal,
    RenewalState, Renewals, Task, TaskFilter, TaskPage, WARNINGS_KEPT,
};
pub use user::{
    Actor, Credentials, Elsewhere, Grant, LockPolicy, Login, NewLogin, NewUser, RoleRow, SecondFactor, User,
    UserChange,
};
pub use verification::{GroupScope, ReportFilter, ReportPage, VerificationRow};
pub use waiting::{WaitReason, Waiting};
