//! Failures, silences, quiet hours, limits and acknowledgements as they come, in any order: whatever happens, nothing that
//! matters is lost, and nothing is told that somebody silenced. The cases are made from numbers, so every run tries the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ironcore_ledger::model::{
    Incident, IncidentFilter, IncidentState, Message, Page, Scope, SeqEvent, Silence, SilenceFilter,
};
use ironcore_notify::matching::Silences;
use ironcore_types::{EventType, TaskState, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::held_back::settled;
use crate::receiver::Receiver;
use crate::silences::silence_for;
use crate::world::{World, project, user, webhook};

/// Numbers that are the same on every run: SplitMix64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        let index = self.below(of.len() as u64);
        of[usize::try_from(index).expect("small")].clone()
    }
}

const JOBS: [&str; 2] = ["nightly", "other"];

/// A handler with incidents, and one to whom they may be escalated.
fn handlers(numbers: &mut Numbers, receiver: &Receiver) -> Value {
    let mut hook = webhook(receiver, "hook", "/hook", &[]);
    hook["incidents"] = json!({
        "wait": numbers.one(&["0s", "10s", "30s"]),
        "interval": numbers.one(&["1s", "3s", "20s"]),
        "repeat": numbers.one(&["0s", "30s", "90s"]),
        "recovery": numbers.below(4) > 0,
    });
    if numbers.below(2) == 0 {
        hook["incidents"]["escalate"] = json!({ "after": "40s", "to": "pager" });
    }
    match numbers.below(4) {
        0 => hook["limit"] = json!({ "messages": 1 + numbers.below(2), "per": "20s" }),
        // The clock of these tests begins at 20:26:40 UTC.
        1 => hook["quiet"] = json!({ "hours": { "from": "20:28", "to": "20:30" } }),
        _ => {}
    }
    json!([hook, webhook(receiver, "pager", "/pager", &["auth.locked-out"])])
}

/// Does one thing, and waits until all that comes of it is done.
async fn step(world: &World, numbers: &mut Numbers) {
    match numbers.below(12) {
        0..4 => {
            world.task(numbers.one(&JOBS), TaskState::Failed).await;
        }
        4..6 => {
            world.task(numbers.one(&JOBS), TaskState::Ok).await;
        }
        6 | 7 => {
            let when = numbers.one(&[
                json!({}),
                json!({ "min-severity": "error" }),
                json!({ "max-severity": "warning" }),
                json!({ "events": ["task.failed"] }),
                json!({ "jobs": ["other"] }),
                json!({ "jobs": ["nightly"], "min-severity": "error" }),
            ]);
            let span = numbers.one(&[5, 20, 90]);
            // What was told just now was told before it.
            let from = world.now().after(Duration::from_millis(1));
            silence_for(world, from, Duration::from_secs(span), when).await;
        }
        8 if numbers.below(2) == 0 => {
            let open = SilenceFilter {
                open_at: Some(world.now()),
                ..SilenceFilter::default()
            };
            let open = world.ledger.silences(&open).await.expect("silences");
            if let Some(one) = open.first() {
                // What happened just now was silenced.
                world.clock.advance(Duration::from_millis(1));
                let ended = world.ledger.end_silence(one.id, &user()).await;
                ended.expect("ended");
            }
        }
        8 => {
            let open = incidents(world).await;
            let open = open.iter().find(|one| one.state() == IncidentState::Open);
            if let Some(open) = open {
                let done = world.ledger.acknowledge_incident(open.id, &user(), None).await;
                done.expect("acknowledged");
            }
        }
        _ => world.clock.advance(Duration::from_secs(1 + numbers.below(30))),
    }
    settled(world).await;
}

async fn incidents(world: &World) -> Vec<Incident> {
    let page = world
        .ledger
        .incidents(&IncidentFilter::default(), &Page::first(1_000))
        .await;
    page.expect("incidents").incidents
}

/// All silences end, and what waited for that comes.
async fn passes(world: &World) {
    let end = world.now().after(Duration::from_secs(300));
    loop {
        settled(world).await;
        let notice = world.ledger.next_notice_due().await.expect("notices");
        let release = world.ledger.next_release().await.expect("silences");
        let next = notice.into_iter().chain(release).min();
        match next {
            Some(next) if next <= end => world.clock.set(next),
            _ => return,
        }
    }
}

/// What happened, and what was told of it.
struct Record {
    case: u64,
    incidents: Vec<(Incident, BTreeSet<i64>)>,
    events: BTreeMap<i64, SeqEvent>,
    silences: Vec<Silence>,
    told: Vec<(Message, Vec<i64>)>,
    /// Incidents that somebody saw to at some time.
    seen_to: BTreeSet<i64>,
    recovery: bool,
}

impl Record {
    async fn of(world: &World, case: u64) -> Self {
        let mut with_events = Vec::new();
        for incident in incidents(world).await {
            let events = world.ledger.incident_events(incident.id, 1_000).await;
            let seqs = events.expect("events").iter().map(|event| event.seq).collect();
            with_events.push((incident, seqs));
        }
        let events = world.ledger.events_after(0, 1_000, &Scope::All).await;
        let events = events.expect("events").into_iter();
        let mut told = Vec::new();
        let mut recovery = true;
        for message in world.messages().await {
            let events = world.ledger.message_events(message.id).await.expect("events");
            let snapshot = world
                .ledger
                .message_snapshot(message.id)
                .await
                .expect("a handler");
            if message.handler.handler.as_str() == "hook" {
                let policy = snapshot.and_then(|handler| handler.incidents);
                recovery = policy.is_some_and(|policy| policy.recovery);
            }
            told.push((message, events.iter().map(|event| event.seq).collect()));
        }
        let silences = world.ledger.silences(&SilenceFilter::default()).await;
        Self {
            case,
            seen_to: with_events
                .iter()
                .filter(|(incident, _)| incident.acknowledged.is_some())
                .map(|(incident, _)| incident.number)
                .collect(),
            incidents: with_events,
            events: events.map(|event| (event.seq, event)).collect(),
            silences: silences.expect("silences"),
            told,
            recovery,
        }
    }

    /// Whether the event was silenced at any time in that span.
    fn silenced(&self, event: &SeqEvent, from: Timestamp, to: Timestamp) -> bool {
        self.silences.iter().any(|silence| {
            let at = silence.from.max(from);
            let alone = Silences::new(vec![silence.clone()], Vec::new());
            at <= to && alone.quiet(&event.event, Some(&project()), at).is_some()
        })
    }

    fn of_handler(&self, handler: &str) -> impl Iterator<Item = &(Message, Vec<i64>)> {
        self.told
            .iter()
            .filter(move |(message, _)| message.handler.handler.as_str() == handler)
    }

    fn failures(&self) -> impl Iterator<Item = &SeqEvent> {
        let events = self.events.values();
        events.filter(|event| event.event.event_type == EventType::TaskFailed)
    }

    /// When the handler was first told of the event.
    fn first_told(&self, seq: i64) -> Option<Timestamp> {
        let with = self
            .of_handler("hook")
            .filter(|(_, events)| events.contains(&seq));
        with.map(|(message, _)| message.created).min()
    }

    fn was_seen_to(&self, seq: i64) -> bool {
        let of = self.incidents.iter().find(|(_, events)| events.contains(&seq));
        of.is_none_or(|(incident, _)| self.seen_to.contains(&incident.number))
    }

    /// What nobody silenced before it was told is told, and so is all that still fails in the end.
    fn nothing_is_lost(&self, end: Timestamp) {
        let mut newest = BTreeMap::new();
        for event in self.events.values() {
            let data = &event.event.data;
            let ended = data.task.as_ref().is_some_and(|task| task.state.is_final());
            if let Some(job) = data.job_name().filter(|_| ended) {
                newest.insert(job.to_string(), event.seq);
            }
        }
        for event in self.failures().filter(|event| !self.was_seen_to(event.seq)) {
            let told = self.first_told(event.seq);
            let silenced = self.silenced(event, event.event.time, told.unwrap_or(end));
            let lasts = newest.values().any(|seq| *seq == event.seq);
            assert!(
                told.is_some() || (silenced && !lasts),
                "case {}: failure {} is lost (silenced: {silenced}, lasts: {lasts})\n{}",
                self.case,
                event.seq,
                self.story()
            );
        }
    }

    /// No event is told as new by two notices.
    fn nothing_is_told_twice(&self) {
        for handler in ["hook", "pager"] {
            let mut seen = BTreeSet::new();
            for (message, events) in self.of_handler(handler) {
                let title = message
                    .attrs
                    .get("incident")
                    .and_then(|told| told["title"].as_str());
                let again = title.is_some_and(|title| title.starts_with("Still"));
                for seq in events.iter().filter(|_| !again) {
                    assert!(
                        seen.insert(*seq),
                        "case {}: event {seq} is told twice\n{}",
                        self.case,
                        self.story()
                    );
                }
            }
        }
    }

    /// Whoever was told of an incident is told its end, once.
    fn ends_are_told(&self) {
        for (incident, _) in &self.incidents {
            for handler in ["hook", "pager"] {
                let thread = format!("incident/{}", incident.id);
                let of = self
                    .of_handler(handler)
                    .filter(|(message, _)| message.thread == thread);
                let kinds: Vec<&str> = of.map(|(message, _)| message.kind.as_str()).collect();
                let ends = kinds.iter().filter(|kind| **kind == "recovery").count();
                let begun = kinds.len() - ends;
                let wants = handler == "pager" || self.recovery;
                let ended = incident.ended.is_some();
                assert!(
                    ends <= 1 && (ended || ends == 0) && !(begun > 0 && ended && wants && ends == 0),
                    "case {}: incident {} ends for {handler} {ends} times: {kinds:?}\n{}",
                    self.case,
                    incident.number,
                    self.story()
                );
            }
        }
    }

    /// What is silenced is not told. What a digest gathers was not silenced when it happened.
    fn nothing_silenced_is_told(&self) {
        for (message, events) in self.told.iter().filter(|(message, _)| message.kind != "digest") {
            for seq in events {
                assert!(
                    !self.silenced(&self.events[seq], message.created, message.created),
                    "case {}: event {seq} was silenced at {}\n{}",
                    self.case,
                    message.created,
                    self.story()
                );
            }
        }
    }

    /// What happened, for whoever reads of a failure.
    fn story(&self) -> String {
        let mut lines = Vec::new();
        for event in self.events.values() {
            let job = event.event.data.job_name().map(ToString::to_string);
            if event
                .event
                .data
                .task
                .as_ref()
                .is_some_and(|task| task.state.is_final())
            {
                lines.push((
                    event.event.time,
                    format!("event {} {:?} {job:?}", event.seq, event.event.event_type),
                ));
            }
        }
        for silence in &self.silences {
            lines.push((
                silence.from,
                format!("silence until {}: {:?}", silence.over(), silence.when),
            ));
        }
        for (message, events) in &self.told {
            let told = message
                .attrs
                .get("incident")
                .map(|told| told["title"].to_string());
            let name = &message.handler.handler;
            lines.push((
                message.created,
                format!("{name} {} {events:?} {told:?}", message.kind),
            ));
        }
        lines.sort();
        let lines = lines.into_iter().map(|(at, line)| format!("{at} {line}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

async fn tried(case: u64) {
    let mut numbers = Numbers(case);
    let mut world = World::new(|receiver| handlers(&mut numbers, receiver)).await;
    world.start();
    for _ in 0..24 {
        step(&world, &mut numbers).await;
    }
    passes(&world).await;
    let record = Record::of(&world, case).await;
    record.nothing_is_lost(world.now());
    record.nothing_is_told_twice();
    record.ends_are_told();
    record.nothing_silenced_is_told();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_together_nothing_is_lost_and_nothing_silenced_is_told() {
    let cases = std::env::var("CASES").ok().and_then(|text| text.parse().ok());
    let mut running = JoinSet::new();
    for case in 0..cases.unwrap_or(8) {
        if running.len() == 4 {
            let ended = running.join_next().await;
            ended.expect("one runs").expect("it holds");
        }
        running.spawn(tried(case));
    }
    while let Some(ended) = running.join_next().await {
        ended.expect("it holds");
    }
}
