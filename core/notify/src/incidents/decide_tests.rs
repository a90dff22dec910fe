//! Tests of when a handler is told, over handlers read as people write them.

use std::time::Duration;

use ironcore_ledger::model::{Acknowledgement, Closing, Ending, Incident};
use ironcore_types::Severity;
use serde_json::{Value, json};

use super::*;
use crate::incidents::words;

fn declared(more: Value) -> Handler {
    let mut handler = json!({ "name": "h", "plugin": "webhook" });
    for (key, value) in more.as_object().expect("an object") {
        handler[key] = value.clone();
    }
    serde_json::from_value(handler).expect("a handler")
}

fn full() -> Handler {
    declared(json!({ "incidents": {
        "wait": "30s", "interval": "5m", "repeat": "4h", "escalate": { "after": "15m", "to": "pager" },
    } }))
}

fn start() -> Timestamp {
    "2026-05-21T10:00:00Z".parse().expect("a time")
}

fn at(seconds: u64) -> Timestamp {
    start().after(Duration::from_secs(seconds))
}

/// An incident that has just begun, of which the handler was told nothing.
pub(in crate::incidents) fn begun() -> DueNotice {
    DueNotice {
        incident: Incident {
            id: "01a00000-0000-7000-8000-000000000001".parse().expect("an id"),
            number: 7,
            project: None,
            cause: "datastore/store/datastore.full".to_owned(),
            title: "Datastore store is full".to_owned(),
            over: "Datastore store works again".to_owned(),
            severity: Severity::Error,
            opened: start(),
            seen: start(),
            last_seq: 9,
            failures: 1,
            members: 1,
            failing: 1,
            ended: None,
            end_seq: None,
            closed: None,
            acknowledged: None,
        },
        notice: Notice {
            handler: "web/ops/h".parse().expect("a handler"),
            since: start(),
            told_seq: 0,
            sent: 0,
            first: None,
            last: None,
            escalated: None,
            raised: Raised::No,
            due: Some(start()),
            version: 0,
        },
        untold: vec![9],
        news: vec![9],
        newest: vec![9],
        held: Vec::new(),
        hears_end: false,
    }
}

/// The same, when it was told at `seconds`.
fn told(handler: &Handler, seconds: u64) -> DueNotice {
    let look = begun();
    let decision = decide(&look, handler, at(seconds));
    assert_eq!(decision.say, Some(Say::First));
    DueNotice {
        notice: after(&look, handler, &decision, at(seconds)),
        untold: Vec::new(),
        news: Vec::new(),
        ..look
    }
}

fn acknowledged(mut look: DueNotice) -> DueNotice {
    look.incident.acknowledged = Some(Acknowledgement {
        at: start(),
        by: "ada@local".parse().expect("a user"),
        comment: None,
    });
    look
}

fn ended(mut look: DueNotice, seconds: u64) -> DueNotice {
    look.incident.ended = Some((at(seconds), Ending::Recovered));
    look
}

#[test]
fn the_first_notice_waits_for_more() {
    let handler = full();
    let look = begun();
    assert_eq!(decide(&look, &handler, at(0)), Decision::wait(Some(at(30))));
    assert_eq!(decide(&look, &handler, at(30)).say, Some(Say::First));
    let told = told(&handler, 30);
    assert_eq!((told.notice.sent, told.notice.told_seq), (1, 9));
    assert_eq!(
        told.notice.due,
        Some(at(30 + 15 * 60)),
        "who acknowledges it is asked first"
    );
    let at_once = declared(json!({ "incidents": {} }));
    assert_eq!(decide(&look, &at_once, at(0)).say, Some(Say::First));
}

#[test]
fn what_joins_later_comes_together() {
    let handler = full();
    let mut look = told(&handler, 30);
    look.untold = vec![10, 11];
    look.notice.escalated = Some(at(31));
    assert_eq!(decide(&look, &handler, at(60)).due, Some(at(330)));
    let decision = decide(&look, &handler, at(330));
    assert_eq!(decision.say, Some(Say::More));
    assert_eq!(
        after(&look, &handler, &decision, at(330)).due,
        Some(at(330 + 4 * 3_600))
    );
}

#[test]
fn what_lasts_is_told_again_until_somebody_sees_to_it() {
    let handler = full();
    let look = told(&handler, 30);
    let decision = decide(&look, &handler, at(30 + 15 * 60));
    assert!(decision.escalate && decision.say.is_none());
    let notice = after(&look, &handler, &decision, at(930));
    assert_eq!(
        (notice.escalated, notice.due),
        (Some(at(930)), Some(at(30 + 4 * 3_600)))
    );
    let look = DueNotice { notice, ..look };
    let decision = decide(&look, &handler, at(30 + 4 * 3_600));
    assert_eq!((decision.say, decision.escalate), (Some(Say::Still), false));

    let seen_to = acknowledged(look.clone());
    assert_eq!(decide(&seen_to, &handler, at(90_000)), Decision::wait(None));
    let not_escalated = acknowledged(told(&handler, 30));
    assert_eq!(decide(&not_escalated, &handler, at(90_000)), Decision::wait(None));
    // More of the same is no news to them; that others are affected is.
    let mut more = acknowledged(look);
    more.untold = vec![10];
    assert_eq!(decide(&more, &handler, at(90_000)).say, None);
    more.news = vec![10];
    assert_eq!(decide(&more, &handler, at(90_000)).say, Some(Say::More));
    assert_eq!(
        decide(&acknowledged(begun()), &handler, at(90)),
        Decision::wait(None)
    );
    let never = declared(json!({ "incidents": { "repeat": "0s" } }));
    assert_eq!(told(&never, 0).notice.due, None);
}

#[test]
fn its_end_is_told_unless_nobody_wants_to_know() {
    let handler = full();
    let look = ended(told(&handler, 30), 600);
    let decision = decide(&look, &handler, at(600));
    assert_eq!(decision.say, Some(Say::Over));
    assert_eq!(after(&look, &handler, &decision, at(600)).due, None);
    let silent = declared(json!({ "incidents": { "recovery": false } }));
    assert_eq!(decide(&look, &silent, at(600)), Decision::wait(None));
    // What was over before anybody heard of it is told, once.
    for handler in [&handler, &silent] {
        assert_eq!(decide(&ended(begun(), 5), handler, at(5)).say, Some(Say::Over));
    }
}

#[test]
fn what_was_escalated_is_told_at_once_and_its_end_too() {
    let plain = declared(json!({}));
    let mut look = begun();
    look.untold = Vec::new();
    assert_eq!(
        decide(&look, &plain, at(900)),
        Decision::wait(None),
        "it has no incidents"
    );
    look.notice.raised = Raised::Untold;
    let decision = decide(&look, &plain, at(900));
    assert_eq!(decision.say, Some(Say::Raised));
    let notice = after(&look, &plain, &decision, at(900));
    assert_eq!(
        (notice.raised, notice.due),
        (Raised::Told, None),
        "it is not told again"
    );
    let over = ended(
        DueNotice {
            notice,
            ..look.clone()
        },
        1_000,
    );
    assert_eq!(decide(&over, &plain, at(1_000)).say, Some(Say::Over));
    // Somebody was faster.
    assert_eq!(decide(&acknowledged(look.clone()), &plain, at(900)).say, None);
    assert_eq!(decide(&ended(look, 899), &plain, at(900)).say, None);
}

#[test]
fn quiet_hours_delay() {
    let quiet = json!({ "hours": { "from": "09:00", "to": "12:00" }, "unless": "error" });
    let handler = declared(json!({ "incidents": {}, "quiet": quiet }));
    let mut look = begun();
    assert_eq!(
        decide(&look, &handler, at(0)).say,
        Some(Say::First),
        "it matters enough"
    );
    look.incident.severity = Severity::Warning;
    let noon = at(2 * 3_600);
    assert_eq!(decide(&look, &handler, at(0)), Decision::wait(Some(noon)));
    assert_eq!(decide(&look, &handler, noon).say, Some(Say::First));
}

fn closed(look: DueNotice, comment: Option<&str>) -> DueNotice {
    let mut look = ended(look, 600);
    look.incident.ended = Some((at(600), Ending::Closed));
    look.incident.closed = Some(Closing {
        by: "ada@local".parse().expect("a user"),
        comment: comment.map(str::to_owned),
    });
    look
}

#[test]
fn who_was_told_is_told_that_somebody_closed_it_and_nobody_else() {
    let handler = full();
    let look = closed(told(&handler, 30), Some("it is gone"));
    let decision = decide(&look, &handler, at(600));
    assert_eq!(decision.say, Some(Say::Over));
    assert_eq!(after(&look, &handler, &decision, at(600)).due, None);
    assert_eq!(
        words::title(Say::Over, &look.incident, 0, at(900)),
        "Datastore store is full: closed by ada@local after 10 min 00 s: it is gone"
    );
    let look = closed(begun(), None);
    assert_eq!(decide(&look, &handler, at(600)), Decision::wait(None));
    assert_eq!(
        words::title(Say::Over, &look.incident, 0, at(900)),
        "Datastore store is full: closed by ada@local after 10 min 00 s"
    );
    let silent = declared(json!({ "incidents": { "recovery": false } }));
    let look = closed(told(&silent, 0), None);
    assert_eq!(decide(&look, &silent, at(600)), Decision::wait(None));
}

#[test]
fn the_words_say_how_much_and_how_long() {
    let mut incident = begun().incident;
    let title = |say, incident: &Incident| words::title(say, incident, 2, at(3_900));
    assert_eq!(title(Say::First, &incident), "Datastore store is full");
    incident.failures = 40;
    assert_eq!(
        title(Say::First, &incident),
        "Datastore store is full (40 failures)"
    );
    assert_eq!(
        title(Say::More, &incident),
        "Datastore store is full (2 more, 40 in all)"
    );
    assert_eq!(
        title(Say::Still, &incident),
        "Still, for 1 h 05 min: Datastore store is full (40 failures)"
    );
    assert_eq!(
        title(Say::Raised, &incident),
        "Not acknowledged for 1 h 05 min: Datastore store is full (40 failures)"
    );
    incident.ended = Some((at(600), Ending::Recovered));
    assert_eq!(
        title(Say::Over, &incident),
        "Datastore store works again after 40 failures in 10 min 00 s"
    );
    incident.ended = Some((at(600), Ending::Moved));
    assert!(title(Say::Over, &incident).contains("fails for another reason now"));
    incident.cause = "space-low/store".to_owned();
    incident.ended = Some((at(600), Ending::Recovered));
    assert_eq!(
        words::title(Say::Over, &incident, 0, at(3_900)),
        "Datastore store works again after 10 min 00 s"
    );
}

#[test]
fn what_is_over_before_it_is_told_says_what_it_was() {
    let mut incident = begun().incident;
    incident.cause = "delivery/-/gu/h".to_owned();
    incident.title = "Handler gu/h loses messages".to_owned();
    incident.over = "Handler gu/h delivers again".to_owned();
    incident.ended = Some((at(5), Ending::Recovered));
    let title = |incident: &Incident, more| words::title(Say::Over, incident, more, at(5));
    assert_eq!(
        title(&incident, 1),
        "Handler gu/h loses messages; Handler gu/h delivers again after 5.0 s"
    );
    assert_eq!(
        title(&incident, 0),
        "Handler gu/h delivers again after 5.0 s",
        "they heard that it loses some"
    );
    incident.failures = 3;
    assert_eq!(
        title(&incident, 2),
        "Handler gu/h loses messages (3 times); Handler gu/h delivers again after 5.0 s"
    );
    incident.ended = Some((at(5), Ending::Removed));
    assert_eq!(
        title(&incident, 2),
        "Handler gu/h loses messages: not any more, for what failed was removed"
    );
}

#[test]
fn where_all_is_silenced_nothing_begins_and_its_end_is_told_for_its_own_sake() {
    let handler = full();
    let mut look = begun();
    look.untold = Vec::new();
    look.news = Vec::new();
    assert_eq!(decide(&look, &handler, at(90)), Decision::wait(None));
    let mut look = ended(look, 600);
    assert_eq!(decide(&look, &handler, at(600)), Decision::wait(None));
    look.hears_end = true;
    let decision = decide(&look, &handler, at(600));
    assert_eq!(decision.say, Some(Say::End));
    assert_eq!(after(&look, &handler, &decision, at(600)).due, None);
    let silent = declared(json!({ "incidents": { "recovery": false } }));
    assert_eq!(
        decide(&look, &silent, at(600)),
        Decision::wait(None),
        "it had its own message"
    );
    // What became worse is told anew, also to whom that alone was nothing to hear of.
    let mut look = told(&handler, 30);
    (look.notice.first, look.notice.since) = (None, at(100));
    assert_eq!(decide(&look, &handler, at(130)).say, Some(Say::First));
}
