//! The parts of the hub, each made of what they share. When they start and stop is left to `hub`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use ironcore_api::{ApiParts, ApiState, HubBackups, Limits, Oidc, wire};
use ironcore_engine::{
    Guard, Housekeeping, HousekeepingOptions, Pulse, Scheduler, SchedulerOptions, Watch, WatchOptions,
    Worker, WorkerOptions,
};
use ironcore_ledger::model::{NewEvent, Service};
use ironcore_notify::{Notify, NotifyOptions, NotifyParts, Templates};
use ironcore_types::event::{EventData, NodeData};
use ironcore_types::{EventType, Span};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::config::Database;
use super::copies::{Copier, Copies};
use super::heartbeat::HttpHeartbeat;
use super::hub::Hub;
use super::keeper::Keeper;

impl Hub {
    pub(super) fn does(&self, role: Service) -> bool {
        self.settings.roles.contains(&role)
    }

    /// Whether this process does tasks of any kind.
    fn does_tasks(&self) -> bool {
        [Service::Worker, Service::Verifier, Service::Gc, Service::Sync]
            .iter()
            .any(|role| self.does(*role))
    }

    /// Where people reach the dashboard of a hub that listens at `address`.
    pub(super) fn dashboard(&self, address: std::net::SocketAddr) -> String {
        match &self.settings.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None if self.settings.tls.is_some() => format!("https://{address}"),
            None => format!("http://{address}"),
        }
    }

    /// Delivery, whose messages lead to the dashboard at `address`.
    pub(super) fn notify(&self, address: std::net::SocketAddr) -> Notify {
        self.notify_with(address, NotifyOptions::default())
    }

    /// What the API tries handlers with: who asks waits for the answer.
    fn trials(&self, address: std::net::SocketAddr) -> Notify {
        let options = NotifyOptions {
            // Longer than a mail server may take to greet, so that it is the plugin that says what is wrong; but no longer
            // than the API waits for an answer.
            attempt_timeout: Duration::from_secs(27),
            ..NotifyOptions::default()
        };
        self.notify_with(address, options)
    }

    fn templates(&self) -> Templates {
        Templates::new(self.settings.templates.clone(), self.seams.clone())
    }

    fn notify_with(&self, address: std::net::SocketAddr, options: NotifyOptions) -> Notify {
        Notify::new(NotifyParts {
            ledger: self.ledger.clone(),
            egress: self.egress.clone(),
            plugins: self.plugins.clone(),
            templates: self.templates(),
            seams: self.seams.clone(),
            node: self.settings.node.clone(),
            pid: std::process::id(),
            options: NotifyOptions {
                hub_name: self.settings.node.to_string(),
                dashboard: Some(self.dashboard(address)),
                links: Some(self.links.clone()),
                ..options
            },
        })
    }

    pub(super) fn worker(&self) -> Worker {
        // Delivery has a session of its own, which outlives the worker's.
        let roles = self.settings.roles.iter().copied();
        let services = roles.filter(|role| *role != Service::Notify).collect();
        let options = WorkerOptions {
            slots: self.settings.slots,
            commands: self.settings.commands.clone(),
            guard: Some(Guard {
                // This very program, also when another one lies in its place by now.
                program: "/proc/self/exe".into(),
                args: vec![crate::RUN_COMMAND.to_owned()],
            }),
            ..WorkerOptions::serving(self.settings.node.clone(), std::process::id(), services)
        };
        Worker::new(
            self.ledger.clone(),
            self.stores.clone(),
            self.seams.clone(),
            options,
        )
    }

    /// The scheduler, which touches `pulse` as it goes.
    pub(super) fn scheduler(&self, pulse: Pulse) -> Scheduler {
        let options = SchedulerOptions {
            pulse,
            ..SchedulerOptions::default()
        };
        Scheduler::new(self.ledger.clone(), self.seams.clone(), options)
    }

    /// What looks for what does not happen; none where nothing is scheduled and no task is done. `scheduler` is
    /// touched by the scheduler of this process.
    pub(super) fn watch(&self, scheduler: Pulse) -> Option<Watch> {
        let schedules = self.does(Service::Scheduler);
        if !schedules && !self.does_tasks() {
            return None;
        }
        let heartbeat = self.settings.heartbeat.as_ref();
        let defaults = WatchOptions::default();
        let options = WatchOptions {
            paused_warning: self.settings.paused_warning.duration(),
            datastores: self.does_tasks(),
            member: match self.settings.database {
                Database::Sqlite => None,
                Database::Postgres(..) => Some((self.settings.node.clone(), std::process::id())),
            },
            heartbeat_every: heartbeat.map_or(defaults.heartbeat_every, |settings| settings.every.duration()),
            scheduler: schedules.then_some(scheduler),
            ..defaults
        };
        let watch = Watch::new(
            self.ledger.clone(),
            self.stores.clone(),
            self.seams.clone(),
            options,
        );
        Some(match heartbeat {
            Some(settings) => {
                watch.with_heartbeat(Arc::new(HttpHeartbeat::new(settings, self.egress.clone())))
            }
            None => watch,
        })
    }

    /// What removes what is too old; where tasks are scheduled.
    pub(super) fn housekeeping(&self) -> Option<Housekeeping> {
        let kept = self.settings.retention;
        let options = HousekeepingOptions {
            logs: kept.logs.map(Span::duration),
            statistics: kept.statistics.map(Span::duration),
            attempts: kept.attempts.map(Span::duration),
            inbox: kept.inbox.map(Span::duration),
            incidents: kept.incidents.map(Span::duration),
            ..HousekeepingOptions::default()
        };
        let housekeeping = Housekeeping::new(self.ledger.clone(), self.seams.clone(), options);
        self.does(Service::Scheduler).then_some(housekeeping)
    }

    /// Who asks for copies of the hub's own state, and who makes them.
    pub(super) fn copies(&self) -> (Copies, Copier) {
        super::copies::new(&self.settings, self.ledger.clone(), self.seams.clone())
    }

    /// What the API at `address` works with.
    pub(super) fn api(
        &self,
        address: std::net::SocketAddr,
        backups: Arc<dyn HubBackups>,
        certificate: Option<watch::Receiver<wire::Certificate>>,
        shutdown: CancellationToken,
    ) -> Result<ApiState> {
        Ok(ApiState::new(ApiParts {
            ledger: self.ledger.clone(),
            stores: self.stores.clone(),
            plugins: Arc::new(self.plugins.clone().with_templates(self.templates())),
            backups,
            secrets: Arc::new(Keeper(self.egress.secrets().clone())),
            trials: Arc::new(self.trials(address)),
            seams: self.seams.clone(),
            node: self.settings.node.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            shutdown,
            links: self.links.clone(),
            secure: self.settings.tls.is_some() || self.dashboard(address).starts_with("https:"),
            certificate,
            demand: self.settings.login.demand()?,
            oidc: Oidc::new(
                self.settings.login.providers(&self.dashboard(address))?,
                self.egress.clone(),
                self.seams.clone(),
            ),
            setup: self.set_up(),
            limits: Limits::default(),
        }))
    }

    /// An event about this process.
    pub(super) async fn tell(&self, event_type: EventType, what: &str) -> Result<()> {
        let node = &self.settings.node;
        let data = EventData {
            node: Some(NodeData {
                name: node.clone(),
                service: "hub".to_owned(),
            }),
            ..EventData::new(
                None,
                event_type.default_severity(),
                format!("The hub on {node} {what}"),
            )
        };
        self.ledger
            .emit(NewEvent {
                event_type,
                subject: None,
                data,
            })
            .await?;
        Ok(())
    }
}
