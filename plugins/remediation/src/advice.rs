//! From an event to its tips.

use ironcore_plugin::{Action, Event, Severity, Tip};

use crate::facts::Facts;
use crate::rules::{self, Offer, Rule, Target};

/// How many tips an event gets at most.
const MOST: usize = 5;

/// The tips for an event; none for one that needs nothing done.
pub(crate) fn tips(event: &Event) -> Vec<Tip> {
    let facts = Facts::of(event);
    let mut tips: Vec<Tip> = Vec::new();
    for code in facts.codes(event) {
        let tip = match rules::for_code(&code, &facts) {
            Some(rule) => made(rule, ("code", &code), &facts),
            None => generic(&code, &facts),
        };
        // Codes of one family share an answer; it is given once.
        if !tips.iter().any(|known| known.title == tip.title) {
            tips.push(tip);
        }
    }
    if tips.is_empty()
        && let Some(rule) = rules::for_event(event.kind(), &facts)
    {
        tips.push(made(rule, ("event", event.kind()), &facts));
    }
    // A failure never stays without a word, not even one of a later version.
    if tips.is_empty() && event.severity == Severity::Error {
        tips.push(generic(event.kind(), &facts));
    }
    tips.truncate(MOST);
    tips
}

/// `about` is the code or the event type that the rule is for, and which of the two it is.
fn made(rule: &Rule, about: (&'static str, &str), facts: &Facts) -> Tip {
    let mut tip = Tip::new(facts.fill(rule.title), facts.fill(rule.why));
    tip.steps = rule.steps.iter().map(|step| facts.fill(step)).collect();
    tip.link = Some(rules::link(about.1).to_owned());
    for (kind, text) in facts.evidence(about) {
        tip = tip.evidence(kind, text);
    }
    tip.actions = rule
        .offers
        .iter()
        .filter_map(|offer| action(offer, facts))
        .collect();
    tip
}

/// An action that names what it is done to; none when the event does not tell.
fn action(offer: &Offer, facts: &Facts) -> Option<Action> {
    let target = match offer.on {
        Target::Snapshot => facts.snapshot.clone().or_else(|| facts.datastore.clone()),
        Target::Datastore => facts.datastore.clone(),
        // Where the job is not known, the group or snapshot tells which job made it.
        Target::Job => facts.job.clone().or_else(|| facts.snapshot.clone()),
        Target::Made => facts.snapshot.clone().or_else(|| facts.job.clone()),
        Target::Task => facts.upid.clone(),
    }?;
    Some(Action {
        kind: (offer.kind)(),
        target,
        label: facts.fill(offer.label),
        attrs: Vec::new(),
    })
}

fn generic(code: &str, facts: &Facts) -> Tip {
    let mut tip = Tip::new(
        "Look at the log of the task",
        "There is no particular advice for this failure.",
    )
    .step(facts.fill("Read the last lines of its log: `ironcore-backup task log --upid {upid}`."))
    .step("Try again once the cause is out of the way; ask your administrator when it stays.");
    tip.link = Some(rules::link(code).to_owned());
    for (kind, text) in facts.evidence(("code", code)) {
        tip = tip.evidence(kind, text);
    }
    tip.attrs.push(("generic".to_owned(), "true".to_owned()));
    tip
}
