//! What silences and maintenance windows say of an incident: whether they are about all that still fails or about its end,
//! and which of its events they are about.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{DueNotice, IncidentState, SeqEvent};
use ironcore_types::Timestamp;
use ironcore_types::notification::Silencer;

use crate::cause;
use crate::matching::{Quiet as Silenced, Silences};
use crate::notify::Shared;

/// Newest events, and members, of an incident that are looked at. What is not among them is taken for not silenced: rather
/// too much is told than too little.
const LOOKED_AT: u32 = 1_000;
/// Newest events that a notice is made of.
const NEWEST: usize = 20;

/// What is silenced of an incident.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Quiet {
    /// When the first silence is over, while all that still fails is silenced; of an incident that has ended, when those
    /// about its end are over.
    over: Option<Timestamp>,
    /// Events that are silenced.
    silenced: BTreeMap<i64, Silenced>,
    /// The newest events that are not, newest first.
    heard: Vec<i64>,
}

/// Events that are told later or never, each by what it is silenced and until when.
type Held = Vec<(i64, Silencer, Timestamp)>;

impl Quiet {
    /// `end` is the event that ended the incident, if there is one.
    pub(super) async fn of(
        shared: &Shared,
        silences: &Silences,
        look: &DueNotice,
        end: Option<&SeqEvent>,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        if silences.are_none() {
            return Ok(Self::default());
        }
        let id = look.incident.id;
        let project = look.notice.handler.project.as_ref();
        let lasts = match (look.incident.state(), end) {
            (IncidentState::Ended, Some(end)) => Lasts::Ended(silences.quiet(&end.event, project, now)),
            // No event tells of its end: whoever silences all of those it was about is not told.
            (IncidentState::Ended, None) => Lasts::EndedOfItself,
            _ => {
                let members = shared.ledger.incident_members(id, LOOKED_AT).await?;
                let failing = members.into_iter().filter(|member| member.failing);
                Lasts::Failing(failing.map(|member| member.member).collect())
            }
        };
        let events = shared.ledger.incident_events(id, LOOKED_AT).await?;
        let mut quiet = Self::decide(
            &lasts,
            events.iter().map(|event| Heard {
                seq: event.seq,
                member: cause::of(&event.event).map(|cause| cause.member),
                silenced: silences.quiet(&event.event, project, now),
                all: silences.quiet_all_of(&event.event, project, now),
            }),
        );
        if let (Some(end), Lasts::Ended(Some(by))) = (end, lasts) {
            quiet.silenced.insert(end.seq, by);
        }
        let held: BTreeSet<i64> = look.held.iter().copied().collect();
        quiet.heard.retain(|seq| !held.contains(seq));
        quiet.heard.truncate(NEWEST);
        Ok(quiet)
    }

    /// `events` come newest first. Each member is silenced when its newest event is.
    fn decide(lasts: &Lasts, events: impl Iterator<Item = Heard>) -> Self {
        let mut quiet = Self::default();
        let mut newest = BTreeMap::new();
        for heard in events {
            let until = match lasts {
                Lasts::Failing(_) => heard.silenced.as_ref(),
                Lasts::Ended(_) | Lasts::EndedOfItself => heard.all.as_ref(),
            };
            if let Some(member) = heard.member {
                newest.entry(member).or_insert(until.map(|by| by.until));
            }
            match heard.silenced {
                Some(by) => {
                    quiet.silenced.insert(heard.seq, by);
                }
                None => quiet.heard.push(heard.seq),
            }
        }
        let asked: Vec<Option<Timestamp>> = match lasts {
            Lasts::Ended(by) => vec![by.as_ref().map(|by| by.until)],
            Lasts::EndedOfItself => newest.into_values().collect(),
            Lasts::Failing(failing) => failing
                .iter()
                .map(|member| newest.get(member).copied().flatten())
                .collect(),
        };
        if !asked.is_empty() && asked.iter().all(Option::is_some) {
            quiet.over = asked.into_iter().flatten().min();
        }
        quiet
    }

    /// The notice without what is silenced, and what that is of all that it would tell. There is always something to tell
    /// of: where all that was looked at is silenced, and what still fails is older, the newest stay.
    pub(super) fn sift(&self, mut look: DueNotice) -> (DueNotice, Held) {
        let mut held = Held::new();
        look.untold.retain(|seq| match self.silenced.get(seq) {
            None => true,
            Some(by) => {
                held.push((*seq, by.by.clone(), by.until));
                false
            }
        });
        look.news.retain(|seq| !self.silenced.contains_key(seq));
        if let Some(seq) = look.incident.end_seq
            && let Some(by) = self.silenced.get(&seq)
        {
            if look.hears_end {
                held.push((seq, by.by.clone(), by.until));
            }
            look.hears_end = false;
            look.incident.end_seq = None;
        }
        if !self.silenced.is_empty() && !self.heard.is_empty() {
            look.newest = self.heard.iter().rev().copied().collect();
        }
        (look, held)
    }

    /// Until when nothing is told of what was sifted. What nobody silenced is told, also when it is over and only what is
    /// silenced still fails.
    pub(super) fn over(&self, sifted: &DueNotice) -> Option<Timestamp> {
        self.over.filter(|_| sifted.untold.is_empty())
    }
}

/// What is asked whether it is silenced.
enum Lasts {
    /// Those who still fail.
    Failing(BTreeSet<String>),
    /// The event that ended the incident, which this silences.
    Ended(Option<Silenced>),
    /// All whom it was about: no event tells that it is over.
    EndedOfItself,
}

/// An event of the incident: whom it is about, what silences it, and what silences all that happens there.
struct Heard {
    seq: i64,
    member: Option<String>,
    silenced: Option<Silenced>,
    all: Option<Silenced>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn by(until: &str) -> Silenced {
        Silenced {
            by: "silence/01970000-0000-7000-8000-000000000007"
                .parse()
                .expect("a silence"),
            until: at(until),
        }
    }

    fn heard(seq: i64, member: &str, until: Option<&str>) -> Heard {
        Heard {
            seq,
            member: Some(member.to_owned()),
            silenced: until.map(by),
            all: None,
        }
    }

    fn decide(failing: &[&str], events: Vec<Heard>) -> Quiet {
        let failing = failing.iter().map(|member| (*member).to_owned()).collect();
        Quiet::decide(&Lasts::Failing(failing), events.into_iter())
    }

    /// A notice that has these to tell.
    fn look(untold: &[i64], ended_by: Option<i64>) -> DueNotice {
        let mut look = crate::incidents::decide::tests::begun();
        look.untold = untold.to_vec();
        look.news = untold.to_vec();
        look.incident.end_seq = ended_by;
        look.hears_end = ended_by.is_some();
        look
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
            let quiet = decide(&["job/b"], events());
            let (sifted, held) = quiet.sift(look(&untold, None));
            assert_eq!(quiet.over(&sifted), over, "{untold:?}");
            assert_eq!(held.len(), usize::from(untold == [2]));
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
        assert_eq!(decide(&[], Vec::new()), Quiet::default());
    }

    #[test]
    fn the_end_is_held_back_when_the_event_that_tells_it_is_silenced() {
        let events = || vec![heard(1, "job/a", Some(TWO))];
        let not = Quiet::decide(&Lasts::Ended(None), events().into_iter());
        assert_eq!(not.over, None, "whatever silences the failure");
        let ended = Lasts::Ended(Some(by(ONE)));
        let quiet = Quiet::decide(&ended, vec![heard(1, "job/a", None)].into_iter());
        assert_eq!(quiet.over, Some(at(ONE)));
        // No event tells it: all that happens there is silenced, or it is told.
        assert_eq!(
            Quiet::decide(&Lasts::EndedOfItself, events().into_iter()).over,
            None
        );
        let all = || Heard {
            all: Some(by(TWO)),
            ..heard(1, "job/a", Some(TWO))
        };
        let quiet = Quiet::decide(&Lasts::EndedOfItself, vec![all()].into_iter());
        assert_eq!(quiet.over, Some(at(TWO)));
        let some = vec![heard(2, "job/b", None), all()];
        assert_eq!(Quiet::decide(&Lasts::EndedOfItself, some.into_iter()).over, None);
    }

    #[test]
    fn what_is_silenced_by_now_is_not_told() {
        let mut quiet = decide(
            &["job/a", "job/b"],
            vec![heard(2, "job/b", Some(ONE)), heard(1, "job/a", None)],
        );
        let (sifted, held) = quiet.sift(look(&[1, 2], None));
        assert_eq!(
            (&sifted.untold[..], &sifted.news[..], &sifted.newest[..]),
            (&[1][..], &[1][..], &[1][..])
        );
        assert_eq!(held, [(2, by(ONE).by, at(ONE))]);
        // The end too, which somebody silenced alone.
        quiet.silenced.insert(3, by(TWO));
        let (sifted, held) = quiet.sift(look(&[1], Some(3)));
        assert_eq!((sifted.incident.end_seq, sifted.hears_end), (None, false));
        assert_eq!(held, [(3, by(TWO).by, at(TWO))]);
    }
}
