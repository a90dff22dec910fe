//! What silences and maintenance windows say of an incident: whether they are about all that still fails, and which of its
//! events they are about.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_ledger::LedgerError;
use ironcore_ledger::model::DueNotice;
use ironcore_types::Timestamp;

use crate::cause;
use crate::matching::Silences;
use crate::notify::Shared;

/// Newest events, and members, of an incident that are looked at. What is not among them is taken for not silenced: rather
/// too much is told than too little.
const LOOKED_AT: u32 = 1_000;
/// Newest events that a notice is made of.
const NEWEST: usize = 20;

/// What is silenced of an incident.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Quiet {
    /// When the first silence is over, while all that still fails is silenced.
    pub(super) over: Option<Timestamp>,
    /// Events that are silenced.
    silenced: BTreeSet<i64>,
    /// The newest events that are not, newest first.
    heard: Vec<i64>,
}

impl Quiet {
    pub(super) async fn of(
        shared: &Shared,
        silences: &Silences,
        look: &DueNotice,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        if silences.are_none() {
            return Ok(Self::default());
        }
        let id = look.incident.id;
        let members = shared.ledger.incident_members(id, LOOKED_AT).await?;
        let failing = members.into_iter().filter(|member| member.failing);
        let failing: BTreeSet<String> = failing.map(|member| member.member).collect();
        let project = look.notice.handler.project.as_ref();
        let events = shared.ledger.incident_events(id, LOOKED_AT).await?;
        let mut quiet = Self::decide(
            &failing,
            events.iter().map(|event| Heard {
                seq: event.seq,
                member: cause::of(&event.event).map(|cause| cause.member),
                until: silences
                    .quiet(&event.event, project, now)
                    .map(|quiet| quiet.until),
            }),
        );
        quiet.mind(&look.untold);
        Ok(quiet)
    }

    /// What nobody silenced is told, also when it is over and only what is silenced still fails.
    fn mind(&mut self, untold: &[i64]) {
        if untold.iter().any(|seq| !self.silenced.contains(seq)) {
            self.over = None;
        }
    }

    /// `events` come newest first. Each member is silenced when its newest event is.
    fn decide(failing: &BTreeSet<String>, events: impl Iterator<Item = Heard>) -> Self {
        let mut quiet = Self::default();
        let mut newest = BTreeMap::new();
        for Heard { seq, member, until } in events {
            match until {
                Some(_) => {
                    quiet.silenced.insert(seq);
                }
                None if quiet.heard.len() < NEWEST => quiet.heard.push(seq),
                None => {}
            }
            if let Some(member) = member {
                newest.entry(member).or_insert(until);
            }
        }
        // Of an incident that is over nothing fails any more.
        let asked: Vec<Option<Timestamp>> = match failing.is_empty() {
            true => newest.into_values().collect(),
            false => failing
                .iter()
                .map(|member| newest.get(member).copied().flatten())
                .collect(),
        };
        if !asked.is_empty() && asked.iter().all(Option::is_some) {
            quiet.over = asked.into_iter().flatten().min();
        }
        quiet
    }

    /// The notice without what is silenced. There is always something to tell of: where all that was looked at is silenced,
    /// and what still fails is older, it stays as it is.
    pub(super) fn without(&self, mut look: DueNotice) -> DueNotice {
        if !self.silenced.is_empty() && !self.heard.is_empty() {
            look.newest = self.heard.iter().rev().copied().collect();
        }
        look
    }
}

/// An event of the incident: whom it is about, and until when it is silenced.
struct Heard {
    seq: i64,
    member: Option<String>,
    until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn heard(seq: i64, member: &str, until: Option<&str>) -> Heard {
        Heard {
            seq,
            member: Some(member.to_owned()),
            until: until.map(at),
        }
    }

    fn decide(failing: &[&str], events: Vec<Heard>) -> Quiet {
        let failing = failing.iter().map(|member| (*member).to_owned()).collect();
        Quiet::decide(&failing, events.into_iter())
    }

    const ONE: &str = "2026-05-21T03:00:00Z";
    const TWO: &str = "2026-05-21T04:00:00Z";

    #[test]
    fn one_silenced_member_hides_no_other() {
        for events in [
            vec![heard(2, "job/a", None), heard(1, "job/b", Some(ONE))],
            vec![heard(2, "job/b", Some(ONE)), heard(1, "job/a", None)],
        ] {
            assert_eq!(decide(&["job/a", "job/b"], events).over, None);
        }
    }

    #[test]
    fn what_nobody_silenced_is_told_though_it_is_over() {
        let events = || vec![heard(2, "job/b", Some(ONE)), heard(1, "job/a", None)];
        // Only the silenced one still fails.
        for (untold, over) in [(vec![1], None), (vec![2], Some(at(ONE))), (vec![], Some(at(ONE)))] {
            let mut quiet = decide(&["job/b"], events());
            quiet.mind(&untold);
            assert_eq!(quiet.over, over, "{untold:?}");
        }
    }

    #[test]
    fn what_is_told_of_stands_behind_any_number_of_silenced_ones() {
        let mut events: Vec<Heard> = (2..40).rev().map(|seq| heard(seq, "job/b", Some(ONE))).collect();
        events.push(heard(1, "job/a", None));
        let quiet = decide(&["job/a", "job/b"], events);
        assert_eq!((quiet.over, quiet.silenced.len()), (None, 38));
        assert_eq!(quiet.heard, [1]);
    }

    #[test]
    fn it_is_quiet_until_the_first_silence_of_what_still_fails_is_over() {
        let events = || {
            vec![
                heard(3, "job/a", Some(TWO)),
                heard(2, "job/b", Some(ONE)),
                heard(1, "job/c", None),
            ]
        };
        // The third works again.
        let quiet = decide(&["job/a", "job/b"], events());
        assert_eq!((quiet.over, quiet.heard), (Some(at(ONE)), vec![1]));
        assert_eq!(decide(&["job/a", "job/b", "job/c"], events()).over, None);
        assert_eq!(decide(&["job/a", "job/unknown"], events()).over, None);
        // Nothing fails any more: of all of them one is not silenced.
        assert_eq!(decide(&[], events()).over, None);
        assert_eq!(decide(&[], Vec::new()), Quiet::default());
    }
}
