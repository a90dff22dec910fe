//! Every type of event is told by something, or belongs to what is not built yet: nothing is promised and forgotten.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_egress::{Egress, EgressOptions, Secrets};
use ironcore_ledger::model::{
    Actor, AttemptOutcome, FanOut, FinishAttempt, HandlerRef, LockPolicy, NewMatch, NewMessage, NewTask,
    NewToken, NewUser, Role, Task,
};
use ironcore_notify::{Notify, NotifyOptions, NotifyParts, Plugins, PluginsOptions, Templates};
use ironcore_testkit::damage::{flip_byte, largest_file};
use ironcore_testkit::hub::TestHub;
use ironcore_types::objects::Document;
use ironcore_types::{ErrorCode, Event, EventType, ProjectName, Right, Rights, Severity, TaskState, UserId};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use ironcore_e2e::night::Night;

/// What an event must look like.
enum Expected {
    /// Of this severity, its subject beginning so, of the project `office` or of the hub.
    Told(Severity, Subject, bool),
    /// Nothing tells it yet, because of what is missing.
    Later(&'static str),
}

enum Subject {
    Nothing,
    Begins(&'static str),
}

/// The promise of each type; none for one that nobody has thought of.
fn expected(event_type: EventType) -> Option<Expected> {
    use EventType as E;
    use Severity::{Error, Info, Notice, Warning};
    let office = |severity, begins| Expected::Told(severity, Subject::Begins(begins), true);
    let hub = |severity, begins| Expected::Told(severity, Subject::Begins(begins), false);
    Some(match event_type {
        E::TaskQueued | E::TaskStarted | E::TaskCompleted => office(Info, "UPID:"),
        E::TaskWarning => office(Warning, "UPID:"),
        E::TaskFailed | E::SyncIntegrityError => office(Error, "UPID:"),
        E::TaskCancelled => office(Notice, "UPID:"),
        E::SnapshotVerified => office(Info, "ibs-primary:host/files/2026-05-21T02:00:00Z"),
        E::SnapshotStale => office(Warning, "ibs-primary:host/files/2026-05-21T02:00:00Z"),
        E::JobMissed | E::JobOverdue | E::JobOverrun => office(Warning, "job/office/files"),
        E::DatastoreSpaceLow => hub(Warning, "datastore/ibs-primary"),
        E::DatastoreStatusChanged => hub(Error, "datastore/ibs-primary"),
        E::WorkerOnline => hub(Info, "worker/test"),
        E::WorkerOffline => hub(Notice, "worker/test"),
        E::SchedulerPaused => hub(Warning, "scheduler"),
        E::SchedulerResumed => hub(Info, "scheduler"),
        E::AuthTokenCreated => office(Notice, "token/alice@local!laptop"),
        E::SystemStarted => Expected::Told(Info, Subject::Nothing, false),
        E::SystemStopped => Expected::Told(Notice, Subject::Nothing, false),
        E::ConfigKeyRotated => hub(Notice, "secret/hook"),
        E::DeliveryExhausted => office(Error, "message/"),
        E::HandlerDisabled => office(Error, "handler/office/ops/hook"),
        E::PluginFailed => hub(Error, "plugin/broken"),
        E::AuthLoginFailed => hub(Warning, "user/alice@local"),
        E::AuthLockedOut => hub(Error, "user/alice@local"),
        E::ConfigPermissionGranted => office(Notice, "user/alice@local"),
        E::ConfigRoleCreated => hub(Notice, "role/pilot"),
        E::SystemCertificateRenewed => Expected::Later("the hub has no certificate"),
        _ => return None,
    })
}

fn fits(event: &Event, severity: Severity, subject: &Subject, office: bool) -> bool {
    let project = event.data.project.as_ref().map(ProjectName::as_str);
    event.data.severity == severity
        && project == office.then_some("office")
        && !event.data.title.is_empty()
        && match (subject, &event.subject) {
            (Subject::Nothing, subject) => subject.is_none(),
            (Subject::Begins(begins), subject) => subject
                .as_ref()
                .is_some_and(|subject| subject.starts_with(begins)),
        }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_told_or_belongs_to_what_is_not_built_yet() -> Result<()> {
    let night = Night::new().await?;
    tasks(&night).await?;
    watched(&night).await?;
    delivery(&night).await?;
    let mut events = night.events().await?;
    events.extend(tokio::task::spawn_blocking(of_a_process).await??);

    let mut faults = Vec::new();
    for event_type in EventType::ALL {
        let found: Vec<&Event> = events
            .iter()
            .filter(|event| event.event_type == *event_type)
            .collect();
        match expected(*event_type) {
            None => faults.push(format!("{event_type}: neither provoked nor left for later")),
            Some(Expected::Later(why)) => {
                if !found.is_empty() {
                    faults.push(format!("{event_type} is told, though {why}: {found:#?}"));
                }
            }
            Some(Expected::Told(severity, subject, office)) => {
                if !found.iter().any(|event| fits(event, severity, &subject, office)) {
                    faults.push(format!("{event_type} was not told as it should: {found:#?}"));
                }
            }
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// What tasks, tokens and workers tell.
async fn tasks(night: &Night) -> Result<()> {
    let more = "warn-free-percent = 100\nkeep-verified = \"7d\"";
    night
        .apply(more, "recovery-point = \"1d\"\nwarn-after = \"1h\"", "")
        .await?;
    let token = NewToken {
        user: UserId::new("alice@local!laptop")?,
        role: Role::Operator.into(),
        project: Some("office".parse()?),
        secret_sha256: [1; 32],
        comment: None,
        expires: None,
        actor: Some(UserId::new("root@local")?),
    };
    night.ledger.create_token(None, token).await?;
    people(night).await?;
    night.set("2026-05-21T02:00:00Z")?;
    night.fire().await?;
    night.work().await?;
    start(night, json!({ "type": "verify", "datastore": "ibs-primary" })).await?;
    night.work().await?;
    let largest = largest_file(&night.path("primary"))?;
    flip_byte(&largest, std::fs::metadata(&largest)?.len() / 2)?;
    let from = json!({ "datastore": "ibs-primary" });
    start(
        night,
        json!({ "type": "sync", "from": from, "to": "ibs-archival" }),
    )
    .await?;
    night.work().await?;

    let session = night.played_worker().await?;
    let task = night.begin_run(session).await?;
    night.end(session, &task, TaskState::Warning).await?;
    let task = start(night, json!({ "type": "gc", "datastore": "ibs-primary" })).await?;
    night
        .ledger
        .cancel(&task.upid, &UserId::new("alice@local")?)
        .await?;
    Ok(())
}

/// Enqueues a task of the project.
async fn start(night: &Night, spec: Value) -> Result<Task> {
    let user = UserId::new("alice@local")?;
    let new = NewTask::new(Some("office".parse()?), user, serde_json::from_value(spec)?);
    Ok(night.ledger.enqueue(new).await?)
}

/// What only somebody who looks can tell.
async fn watched(night: &Night) -> Result<()> {
    let hour = Duration::from_secs(3_601);
    let (mut watch, alice) = (night.watch(), UserId::new("alice@local")?);
    night.ledger.pause_scheduler(&alice).await?;
    night.clock.advance(hour);
    watch.look(night.now()).await?;
    night.ledger.resume_scheduler(&alice).await?;

    // A run waits, then takes long, and is the last one for two days.
    night.set("2026-05-22T02:00:00Z")?;
    night.fire().await?;
    night.clock.advance(hour);
    watch.look(night.now()).await?;
    let session = night.played_worker().await?;
    let task = night.claim(session).await?;
    night.clock.advance(hour);
    watch.look(night.now()).await?;
    night.end(session, &task, TaskState::Ok).await?;
    night.clock.advance(48 * hour);
    watch.look(night.now()).await?;

    night.clock.advance(10 * 24 * hour);
    watch.look(night.now()).await?;
    std::fs::remove_dir_all(night.path("primary"))?;
    watch.look(night.now()).await?;
    Ok(())
}

/// A user with a role of the hub's own, and somebody who does not know its password.
async fn people(night: &Night) -> Result<()> {
    let by = Actor {
        user: UserId::new("root@local")?,
        address: None,
        request: None,
    };
    let (user, role) = (UserId::new("alice@local")?, "pilot".parse()?);
    let new = NewUser {
        user: user.clone(),
        name: None,
        email: None,
        password: None,
    };
    night
        .ledger
        .put_role(&by, &role, Rights::from_iter([Right::RunJobs]), None)
        .await?;
    let office = vec![(role, Some("office".parse()?))];
    night.ledger.create_user(Some(&by), new, office).await?;
    let policy = LockPolicy {
        failures: 2,
        within: Duration::from_secs(60),
        lock: Duration::from_secs(60),
    };
    for _ in 0..2 {
        night.ledger.login_failed(&user, None, policy).await?;
    }
    Ok(())
}

/// A message that is refused, one whose destination is gone, and a plugin that cannot be loaded.
async fn delivery(night: &Night) -> Result<()> {
    let group = json!({
        "project": "office", "name": "ops", "handler": [{ "name": "hook", "plugin": "webhook" }],
    });
    let document: Document = serde_json::from_value(json!({ "group": [group] }))?;
    night.ledger.apply(&document, &"root@local".parse()?).await?;
    let unmatched = night.ledger.take_unmatched(1000).await?;
    let handler = HandlerRef {
        project: Some("office".parse()?),
        group: "ops".parse()?,
        handler: "hook".parse()?,
    };
    let message = |thread: &str| -> Result<NewMessage> {
        Ok(NewMessage {
            handler: handler.clone(),
            snapshot: serde_json::from_value(json!({ "name": "hook", "plugin": "webhook" }))?,
            recipient: String::new(),
            thread: thread.to_owned(),
            kind: "notice".to_owned(),
            window: "1".to_owned(),
            lane: "office https://watcher.example".to_owned(),
            due: night.now(),
            attrs: serde_json::Map::new(),
        })
    };
    let messages = vec![message("a")?, message("b")?];
    let mut fanouts: Vec<FanOut> = unmatched
        .into_iter()
        .map(|event| FanOut {
            rates: Vec::new(),
            silenced: Vec::new(),
            incident: None,
            outcome: None,
            seq: event.seq,
            tips: Vec::new(),
            matches: Vec::new(),
            messages: Vec::new(),
        })
        .collect();
    let last = fanouts.last_mut().context("an event")?;
    last.matches = vec![NewMatch {
        handler: handler.clone(),
    }];
    last.messages = messages;
    night.ledger.record_fanout(fanouts).await?;
    let session = night.played_worker().await?;
    let claimed = night.ledger.claim_messages(session, 2, 2).await?;
    ensure!(claimed.len() == 2, "{claimed:?}");
    for (claimed, gone) in claimed.iter().zip([false, true]) {
        let attempt = FinishAttempt {
            message: claimed.message.id,
            session,
            started: night.now(),
            ended: night.now(),
            outcome: AttemptOutcome::Rejected {
                reason: "no".to_owned(),
                code: ErrorCode::DeliveryRejected,
                gone,
            },
            status: None,
            exchanges: Vec::new(),
            detail: None,
            kv: Vec::new(),
            inbox: Vec::new(),
            attrs: None,
            refused: None,
            tried: true,
            taken: false,
        };
        night.ledger.finish_attempt(attempt).await?;
    }

    let folder = night.path("plugins");
    std::fs::create_dir_all(&folder)?;
    std::fs::File::create(folder.join("broken.wasm"))?.write_all(b"no component")?;
    let options = PluginsOptions {
        folder: Some(folder),
        ..PluginsOptions::default()
    };
    let plugins = tokio::task::spawn_blocking(move || Plugins::load(&options)).await??;
    let secrets = Secrets::open(&night.path("secrets"), &night.path("secrets.key"))?;
    let seams = night.clock.seams();
    let notify = Notify::new(NotifyParts {
        ledger: night.ledger.clone(),
        egress: Egress::new(EgressOptions::default(), secrets, seams.clone())?,
        plugins,
        templates: Templates::new(None, seams.clone()),
        seams,
        node: "test".parse()?,
        pid: 1,
        options: NotifyOptions::default(),
    });
    // What could not be loaded is told at the start; more is not wanted.
    let stop = CancellationToken::new();
    stop.cancel();
    notify.run(stop).await?;
    Ok(())
}

/// What a process tells of itself: the binary, started, stopped and started again; and of a secret that is set anew.
fn of_a_process() -> Result<Vec<Event>> {
    let mut hub = TestHub::start("")?;
    hub.stop()?;
    hub.resume()?;
    hub.secret("hook", "geheim-wort")?;
    hub.secret("hook", "geheim-wort-2")?;
    let mut inbox: Value = hub.json(&["inbox", "list", "--limit", "100"])?;
    let entries = inbox["entries"].as_array_mut().context("entries")?;
    entries
        .iter_mut()
        .map(|entry| Ok(serde_json::from_value(entry["event"].take())?))
        .collect()
}
