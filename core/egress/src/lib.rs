//! Everything that leaves the machine: HTTP, SMTP, secrets, signing, address filter, redaction.
//!
//! A caller says what to send and names the secrets; only this crate opens them. Each call is one attempt: when to
//! try again, and in which order, is left to the caller, who gets a [`Failure`] to decide by. Knows nothing of
//! tasks, SQL or plugins.
//!
//! What holds for every call: the addresses dialled are those that were checked; no redirect is followed; no proxy is
//! used but the one that the admin names, for HTTP; there is a limit on time and size; and nothing that comes back holds
//! a secret.

mod address;
mod durable;
mod error;
mod failure;
mod fetch;
mod fill;
mod http;
mod kept_elsewhere;
mod mail;
mod pool;
mod proxy;
mod redact;
mod resolve;
mod retry_after;
mod sealed;
mod secret_name;
mod secrets;
mod server;
mod sign;
mod signing_key;
mod slots;
mod smtp;
mod tls;
mod written;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ironcore_types::Seams;

pub use address::{AllowList, Refused};
pub use error::EgressError;
pub use failure::{Failure, FailureClass};
pub use fetch::{FetchRequest, Fetched};
pub use http::{HttpRequest, HttpResponse, MAX_ANSWER};
pub use mail::{Attachment, Mail};
pub use proxy::ProxyOptions;
pub use resolve::{Looking, Lookup, SystemLookup};
pub use secrecy::{SecretBox, SecretString};
pub use secrets::{KeptSecret, SecretName, Secrets, Stamp};
pub use server::{MailReport, RecipientOutcome, SmtpAuth, SmtpMechanism, SmtpServer, SmtpTls};
pub use sign::SignSpec;
pub use signing_key::{SigningKind, generate_signing_secret};
pub use slots::SecretSlot;
pub use tls::{Fingerprint, pinned_tls, wrong_certificate};

/// What the admin decides about everything that leaves the machine.
#[derive(Clone)]
pub struct EgressOptions {
    /// Destinations that are allowed although they are not public.
    pub allow: AllowList,
    /// The proxy that HTTP requests take; mails never do.
    pub proxy: Option<ProxyOptions>,
    /// Certificate authorities in PEM, beside the system's.
    pub roots_pem: Vec<String>,
    /// Allows mail without TLS to addresses that are not loopback ones.
    pub plain_smtp: bool,
    /// How names become addresses.
    pub lookup: Arc<dyn Lookup>,
    /// The longest time-out that [`HttpRequest::timeout`] can ask for.
    pub max_timeout: Duration,
}

impl EgressOptions {
    /// Refuses what [`Egress::new`] would refuse of the proxy, without making anything.
    pub fn check(&self) -> Result<(), EgressError> {
        let resolver = resolve::Resolver::new(self.allow.clone(), Arc::clone(&self.lookup));
        match &self.proxy {
            Some(options) => proxy::Proxy::new(options.clone(), &resolver).map(|_| ()),
            None => Ok(()),
        }
    }
}

impl Default for EgressOptions {
    fn default() -> Self {
        Self {
            allow: AllowList::default(),
            proxy: None,
            roots_pem: Vec::new(),
            plain_smtp: false,
            lookup: Arc::new(SystemLookup),
            max_timeout: Duration::from_secs(60),
        }
    }
}

impl fmt::Debug for EgressOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressOptions")
            .field("allow", &self.allow)
            .field("proxy", &self.proxy)
            .field("roots_pem", &self.roots_pem.len())
            .field("plain_smtp", &self.plain_smtp)
            .field("max_timeout", &self.max_timeout)
            .finish_non_exhaustive()
    }
}

/// The way out of the machine; cheap to clone. Its calls want a tokio runtime with time and net.
#[derive(Clone)]
pub struct Egress {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) client: reqwest::Client,
    pub(crate) pinned: Mutex<HashMap<Fingerprint, reqwest::Client>>,
    pub(crate) pools: pool::Pools,
    pub(crate) trust: tls::Trust,
    pub(crate) resolver: resolve::Resolver,
    pub(crate) proxy: Option<proxy::Proxy>,
    pub(crate) secrets: Secrets,
    pub(crate) seams: Seams,
    pub(crate) plain_smtp: bool,
    pub(crate) max_timeout: Duration,
}

impl Egress {
    /// Reads the authorities and makes the clients. Nothing is dialled.
    pub fn new(options: EgressOptions, secrets: Secrets, seams: Seams) -> Result<Self, EgressError> {
        let trust = tls::Trust::new(&options.roots_pem)?;
        let resolver = resolve::Resolver::new(options.allow, options.lookup);
        let proxy = options
            .proxy
            .map(|proxy| proxy::Proxy::new(proxy, &resolver))
            .transpose()?;
        Ok(Self {
            shared: Arc::new(Shared {
                client: http::client(&trust, &resolver, proxy.as_ref(), None)?,
                pinned: Mutex::default(),
                pools: pool::Pools::default(),
                trust,
                resolver,
                proxy,
                secrets,
                seams,
                plain_smtp: options.plain_smtp,
                max_timeout: options.max_timeout,
            }),
        })
    }

    /// The secrets that requests can name.
    pub fn secrets(&self) -> &Secrets {
        &self.shared.secrets
    }

    /// Sends a request once. Every answer is `Ok`, whatever its status: see [`HttpResponse::failure`].
    /// An error says that there was no answer, or that nothing was sent.
    pub async fn http(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        http::send(&self.shared, request).await
    }

    /// Hands a mail to its server once. An error says that nobody got it; else each recipient has an outcome.
    pub async fn mail(&self, mail: &Mail, server: &SmtpServer) -> Result<MailReport, Failure> {
        self.shared.pools.sweep(self.shared.seams.moment());
        smtp::send(&self.shared, mail, server).await
    }

    /// Gets a whole answer, for the hub's own conversations. The answer is not redacted; errors are.
    pub async fn fetch(&self, request: FetchRequest) -> Result<Fetched, Failure> {
        fetch::fetch(&self.shared, request).await
    }

    /// Takes leave of the mail servers with a connection open.
    pub async fn close(&self) {
        self.shared.pools.close().await;
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress")
            .field("secrets", &self.shared.secrets)
            .field("trust", &self.shared.trust)
            .field("pools", &self.shared.pools)
            .finish_non_exhaustive()
    }
}
