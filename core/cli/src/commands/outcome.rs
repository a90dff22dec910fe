//! What an ended task did to snapshots, in words: "OK" alone would say more than is known.

use ironcore_api::wire;
use ironcore_types::progress::{Progress, TaskStats};
use ironcore_types::{TaskState, TaskType, counted};

/// A line about the snapshots that a verification or a prune dealt with.
pub(super) fn snapshots(task: &wire::Task) -> Option<(&'static str, String)> {
    let text = match task.task_type {
        _ if !task.state.is_final() => None,
        TaskType::Verify => verified(&task.stats, task.state),
        TaskType::Prune => pruned(&task.stats, task.state, &task.progress),
        _ => None,
    };
    text.map(|text| ("Snapshots", text))
}

/// The words for what was left out are those of the event's title.
fn verified(stats: &TaskStats, state: TaskState) -> Option<String> {
    let skipped = counted(stats.snapshots_skipped, "snapshot");
    let mut text = match (stats.snapshots, stats.snapshots_skipped) {
        (0, 0) if state != TaskState::Ok => return None,
        (0, 1..) if state == TaskState::Ok => {
            return Some(format!("nothing was due, {skipped} verified OK before"));
        }
        (looked_at, _) => format!("{} verified", counted(looked_at, "snapshot")),
    };
    if stats.snapshots_affected > 0 {
        text.push_str(&format!(", {} of them bad", stats.snapshots_affected));
    }
    if stats.snapshots_skipped > 0 {
        text.push_str(&format!("; {skipped} verified OK before left out"));
    }
    Some(text)
}

fn pruned(stats: &TaskStats, state: TaskState, progress: &Progress) -> Option<String> {
    if stats.snapshots == 0 && stats.snapshots_affected == 0 && state != TaskState::Ok {
        return None;
    }
    // A dry run only plans, and counts what it would keep; else all are counted that were looked at.
    let dry = !progress.stages.is_empty() && progress.stages.iter().all(|stage| stage.name != "prune");
    Some(if dry && stats.snapshots_affected > 0 {
        format!(
            "{} to keep, {} to remove: nothing was removed",
            counted(stats.snapshots, "snapshot"),
            stats.snapshots_affected
        )
    } else {
        let kept = stats.snapshots.saturating_sub(stats.snapshots_affected);
        format!(
            "{} kept, {} removed",
            counted(kept, "snapshot"),
            stats.snapshots_affected
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironcore_types::progress::Stage;

    fn stats(snapshots: u64, snapshots_affected: u64, snapshots_skipped: u64) -> TaskStats {
        TaskStats {
            snapshots,
            snapshots_affected,
            snapshots_skipped,
            ..TaskStats::default()
        }
    }

    #[test]
    fn a_verification_says_what_it_left_out() {
        let said = |stats: TaskStats| verified(&stats, TaskState::Ok).expect("something to say");
        assert_eq!(
            said(stats(0, 0, 5)),
            "nothing was due, 5 snapshots verified OK before"
        );
        assert_eq!(
            said(stats(1, 0, 1)),
            "1 snapshot verified; 1 snapshot verified OK before left out"
        );
        assert_eq!(said(stats(3, 1, 0)), "3 snapshots verified, 1 of them bad");
        assert_eq!(verified(&stats(0, 0, 0), TaskState::Failed), None);
    }

    #[test]
    fn a_prune_says_what_is_left() {
        let stages = |names: &[&str]| {
            let stage = |name: &&str| Stage {
                name: (*name).to_owned(),
                ..Stage::default()
            };
            let mut progress = Progress::default();
            progress.stages.extend(names.iter().map(stage));
            progress
        };
        let said =
            |stats: TaskStats, names: &[&str]| pruned(&stats, TaskState::Ok, &stages(names)).expect("words");
        assert_eq!(
            said(stats(5, 2, 0), &["plan", "prune"]),
            "3 snapshots kept, 2 removed"
        );
        assert_eq!(said(stats(5, 0, 0), &["plan"]), "5 snapshots kept, 0 removed");
        assert_eq!(
            said(stats(3, 2, 0), &["plan"]),
            "3 snapshots to keep, 2 to remove: nothing was removed"
        );
    }
}
