//! When an event is told to a handler: at once, or with others by a digest. A plain function of what is declared, the time
//! and how far the destination is within the limits of its handlers.
//!
//! Handlers that share a destination count each other's messages, those too that are to come; each goes by its own limit.
//! So one that is used up holds back no handler whose own limit allows more.

use std::cmp::Ordering;
use std::time::Duration;

use ironcore_ledger::model::{Gathering, HandlerRef, Rate};
use ironcore_types::notification::{Handler, Limit};
use ironcore_types::{Severity, Timestamp};

/// Events that one message gathers beyond a limit.
const MOST_GATHERED: u32 = 500;

/// What the keys of places begin with that are kept for somebody who asks again.
const PLACE: &str = "place ";
/// For how long a place is kept for somebody who does not come.
const LATE: Duration = Duration::from_secs(3_600);

/// By which message an event is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Paced {
    /// By one of its own, now.
    AtOnce,
    /// By a digest: what tells it from others, and when it is due.
    Gathered {
        /// The same for all events of one digest.
        window: String,
        /// When it is due.
        due: Timestamp,
    },
}

impl Paced {
    /// What gathers it: `digest`, `quiet` or `limit`; none when it is told at once.
    pub(crate) fn by(&self) -> Option<&str> {
        match self {
            Self::AtOnce => None,
            Self::Gathered { window, .. } => window.split('/').next(),
        }
    }

    fn gathered(by: &str, due: Timestamp) -> Self {
        Self::Gathered {
            window: format!("{by}/{due}"),
            due,
        }
    }
}

/// Decides for the handler of that name. `rate` is that of its destination, and changes with what is sent; none where there
/// is no limit.
pub(crate) fn pace(
    name: &HandlerRef,
    handler: &Handler,
    severity: Severity,
    now: Timestamp,
    rate: Option<&mut Rate>,
) -> Paced {
    let quiet = |at| handler.quiet.as_ref().and_then(|quiet| quiet.due(at, severity));
    if let Some(due) = handler
        .digest
        .as_ref()
        .and_then(|digest| digest.due(now, severity))
    {
        // A digest does not wake anybody either.
        return Paced::gathered("digest", quiet(due).unwrap_or(due));
    }
    if let Some(due) = quiet(now) {
        return Paced::gathered("quiet", due);
    }
    let limited = handler.limit.zip(rate);
    match limited.and_then(|(limit, rate)| beyond(name, limit, now, rate)) {
        Some(due) => Paced::gathered("limit", due),
        None => Paced::AtOnce,
    }
}

/// When the message is due that holds what is beyond the handler's limit; none within it. What holds the rest takes a
/// place like any other message. One that is full is followed by another, which takes a place of its own.
fn beyond(name: &HandlerRef, limit: Limit, now: Timestamp, rate: &mut Rate) -> Option<Timestamp> {
    forget(limit, now, rate);
    let name = name.to_string();
    if let Some(gathering) = rate.gathering.get_mut(&name)
        && gathering.events < MOST_GATHERED
    {
        gathering.events += 1;
        return Some(gathering.due);
    }
    let due = place(limit, now, &rate.sent);
    take(due, rate);
    if due <= now {
        return None;
    }
    rate.gathering.insert(name, Gathering { due, events: 1 });
    Some(due)
}

/// Whether one more message is within the limit now, which it then counts in; else when there is room for it. It has that
/// place then, whatever others send meanwhile, if it asks again under the same `key`.
pub(crate) fn room(key: &str, limit: Limit, now: Timestamp, rate: &mut Rate) -> Result<(), Timestamp> {
    let key = format!("{PLACE}{key}");
    match rate.gathering.get(&key).map(|place| place.due) {
        Some(due) if due > now => return Err(due),
        Some(_) => {
            rate.gathering.remove(&key);
            return Ok(());
        }
        None => {}
    }
    forget(limit, now, rate);
    let free = place(limit, now, &rate.sent);
    take(free, rate);
    if free <= now {
        return Ok(());
    }
    rate.gathering.insert(key, Gathering { due: free, events: 0 });
    Err(free)
}

/// Forgets what no limit asks for any more: messages that were sent, but for the newest, and what gathers no longer.
fn forget(limit: Limit, now: Timestamp, rate: &mut Rate) {
    // Whoever has a place comes for it when it is due, or a little later, or never.
    let late = now.before(limit.per.duration().max(LATE));
    rate.gathering
        .retain(|key, gathering| gathering.due > now || (key.starts_with(PLACE) && gathering.due > late));
    rate.most = rate.most.max(limit.messages);
    let past = rate.sent.partition_point(|sent| *sent <= now);
    rate.sent.drain(..past.saturating_sub(rate.most as usize));
}

/// The first time from now on at which one more message is within the limit. `sent` is in order.
fn place(limit: Limit, now: Timestamp, sent: &[Timestamp]) -> Timestamp {
    let span = limit.per.duration();
    let again = sent
        .iter()
        .map(|sent| sent.after(span))
        .filter(|free| *free > now);
    let mut times = std::iter::once(now).chain(again);
    let free = times.find(|at| has_room(limit, *at, sent));
    // A span after the last message there is always room.
    free.unwrap_or(now)
}

/// Whether no span of the limit's length would hold more than the limit allows with one more message at that time.
fn has_room(limit: Limit, at: Timestamp, sent: &[Timestamp]) -> bool {
    let (span, most) = (limit.per.duration(), limit.messages.max(1) as usize);
    let own = sent.partition_point(|sent| *sent <= at);
    let time = |index: usize| match index.cmp(&own) {
        Ordering::Less => sent[index],
        Ordering::Equal => at,
        Ordering::Greater => sent[index - 1],
    };
    // One more than are allowed, of which it is one: those must be further apart. With it there are `sent.len() + 1`.
    let last = own.min(sent.len().saturating_sub(most));
    sent.len() < most
        || (own.saturating_sub(most)..=last).all(|first| time(first + most).since(time(first)) >= span)
}

/// One more message, at that time.
fn take(at: Timestamp, rate: &mut Rate) {
    let own = rate.sent.partition_point(|sent| *sent <= at);
    rate.sent.insert(own, at);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
}
