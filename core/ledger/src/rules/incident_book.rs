//! What events do to incidents, thought through in memory: of a batch of events all that matters is read once, the events
//! are gone through in their order, and what has changed is written once. Reading and writing are left to the caller.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_types::{ProjectName, Severity};

use crate::model::{Clear, Ending, HandlerRef, IncidentStep, Joins};

/// Where an incident stands in the book.
pub(crate) type Place = usize;

/// The scope in words of the table.
pub(crate) fn scope(project: Option<&ProjectName>) -> &str {
    project.map_or("-", ProjectName::as_str)
}

/// An incident that lasted when the batch began, or that began in it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// None for one that begins in the batch.
    pub(crate) number: Option<i64>,
    pub(crate) scope: String,
    pub(crate) cause: String,
    pub(crate) severity: Severity,
    pub(crate) acknowledged: bool,
    /// Some whom no event names still fail.
    pub(crate) others: Others,
    pub(crate) changes: Changes,
}

/// Those who fail and whom no event of the batch names.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Others {
    /// Some whose work nobody does again.
    pub(crate) loose: bool,
    /// Some others.
    pub(crate) firm: bool,
}

/// What became of an incident.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Title, title of its end and first event of one that begins.
    pub(crate) begins: Option<(String, String, i64)>,
    /// How many events joined, and the last of them.
    pub(crate) failures: i64,
    pub(crate) last_seq: Option<i64>,
    /// It became worse: whoever sees to it saw to less.
    pub(crate) worse: bool,
    /// How it ended, and by which event.
    pub(crate) ended: Option<(Ending, Option<i64>)>,
    /// All whose work nobody does again are well, or all are.
    pub(crate) well: Option<Well>,
}

/// Who is well, also of those whom no event names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Well {
    Loose,
    All,
}

/// Who is affected by an incident.
#[derive(Debug, Clone, Default)]
pub(crate) struct Affected {
    pub(crate) failing: bool,
    pub(crate) loose: bool,
    pub(crate) condition: Option<String>,
    /// How often it failed in the batch.
    pub(crate) failures: i64,
    pub(crate) changed: bool,
}

/// What is to be done about a handler's notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    /// Nothing.
    Not,
    /// It is to be looked at.
    Again,
    /// It is to be looked at as if the incident had just begun.
    Anew,
}

/// An event that joined an incident.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) place: Place,
    pub(crate) seq: i64,
    /// It is about somebody who was well before.
    pub(crate) news: bool,
}

/// What a batch needs to know.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Scopes and causes.
    pub(crate) causes: BTreeSet<(String, String)>,
    pub(crate) members: BTreeSet<String>,
    /// What causes begin with.
    pub(crate) prefixes: BTreeSet<String>,
    pub(crate) conditions: BTreeSet<String>,
}

impl Asked {
    pub(crate) fn of<'a>(steps: impl IntoIterator<Item = &'a IncidentStep>) -> Self {
        let mut asked = Self::default();
        for step in steps {
            for clear in &step.clears {
                match clear {
                    Clear::Member(member) => asked.members.insert(member.clone()),
                    Clear::Loose(prefix) | Clear::Causes(prefix) | Clear::CausesOf(_, prefix) => {
                        asked.prefixes.insert(prefix.clone())
                    }
                };
            }
            if let Some(joins) = &step.joins {
                asked.members.insert(joins.member.clone());
                asked.conditions.extend(joins.condition.clone());
                for project in &joins.scopes {
                    let scope = scope(project.as_ref()).to_owned();
                    asked.causes.insert((scope, joins.cause.clone()));
                }
            }
        }
        asked
    }
}

/// Incidents, who is affected, and who is told.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) entries: Vec<Entry>,
    /// By who is affected.
    pub(crate) affected: BTreeMap<String, BTreeMap<Place, Affected>>,
    /// Conditions that hold, of those that were asked for.
    pub(crate) conditions: BTreeSet<String>,
    pub(crate) notices: BTreeMap<(Place, HandlerRef), Look>,
    pub(crate) joined: Vec<Joined>,
}

impl Book {
    /// Does what an event does. The handlers that are told of incidents that it ended.
    pub(crate) fn step(&mut self, seq: i64, step: &IncidentStep) -> BTreeSet<HandlerRef> {
        let mut told = BTreeSet::new();
        for clear in &step.clears {
            told.extend(self.clear(clear, Ending::Recovered, Some(seq)));
        }
        if let Some(joins) = &step.joins {
            for project in &joins.scopes {
                self.join(seq, project.as_ref(), joins);
            }
        }
        told
    }

    /// Something is well, or no longer there. The handlers that are told of incidents that are over by that.
    pub(crate) fn clear(&mut self, clear: &Clear, ending: Ending, seq: Option<i64>) -> BTreeSet<HandlerRef> {
        let places = match clear {
            Clear::Member(member) => self.well_again(member, |_| true),
            Clear::Loose(prefix) => self.all_well(prefix, None, Well::Loose),
            Clear::Causes(prefix) => self.all_well(prefix, None, Well::All),
            Clear::CausesOf(project, prefix) => self.all_well(prefix, Some(project), Well::All),
        };
        self.end_all_well(&places, ending, seq)
    }

    /// What lasted by this condition is over.
    pub(crate) fn condition_over(&mut self, key: &str) {
        let mut places = BTreeSet::new();
        for (place, affected) in self.affected.values_mut().flatten() {
            if affected.failing && affected.condition.as_deref() == Some(key) {
                affected.recover();
                places.insert(*place);
            }
        }
        self.end_all_well(&places, Ending::Recovered, None);
    }

    fn end_all_well(
        &mut self,
        places: &BTreeSet<Place>,
        ending: Ending,
        seq: Option<i64>,
    ) -> BTreeSet<HandlerRef> {
        let mut told = BTreeSet::new();
        for place in places {
            told.extend(self.end_if_well(*place, ending, seq));
        }
        told
    }

    /// Who is affected by such incidents no longer is. The incidents that it was affected by.
    fn well_again(&mut self, member: &str, of: impl Fn(&Entry) -> bool) -> BTreeSet<Place> {
        let mut places = BTreeSet::new();
        for (place, affected) in self.affected.get_mut(member).into_iter().flatten() {
            if affected.failing && self.entries.get(*place).is_some_and(&of) {
                affected.recover();
                places.insert(*place);
            }
        }
        places
    }

    /// All who are affected by causes that begin so are well, or those whose work nobody does again; of all projects, or
    /// of one.
    fn all_well(&mut self, prefix: &str, project: Option<&ProjectName>, well: Well) -> BTreeSet<Place> {
        let mut places = BTreeSet::new();
        let all = well == Well::All;
        for (place, entry) in self.entries.iter_mut().enumerate() {
            let theirs = project.is_none_or(|project| entry.scope == project.as_str());
            if theirs && entry.lasts() && entry.cause.starts_with(prefix) {
                let before = entry.others;
                entry.others.loose = false;
                entry.others.firm &= !all;
                if before.loose || (all && before.firm) {
                    entry.changes.well = entry.changes.well.max(Some(well));
                    places.insert(place);
                }
                for named in self.affected.values_mut() {
                    if let Some(affected) = named.get_mut(&place)
                        && affected.failing
                        && (all || affected.loose)
                    {
                        affected.recover();
                        places.insert(place);
                    }
                }
            }
        }
        places
    }

    fn join(&mut self, seq: i64, project: Option<&ProjectName>, joins: &Joins) {
        let scope = scope(project);
        // Whoever failed for another reason fails for this one now.
        let moved = self.well_again(&joins.member, |entry| {
            entry.lasts() && entry.scope == scope && entry.cause != joins.cause
        });
        self.end_all_well(&moved, Ending::Moved, Some(seq));
        let (place, anew) = self.open(seq, scope, joins);
        // What lasts by a condition may be over already.
        let lasts = joins
            .condition
            .as_ref()
            .is_none_or(|key| self.conditions.contains(key));
        let of_member = self.affected.entry(joins.member.clone()).or_default();
        let affected = of_member.entry(place).or_insert_with(|| Affected {
            loose: joins.loose,
            ..Affected::default()
        });
        let news = !affected.failing;
        affected.failures += 1;
        affected.failing = lasts;
        affected.condition.clone_from(&joins.condition);
        affected.changed = true;
        self.joined.push(Joined { place, seq, news });
        for handler in joins.told.iter().filter(|told| told.project.as_ref() == project) {
            self.look((place, handler.clone()), Look::Again);
        }
        if anew {
            // All who were told are told as if it had just begun.
            self.look_at_all(place, Look::Anew);
        }
        if !lasts {
            self.end_if_well(place, Ending::Recovered, None);
        }
    }

    /// The incident of the cause that lasts, begun when there is none; and whether one that somebody sees to became
    /// worse, which nobody sees to then.
    fn open(&mut self, seq: i64, scope: &str, joins: &Joins) -> (Place, bool) {
        let found = self
            .entries
            .iter()
            .position(|entry| entry.lasts() && entry.scope == scope && entry.cause == joins.cause);
        let place = found.unwrap_or_else(|| {
            self.entries.push(Entry {
                number: None,
                scope: scope.to_owned(),
                cause: joins.cause.clone(),
                severity: joins.severity,
                acknowledged: false,
                others: Others::default(),
                changes: Changes {
                    begins: Some((joins.title.clone(), joins.over.clone(), seq)),
                    ..Changes::default()
                },
            });
            self.entries.len() - 1
        });
        let Some(entry) = self.entries.get_mut(place) else {
            return (place, false);
        };
        entry.changes.failures += 1;
        entry.changes.last_seq = Some(seq);
        let worse = joins.severity > entry.severity;
        let anew = worse && entry.acknowledged;
        if worse {
            entry.severity = joins.severity;
            entry.acknowledged = false;
            entry.changes.worse = true;
        }
        (place, anew)
    }

    /// Ends the incident unless somebody is still affected. The handlers that are told of it.
    fn end_if_well(&mut self, place: Place, ending: Ending, seq: Option<i64>) -> BTreeSet<HandlerRef> {
        let failing =
            |of: &BTreeMap<Place, Affected>| of.get(&place).is_some_and(|affected| affected.failing);
        let named = self.affected.values().any(failing);
        match self.entries.get_mut(place) {
            Some(entry) if entry.lasts() && !named && !entry.others.loose && !entry.others.firm => {
                entry.changes.ended = Some((ending, seq));
                self.look_at_all(place, Look::Again)
            }
            _ => BTreeSet::new(),
        }
    }

    fn look(&mut self, notice: (Place, HandlerRef), look: Look) {
        let known = self.notices.entry(notice).or_insert(Look::Not);
        *known = look.max(*known);
    }

    /// All notices of the incident are to be looked at; the handlers whose they are.
    fn look_at_all(&mut self, place: Place, look: Look) -> BTreeSet<HandlerRef> {
        let mut told = BTreeSet::new();
        for ((of, handler), known) in &mut self.notices {
            if *of == place {
                *known = look.max(*known);
                told.insert(handler.clone());
            }
        }
        told
    }
}

impl Entry {
    pub(crate) fn lasts(&self) -> bool {
        self.changes.ended.is_none()
    }

    pub(crate) fn changed(&self) -> bool {
        let changes = &self.changes;
        changes.last_seq.is_some() || changes.ended.is_some()
    }
}

impl Affected {
    fn recover(&mut self) {
        self.failing = false;
        self.changed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(cause: &str, member: &str) -> IncidentStep {
        IncidentStep {
            joins: Some(Joins {
                cause: cause.to_owned(),
                member: member.to_owned(),
                loose: member.starts_with("work/"),
                condition: None,
                title: "it fails".to_owned(),
                over: "it works again".to_owned(),
                severity: Severity::Warning,
                scopes: BTreeSet::from([None]),
                told: BTreeSet::from(["-/ops/told".parse().expect("a handler")]),
            }),
            ..IncidentStep::default()
        }
    }

    fn works(clear: Clear) -> IncidentStep {
        IncidentStep {
            clears: vec![clear],
            ..IncidentStep::default()
        }
    }

    fn member(name: &str) -> Clear {
        Clear::Member(name.to_owned())
    }

    fn endings(book: &Book) -> Vec<Option<(Ending, Option<i64>)>> {
        book.entries.iter().map(|entry| entry.changes.ended).collect()
    }

    #[test]
    fn what_fails_works_and_fails_again_is_two_incidents() {
        let mut book = Book::default();
        assert!(book.step(1, &fails("disk", "job/a")).is_empty());
        book.step(2, &fails("disk", "job/b"));
        assert!(book.step(3, &works(member("job/a"))).is_empty(), "b still fails");
        let told = book.step(4, &works(member("job/b")));
        assert_eq!(told.len(), 1, "the end is told to whom the beginning was");
        book.step(5, &fails("disk", "job/a"));
        assert_eq!(endings(&book), [Some((Ending::Recovered, Some(4))), None]);
        assert_eq!(book.entries[0].changes.failures, 2);
        assert!(book.joined.iter().all(|joined| joined.news));
    }

    #[test]
    fn who_fails_for_another_reason_is_no_longer_affected() {
        let mut book = Book::default();
        book.step(1, &fails("disk", "job/a"));
        book.step(2, &fails("disk", "job/a"));
        assert!(!book.joined[1].news, "it failed before");
        book.step(3, &fails("network", "job/a"));
        assert_eq!(endings(&book), [Some((Ending::Moved, Some(3))), None]);
    }

    #[test]
    fn those_whom_no_event_names_keep_an_incident_open() {
        let known = |others| Entry {
            number: Some(7),
            scope: "-".to_owned(),
            cause: "disk/full".to_owned(),
            severity: Severity::Warning,
            acknowledged: true,
            others,
            changes: Changes::default(),
        };
        let mut book = Book {
            entries: vec![known(Others {
                loose: true,
                firm: true,
            })],
            ..Book::default()
        };
        book.step(1, &works(Clear::Loose("disk/".to_owned())));
        assert_eq!(endings(&book), [None], "some are firm");
        assert_eq!(book.entries[0].changes.well, Some(Well::Loose));
        book.step(2, &works(Clear::Causes("disk/".to_owned())));
        assert_eq!(endings(&book), [Some((Ending::Recovered, Some(2)))]);
        assert_eq!(book.entries[0].changes.well, Some(Well::All));
    }

    #[test]
    fn what_a_project_sees_ends_only_what_is_its_own() {
        let project = |name: &str| -> ProjectName { name.parse().expect("a name") };
        let mut damage = fails("store/verification", "snapshot/a");
        let joins = damage.joins.as_mut().expect("it joins");
        joins.scopes = BTreeSet::from([None, Some(project("office"))]);
        let mut book = Book::default();
        book.step(1, &damage);
        let seen_by = |name| Clear::CausesOf(project(name), "store/verification".to_owned());
        book.step(2, &works(seen_by("other")));
        assert_eq!(endings(&book), [None, None]);
        book.step(3, &works(seen_by("office")));
        let ended: Vec<_> = book.entries.iter().filter(|entry| !entry.lasts()).collect();
        assert!(ended.len() == 1 && ended[0].scope == "office");
    }

    #[test]
    fn what_became_worse_is_acknowledged_no_longer() {
        let mut book = Book::default();
        book.step(1, &fails("disk", "job/a"));
        book.entries[0].acknowledged = true;
        let mut worse = fails("disk", "job/a");
        worse.joins.as_mut().expect("it joins").severity = Severity::Error;
        book.step(2, &worse);
        assert!(!book.entries[0].acknowledged && book.entries[0].changes.worse);
        assert_eq!(book.notices.values().copied().collect::<Vec<_>>(), [Look::Anew]);
    }

    #[test]
    fn what_lasts_by_a_condition_that_is_gone_is_over_at_once() {
        let mut step = fails("overdue/a", "overdue/a");
        step.joins.as_mut().expect("it joins").condition = Some("overdue/a".to_owned());
        let mut book = Book::default();
        book.step(1, &step);
        assert_eq!(endings(&book), [Some((Ending::Recovered, None))]);
        book.conditions.insert("overdue/a".to_owned());
        book.step(2, &step);
        assert_eq!(endings(&book)[1], None);
        book.condition_over("overdue/a");
        assert_eq!(endings(&book)[1], Some((Ending::Recovered, None)));
    }
}
