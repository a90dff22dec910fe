//! A hub for one test: a ledger with two projects, a clock that is set by hand, tokens, and a way to ask.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use ironcore_api::wire::{Fault, PluginList};
use ironcore_api::{
    ApiParts, ApiState, Demand, Limits, Oidc, PluginCatalog, SetUp, new_secret, router, secret_hash,
};
use ironcore_egress::{Egress, EgressOptions, Secrets};
use ironcore_engine::{SigningSeed, Stores};
use ironcore_ledger::model::{NewSession, NewTask, NewToken, Outcome, Role, Service, Task};
use ironcore_ledger::{Database, Ledger, LedgerOptions};
use ironcore_notify::links::LinkKey;
use ironcore_types::objects::{Document, Group};
use ironcore_types::seams::{Clock, Random};
use ironcore_types::{
    ErrorCode, Moment, ProjectName, Seams, SessionId, TaskSpec, TaskState, TaskType, Timestamp, UserId,
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::operating::FakeBackups;
use crate::secrets::FakeKeeper;
use crate::trials::FakeTrials;

/// A clock that stands until it is set.
/// Beside what it shows it knows how much time has passed.
pub(crate) struct ManualClock(watch::Sender<(Timestamp, Moment)>);

impl ManualClock {
    /// Lets time pass.
    pub(crate) fn forward(&self, seconds: u64) {
        let span = Duration::from_secs(seconds);
        self.0
            .send_modify(|(now, moment)| (*now, *moment) = (now.after(span), moment.after(span)));
    }

    /// Sets it; no time passes.
    pub(crate) fn jump(&self, time: Timestamp) {
        self.0.send_modify(|(now, _)| *now = time);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.borrow().0
    }

    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut times = self.0.subscribe();
        Box::pin(async move {
            // The sender lives as long as the clock, so this waits for the time alone.
            let _reached = times.wait_for(|(now, _)| *now >= time).await;
        })
    }

    fn moment(&self) -> Moment {
        self.0.borrow().1
    }

    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut times = self.0.subscribe();
        let until = self.moment().after(span);
        Box::pin(async move {
            let _reached = times.wait_for(|(_, moment)| *moment >= until).await;
        })
    }
}

/// Bytes that count up, so that ids differ and runs are alike.
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            let tail = &number[number.len() - chunk.len()..];
            chunk.copy_from_slice(tail);
        }
    }
}

/// One plugin, `hook`, whose handlers need a `url`.
struct Catalog;

impl PluginCatalog for Catalog {
    fn list(&self) -> PluginList {
        PluginList {
            plugins: Vec::new(),
            refused: Vec::new(),
        }
    }

    fn check(&self, group: &Group) -> Vec<Fault> {
        let bad = group
            .handler
            .iter()
            .filter(|handler| !handler.config.contains_key("url"));
        bad.map(|handler| Fault {
            object: None,
            key: format!("handler.{}.config.url", handler.name),
            code: ErrorCode::PluginConfig,
            detail: "it is missing".to_owned(),
        })
        .collect()
    }
}

pub(crate) struct Hub {
    pub(crate) ledger: Ledger,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) seams: Seams,
    pub(crate) session: SessionId,
    pub(crate) shutdown: CancellationToken,
    /// How often it was said that the hub is set up.
    pub(crate) set_up_calls: Arc<AtomicU64>,
    pub(crate) folder: PathBuf,
    router: Router,
    _dir: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) head: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// Checks that this is a problem document with that code, and gives it.
    #[track_caller]
    pub(crate) fn problem(self, status: StatusCode, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.head[header::CONTENT_TYPE], ironcore_api::PROBLEM_JSON);
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status.as_u16());
        assert_eq!(
            problem["request_id"],
            self.head[ironcore_api::REQUEST_ID].to_str().expect("id")
        );
        problem
    }
}

impl Hub {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let start = Timestamp::from_seconds(1_779_321_600);
        let clock = Arc::new(ManualClock(watch::channel((start, Moment::default())).0));
        let seams = Seams::new(clock.clone(), Arc::new(Counting(AtomicU64::new(1))));
        let node = "hub".parse().expect("node");
        let options = LedgerOptions {
            database: Database::Sqlite(dir.path().join("ledger.db")),
            node,
            pid: 7,
            pstart: 9,
        };
        let ledger = Ledger::open(options, seams.clone()).await.expect("ledger");
        let stores = Stores::new(ledger.clone(), SigningSeed([7; 32]), None, seams.clone());
        let session = SessionId(seams.uuid());
        let new = NewSession {
            id: session,
            node: "hub".parse().expect("node"),
            pid: 7,
            services: vec![Service::Worker],
            types: TaskType::ALL.to_vec(),
            slots: 1,
            keys: vec![stores.key_id().expect("key")],
        };
        ledger.register_session(new).await.expect("session");
        let shutdown = CancellationToken::new();
        let set_up_calls = Arc::new(AtomicU64::new(0));
        let state = ApiState::new(ApiParts {
            stores,
            ledger: ledger.clone(),
            plugins: Arc::new(Catalog),
            backups: Arc::new(FakeBackups::new()),
            secrets: Arc::new(FakeKeeper::default()),
            trials: Arc::new(FakeTrials),
            seams: seams.clone(),
            node: "hub".parse().expect("node"),
            version: "0.0.0".to_owned(),
            shutdown: shutdown.clone(),
            links: LinkKey::derived(b"links"),
            secure: false,
            certificate: None,
            oidc: oidc(dir.path(), &seams),
            demand: demand(),
            setup: Some(set_up(&set_up_calls)),
            limits,
        });
        let folder = dir.path().to_owned();
        let hub = Self {
            ledger,
            clock,
            seams,
            session,
            shutdown,
            set_up_calls,
            folder,
            router: router(state),
            _dir: dir,
        };
        hub.apply(json!({
            "project": [{ "name": "demo" }, { "name": "zebra" }],
            "datastore": [
                { "name": "shared", "path": hub.folder.join("shared"), "projects": ["demo", "zebra"] },
                { "name": "zebra-store", "path": hub.folder.join("own"), "projects": ["zebra"] },
            ],
            "group": [{ "project": "demo", "name": "ops" }, { "project": "zebra", "name": "zebra-group" }],
            "job": [{
                "project": "zebra", "name": "zebra-job", "owner": "zebra@local",
                "task": { "type": "verify", "datastore": "zebra-store" },
            }, {
                "project": "demo", "name": "nightly", "owner": "root@local", "schedule": "02:00", "groups": ["ops"],
                "task": {
                    "type": "backup", "source": { "tree": "/srv" }, "datastore": "shared", "backup-id": "files",
                },
            }],
        }))
        .await;
        hub
    }

    /// Declares objects, past the API.
    pub(crate) async fn apply(&self, document: Value) {
        let document: Document = serde_json::from_value(document).expect("document");
        self.ledger
            .apply(&document, &user("root@local"))
            .await
            .expect("applied");
    }

    /// A token's secret.
    pub(crate) async fn token(&self, role: Role, project: Option<&str>) -> String {
        let (secret, hash) = new_secret().expect("secret");
        let new = NewToken {
            user: user(&format!("{role}@local!{}", project.unwrap_or("hub"))),
            role: role.into(),
            project: project.map(|name| name.parse().expect("project")),
            secret_sha256: hash,
            comment: None,
            expires: None,
            actor: None,
        };
        self.ledger.create_token(None, new).await.expect("token");
        secret
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router
            .clone()
            .oneshot(request)
            .await
            .expect("the router never fails")
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        secret: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(secret) = secret {
            request = request.header(header::AUTHORIZATION, format!("Bearer {secret}"));
        }
        let body = match body {
            None => Body::empty(),
            Some(value) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(value.to_string())
            }
        };
        self.answer(request.body(body).expect("request")).await
    }

    /// Sends a request, and reads what comes back.
    pub(crate) async fn answer(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.send(request).await.into_parts();
        let bytes = body.collect().await.expect("body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Answer {
            status: parts.status,
            head: parts.headers,
            text,
        }
    }

    pub(crate) async fn get(&self, path: &str, secret: &str) -> Answer {
        self.ask(Method::GET, path, Some(secret), None).await
    }

    pub(crate) async fn post(&self, path: &str, secret: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(secret), Some(body)).await
    }

    /// A task that waits.
    pub(crate) async fn enqueue(&self, project: &str, spec: Value) -> Task {
        let project: ProjectName = project.parse().expect("project");
        let spec: TaskSpec = serde_json::from_value(spec).expect("spec");
        self.ledger
            .enqueue(NewTask::new(Some(project), user("root@local"), spec))
            .await
            .expect("enqueued")
    }

    /// Lets the test's worker take the next task.
    pub(crate) async fn claim(&self) -> Task {
        let claimed = self
            .ledger
            .claim(self.session, TaskType::ALL, 1)
            .await
            .expect("claim");
        claimed.into_iter().next().expect("a task waits")
    }

    pub(crate) async fn finish(&self, task: &Task, state: TaskState) {
        self.ledger
            .finish(task.id, self.session, Outcome::new(state))
            .await
            .expect("finished");
    }
}

/// No identity provider.
fn oidc(folder: &std::path::Path, seams: &Seams) -> Oidc {
    let secrets = Secrets::open(&folder.join("secrets"), &folder.join("secrets.key")).expect("secrets");
    let egress = Egress::new(EgressOptions::default(), secrets, seams.clone()).expect("egress");
    Oidc::new(Vec::new(), egress, seams.clone())
}

/// What the first administrator is made with.
pub(crate) const SET_UP: &str = "the set-up token of the test";

fn set_up(calls: &Arc<AtomicU64>) -> SetUp {
    let calls = calls.clone();
    SetUp {
        sha256: secret_hash(SET_UP),
        done: Arc::new(move || {
            calls.fetch_add(1, Ordering::SeqCst);
        }),
    }
}

/// A second factor is demanded of the auditors of the hub.
fn demand() -> Demand {
    Demand {
        all: false,
        roles: vec![Role::Auditor.into()],
    }
}

pub(crate) fn user(text: &str) -> UserId {
    text.parse().expect("user")
}

/// A verification of a datastore, as a task's description.
pub(crate) fn verify(datastore: &str) -> Value {
    json!({ "type": "verify", "datastore": datastore })
}

/// Percent-encodes a path parameter.
pub(crate) fn encode(text: impl ToString) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in text.to_string().bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a string takes all");
        }
    }
    out
}
