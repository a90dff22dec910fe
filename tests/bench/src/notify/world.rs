//! A hub without engine and API on a durable ledger: notification as it runs in production, with the built-in plugins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use ironcore_egress::{AllowList, Egress, EgressOptions, SecretName, SecretString, Secrets};
use ironcore_ledger::Ledger;
use ironcore_ledger::model::NewEvent;
use ironcore_notify::{Deliver, Notify, NotifyOptions, NotifyParts, Plugins, PluginsOptions, Templates};
use ironcore_types::event::EventData;
use ironcore_types::{EventId, EventType, PluginName, Seams, Severity, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::machine;
use crate::place::{Place, declare};

/// `whsec_` and the Base64 of thirty-two letters `k`.
const SIGNING: &str = "whsec_a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
const PROJECT: &str = "office";

pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) place: Place,
    seams: Seams,
    egress: Egress,
    plugins: Plugins,
    running: Option<(CancellationToken, JoinSet<Result<()>>)>,
}

/// What a world is made of beside its handlers.
#[derive(Default)]
pub(crate) struct Setup {
    /// What delivers in the place of plugins.
    pub(crate) native: BTreeMap<PluginName, Arc<dyn Deliver>>,
    /// Further certificate authorities, PEM.
    pub(crate) roots: Vec<String>,
    /// Further secrets.
    pub(crate) secrets: Vec<(&'static str, &'static str)>,
}

impl World {
    /// A hub whose job number N tells group number N, which has the Nth handler alone.
    pub(crate) async fn new(handlers: Vec<Value>, setup: Setup) -> Result<Self> {
        let place = Place::sqlite()?;
        let seams = machine::seams();
        let ledger = place.open("bench", &seams).await?;
        let folder = place.folder().context("a folder")?;
        let secrets = Secrets::open(&folder.join("secrets"), &folder.join("key"))?;
        for (name, value) in setup.secrets.into_iter().chain([("signing", SIGNING)]) {
            secrets.seal(&SecretName::new(name)?, &SecretString::from(value))?;
        }
        let egress = Egress::new(
            EgressOptions {
                allow: AllowList::parse(["127.0.0.0/8", "localhost"])?,
                roots_pem: setup.roots,
                ..EgressOptions::default()
            },
            secrets,
            seams.clone(),
        )?;
        let native = setup.native;
        let plugins = tokio::task::spawn_blocking(move || plugins(native)).await??;
        let groups: Vec<Value> = handlers
            .into_iter()
            .enumerate()
            .map(|(n, handler)| group(n, handler))
            .collect();
        let jobs: Vec<Value> = (0..groups.len()).map(job).collect();
        declare(
            &ledger,
            json!({
                "project": [{ "name": PROJECT }],
                "datastore": [{ "name": "ibs-primary", "path": "/srv/primary", "projects": [PROJECT] }],
                "group": groups,
                "job": jobs,
            }),
        )
        .await?;
        Ok(Self {
            ledger,
            place,
            seams,
            egress,
            plugins,
            running: None,
        })
    }

    /// Notification begins.
    pub(crate) fn start(&mut self) -> Result<()> {
        let notify = Notify::new(NotifyParts {
            ledger: self.ledger.clone(),
            egress: self.egress.clone(),
            plugins: self.plugins.clone(),
            templates: Templates::new(None, self.seams.clone()),
            seams: self.seams.clone(),
            node: "bench".parse()?,
            pid: std::process::id(),
            options: NotifyOptions::default(),
        });
        let cancel = CancellationToken::new();
        let token = cancel.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { Ok(notify.run(token).await?) });
        self.running = Some((cancel, tasks));
        Ok(())
    }

    /// Notification ends, as when a hub stops.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        if let Some((cancel, mut tasks)) = self.running.take() {
            cancel.cancel();
            while let Some(ended) = tasks.join_next().await {
                ended??;
            }
        }
        self.ledger.close().await;
        Ok(())
    }

    /// Tells that the run `number` of a job has failed; the id of the event, once it is committed.
    pub(crate) async fn fail(&self, job: usize, number: usize) -> Result<EventId> {
        Ok(self
            .ledger
            .emit(failure(job, number, self.seams.now())?)
            .await?
            .event
            .id)
    }
}

fn group(number: usize, mut handler: Value) -> Value {
    handler["name"] = json!("told");
    handler["filter"] = json!({ "events": ["ironcore.task.failed"] });
    json!({ "project": PROJECT, "name": format!("group-{number}"), "handler": [handler] })
}

fn job(number: usize) -> Value {
    json!({
        "project": PROJECT, "name": format!("job-{number}"), "owner": "root@local",
        "groups": [format!("group-{number}")],
        "task": {
            "type": "backup", "source": { "tree": format!("/srv/tree-{number}") },
            "datastore": "ibs-primary", "backup-id": format!("host-{number}"),
        },
    })
}

/// A handler of the webhook plugin.
pub(crate) fn webhook(url: &str) -> Value {
    json!({
        "plugin": "webhook",
        "config": { "url": url, "signing-secret": { "secret": "signing" }, "timeout-ms": 5000 },
    })
}

/// The event of a failed run, as the engine tells it.
fn failure(job: usize, number: usize, now: Timestamp) -> Result<NewEvent> {
    let upid =
        format!("UPID:bench:0000C0DE:00000001:{number:08X}:6B04F769:backup:ibs\\x2dprimary:root@local:");
    let error = json!({ "code": "datastore.offline", "message": "the folder /srv/primary is not there" });
    let mut data = EventData::new(
        Some(PROJECT.parse()?),
        Severity::Error,
        format!("Backup of /srv/tree-{job} to ibs-primary failed"),
    );
    data.task = Some(serde_json::from_value(json!({
        "upid": upid, "type": "backup", "job": format!("job-{job}"), "user": "root@local",
        "source": format!("/srv/tree-{job}"), "target": "ibs-primary", "state": "failed", "retry_of": null,
        "queued": now, "started": now, "ended": now, "bytes": 1_234_567, "stats": {}, "stages": [],
        "warnings": [], "warning_count": 0,
        "log_tail": (0..20).map(|line| format!("line {line}: what a task says of itself while it works")).collect::<Vec<_>>(),
    }))?);
    data.error = Some(serde_json::from_value(error)?);
    Ok(NewEvent {
        event_type: EventType::TaskFailed,
        subject: Some(upid),
        data,
    })
}

fn plugins(native: BTreeMap<PluginName, Arc<dyn Deliver>>) -> Result<Plugins> {
    let mut builtin = Vec::new();
    for name in ["email", "webhook", "inbox", "remediation"] {
        let path = root().join("build/plugins").join(format!("{name}.wasm"));
        let bytes =
            std::fs::read(&path).with_context(|| format!("{}; run cargo xtask build", path.display()))?;
        builtin.push((name, &*bytes.leak()));
    }
    Ok(Plugins::load(&PluginsOptions {
        builtin,
        native,
        ..PluginsOptions::default()
    })?)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
