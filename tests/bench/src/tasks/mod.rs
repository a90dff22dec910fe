//! `bench tasks`: one module a measure. Each makes its own database, measures, and checks that what came out is right.

pub(crate) mod fill;
mod followers;
mod pages;
pub(crate) mod rest;
mod throughput;
mod ticks;

use crate::measure::{self, measure};
use crate::place::Place;
use crate::report::Report;

/// Measures everything, or what `only` names.
pub(crate) async fn all(short: bool, only: &[String]) -> Report {
    let measures = [
        measure("throughput sqlite", move || throughput::sqlite(short)),
        measure("throughput postgres", move || throughput::postgres(short)),
        measure("pages sqlite", move || async move {
            pages::pages(&Place::sqlite()?, short).await
        }),
        measure("pages postgres", move || async move {
            pages::pages(&Place::postgres()?, short).await
        }),
        measure("ticks sqlite", move || async move {
            ticks::ticks(&Place::sqlite()?, short).await
        }),
        measure("ticks postgres", move || async move {
            ticks::ticks(&Place::postgres()?, short).await
        }),
        measure("followers", move || followers::followers(short)),
        measure("rest", move || rest::rest(short)),
    ];
    measure::all(measures, only).await
}
