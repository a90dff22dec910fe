//! Notification with a ledger, the built-in plugins and secrets, on a clock that the test sets: from an event to what a
//! receiver gets.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ironcore_egress::{AllowList, Egress, EgressOptions, SecretName, SecretString, Secrets};
use ironcore_ledger::model::{Message, MessageFilter, MessageState, NewEvent, Page, SeqEvent};
use ironcore_ledger::{Clock, Database, Ledger, LedgerOptions, Postgres};
use ironcore_notify::{
    CircuitPolicy, Notify, NotifyOptions, NotifyParts, Plugins, PluginsOptions, RetryPolicy, Templates,
};
use ironcore_testkit::clock::ManualClock;
use ironcore_testkit::postgres::wanted_database;
use ironcore_types::Event;
use ironcore_types::objects::Document;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) ledger: Ledger,
    pub(crate) plugins: Plugins,
    egress: Egress,
    running: Option<(CancellationToken, JoinSet<()>)>,
    _folder: tempfile::TempDir,
}

/// The built-in plugins; compiled once for all tests.
fn plugins() -> Result<Plugins> {
    static PLUGINS: OnceLock<Plugins> = OnceLock::new();
    if let Some(plugins) = PLUGINS.get() {
        return Ok(plugins.clone());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/plugins");
    let component = |name: &'static str| -> Result<(&'static str, &'static [u8])> {
        let path: PathBuf = folder.join(format!("{name}.wasm"));
        let bytes =
            std::fs::read(&path).with_context(|| format!("{}: run cargo xtask build", path.display()))?;
        Ok((name, bytes.leak()))
    };
    let options = PluginsOptions {
        builtin: ["webhook", "inbox"]
            .into_iter()
            .map(component)
            .collect::<Result<_>>()?,
        ..PluginsOptions::default()
    };
    let plugins = Plugins::load(&options)?;
    if let Some(refused) = plugins.refused().first() {
        bail!("{refused}");
    }
    Ok(PLUGINS.get_or_init(|| plugins).clone())
}

impl World {
    /// Project `office` with the job `nightly`, which is told to these handlers; the secrets with their values.
    pub(crate) async fn new(clock: ManualClock, handlers: &Value, secrets: &[(&str, &str)]) -> Result<Self> {
        let options = EgressOptions {
            allow: AllowList::parse(["127.0.0.0/8"])?,
            ..EgressOptions::default()
        };
        Self::with_egress(clock, handlers, secrets, options).await
    }

    /// The same, with its own way out.
    pub(crate) async fn with_egress(
        clock: ManualClock,
        handlers: &Value,
        secrets: &[(&str, &str)],
        way_out: EgressOptions,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let seams = clock.seams();
        let options = LedgerOptions {
            database: match wanted_database()? {
                // The test sets the time.
                Some(url) => Database::Postgres(Postgres::new(&url)?.readers(4).clock(Clock::Seams)),
                None => Database::Sqlite(folder.path().join("ledger.sqlite")),
            },
            node: "test".parse()?,
            pid: 1,
            pstart: 1,
        };
        let ledger = Ledger::open(options, seams.clone()).await?;
        let store = Secrets::open(&folder.path().join("secrets"), &folder.path().join("key"))?;
        for (name, value) in secrets {
            store.seal(&SecretName::new(*name)?, &SecretString::from(*value))?;
        }
        let egress = Egress::new(way_out, store, seams)?;
        let plugins = tokio::task::spawn_blocking(plugins).await??;
        let document: Document = serde_json::from_value(json!({
            "project": [{ "name": "office" }],
            "datastore": [{ "name": "ibs-primary", "path": folder.path().join("store"), "projects": ["office"] }],
            "group": [{ "project": "office", "name": "ops", "handler": handlers }],
            "job": [{
                "project": "office", "name": "nightly", "owner": "root@local", "groups": ["ops"],
                "task": { "type": "gc", "datastore": "ibs-primary" },
            }],
        }))?;
        for group in &document.group {
            if let Err(faults) = plugins.check_group(group) {
                bail!("{faults:?}");
            }
        }
        ledger.apply(&document, &"root@local".parse()?).await?;
        Ok(Self {
            clock,
            ledger,
            plugins,
            egress,
            running: None,
            _folder: folder,
        })
    }

    /// Lets it deliver.
    pub(crate) fn start(&mut self) -> Result<()> {
        let seams = self.clock.seams();
        let notify = Notify::new(NotifyParts {
            ledger: self.ledger.clone(),
            egress: self.egress.clone(),
            plugins: self.plugins.clone(),
            templates: Templates::new(None, seams.clone()),
            seams,
            node: "test".parse()?,
            pid: 1,
            options: NotifyOptions {
                // Exact times, so that the test can set the clock to them.
                retry: RetryPolicy {
                    jitter: 0.0,
                    ..RetryPolicy::default()
                },
                circuit: CircuitPolicy {
                    jitter: 0.0,
                    ..CircuitPolicy::default()
                },
                // Requests one after the other: targets count them.
                attempts_per_lane: 1,
                hub_name: "hub1".to_owned(),
                dashboard: Some("https://hub1.example:8007".to_owned()),
                ..NotifyOptions::default()
            },
        });
        let cancel = CancellationToken::new();
        let token = cancel.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { notify.run(token).await.expect("runs") });
        self.running = Some((cancel, tasks));
        Ok(())
    }

    /// Lets attempts in flight end.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        let (cancel, mut tasks) = self.running.take().context("it runs")?;
        cancel.cancel();
        while let Some(ended) = tasks.join_next().await {
            ended?;
        }
        Ok(())
    }

    /// Tells an event as if it had happened here.
    pub(crate) async fn tell(&self, event: &Event) -> Result<SeqEvent> {
        let new = NewEvent {
            event_type: event.event_type,
            subject: event.subject.clone(),
            data: event.data.clone(),
        };
        Ok(self.ledger.emit(new).await?)
    }

    /// The messages of the handlers, oldest first, once they are as wanted.
    pub(crate) async fn until(
        &self,
        what: &str,
        wanted: impl Fn(&[Message]) -> bool,
    ) -> Result<Vec<Message>> {
        let filter = MessageFilter {
            group: Some("ops".parse()?),
            ..MessageFilter::default()
        };
        let mut wakes = self.ledger.wakes().messages;
        let mut last = Vec::new();
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                wakes.borrow_and_update();
                let page = self.ledger.messages(&filter, &Page::first(1_000)).await?.messages;
                last = page.into_iter().rev().map(|listed| listed.message).collect();
                if wanted(&last) {
                    return anyhow::Ok(());
                }
                wakes.changed().await?;
            }
        })
        .await;
        match waited {
            Ok(done) => done.map(|()| last),
            Err(_) => bail!("never came: {what}\nmessages: {last:#?}"),
        }
    }

    /// Waits until so many messages are delivered.
    pub(crate) async fn delivered(&self, count: usize) -> Result<Vec<Message>> {
        let is = |message: &&Message| message.state == MessageState::Delivered;
        self.until(&format!("{count} delivered"), |all| {
            all.iter().filter(is).count() == count
        })
        .await
    }
}
