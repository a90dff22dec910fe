//! What an event says of a task that ended.

use ironcore_plugin::Event;

use crate::rfc3339::micros;

/// The counters of a task that are pushed, by the names that events give them.
pub(crate) const STATS: [&str; 7] = [
    "bytes_read",
    "bytes_logical",
    "bytes_new",
    "bytes_stored",
    "chunks",
    "chunks_known",
    "files",
];

/// An attempt that ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TaskEnd {
    pub(crate) project: Option<String>,
    pub(crate) job: Option<String>,
    pub(crate) task_type: String,
    /// `ok`, `warning`, `failed` or `cancelled`.
    pub(crate) state: String,
    /// Microseconds since 1970.
    pub(crate) ended_us: i64,
    /// The task's number, which its UPID tells.
    pub(crate) number: u64,
    /// How long it ran, seconds; none when it never began.
    pub(crate) duration: Option<f64>,
    /// How long it waited until it began, seconds.
    pub(crate) queued: Option<f64>,
    pub(crate) bytes: u64,
    pub(crate) warnings: u64,
    /// Counters that are there, in the order of [`STATS`].
    pub(crate) stats: Vec<(&'static str, u64)>,
    /// The stable code of what went wrong.
    pub(crate) error: Option<String>,
}

impl TaskEnd {
    /// None when the event tells of something else.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        let ends = ["task.completed", "task.warning", "task.failed", "task.cancelled"];
        if !ends.contains(&event.kind()) {
            return None;
        }
        let data = event.data();
        let task = data.task?;
        let time = |text: &Option<String>| text.as_deref().and_then(micros);
        let (queued, started) = (time(&task.queued), time(&task.started));
        let ended_us = time(&task.ended).unwrap_or(event.time_us);
        let between = |from: Option<i64>, to: Option<i64>| {
            let micros = to?.checked_sub(from?)?;
            Some(micros.max(0) as f64 / 1e6)
        };
        let counter = |name: &&'static str| Some((*name, task.stats.get(*name)?.as_u64()?));
        Some(Self {
            stats: STATS.iter().filter_map(counter).collect(),
            project: data.project,
            job: task.job,
            number: number(&task.upid),
            task_type: task.task_type,
            state: task.state,
            ended_us,
            duration: between(started, Some(ended_us)),
            queued: between(queued, started),
            bytes: task.bytes,
            warnings: task.warning_count,
            error: event.error.as_ref().map(|error| error.code.clone()),
        })
    }

    /// Whether it ended well.
    pub(crate) fn is_good(&self) -> bool {
        matches!(self.state.as_str(), "ok" | "warning")
    }
}

/// The task's number in a UPID: `UPID:NODE:PID:PSTART:TASK:START:…`.
fn number(upid: &str) -> u64 {
    let field = upid.split(':').nth(4);
    field
        .and_then(|hex| u64::from_str_radix(hex, 16).ok())
        .unwrap_or(0)
}
