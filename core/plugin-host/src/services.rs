//! The one trait through which every effect of a guest passes. The host itself knows no SQL, no network and no files.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::effects::{
    HttpError, HttpRequest, HttpResponse, KvError, LogLine, Mail, MailError, MailReply, MailServer,
    RenderError, Sample,
};

/// Performs effects for one call: make one for each call, with what it needs to know of plugin, project and handler.
///
/// By the time a method is called the host has checked that the plugin was granted the capability, and that every
/// secret that is named is one that the handler's configuration names. Futures are dropped when the call runs out of
/// time; they must not leave anything half done.
pub trait HostServices: Send + Sync + 'static {
    /// Sends a request and waits for its answer.
    fn http(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>>;

    /// Hands a mail to a server; ok when the server has taken responsibility for it.
    fn mail(&self, server: MailServer, mail: Mail) -> BoxFuture<'_, Result<MailReply, MailError>>;

    /// Renders a template, such as `email/subject.txt`, with a context as [`crate::Delivery::context`] makes it. It may take
    /// its time: it is called on a thread for that, and never on the stack of a guest.
    fn render(&self, template: &str, context: Value) -> Result<String, RenderError>;

    /// Reads a value of the plugin, project and handler of this call.
    fn kv_get(&self, key: &str) -> BoxFuture<'_, Result<Option<Vec<u8>>, KvError>>;

    /// Takes a line for the hub's log. The lines of a call are also in its report.
    fn log(&self, line: &LogLine);

    /// Takes figures.
    fn metrics(&self, samples: Vec<Sample>);
}

/// Refuses everything: for advice, which needs no effects, and for trying plugins out.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoServices;

impl HostServices for NoServices {
    fn http(&self, _request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        async {
            Err(HttpError::AddressDenied(
                "no requests can be sent from here".to_owned(),
            ))
        }
        .boxed()
    }

    fn mail(&self, _server: MailServer, _mail: Mail) -> BoxFuture<'_, Result<MailReply, MailError>> {
        async {
            Err(MailError::AddressDenied(
                "no mail can be sent from here".to_owned(),
            ))
        }
        .boxed()
    }

    fn render(&self, template: &str, _context: Value) -> Result<String, RenderError> {
        Err(RenderError::NotFound(template.to_owned()))
    }

    fn kv_get(&self, _key: &str) -> BoxFuture<'_, Result<Option<Vec<u8>>, KvError>> {
        async { Err(KvError::Unavailable("there are no values here".to_owned())) }.boxed()
    }

    fn log(&self, line: &LogLine) {
        tracing::debug!(level = ?line.level, "{}", line.text);
    }

    fn metrics(&self, _samples: Vec<Sample>) {}
}
