//! Silences and maintenance windows: when who is told nothing.

use ironcore_types::notification::{Maintenance, Matchers, Silencer};
use ironcore_types::{ProjectName, SilenceId, Span, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A silence to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CreateSilence {
    /// Whose groups are quiet; the token's own project when missing, else the hub's and everybody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Which events are not told; all when missing, which for the hub must be meant (`all`).
    #[serde(skip_serializing_if = "Matchers::is_empty")]
    pub when: Matchers,
    /// From when on; from now when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Up to when. Exactly one of `until` and `for`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How long.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
    /// Why.
    pub comment: String,
    /// It may last longer than 30 days.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub long: bool,
    /// One of the hub may be about everything.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

/// Where a silence is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SilenceState {
    /// It has not begun.
    Pending,
    /// It silences.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody ended it before its time.
    Ended,
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Silence {
    /// Its id.
    pub id: SilenceId,
    /// Whose groups are quiet; null for everybody's.
    pub project: Option<ProjectName>,
    /// Which events are not told.
    pub when: Matchers,
    /// Where it is in its life.
    pub state: SilenceState,
    /// From when on.
    pub from: Timestamp,
    /// Up to when, as it was made.
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

/// Silences, newest first, and the maintenance windows in which it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SilenceList {
    /// The silences.
    pub silences: Vec<Silence>,
    /// The windows in which it is now.
    pub windows: Vec<MaintenanceView>,
}

/// A maintenance window, and when it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MaintenanceView {
    /// As it is declared.
    pub window: Maintenance,
    /// When the window is over in which it is now; null outside of it.
    pub until: Option<Timestamp>,
    /// When it begins next.
    pub next: Option<Timestamp>,
}

/// Maintenance windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MaintenanceList {
    /// The windows: the hub's, then those of projects, by name.
    pub maintenance: Vec<MaintenanceView>,
}

/// What silences now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActiveSilence {
    /// What does.
    pub by: Silencer,
    /// Whose groups are quiet; null for everybody's.
    pub project: Option<ProjectName>,
    /// When it is over.
    pub until: Timestamp,
}

/// What kept outside handlers from hearing of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SilencedBy {
    /// What did.
    pub by: Silencer,
    /// When that is over: what still lasts then is told.
    pub until: Timestamp,
}
