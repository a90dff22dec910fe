//! The built-in webhook plugin: one signed HTTP request an attempt.
//!
//! What is sent is in `request` and `cloud_event`, what an answer means in `answer`; secrets, signing and the network are the hub's.

mod answer;
mod cloud_event;
mod config;
mod request;

use ironcore_plugin::{Delivery, Failure, Host, Plugin, Receipt};

use crate::config::Config;

/// The plugin.
#[derive(Debug)]
pub struct Webhook;

impl Plugin for Webhook {
    fn deliver(host: &impl Host, delivery: &Delivery) -> Result<Receipt, Failure> {
        let config: Config = delivery.config_as()?;
        let request = request::request(host, delivery, &config)?;
        answer::outcome(host.http(&request), &config.success)
    }
}

ironcore_plugin::export!(Webhook);

#[cfg(test)]
mod tests;
