//! What happened, as tables: one row for each task and for each message.

use anyhow::Result;
use serde_json::Value;

use super::checks::text;
use super::hub::Hub;
use crate::steps::say;

/// Prints UPID, state, bytes and duration of all tasks, oldest first.
pub(crate) fn tasks(hub: &Hub) -> Result<()> {
    let rows: Vec<Vec<String>> = hub
        .tasks()?
        .iter()
        .rev()
        .map(|task| {
            vec![
                text(&task["type"]),
                text(&task["status"]),
                text(&task["bytes"]),
                duration(task),
                text(&task["upid"]),
            ]
        })
        .collect();
    say("");
    table(&["TYPE", "STATE", "BYTES", "DURATION", "UPID"], &rows);
    Ok(())
}

/// Prints handler, outcome and attempts of `messages`, oldest first, and what each tells of.
pub(crate) fn messages(hub: &Hub, messages: &[Value]) -> Result<()> {
    let mut rows = Vec::new();
    for message in messages.iter().rev() {
        let detail = hub.json(&["message", "show", &text(&message["id"])])?;
        let event = &detail["events"][0]["event"];
        let more = match message["events"].as_u64() {
            Some(events @ 2..) => format!(" (and {} more)", events - 1),
            _ => String::new(),
        };
        let about = format!(
            "{}: {}",
            text(&event["type"]).trim_start_matches("ironcore."),
            text(&event["data"]["title"])
        );
        rows.push(vec![
            handler(message),
            text(&message["state"]),
            text(&message["attempts"]),
            about.chars().take(90).chain(more.chars()).collect(),
        ]);
    }
    say("");
    table(&["HANDLER", "OUTCOME", "ATTEMPTS", "ABOUT"], &rows);
    say("");
    Ok(())
}

/// Group and name of a message's handler.
pub(crate) fn handler(message: &Value) -> String {
    format!("{}/{}", text(&message["group"]), text(&message["handler"]))
}

/// Prints rows in columns.
fn table(head: &[&str], rows: &[Vec<String>]) {
    let widths: Vec<usize> = (0..head.len())
        .map(|at| {
            rows.iter()
                .map(|row| row[at].chars().count())
                .chain([head[at].len()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<&str>| {
        let cells: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        say(cells.join("  ").trim_end());
    };
    line(head.to_vec());
    for row in rows {
        line(row.iter().map(String::as_str).collect());
    }
}

/// Seconds between start and end, from the texts' own digits.
fn duration(task: &Value) -> String {
    match (seconds(&task["started"]), seconds(&task["ended"])) {
        (Some(started), Some(ended)) => format!("{:.1} s", (ended - started).rem_euclid(86_400.0)),
        _ => "-".to_owned(),
    }
}

/// Seconds of the day of an RFC 3339 time in UTC.
pub(crate) fn seconds(time: &Value) -> Option<f64> {
    let clock = time.as_str()?.get(11..)?.trim_end_matches('Z');
    let mut parts = clock.split(':').map(|part| part.parse::<f64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    Some(hours * 3600.0 + minutes * 60.0 + seconds)
}
