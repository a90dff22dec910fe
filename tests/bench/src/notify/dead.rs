//! One endpoint that takes requests and never answers among a hundred: what the others lose by it.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::endpoints::Endpoints;
use super::webhooks::{ENDPOINTS, tell};
use super::world::{Setup, World, webhook};
use crate::report::{Bound, Figure};

pub(super) async fn dead(short: bool) -> Result<Vec<Figure>> {
    let events = if short { 1_000 } else { 20_000 };
    let rounds = if short { 1 } else { 2 };
    let (mut all_well, mut one_dead): (f64, f64) = (0.0, 0.0);
    for _ in 0..rounds {
        all_well = all_well.max(rate(events, 0).await?);
        one_dead = one_dead.max(rate(events, 1).await?);
    }
    let lost = (1.0 - one_dead / all_well) * 100.0;
    let note = format!(
        "{all_well:.0} a second without, {one_dead:.0} with it; {events} events, the better of {rounds}"
    );
    Ok(vec![
        Figure::new(
            "one dead endpoint among 100: what the others lose",
            lost,
            "%",
            Bound::Most(5.0),
        )
        .note(note),
    ])
}

/// How many a second the endpoints that live are told.
async fn rate(events: usize, deaf: usize) -> Result<f64> {
    let endpoints = Endpoints::start(ENDPOINTS, deaf, false).await?;
    let handlers = endpoints.urls().map(|url| webhook(&url)).collect();
    let mut world = World::new(handlers, Setup::default()).await?;
    world.start()?;
    let begun = Instant::now();
    tell(&world, events, ENDPOINTS).await?;
    let wanted = events - events / ENDPOINTS * deaf;
    endpoints.wait_for(wanted).await?;
    let took = begun.elapsed();
    world.stop().await?;
    let came = endpoints.came();
    ensure!(came.len() == wanted, "{} messages came, not {wanted}", came.len());
    Ok(wanted as f64 / took.as_secs_f64())
}
