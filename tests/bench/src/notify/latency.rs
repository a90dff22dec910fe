//! From the COMMIT of an event to its request at the endpoint, at two hundred events a second.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::endpoints::Endpoints;
use super::webhooks::ENDPOINTS;
use super::world::{Setup, World, webhook};
use crate::report::{Bound, Figure, millis, quantile};

const EVERY: Duration = Duration::from_millis(5);

pub(super) async fn latency(short: bool) -> Result<Vec<Figure>> {
    let events = if short { 200 } else { 4_000 };
    let endpoints = Endpoints::start(ENDPOINTS, 0, true).await?;
    let handlers = endpoints.urls().map(|url| webhook(&url)).collect();
    let mut world = World::new(handlers, Setup::default()).await?;
    world.start()?;
    // Connections are made, and what is compiled late is compiled.
    super::webhooks::tell(&world, ENDPOINTS, ENDPOINTS).await?;
    endpoints.wait_for(ENDPOINTS).await?;
    let mut committed: HashMap<String, Instant> = HashMap::new();
    let begun = tokio::time::Instant::now();
    for number in 0..events {
        tokio::time::sleep_until(begun + EVERY * u32::try_from(number)?).await;
        let id = world.fail(number % ENDPOINTS, ENDPOINTS + number).await?;
        committed.insert(id.to_string(), Instant::now());
    }
    endpoints.wait_for(ENDPOINTS + events).await?;
    world.stop().await?;
    let mut took = Vec::with_capacity(events);
    for came in endpoints.came().into_values() {
        let event = came.event.context("an event in each body")?;
        if let Some(told) = committed.get(&event) {
            took.push(came.first.saturating_duration_since(*told));
        }
    }
    anyhow::ensure!(took.len() == events, "{} of {events} came", took.len());
    let mut ms = |share| millis(quantile(&mut took, share));
    let (half, most, all) = (ms(0.5), ms(0.99), ms(1.0));
    let note = format!("{events} events at 200 a second, the longest {all:.1} ms");
    Ok(vec![
        Figure::new(
            "event committed → request received, p50",
            half,
            "ms",
            Bound::Most(15.0),
        )
        .note(note.clone()),
        Figure::new(
            "event committed → request received, p99",
            most,
            "ms",
            Bound::Most(100.0),
        )
        .note(note),
    ])
}
