//! One process of the hub: its parts started in order, and drained in order. How each is made is left to `parts`.
//!
//! Start: ledger, keys, secrets, plugins, workers, scheduler, watch, lanes, API. SIGTERM and SIGINT drain the other way
//! round: nothing new comes in, what runs ends or is handed over, messages in flight are finished, the ledger closes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use ironcore_api::{SetUp, secret_hash};
use ironcore_egress::{Egress, Secrets};
use ironcore_engine::{Pulse, Stores};
use ironcore_ledger::model::Service;
use ironcore_ledger::{self as ledger, Ledger, LedgerOptions};
use ironcore_notify::Plugins;
use ironcore_notify::links::LinkKey;
use ironcore_types::{EventType, Seams};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::config::{Database, Settings};
use super::process::{StopSignals, process_start, write_address};
use super::tls::Tls;
use super::{builtin, check, keys, remotes, seams, secrets};
use crate::exit::Coded;
use crate::output;

/// What the first administrator is made with lies here, in the data folder.
pub(crate) const SETUP_TOKEN: &str = "setup.token";

/// What its parts share.
pub(super) struct Hub {
    pub(super) settings: Settings,
    pub(super) seams: Seams,
    pub(super) ledger: Ledger,
    pub(super) stores: Stores,
    pub(super) plugins: Plugins,
    pub(super) egress: Egress,
    pub(super) links: LinkKey,
    /// The certificate that the API shows; none for plain HTTP.
    tls: Option<Tls>,
    /// What the first administrator is made with, and whether it is new; none where there is one.
    setup: Option<(String, bool)>,
    listener: Option<TcpListener>,
}

impl Hub {
    pub(super) async fn start(settings: Settings) -> Result<Self> {
        let seams = seams::machine();
        keys::private_folder(&settings.data)?;
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
        if matches!(settings.database, Database::Postgres(..)) {
            keys::must_fit(&ledger, &settings.data.join("keys")).await?;
        }
        warn_of_namesakes(&ledger, &settings).await?;
        let secrets = secrets(&settings)?;
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
        let setup = keys::setup_token(&ledger, &settings.data.join(SETUP_TOKEN)).await?;
        let signing = keys::signing_seed(&settings.data.join("keys"))?;
        let links = LinkKey::derived(&signing.0);
        let egress = egress_of(&settings, secrets, &seams)?;
        let remotes = Arc::new(remotes::Remotes {
            egress: egress.clone(),
            seams: seams.clone(),
        });
        let stores =
            Stores::new(ledger.clone(), signing, Some(remotes), seams.clone()).beside(&settings.data);
        keys::tell_others(&ledger, &stores).await?;
        let tls = settings
            .tls
            .as_ref()
            .filter(|_| settings.roles.contains(&Service::Api));
        let tls = tls
            .map(|tls| Tls::open(tls, &settings.data, &settings.node, seams.now()))
            .transpose()?;
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
            links,
            tls,
            setup,
            listener,
        })
    }

    pub(super) async fn run(mut self) -> Result<()> {
        let listener = self.listener.take();
        let address = match &listener {
            Some(listener) => listener.local_addr()?,
            None => self.settings.listen,
        };
        // Whoever is told that it started is told when it stops, however soon that is.
        let signals = StopSignals::listen()?;
        self.tell(EventType::SystemStarted, "started").await?;
        let mut tasks = Tasks::default();
        let tls = self.tls.take();
        tasks.start(&self, listener, address, tls)?;
        // A part that ends by itself is a fault: the hub stops, so that whoever watches it starts it anew.
        let fault = tasks.first_fault(signals).await;
        tracing::info!("stopping: the API, then tasks, then messages");
        tasks.stop_work().await;
        if let Err(error) = self.tell(EventType::SystemStopped, "stopped").await {
            tracing::error!(%error, "that the hub stopped could not be told");
        }
        tasks.stop_delivery().await;
        self.egress.close().await;
        self.ledger.close().await;
        match fault {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

impl Hub {
    fn setup_file(&self) -> PathBuf {
        self.settings.data.join(SETUP_TOKEN)
    }

    /// How the first administrator is made.
    pub(super) fn set_up(&self) -> Option<SetUp> {
        let file = self.setup_file();
        self.setup.as_ref().map(|(token, _)| SetUp {
            sha256: secret_hash(token),
            done: Arc::new(move || {
                if let Err(error) = keys::forget(&file) {
                    tracing::warn!(%error, "the token of the set-up is of no use any more, and stays");
                }
            }),
        })
    }

    /// Prints the link by which the first administrator is made; once, and in no log.
    fn say_how_to_set_up(&self, address: SocketAddr) {
        match &self.setup {
            None => {}
            Some((token, true)) => output::complain(&format!(
                "nobody can sign in yet. Make the first administrator at {}/setup#{token}\nor with `ironcore-backup setup NAME \
                 --setup-token {}`; this is shown once",
                self.dashboard(address),
                self.setup_file().display()
            )),
            Some((_, false)) => {
                tracing::info!(token = %self.setup_file().display(), "the hub has no administrator yet; see `ironcore-backup setup`");
            }
        }
    }
}

/// Two processes with one name take each other's local administrator, and cannot be told apart in status and UPIDs.
/// After a crash the process before this one is still heard of for a moment, so it is no fault.
async fn warn_of_namesakes(ledger: &Ledger, settings: &Settings) -> Result<()> {
    let sessions = ledger.sessions().await?;
    let namesakes = sessions
        .iter()
        .filter(|other| other.node == settings.node && !other.silent);
    for other in namesakes {
        tracing::warn!(
            node = %settings.node, pid = other.pid, since = %other.started,
            "a process with this node's name is online: give each its own `node`, unless it has just crashed here"
        );
    }
    Ok(())
}

/// What runs, in the order in which it is stopped.
#[derive(Default)]
struct Tasks {
    api: JoinSet<Result<()>>,
    work: JoinSet<Result<()>>,
    lanes: JoinSet<Result<()>>,
    api_stop: CancellationToken,
    work_stop: CancellationToken,
    notify_stop: CancellationToken,
}

impl Tasks {
    fn start(
        &mut self,
        hub: &Hub,
        listener: Option<TcpListener>,
        address: SocketAddr,
        tls: Option<Tls>,
    ) -> Result<()> {
        let data = hub.settings.data.display();
        // The session of the worker also tells that this process is there, whatever it does.
        let (worker, stop) = (hub.worker(), self.work_stop.clone());
        self.work
            .spawn(async move { worker.run(stop).await.map_err(anyhow::Error::from) });
        let pulse = Pulse::default();
        if hub.does(Service::Scheduler) {
            let scheduler = hub.scheduler(pulse.clone());
            self.work_until_stopped(|stop| scheduler.run(stop));
        }
        if let Some(watch) = hub.watch(pulse) {
            self.work_until_stopped(|stop| watch.run(stop));
        }
        if let Some(housekeeping) = hub.housekeeping() {
            self.work_until_stopped(|stop| housekeeping.run(stop));
        }
        let (copies, copier) = hub.copies();
        self.work_until_stopped(|stop| copier.run(stop));
        if hub.does(Service::Notify) {
            let (notify, stop) = (hub.notify(address), self.notify_stop.clone());
            self.lanes
                .spawn(async move { notify.run(stop).await.map_err(anyhow::Error::from) });
        }
        if let Some(listener) = listener {
            let certificate = tls.as_ref().map(Tls::certificate);
            let api = hub.api(address, Arc::new(copies), certificate, self.api_stop.clone())?;
            let (router, stop) = (ironcore_api::router(api), self.api_stop.clone());
            match tls {
                None => {
                    let serving = ironcore_api::serve(listener, router, stop);
                    self.api.spawn(async move { Ok(serving.await?) });
                }
                Some(tls) => {
                    let fingerprint = tls.certificate().borrow().fingerprint.clone();
                    tracing::info!(%fingerprint, "the API shows a certificate of this SHA-256 fingerprint");
                    let serving = ironcore_api::serve_tls(listener, tls.shown(), router, stop);
                    self.api.spawn(async move { Ok(serving.await?) });
                    let (ledger, node, seams) =
                        (hub.ledger.clone(), hub.settings.node.clone(), hub.seams.clone());
                    self.work_until_stopped(|stop| tls.keep(ledger, node, seams, stop));
                }
            }
            write_address(&hub.settings.data.join("listen"), address)?;
            tracing::info!(%address, %data, "the hub listens");
            hub.say_how_to_set_up(address);
        } else {
            tracing::info!(%data, roles = ?hub.settings.roles, "the hub works");
        }
        Ok(())
    }

    fn work_until_stopped<F>(&mut self, work: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let work = work(self.work_stop.clone());
        self.work.spawn(async move {
            work.await;
            Ok(())
        });
    }

    /// Waits until the hub is to stop; with what went wrong, when that is why.
    async fn first_fault(&mut self, mut signals: StopSignals) -> Option<anyhow::Error> {
        tokio::select! {
            () = signals.recv() => None,
            Some(ended) = self.api.join_next() => Some(fault("the API", ended)),
            Some(ended) = self.work.join_next() => Some(fault(WORK, ended)),
            Some(ended) = self.lanes.join_next() => Some(fault("delivery", ended)),
        }
    }

    async fn stop_work(&mut self) {
        self.api_stop.cancel();
        while self.api.join_next().await.is_some() {}
        self.work_stop.cancel();
        while let Some(ended) = self.work.join_next().await {
            note(WORK, ended);
        }
    }

    async fn stop_delivery(&mut self) {
        self.notify_stop.cancel();
        while let Some(ended) = self.lanes.join_next().await {
            note("delivery", ended);
        }
    }
}

const WORK: &str = "the worker, the scheduler or the watch";

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
    Ok(Egress::new(
        check::egress(&settings.egress)?,
        secrets,
        seams.clone(),
    )?)
}
