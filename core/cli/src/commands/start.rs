//! `verify|restore|gc|prune|sync start`: each starts one task, prints its UPID, and waits when asked to.

use anyhow::{Result, bail};
use ironcore_api::wire;
use ironcore_types::spec::{GcSpec, PruneSpec, RestoreSpec, SyncSide, SyncSpec, TaskSpec, VerifySpec};
use ironcore_types::verification::VerifyDepth;
use ironcore_types::{DatastoreName, ErrorCode, SnapshotRef};

use super::{Context, watch};
use crate::args::{Gc, InProject, Prune, Restore, Sync, Verify, Wait};
use crate::exit::{Coded, Exit};
use crate::output::{self, Form};

pub(super) async fn verify(context: &Context, command: Verify) -> Result<Exit> {
    let Verify::Start {
        reference,
        stored,
        again,
        project,
        wait,
    } = command
    else {
        bail!("reports start nothing");
    };
    let (datastore, snapshot) = if reference.contains(':') {
        let reference: SnapshotRef = reference.parse().map_err(|e| invalid(&e))?;
        (reference.datastore, Some(reference.path))
    } else {
        (reference.parse::<DatastoreName>().map_err(|e| invalid(&e))?, None)
    };
    let depth = if stored {
        VerifyDepth::Stored
    } else {
        VerifyDepth::Full
    };
    let spec = VerifySpec {
        datastore,
        namespace: None,
        snapshot,
        depth,
        again,
    };
    start(context, TaskSpec::Verify(spec), project, wait).await
}

pub(super) async fn restore(context: &Context, command: Restore) -> Result<Exit> {
    let Restore::Start {
        reference,
        to,
        overwrite,
        force,
        project,
        wait,
    } = command;
    let to = std::path::absolute(to)?;
    let spec = RestoreSpec {
        snapshot: reference,
        to,
        overwrite,
        force,
    };
    start(context, TaskSpec::Restore(spec), project, wait).await
}

pub(super) async fn gc(context: &Context, command: Gc) -> Result<Exit> {
    let Gc::Start {
        datastore,
        dry_run,
        project,
        wait,
    } = command;
    start(
        context,
        TaskSpec::Gc(GcSpec { datastore, dry_run }),
        project,
        wait,
    )
    .await
}

pub(super) async fn prune(context: &Context, command: Prune) -> Result<Exit> {
    let Prune::Start {
        datastore,
        namespace,
        keep,
        timezone,
        dry_run,
        project,
        wait,
    } = command
    else {
        bail!("internal fault: not a start command");
    };
    let spec = PruneSpec {
        datastore,
        namespace,
        groups: Vec::new(),
        keep: keep.into(),
        timezone,
        dry_run,
    };
    start(context, TaskSpec::Prune(spec), project, wait).await
}

pub(super) async fn sync(context: &Context, command: Sync) -> Result<Exit> {
    let Sync::Start {
        from,
        to,
        project,
        wait,
    } = command;
    let from = SyncSide {
        datastore: from,
        remote: None,
    };
    let spec = SyncSpec {
        from,
        to,
        namespace: Default::default(),
        groups: Vec::new(),
    };
    start(context, TaskSpec::Sync(spec), project, wait).await
}

async fn start(context: &Context, spec: TaskSpec, project: InProject, wait: Wait) -> Result<Exit> {
    let request = wire::StartTask {
        project: project.project,
        spec,
    };
    let started: wire::Started = context.client.post(&["tasks"], &[], &request).await?;
    report(context, &started, wait).await
}

/// Prints the UPID, or waits for the task. Who follows its log gets the UPID on standard error, beside the log.
pub(super) async fn report(context: &Context, started: &wire::Started, wait: Wait) -> Result<Exit> {
    if wait.wait {
        return watch::wait(context, &started.upid).await;
    }
    if wait.follow {
        if context.form != Form::Json {
            output::note(&started.upid.to_string());
        }
        return watch::follow(context, &started.upid, 0).await;
    }
    context
        .form
        .fields(started, &[("UPID", started.upid.to_string())])?;
    Ok(Exit::Ok)
}

fn invalid(error: &dyn std::fmt::Display) -> Coded {
    Coded {
        code: ErrorCode::RequestInvalid,
        message: error.to_string(),
    }
}
