//! The last line of a task's log: how it ended. It is written with the end itself, so that every log has one, whoever wrote
//! the end.

use ironcore_types::TaskState;
use ironcore_types::progress::TaskStats;

use super::overlap;
use super::tell::is_handed_over;
use crate::model::{LogLevel, NewLogLine, Task};

/// As long as the line becomes at most, bytes: a reason may quote anything.
const LINE_BYTES: usize = 16 << 10;

/// The closing line of a task that has ended.
pub(crate) fn closing(task: &Task) -> NewLogLine {
    let level = match task.state {
        TaskState::Failed if is_handed_over(task) => LogLevel::Warn,
        TaskState::Failed => LogLevel::Error,
        TaskState::Cancelled => LogLevel::Warn,
        _ => LogLevel::Info,
    };
    let mut text = format!("ended {}", task.state.shown());
    if let Some(by) = task
        .cancel_by
        .as_ref()
        .filter(|_| task.state == TaskState::Cancelled)
    {
        text.push_str(&match by.as_str() {
            overlap::HUB => " for the next run of its job".to_owned(),
            user => format!(" by {user}"),
        });
    }
    if let Some(error) = &task.error {
        text.push_str(&format!(": {} [{}]", error.message, error.code));
    }
    let moved = moved(&task.stats, task.warning_count);
    match (task.started, &task.error) {
        (None, _) => text.push_str(", before it began"),
        (Some(_), Some(_)) if task.stats == TaskStats::default() && task.warning_count == 0 => {}
        (Some(_), Some(_)) => text.push_str(&format!("; {moved}")),
        (Some(_), None) => text.push_str(&format!(": {moved}")),
    }
    NewLogLine {
        time: task.ended.unwrap_or(task.queued),
        level,
        text: one_line(&text),
    }
}

/// One line of bounded length: what a reason holds must not forge others.
fn one_line(text: &str) -> String {
    let mut cut = text.len().min(LINE_BYTES);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    text[..cut]
        .chars()
        .map(|c| match c {
            '\t' => c,
            '\n' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// What a task moved and found, in words.
fn moved(stats: &TaskStats, warnings: u64) -> String {
    let mut parts = vec![format!("{} bytes", stats.bytes)];
    let counted = [
        (stats.bytes_stored, "bytes stored"),
        (stats.files, "files"),
        (stats.files_unchanged, "files unchanged"),
        (stats.chunks, "chunks"),
        (stats.chunks_known, "chunks known"),
        (stats.snapshots, "snapshots"),
        (stats.snapshots_affected, "snapshots affected"),
        (stats.snapshots_skipped, "snapshots skipped"),
        (warnings, "warnings"),
    ];
    parts.extend(
        counted
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{n} {what}")),
    );
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_bounded_length() {
        assert_eq!(one_line("a\nb\tc\u{1b}[31m\r"), "a b\tc\u{fffd}[31m\u{fffd}");
        let long = one_line(&"\u{2713}".repeat(LINE_BYTES));
        assert!(long.len() <= LINE_BYTES && long.len() > LINE_BYTES - 3);
    }

    #[test]
    fn what_was_moved_is_named_when_there_is_any() {
        let stats = TaskStats {
            bytes: 7,
            files: 2,
            ..TaskStats::default()
        };
        assert_eq!(moved(&stats, 1), "7 bytes, 2 files, 1 warnings");
        assert_eq!(moved(&TaskStats::default(), 0), "0 bytes");
    }
}
