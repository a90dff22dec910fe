//! The built-in email plugin: one mail an attempt, with a plain and an HTML part, over the hub's SMTP client.
//!
//! Addresses are in `address`, the texts in `compose`, what a server's answer means in `answer`; rendering, secrets and
//! the network are the hub's.

mod address;
mod answer;
mod compose;
mod config;

use ironcore_plugin::{Delivery, Failure, Host, Plugin, Receipt};

use crate::config::Config;

/// The plugin.
#[derive(Debug)]
pub struct Email;

impl Plugin for Email {
    fn deliver(host: &impl Host, delivery: &Delivery) -> Result<Receipt, Failure> {
        let config: Config = delivery.config_as()?;
        let server = config.server();
        let message = compose::message(host, delivery, &config)?;
        let reply = host.mail(&server, &message).map_err(answer::failure)?;
        Ok(Receipt::new(reply.text)
            .with_status(reply.code)
            .with_id(message.message_id))
    }
}

ironcore_plugin::export!(Email);

#[cfg(test)]
mod tests;
