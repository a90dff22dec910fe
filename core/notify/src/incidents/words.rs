//! Incidents in words for people.

use std::time::Duration;

use ironcore_ledger::model::{Ending, Incident};
use ironcore_types::{Timestamp, counted};
use serde_json::json;

use super::decide::Say;
use crate::cause::is_of_runs;
use crate::template_helpers::duration;

/// The longest title of a notice, characters: some of it is the message of whatever failed.
const TITLE: usize = 300;

/// One line that says what is told. `more` events joined since the handler was last told.
pub(crate) fn title(say: Say, incident: &Incident, more: usize, now: Timestamp) -> String {
    let name = cut(&incident.title);
    let failures = counted(incident.failures, "failure");
    let several = match incident.failures {
        0 | 1 => String::new(),
        _ if is_of_runs(&incident.cause) => format!(" ({failures})"),
        times => format!(" ({times} times)"),
    };
    match say {
        Say::First => format!("{name}{several}"),
        Say::More => format!("{name} ({more} more, {} in all)", incident.failures),
        Say::Still => format!("Still, for {}: {name}{several}", lasted(incident, now)),
        Say::Raised => format!("Not acknowledged for {}: {name}{several}", lasted(incident, now)),
        Say::Over if more > 0 && !is_of_runs(&incident.cause) && is_well(incident) => {
            // Of runs the end itself says how often they failed.
            format!("{name}{several}; {}", over(incident, &name, &failures, now))
        }
        Say::Over | Say::End => over(incident, &name, &failures, now),
    }
}

/// Whether it ended because what failed works again.
fn is_well(incident: &Incident) -> bool {
    matches!(incident.ended, Some((_, Ending::Recovered)))
}

fn over(incident: &Incident, name: &str, failures: &str, now: Timestamp) -> String {
    let lasted = lasted(incident, now);
    match incident.ended.map(|(_, ending)| ending) {
        Some(Ending::Moved) => format!("{name}: not any more; what failed fails for another reason now"),
        Some(Ending::Removed) => format!("{name}: not any more, for what failed was removed"),
        Some(Ending::Closed) => closed(incident, name, &lasted),
        _ if is_of_runs(&incident.cause) => format!("{} after {failures} in {lasted}", incident.over),
        _ => format!("{} after {lasted}", incident.over),
    }
}

fn closed(incident: &Incident, name: &str, lasted: &str) -> String {
    let Some(closing) = &incident.closed else {
        return format!("{name}: closed after {lasted}");
    };
    let comment = closing.comment.as_deref();
    let comment = comment.map_or_else(String::new, |text| format!(": {}", cut(text)));
    format!("{name}: closed by {} after {lasted}{comment}", closing.by)
}

/// How long it has lasted.
fn lasted(incident: &Incident, now: Timestamp) -> String {
    let until = incident.ended.map_or(now, |(at, _)| at);
    words(until.since(incident.opened))
}

fn words(span: Duration) -> String {
    let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    duration(&json!(micros)).unwrap_or_default()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TITLE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
