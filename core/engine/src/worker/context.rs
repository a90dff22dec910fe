//! What a running task is to the code that does its work: a log, progress, warnings and a way to stop.
//!
//! The work runs on a blocking thread and only touches memory here; [`super::flush`] carries it to the ledger.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ironcore_ledger::model::{LogLevel, NewLogLine, WARNINGS_KEPT};
use ironcore_store::Watch;
use ironcore_types::progress::{Progress, Stage, Warning};
use ironcore_types::{Mark, Moment, Seams, Timestamp};
use tokio::sync::Notify;

use super::pace::{self, Pace};

/// Unflushed log bytes at which the flusher is woken before its time.
const FLUSH_BYTES: usize = 64 << 10;
/// What the flusher takes at once: readers of a log read it in such parts.
const FRAME_BYTES: usize = 256 << 10;
/// A single line is cut here, so that one hostile path cannot fill the ledger.
const LINE_BYTES: usize = 16 << 10;
/// What a line takes beside its text.
const LINE_OVERHEAD: usize = 32;

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
    /// Bytes of all lines so far.
    logged: u64,
    /// Lines that found no room.
    left_out: u64,
    progress: Progress,
    /// One for each stage.
    paces: Vec<Pace>,
    progress_changed: bool,
    warnings: Vec<Warning>,
    warning_count: u64,
}

impl State {
    /// The first lines, up to [`FRAME_BYTES`] of them.
    fn part(&mut self) -> Vec<NewLogLine> {
        let mut bytes = 0;
        let mut count = 0;
        for line in &self.lines {
            bytes += line.text.len() + LINE_OVERHEAD;
            count += 1;
            if bytes >= FRAME_BYTES {
                break;
            }
        }
        self.line_bytes = self.line_bytes.saturating_sub(bytes);
        self.lines.drain(..count).collect()
    }

    /// Says of the stages that go on how fast they go, and when they will be done.
    fn tell_pace(&mut self, now: Mark) {
        for (stage, pace) in self.progress.stages.iter_mut().zip(&mut self.paces) {
            if stage.ended.is_some() {
                continue;
            }
            let rate = pace.rate(stage, now.moment);
            let eta = pace.eta(stage, now.moment).map(|left| now.time.after(left));
            // Work that stands still is written down once more, not every second.
            self.progress_changed |= rate != stage.rate || eta.is_some() != stage.eta.is_some();
            (stage.rate, stage.eta) = (rate, eta);
        }
    }
}

/// A stage is over.
fn end(stage: &mut Stage, now: Timestamp) {
    if stage.ended.is_none() {
        stage.ended = Some(now);
        stage.rate = pace::whole_rate(stage);
        stage.eta = None;
    }
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
    /// Bytes that the log may have.
    log_bytes: u64,
    stop: AtomicU8,
    stopped: Notify,
    /// Whether the worker goes, or has lost the task, whatever was asked before.
    leaving: AtomicBool,
    left: Notify,
    full: Notify,
    state: Mutex<State>,
}

impl TaskContext {
    /// A context whose log takes up to `log_bytes`; warnings and errors may take a quarter more.
    pub(crate) fn new(seams: Seams, log_bytes: u64) -> Self {
        Self {
            inner: Arc::new(Inner {
                seams,
                log_bytes,
                stop: AtomicU8::new(0),
                stopped: Notify::new(),
                leaving: AtomicBool::new(false),
                left: Notify::new(),
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
        if matches!(reason, Stop::Lost | Stop::Shutdown) {
            self.inner.leaving.store(true, Ordering::Release);
            self.inner.left.notify_waiters();
        }
    }

    /// Ends when nothing more can be waited for: the worker goes, or the task is another's.
    pub(crate) async fn leaving(&self) {
        loop {
            let waiting = self.inner.left.notified();
            if self.inner.leaving.load(Ordering::Acquire) {
                return;
            }
            waiting.await;
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

    /// Adds to the log, unless it is full.
    pub(crate) fn log(&self, level: LogLevel, text: &str) {
        let most = match level {
            LogLevel::Info => self.inner.log_bytes,
            LogLevel::Warn | LogLevel::Error => self.inner.log_bytes.saturating_add(self.inner.log_bytes / 4),
        };
        let mut state = self.state();
        if state.logged < most {
            self.push(&mut state, level, text);
            return;
        }
        if state.left_out == 0 {
            let full = format!(
                "the log is full ({} bytes): further lines are left out, warnings and errors last; the task goes on",
                self.inner.log_bytes
            );
            self.push(&mut state, LogLevel::Warn, &full);
        }
        state.left_out += 1;
    }

    /// Says how much was left out, when nothing more comes.
    pub(crate) fn end_log(&self) {
        let mut state = self.state();
        let left_out = std::mem::take(&mut state.left_out);
        if left_out > 0 {
            let line = match left_out {
                1 => "1 line was left out, because the log was full".to_owned(),
                _ => format!("{left_out} lines were left out, because the log was full"),
            };
            self.push(&mut state, LogLevel::Warn, &line);
        }
    }

    fn push(&self, state: &mut State, level: LogLevel, text: &str) {
        let mut cut = text.len().min(LINE_BYTES);
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        let time = self.inner.seams.now();
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
            let bytes = text.len() + LINE_OVERHEAD;
            state.line_bytes += bytes;
            state.logged = state
                .logged
                .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
            state.lines.push_back(NewLogLine { time, level, text });
        }
        if state.line_bytes >= FLUSH_BYTES {
            self.inner.full.notify_one();
        }
    }

    /// Takes what has to be written, or the first part of it. Progress is given only when it changed and `with_progress`.
    pub(crate) fn take(&self, with_progress: bool) -> Pending {
        let now = self.inner.seams.mark();
        let mut state = self.state();
        let lines = state.part();
        if state.line_bytes > 0 {
            self.inner.full.notify_one();
        }
        if with_progress {
            state.tell_pace(now);
        }
        let progress = (with_progress && state.progress_changed).then(|| state.progress.clone());
        if progress.is_some() {
            state.progress_changed = false;
        }
        Pending { lines, progress }
    }

    /// Whether there is something to take.
    pub(crate) fn has_lines(&self) -> bool {
        !self.state().lines.is_empty()
    }

    /// Puts lines back that could not be written.
    pub(crate) fn put_back(&self, lines: Vec<NewLogLine>) {
        let mut state = self.state();
        for line in lines.into_iter().rev() {
            state.line_bytes += line.text.len() + LINE_OVERHEAD;
            state.lines.push_front(line);
        }
    }

    /// Closes the stages that are open.
    pub(crate) fn end_stages(&self) {
        let now = self.inner.seams.now();
        let mut state = self.state();
        for stage in &mut state.progress.stages {
            end(stage, now);
        }
        state.progress_changed = true;
    }

    /// Stages, warnings and their count, as they are at the end. Stages still open are closed.
    pub(crate) fn summary(&self) -> (Progress, Vec<Warning>, u64) {
        self.end_stages();
        let state = self.state();
        (
            state.progress.clone(),
            state.warnings.clone(),
            state.warning_count,
        )
    }

    /// Ends at a moment; never when there is none.
    pub(crate) async fn at(&self, moment: Option<Moment>) {
        match moment {
            Some(moment) => self.inner.seams.sleep_to(moment).await,
            None => std::future::pending().await,
        }
    }

    /// The moment now.
    pub(crate) fn moment(&self) -> Moment {
        self.inner.seams.moment()
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
        let now = self.inner.seams.mark();
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
                end(earlier, now.time);
            }
            state.paces.push(Pace::default());
            state.progress.stages.push(Stage {
                name: stage.name.clone(),
                started: Some(now.time),
                ..Stage::default()
            });
            state.progress.stages.len() - 1
        });
        let State { progress, paces, .. } = &mut *state;
        let row = &mut progress.stages[at];
        let (started, ended) = (row.started, stage.ended.or(row.ended));
        let (rate, eta) = (row.rate, row.eta);
        *row = Stage {
            started: stage.started.or(started),
            ended,
            rate,
            eta,
            ..stage.clone()
        };
        paces[at].note(row, now.moment);
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

#[cfg(test)]
mod tests {
    use super::*;
    use ironcore_types::seams::{Clock, Random};
    use std::pin::Pin;
    use std::sync::atomic::AtomicI64;
    use std::time::Duration;

    /// Milliseconds that the test sets.
    #[derive(Debug, Default)]
    struct Hands(AtomicI64);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(self.0.load(Ordering::Relaxed) * 1_000)
        }

        fn sleep_until(&self, _: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(std::future::pending())
        }

        fn moment(&self) -> Moment {
            let millis = self.0.load(Ordering::Relaxed).unsigned_abs();
            Moment::new(Duration::from_millis(millis))
        }

        fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(std::future::pending())
        }
    }

    impl Random for Hands {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn context(log_bytes: u64) -> (TaskContext, Arc<Hands>) {
        let hands = Arc::new(Hands::default());
        let seams = Seams::new(hands.clone(), hands.clone());
        (TaskContext::new(seams, log_bytes), hands)
    }

    fn stage(name: &str, bytes: u64) -> Stage {
        Stage {
            name: name.to_owned(),
            bytes,
            bytes_total: Some(100_000_000),
            ..Stage::default()
        }
    }

    #[test]
    fn a_full_log_keeps_warnings_and_says_what_it_lacks() {
        let (context, _) = context(10_000);
        for n in 0..1_000 {
            context.log(LogLevel::Info, &format!("line {n}"));
        }
        context.log(LogLevel::Warn, "a warning");
        context.end_log();
        let lines = context.take(false).lines;
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let all: usize = lines.iter().map(|line| line.text.len() + LINE_OVERHEAD).sum();
        assert!(all < 10_500, "{all} bytes");
        let kept = texts.iter().filter(|text| text.starts_with("line ")).count();
        assert!(
            texts[kept].starts_with("the log is full (10000 bytes)"),
            "{}",
            texts[kept]
        );
        let left_out = format!("{} lines were left out, because the log was full", 1_000 - kept);
        assert_eq!(texts[kept + 1..], ["a warning", left_out.as_str()]);
    }

    #[test]
    fn warnings_do_not_fill_the_ledger_either() {
        let (context, _) = context(10_000);
        for n in 0..1_000 {
            context.log(LogLevel::Warn, &format!("warning {n}"));
        }
        let lines = context.take(false).lines;
        let all: usize = lines.iter().map(|line| line.text.len() + LINE_OVERHEAD).sum();
        assert!((12_500..13_000).contains(&all), "{all} bytes");
    }

    #[test]
    fn a_long_log_is_taken_in_parts() {
        let (context, _) = context(10 << 20);
        for _ in 0..100 {
            context.log(LogLevel::Info, &"x".repeat(10_000));
        }
        let mut parts = Vec::new();
        while context.has_lines() {
            parts.push(context.take(false).lines.len());
        }
        assert_eq!(parts, [27, 27, 27, 19]);
    }

    #[test]
    fn stages_tell_how_fast_they_go_and_when_they_end() {
        let (context, hands) = context(10_000);
        for second in 0..=50 {
            hands.0.store(second * 1_000, Ordering::Relaxed);
            context.progress(&stage("read", u64::try_from(second).expect("small") * 1_000_000));
        }
        let told = context.take(true).progress.expect("news").stages.remove(0);
        assert_eq!(told.rate, Some(1_000_000));
        assert_eq!(told.eta, Some(Timestamp::from_seconds(100)));
        assert!(context.take(true).progress.is_none(), "nothing new");

        // It stands still: told once, and then no more.
        hands.0.store(80_000, Ordering::Relaxed);
        let told = context.take(true).progress.expect("news").stages.remove(0);
        assert_eq!((told.rate, told.eta), (Some(0), None));
        assert!(context.take(true).progress.is_none());

        // The next stage ends it; what it did is told over its whole time.
        hands.0.store(100_000, Ordering::Relaxed);
        context.progress(&stage("write", 0));
        let stages = context.take(true).progress.expect("news").stages;
        assert_eq!((stages[0].rate, stages[0].eta), (Some(500_000), None));
        assert_eq!(stages[0].ended, Some(Timestamp::from_seconds(100)));
    }
}
