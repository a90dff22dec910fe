//! The hub's figures in Prometheus's text format: which there are, and what they are called. `docs/metrics.md` lists
//! them; what they are is left to the ledger, and the format to `exposition`.

mod delivery;
mod exposition;
mod hub;
mod objects;
mod process;
mod tasks;

use ironcore_ledger::model::{Figures, Tally};
use ironcore_types::Timestamp;

use crate::error::ApiError;
use crate::state::ApiState;
use exposition::Exposition;

pub(crate) use exposition::CONTENT_TYPE;

/// What a scrape tells of.
struct Scrape<'a> {
    now: Figures,
    tally: Tally,
    state: &'a ApiState,
}

/// Reads the figures, and writes them all.
pub(crate) async fn expose(state: &ApiState) -> Result<String, ApiError> {
    let scrape = Scrape {
        now: state.ledger().figures().await?,
        tally: state.ledger().tally(),
        state,
    };
    let process = tokio::task::spawn_blocking(process::Process::read).await?;
    let mut out = Exposition::default();
    hub::write(&mut out, &scrape);
    tasks::write(&mut out, &scrape);
    objects::write(&mut out, &scrape);
    delivery::write(&mut out, &scrape);
    process::write(&mut out, &process);
    Ok(out.finish())
}

/// A time as Prometheus has it: seconds since 1970.
fn seconds(time: Timestamp) -> f64 {
    time.as_micros() as f64 / 1e6
}

/// Seconds from then until `now`.
fn age(now: Timestamp, then: Option<Timestamp>) -> f64 {
    then.map_or(0.0, |then| now.since(then).as_secs_f64())
}
