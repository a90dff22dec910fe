//! What the tests of plugins share: built components, a delivery, and services that record.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use ironcore_plugin_host::effects::{
    HttpError, HttpRequest, HttpResponse, KvError, LogLine, Mail, MailError, MailReply, MailServer,
    RenderError, Sample,
};
use ironcore_plugin_host::{Delivery, HostServices, Hub, Links};
use ironcore_types::event::{DATASCHEMA, ErrorData};
use ironcore_types::{
    ErrorCode, Event, EventData, EventId, EventType, GroupName, HandlerName, HubId, MessageId, ProjectName,
    Severity, Timestamp,
};
use serde_json::{Map, Value};

fn built(folder: &str, name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../build")
        .join(folder)
        .join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run cargo xtask build", path.display()))
}

/// A plugin of the hub.
pub fn builtin(name: &str) -> Vec<u8> {
    built("plugins", name)
}

/// A plugin of `examples/plugins`.
pub fn example(name: &str) -> Vec<u8> {
    built("plugins-examples", name)
}

/// The component with a part of its manifest changed; both texts have the same length, so that the file stays valid.
pub fn with_manifest(mut wasm: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "{from} and {to}");
    // The text is among the guest's data too.
    let places: Vec<usize> = (0..wasm.len())
        .filter(|at| wasm[*at..].starts_with(from.as_bytes()))
        .collect();
    assert!(!places.is_empty(), "{from} is in the manifest");
    for at in places {
        wasm[at..at + from.len()].copy_from_slice(to.as_bytes());
    }
    wasm
}

pub fn uuid(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + n)
}

pub fn event(title: &str) -> Event {
    let mut data = EventData::new(
        Some(ProjectName::new("demo").expect("name")),
        Severity::Error,
        title,
    );
    data.error = Some(ErrorData {
        code: ErrorCode::DatastoreFull,
        message: "no space left".to_owned(),
    });
    Event {
        specversion: "1.0".to_owned(),
        id: EventId(uuid(1)),
        source: "urn:ironcore-backup:hub:x".to_owned(),
        event_type: EventType::TaskFailed,
        subject: None,
        time: Timestamp::from_seconds(1_779_328_800),
        datacontenttype: "application/json".to_owned(),
        dataschema: DATASCHEMA.to_owned(),
        data,
    }
}

pub fn object(config: Value) -> Map<String, Value> {
    config.as_object().cloned().expect("an object")
}

pub fn delivery(config: Value) -> Delivery {
    Delivery {
        kind: "event".to_owned(),
        message: MessageId(uuid(2)),
        thread: "task/1".to_owned(),
        attempt: 1,
        recipient: None,
        project: Some(ProjectName::new("demo").expect("name")),
        group: GroupName::new("ops").expect("name"),
        handler: HandlerName::new("main").expect("name"),
        config: object(config),
        template: None,
        events: vec![event("Backup failed")],
        incident: None,
        tips: Vec::new(),
        tip_events: Vec::new(),
        links: Links {
            dashboard: None,
            task: Some("https://hub.example/tasks/1".to_owned()),
            log: None,
        },
        hub: Hub {
            id: HubId(uuid(3)),
            name: "hub".to_owned(),
        },
        attrs: Vec::new(),
    }
}

/// Records what it is asked for; answers requests with 200 and takes mails, or never answers.
#[derive(Default)]
pub struct Recorder {
    pub hang: bool,
    pub value: Option<Vec<u8>>,
    pub http: Mutex<Vec<HttpRequest>>,
    pub mail: Mutex<Vec<(MailServer, Mail)>>,
    pub lines: Mutex<Vec<LogLine>>,
    pub rendered: Mutex<Vec<(String, Value)>>,
}

impl Recorder {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }
}

impl HostServices for Recorder {
    fn http(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        self.http.lock().expect("lock").push(request);
        if self.hang {
            return std::future::pending().boxed();
        }
        async {
            Ok(HttpResponse {
                status: 200,
                ..HttpResponse::default()
            })
        }
        .boxed()
    }

    fn mail(&self, server: MailServer, mail: Mail) -> BoxFuture<'_, Result<MailReply, MailError>> {
        self.mail.lock().expect("lock").push((server, mail));
        async {
            Ok(MailReply {
                code: 250,
                text: "taken".to_owned(),
            })
        }
        .boxed()
    }

    fn render(&self, template: &str, context: Value) -> Result<String, RenderError> {
        self.rendered
            .lock()
            .expect("lock")
            .push((template.to_owned(), context));
        Ok(format!("{{\"template\":\"{template}\"}}"))
    }

    fn kv_get(&self, _key: &str) -> BoxFuture<'_, Result<Option<Vec<u8>>, KvError>> {
        async { Ok(self.value.clone()) }.boxed()
    }

    fn log(&self, line: &LogLine) {
        self.lines.lock().expect("lock").push(line.clone());
    }

    fn metrics(&self, _samples: Vec<Sample>) {}
}
