//! Event streams: many clients, each of whom must hear of every event at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ironcore_testkit::hub::TestHub;
use reqwest::Client;
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::process::memory_mb;
use crate::report::{Bound, Figure, millis, quantile};

/// How long a client waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn streams(short: bool) -> Result<Vec<Figure>> {
    let (clients, events) = if short { (20, 3) } else { (1_000, 20) };
    let hub = tokio::task::spawn_blocking(|| TestHub::start("")).await??;
    let (url, pid) = (hub.url()?, hub.pid().context("the hub runs")?);
    let token = std::fs::read_to_string(hub.token_file())?.trim().to_owned();
    let opened = Arc::new(Barrier::new(clients + 1));
    let mut reading = JoinSet::new();
    for _ in 0..clients {
        reading.spawn(read(url.clone(), token.clone(), events, opened.clone()));
    }
    opened.wait().await;
    let client = Client::new();
    let mut asked = Vec::with_capacity(events);
    for number in 0..events {
        // One a second, each at a moment that no other shares.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let new = json!({ "user": format!("stream@local!{number}"), "role": "auditor" });
        asked.push(Instant::now());
        let made = client
            .post(format!("{url}/api/v1/tokens"))
            .bearer_auth(&token)
            .json(&new)
            .send()
            .await?;
        made.error_for_status()?;
    }
    let mut delays = Vec::with_capacity(clients * events);
    while let Some(seen) = reading.join_next().await {
        let seen = seen??;
        ensure!(seen.len() == events, "{} of {events} events came", seen.len());
        delays.extend(
            seen.iter()
                .zip(&asked)
                .map(|(seen, asked)| seen.saturating_duration_since(*asked)),
        );
    }
    let memory = |field| memory_mb(pid, field);
    let (resident, anonymous) = (memory("Rss:")?, memory("Anonymous:")?);
    let slowest = delays.iter().max().copied().unwrap_or_default();
    let what = format!("{clients} event streams");
    Ok(vec![
        Figure::new(
            format!("{what}, memory of the hub"),
            resident,
            "MB",
            Bound::Most(300.0),
        )
        .note(format!("resident; {anonymous:.1} MB anonymous")),
        Figure::new(
            format!("{what}, asked → seen by the last"),
            millis(slowest),
            "ms",
            Bound::Most(1_000.0),
        )
        .note(format!(
            "{events} events; p50 {:.0} ms, p99 {:.0} ms",
            millis(quantile(&mut delays, 0.5)),
            millis(quantile(&mut delays, 0.99))
        )),
    ])
}

/// When each of so many tokens was told to be made.
async fn read(url: String, token: String, events: usize, opened: Arc<Barrier>) -> Result<Vec<Instant>> {
    let asked = Client::new()
        .get(format!("{url}/api/v1/events/stream?type=auth.token-created"))
        .bearer_auth(token);
    let answer = asked.send().await;
    opened.wait().await;
    let mut answer = answer?.error_for_status()?;
    let (mut seen, mut rest) = (Vec::with_capacity(events), Vec::new());
    while seen.len() < events {
        let Some(bytes) = tokio::time::timeout(PATIENCE, answer.chunk()).await?? else {
            break;
        };
        let now = Instant::now();
        rest.extend_from_slice(&bytes);
        while let Some(end) = rest.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = rest.drain(..end + 2).collect();
            if String::from_utf8_lossy(&event).contains("auth.token-created") {
                seen.push(now);
            }
        }
    }
    Ok(seen)
}
