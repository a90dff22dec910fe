//! The built-in remediation plugin: what to do about failures, warnings and bad verifications.
//!
//! What an event says is gathered in `facts`; what to do about a code or an event type is in the tables of `rules`;
//! `advice` puts both together, in `words`. It has no effects: what a tip offers is the hub's to perform.

mod advice;
mod facts;
mod rules;
mod words;

use ironcore_plugin::{Event, Host, Plugin, Tip};

/// The plugin.
#[derive(Debug)]
pub struct Remediation;

impl Plugin for Remediation {
    fn advise(_host: &impl Host, event: &Event) -> Vec<Tip> {
        advice::tips(event)
    }
}

ironcore_plugin::export!(Remediation);

#[cfg(test)]
mod tests;
