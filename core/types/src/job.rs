//! Jobs: what they do, when, and how they get on with their own runs, with others and with the calendar. Firing them
//! is left to the scheduler; the rules of single fields that need no state are here.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::blackout::{FOLLOWED, FOLLOWED_AT_ONCE, Windows};
use crate::ids::{GroupName, JobName, ProjectName, UserId};
use crate::spec::TaskSpec;
use crate::timestamp::{Span, Timestamp};

/// What happens to ticks that nobody fired in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MissedPolicy {
    /// Run once, however many were missed.
    #[default]
    RunOnce,
    /// Leave them out.
    Skip,
}

/// What happens to a tick while the run before it waits or goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OverlapPolicy {
    /// It waits until the run before it has ended. At most one run waits; further ticks are left out meanwhile.
    #[default]
    Queue,
    /// It is left out.
    Skip,
    /// The run before it is cancelled.
    CancelOld,
}

/// Times at which no run of a job begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Blackout {
    /// Calendar expression of the window's beginnings, such as `mon..fri 08:00`.
    pub from: String,
    /// How long it lasts.
    pub lasts: Span,
}

/// What becomes of a task when a command of its job fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnCommandFailure {
    /// The task fails; when the command comes before it, nothing else is done.
    #[default]
    Fail,
    /// The task goes on and ends with a warning.
    Warn,
    /// The log says so, and that is all.
    Ignore,
}

/// A program that runs before or after a job's task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Command {
    /// The program's name in the worker's folder of commands, and its arguments. No shell reads them.
    #[schemars(length(min = 1))]
    pub run: Vec<String>,
    /// It is ended when it takes longer.
    #[serde(default = "ten_minutes")]
    pub timeout: Span,
    /// What its failure means.
    #[serde(default)]
    pub on_failure: OnCommandFailure,
}

/// A job: a task to run at its times, or after another job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Job {
    /// Whose.
    pub project: ProjectName,
    /// Its name within the project.
    pub name: JobName,
    /// For people.
    #[serde(default)]
    pub comment: Option<String>,
    /// The user its scheduled tasks run as.
    pub owner: UserId,
    /// False while it is paused: no tick fires, and runs that wait in the queue go on waiting.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Calendar expression; none when the job runs only by hand or after another.
    #[serde(default)]
    pub schedule: Option<String>,
    /// The time zone of the schedule and of the blackout windows (IANA name).
    #[serde(default = "utc")]
    pub timezone: String,
    /// Each run waits for a part of this after its time, so that many jobs do not begin at once: another part for each
    /// tick, and always the same one for the same tick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub randomized_delay: Option<Span>,
    /// Windows in which no run begins by itself. A run that is due waits until the window ends, or is left out when
    /// `missed` is `skip`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blackout: Vec<Blackout>,
    /// Runs when this job of the same project ended `ok` or `warning`.
    #[serde(default)]
    pub after: Option<JobName>,
    /// What happens to missed ticks.
    #[serde(default)]
    pub missed: MissedPolicy,
    /// A run that did not begin within this after its time was missed, which is told.
    #[serde(default = "quarter")]
    pub grace: Span,
    /// What happens while the run before goes on.
    #[serde(default)]
    pub overlap: OverlapPolicy,
    /// How often a failed or lost run is tried again.
    #[serde(default)]
    pub retries: u32,
    /// How long to wait before the first retry; doubled for each further one, up to an hour.
    #[serde(default = "minute")]
    pub retry_delay: Span,
    /// Ends a run that takes longer, as failed with `task.timeout`; no limit when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// A run that takes longer is told as `job.overrun`; three times the median of the last ten good runs when
    /// missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn_after: Option<Span>,
    /// The recovery-point objective: when the newest good snapshot is older, `job.overdue` is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_point: Option<Span>,
    /// Runs before the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_before: Option<Command>,
    /// Runs after the task, however it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_after: Option<Command>,
    /// Groups that are told of its runs.
    #[serde(default)]
    pub groups: Vec<GroupName>,
    /// What to do.
    pub task: TaskSpec,
}

fn yes() -> bool {
    true
}

fn utc() -> String {
    "UTC".to_owned()
}

fn minute() -> Span {
    Span::from_secs(60)
}

fn ten_minutes() -> Span {
    Span::from_secs(600)
}

fn quarter() -> Span {
    Span::from_secs(900)
}

impl Job {
    /// How long after `tick` a run begins: a part of `randomized-delay` that job and tick decide, so that every
    /// scheduler finds the same.
    pub fn delay(&self, tick: Timestamp) -> Duration {
        let Some(most) = self.randomized_delay else {
            return Duration::ZERO;
        };
        let tick = tick.as_micros().to_le_bytes();
        let name = [self.project.as_str(), "/", self.name.as_str()];
        let bytes = name.iter().flat_map(|part| part.bytes()).chain(tick);
        let mixed = mix(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }));
        let most = u64::try_from(most.duration().as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(mixed % most.saturating_add(1))
    }

    /// When the blackout window ends in which `at` lies; none when it lies in none. Windows that touch count as one,
    /// up to a thousand of them: who waits for their end asks again then.
    pub fn blackout_at(&self, at: Timestamp) -> Option<Timestamp> {
        if self.blackout.is_empty() {
            return None;
        }
        let dark = Windows::of(self).dark(at, FOLLOWED_AT_ONCE);
        dark.map(|dark| dark.until)
    }

    /// Whether its blackout windows leave no time between them, as far as can be seen.
    pub fn always_dark(&self) -> bool {
        let some_time = Timestamp::from_seconds(1_767_225_600);
        let windows = Windows::of(self);
        // Where one window begins, they may leave no time.
        let endless = |at| windows.dark(at, FOLLOWED).is_some_and(|dark| !dark.ends);
        windows.first_after(some_time).any(endless)
    }
}

/// Spreads a hash over all bits (the finalizer of MurmurHash3, public domain).
fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// Whether a name may be that of a program in the folder of commands: one plain file name.
pub fn is_command_name(name: &str) -> bool {
    let mut parts = std::path::Path::new(name).components();
    matches!(parts.next(), Some(std::path::Component::Normal(part)) if part == name) && parts.next().is_none()
}

/// The program of a command below the folder of commands.
pub fn command_path(folder: &std::path::Path, command: &Command) -> Option<PathBuf> {
    let name = command.run.first().filter(|name| is_command_name(name))?;
    Some(folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(more: &str) -> Job {
        let text = format!(
            r#"{{"project": "acme", "name": "daily", "owner": "root@local", {more}
                "task": {{"type": "gc", "datastore": "ibs-primary"}}}}"#
        );
        serde_json::from_str(&text).expect("a job")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn the_delay_of_a_tick_is_always_the_same_and_spread() {
        let job = job(r#""randomized-delay": "10m","#);
        let ticks: Vec<Timestamp> = (0..200)
            .map(|day| Timestamp::from_seconds(day * 86_400))
            .collect();
        let delays: Vec<Duration> = ticks.iter().map(|tick| job.delay(*tick)).collect();
        assert!(delays.iter().all(|delay| *delay <= Duration::from_secs(600)));
        let early = delays.iter().filter(|d| **d < Duration::from_secs(300)).count();
        assert!((70..130).contains(&early), "{early} of 200 in the first half");
        assert_eq!(
            delays,
            ticks.iter().map(|tick| job.delay(*tick)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn no_delay_unless_asked_for() {
        assert_eq!(job("").delay(at("2026-05-21T02:00:00Z")), Duration::ZERO);
    }

    #[test]
    fn a_blackout_ends_when_its_window_does() {
        let job = job(r#""timezone": "Europe/Berlin",
               "blackout": [{"from": "mon..fri 08:00", "lasts": "10h"}, {"from": "mon 18:00", "lasts": "1h"}],"#);
        // Thursday, 21 May 2026; Berlin is two hours ahead.
        assert_eq!(job.blackout_at(at("2026-05-21T05:59:59Z")), None);
        let six = Some(at("2026-05-21T16:00:00Z"));
        assert_eq!(job.blackout_at(at("2026-05-21T06:00:00Z")), six);
        assert_eq!(job.blackout_at(at("2026-05-21T15:59:59Z")), six);
        assert_eq!(job.blackout_at(at("2026-05-21T16:00:00Z")), None);
        // On Monday the second window begins where the first ends.
        let monday = at("2026-05-18T10:00:00Z");
        assert_eq!(job.blackout_at(monday), Some(at("2026-05-18T17:00:00Z")));
    }

    /// What a window lasts is time that passes, and of an hour that comes twice its beginning is the first.
    #[test]
    fn windows_last_as_long_as_they_say_when_clocks_change() {
        let job = |window: &str| {
            job(&format!(
                r#""timezone": "Europe/Berlin", "blackout": [{window}],"#
            ))
        };
        let night = job(r#"{"from": "00:00", "lasts": "4h"}"#);
        // On 28 March 2027 the hour from two is left out: it ends at five by the clock.
        let spring = Some(at("2027-03-28T03:00:00Z"));
        assert_eq!(night.blackout_at(at("2027-03-28T02:30:00Z")), spring);
        // On 31 October that hour comes twice: it ends at three.
        let autumn = Some(at("2027-10-31T02:00:00Z"));
        assert_eq!(night.blackout_at(at("2027-10-31T01:59:59Z")), autumn);
        let hour = job(r#"{"from": "02:00", "lasts": "1h"}"#);
        assert_eq!(
            hour.blackout_at(at("2027-10-31T00:30:00Z")),
            Some(at("2027-10-31T01:00:00Z"))
        );
        assert_eq!(hour.blackout_at(at("2027-10-31T01:30:00Z")), None);
        // One that would begin in the hour that is left out begins at its end.
        assert_eq!(
            hour.blackout_at(at("2027-03-28T01:30:00Z")),
            Some(at("2027-03-28T02:00:00Z"))
        );
    }

    #[test]
    fn windows_without_a_gap_are_looked_at_up_to_a_bound() {
        let job = job(r#""blackout": [{"from": "hourly", "lasts": "1h"}],"#);
        let now = at("2026-05-21T05:59:59Z");
        let end = job.blackout_at(now).expect("inside");
        assert_eq!(
            end,
            at("2026-05-21T05:00:00Z").after(Duration::from_secs(1_000 * 3_600))
        );
    }

    #[test]
    fn commands_are_plain_names() {
        for good in ["dump-db", "dump.sh", "..x"] {
            assert!(is_command_name(good), "{good}");
        }
        for bad in ["", ".", "..", "/bin/sh", "a/b", "a/", "./a"] {
            assert!(!is_command_name(bad), "{bad}");
        }
    }
}
