//! Who gets the next slot: a plain function of what runs, what waits and the limits.
//!
//! Each project (and the hub itself, as one more) has a share. A free slot goes to the share that holds the fewest
//! slots now; among equals to the one that used less slot time so far, and then to the oldest task. So shares that
//! always have something waiting hold equally many slots, and where slots do not divide evenly, the odd one goes round
//! by slot time. A share that did not run for long may be behind by [`LAG`] at most: it catches up, but does not keep
//! all others waiting for what it never asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use ironcore_types::TaskId;

/// How much slot time a share may be behind another.
pub(crate) const LAG: Duration = Duration::from_secs(24 * 3600);

/// What runs now and ran before, and what may run at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Loads {
    /// By share.
    pub(crate) shares: BTreeMap<String, Load>,
    /// By datastore: running tasks.
    pub(crate) datastores: BTreeMap<String, i64>,
    /// Running tasks that a share may have, where that is limited.
    pub(crate) share_limits: BTreeMap<String, i64>,
    /// Running tasks that a datastore may have, where that is limited.
    pub(crate) datastore_limits: BTreeMap<String, i64>,
}

/// What one share holds and used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// Slots now.
    pub(crate) running: i64,
    /// Slot time so far, the running tasks' included, in microseconds.
    pub(crate) used: i64,
}

/// A task that could be claimed, were there no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) id: TaskId,
    pub(crate) share: String,
    /// The datastores it works on.
    pub(crate) datastores: Vec<String>,
}

impl Loads {
    /// Shares that may run nothing more.
    pub(crate) fn full_shares(&self) -> Vec<&str> {
        let full = |share: &&str| {
            self.share_limits
                .get(*share)
                .is_some_and(|limit| self.load(share).running >= *limit)
        };
        self.share_limits
            .keys()
            .map(String::as_str)
            .filter(full)
            .collect()
    }

    /// Datastores on which nothing more may run.
    pub(crate) fn full_datastores(&self) -> Vec<&str> {
        let full = |(name, limit): (&'_ String, &i64)| self.on(name) >= *limit;
        self.datastore_limits
            .iter()
            .filter(|entry| full(*entry))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    fn load(&self, share: &str) -> Load {
        self.shares.get(share).copied().unwrap_or_default()
    }

    fn on(&self, datastore: &str) -> i64 {
        self.datastores.get(datastore).copied().unwrap_or_default()
    }

    fn has_room(&self, candidate: &Candidate) -> bool {
        let room = |name: &String| {
            let limit = self.datastore_limits.get(name);
            limit.is_none_or(|limit| self.on(name) < *limit)
        };
        let share = self.share_limits.get(&candidate.share);
        share.is_none_or(|limit| self.load(&candidate.share).running < *limit)
            && candidate.datastores.iter().all(room)
    }

    fn take(&mut self, candidate: &Candidate) {
        self.shares.entry(candidate.share.clone()).or_default().running += 1;
        for name in &candidate.datastores {
            *self.datastores.entry(name.clone()).or_default() += 1;
        }
    }
}

/// Chooses up to `n` of the candidates, which come in the order of their numbers.
pub(crate) fn choose(mut loads: Loads, candidates: Vec<Candidate>, n: usize) -> Vec<TaskId> {
    let most = loads.shares.values().map(|load| load.used).max().unwrap_or(0);
    let lag = i64::try_from(LAG.as_micros()).unwrap_or(i64::MAX);
    let mut queues: BTreeMap<String, std::collections::VecDeque<Candidate>> = BTreeMap::new();
    for candidate in candidates {
        queues
            .entry(candidate.share.clone())
            .or_default()
            .push_back(candidate);
    }
    let mut chosen = Vec::new();
    while chosen.len() < n {
        for queue in queues.values_mut() {
            while queue.front().is_some_and(|candidate| !loads.has_room(candidate)) {
                queue.pop_front();
            }
        }
        let next = queues
            .iter()
            .filter_map(|(share, queue)| {
                let load = loads.load(share);
                let first = queue.front()?;
                Some(((load.running, load.used.max(most - lag), first.id), share.clone()))
            })
            .min();
        let Some((_, share)) = next else { break };
        let Some(candidate) = queues
            .get_mut(&share)
            .and_then(std::collections::VecDeque::pop_front)
        else {
            break;
        };
        loads.take(&candidate);
        chosen.push(candidate.id);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(id: i64, share: &str, datastore: &str) -> Candidate {
        Candidate {
            id: TaskId(id),
            share: share.to_owned(),
            datastores: vec![datastore.to_owned()],
        }
    }

    fn ids(chosen: &[TaskId]) -> Vec<i64> {
        chosen.iter().map(|id| id.0).collect()
    }

    /// Two shares that always have something waiting, with tasks of these lengths in minutes, for some days. Answers
    /// how much slot time each got.
    fn saturate(slots: usize, lengths: [i64; 2], ahead: i64) -> [i64; 2] {
        let minute = 60_000_000;
        let names = ["a", "b"];
        let mut used = [ahead, 0];
        let mut got = [0, 0];
        let mut running: Vec<(usize, i64, i64)> = Vec::new();
        let mut number = 0;
        for now in 0..(20 * 24 * 60) {
            let now = now * minute;
            running.retain(|(who, began, end)| {
                let over = *end <= now;
                if over {
                    // As the accounts are kept: who was away is first brought to where it was let begin.
                    let lag = i64::try_from(LAG.as_micros()).expect("small");
                    let begins = used[*who].max(used[0].max(used[1]) - lag);
                    used[*who] = begins + end - began;
                    got[*who] += end - began;
                }
                !over
            });
            let mut loads = Loads::default();
            for (at, name) in names.iter().enumerate() {
                let mine = running.iter().filter(|(who, ..)| *who == at);
                let so_far: i64 = mine.clone().map(|(_, began, _)| now - began).sum();
                let load = Load {
                    running: i64::try_from(mine.count()).expect("few"),
                    used: used[at] + so_far,
                };
                loads.shares.insert((*name).to_owned(), load);
            }
            let waiting = (0..slots)
                .flat_map(|_| names)
                .map(|name| {
                    number += 1;
                    waits(number, name, "ds")
                })
                .collect::<Vec<_>>();
            for id in choose(loads, waiting.clone(), slots - running.len()) {
                let share = &waiting.iter().find(|c| c.id == id).expect("chosen").share;
                let who = usize::from(share == "b");
                running.push((who, now, now + lengths[who] * minute));
            }
        }
        got
    }

    #[test]
    fn two_saturating_projects_get_the_same_slot_time() {
        for slots in [1, 2, 3, 4, 5, 8] {
            for lengths in [[1, 1], [60, 6], [7, 90], [180, 10]] {
                let [a, b] = saturate(slots, lengths, 0);
                let apart = (a - b).abs() * 100 / a.max(b);
                assert!(
                    apart <= 10,
                    "{slots} slots, {lengths:?} minutes: {a} and {b}, {apart} % apart"
                );
            }
        }
    }

    #[test]
    fn what_a_share_used_long_before_the_other_came_does_not_count_for_ever() {
        let year = 365 * 24 * 3_600_000_000;
        let [a, b] = saturate(1, [10, 10], year);
        assert!((a - b).abs() * 100 / a.max(b) <= 10, "{a} and {b}");
    }

    #[test]
    fn a_limit_of_a_project_leaves_slots_to_others() {
        let mut loads = Loads::default();
        loads.share_limits.insert("a".to_owned(), 1);
        let waiting = vec![
            waits(1, "a", "x"),
            waits(2, "a", "x"),
            waits(3, "b", "x"),
            waits(4, "b", "x"),
        ];
        assert_eq!(ids(&choose(loads.clone(), waiting, 4)), [1, 3, 4]);
        loads.shares.insert("a".to_owned(), Load { running: 1, used: 5 });
        assert_eq!(loads.full_shares(), ["a"]);
    }

    #[test]
    fn a_limit_of_a_datastore_holds_whoever_asks() {
        let mut loads = Loads::default();
        loads.datastore_limits.insert("x".to_owned(), 2);
        loads.datastores.insert("x".to_owned(), 1);
        let waiting = vec![waits(1, "a", "x"), waits(2, "b", "x"), waits(3, "a", "y")];
        assert_eq!(ids(&choose(loads.clone(), waiting, 4)), [1, 3]);
        loads.datastores.insert("x".to_owned(), 2);
        assert_eq!(loads.full_datastores(), ["x"]);
    }

    #[test]
    fn a_copy_counts_on_both_of_its_datastores() {
        let mut loads = Loads::default();
        loads.datastore_limits.insert("y".to_owned(), 1);
        let mut copy = waits(1, "a", "x");
        copy.datastores.push("y".to_owned());
        assert_eq!(ids(&choose(loads, vec![copy, waits(2, "b", "y")], 2)), [1]);
    }

    #[test]
    fn within_a_project_the_oldest_comes_first() {
        let waiting = vec![waits(5, "a", "x"), waits(9, "a", "x"), waits(7, "b", "x")];
        assert_eq!(ids(&choose(Loads::default(), waiting, 3)), [5, 7, 9]);
    }
}
