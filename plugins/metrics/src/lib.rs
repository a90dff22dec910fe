//! The built-in metrics plugin: figures of tasks that ended, pushed to InfluxDB or to a Prometheus push gateway.
//!
//! What an event says is in `task_end`, how it is written in `line_protocol` and `push_gateway`, what an answer means in
//! `answer`; secrets and the network are the hub's.

mod answer;
mod config;
mod line_protocol;
mod push_gateway;
mod rfc3339;
mod task_end;

use ironcore_plugin::{Delivery, Failure, Host, Plugin, Receipt};

use crate::config::{Config, Target};
use crate::task_end::TaskEnd;

/// The kind of a delivery that somebody asked for to try the handler: nothing happened.
const TEST: &str = "test";

/// The plugin.
#[derive(Debug)]
pub struct Metrics;

impl Plugin for Metrics {
    fn deliver(host: &impl Host, delivery: &Delivery) -> Result<Receipt, Failure> {
        let config: Config = delivery.config_as()?;
        let ends: Vec<TaskEnd> = delivery.events.iter().filter_map(TaskEnd::of).collect();
        if ends.is_empty() {
            // The group's filter lets more through than has figures: nothing is wrong with that.
            return Ok(Receipt::new("no task ended: nothing to push"));
        }
        match config.target {
            Target::Influxdb => line_protocol::push(host, delivery, &config, &ends),
            Target::PushGateway => push_gateway::push(host, delivery, &config, &ends),
        }
    }
}

ironcore_plugin::export!(Metrics);

#[cfg(test)]
mod tests;
