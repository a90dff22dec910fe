//! Declarations: applied as a whole or not at all, given back as they were.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::LedgerError;
use ironcore_ledger::model::DatastoreStatus;
use ironcore_types::notification::GroupRef;
use ironcore_types::objects::Document;
use ironcore_types::{ErrorCode, EventType};
use serde_json::json;

use super::{Place, World, demo, job_json, user};

fn group(handlers: serde_json::Value) -> serde_json::Value {
    json!({ "group": [{ "project": "demo", "name": "ops", "handler": handlers }] })
}

fn webhook(filter: serde_json::Value) -> serde_json::Value {
    json!([{
        "name": "hook", "plugin": "webhook", "config": { "url": "https://example.org", "secret": { "secret": "hook" } },
        "filter": filter, "template": "slack",
    }])
}

/// export gives back what apply took; applying it again changes nothing, on this ledger and on an empty one.
pub async fn export_round_trips(place: &dyn Place, empty: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    world
        .apply(group(webhook(
            json!({ "events": ["ironcore.task.failed"], "min-severity": "warning" }),
        )))
        .await?;
    let report = world.apply(json!({ "job": [
        job_json("nightly", json!({
            "schedule": "02:00", "timezone": "Europe/Berlin", "missed": "skip", "retries": 2, "groups": ["ops"],
        })),
        job_json("after", json!({ "after": "nightly" })),
    ], "maintenance": [
        { "project": "demo", "name": "patches", "from": "sun 02:00", "lasts": "4h", "timezone": "Europe/Berlin",
          "when": { "jobs": ["nightly"], "max-severity": "warning" } },
        { "name": "patches", "from": "monthly", "lasts": "1d" },
    ]}))
    .await?;
    ensure!(
        report.created
            == [
                "job/demo/nightly",
                "job/demo/after",
                "maintenance/demo/patches",
                "maintenance/patches"
            ]
            && report.changed.is_empty(),
        "{report:?}"
    );
    let exported = world.ledger.export().await?;
    ensure!(exported.job.len() == 2 && exported.group[0].handler[0].config.len() == 2);
    let seq = world.ledger.last_seq().await?;
    let again = world.ledger.apply(&exported, &user()?).await?;
    ensure!(
        again.created.is_empty() && again.changed.is_empty() && again.unchanged.len() == 9,
        "{again:?}"
    );
    ensure!(world.ledger.last_seq().await? == seq);
    // The document survives its own JSON, and a hub that knows nothing yet.
    let read: Document = serde_json::from_str(&serde_json::to_string(&exported)?)?;
    let fresh = empty.open(world.seams.clone()).await?;
    ensure!(fresh.apply(&read, &user()?).await?.created.len() == 9);
    ensure!(fresh.export().await? == exported);
    fresh.close().await;
    let changed = world.job("nightly", json!({ "schedule": "03:00" })).await?;
    ensure!(changed.schedule.as_deref() == Some("03:00") && changed.groups.is_empty());
    ensure!(world.ledger.groups(Some(&"other".parse()?)).await?.is_empty());
    ensure!(world.ledger.jobs(Some(&demo()?)).await?.len() == 2 && world.ledger.projects().await?.len() == 2);
    Ok(())
}

/// Whatever is wrong is named, with its code, and nothing of the declaration is kept.
pub async fn bad_declarations_are_refused_whole(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    world.apply(group(webhook(json!({})))).await?;
    let before = world.ledger.export().await?;
    let jobs = |job: serde_json::Value| json!({ "project": [{ "name": "new" }], "job": [job] });
    let with = |extra| jobs(job_json("nightly", extra));
    let task = |task: serde_json::Value| with(json!({ "task": task }));
    let store = |name: &str, path: &str| json!({ "datastore": [{ "name": name, "path": path }] });
    let window = |extra: serde_json::Value| {
        let mut window = json!({ "project": "demo", "name": "patches", "from": "sun 02:00", "lasts": "4h" });
        for (key, value) in extra.as_object().into_iter().flatten() {
            window[key] = value.clone();
        }
        json!({ "maintenance": [window] })
    };
    let cases = [
        (
            window(json!({ "project": "nowhere" })),
            ErrorCode::ConfigInvalid,
            "maintenance/nowhere/patches: project nowhere does not exist",
        ),
        (
            window(json!({ "when": { "jobs": ["no-such"] } })),
            ErrorCode::ConfigInvalid,
            "maintenance/demo/patches: when names job no-such, which does not exist",
        ),
        (
            window(json!({ "when": { "datastores": ["no-such"] } })),
            ErrorCode::ConfigInvalid,
            "when names datastore no-such, which does not exist",
        ),
        (
            window(json!({ "from": "sometimes" })),
            ErrorCode::ScheduleInvalid,
            "maintenance/demo/patches: the schedule \"sometimes\" cannot be read",
        ),
        (
            window(json!({ "from": "hourly", "lasts": "1h" })),
            ErrorCode::ScheduleInvalid,
            "maintenance/demo/patches: it never ends",
        ),
        (
            with(json!({ "project": "nowhere" })),
            ErrorCode::ConfigInvalid,
            "job/nowhere/nightly: project nowhere does not exist",
        ),
        (
            with(json!({ "groups": ["no-such"] })),
            ErrorCode::ConfigInvalid,
            "group no-such does not exist in project demo",
        ),
        (
            with(json!({ "after": "no-such" })),
            ErrorCode::ConfigInvalid,
            "it comes after job no-such, which does not exist",
        ),
        (
            with(json!({ "after": "nightly" })),
            ErrorCode::ConfigInvalid,
            "it would come after itself",
        ),
        (
            with(json!({ "schedule": "sometimes" })),
            ErrorCode::ScheduleInvalid,
            "job/demo/nightly",
        ),
        (
            with(json!({ "blackout": [{ "from": "hourly", "lasts": "1h" }] })),
            ErrorCode::ScheduleInvalid,
            "leave no time",
        ),
        (
            with(json!({ "timeout": "0s" })),
            ErrorCode::ConfigInvalid,
            "timeout must be longer than nothing",
        ),
        (
            with(json!({ "command-before": { "run": ["dump"], "timeout": "0s" } })),
            ErrorCode::ConfigInvalid,
            "timeout of a command must be longer than nothing",
        ),
        (
            with(json!({ "recovery-point": "1d", "task": { "type": "gc", "datastore": "ibs-primary" } })),
            ErrorCode::ConfigInvalid,
            "only backup and sync jobs",
        ),
        (
            with(json!({ "retries": 4_000_000 })),
            ErrorCode::ConfigInvalid,
            "retries must be at most 1000",
        ),
        (
            json!({ "project": [{ "name": "demo", "max-running": 0 }] }),
            ErrorCode::ConfigInvalid,
            "max-running must be at least 1",
        ),
        (
            with(json!({ "timezone": "Mars/Olympus" })),
            ErrorCode::ScheduleInvalid,
            "Mars/Olympus",
        ),
        (
            task(json!({ "type": "gc", "datastore": "gone" })),
            ErrorCode::ConfigInvalid,
            "datastore gone does not exist",
        ),
        (
            task(json!({ "type": "sync", "from": { "datastore": "ibs-primary" }, "to": "ibs-primary" })),
            ErrorCode::ConfigInvalid,
            "cannot be synced to itself",
        ),
        (
            task(
                json!({ "type": "backup", "source": { "tree": "data" }, "datastore": "ibs-primary", "backup-id": "x" }),
            ),
            ErrorCode::ConfigInvalid,
            "source data is not absolute",
        ),
        (
            with(json!({ "project": "other", "task": { "type": "gc", "datastore": "ibs-archival" } })),
            ErrorCode::ConfigInvalid,
            "datastore ibs-archival is not granted to project other",
        ),
        (
            store("third", "/srv/primary"),
            ErrorCode::DatastoreShared,
            "datastore/third: path /srv/primary is shared with datastore/ibs-primary",
        ),
        (
            store("third", "/srv/primary/inside"),
            ErrorCode::DatastoreShared,
            "datastore/third",
        ),
        (
            store("third", "/srv"),
            ErrorCode::DatastoreShared,
            "datastore/third",
        ),
        (
            store("third", "srv/third"),
            ErrorCode::ConfigInvalid,
            "is not absolute",
        ),
        (
            store("third", "/srv/../etc"),
            ErrorCode::ConfigInvalid,
            "is not absolute",
        ),
        (
            store("ibs-primary", "/elsewhere"),
            ErrorCode::Conflict,
            "datastore/ibs-primary: the path cannot change",
        ),
        (
            group(webhook(json!({ "jobs": ["no-such"] }))),
            ErrorCode::ConfigInvalid,
            "names job no-such",
        ),
        (
            group(webhook(json!({ "datastores": ["no-such"] }))),
            ErrorCode::ConfigInvalid,
            "names datastore no-such",
        ),
        (
            group(json!([{ "name": "a", "plugin": "webhook" }, { "name": "a", "plugin": "email" }])),
            ErrorCode::ConfigInvalid,
            "handler a is declared twice",
        ),
        (
            json!({ "project": [{ "name": "twice" }, { "name": "twice" }] }),
            ErrorCode::ConfigInvalid,
            "project/twice is declared twice",
        ),
    ];
    for (document, code, part) in cases {
        let (found, message) = world.refusal(document).await?;
        ensure!(found == code && message.contains(part), "{found}: {message}");
        ensure!(
            world.ledger.export().await? == before,
            "nothing is kept: {message}"
        );
    }
    // A longer circle, closed by a change.
    world.job("a", json!({})).await?;
    world.job("b", json!({ "after": "a" })).await?;
    let (_, message) = world
        .refusal(json!({ "job": [job_json("a", json!({ "after": "b" }))] }))
        .await?;
    ensure!(message.contains("come after itself"), "{message}");
    Ok(())
}

/// What is in use cannot be removed; the refusal says by whom.
pub async fn removal_checks_references(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    world
        .apply(group(webhook(json!({ "datastores": ["ibs-archival"] }))))
        .await?;
    let job = world.job("nightly", json!({ "groups": ["ops"] })).await?;
    world.job("after", json!({ "after": "nightly" })).await?;
    let task = world.enqueue_job(&job).await?;
    let (demo, nightly, ops) = (demo()?, "nightly".parse()?, "demo/ops".parse()?);
    let refused = |result: Result<(), LedgerError>, part: &str| -> Result<()> {
        let error = result.err().context("it is in use")?;
        ensure!(
            error.code() == ErrorCode::Conflict && error.to_string().contains(part),
            "{error}"
        );
        Ok(())
    };
    refused(world.ledger.delete_group(&ops).await, "job/demo/nightly")?;
    refused(
        world.ledger.delete_datastore(&"ibs-primary".parse()?).await,
        "job/demo/after, job/demo/nightly",
    )?;
    refused(
        world.ledger.delete_datastore(&"ibs-archival".parse()?).await,
        "group/demo/ops",
    )?;
    refused(world.ledger.delete_job(&demo, &nightly).await, "job/demo/after")?;
    refused(world.ledger.delete_project(&demo).await, "job/demo/after")?;
    world.ledger.delete_job(&demo, &"after".parse()?).await?;
    refused(
        world.ledger.delete_job(&demo, &nightly).await,
        &task.upid.to_string(),
    )?;
    world.ledger.cancel(&task.upid, &user()?).await?;
    world.ledger.delete_job(&demo, &nightly).await?;
    world.ledger.delete_group(&ops).await?;
    world.ledger.delete_datastore(&"ibs-primary".parse()?).await?;
    world.ledger.delete_project(&"other".parse()?).await?;
    let missing = world.ledger.delete_job(&demo, &nightly).await;
    ensure!(missing.err().map(|e| e.code()) == Some(ErrorCode::NotFound));
    ensure!(world.ledger.task(&task.upid).await?.is_some(), "history stays");
    Ok(())
}

/// Groups of the hub stand beside those of projects; datastores name either, and keep them.
pub async fn groups_are_of_projects_or_of_the_hub(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let hub =
        json!({ "name": "ops", "sources": ["auth"], "handler": [{ "name": "hook", "plugin": "webhook" }] });
    world.apply(group(webhook(json!({})))).await?;
    let report = world.apply(json!({ "group": [&hub] })).await?;
    ensure!(report.created == ["group/ops"], "{report:?}");
    let (own, of_project): (GroupRef, GroupRef) = ("ops".parse()?, "demo/ops".parse()?);
    ensure!(world.ledger.hub_groups().await?.len() == 1);
    ensure!(world.ledger.groups(Some(&demo()?)).await?.len() == 1);
    ensure!(world.ledger.groups(None).await?.len() == 2);
    ensure!(
        world
            .ledger
            .group(&own)
            .await?
            .is_some_and(|group| group.project.is_none())
    );
    ensure!(
        world
            .ledger
            .group(&of_project)
            .await?
            .is_some_and(|group| group.project.is_some())
    );
    let datastore = |groups: &[&str]| {
        json!({ "datastore": [{
            "name": "ibs-primary", "path": "/srv/primary", "projects": ["demo", "other"], "groups": groups,
        }]})
    };
    let (_, message) = world.refusal(datastore(&["nobody"])).await?;
    ensure!(message.contains("group nobody does not exist"), "{message}");
    world.apply(datastore(&["ops", "demo/ops"])).await?;
    for group in [&own, &of_project] {
        let kept = world
            .ledger
            .delete_group(group)
            .await
            .err()
            .context("it is in use")?;
        ensure!(kept.to_string().contains("datastore/ibs-primary"), "{kept}");
    }
    world.apply(datastore(&[])).await?;
    world.ledger.delete_group(&own).await?;
    ensure!(world.ledger.group(&own).await?.is_none() && world.ledger.group(&of_project).await?.is_some());
    // Declared again it is there again.
    ensure!(world.apply(json!({ "group": [hub] })).await?.created == ["group/ops"]);
    Ok(())
}

/// Rules and the matrix name handlers of their group, filters what exists, hours what a clock can show.
pub async fn rules_hold_together(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let of = |more: serde_json::Value| {
        let mut group =
            json!({ "project": "demo", "name": "ops", "handler": [{ "name": "hook", "plugin": "webhook" }] });
        for (key, value) in more.as_object().into_iter().flatten() {
            group[key] = value.clone();
        }
        json!({ "group": [group] })
    };
    for (more, part) in [
        (
            json!({ "rule": [{ "tell": ["mail"] }] }),
            "rule 1 names handler mail",
        ),
        (
            json!({ "rule": [{}, { "when": { "jobs": ["nope"] } }] }),
            "rule 2 names job nope",
        ),
        (
            json!({ "rule": [{ "when": { "datastores": ["nope"] } }] }),
            "datastore nope",
        ),
        (
            json!({ "rule": [{ "when": { "hours": { "timezone": "Mars/Base" } } }] }),
            "Mars/Base",
        ),
        (
            json!({ "matrix": { "task.failed": ["mail"] } }),
            "names handler mail",
        ),
    ] {
        let (code, message) = world.refusal(of(more)).await?;
        ensure!(
            code == ErrorCode::ConfigInvalid && message.contains(part),
            "{message}"
        );
    }
    world
        .apply(of(json!({
            "rule": [{ "when": { "jobs": ["/^n/"], "datastores": ["/prim/"] }, "tell": ["hook"], "then": "continue" }],
            "matrix": { "task.failed": ["hook"], "job.missed": [] },
        })))
        .await?;
    let exported = world.ledger.export().await?;
    ensure!(exported.group[0].rule.len() == 1 && exported.group[0].matrix.len() == 2);
    ensure!(world.ledger.apply(&exported, &user()?).await?.changed.is_empty());
    Ok(())
}

/// Keys and owners are pinned, states are told when they change, backup groups belong to their first writer.
pub async fn datastores_are_known(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let name = "ibs-primary".parse()?;
    world
        .ledger
        .pin_datastore(&name, [7; 32], world.ledger.hub_id())
        .await?;
    let row = world.ledger.datastore(&name).await?.context("the datastore")?;
    ensure!(row.public_key == Some([7; 32]) && row.owner == Some(world.ledger.hub_id()));
    let gone = world
        .ledger
        .pin_datastore(&"gone".parse()?, [7; 32], world.ledger.hub_id())
        .await;
    ensure!(gone.err().map(|e| e.code()) == Some(ErrorCode::NotFound));
    let status = |online, reason: Option<&str>| DatastoreStatus {
        online,
        used: Some(10),
        free: Some(90),
        reason: reason.map(str::to_owned),
        at: world.clock.time(),
    };
    let seq = world.ledger.last_seq().await?;
    world
        .ledger
        .set_datastore_status(&name, &status(true, None))
        .await?;
    ensure!(
        world.ledger.last_seq().await? == seq,
        "online is what was expected"
    );
    world
        .ledger
        .set_datastore_status(&name, &status(false, Some("not mounted")))
        .await?;
    world
        .ledger
        .set_datastore_status(&name, &status(false, Some("not mounted")))
        .await?;
    ensure!(world.ledger.last_seq().await? == seq + 1, "told once");
    let event = world.last_event().await?.event;
    ensure!(event.event_type == EventType::DatastoreStatusChanged && event.data.project.is_none());
    ensure!(event.data.title == "Datastore ibs-primary is offline: not mounted");
    let group = "vm/12345".parse()?;
    world.ledger.own_group(&name, &group, &demo()?).await?;
    world.ledger.own_group(&name, &group, &demo()?).await?;
    let error = world
        .ledger
        .own_group(&name, &group, &"other".parse()?)
        .await
        .err()
        .context("owned")?;
    ensure!(error.code() == ErrorCode::Conflict);
    let owners = world.ledger.group_owners(&name).await?;
    ensure!(owners.len() == 1 && owners[0].project == demo()? && owners[0].group == group);
    Ok(())
}
