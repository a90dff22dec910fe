//! A hub without engine and API: ledger, egress, plugins, and notification that can be started, stopped and killed.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use ironcore_egress::{AllowList, Egress, EgressOptions, SecretName, SecretString, Secrets};
use ironcore_ledger::model::{
    Attempt, Message, MessageFilter, MessageState, NewSession, NewTask, Outcome, Page, Scope, SeqEvent,
    Service, Task,
};
use ironcore_ledger::{Database, Ledger, LedgerOptions};
use ironcore_notify::{
    CircuitPolicy, Notify, NotifyOptions, NotifyParts, Plugins, PluginsOptions, RetryPolicy, Templates,
};
use ironcore_plugin_host::HostConfig;
use ironcore_types::event::ErrorData;
use ironcore_types::objects::Document;
use ironcore_types::{
    ErrorCode, EventType, JobName, NodeName, PluginName, ProjectName, Seams, SessionId, TaskSpec, TaskState,
    TaskType, Timestamp, UserId,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::receiver::Receiver;
use crate::time::Hands;

/// `whsec_` and the Base64 of thirty-two letters `k`.
pub(crate) const SIGNING: &str = "whsec_a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

pub(crate) struct World {
    pub(crate) clock: Hands,
    pub(crate) ledger: Ledger,
    pub(crate) receiver: Receiver,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) plugins: Plugins,
    pub(crate) options: NotifyOptions,
    /// The admin's folder of templates, when there is one.
    pub(crate) overrides: Option<PathBuf>,
    egress: Egress,
    pub(crate) seams: Seams,
    running: Option<(CancellationToken, JoinSet<()>)>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn wasm(folder: &str, name: &str) -> Vec<u8> {
    let path = root().join("build").join(folder).join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run cargo xtask build", path.display()))
}

/// The built-in plugins and those of `build/plugins-examples`; compiled once for all tests.
pub(crate) fn plugins() -> Plugins {
    static PLUGINS: OnceLock<Plugins> = OnceLock::new();
    let load = || {
        let builtin = ["email", "webhook", "inbox", "remediation"]
            .into_iter()
            .map(|name| (name, &*wasm("plugins", name).leak()))
            .collect();
        let misbehave = PluginName::new("misbehave").expect("name");
        // A folder of its own: what other examples want is of no matter here.
        let folder = tempfile::tempdir().expect("a folder").keep();
        let mut file = std::fs::File::create(folder.join("misbehave.wasm")).expect("a file");
        file.write_all(&wasm("plugins-examples", "misbehave"))
            .expect("written");
        let options = PluginsOptions {
            builtin,
            folder: Some(folder.clone()),
            grants: BTreeMap::from([(misbehave, ironcore_plugin_host::Grants::all())]),
            native: BTreeMap::new(),
            host: HostConfig {
                guest_time: Duration::from_millis(300),
                ..HostConfig::default()
            },
        };
        let plugins = Plugins::load(&options).expect("plugins load");
        assert_eq!(plugins.refused(), [], "every plugin is loaded");
        std::fs::remove_dir_all(folder).expect("removed");
        plugins
    };
    PLUGINS.get_or_init(load).clone()
}

impl World {
    /// A hub with project `web`, datastore `store`, and the jobs `nightly` and `other`, both told to group `ops`,
    /// which has these handlers.
    pub(crate) async fn new(handlers: impl FnOnce(&Receiver) -> Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Hands::new();
        let seams = clock.seams();
        let ledger = Ledger::open(
            LedgerOptions {
                database: Database::Sqlite(folder.path().join("ledger.db")),
                node: NodeName::new("hub").expect("name"),
                pid: 1,
                pstart: 1,
            },
            seams.clone(),
        )
        .await
        .expect("a ledger");
        let receiver = Receiver::start().await;
        let secrets =
            Secrets::open(&folder.path().join("secrets"), &folder.path().join("key")).expect("secrets");
        let signing = SecretName::new("signing").expect("name");
        secrets
            .seal(&signing, &SecretString::from(SIGNING))
            .expect("sealed");
        let egress = Egress::new(
            EgressOptions {
                allow: AllowList::parse(["127.0.0.0/8"]).expect("a list"),
                ..EgressOptions::default()
            },
            secrets,
            seams.clone(),
        )
        .expect("egress");
        let plugins = tokio::task::spawn_blocking(plugins).await.expect("plugins");
        let options = NotifyOptions {
            // Exact times can be checked; that jitter stays within its share is tested beside the decision.
            retry: RetryPolicy {
                jitter: 0.0,
                ..RetryPolicy::default()
            },
            circuit: CircuitPolicy {
                jitter: 0.0,
                ..CircuitPolicy::default()
            },
            ..NotifyOptions::default()
        };
        let world = Self {
            clock,
            seams,
            ledger,
            receiver,
            folder,
            plugins,
            options,
            overrides: None,
            egress,
            running: None,
        };
        world.declare(handlers(&world.receiver)).await;
        world
    }

    pub(crate) async fn declare(&self, handlers: Value) {
        let job = |name: &str| {
            json!({
                "project": "web", "name": name, "owner": "root@local", "groups": ["ops"],
                "task": { "type": "gc", "datastore": "store" },
            })
        };
        let document: Document = serde_json::from_value(json!({
            "project": [{ "name": "web" }],
            "datastore": [{ "name": "store", "path": self.folder.path().join("store"), "projects": ["web"] }],
            "group": [{ "project": "web", "name": "ops", "handler": handlers }],
            "job": [job("nightly"), job("other")],
        }))
        .expect("a valid document");
        for group in &document.group {
            self.plugins.check_group(group).expect("a valid group");
        }
        self.ledger.apply(&document, &user()).await.expect("applied");
    }

    pub(crate) fn templates(&self) -> Templates {
        Templates::new(self.overrides.clone(), self.seams.clone())
    }

    pub(crate) fn notify(&self) -> Notify {
        Notify::new(NotifyParts {
            ledger: self.ledger.clone(),
            egress: self.egress.clone(),
            plugins: self.plugins.clone(),
            templates: self.templates(),
            seams: self.seams.clone(),
            node: NodeName::new("hub").expect("name"),
            pid: 1,
            options: self.options.clone(),
        })
    }

    pub(crate) fn start(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        let notify = self.notify();
        let cancel = CancellationToken::new();
        let token = cancel.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { notify.run(token).await.expect("runs") });
        self.running = Some((cancel, tasks));
    }

    /// Stops as the hub does: attempts in flight may end.
    pub(crate) async fn stop(&mut self) {
        let (cancel, mut tasks) = self.running.take().expect("it runs");
        cancel.cancel();
        while let Some(ended) = tasks.join_next().await {
            ended.expect("ended well");
        }
    }

    /// Stops as a crash does: nothing is recorded any more, the session is not ended.
    pub(crate) async fn kill(&mut self) {
        let (_, mut tasks) = self.running.take().expect("it runs");
        tasks.shutdown().await;
    }

    /// Enqueues a task of `job`.
    pub(crate) async fn queue(&self, job: &str) -> Task {
        let spec: TaskSpec =
            serde_json::from_value(json!({ "type": "gc", "datastore": "store" })).expect("spec");
        let mut new = NewTask::new(Some(project()), user(), spec);
        new.job = Some(JobName::new(job).expect("name"));
        self.ledger.enqueue(new).await.expect("enqueued")
    }

    /// Begins the oldest task that waits, as a worker does.
    pub(crate) async fn begin(&self) -> (Task, SessionId) {
        // Every claim has a session of its own, for clocks that jump end leases.
        let id = SessionId(self.seams.uuid());
        self.ledger
            .register_session(NewSession {
                id,
                node: NodeName::new("hub").expect("name"),
                pid: 2,
                services: vec![Service::Worker],
                types: vec![TaskType::Gc],
                slots: 1,
                keys: Vec::new(),
            })
            .await
            .expect("a session");
        let mut claimed = self.ledger.claim(id, &[TaskType::Gc], 1).await.expect("claimed");
        (claimed.pop().expect("a task waits"), id)
    }

    /// Ends a task.
    pub(crate) async fn end(&self, (task, session): (Task, SessionId), state: TaskState) {
        let mut outcome = Outcome::new(state);
        if state == TaskState::Failed {
            outcome.error = Some(ErrorData {
                code: ErrorCode::DatastoreOffline,
                message: "the datastore is offline".to_owned(),
            });
        }
        self.ledger
            .finish(task.id, session, outcome)
            .await
            .expect("finished");
    }

    /// A whole task of `job` that ends in this state.
    pub(crate) async fn task(&self, job: &str, state: TaskState) -> Task {
        let task = self.queue(job).await;
        let begun = self.begin().await;
        assert_eq!(begun.0.id, task.id);
        self.end(begun, state).await;
        task
    }

    /// The messages of handlers of group `ops`, oldest first.
    pub(crate) async fn messages(&self) -> Vec<Message> {
        let filter = MessageFilter {
            group: Some("ops".parse().expect("name")),
            ..MessageFilter::default()
        };
        let page = self.ledger.messages(&filter, &Page::first(1_000)).await;
        let listed = page.expect("messages").messages;
        listed.into_iter().rev().map(|listed| listed.message).collect()
    }

    /// Waits until the messages are as wanted.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&[Message]) -> bool) -> Vec<Message> {
        let mut wakes = self.ledger.wakes().messages;
        let waited = tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                wakes.borrow_and_update();
                let messages = self.messages().await;
                if wanted(&messages) {
                    return messages;
                }
                wakes.changed().await.expect("the ledger lives");
            }
        });
        match waited.await {
            Ok(messages) => messages,
            Err(_) => panic!("never came: {what}\nmessages: {:#?}", self.messages().await),
        }
    }

    /// Waits until so many messages are delivered.
    pub(crate) async fn delivered(&self, count: usize) -> Vec<Message> {
        let is = |message: &&Message| message.state == MessageState::Delivered;
        self.until(&format!("{count} delivered"), |all| {
            all.iter().filter(is).count() == count
        })
        .await
    }

    /// Lets time pass, from one thing that is due to the next, until so many messages are delivered.
    pub(crate) async fn passes_until_delivered(&self, count: usize) -> Vec<Message> {
        let mut wakes = self.ledger.wakes().messages;
        let passed = tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                wakes.borrow_and_update();
                let all = self.messages().await;
                let is = |state| all.iter().filter(|one| one.state == state).count();
                if is(MessageState::Delivered) == count {
                    return all;
                }
                let next = match is(MessageState::Sending) {
                    0 => self.ledger.next_message_due().await.expect("read"),
                    _ => None,
                };
                match next.filter(|due| *due > self.now()) {
                    Some(due) => self.clock.set(due),
                    None => wakes.changed().await.expect("the ledger lives"),
                }
            }
        });
        match passed.await {
            Ok(messages) => messages,
            Err(_) => panic!(
                "never came: {count} delivered\nmessages: {:#?}",
                self.messages().await
            ),
        }
    }

    /// Waits until an event of this type is there and gives the first.
    pub(crate) async fn event(&self, wanted: EventType) -> SeqEvent {
        let mut wakes = self.ledger.wakes().events;
        let waited = tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                wakes.borrow_and_update();
                if let Some(found) = self.events(wanted).await.into_iter().next() {
                    return found;
                }
                wakes.changed().await.expect("the ledger lives");
            }
        });
        waited.await.unwrap_or_else(|_| panic!("no event {wanted}"))
    }

    /// The events of this type so far.
    pub(crate) async fn events(&self, wanted: EventType) -> Vec<SeqEvent> {
        let all = self
            .ledger
            .events_after(0, 1_000, &Scope::All)
            .await
            .expect("events");
        all.into_iter()
            .filter(|event| event.event.event_type == wanted)
            .collect()
    }

    pub(crate) async fn attempts(&self, message: &Message) -> Vec<Attempt> {
        self.ledger.attempts(message.id).await.expect("attempts")
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

pub(crate) fn user() -> UserId {
    UserId::new("root@local").expect("name")
}

pub(crate) fn project() -> ProjectName {
    ProjectName::new("web").expect("name")
}

/// A webhook handler named `name` that posts to `path`, with these events in its filter when there are any.
pub(crate) fn webhook(receiver: &Receiver, name: &str, path: &str, events: &[&str]) -> Value {
    let mut handler = json!({
        "name": name, "plugin": "webhook",
        "config": { "url": receiver.url(path), "signing-secret": { "secret": "signing" } },
    });
    if !events.is_empty() {
        let events: Vec<_> = events.iter().map(|event| format!("ironcore.{event}")).collect();
        handler["filter"] = json!({ "events": events });
    }
    handler
}
