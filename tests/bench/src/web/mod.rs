//! `bench web`: what people wait for who look at the hub in a browser, and what the hub needs for that.

mod load;
mod paint;
mod streams;
mod weight;

use crate::measure::{self, measure};
use crate::report::Report;

/// Measures everything, or what `only` names.
pub(crate) async fn all(short: bool, only: &[String]) -> Report {
    let measures = [
        measure("weight", weight::weight),
        measure("paint", move || paint::paint(short)),
        measure("streams", move || streams::streams(short)),
        measure("load", move || load::load(short)),
    ];
    measure::all(measures, only).await
}
