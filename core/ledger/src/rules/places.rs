//! The places of queued tasks: a plain function of what each of them waits for.
//!
//! Projects take turns. Only what can be claimed is before a task, and what is held for the same reason as the task
//! itself: how many others are taken first, were that reason gone. What waits for its time has its place among those that
//! do, by that time.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use ironcore_types::{TaskId, Timestamp};

use crate::model::WaitReason;

/// A queued task.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) task: TaskId,
    pub(crate) share: String,
    pub(crate) reason: WaitReason,
}

/// What a worker that looks now may take: it waits for a slot at most.
fn is_claimable(reason: &WaitReason) -> bool {
    matches!(reason, WaitReason::Nothing | WaitReason::NoSlot { .. })
}

/// The order in which those that wait for their time come: by that alone, for projects take turns at slots, not at times.
fn by_time(queue: &[Place]) -> Vec<TaskId> {
    let mut waiting: Vec<(Timestamp, TaskId)> = queue
        .iter()
        .filter_map(|place| match place.reason {
            WaitReason::NotBefore { at } => Some((at, place.task)),
            _ => None,
        })
        .collect();
    waiting.sort_unstable();
    waiting.into_iter().map(|(_, task)| task).collect()
}

/// The order in which a queue comes, without what is held for another reason than `reason`: projects take turns.
fn by_turns(queue: &[Place], same: impl Fn(&WaitReason) -> bool) -> Vec<TaskId> {
    let mut turns: BTreeMap<&str, u64> = BTreeMap::new();
    let mut order: Vec<(u64, usize, TaskId)> = queue
        .iter()
        .filter(|place| is_claimable(&place.reason) || same(&place.reason))
        .enumerate()
        .map(|(at, place)| {
            let turn = turns.entry(&place.share).or_default();
            *turn += 1;
            (*turn, at, place.task)
        })
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(.., task)| task).collect()
}

/// The places of `asked`, 1 for the next, in a queue that comes in the order of its numbers; none for those that are not
/// in it.
pub(crate) fn places(queue: &[Place], asked: &[(TaskId, WaitReason)]) -> BTreeMap<TaskId, u64> {
    let mut found = BTreeMap::new();
    let mut rest: Vec<&(TaskId, WaitReason)> = asked.iter().collect();
    // There are few reasons: each is gone through once, for all that have it.
    while let Some((_, reason)) = rest.first().copied() {
        let same = |other: &WaitReason| {
            discriminant(other) == discriminant(reason) || is_claimable(other) && is_claimable(reason)
        };
        let (these, others): (Vec<_>, Vec<_>) = rest.iter().copied().partition(|(_, other)| same(other));
        let these: BTreeSet<TaskId> = these.into_iter().map(|(task, _)| *task).collect();
        let order = match reason {
            WaitReason::NotBefore { .. } => by_time(queue),
            _ => by_turns(queue, same),
        };
        let numbered = order.into_iter().zip(1..);
        found.extend(numbered.filter(|(task, _)| these.contains(task)));
        rest = others;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOT: WaitReason = WaitReason::NoSlot { slots: 1 };

    fn queue(tasks: &[(&str, WaitReason)]) -> Vec<Place> {
        let places = (1..).zip(tasks).map(|(number, (share, reason))| Place {
            task: TaskId(number),
            share: (*share).to_owned(),
            reason: reason.clone(),
        });
        places.collect()
    }

    fn said(queue: &[Place]) -> Vec<u64> {
        let asked: Vec<_> = queue
            .iter()
            .map(|place| (place.task, place.reason.clone()))
            .collect();
        places(queue, &asked).into_values().collect()
    }

    #[test]
    fn projects_take_turns() {
        let all = queue(&[("a", SLOT), ("a", SLOT), ("b", SLOT), ("a", WaitReason::Nothing)]);
        assert_eq!(said(&all), [1, 3, 2, 4]);
    }

    #[test]
    fn what_is_held_is_before_nobody_but_its_like() {
        let all = queue(&[
            ("a", WaitReason::JobPaused),
            ("a", SLOT),
            ("a", WaitReason::JobPaused),
            ("b", WaitReason::JobRuns),
            ("b", SLOT),
        ]);
        // Those that are paused are counted with what can be claimed, in turns: 1, 5, 2, 3.
        assert_eq!(said(&all), [1, 1, 4, 2, 2]);
    }

    #[test]
    fn of_those_that_wait_for_their_time_the_first_to_come_is_first() {
        let at = |seconds| WaitReason::NotBefore {
            at: Timestamp::from_seconds(seconds),
        };
        let all = queue(&[
            ("a", at(90)),
            ("a", at(20)),
            ("b", at(50)),
            ("b", at(95)),
            ("a", SLOT),
        ]);
        assert_eq!(said(&all), [3, 1, 2, 4, 1]);
    }

    #[test]
    fn what_is_beyond_the_queue_has_no_place() {
        let all = queue(&[("a", SLOT)]);
        assert!(places(&all, &[(TaskId(2), SLOT)]).is_empty());
    }
}
