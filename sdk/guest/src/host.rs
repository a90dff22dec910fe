//! The host as a plugin sees it: one trait, which the real imports and the fake host implement.

use crate::bindings::ironcore::plugin as wit;
use crate::{LogLevel, http, inbox, kv, mail, metrics, templates};

/// What a plugin can ask of the hub. Each method needs the capability of its interface in `plugin.toml`.
pub trait Host {
    /// Capability `http`: sends a request and waits for its answer.
    ///
    /// # Errors
    /// When there is no answer.
    fn http(&self, request: &http::Request) -> Result<http::Response, http::Error>;

    /// Capability `mail`: hands a mail to a server.
    ///
    /// # Errors
    /// When the server did not take it.
    fn mail(&self, server: &mail::Server, message: &mail::Message) -> Result<mail::Reply, mail::Error>;

    /// Capability `inbox`: says how an event of this delivery is shown.
    ///
    /// # Errors
    /// When the delivery holds no such event, or a part is too long.
    fn inbox(&self, event_id: &str, entry: &inbox::Entry) -> Result<(), inbox::Error>;

    /// Capability `metrics`: tells figures.
    ///
    /// # Errors
    /// When a name is not valid, or there are too many.
    fn metrics(&self, samples: &[metrics::Sample]) -> Result<(), metrics::Error>;

    /// Capability `templates`: renders a template for this delivery; `extra` is a JSON object, or empty.
    ///
    /// # Errors
    /// When there is no such template, or it does not fit.
    fn render(&self, template: &str, extra: &str) -> Result<String, templates::Error>;

    /// Capability `kv`: reads a value.
    ///
    /// # Errors
    /// When the values cannot be reached.
    fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, kv::Error>;

    /// Capability `kv`: writes a value; kept when the call ends.
    ///
    /// # Errors
    /// When it is too much.
    fn kv_set(&self, key: &str, value: &[u8]) -> Result<(), kv::Error>;

    /// Capability `kv`: removes a value.
    ///
    /// # Errors
    /// When it is too much.
    fn kv_delete(&self, key: &str) -> Result<(), kv::Error>;

    /// Capability `log`: writes a line.
    fn log(&self, level: LogLevel, line: &str);
}

/// The real host, reached through the component's imports. Works only inside the hub.
#[derive(Debug, Clone, Copy)]
pub struct Imports;

impl Host for Imports {
    fn http(&self, request: &http::Request) -> Result<http::Response, http::Error> {
        wit::http::send(request)
    }

    fn mail(&self, server: &mail::Server, message: &mail::Message) -> Result<mail::Reply, mail::Error> {
        wit::mail::send(server, message)
    }

    fn inbox(&self, event_id: &str, entry: &inbox::Entry) -> Result<(), inbox::Error> {
        wit::inbox::put(event_id, entry)
    }

    fn metrics(&self, samples: &[metrics::Sample]) -> Result<(), metrics::Error> {
        wit::metrics::observe(samples)
    }

    fn render(&self, template: &str, extra: &str) -> Result<String, templates::Error> {
        wit::templates::render(template, extra)
    }

    fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, kv::Error> {
        wit::kv::get(key)
    }

    fn kv_set(&self, key: &str, value: &[u8]) -> Result<(), kv::Error> {
        wit::kv::set(key, value)
    }

    fn kv_delete(&self, key: &str) -> Result<(), kv::Error> {
        wit::kv::delete(key)
    }

    fn log(&self, level: LogLevel, line: &str) {
        wit::log::write(level, line);
    }
}
