//! Events told one by one to a hub that delivers each to one of a hundred endpoints, signed; from the first event to
//! the last request. Endpoints and hub are one process, on the same cores.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Result, ensure};
use ironcore_notify::Deliver;

use super::endpoints::Endpoints;
use super::native::NativeWebhook;
use super::world::{Setup, World, webhook};
use crate::report::{Bound, Figure};

/// Who tells events at once.
const TELLERS: usize = 32;
pub(super) const ENDPOINTS: usize = 100;

pub(super) async fn webhooks(short: bool) -> Result<Vec<Figure>> {
    let events = if short { 1_000 } else { 20_000 };
    let rounds = if short { 1 } else { 2 };
    let (mut wasm, mut native): (f64, f64) = (0.0, 0.0);
    for _ in 0..rounds {
        // In turns, so that what else goes on in the machine concerns both.
        wasm = wasm.max(rate(events, false).await?);
        native = native.max(rate(events, true).await?);
    }
    let note = format!("{events} events, {ENDPOINTS} endpoints, each once; the better of {rounds}");
    Ok(vec![
        Figure::new(
            "events → signed webhooks, plugin, SQLite",
            wasm,
            "a second",
            Bound::Least(1_000.0),
        )
        .note(note.clone()),
        Figure::new(
            "events → signed webhooks, native handler, SQLite",
            native,
            "a second",
            Bound::None,
        )
        .note(note),
        Figure::new(
            "plugin beside native handler",
            wasm / native,
            "×",
            Bound::Least(0.85),
        ),
    ])
}

async fn rate(events: usize, native: bool) -> Result<f64> {
    let endpoints = Endpoints::start(ENDPOINTS, 0, false).await?;
    let mut setup = Setup::default();
    if native {
        let handler: Arc<dyn Deliver> = Arc::new(NativeWebhook);
        setup.native = BTreeMap::from([("webhook".parse()?, handler)]);
    }
    let handlers = endpoints.urls().map(|url| webhook(&url)).collect();
    let mut world = World::new(handlers, setup).await?;
    world.start()?;
    let begun = Instant::now();
    tell(&world, events, ENDPOINTS).await?;
    endpoints.wait_for(events).await?;
    let took = begun.elapsed();
    world.stop().await?;
    let came = endpoints.came();
    ensure!(
        came.len() == events,
        "{} messages came of {events} events",
        came.len()
    );
    ensure!(
        came.values().all(|came| came.times == 1),
        "some came twice, though nothing crashed"
    );
    Ok(events as f64 / took.as_secs_f64())
}

/// Tells so many events, those of job after job.
pub(super) async fn tell(world: &World, events: usize, jobs: usize) -> Result<()> {
    let next = AtomicUsize::new(0);
    let teller = || async {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= events {
                return Ok::<_, anyhow::Error>(());
            }
            world.fail(number % jobs, number).await?;
        }
    };
    futures::future::try_join_all((0..TELLERS).map(|_| teller())).await?;
    Ok(())
}
