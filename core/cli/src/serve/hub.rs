//! One process of the hub: which parts it runs, started in order, and drained in order.
//!
//! Start: ledger, keys, secrets, plugins, lanes, workers, scheduler, API. SIGTERM and SIGINT drain the other way
//! round: nothing new comes in, what runs ends or is handed over, messages in flight are finished, the ledger closes.

use std::sync::Arc;

use anyhow::{Context, Result};
use ironcore_api::{ApiParts, ApiState, Limits};
use ironcore_egress::{AllowList, Egress, EgressOptions, Secrets};
use ironcore_engine::{Scheduler, SchedulerOptions, Stores, Worker, WorkerOptions};
use ironcore_ledger::model::{NewEvent, Service};
use ironcore_ledger::{self as ledger, Ledger, LedgerOptions};
use ironcore_notify::{Notify, NotifyOptions, NotifyParts, Plugins, Templates};
use ironcore_types::event::{EventData, NodeData};
use ironcore_types::{EventType, NodeName, Seams};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::config::{Database, Settings};
use super::process::{process_start, stop_signal, write_address};
use super::{builtin, check, keys, remotes, seams, secrets};
use crate::exit::Coded;

/// What its parts share.
pub(super) struct Hub {
    settings: Settings,
    seams: Seams,
    ledger: Ledger,
    stores: Stores,
    plugins: Plugins,
    egress: Egress,
    listener: Option<TcpListener>,
}

impl Hub {
    pub(super) async fn start(settings: Settings) -> Result<Self> {
        let seams = seams::machine();
        keys::private_folder(&settings.data)?;
        let secrets = secrets(&settings)?;
        let ledger = Ledger::open(
            LedgerOptions {
                database: match &settings.database {
                    Database::Sqlite => ledger::Database::Sqlite(settings.data.join("ledger.sqlite")),
                    Database::Postgres(postgres, _) => ledger::Database::Postgres((**postgres).clone()),
                },
                node: settings.node.clone(),
                pid: std::process::id(),
                pstart: process_start(),
            },
            seams.clone(),
        )
        .await
        .map_err(|error| Coded {
            code: error.code(),
            message: format!("the ledger cannot be opened: {error}"),
        })?;
        let lost = ledger.recover().await?;
        if !lost.is_empty() {
            tracing::warn!(
                tasks = lost.len(),
                "tasks of the process before this one ended as lost"
            );
        }
        let admin = match settings.database {
            Database::Sqlite => "root@local!admin".to_owned(),
            // Every hub on a shared database has a local administrator of its own.
            Database::Postgres(..) => format!("root@local!admin-{}", settings.node),
        };
        keys::local_admin(&ledger, &settings.data.join("admin.token"), &admin).await?;
        let signing = keys::signing_seed(&settings.data.join("keys"))?;
        let egress = egress_of(&settings, secrets, &seams)?;
        let remotes = Arc::new(remotes::Remotes {
            egress: egress.clone(),
            seams: seams.clone(),
        });
        let stores =
            Stores::new(ledger.clone(), signing, Some(remotes), seams.clone()).beside(&settings.data);
        let options = builtin::options(&settings)?;
        // Compiling plugins takes a while where they are not cached yet.
        let plugins = tokio::task::spawn_blocking(move || Plugins::load(&options)).await??;
        let listener = match settings.roles.contains(&Service::Api) {
            false => None,
            true => Some(
                TcpListener::bind(settings.listen)
                    .await
                    .with_context(|| format!("cannot listen on {}", settings.listen))?,
            ),
        };
        Ok(Self {
            settings,
            seams,
            ledger,
            stores,
            plugins,
            egress,
            listener,
        })
    }

    pub(super) async fn run(self) -> Result<()> {
        let address = match &self.listener {
            Some(listener) => listener.local_addr()?,
            None => self.settings.listen,
        };
        let does = |role| self.settings.roles.contains(&role);
        tell(
            &self.ledger,
            &self.settings.node,
            EventType::SystemStarted,
            "started",
        )
        .await?;

        let api_stop = CancellationToken::new();
        let work_stop = CancellationToken::new();
        let notify_stop = CancellationToken::new();

        let notify = Notify::new(NotifyParts {
            ledger: self.ledger.clone(),
            egress: self.egress.clone(),
            plugins: self.plugins.clone(),
            templates: Templates::new(self.settings.templates.clone(), self.seams.clone()),
            seams: self.seams.clone(),
            node: self.settings.node.clone(),
            pid: std::process::id(),
            options: NotifyOptions {
                hub_name: self.settings.node.to_string(),
                dashboard: Some(match &self.settings.public_url {
                    Some(url) => url.as_str().trim_end_matches('/').to_owned(),
                    None => format!("http://{address}"),
                }),
                ..NotifyOptions::default()
            },
        });
        let worker = Worker::new(
            self.ledger.clone(),
            self.stores.clone(),
            self.seams.clone(),
            WorkerOptions {
                slots: self.settings.slots,
                ..WorkerOptions::serving(
                    self.settings.node.clone(),
                    std::process::id(),
                    // Delivery has a session of its own, which outlives the worker's.
                    self.settings
                        .roles
                        .iter()
                        .copied()
                        .filter(|role| *role != Service::Notify)
                        .collect(),
                )
            },
        );
        let scheduler = Scheduler::new(
            self.ledger.clone(),
            self.seams.clone(),
            SchedulerOptions::default(),
        );
        let router = ironcore_api::router(ApiState::new(ApiParts {
            ledger: self.ledger.clone(),
            stores: self.stores.clone(),
            plugins: Arc::new(self.plugins.clone()),
            seams: self.seams.clone(),
            node: self.settings.node.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            shutdown: api_stop.clone(),
            limits: Limits::default(),
        }));

        let mut api = JoinSet::new();
        let mut work = JoinSet::new();
        let mut lanes = JoinSet::new();
        let data = self.settings.data.display();
        // The session of the worker also tells that this process is there, whatever it does.
        let stop = work_stop.clone();
        work.spawn(async move { worker.run(stop).await.map_err(anyhow::Error::from) });
        if does(Service::Scheduler) {
            let stop = work_stop.clone();
            work.spawn(async move {
                scheduler.run(stop).await;
                Ok(())
            });
        }
        if does(Service::Notify) {
            let stop = notify_stop.clone();
            lanes.spawn(async move { notify.run(stop).await.map_err(anyhow::Error::from) });
        }
        if let Some(listener) = self.listener {
            api.spawn(ironcore_api::serve(listener, router, api_stop.clone()));
            write_address(&self.settings.data.join("listen"), address)?;
            tracing::info!(%address, %data, "the hub listens");
        } else {
            tracing::info!(%data, roles = ?self.settings.roles, "the hub works");
        }

        // A part that ends by itself is a fault: the hub stops, so that whoever watches it starts it anew.
        let fault = tokio::select! {
            signal = stop_signal() => signal.err(),
            Some(ended) = api.join_next() => Some(fault("the API", ended.map(|r| r.map_err(anyhow::Error::from)))),
            Some(ended) = work.join_next() => Some(fault("the worker or the scheduler", ended)),
            Some(ended) = lanes.join_next() => Some(fault("delivery", ended)),
        };
        tracing::info!("stopping: the API, then tasks, then messages");
        api_stop.cancel();
        while api.join_next().await.is_some() {}
        work_stop.cancel();
        while let Some(ended) = work.join_next().await {
            note("the worker or the scheduler", ended);
        }
        if let Err(error) = tell(
            &self.ledger,
            &self.settings.node,
            EventType::SystemStopped,
            "stopped",
        )
        .await
        {
            tracing::error!(%error, "that the hub stopped could not be told");
        }
        notify_stop.cancel();
        while let Some(ended) = lanes.join_next().await {
            note("delivery", ended);
        }
        self.egress.close().await;
        self.ledger.close().await;
        match fault {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// An event about this process.
async fn tell(ledger: &Ledger, node: &NodeName, event_type: EventType, what: &str) -> Result<()> {
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
    ledger
        .emit(NewEvent {
            event_type,
            subject: None,
            data,
        })
        .await?;
    Ok(())
}

type Ended = Result<Result<()>, tokio::task::JoinError>;

fn fault(part: &str, ended: Ended) -> anyhow::Error {
    match ended {
        Ok(Ok(())) => anyhow::anyhow!("{part} ended by itself"),
        Ok(Err(error)) => error.context(format!("{part} failed")),
        Err(error) => anyhow::anyhow!("{part} broke down: {error}"),
    }
}

fn note(part: &str, ended: Ended) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "{part} failed while stopping"),
        Err(error) => tracing::error!(%error, "{part} broke down while stopping"),
    }
}

fn egress_of(settings: &Settings, secrets: Secrets, seams: &Seams) -> Result<Egress> {
    let options = EgressOptions {
        allow: AllowList::parse(&settings.egress.allow)?,
        roots_pem: check::authorities(&settings.egress)?,
        plain_smtp: settings.egress.plain_smtp,
        ..EgressOptions::default()
    };
    Ok(Egress::new(options, secrets, seams.clone())?)
}
