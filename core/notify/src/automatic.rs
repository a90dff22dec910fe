//! Actions of tips that the hub takes by itself, where a group says so: as `PLUGIN@plugin`, once for each cause, kind and
//! target, within the project of the event, and no further than a chain of a few; work that is no job's once in a whole chain.
//!
//! They are recorded before the event counts as fanned out: after a crash in between they are found to be there.

use ironcore_ledger::Ledger;
use ironcore_ledger::model::{ActionWork, NewAction, NewTask};
use ironcore_types::event::Tip;
use ironcore_types::notification::ActionKind;
use ironcore_types::objects::DatastoreObject;
use ironcore_types::{Event, ProjectName, TaskSpec, UserId};

use crate::actions::prepare;
use crate::error::NotifyError;
use crate::matching::{Declared, Policy, policy};
use crate::notify::Shared;

/// How many actions may lead to one another without a person: what a task does not mend the second time, a third will not.
const DEEPEST: u32 = 2;

/// Takes what is to be taken. What cannot be is told in the hub's log: the tip is there for a person, too.
pub(crate) async fn take(shared: &Shared, event: &Event, tips: &[Tip], declared: Declared<'_>) {
    if tips.iter().all(|tip| tip.actions.is_empty()) {
        return;
    }
    let Policy::Auto(kinds) = policy(event, declared) else {
        return;
    };
    let Some(project) = &event.data.project else {
        return;
    };
    let depth = match depth(&shared.ledger, event).await {
        Ok(depth) => depth,
        Err(error) => {
            tracing::warn!(code = %error.code(), event = %event.id, "what led to an event is not known: {error}");
            return;
        }
    };
    for tip in tips {
        let offers = tip
            .actions
            .iter()
            .filter(|offer| ActionKind::of(&offer.kind).is_some_and(|kind| kinds.contains(&kind)));
        for offer in offers {
            if depth >= DEEPEST {
                tracing::warn!(event = %event.id, kind = offer.kind, "not taken: {depth} actions led to it");
                return;
            }
            let Ok(actor) = UserId::new(format!("{}@plugin", tip.plugin)) else {
                continue;
            };
            let ledger = &shared.ledger;
            let taken = one(
                ledger,
                event,
                project,
                (&offer.kind, &offer.target),
                &actor,
                depth,
                declared.datastores,
            );
            match taken.await {
                Ok(true) => {
                    tracing::info!(event = %event.id, kind = offer.kind, target = offer.target, %actor, "taken by itself");
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(code = %error.code(), event = %event.id, kind = offer.kind, "not taken: {error}");
                }
            }
        }
    }
}

/// Takes one; false when it had been taken before, or is not to be taken without a person.
async fn one(
    ledger: &Ledger,
    event: &Event,
    project: &ProjectName,
    (kind, target): (&str, &str),
    actor: &UserId,
    depth: u32,
    datastores: &[DatastoreObject],
) -> Result<bool, NotifyError> {
    let planned = prepare(ledger, event, kind, target, actor).await?;
    let allowed = planned.project.as_ref() == Some(project)
        && match &planned.action.work {
            // What a job does was decided by those who declared it.
            ActionWork::PauseJob { .. } | ActionWork::Record => true,
            ActionWork::Enqueue(task) => {
                task.job.is_some() || within(ledger, task, project, datastores).await?
            }
        };
    if !allowed {
        tracing::warn!(event = %event.id, kind, target, %actor, "not taken: it would reach beyond the project");
        return Ok(false);
    }
    // Many events of one task offer the same, and so do those of what was done about them: once is enough.
    if let (ActionWork::Enqueue(work), Some(task)) = (&planned.action.work, &event.data.task)
        && work.job.is_none()
        && ledger.acted_since(task.upid.task, kind, target).await?
    {
        return Ok(false);
    }
    let action = NewAction {
        depth,
        ..planned.action
    };
    Ok(ledger.record_action(action).await?.new)
}

/// Whether work that is no job's stays within the project: on datastores that it has alone, or on its own snapshot.
async fn within(
    ledger: &Ledger,
    task: &NewTask,
    project: &ProjectName,
    datastores: &[DatastoreObject],
) -> Result<bool, NotifyError> {
    let alone = |datastore: &DatastoreObject| datastore.projects.iter().all(|granted| granted == project);
    for name in task.spec.datastores() {
        let Some(datastore) = datastores.iter().find(|datastore| datastore.name == *name) else {
            return Ok(false);
        };
        if !datastore.granted_to(project) {
            return Ok(false);
        }
        if alone(datastore) {
            continue;
        }
        let TaskSpec::Verify(verify) = &task.spec else {
            return Ok(false);
        };
        let Some(snapshot) = &verify.snapshot else {
            return Ok(false);
        };
        let owners = ledger.group_owners(name).await?;
        if !owners
            .iter()
            .any(|owner| owner.group == snapshot.group && owner.project == *project)
        {
            return Ok(false);
        }
    }
    // Whoever restores or backs up by hand says where: no plugin does so again.
    Ok(matches!(task.spec, TaskSpec::Verify(_) | TaskSpec::Gc(_)))
}

/// How many actions led to an event.
async fn depth(ledger: &Ledger, event: &Event) -> Result<u32, NotifyError> {
    let Some(task) = &event.data.task else {
        return Ok(0);
    };
    Ok(ledger
        .action_depth(task.upid.task)
        .await?
        .map_or(0, |depth| depth + 1))
}
