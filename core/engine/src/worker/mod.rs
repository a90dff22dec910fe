//! The worker: claims queued tasks, does them on blocking threads, keeps their leases, and says how they ended.
//!
//! A lease is renewed every ten seconds and lasts thirty; a task whose lease is lost is stopped and its end is
//! refused by the ledger, because another worker may have it by then. A cancelled task gets a grace to stop;
//! then its end is written without it, and its thread, which can change nothing any more once it notices, is
//! left to end by itself. All of this goes by the time that passes: the wall clock may be set at any moment.

mod command;
mod context;
mod guard;
mod pace;
mod run;
#[cfg(test)]
mod steady;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use ironcore_ledger::Ledger;
use ironcore_ledger::model::{NewSession, RenewalState, Service, Task};
use ironcore_types::{KeyId, Mark, Moment, NodeName, Seams, SessionId, TaskId, TaskType};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) use context::{Stop, TaskContext};
pub use guard::{Guard, stand_guard};

use crate::error::EngineError;
use crate::stores::Stores;

/// How a worker behaves.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The machine, as sessions and UPIDs name it.
    pub node: NodeName,
    /// Tasks done at the same time.
    pub slots: usize,
    /// The process id, as sessions name it.
    pub pid: u32,
    /// The services of this process that live and die with the worker.
    pub services: Vec<Service>,
    /// Which task types to claim.
    pub types: Vec<TaskType>,
    /// The keys that it can open; tasks that need another are left to others. The key that it signs with it has besides.
    pub keys: Vec<KeyId>,
    /// How often leases are renewed.
    pub renew_every: Duration,
    /// How long a lease lasts.
    pub lease: Duration,
    /// Time a cancelled task has to stop by itself.
    pub cancel_grace: Duration,
    /// Time running tasks have to end when the hub shuts down, before they are handed over.
    pub drain: Duration,
    /// Look for work at least this often.
    pub poll: Duration,
    /// The folder with the programs that jobs may run before and after their tasks.
    pub commands: PathBuf,
    /// What ends commands when this process dies, whatever way; without it they are run directly, and go on then.
    pub guard: Option<Guard>,
    /// Bytes that the log of one task may have; what is more is left out, and the task goes on.
    pub log_bytes: u64,
}

impl WorkerOptions {
    /// The defaults for a worker on `node` that does everything.
    pub fn new(node: NodeName, pid: u32) -> Self {
        let services = vec![Service::Worker, Service::Verifier, Service::Gc, Service::Sync];
        Self::serving(node, pid, services)
    }

    /// The defaults for a process on `node` with these services, which claims only their task types; it may have none
    /// of them, and then its session only tells that it is there.
    pub fn serving(node: NodeName, pid: u32, services: Vec<Service>) -> Self {
        Self {
            node,
            slots: 4,
            pid,
            types: services
                .iter()
                .flat_map(|service| types_of(*service))
                .copied()
                .collect(),
            services,
            keys: Vec::new(),
            renew_every: Duration::from_secs(10),
            lease: Duration::from_secs(30),
            cancel_grace: Duration::from_secs(20),
            drain: Duration::from_secs(10),
            poll: Duration::from_secs(2),
            commands: PathBuf::from("/var/lib/ironcore-backup/commands"),
            guard: None,
            log_bytes: 32 << 20,
        }
    }
}

/// What a service claims.
fn types_of(service: Service) -> &'static [TaskType] {
    match service {
        // Nobody claims tape: this version makes no such task.
        Service::Worker => &[TaskType::Backup, TaskType::Restore, TaskType::Prune],
        Service::Verifier => &[TaskType::Verify],
        Service::Gc => &[TaskType::Gc],
        Service::Sync => &[TaskType::Sync],
        Service::Api | Service::Scheduler | Service::Notify => &[],
    }
}

/// Takes tasks from the ledger and does them.
#[derive(Debug)]
pub struct Worker {
    ledger: Ledger,
    stores: Stores,
    seams: Seams,
    options: WorkerOptions,
    session: SessionId,
}

/// The running tasks of one worker, by number.
type Running = HashMap<TaskId, TaskContext>;

impl Worker {
    /// A worker over `ledger` and `stores`, with a session of its own.
    pub fn new(ledger: Ledger, stores: Stores, seams: Seams, options: WorkerOptions) -> Self {
        let session = SessionId(seams.uuid());
        Self {
            ledger,
            stores,
            seams,
            options,
            session,
        }
    }

    /// This life of the worker.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Works until `cancel`; then stops what runs, and ends when it has ended.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), EngineError> {
        self.register().await?;
        let mut running = Running::new();
        let mut ends = JoinSet::new();
        let mut renewed = self.seams.mark();
        let mut reaped: Option<Moment> = None;
        let mut woken = true;
        let mut wakes = self.ledger.wakes();
        while !cancel.is_cancelled() {
            wakes.tasks.mark_unchanged();
            let now = self.seams.moment();
            // A change may be a cancel of ours; without one the lease alone sets the pace.
            if woken || self.seams.at_most_since(renewed) >= self.options.renew_every {
                self.renew(&running, &mut renewed).await;
            }
            // After our own lease is renewed: a machine that slept must not take itself for lost.
            if reaped.is_none_or(|reaped| now.since(reaped) >= self.options.renew_every / 2) {
                reaped = Some(now);
                self.reap().await;
            }
            self.claim(&mut running, &mut ends).await;
            woken = false;
            tokio::select! {
                () = cancel.cancelled() => {}
                Some(ended) = ends.join_next() => forget(&mut running, ended),
                changed = wakes.tasks.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    woken = true;
                }
                () = self.seams.sleep(self.options.poll) => {}
            }
        }
        self.drain(running, ends, renewed).await;
        self.ledger.end_session(self.session).await?;
        Ok(())
    }

    async fn register(&self) -> Result<(), EngineError> {
        let mut keys = self.options.keys.clone();
        keys.push(self.stores.key_id()?);
        let session = NewSession {
            id: self.session,
            node: self.options.node.clone(),
            pid: self.options.pid,
            services: self.options.services.clone(),
            types: self.options.types.clone(),
            slots: u32::try_from(self.options.slots).unwrap_or(u32::MAX),
            keys,
        };
        self.ledger.register_session(session).await?;
        Ok(())
    }

    async fn reap(&self) {
        match self.ledger.reap().await {
            Ok(lost) => {
                for task in lost {
                    tracing::warn!(%task, "the task's worker is gone");
                }
            }
            Err(error) => tracing::error!(%error, "lost tasks could not be looked for; trying again"),
        }
    }

    /// Takes as many tasks as there are free slots.
    async fn claim(&self, running: &mut Running, ends: &mut JoinSet<TaskId>) {
        // Tasks that are stopped still hold their slots until they have ended.
        let free = self.options.slots.saturating_sub(running.len());
        if free == 0 || self.options.types.is_empty() {
            return;
        }
        let free = u32::try_from(free).unwrap_or(u32::MAX);
        let claimed = match self.ledger.claim(self.session, &self.options.types, free).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(%error, "no task could be claimed; trying again");
                return;
            }
        };
        for task in claimed {
            let context = TaskContext::new(self.seams.clone(), self.options.log_bytes);
            running.insert(task.id, context.clone());
            ends.spawn(self.job(task, context));
        }
    }

    fn job(&self, task: Task, context: TaskContext) -> impl Future<Output = TaskId> + use<> {
        let runner = run::Runner {
            ledger: self.ledger.clone(),
            stores: self.stores.clone(),
            session: self.session,
            cancel_grace: self.options.cancel_grace,
            commands: self.options.commands.clone(),
            guard: self.options.guard.clone(),
        };
        async move {
            let id = task.id;
            runner.run(task, context).await;
            id
        }
    }

    /// Renews leases when it is time, or always when asked by a change; hears of cancels.
    async fn renew(&mut self, running: &Running, renewed: &mut Mark) {
        let now = self.seams.mark();
        let ids: Vec<TaskId> = running.keys().copied().collect();
        match self.ledger.renew(self.session, &ids).await {
            Ok(renewals) => {
                *renewed = now;
                if !renewals.session_alive {
                    self.begin_anew(running).await;
                }
                for renewal in renewals.tasks {
                    let Some(context) = running.get(&renewal.task) else {
                        continue;
                    };
                    match renewal.state {
                        RenewalState::Held => {}
                        RenewalState::CancelRequested => context.stop(Stop::Cancelled),
                        RenewalState::Lost => context.stop(Stop::Lost),
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "leases could not be renewed; trying again");
                if now.moment.since(renewed.moment) >= self.options.lease {
                    running.values().for_each(|context| context.stop(Stop::Lost));
                }
            }
        }
    }

    /// The session ran out, say because the machine slept: everything is lost, and a new session begins.
    async fn begin_anew(&mut self, running: &Running) {
        running.values().for_each(|context| context.stop(Stop::Lost));
        self.session = SessionId(self.seams.uuid());
        tracing::warn!(session = %self.session, "the session ran out; a new one begins");
        if let Err(error) = self.register().await {
            tracing::error!(%error, "the new session could not be registered; trying again");
        }
    }

    /// Lets running tasks end within the drain time, then stops them.
    async fn drain(&mut self, mut running: Running, mut ends: JoinSet<TaskId>, mut renewed: Mark) {
        let deadline = self.seams.moment().after(self.options.drain);
        let mut stopped = false;
        while !running.is_empty() {
            self.renew(&running, &mut renewed).await;
            if !stopped && self.seams.moment() >= deadline {
                running.values().for_each(|context| context.stop(Stop::Shutdown));
                stopped = true;
            }
            tokio::select! {
                Some(ended) = ends.join_next() => forget(&mut running, ended),
                () = self.seams.sleep(self.options.poll) => {}
            }
        }
    }
}

fn forget(running: &mut Running, ended: Result<TaskId, tokio::task::JoinError>) {
    match ended {
        Ok(task) => {
            running.remove(&task);
        }
        // The runner itself panicked; its lease runs out and the task is failed as lost.
        Err(error) => {
            tracing::error!(%error, "a task's runner broke down");
            running.retain(|_, context| !context.is_orphaned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_claims_everything_that_can_be_made_and_nothing_else() {
        let options = WorkerOptions::new(NodeName::new("node-1").expect("name"), 1);
        let rest: Vec<TaskType> = TaskType::ALL
            .iter()
            .copied()
            .filter(|task| !options.types.contains(task))
            .collect();
        assert_eq!(rest, [TaskType::Tape]);
    }
}
