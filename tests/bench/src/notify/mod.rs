//! `bench notify`: one module a measure. Each makes a hub without engine and API (`world`), tells it events, and looks
//! at what comes to the endpoints (`endpoints`) or the mail server.

mod claim;
mod dead;
mod endpoints;
mod latency;
mod mail;
mod native;
mod webhooks;
mod world;

use crate::measure::{self, measure};
use crate::report::Report;

/// Measures everything, or what `only` names.
pub(crate) async fn all(short: bool, only: &[String]) -> Report {
    let measures = [
        measure("webhooks", move || webhooks::webhooks(short)),
        measure("latency", move || latency::latency(short)),
        measure("dead endpoint", move || dead::dead(short)),
        measure("mails", move || mail::mails(short)),
        measure("claim", move || claim::claim(short)),
    ];
    measure::all(measures, only).await
}
