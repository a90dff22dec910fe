//! The whole of it put together: one session, and the loops that run under it.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ironcore_egress::Egress;
use ironcore_ledger::model::{ActionResult, HandlerRef, NewEvent, NewSession, Service};
use ironcore_ledger::{Ledger, LedgerError};
use ironcore_types::event::{DeliveryData, ErrorData, EventData};
use ironcore_types::notification::Handler;
use ironcore_types::{
    ErrorCode, EventId, EventType, MessageId, NodeName, PluginName, ProjectName, Seams, SessionId, Severity,
    UserId,
};
use tokio_util::sync::CancellationToken;

use crate::configuration::Kept;
use crate::delivery;
use crate::error::NotifyError;
use crate::fanout;
use crate::held::Held;
use crate::lanes::{self, Lanes};
use crate::options::NotifyOptions;
use crate::plugin_failures::{Key, PluginFailures};
use crate::plugins::{Plugins, Refused};
use crate::release;
use crate::templates::Templates;

/// How often the session's lease, and with it the leases of its messages, is renewed.
const RENEW: Duration = Duration::from_secs(10);

/// What notification works with.
#[derive(Clone)]
pub struct NotifyParts {
    /// Where events come from and messages are kept.
    pub ledger: Ledger,
    /// What leaves the machine goes through this.
    pub egress: Egress,
    /// Who delivers and advises.
    pub plugins: Plugins,
    /// What plugins render.
    pub templates: Templates,
    /// Time and randomness.
    pub seams: Seams,
    /// This machine.
    pub node: NodeName,
    /// This process.
    pub pid: u32,
    /// Settings.
    pub options: NotifyOptions,
}

/// Notification: turns events into messages and delivers them. Cheap to clone.
#[derive(Clone)]
pub struct Notify {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) ledger: Ledger,
    pub(crate) egress: Egress,
    pub(crate) plugins: Plugins,
    pub(crate) templates: Templates,
    pub(crate) seams: Seams,
    pub(crate) options: NotifyOptions,
    pub(crate) lanes: Lanes,
    pub(crate) configuration: Kept,
    pub(crate) held: Held,
    node: NodeName,
    pid: u32,
    failures: PluginFailures,
    session: RwLock<SessionId>,
    registering: tokio::sync::Mutex<()>,
}

impl Notify {
    /// Puts it together; nothing runs yet.
    pub fn new(parts: NotifyParts) -> Self {
        let session = RwLock::new(SessionId(parts.seams.uuid()));
        Self {
            shared: Arc::new(Shared {
                ledger: parts.ledger,
                egress: parts.egress,
                plugins: parts.plugins,
                templates: parts.templates,
                seams: parts.seams,
                options: parts.options,
                lanes: Lanes::default(),
                configuration: Kept::default(),
                held: Held::default(),
                node: parts.node,
                pid: parts.pid,
                failures: PluginFailures::default(),
                session,
                registering: tokio::sync::Mutex::new(()),
            }),
        }
    }

    /// The loaded plugins.
    pub fn plugins(&self) -> &Plugins {
        &self.shared.plugins
    }

    /// The templates.
    pub fn templates(&self) -> &Templates {
        &self.shared.templates
    }

    /// Project and destination of a handler as one text, by which limits and circuits go.
    pub fn lane(&self, project: Option<&ProjectName>, handler: &Handler) -> String {
        fanout::lane(&self.shared.plugins, project, handler)
    }

    /// Records and performs an action that a tip offers, asked for by a person; see [`crate::actions`].
    pub async fn act(
        &self,
        event: EventId,
        kind: &str,
        target: &str,
        by: &UserId,
    ) -> Result<ActionResult, NotifyError> {
        crate::actions::act(&self.shared.ledger, event, kind, target, by).await
    }

    /// Runs under a session of its own until cancelled: fans out events, delivers messages, keeps the session alive. Then no further message is
    /// begun, attempts in flight may end within [`NotifyOptions::drain`], and the session is closed, which gives back
    /// what it still held. An error only when the ledger cannot be used at the start.
    pub async fn run(&self, cancel: CancellationToken) -> Result<(), NotifyError> {
        let shared = &self.shared;
        shared.register(shared.session()).await?;
        shared.ledger.reap().await?;
        lanes::recall(shared).await?;
        for refused in shared.plugins.refused().to_vec() {
            shared.tell_refusal(refused).await;
        }
        // The session must outlive the attempts that are still ending.
        let renewing = CancellationToken::new();
        let work = async {
            tokio::join!(
                fanout::run(shared, &cancel),
                release::run(shared, &cancel),
                delivery::run(shared, &cancel)
            );
            renewing.cancel();
        };
        tokio::join!(work, shared.renew(&renewing));
        if let Err(error) = shared.ledger.end_session(shared.session()).await {
            tracing::warn!(code = %error.code(), "the session could not be ended: {error}");
        }
        Ok(())
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notify")
            .field("plugins", &self.shared.plugins)
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// The session under which messages are claimed now.
    pub(crate) fn session(&self) -> SessionId {
        *self.session.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a new session in place of `lost`; does nothing when that was done already.
    pub(crate) async fn register(&self, lost: SessionId) -> Result<(), LedgerError> {
        // One at a time: a session that was registered and then replaced would be renewed by nobody.
        let _one = self.registering.lock().await;
        if self.session() != lost {
            return Ok(());
        }
        let id = SessionId(self.seams.uuid());
        self.ledger
            .register_session(NewSession {
                id,
                node: self.node.clone(),
                pid: self.pid,
                services: vec![Service::Notify],
                types: Vec::new(),
                slots: 0,
                keys: Vec::new(),
            })
            .await?;
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = id;
        Ok(())
    }

    async fn renew(&self, cancel: &CancellationToken) {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.seams.sleep(RENEW) => {}
            }
            let session = self.session();
            let renewed = match self.ledger.renew_sender(session, &self.held.messages()).await {
                Ok(true) => Ok(()),
                Ok(false) => self.register(session).await,
                Err(error) => Err(error),
            };
            // Messages of senders that are gone are taken back here too, for there may be no engine beside us.
            let reaped = self.ledger.reap().await;
            if let Err(error) = renewed.and(reaped.map(|_| ())) {
                tracing::warn!(code = %error.code(), "the session could not be renewed: {error}");
            }
        }
    }

    /// Tells that a plugin failed, unless the same was told a moment ago.
    pub(crate) async fn tell_failure(
        &self,
        plugin: &PluginName,
        handler: Option<&HandlerRef>,
        message: Option<MessageId>,
        code: ErrorCode,
        reason: &str,
    ) {
        tracing::warn!(%plugin, %code, "plugin failed: {reason}");
        let key = Key {
            plugin: plugin.clone(),
            handler: handler.cloned(),
            code,
        };
        let Some(untold) = self
            .failures
            .tell(key, self.seams.moment(), self.options.failure_quiet)
        else {
            return;
        };
        let mut title = match handler {
            Some(handler) => format!(
                "Plugin {plugin} failed for handler {}/{}",
                handler.group, handler.handler
            ),
            None => format!("Plugin {plugin} failed to give advice"),
        };
        if untold > 0 {
            title = format!("{title}, and {untold} times since this was last told");
        }
        let project = handler.and_then(|handler| handler.project.clone());
        let mut data = EventData::new(project, Severity::Error, title);
        data.delivery = Some(DeliveryData {
            message,
            group: handler.map(|handler| handler.group.clone()),
            handler: handler.map(|handler| handler.handler.clone()),
            plugin: Some(plugin.clone()),
            attempts: 0,
        });
        data.error = Some(ErrorData {
            code,
            message: reason.to_owned(),
        });
        self.emit(format!("plugin/{plugin}"), data).await;
    }

    async fn tell_refusal(&self, refused: Refused) {
        let name = refused.name.as_ref().map_or_else(
            || {
                refused
                    .file
                    .file_name()
                    .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
            },
            ToString::to_string,
        );
        let mut data = EventData::new(None, Severity::Error, format!("Plugin {name} was not loaded"));
        data.error = Some(ErrorData {
            code: refused.code,
            message: refused.to_string(),
        });
        self.emit(format!("plugin/{name}"), data).await;
    }

    async fn emit(&self, subject: String, data: EventData) {
        let event = NewEvent {
            event_type: EventType::PluginFailed,
            subject: Some(subject),
            data,
        };
        if let Err(error) = self.ledger.emit(event).await {
            tracing::warn!(code = %error.code(), "the failure of a plugin could not be told: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Callers spawn it.
    #[expect(dead_code, reason = "compiling it is the test")]
    fn it_can_be_spawned(notify: &Notify) {
        fn spawned(_: impl Future<Output = Result<(), NotifyError>> + Send) {}
        spawned(notify.run(CancellationToken::new()));
    }
}
