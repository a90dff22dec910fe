//! What the task types do. Each job is a plain blocking function of a [`JobContext`]; none knows how tasks are
//! claimed, retried or told of.

mod backup;
mod gc;
mod prune;
mod restore;
mod sync;
mod verify;

use std::sync::Arc;

use ironcore_ledger::Ledger;
use ironcore_ledger::model::Task;
use ironcore_store::{Datastore, SnapshotFilter, Watch};
use ironcore_types::objects::DatastoreObject;
use ironcore_types::progress::TaskStats;
use ironcore_types::snapshot::BackupGroup;
use ironcore_types::{DatastoreName, SessionId, TaskSpec};

use crate::error::EngineError;
use crate::stores::Stores;
use crate::worker::TaskContext;

/// What a job may use.
#[derive(Debug)]
pub(crate) struct JobContext {
    pub(crate) ledger: Ledger,
    pub(crate) stores: Stores,
    pub(crate) session: SessionId,
    pub(crate) task: Arc<Task>,
    pub(crate) watch: TaskContext,
    pub(crate) runtime: tokio::runtime::Handle,
}

impl JobContext {
    /// Runs a ledger verb from the blocking thread.
    fn wait<T, E>(&self, verb: impl Future<Output = Result<T, E>>) -> Result<T, EngineError>
    where
        EngineError: From<E>,
    {
        self.runtime.block_on(verb).map_err(EngineError::from)
    }

    /// Opens a datastore that the task's project may use.
    fn datastore(&self, name: &DatastoreName) -> Result<Datastore, EngineError> {
        let object = self.object(name)?;
        if let Some(project) = &self.task.project
            && !object.granted_to(project)
        {
            return Err(EngineError::NotGranted(name.clone()));
        }
        self.wait(self.stores.open(name))
    }

    fn object(&self, name: &DatastoreName) -> Result<DatastoreObject, EngineError> {
        let row = self.wait(self.ledger.datastore(name))?;
        row.map(|row| row.object)
            .ok_or_else(|| EngineError::NoDatastore(name.clone()))
    }

    /// Narrows `filter` to the backup groups that the task's project owns in `datastore`. None when it owns none of
    /// them. A task of the hub's administrators sees all.
    fn owned(
        &self,
        name: &DatastoreName,
        datastore: &Datastore,
        filter: SnapshotFilter,
    ) -> Result<Option<SnapshotFilter>, EngineError> {
        let Some(project) = &self.task.project else {
            return Ok(Some(filter));
        };
        let owners = self.wait(self.ledger.group_owners(name))?;
        let mut groups: Vec<BackupGroup> = datastore
            .snapshots(&filter)?
            .into_iter()
            .map(|info| info.path.group)
            .collect();
        groups.dedup();
        groups.retain(|group| {
            owners
                .iter()
                .any(|row| row.group == *group && row.project == *project)
        });
        Ok((!groups.is_empty()).then_some(SnapshotFilter { groups, ..filter }))
    }

    fn info(&self, line: impl AsRef<str>) {
        self.watch.info(line.as_ref());
    }
}

/// Does the task, on the calling (blocking) thread.
pub(crate) fn perform(job: &JobContext) -> Result<TaskStats, EngineError> {
    match &job.task.spec {
        TaskSpec::Backup(spec) => backup::run(job, spec),
        TaskSpec::Restore(spec) => restore::run(job, spec),
        TaskSpec::Sync(spec) => sync::run(job, spec),
        TaskSpec::Verify(spec) => verify::run(job, spec),
        TaskSpec::Gc(spec) => gc::run(job, spec),
        TaskSpec::Prune(spec) => prune::run(job, spec),
    }
}
