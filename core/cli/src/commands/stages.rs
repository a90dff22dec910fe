//! How far a task is, stage by stage: in words, and as bars on a terminal.

use anyhow::{Context as _, Result};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use ironcore_api::wire;
use ironcore_types::Timestamp;
use ironcore_types::progress::Stage;

use super::job_next::distance;
use crate::output;

/// The lines about a task's stages, as `task show` prints them. `now` is the hub's time, when it is known: the clock of
/// this machine may be another.
pub(super) fn lines(task: &wire::Task, now: Option<Timestamp>) -> Vec<(&'static str, String)> {
    let stages = &task.progress.stages;
    stages
        .iter()
        .map(|stage| ("Stage", line(stage, task, now)))
        .collect()
}

fn line(stage: &Stage, task: &wire::Task, now: Option<Timestamp>) -> String {
    let over = stage.ended.is_some() || task.state.is_final();
    let of = |total: Option<String>| total.map_or_else(String::new, |total| format!(" of {total}"));
    let mut parts = Vec::new();
    // A stage that counts nothing but bytes has no unit.
    if !stage.unit.is_empty() && stage.unit != "bytes" {
        let total = of(stage.total.map(|total| total.to_string()));
        let unit = match (stage.done, stage.total) {
            (_, Some(1)) | (1, None) => stage.unit.trim_end_matches('s'),
            _ => &stage.unit,
        };
        parts.push(format!("{}{total} {unit}", stage.done));
    }
    if moves_bytes(stage) {
        let total = of(stage.bytes_total.filter(|_| !over).map(output::bytes));
        parts.push(format!("{}{total}", output::bytes(stage.bytes)));
    }
    if !over {
        parts.push(goes_on(stage, now));
    } else if let Some(rate) = stage.rate.filter(|_| moves_bytes(stage)) {
        parts.push(format!("{}/s", output::bytes(rate)));
    }
    if let (Some(started), Some(ended)) = (stage.started, stage.ended) {
        let micros = u64::try_from(ended.since(started).as_micros()).unwrap_or(u64::MAX);
        parts.push(output::duration(micros));
    }
    if parts.is_empty() {
        // Its worker was lost: nobody knows how far it came.
        return stage.name.clone();
    }
    format!("{}: {}", stage.name, parts.join(", "))
}

/// What is known of a stage that goes on.
fn goes_on(stage: &Stage, now: Option<Timestamp>) -> String {
    if counts_nothing(stage) {
        let since = stage.started.zip(now).map_or_else(String::new, |(started, now)| {
            format!(" for {}", distance(now.since(started)))
        });
        return format!("running{since}");
    }
    rate_and_eta(stage, now)
}

/// Whether a rate says anything: removing names, say, moves no bytes.
fn moves_bytes(stage: &Stage) -> bool {
    stage.bytes > 0 || stage.bytes_total.is_some_and(|total| total > 0)
}

/// A command runs as long as it runs.
fn counts_nothing(stage: &Stage) -> bool {
    stage.unit.is_empty() && stage.bytes == 0 && stage.bytes_total.is_none()
}

/// The rate and the end of a stage that goes on; "unknown" when the hub cannot tell.
fn rate_and_eta(stage: &Stage, now: Option<Timestamp>) -> String {
    let eta = match (stage.eta, now) {
        (Some(eta), Some(now)) if eta > now => format!("done in {}", distance(eta.since(now))),
        (Some(_), Some(_)) => "done in a moment".to_owned(),
        (Some(eta), None) => format!("done at {}", output::time(Some(eta))),
        (None, _) => "ETA unknown".to_owned(),
    };
    match stage.rate {
        _ if !moves_bytes(stage) => eta,
        Some(rate) => format!("{}/s, {eta}", output::bytes(rate)),
        None => format!("rate unknown, {eta}"),
    }
}

/// One bar a stage, on standard error.
pub(super) struct Bars {
    all: MultiProgress,
    waiting: ProgressBar,
    stages: Vec<ProgressBar>,
    known: ProgressStyle,
    unknown: ProgressStyle,
}

impl Bars {
    /// Bars that show when `show`.
    pub(super) fn new(show: bool) -> Result<Self> {
        Self::on(if show {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        })
    }

    fn on(target: ProgressDrawTarget) -> Result<Self> {
        let style = |template: &str| {
            ProgressStyle::with_template(template).context("internal fault: the progress bar's template")
        };
        let all = MultiProgress::with_draw_target(target);
        let waiting = all.add(ProgressBar::new_spinner());
        waiting.set_style(style("{spinner} {wide_msg}")?);
        Ok(Self {
            all,
            waiting,
            stages: Vec::new(),
            known: style("{prefix:<14!} {wide_bar} {msg}")?.progress_chars("━╸─"),
            unknown: style("{prefix:<14!} {spinner} {msg}")?,
        })
    }

    /// Shows the task as it is at `now`, the hub's time.
    pub(super) fn show(&mut self, task: &wire::Task, now: Option<Timestamp>) {
        match waits(task) {
            Some(text) => {
                self.waiting.set_message(text);
                self.waiting.tick();
            }
            None => self.waiting.finish_and_clear(),
        }
        for (n, stage) in task.progress.stages.iter().enumerate() {
            if n == self.stages.len() {
                let bar = self.all.add(ProgressBar::new(0).with_style(self.unknown.clone()));
                bar.set_prefix(stage.name.clone());
                self.stages.push(bar);
            }
            if let Some(bar) = self.stages.get(n) {
                self.draw(bar, stage, now);
            }
        }
    }

    fn draw(&self, bar: &ProgressBar, stage: &Stage, now: Option<Timestamp>) {
        let over = stage.ended.is_some();
        // Bytes tell more than counts, but only where their number is known.
        let (done, total) = match (stage.bytes_total, stage.total) {
            (Some(total), _) => (stage.bytes, Some(total)),
            (None, total) => (stage.done, total),
        };
        let total = if over {
            Some(done.max(1))
        } else {
            total.filter(|total| *total > 0)
        };
        bar.set_style(if total.is_some() {
            self.known.clone()
        } else {
            self.unknown.clone()
        });
        bar.set_length(total.unwrap_or(0));
        bar.set_position(if over { done.max(1) } else { done });
        if counts_nothing(stage) {
            bar.set_message(if over { String::new() } else { goes_on(stage, now) });
            return bar.tick();
        }
        let moved = match (stage.bytes, stage.bytes_total.filter(|total| *total > 0)) {
            (0, None) => format!("{} {}", stage.done, stage.unit),
            (bytes, Some(total)) if !over => format!("{} of {}", output::bytes(bytes), output::bytes(total)),
            (bytes, _) => output::bytes(bytes),
        };
        bar.set_message(match (over, stage.rate.filter(|_| moves_bytes(stage))) {
            (true, Some(rate)) => format!("{moved}, {}/s", output::bytes(rate)),
            (true, None) => moved,
            (false, _) => format!("{moved}, {}", rate_and_eta(stage, now)),
        });
        bar.tick();
    }

    /// Takes them off the screen.
    pub(super) fn clear(&self) {
        self.waiting.finish_and_clear();
        for bar in &self.stages {
            bar.finish_and_clear();
        }
    }
}

/// What a queued task waits for, and its place.
pub(super) fn waits(task: &wire::Task) -> Option<String> {
    if task.state != ironcore_types::TaskState::Queued {
        return None;
    }
    let why = task.waiting.as_deref().unwrap_or("a worker takes it in a moment");
    Some(match task.queue_position {
        Some(position) => format!("queued, number {position}: {why}"),
        None => format!("queued: {why}"),
    })
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;

    fn stage(more: serde_json::Value) -> Stage {
        let mut stage = serde_json::json!({
            "name": "read source", "done": 12, "total": 40, "unit": "files", "bytes": 1 << 20,
            "bytes_total": 4 << 20, "started": "2026-05-21T00:00:00Z", "ended": null,
        });
        for (key, value) in more.as_object().expect("an object") {
            stage[key] = value.clone();
        }
        serde_json::from_value(stage).expect("a stage")
    }

    fn task(state: &str, stages: &[&Stage]) -> wire::Task {
        let task = serde_json::json!({
            "upid": "UPID:vm:000060FA:001682B6:00000001:6B04F769:gc:a:root@local:", "type": "gc", "state": state,
            "status": state, "project": null, "job": null, "user": "root@local", "source": null, "target": null,
            "cancelled_by": null, "retry_of": null, "retried_by": null, "attempt": 1, "node": null, "queued": "2026-05-21T00:00:00Z", "started": null, "ended": null, "bytes": 0,
            "stats": {}, "progress": {"stages": stages}, "warnings": [], "warning_count": 0, "error": null,
            "waiting": "every slot is taken", "queue_position": 3, "tips": [],
        });
        serde_json::from_value(task).expect("a task")
    }

    fn now() -> Option<Timestamp> {
        Some("2026-05-21T00:01:00Z".parse().expect("a time"))
    }

    fn said(stage: &Stage, state: &str) -> String {
        let task = task(state, &[]);
        match state {
            "queued" => waits(&task).expect("it waits"),
            _ => line(stage, &task, now()),
        }
    }

    /// Bars on a terminal of 80 columns, and that terminal.
    fn bars() -> (Bars, InMemoryTerm) {
        let terminal = InMemoryTerm::new(10, 80);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        (Bars::on(target).expect("templates"), terminal)
    }

    #[test]
    fn what_is_not_known_is_called_unknown() {
        let running = stage(serde_json::json!({}));
        assert_eq!(
            said(&running, "running"),
            "read source: 12 of 40 files, 1.00 MiB of 4.00 MiB, rate unknown, ETA unknown"
        );
        let known = stage(serde_json::json!({"rate": 1 << 20, "eta": "2026-05-21T00:03:05Z"}));
        assert!(said(&known, "running").ends_with("1.00 MiB/s, done in 2min 5s"));
        let over = stage(serde_json::json!({"ended": "2026-05-21T00:01:00Z", "rate": 1 << 20}));
        assert_eq!(
            said(&over, "ok"),
            "read source: 12 of 40 files, 1.00 MiB, 1.00 MiB/s, 1 min 0 s"
        );
        assert_eq!(said(&over, "queued"), "queued, number 3: every slot is taken");
    }

    #[test]
    fn what_moves_no_bytes_has_no_rate() {
        let prune = stage(serde_json::json!({
            "name": "prune", "unit": "snapshots", "bytes": 0, "bytes_total": null, "rate": 0
        }));
        assert_eq!(said(&prune, "running"), "prune: 12 of 40 snapshots, ETA unknown");
        let over = Stage {
            ended: now(),
            ..prune
        };
        assert_eq!(said(&over, "ok"), "prune: 12 of 40 snapshots, 1 min 0 s");
        let nothing = Stage {
            bytes_total: Some(0),
            ..over.clone()
        };
        assert_eq!(said(&nothing, "ok"), "prune: 12 of 40 snapshots, 1 min 0 s");
        let (mut bars, terminal) = bars();
        bars.show(&task("running", &[&over]), now());
        assert!(
            terminal.contents().ends_with(" 12 snapshots"),
            "{}",
            terminal.contents()
        );
        // What has not moved anything yet, but will, has a rate to be known.
        let begins = stage(serde_json::json!({"bytes": 0}));
        assert!(said(&begins, "running").ends_with(", 0 B of 4.00 MiB, rate unknown, ETA unknown"));
    }

    #[test]
    fn times_are_told_by_the_clock_of_the_hub_or_not_at_all() {
        let command = stage(serde_json::json!({
            "name": "command before", "unit": "", "done": 0, "total": null, "bytes": 0, "bytes_total": null
        }));
        let running = task("running", &[]);
        assert_eq!(
            line(&command, &running, now()),
            "command before: running for 1min"
        );
        assert_eq!(line(&command, &running, None), "command before: running");
        let known = stage(serde_json::json!({"rate": 1 << 20, "eta": "2026-05-21T00:03:05Z"}));
        assert!(line(&known, &running, None).ends_with(", 1.00 MiB/s, done at 2026-05-21T00:03:05Z"));
        // Its worker was lost: nobody ended the stage.
        assert_eq!(said(&command, "failed"), "command before");
    }

    #[test]
    fn each_stage_has_a_bar_as_long_as_what_is_done() {
        let (mut bars, terminal) = bars();
        let read = stage(serde_json::json!({"rate": 1 << 20, "eta": "2026-05-21T00:03:05Z"}));
        let scan = stage(serde_json::json!({
            "name": "look at every folder", "total": null, "bytes": 0, "bytes_total": null
        }));
        bars.show(&task("running", &[&read, &scan]), now());
        let screen = terminal.contents();
        let lines: Vec<&str> = screen.lines().collect();
        assert_eq!(lines.len(), 2, "{screen}");
        assert!(
            lines[0].starts_with("read source    ━")
                && lines[0].ends_with(" 1.00 MiB of 4.00 MiB, 1.00 MiB/s, done in 2min 5s"),
            "{screen}"
        );
        let drawn = |chars: &[char]| lines[0].chars().filter(|one| chars.contains(one)).count();
        let (done, bar) = (drawn(&['━']), drawn(&['━', '╸', '─']));
        assert_eq!(done, bar / 4, "a quarter: {screen}");
        assert_eq!(lines[0].chars().count(), 80, "as wide as the terminal: {screen}");
        // Without a total there is nothing to draw a bar of.
        assert!(
            lines[1].starts_with("look at every  ")
                && lines[1].ends_with(" 12 files, ETA unknown")
                && !lines[1].contains('─'),
            "{screen}"
        );
        bars.clear();
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn a_stage_that_ended_has_a_full_bar() {
        let (mut bars, terminal) = bars();
        let over = stage(serde_json::json!({"ended": "2026-05-21T00:01:00Z", "rate": 1 << 20}));
        bars.show(&task("running", &[&over]), now());
        let screen = terminal.contents();
        assert!(screen.ends_with("━ 1.00 MiB, 1.00 MiB/s"), "{screen}");
        assert!(!screen.contains('─') && !screen.contains("ETA"), "{screen}");
    }

    #[test]
    fn a_task_that_waits_says_so_until_it_begins() {
        let (mut bars, terminal) = bars();
        bars.show(&task("queued", &[]), now());
        let screen = terminal.contents();
        assert!(
            screen.ends_with(" queued, number 3: every slot is taken"),
            "{screen}"
        );
        bars.show(&task("running", &[]), now());
        assert_eq!(terminal.contents(), "");
    }
}
