//! The newest lines of logs that are followed, shared by all who follow them: however many those are, each line is read
//! from the ledger and written as an event once.
//!
//! Whoever is woken first reads for all. A follower that is further back than what is kept reads by itself until it has
//! caught up.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::body::Bytes;
use ironcore_ledger::model::LogLine;
use ironcore_ledger::{Ledger, LedgerError};
use ironcore_types::{TaskId, TaskState};

use super::text;
use crate::view::log_entry;

/// Lines that are read at once.
pub(super) const BATCH: u32 = 500;
/// Bytes of events that are kept of each log.
const KEPT: usize = 1 << 20;

/// How often the ledger said "look again": of logs, and of tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) logs: u64,
    pub(super) tasks: u64,
}

/// Lines as the events that tell them.
#[derive(Debug)]
pub(super) struct Lines {
    text: Bytes,
    /// The number of each line, and where its event begins.
    begins: Vec<(u64, usize)>,
}

impl Lines {
    /// None of no lines.
    pub(super) fn of(lines: Vec<LogLine>) -> Option<Self> {
        let (mut whole, mut begins) = (String::new(), Vec::with_capacity(lines.len()));
        for line in lines {
            let entry = log_entry(line);
            begins.push((entry.line, whole.len()));
            text(&mut whole, "line", entry.line, &entry);
        }
        (!begins.is_empty()).then(|| Self {
            text: whole.into(),
            begins,
        })
    }

    pub(super) fn last(&self) -> u64 {
        self.begins.last().map_or(0, |(line, _)| *line)
    }

    /// The events of all.
    pub(super) fn whole(&self) -> Bytes {
        self.text.clone()
    }

    /// The events of those after `line`.
    pub(super) fn after(&self, line: u64) -> Bytes {
        let first = self.begins.partition_point(|(number, _)| *number <= line);
        let from = self.begins.get(first).map_or(self.text.len(), |(_, at)| *at);
        self.text.slice(from..)
    }
}

/// What a follower is to do next.
#[derive(Debug)]
pub(super) enum Next {
    /// To send these, up to this line.
    Lines(Bytes, u64),
    /// To read by itself.
    CatchUp,
    /// To wait.
    Nothing,
    /// To take leave: the log is whole, and its task ended like this.
    Over(TaskState),
    /// To take leave: the task is not there any more.
    Gone,
}

/// The end of one log.
#[derive(Debug)]
pub(super) struct Tail {
    task: TaskId,
    window: tokio::sync::Mutex<Window>,
}

/// The lines that are kept: those after `start` up to `last`.
#[derive(Debug, Default)]
struct Window {
    /// As it was before the last look.
    seen: Option<Seen>,
    start: Option<u64>,
    last: u64,
    lines: VecDeque<Lines>,
    bytes: usize,
    over: Option<TaskState>,
}

impl Window {
    fn keep(&mut self, lines: Lines) {
        self.last = lines.last();
        self.bytes += lines.text.len();
        self.lines.push_back(lines);
        while self.bytes > KEPT
            && self.lines.len() > 1
            && let Some(oldest) = self.lines.pop_front()
        {
            self.bytes -= oldest.text.len();
            self.start = Some(oldest.last());
        }
    }

    /// It begins where its first follower stands, of a log of so many lines.
    fn begin(&mut self, line: u64, lines: u64) {
        if self.start.is_none() {
            self.last = line.min(lines);
            self.start = Some(self.last);
        }
    }

    /// What it has after `line`. None when it has to look.
    fn after(&self, line: u64, seen: Seen) -> Option<Next> {
        if line < self.start? {
            return Some(Next::CatchUp);
        }
        if let Some(lines) = self.lines.iter().find(|lines| lines.last() > line) {
            return Some(Next::Lines(lines.after(line), lines.last()));
        }
        if let Some(state) = self.over {
            return Some(Next::Over(state));
        }
        let looked = self
            .seen
            .is_some_and(|before| before.logs >= seen.logs && before.tasks >= seen.tasks);
        looked.then_some(Next::Nothing)
    }
}

impl Tail {
    /// The line after which it has every line, so that a follower that is further back and finds none in between knows
    /// that they were removed.
    pub(super) async fn start(&self) -> u64 {
        self.window.lock().await.start.unwrap_or_default()
    }

    /// What a follower that has read up to `line` is to do, who was told to look again so often.
    pub(super) async fn next(&self, ledger: &Ledger, line: u64, seen: Seen) -> Result<Next, LedgerError> {
        let mut window = self.window.lock().await;
        loop {
            if let Some(next) = window.after(line, seen) {
                return Ok(next);
            }
            // The state first: lines are written before a task ends, so a log read after the end is whole.
            let Some(log) = ledger.log_state(self.task).await? else {
                return Ok(Next::Gone);
            };
            window.begin(line, log.lines);
            let mut full = false;
            if log.lines > window.last {
                let lines = ledger.log_after(self.task, window.last, BATCH).await?;
                full = lines.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
                if let Some(lines) = Lines::of(lines) {
                    window.keep(lines);
                }
            }
            if full {
                // Before more is read, whoever waits for these may have them.
                continue;
            }
            window.seen = Some(seen);
            window.over = log.state.is_final().then_some(log.state);
        }
    }
}

/// The ends of all logs that are followed.
#[derive(Debug, Default)]
pub(crate) struct Tails(Mutex<HashMap<TaskId, Weak<Tail>>>);

impl Tails {
    /// That of the log of `task`; it is kept as long as somebody has it.
    pub(super) fn of(&self, task: TaskId) -> Arc<Tail> {
        let mut tails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tail) = tails.get(&task).and_then(Weak::upgrade) {
            return tail;
        }
        tails.retain(|_, tail| tail.strong_count() > 0);
        let tail = Arc::new(Tail {
            task,
            window: tokio::sync::Mutex::default(),
        });
        tails.insert(task, Arc::downgrade(&tail));
        tail
    }
}

#[cfg(test)]
mod tests {
    use ironcore_ledger::model::{LogLevel, LogLine};
    use ironcore_types::{TaskId, TaskState, Timestamp};

    use super::{KEPT, Lines, Next, Seen, Tails, Window};

    fn lines(numbers: std::ops::RangeInclusive<u64>, text: &str) -> Lines {
        let line = |line| LogLine {
            line,
            time: Timestamp::from_micros(0),
            level: LogLevel::Info,
            text: text.to_owned(),
        };
        Lines::of(numbers.map(line).collect()).unwrap()
    }

    fn told(next: Option<Next>) -> (String, u64) {
        match next {
            Some(Next::Lines(text, last)) => (String::from_utf8(text.to_vec()).unwrap(), last),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_follower_goes_on_in_the_middle() {
        let mut window = Window::default();
        assert!(window.after(3, Seen::default()).is_none(), "it has to look");
        window.begin(3, 7);
        window.keep(lines(4..=6, "a\nb"));
        window.keep(lines(7..=7, "c"));
        let (text, last) = told(window.after(5, Seen::default()));
        assert_eq!(last, 6);
        assert_eq!(text.matches("event: line\n").count(), 1);
        assert!(
            text.contains("\"text\":\"a\\nb\"") && text.ends_with("}\nid: 6\n\n"),
            "{text}"
        );
        assert_eq!(told(window.after(6, Seen::default())).1, 7);
        assert!(matches!(window.after(2, Seen::default()), Some(Next::CatchUp)));
    }

    #[test]
    fn a_place_beyond_the_end_hides_nothing() {
        let mut window = Window::default();
        window.begin(1_000, 3);
        window.keep(lines(4..=4, "d"));
        assert!(window.after(1_000, Seen::default()).is_none());
        assert_eq!(told(window.after(3, Seen::default())).1, 4);
    }

    #[test]
    fn only_what_is_new_is_looked_for() {
        let mut window = Window::default();
        let (old, new) = (Seen { logs: 4, tasks: 9 }, Seen { logs: 5, tasks: 9 });
        window.begin(0, 0);
        assert!(window.after(0, old).is_none());
        window.seen = Some(old);
        assert!(matches!(window.after(0, old), Some(Next::Nothing)));
        assert!(window.after(0, new).is_none());
        window.seen = Some(new);
        assert!(
            matches!(window.after(0, old), Some(Next::Nothing)),
            "who comes late"
        );
        window.over = Some(TaskState::Ok);
        assert!(matches!(window.after(0, old), Some(Next::Over(TaskState::Ok))));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut window = Window::default();
        window.begin(0, 0);
        let text = "x".repeat(KEPT / 10);
        for number in 1..=100 {
            window.keep(lines(number..=number, &text));
        }
        assert!(
            window.bytes <= KEPT && window.lines.len() >= 8,
            "{}",
            window.lines.len()
        );
        let start = window.start.unwrap();
        assert!(matches!(
            window.after(start - 1, Seen::default()),
            Some(Next::CatchUp)
        ));
        assert_eq!(told(window.after(start, Seen::default())).1, start + 1);
        // One that is larger than all is kept while it is the newest.
        window.keep(lines(101..=101, &"x".repeat(KEPT * 2)));
        assert_eq!(told(window.after(100, Seen::default())).1, 101);
    }

    #[test]
    fn a_tail_lives_as_long_as_its_followers() {
        let tails = Tails::default();
        let (one, two) = (tails.of(TaskId(1)), tails.of(TaskId(1)));
        assert!(std::sync::Arc::ptr_eq(&one, &two));
        drop((one, two));
        let _other = tails.of(TaskId(2));
        assert_eq!(tails.0.lock().unwrap().len(), 1);
    }
}
