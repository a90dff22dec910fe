//! The watch: notices what does not happen. A run that does not begin or does not end, a job without a good backup, a
//! snapshot that nobody verifies, a datastore that is away or nearly full, a scheduler that somebody forgot to resume:
//! nothing happens then, so somebody has to look.
//!
//! What is noticed is a condition of the ledger. Opening it tells its event, in one transaction and once, whoever
//! looks; it is closed when it is over. So any number of watches, a restart and a clock that jumps are all the same
//! case. What is so is decided by plain functions of [`jobs`], [`runs`], [`datastores`] and [`snapshots`]; here is the waiting.

mod aside;
mod datastores;
mod heart;
mod jobs;
mod runs;
mod snapshots;
mod tell;

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ironcore_ledger::Ledger;
use ironcore_types::{DatastoreName, NodeName, Seams, Timestamp};
use tokio_util::sync::CancellationToken;

pub use heart::{Heartbeat, Pulse};
pub(crate) use runs::{tell_late, tell_overrun};

use self::datastores::Datastores;
use self::heart::Heart;
use self::jobs::Jobs;
use self::snapshots::Snapshots;
use crate::error::EngineError;
use crate::stores::Stores;

/// How the watch behaves.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// How often it looks.
    pub every: Duration,
    /// A scheduler that is paused for longer than this is told.
    pub paused_warning: Duration,
    /// Whether to look at datastores and snapshots: only where tasks are done, for only there datastores must be in
    /// reach.
    pub datastores: bool,
    /// Node and process id of this process's session, where several processes share the ledger: of those that do
    /// tasks, the one that began first looks at datastores. Two that see them differently would contradict each other
    /// without end. None when this process is the only one.
    pub member: Option<(NodeName, u32)>,
    /// A datastore that does not answer within this is offline.
    pub answer_within: Duration,
    /// What was seen of a datastore is written down at least this often; sooner only when it changed noticeably.
    pub refresh: Duration,
    /// How often the snapshots of a datastore are listed, which may take long.
    pub snapshots_every: Duration,
    /// How often the heartbeat is sent, while the hub is well.
    pub heartbeat_every: Duration,
    /// What the scheduler of this process touches at each look; without it the hub counts as well without one.
    pub scheduler: Option<Pulse>,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(60),
            paused_warning: Duration::from_secs(3600),
            datastores: true,
            member: None,
            answer_within: Duration::from_secs(10),
            refresh: Duration::from_secs(600),
            snapshots_every: Duration::from_secs(1800),
            heartbeat_every: Duration::from_secs(60),
            scheduler: None,
        }
    }
}

/// Notices what does not happen.
#[derive(Debug)]
pub struct Watch {
    ledger: Ledger,
    seams: Seams,
    options: WatchOptions,
    jobs: Jobs,
    datastores: Datastores,
    snapshots: Snapshots,
    heart: Option<Heart>,
    /// When a look at the ledger last succeeded.
    looked: Pulse,
}

impl Watch {
    /// A watch over `ledger` and `stores`.
    pub fn new(ledger: Ledger, stores: Stores, seams: Seams, options: WatchOptions) -> Self {
        let reach = InReach::default();
        Self {
            jobs: Jobs::new(ledger.clone(), options.clone()),
            datastores: Datastores::new(ledger.clone(), stores.clone(), options.clone(), reach.clone()),
            snapshots: Snapshots::new(ledger.clone(), stores, options.clone(), reach),
            ledger,
            seams,
            options,
            heart: None,
            looked: Pulse::default(),
        }
    }

    /// The same, telling an outside watcher that the hub lives.
    #[must_use]
    pub fn with_heartbeat(self, heartbeat: Arc<dyn Heartbeat>) -> Self {
        let heart = Heart::new(
            heartbeat,
            self.ledger.clone(),
            self.looked.clone(),
            self.options.scheduler.clone(),
        );
        Self {
            heart: Some(heart),
            ..self
        }
    }

    /// Looks until `cancel`.
    pub async fn run(self, cancel: CancellationToken) {
        let Self {
            seams,
            options,
            jobs,
            datastores,
            snapshots,
            heart,
            looked,
            ..
        } = self;
        let every = options.every;
        // Side by side: a datastore that answers slowly delays neither the look at jobs nor the heartbeat.
        let work = async {
            tokio::join!(
                watch_jobs(jobs, &seams, every, looked),
                watch_datastores(datastores, &seams, every),
                watch_snapshots(snapshots, &seams, every),
                keep_beating(heart, &seams, options.heartbeat_every),
            )
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            _ = work => {}
        }
    }

    /// One look at everything at `now`; what is due less often is left out when it is not due.
    pub async fn look(&mut self, now: Timestamp) -> Result<(), EngineError> {
        self.jobs.look(now).await?;
        self.looked.beat(self.seams.moment());
        self.datastores.look(now).await?;
        self.snapshots.look(now).await
    }

    /// One heartbeat, if the hub is well and has one to send. True when it was sent and taken.
    pub async fn beat(&mut self) -> bool {
        match &mut self.heart {
            Some(heart) => heart.beat(self.seams.moment()).await,
            None => false,
        }
    }
}

async fn watch_jobs(jobs: Jobs, seams: &Seams, every: Duration, looked: Pulse) {
    loop {
        match jobs.look(seams.now()).await {
            Ok(()) => looked.beat(seams.moment()),
            Err(error) => failed("jobs", &error),
        }
        seams.sleep(every).await;
    }
}

async fn watch_datastores(mut datastores: Datastores, seams: &Seams, every: Duration) {
    loop {
        if let Err(error) = datastores.look(seams.now()).await {
            failed("datastores", &error);
        }
        seams.sleep(every).await;
    }
}

async fn watch_snapshots(mut snapshots: Snapshots, seams: &Seams, every: Duration) {
    loop {
        if let Err(error) = snapshots.look(seams.now()).await {
            failed("snapshots", &error);
        }
        seams.sleep(every).await;
    }
}

async fn keep_beating(heart: Option<Heart>, seams: &Seams, every: Duration) {
    let Some(mut heart) = heart else {
        return;
    };
    loop {
        seams.sleep(every).await;
        heart.beat(seams.moment()).await;
    }
}

fn failed(what: &str, error: &EngineError) {
    tracing::error!(code = %error.code(), %error, "the watch could not look at {what}; trying again");
}

/// The datastores that answered when they were last asked, and are what they should be. Nothing else is asked of one
/// that is not among them: it might hang.
#[derive(Debug, Clone, Default)]
struct InReach {
    names: Arc<Mutex<HashSet<DatastoreName>>>,
}

impl InReach {
    fn names(&self) -> MutexGuard<'_, HashSet<DatastoreName>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holds(&self, name: &DatastoreName) -> bool {
        self.names().contains(name)
    }

    fn add(&self, name: &DatastoreName) {
        self.names().insert(name.clone());
    }

    fn remove(&self, name: &DatastoreName) {
        self.names().remove(name);
    }
}

/// The open conditions whose keys begin with `prefix`.
async fn open_keys(ledger: &Ledger, prefix: &str) -> Result<BTreeSet<String>, EngineError> {
    let open = ledger.conditions(prefix).await?;
    Ok(open.into_iter().map(|condition| condition.key).collect())
}

/// Closes the open conditions that begin with `prefix` and do not hold any more.
async fn close_others(
    ledger: &Ledger,
    prefix: &str,
    open: &BTreeSet<String>,
    hold: &BTreeSet<String>,
) -> Result<(), EngineError> {
    let over: Vec<String> = open
        .difference(hold)
        .filter(|key| key.starts_with(prefix))
        .cloned()
        .collect();
    ledger.close_conditions(&over).await?;
    Ok(())
}

/// Whether datastores are for this process to look at; see [`WatchOptions::member`].
async fn is_first(ledger: &Ledger, options: &WatchOptions) -> Result<bool, EngineError> {
    if !options.datastores {
        return Ok(false);
    }
    let Some((node, pid)) = &options.member else {
        return Ok(true);
    };
    let sessions = ledger.sessions().await?;
    let first = sessions.iter().find(|session| !session.types.is_empty());
    Ok(first.is_some_and(|session| session.node == *node && session.pid == *pid))
}
