//! Silences that somebody made, and who was kept from hearing of what.

use ironcore_types::notification::{Matchers, Silencer};
use ironcore_types::{ProjectName, SilenceId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::event::SeqEvent;
use super::handler::HandlerRef;
use super::message::NewMessage;

/// A silence to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSilence {
    /// Whose groups are quiet; everybody's when none.
    pub project: Option<ProjectName>,
    /// Which events are not told.
    pub when: Matchers,
    /// From when on.
    pub from: Timestamp,
    /// Up to when, without it.
    pub until: Timestamp,
    /// Why.
    pub comment: String,
    /// Who makes it.
    pub by: UserId,
    /// Under which key its maker asks for it, and SHA-256 of what is asked: asked again, the same is given back.
    pub key: Option<(String, [u8; 32])>,
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its id.
    pub id: SilenceId,
    /// Whose groups are quiet; everybody's when none.
    pub project: Option<ProjectName>,
    /// Which events are not told.
    pub when: Matchers,
    /// From when on.
    pub from: Timestamp,
    /// Up to when, without it.
    pub until: Timestamp,
    /// Why.
    pub comment: String,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub by: UserId,
    /// When somebody ended it before its time.
    pub ended: Option<Timestamp>,
    /// Who that was.
    pub ended_by: Option<UserId>,
}

impl Silence {
    /// When it is over.
    pub fn over(&self) -> Timestamp {
        self.ended.map_or(self.until, |ended| ended.min(self.until))
    }

    /// Whether it silences at this time.
    pub fn is_active(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.over()
    }

    /// What it is called where something was silenced by it.
    pub fn silencer(&self) -> Silencer {
        Silencer::Silence(self.id)
    }
}

/// That a handler is not told of the event at hand, because of a silence or a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSilenced {
    /// Which handler.
    pub handler: HandlerRef,
    /// Because of what.
    pub by: Silencer,
    /// When that is over.
    pub until: Timestamp,
}

/// That a handler was not told of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silenced {
    /// The event's place.
    pub seq: i64,
    /// Which handler.
    pub handler: HandlerRef,
    /// Because of what: the last, where one silence followed the other.
    pub by: Silencer,
    /// When that is over.
    pub until: Timestamp,
    /// When it was looked at, after that, whether the trouble lasts.
    pub looked: Option<Timestamp>,
    /// Whether the handler was told then.
    pub told: bool,
}

/// An event of which a handler was not told, whose silence is over.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldBack {
    /// The event.
    pub event: SeqEvent,
    /// What kept the handler from hearing of it.
    pub by: Silencer,
    /// When that was over.
    pub until: Timestamp,
    /// Whether the event told of a condition that still lasts.
    pub condition: bool,
    /// Whether it belongs to an incident of the handler's project, or of the hub for a handler of it, that lasts or that
    /// somebody closed: then nothing but that incident's notices tell of it.
    pub by_incident: bool,
}

/// The events of which one handler was not told, those whose silence is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Overdue {
    /// The handler.
    pub handler: HandlerRef,
    /// The events, oldest first.
    pub events: Vec<HeldBack>,
}

/// What becomes of events of which a handler was not told.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// The handler.
    pub handler: HandlerRef,
    /// Those that are silenced further, each by what and until when.
    pub held: Vec<(i64, Silencer, Timestamp)>,
    /// Those of which it is told now.
    pub told: Vec<i64>,
    /// Those of which it is told by the notices of their incidents, which are looked at now.
    pub by_notices: Vec<i64>,
    /// Those of which it is told nothing any more.
    pub dropped: Vec<i64>,
    /// The message that tells, when something is told.
    pub message: Option<NewMessage>,
}

/// Which silences are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SilenceFilter {
    /// Of this project alone.
    pub project: Option<ProjectName>,
    /// Not over at this time.
    pub open_at: Option<Timestamp>,
}
