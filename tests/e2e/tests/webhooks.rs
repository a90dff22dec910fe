//! Webhooks as their targets get them: templates, CloudEvents, signatures, answers and rates; and the catalogue for
//! consumers.

#[path = "webhooks/catalogue.rs"]
mod catalogue;
#[path = "webhooks/cloud_events.rs"]
mod cloud_events;
#[path = "webhooks/consumers.rs"]
mod consumers;
#[path = "webhooks/targets.rs"]
mod targets;
#[path = "webhooks/templates.rs"]
mod templates;
#[path = "webhooks/world.rs"]
mod world;
