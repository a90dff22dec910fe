//! Requests of all kinds at a steady rate, each sent at its time whether or not those before it were answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use reqwest::Client;
use tokio::task::JoinSet;

use super::paint::{Old, old_hub};
use crate::machine::Dice;
use crate::report::{Bound, Figure, millis, quantile};

/// Requests a second.
const RATE: u32 = 300;

pub(super) async fn load(short: bool) -> Result<Vec<Figure>> {
    let Old { hub, tasks, upids } = old_hub(short).await?;
    let seconds = if short { 2 } else { 30 };
    let url = hub.url()?;
    let token = Arc::new(std::fs::read_to_string(hub.token_file())?.trim().to_owned());
    let client = Client::new();
    let mut dice = Dice(7);
    let mut asking = JoinSet::new();
    let begun = Instant::now();
    for number in 0..RATE * seconds {
        let at = begun + Duration::from_secs(1) * number / RATE;
        tokio::time::sleep_until(at.into()).await;
        let path = path(&mut dice, &upids);
        let (client, token, url) = (client.clone(), token.clone(), format!("{url}{path}"));
        asking.spawn(async move {
            let answer = client.get(&url).bearer_auth(token.as_str()).send().await?;
            let status = answer.status();
            answer.bytes().await?;
            // From the time at which it was to be sent: who comes late counts as slow.
            anyhow::Ok((url, status, at.elapsed()))
        });
    }
    let mut spans = Vec::new();
    let mut slowest = (String::new(), Duration::ZERO);
    while let Some(asked) = asking.join_next().await {
        let (url, status, span) = asked??;
        ensure!(status.is_success(), "{url}: {status}");
        if span > slowest.1 {
            slowest = (url, span);
        }
        spans.push(span);
    }
    let slowest = format!(
        "{} in {:.0} ms",
        slowest.0.split("/api/v1/").last().unwrap_or_default(),
        millis(slowest.1)
    );
    let p50 = millis(quantile(&mut spans, 0.5));
    Ok(vec![
        Figure::new(
            format!("API at {RATE} requests/s, mixed, {tasks} tasks, p99"),
            millis(quantile(&mut spans, 0.99)),
            "ms",
            Bound::Most(50.0),
        )
        .note(format!(
            "{} requests; p50 {p50:.1} ms, slowest {slowest}",
            spans.len()
        )),
    ])
}

/// What people's pages and other programs ask for, in about the shares in which they do.
fn path(dice: &mut Dice, upids: &[String]) -> String {
    let upid = dice
        .of(upids)
        .replace(':', "%3A")
        .replace('\\', "%5C")
        .replace('@', "%40");
    let state = *dice.of(&["failed", "warning", "ok"]);
    let project = dice.below(40);
    match dice.below(100) {
        0..20 => "/api/v1/status".to_owned(),
        20..30 => "/api/v1/tasks?limit=50".to_owned(),
        30..40 => format!("/api/v1/tasks?limit=50&status={state}&type=backup"),
        40..50 => format!("/api/v1/tasks?limit=50&project=project-{project}"),
        50..65 => format!("/api/v1/tasks/{upid}"),
        65..72 => format!("/api/v1/tasks/{upid}/log"),
        72..80 => "/api/v1/events?limit=50".to_owned(),
        80..85 => "/api/v1/inbox?limit=50".to_owned(),
        85..90 => "/api/v1/inbox/counts".to_owned(),
        90..94 => "/api/v1/workers".to_owned(),
        94..97 => "/api/v1/datastores".to_owned(),
        97..99 => format!("/api/v1/jobs/project-{}/job-{}", project % 20, project % 20),
        _ => "/api/v1/messages?limit=50".to_owned(),
    }
}
