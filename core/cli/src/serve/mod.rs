//! The hub: the only place where everything is put together, started in order, and drained in order.
//!
//! Start: ledger, keys, secrets, plugins, lanes, workers, scheduler, API. SIGTERM and SIGINT drain the other way
//! round: nothing new comes in, what runs ends or is handed over, messages in flight are finished, the ledger closes.

mod builtin;
pub(crate) mod config;
mod keys;
mod remotes;
pub(crate) mod seams;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use ironcore_api::{ApiParts, ApiState, Limits};
use ironcore_egress::{AllowList, Egress, EgressOptions, Secrets};
use ironcore_engine::{Scheduler, SchedulerOptions, Stores, Worker, WorkerOptions};
use ironcore_ledger::model::{NewEvent, Service};
use ironcore_ledger::{Ledger, LedgerOptions};
use ironcore_notify::{Notify, NotifyOptions, NotifyParts, Plugins, Templates};
use ironcore_types::event::{EventData, NodeData};
use ironcore_types::{EventType, Seams, Severity};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::config::{Overrides, Settings};
use crate::args::Serve;
use crate::exit::{Coded, Exit};
use crate::output::Form;

/// Reads the configuration.
pub(crate) fn settings(
    config: Option<&Path>,
    listen: Option<std::net::SocketAddr>,
    data: Option<&Path>,
) -> Result<Settings> {
    Settings::load(Overrides { config, listen, data })
}

/// Opens the hub's secrets.
pub(crate) fn secrets(settings: &Settings) -> Result<Secrets> {
    keys::private_folder(&settings.data)?;
    keys::private_folder(&settings.data.join("keys"))?;
    Ok(Secrets::open(
        &settings.data.join("secrets"),
        &settings.data.join("keys/secrets.key"),
    )?)
}

/// `config check`: prints what would be used, or what is wrong. Starts nothing and writes nothing.
pub(crate) fn check(form: Form, config: Option<&Path>) -> Result<Exit> {
    let settings = settings(config, None, None)?;
    builtin::check(&settings)?;
    let show = |path: &Option<std::path::PathBuf>| {
        path.as_ref()
            .map_or_else(|| "-".to_owned(), |path| path.display().to_string())
    };
    let fields = [
        ("Listen", settings.listen.to_string()),
        (
            "Public address",
            settings
                .public_url
                .as_ref()
                .map_or_else(|| "-".to_owned(), ToString::to_string),
        ),
        ("Data", settings.data.display().to_string()),
        ("Node", settings.node.to_string()),
        ("Slots", settings.slots.to_string()),
        ("Plugins", show(&settings.plugins)),
        ("Templates", show(&settings.templates)),
        ("Private addresses allowed", settings.egress.allow.join(", ")),
    ];
    form.fields(&settings, &fields)?;
    Ok(Exit::Ok)
}

/// `serve`: runs until it is told to stop.
pub(crate) async fn run(options: &Serve) -> Result<Exit> {
    let settings = settings(options.config.as_deref(), options.listen, options.data.as_deref())?;
    start_logging()?;
    let hub = Hub::start(settings).await?;
    hub.run().await?;
    Ok(Exit::Ok)
}

fn start_logging() -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("IRONCORE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .try_init()
        .map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}

struct Hub {
    settings: Settings,
    seams: Seams,
    ledger: Ledger,
    stores: Stores,
    plugins: Plugins,
    egress: Egress,
    listener: TcpListener,
}

impl Hub {
    async fn start(settings: Settings) -> Result<Self> {
        let seams = seams::machine();
        keys::private_folder(&settings.data)?;
        let secrets = secrets(&settings)?;
        let ledger = Ledger::open(
            LedgerOptions {
                path: settings.data.join("ledger.sqlite"),
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
        keys::local_admin(&ledger, &settings.data.join("admin.token")).await?;
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
        let listener = TcpListener::bind(settings.listen)
            .await
            .with_context(|| format!("cannot listen on {}", settings.listen))?;
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

    async fn run(self) -> Result<()> {
        let address = self.listener.local_addr()?;
        self.tell(EventType::SystemStarted, Severity::Info, "started")
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
                services: vec![
                    Service::Api,
                    Service::Scheduler,
                    Service::Worker,
                    Service::Verifier,
                    Service::Gc,
                    Service::Sync,
                ],
                ..WorkerOptions::new(self.settings.node.clone(), std::process::id())
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
        api.spawn(ironcore_api::serve(self.listener, router, api_stop.clone()));
        let stop = work_stop.clone();
        work.spawn(async move { worker.run(stop).await.map_err(anyhow::Error::from) });
        let stop = work_stop.clone();
        work.spawn(async move {
            scheduler.run(stop).await;
            Ok(())
        });
        let stop = notify_stop.clone();
        lanes.spawn(async move { notify.run(stop).await.map_err(anyhow::Error::from) });

        write_address(&self.settings.data.join("listen"), address)?;
        tracing::info!(%address, data = %self.settings.data.display(), "the hub listens");

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
        let stopped = EventData {
            node: Some(NodeData {
                name: self.settings.node.clone(),
                service: "hub".to_owned(),
            }),
            ..EventData::new(
                None,
                Severity::Notice,
                format!("The hub on {} stopped", self.settings.node),
            )
        };
        let event = NewEvent {
            event_type: EventType::SystemStopped,
            subject: None,
            data: stopped,
        };
        if let Err(error) = self.ledger.emit(event).await {
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

    async fn tell(&self, event_type: EventType, severity: Severity, what: &str) -> Result<()> {
        let node = &self.settings.node;
        let data = EventData {
            node: Some(NodeData {
                name: node.clone(),
                service: "hub".to_owned(),
            }),
            ..EventData::new(None, severity, format!("The hub on {node} {what}"))
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
    let mut roots_pem = Vec::new();
    for path in &settings.egress.ca {
        let pem = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        roots_pem.push(pem);
    }
    let options = EgressOptions {
        allow: AllowList::parse(&settings.egress.allow)?,
        roots_pem,
        plain_smtp: settings.egress.plain_smtp,
        ..EgressOptions::default()
    };
    Ok(Egress::new(options, secrets, seams.clone())?)
}

/// Tells local tools where the API listens, which matters when the port was chosen by the system.
fn write_address(path: &Path, address: std::net::SocketAddr) -> Result<()> {
    use std::io::Write;
    // Made anew, so that a reader never meets an empty or half-written file: it appears under its name when whole.
    let temporary = path.with_extension("new");
    let mut file = std::fs::File::create(&temporary)?;
    writeln!(file, "{address}")?;
    rename(&temporary, path)
}

#[expect(
    clippy::disallowed_methods,
    reason = "not durable data: made anew at every start"
)]
fn rename(from: &Path, to: &Path) -> Result<()> {
    Ok(std::fs::rename(from, to)?)
}

/// When this process started, in clock ticks since boot (field 22 of `/proc/self/stat`); 0 where that is not known.
fn process_start() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field may hold spaces and brackets; fields are counted after its closing bracket.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    after
        .split_whitespace()
        .nth(19)
        .and_then(|field| field.parse().ok())
        .unwrap_or(0)
}

async fn stop_signal() -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
