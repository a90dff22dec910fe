//! What the routes work with: the ledger, the datastores, the plugins, and the limits.

use std::sync::Arc;
use std::time::Duration;

use ironcore_engine::Stores;
use ironcore_ledger::Ledger;
use ironcore_notify::links::LinkKey;
use ironcore_types::objects::Group;
use ironcore_types::{NodeName, Seams};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::backups::HubBackups;
use crate::factors::Demand;
use crate::live::Live;
use crate::logins::Attempts;
use crate::oidc::Oidc;
use crate::passwords::Passwords;
use crate::secrets::SecretKeeper;
use crate::stream::Tails;
use crate::trials::Trials;
use crate::wire;

/// The plugins of the hub, as far as the API needs them.
pub trait PluginCatalog: Send + Sync + 'static {
    /// All of them, by name, and those that were not loaded.
    fn list(&self) -> wire::PluginList;

    /// What is wrong with the handlers of a group: an unknown plugin, or a configuration that does not match the
    /// plugin's schema. Keys are relative to the group, such as `handler.hook.config.url`.
    fn check(&self, group: &Group) -> Vec<wire::Fault>;
}

/// What requests may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest body, bytes.
    pub body_bytes: usize,
    /// The longest time until an answer begins; streams go on after it.
    pub timeout: Duration,
    /// How many event and log streams may be open at once.
    pub streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            timeout: Duration::from_secs(30),
            streams: 2_000,
        }
    }
}

/// What an [`ApiState`] is made of.
pub struct ApiParts {
    /// The ledger.
    pub ledger: Ledger,
    /// The open datastores.
    pub stores: Stores,
    /// The plugins.
    pub plugins: Arc<dyn PluginCatalog>,
    /// Whoever copies the hub's own state.
    pub backups: Arc<dyn HubBackups>,
    /// Whoever keeps the secrets.
    pub secrets: Arc<dyn SecretKeeper>,
    /// Whoever tries handlers and templates out.
    pub trials: Arc<dyn Trials>,
    /// Time and randomness.
    pub seams: Seams,
    /// This machine.
    pub node: NodeName,
    /// Version of the program.
    pub version: String,
    /// Ends every stream when it is cancelled, so that the server can stop.
    pub shutdown: CancellationToken,
    /// Knows the links by which incidents are acknowledged.
    pub links: LinkKey,
    /// Whether people reach the hub by TLS alone: cookies are sent by nothing else then.
    pub secure: bool,
    /// The certificate that the hub shows, as it changes; none without TLS.
    pub certificate: Option<watch::Receiver<wire::Certificate>>,
    /// Of whom a second factor is demanded.
    pub demand: Demand,
    /// Identity providers at which users of other realms sign in.
    pub oidc: Oidc,
    /// How the first administrator is made; none where there is one.
    pub setup: Option<SetUp>,
    /// What requests may take.
    pub limits: Limits,
}

/// How the first administrator of a hub is made.
#[derive(Clone)]
pub struct SetUp {
    /// SHA-256 of the token that is asked for.
    pub sha256: [u8; 32],
    /// To be called when it is done.
    pub done: Arc<dyn Fn() + Send + Sync>,
}

/// What the routes work with; cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    inner: Arc<Inner>,
}

struct Inner {
    parts: ApiParts,
    live: Live,
    tails: Tails,
    streams: Arc<Semaphore>,
    passwords: Passwords,
    attempts: Attempts,
}

impl ApiState {
    /// Puts it together.
    pub fn new(parts: ApiParts) -> Self {
        let streams = Arc::new(Semaphore::new(parts.limits.streams));
        Self {
            inner: Arc::new(Inner {
                parts,
                live: Live::default(),
                tails: Tails::default(),
                streams,
                passwords: Passwords::default(),
                attempts: Attempts::default(),
            }),
        }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.inner.parts.ledger
    }

    pub(crate) fn stores(&self) -> &Stores {
        &self.inner.parts.stores
    }

    pub(crate) fn plugins(&self) -> &dyn PluginCatalog {
        self.inner.parts.plugins.as_ref()
    }

    pub(crate) fn backups(&self) -> &dyn HubBackups {
        self.inner.parts.backups.as_ref()
    }

    pub(crate) fn secrets(&self) -> &dyn SecretKeeper {
        self.inner.parts.secrets.as_ref()
    }

    pub(crate) fn trials(&self) -> &dyn Trials {
        self.inner.parts.trials.as_ref()
    }

    pub(crate) fn seams(&self) -> &Seams {
        &self.inner.parts.seams
    }

    pub(crate) fn links(&self) -> &LinkKey {
        &self.inner.parts.links
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.inner.parts.limits
    }

    pub(crate) fn shutdown(&self) -> &CancellationToken {
        &self.inner.parts.shutdown
    }

    pub(crate) fn live(&self) -> &Live {
        &self.inner.live
    }

    pub(crate) fn tails(&self) -> &Tails {
        &self.inner.tails
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        &self.inner.attempts
    }

    pub(crate) fn demand(&self) -> &Demand {
        &self.inner.parts.demand
    }

    pub(crate) fn set_up(&self) -> Option<&SetUp> {
        self.inner.parts.setup.as_ref()
    }

    pub(crate) fn certificate(&self) -> Option<wire::Certificate> {
        let shown = self.inner.parts.certificate.as_ref();
        shown.map(|shown| shown.borrow().clone())
    }

    pub(crate) fn oidc(&self) -> &Oidc {
        &self.inner.parts.oidc
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.inner.parts.secure
    }

    pub(crate) fn streams(&self) -> &Arc<Semaphore> {
        &self.inner.streams
    }

    pub(crate) fn hub(&self) -> wire::Hub {
        wire::Hub {
            id: self.ledger().hub_id(),
            name: self.inner.parts.node.clone(),
            version: self.inner.parts.version.clone(),
        }
    }
}
