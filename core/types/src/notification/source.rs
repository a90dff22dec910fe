//! Where events come from, in the words of those who want to hear of them.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::EventData;
use crate::event_type::EventType;
use crate::task::{TaskType, UnknownWord, words};

words!(
    /// Where an event comes from. Groups may listen to sources instead of being attached to jobs or datastores.
    EventSource, "source of events" {
        /// Backup tasks.
        Backup = "backup",
        /// Restore tasks.
        Restore = "restore",
        /// Prune tasks.
        Prune = "prune",
        /// Garbage collections.
        Gc = "gc",
        /// Sync tasks, and what they meet.
        Sync = "sync",
        /// Verifications, and what they find.
        Verify = "verify",
        /// Work with tapes.
        Tape = "tape",
        /// Jobs that are missed, overdue or take too long.
        Job = "job",
        /// Datastores: space and state.
        Datastore = "datastore",
        /// Workers that come and go.
        Worker = "worker",
        /// The scheduler's pauses.
        Scheduler = "scheduler",
        /// Log-ins, locked accounts, new tokens.
        Auth = "auth",
        /// Permissions, roles and keys.
        Config = "config",
        /// The hub's own services.
        System = "system",
        /// Messages, handlers and plugins.
        Delivery = "delivery",
    }
);

impl EventSource {
    /// Where an event of this type, with these particulars, comes from.
    pub fn of(event_type: EventType, data: &EventData) -> Self {
        let word = event_type.as_str().trim_start_matches("ironcore.");
        match word.split('.').next().unwrap_or_default() {
            "task" => match data.task.as_ref().map(|task| task.task_type) {
                Some(TaskType::Backup) => Self::Backup,
                Some(TaskType::Restore) => Self::Restore,
                Some(TaskType::Prune) => Self::Prune,
                Some(TaskType::Gc) => Self::Gc,
                Some(TaskType::Sync) => Self::Sync,
                Some(TaskType::Verify) => Self::Verify,
                Some(TaskType::Tape) => Self::Tape,
                None => Self::Job,
            },
            "snapshot" => Self::Verify,
            "sync" => Self::Sync,
            "job" => Self::Job,
            "datastore" => Self::Datastore,
            "worker" => Self::Worker,
            "scheduler" => Self::Scheduler,
            "auth" => Self::Auth,
            "config" => Self::Config,
            "delivery" | "handler" | "plugin" => Self::Delivery,
            _ => Self::System,
        }
    }
}
