//! Tests of pacing, over handlers read as people write them.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn handler(more: serde_json::Value) -> Handler {
    let mut handler = json!({ "name": "h", "plugin": "webhook" });
    for (key, value) in more.as_object().expect("an object") {
        handler[key] = value.clone();
    }
    serde_json::from_value(handler).expect("a handler")
}

fn fresh() -> Rate {
    Rate::default()
}

fn pace(handler: &Handler, severity: Severity, now: Timestamp, rate: Option<&mut Rate>) -> Paced {
    let name = format!("web/ops/{}", handler.name).parse().expect("a name");
    super::pace(&name, handler, severity, now, rate)
}

/// When it is told.
fn told(handler: &Handler, now: Timestamp, rate: &mut Rate) -> Timestamp {
    match pace(handler, Severity::Info, now, Some(rate)) {
        Paced::AtOnce => now,
        Paced::Gathered { due, .. } => due,
    }
}

fn limited(name: &str, messages: u32, per: &str) -> Handler {
    handler(json!({ "name": name, "limit": { "messages": messages, "per": per } }))
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

#[test]
fn digests_and_quiet_hours_gather() {
    let daily = handler(json!({ "digest": { "every": "day", "unless": "error" },
        "quiet": { "hours": { "from": "07:00", "to": "09:00" } } }));
    let now = at("2026-05-21T20:00:00Z");
    // The digest of eight o'clock falls into quiet hours, and comes when they are over.
    let due = at("2026-05-22T09:00:00Z");
    assert_eq!(
        pace(&daily, Severity::Info, now, Some(&mut fresh())),
        Paced::gathered("digest", due)
    );
    assert_eq!(
        pace(&daily, Severity::Error, now, Some(&mut fresh())),
        Paced::AtOnce
    );
    let early = at("2026-05-22T07:30:00Z");
    assert_eq!(
        pace(&daily, Severity::Error, early, Some(&mut fresh())),
        Paced::gathered("quiet", due)
    );
}

#[test]
fn what_is_beyond_the_limit_is_one_message() {
    let limited = handler(json!({ "limit": { "messages": 3, "per": "1h" } }));
    let start = at("2026-05-21T10:00:00Z");
    let minute = |n: u64| start.after(std::time::Duration::from_secs(60 * n));
    let mut rate = fresh();
    for n in 0..3 {
        assert_eq!(
            pace(&limited, Severity::Info, minute(n), Some(&mut rate)),
            Paced::AtOnce,
            "{n}"
        );
    }
    // The fourth waits until an hour after the first, and all others until then are with it.
    let due = minute(60);
    for n in [3, 4, 59] {
        let paced = pace(&limited, Severity::Info, minute(n), Some(&mut rate));
        assert_eq!(paced, Paced::gathered("limit", due), "{n}");
    }
    // That one counted: the next waits for the hour after the second.
    let next = pace(&limited, Severity::Info, due, Some(&mut rate));
    assert_eq!(next, Paced::gathered("limit", minute(61)));
    assert_eq!(
        pace(&limited, Severity::Info, minute(180), Some(&mut rate)),
        Paced::AtOnce
    );
}

#[test]
fn what_is_very_much_is_several_messages_within_the_limit() {
    let limited = handler(json!({ "limit": { "messages": 1, "per": "1h" } }));
    let now = at("2026-05-21T10:00:00Z");
    let hour = |n: u64| now.after(std::time::Duration::from_secs(3_600 * n));
    let mut rate = fresh();
    let mut due = Vec::new();
    for _ in 0..1_100 {
        due.push(told(&limited, now, &mut rate));
    }
    let of = |wanted| due.iter().filter(|due| **due == wanted).count();
    assert_eq!(
        [of(now), of(hour(1)), of(hour(2)), of(hour(3))],
        [1, 500, 500, 99]
    );
}

#[test]
fn no_span_holds_more_messages_than_the_limit() {
    let limited = handler(json!({ "limit": { "messages": 5, "per": "10m" } }));
    let start = at("2026-05-21T10:00:00Z");
    let (mut rate, mut sent) = (fresh(), std::collections::BTreeSet::new());
    // An event every seven seconds for two hours.
    for n in 0..1_000_u64 {
        let now = start.after(std::time::Duration::from_secs(7 * n));
        sent.insert(told(&limited, now, &mut rate));
    }
    let sent: Vec<Timestamp> = sent.into_iter().collect();
    for six in sent.windows(6) {
        assert!(six[5].since(six[0]).as_secs() >= 600, "{six:?}");
    }
}

#[test]
fn a_tighter_limit_of_another_handler_holds_nothing_back() {
    let (infos, errors) = (limited("infos", 1, "1h"), limited("errors", 100, "1m"));
    let start = at("2026-05-21T10:00:00Z");
    let second = |n: u64| start.after(std::time::Duration::from_secs(n));
    let mut rate = fresh();
    assert_eq!(told(&infos, start, &mut rate), start);
    for n in [1, 2] {
        assert_eq!(told(&infos, second(n), &mut rate), second(3_600), "the rest");
    }
    // An error is within its own limit, as are ninety-eight more: all that was sent there counts.
    for n in 0..99 {
        assert_eq!(told(&errors, second(30), &mut rate), second(30), "{n}");
    }
    assert_eq!(told(&errors, second(30), &mut rate), second(60));
    // What was gathered keeps its place, and the larger limit can still be counted.
    assert_eq!(told(&infos, second(40), &mut rate), second(3_600));
    assert_eq!(told(&errors, second(90), &mut rate), second(90));
    assert!(rate.sent.len() >= 100, "{}", rate.sent.len());
}

#[test]
fn handlers_with_the_same_limit_keep_it_together() {
    let handlers = ["a", "b", "c"].map(|name| limited(name, 2, "10s"));
    let start = at("2026-05-21T10:00:00Z");
    let (mut rate, mut sent) = (fresh(), std::collections::BTreeSet::new());
    // Something happens every second for ten minutes, and each hears of it.
    for n in 0..600_u64 {
        let now = start.after(std::time::Duration::from_secs(n));
        for handler in &handlers {
            let due = told(handler, now, &mut rate);
            // Those that go at once are messages of their own; what one gathers until then is another.
            sent.insert((due, handler.name.to_string(), if due > now { 0 } else { n }));
        }
    }
    let sent: Vec<Timestamp> = sent.into_iter().map(|(due, ..)| due).collect();
    assert!(sent.len() >= 110, "the limit is used: {}", sent.len());
    for three in sent.windows(3) {
        assert!(three[2].since(three[0]).as_secs() >= 10, "{three:?}");
    }
}

#[test]
fn what_waits_for_room_goes_by_its_own_limit_and_has_its_place() {
    let limit = |messages, per| limited("h", messages, per).limit.expect("a limit");
    let start = at("2026-05-21T10:00:00Z");
    let mut rate = fresh();
    assert_eq!(room("a", limit(1, "1h"), start, &mut rate), Ok(()));
    let later = start.after(Duration::from_secs(1));
    let over = start.after(Duration::from_secs(3_600));
    assert_eq!(room("b", limit(1, "1h"), later, &mut rate), Err(over));
    assert_eq!(room("c", limit(2, "1h"), later, &mut rate), Ok(()));
    // Whatever others send until then, it goes at its time, and counts once.
    for minute in 1..60 {
        let now = start.after(Duration::from_secs(60 * minute));
        assert_eq!(room("d", limit(100, "1m"), now, &mut rate), Ok(()));
        assert_eq!(room("b", limit(1, "1h"), now, &mut rate), Err(over));
    }
    let sent = rate.sent.clone();
    assert_eq!(room("b", limit(1, "1h"), over, &mut rate), Ok(()));
    assert_eq!(rate.sent, sent, "it had its place before");
    assert!(rate.gathering.is_empty());
}

#[test]
fn a_place_for_which_nobody_came_is_none() {
    let limit = limited("h", 1, "20s").limit.expect("a limit");
    let start = at("2026-05-21T10:00:00Z");
    let second = |n: u64| start.after(Duration::from_secs(n));
    let mut rate = fresh();
    assert_eq!(room("a", limit, start, &mut rate), Ok(()));
    for (n, key) in ["b", "c", "d", "e"].into_iter().enumerate() {
        let free = second(20 * (n as u64 + 1));
        assert_eq!(room(key, limit, start, &mut rate), Err(free));
    }
    // Somebody sees to all of them, and they come when they work again.
    let all: Vec<_> = ["b", "c", "d", "e"]
        .into_iter()
        .map(|key| room(key, limit, second(125), &mut rate))
        .collect();
    assert_eq!(
        all,
        [Ok(()), Err(second(145)), Err(second(165)), Err(second(185))]
    );
    let sent = [0, 125, 145, 165, 185].map(second);
    assert_eq!(rate.sent, sent, "what was not sent is not counted");
}

#[test]
fn who_comes_a_little_late_moves_who_comes_next() {
    let limit = limited("h", 1, "20s").limit.expect("a limit");
    let start = at("2026-05-21T10:00:00Z");
    let milli = |n: u64| start.after(Duration::from_millis(n));
    let mut rate = fresh();
    assert_eq!(room("a", limit, start, &mut rate), Ok(()));
    assert_eq!(room("b", limit, start, &mut rate), Err(milli(20_000)));
    assert_eq!(room("c", limit, start, &mut rate), Err(milli(40_000)));
    assert_eq!(room("b", limit, milli(20_300), &mut rate), Ok(()));
    assert_eq!(room("c", limit, milli(40_000), &mut rate), Err(milli(40_300)));
    assert_eq!(room("c", limit, milli(40_300), &mut rate), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whoever asks, comes for places in time, late or never: no span holds more messages than the limit.
    #[test]
    fn no_span_holds_more_messages_than_the_limit_whoever_comes(
        messages in 1_u32..4,
        steps in prop::collection::vec((0_usize..6, 0_u64..12_000, any::<bool>()), 1..120),
    ) {
        let limit = limited("h", messages, "20s").limit.expect("a limit");
        let mut now = at("2026-05-21T10:00:00Z");
        let (mut rate, mut sent) = (fresh(), Vec::new());
        let mut places = std::collections::BTreeMap::<usize, Timestamp>::new();
        for (key, millis, comes) in steps {
            // Those who come for their places do it a little late.
            let until = now.after(Duration::from_millis(millis));
            if comes {
                let mut due: Vec<_> = places.iter().map(|(key, due)| (*due, *key)).collect();
                due.retain(|(due, _)| *due <= until);
                due.sort_unstable();
                for (due, key) in due {
                    now = now.max(due.after(Duration::from_millis(millis % 499)));
                    match room(&key.to_string(), limit, now, &mut rate) {
                        Ok(()) => {
                            places.remove(&key);
                            sent.push(now);
                        }
                        Err(later) => {
                            places.insert(key, later);
                        }
                    }
                }
            }
            now = now.max(until);
            match room(&key.to_string(), limit, now, &mut rate) {
                Ok(()) => {
                    places.remove(&key);
                    sent.push(now);
                }
                Err(later) => {
                    prop_assert!(later > now);
                    places.insert(key, later);
                }
            }
        }
        let most = messages as usize;
        for some in sent.windows(most + 1) {
            prop_assert!(some[most].since(some[0]) >= Duration::from_secs(20), "{some:?}");
        }
    }
}

#[test]
fn what_was_sent_is_kept_as_far_as_the_largest_limit_asks() {
    let (few, many) = (limited("few", 1, "1s"), limited("many", 5, "1h"));
    let start = at("2026-05-21T10:00:00Z");
    let second = |n: u64| start.after(std::time::Duration::from_secs(n));
    let mut rate = fresh();
    assert_eq!(told(&many, start, &mut rate), start);
    for n in 1..=100 {
        assert_eq!(told(&few, second(n), &mut rate), second(n));
    }
    assert!(rate.sent.len() <= 6, "{}", rate.sent.len());
    assert_eq!(told(&many, second(101), &mut rate), second(96 + 3_600));
}
