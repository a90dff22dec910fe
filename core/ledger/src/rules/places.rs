//! The places of queued tasks: a plain function of what each of them waits for.
//!
//! Projects take turns. Only what can be claimed is before a task, and what is held for the same reason as the task
//! itself: how many others are taken first, were that reason gone.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use ironcore_types::TaskId;

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

/// The queue with those that wait for their time in the order in which that comes, at the places where they stand.
fn by_time(mut line: Vec<&Place>) -> Vec<&Place> {
    let time = |place: &&Place| match place.reason {
        WaitReason::NotBefore { at } => Some(at),
        _ => None,
    };
    let stand: Vec<usize> = (0..line.len())
        .filter(|at| line.get(*at).is_some_and(|place| time(place).is_some()))
        .collect();
    let mut waiting: Vec<&Place> = line
        .iter()
        .copied()
        .filter(|place| time(place).is_some())
        .collect();
    waiting.sort_by_key(time);
    for (at, place) in stand.into_iter().zip(waiting) {
        if let Some(here) = line.get_mut(at) {
            *here = place;
        }
    }
    line
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
        let mut turns: BTreeMap<&str, u64> = BTreeMap::new();
        let line = queue
            .iter()
            .filter(|place| is_claimable(&place.reason) || same(&place.reason));
        let line = by_time(line.collect());
        let mut order: Vec<(u64, usize)> = line
            .iter()
            .enumerate()
            .map(|(at, place)| {
                let turn = turns.entry(&place.share).or_default();
                *turn += 1;
                (*turn, at)
            })
            .collect();
        order.sort_unstable();
        let order = order.into_iter().filter_map(|(_, at)| Some(line.get(at)?.task));
        let numbered = order.zip(1..);
        found.extend(numbered.filter(|(task, _)| these.contains(task)));
        rest = others;
    }
    found
}

#[cfg(test)]
mod tests {
    use ironcore_types::Timestamp;

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
        let all = queue(&[("a", at(90)), ("a", at(20)), ("b", at(50)), ("a", SLOT)]);
        assert_eq!(said(&all), [3, 1, 2, 1]);
    }

    #[test]
    fn what_is_beyond_the_queue_has_no_place() {
        let all = queue(&[("a", SLOT)]);
        assert!(places(&all, &[(TaskId(2), SLOT)]).is_empty());
    }
}
