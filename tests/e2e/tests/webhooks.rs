//! Webhooks as their targets get them: templates, CloudEvents, signatures, answers and rates; the catalogue for
//! consumers; and mails as people see them.

#[path = "webhooks/batches.rs"]
mod batches;
#[path = "webhooks/catalogue.rs"]
mod catalogue;
#[path = "webhooks/cloud_events.rs"]
mod cloud_events;
#[path = "webhooks/consumers.rs"]
mod consumers;
#[path = "webhooks/mails.rs"]
mod mails;
#[path = "webhooks/rebinding.rs"]
mod rebinding;
#[path = "webhooks/targets.rs"]
mod targets;
#[path = "webhooks/templates.rs"]
mod templates;
#[path = "webhooks/world.rs"]
mod world;
