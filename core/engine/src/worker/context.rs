//! What a running task is to the code that does its work: a log, progress, warnings and a way to stop.
//!
//! The work runs on a blocking thread and only touches memory here; [`super::flush`] carries it to the ledger.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ironcore_ledger::model::{LogLevel, NewLogLine};
use ironcore_store::Watch;
use ironcore_types::progress::{Progress, Stage, Warning};
use ironcore_types::{Seams, Timestamp};
use tokio::sync::Notify;

/// Warnings kept as records; further ones are in the log and in the count.
pub(crate) const WARNINGS_KEPT: usize = 1000;
/// Unflushed log bytes at which the flusher is woken before its time.
const FLUSH_BYTES: usize = 64 << 10;
/// A single line is cut here, so that one hostile path cannot fill the ledger.
const LINE_BYTES: usize = 16 << 10;

/// Why a task has to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Somebody asked for it.
    Cancelled,
    /// The lease is gone: another worker may have the task.
    Lost,
    /// The hub shuts down.
    Shutdown,
    /// It took longer than its job allows.
    TimedOut,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<NewLogLine>,
    line_bytes: usize,
    progress: Progress,
    progress_changed: bool,
    warnings: Vec<Warning>,
    warning_count: u64,
}

/// What the flusher takes away.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) lines: Vec<NewLogLine>,
    pub(crate) progress: Option<Progress>,
}

/// Shared by the work, the flusher and the renewer.
#[derive(Debug, Clone)]
pub(crate) struct TaskContext {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    seams: Seams,
    stop: AtomicU8,
    stopped: Notify,
    full: Notify,
    state: Mutex<State>,
}

impl TaskContext {
    pub(crate) fn new(seams: Seams) -> Self {
        Self {
            inner: Arc::new(Inner {
                seams,
                stop: AtomicU8::new(0),
                stopped: Notify::new(),
                full: Notify::new(),
                state: Mutex::default(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves plain data behind, good enough to report what happened.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the work to stop; the first reason counts.
    pub(crate) fn stop(&self, reason: Stop) {
        let code = match reason {
            Stop::Cancelled => 1,
            Stop::Lost => 2,
            Stop::Shutdown => 3,
            Stop::TimedOut => 4,
        };
        if self
            .inner
            .stop
            .compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
        {
            self.inner.stopped.notify_waiters();
        }
    }

    /// Why the work has to stop, if it has.
    pub(crate) fn stop_reason(&self) -> Option<Stop> {
        match self.inner.stop.load(Ordering::Acquire) {
            1 => Some(Stop::Cancelled),
            2 => Some(Stop::Lost),
            3 => Some(Stop::Shutdown),
            4 => Some(Stop::TimedOut),
            _ => None,
        }
    }

    /// Ends when the work has to stop.
    pub(crate) async fn stopped(&self) {
        loop {
            let waiting = self.inner.stopped.notified();
            if self.stop_reason().is_some() {
                return;
            }
            waiting.await;
        }
    }

    /// Ends when there is enough to flush before its time.
    pub(crate) async fn full(&self) {
        self.inner.full.notified().await;
    }

    pub(crate) fn log(&self, level: LogLevel, text: &str) {
        let mut cut = text.len().min(LINE_BYTES);
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        let time = self.inner.seams.now();
        let mut state = self.state();
        // A line is one line: control characters (a path may hold any) must not forge others.
        for part in text[..cut].split('\n') {
            let text: String = part
                .chars()
                .map(|c| {
                    if c.is_control() && c != '\t' {
                        '\u{fffd}'
                    } else {
                        c
                    }
                })
                .collect();
            state.line_bytes += text.len() + 32;
            state.lines.push_back(NewLogLine { time, level, text });
        }
        if state.line_bytes >= FLUSH_BYTES {
            self.inner.full.notify_one();
        }
    }

    /// Takes what has to be written. Progress is given only when it changed and `with_progress`.
    pub(crate) fn take(&self, with_progress: bool) -> Pending {
        let mut state = self.state();
        state.line_bytes = 0;
        let lines = state.lines.drain(..).collect();
        let progress = (with_progress && state.progress_changed).then(|| state.progress.clone());
        if progress.is_some() {
            state.progress_changed = false;
        }
        Pending { lines, progress }
    }

    /// Puts lines back that could not be written.
    pub(crate) fn put_back(&self, lines: Vec<NewLogLine>) {
        let mut state = self.state();
        for line in lines.into_iter().rev() {
            state.line_bytes += line.text.len() + 32;
            state.lines.push_front(line);
        }
    }

    /// Stages, warnings and their count, as they are at the end. Stages still open are closed.
    pub(crate) fn summary(&self) -> (Progress, Vec<Warning>, u64) {
        let now = self.inner.seams.now();
        let mut state = self.state();
        for stage in &mut state.progress.stages {
            stage.ended.get_or_insert(now);
        }
        (
            state.progress.clone(),
            state.warnings.clone(),
            state.warning_count,
        )
    }

    /// Ends at a time; never when there is none.
    pub(crate) async fn at(&self, time: Option<Timestamp>) {
        match time {
            Some(time) => self.inner.seams.sleep_until(time).await,
            None => std::future::pending().await,
        }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.inner.seams.now()
    }

    /// Whether nobody works under this context any more.
    pub(crate) fn is_orphaned(&self) -> bool {
        Arc::strong_count(&self.inner) == 1
    }
}

impl Watch for TaskContext {
    fn cancelled(&self) -> bool {
        self.stop_reason().is_some()
    }

    fn progress(&self, stage: &Stage) {
        let now = self.inner.seams.now();
        let mut state = self.state();
        state.progress_changed = true;
        let known = state
            .progress
            .stages
            .iter()
            .position(|known| known.name == stage.name);
        let at = known.unwrap_or_else(|| {
            // A new stage ends those before it.
            for earlier in &mut state.progress.stages {
                earlier.ended.get_or_insert(now);
            }
            state.progress.stages.push(Stage {
                name: stage.name.clone(),
                started: Some(now),
                ..Stage::default()
            });
            state.progress.stages.len() - 1
        });
        let row = &mut state.progress.stages[at];
        let (started, ended) = (row.started, stage.ended.or(row.ended));
        *row = Stage {
            started: stage.started.or(started),
            ended,
            ..stage.clone()
        };
    }

    fn warn(&self, warning: Warning) {
        let text = match &warning.path {
            Some(path) => format!("{path}: {} [{}]", warning.message, warning.code),
            None => format!("{} [{}]", warning.message, warning.code),
        };
        self.log(LogLevel::Warn, &text);
        let mut state = self.state();
        state.warning_count += 1;
        if state.warnings.len() < WARNINGS_KEPT {
            state.warnings.push(warning);
        }
    }

    fn info(&self, line: &str) {
        self.log(LogLevel::Info, line);
    }
}
