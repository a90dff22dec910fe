//! `schedule next`: the next times of a calendar expression, computed here, without a hub.

use anyhow::Result;
use ironcore_types::calendar::{Calendar, zone};
use ironcore_types::clock_text::parse_time;
use ironcore_types::{ErrorCode, Timestamp};

use crate::args::Schedule;
use crate::exit::{Coded, Exit};
use crate::output::Form;
use crate::serve::seams;

pub(super) fn run(form: Form, command: &Schedule) -> Result<Exit> {
    let Schedule::Next {
        expression,
        after,
        count,
        timezone,
    } = command;
    let wrong = |code: ErrorCode, message: String| Coded { code, message };
    let calendar = Calendar::parse(expression).map_err(|error| wrong(error.code(), error.to_string()))?;
    let zone = zone(timezone).map_err(|error| wrong(error.code(), error.to_string()))?;
    let mut at = parse_time(after, seams::machine().now())
        .map_err(|error| wrong(ErrorCode::RequestInvalid, error.to_string()))?;
    let mut times: Vec<Timestamp> = Vec::new();
    while times.len() < *count
        && let Some(next) = calendar.next_after(at, &zone)
    {
        times.push(next);
        at = next;
    }
    let rows = times.iter().map(|time| {
        let local = time.to_jiff().to_zoned_datetime(zone.clone());
        vec![
            time.to_string(),
            local.strftime("%a %Y-%m-%d %H:%M:%S %Z").to_string(),
        ]
    });
    form.rows(&times, &["UTC", "LOCAL"], rows)?;
    Ok(Exit::Ok)
}
