//! When an event is told to a handler: at once, or with others by a digest. A plain function of what is declared, the time
//! and how far the destination is within its limit.

use ironcore_ledger::model::Rate;
use ironcore_types::notification::{Handler, Limit};
use ironcore_types::{Severity, Timestamp};

/// Events that one message gathers beyond a limit.
const MOST_GATHERED: u32 = 500;

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

/// Decides. `rate` is that of the handler's destination, and changes with what is sent; none where there is no limit.
pub(crate) fn pace(handler: &Handler, severity: Severity, now: Timestamp, rate: Option<&mut Rate>) -> Paced {
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
    match limited.and_then(|(limit, rate)| beyond(limit, now, rate)) {
        Some(due) => Paced::gathered("limit", due),
        None => Paced::AtOnce,
    }
}

/// When the message is due that holds what is beyond the limit; none within it. The times of the newest messages are kept,
/// so that no span of the limit's length has more, wherever it begins; what holds the rest is one of them. One that is
/// full is followed by another, which takes a place of its own.
fn beyond(limit: Limit, now: Timestamp, rate: &mut Rate) -> Option<Timestamp> {
    if let Some(due) = rate.gathering.filter(|due| *due > now)
        && rate.gathered < MOST_GATHERED
    {
        rate.gathered += 1;
        return Some(due);
    }
    let (span, most) = (limit.per.duration(), limit.messages.max(1) as usize);
    let first = rate.sent.len().saturating_sub(most);
    rate.sent.drain(..first);
    let full = rate.sent.first().filter(|_| rate.sent.len() == most);
    let free = full.map_or(now, |oldest| oldest.after(span)).max(now);
    rate.sent.push(free);
    rate.gathering = (free > now).then_some(free);
    rate.gathered = 1;
    rate.gathering
}

/// Whether one more message is within the limit now, which it then counts in; else when there is room again. Unlike
/// what is [`beyond`], what waits for room is looked at again then, and reserves nothing.
pub(crate) fn room(limit: Limit, now: Timestamp, rate: &mut Rate) -> Result<(), Timestamp> {
    let (span, most) = (limit.per.duration(), limit.messages.max(1) as usize);
    let first = rate.sent.len().saturating_sub(most);
    rate.sent.drain(..first);
    match rate.sent.first().filter(|_| rate.sent.len() == most) {
        Some(oldest) if oldest.after(span) > now => Err(oldest.after(span)),
        _ => {
            rate.sent.push(now);
            Ok(())
        }
    }
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
        Rate {
            lane: "l".to_owned(),
            sent: Vec::new(),
            gathering: None,
            gathered: 0,
            version: 0,
        }
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
            due.push(match pace(&limited, Severity::Info, now, Some(&mut rate)) {
                Paced::AtOnce => now,
                Paced::Gathered { due, .. } => due,
            });
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
            sent.insert(match pace(&limited, Severity::Info, now, Some(&mut rate)) {
                Paced::AtOnce => now,
                Paced::Gathered { due, .. } => due,
            });
        }
        let sent: Vec<Timestamp> = sent.into_iter().collect();
        for six in sent.windows(6) {
            assert!(six[5].since(six[0]).as_secs() >= 600, "{six:?}");
        }
    }
}
