//! How soon the Dashboard is painted, in a real browser, of a hub with a year of tasks.

use anyhow::{Context as _, Result, ensure};
use ironcore_testkit::hub::TestHub;
use serde::Deserialize;

use crate::machine;
use crate::place::Place;
use crate::report::{Bound, Figure};
use crate::tasks::{fill, rest};

/// Tasks whose pages and logs are asked for.
const ASKED: usize = 500;

/// A hub that has been at work for a year.
pub(super) struct Old {
    pub(super) hub: TestHub,
    pub(super) tasks: usize,
    pub(super) upids: Vec<String>,
}

/// Starts a hub with 1,000 jobs and 1,000,000 tasks.
pub(super) async fn old_hub(short: bool) -> Result<Old> {
    let tasks = if short { 5_000 } else { 1_000_000 };
    let mut hub = tokio::task::spawn_blocking(|| {
        let mut hub = TestHub::start("")?;
        hub.apply(&rest::document(&hub))?;
        hub.stop()?;
        anyhow::Ok(hub)
    })
    .await??;
    let place = Place::File(hub.folder().join("data/ledger.sqlite"));
    let year = fill::fill(&place, tasks, machine::seams().now()).await?;
    let upids = year
        .rows
        .iter()
        .rev()
        .take(ASKED)
        .map(|row| row.upid.clone())
        .collect();
    let hub = tokio::task::spawn_blocking(move || hub.resume().map(|()| hub)).await??;
    Ok(Old { hub, tasks, upids })
}

/// What the script in the dashboard's folder says.
#[derive(Debug, Deserialize)]
struct Paints {
    /// Largest contentful paints, ms.
    paints: Vec<f64>,
    /// What was painted largest in the last of them.
    largest: String,
}

pub(super) async fn paint(short: bool) -> Result<Vec<Figure>> {
    let Old { hub, tasks, .. } = old_hub(short).await?;
    let rounds = if short { 1 } else { 5 };
    let asked = tokio::task::spawn_blocking(move || {
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../core/dashboard/scripts/paint.mjs"
        );
        let token = std::fs::read_to_string(hub.token_file())?;
        let done = std::process::Command::new("node")
            .args([script, &hub.url()?, token.trim(), &rounds.to_string()])
            .output()
            .context("node")?;
        ensure!(
            done.status.success(),
            "the browser: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        anyhow::Ok(serde_json::from_slice::<Paints>(&done.stdout)?)
    });
    let Paints { mut paints, largest } = asked.await??;
    ensure!(
        paints.len() == rounds,
        "{} of {rounds} were painted",
        paints.len()
    );
    paints.sort_by(f64::total_cmp);
    let median = paints[paints.len() / 2];
    Ok(vec![
        Figure::new(
            format!("largest contentful paint of the Dashboard, {tasks} tasks, median of {rounds}"),
            median,
            "ms",
            Bound::Most(1_000.0),
        )
        .note(format!("{paints:.0?}; the largest is {largest}")),
    ])
}
