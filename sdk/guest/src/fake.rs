//! A host for native tests: answers as it was told to, and records every call.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use crate::{
    Delivery, Event, Handler, Host, Hub, Links, LogLevel, Severity, http, inbox, kv, mail, metrics, templates,
};

/// A call that a plugin made.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// A request.
    Http(http::Request),
    /// A mail.
    Mail(mail::Server, mail::Message),
    /// An entry of the inbox: event and presentation.
    Inbox(String, inbox::Entry),
    /// Figures.
    Metrics(Vec<metrics::Sample>),
    /// A template and the extra values.
    Render(String, String),
    /// A value was read.
    KvGet(String),
    /// A value was written, or removed.
    KvSet(String, Option<Vec<u8>>),
    /// A line.
    Log(LogLevel, String),
}

/// The fake. Unless told otherwise, requests are answered with 204 and mails taken with 250; a template renders to its
/// own name in angle brackets; values are kept in memory.
#[derive(Debug, Default)]
pub struct FakeHost {
    calls: RefCell<Vec<Call>>,
    http: RefCell<VecDeque<Result<http::Response, http::Error>>>,
    mail: RefCell<VecDeque<Result<mail::Reply, mail::Error>>>,
    templates: RefCell<BTreeMap<String, Result<String, templates::Error>>>,
    values: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl FakeHost {
    /// A host that takes everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next request without an answer yet gets this one.
    pub fn answer_http(self, answer: Result<http::Response, http::Error>) -> Self {
        self.http.borrow_mut().push_back(answer);
        self
    }

    /// The next request without an answer yet gets this status, and an empty body.
    pub fn answer_status(self, status: u16) -> Self {
        self.answer_http(Ok(response(status)))
    }

    /// The next mail without an answer yet gets this one.
    pub fn answer_mail(self, answer: Result<mail::Reply, mail::Error>) -> Self {
        self.mail.borrow_mut().push_back(answer);
        self
    }

    /// A template renders to this.
    pub fn template(self, name: &str, answer: Result<String, templates::Error>) -> Self {
        self.templates.borrow_mut().insert(name.to_owned(), answer);
        self
    }

    /// All calls so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.borrow().clone()
    }

    fn record(&self, call: Call) {
        self.calls.borrow_mut().push(call);
    }
}

fn response(status: u16) -> http::Response {
    http::Response {
        status,
        headers: Vec::new(),
        body: Vec::new(),
        truncated: false,
        retry_after_ms: None,
        attrs: Vec::new(),
    }
}

impl Host for FakeHost {
    fn http(&self, request: &http::Request) -> Result<http::Response, http::Error> {
        self.record(Call::Http(request.clone()));
        self.http
            .borrow_mut()
            .pop_front()
            .unwrap_or_else(|| Ok(response(204)))
    }

    fn mail(&self, server: &mail::Server, message: &mail::Message) -> Result<mail::Reply, mail::Error> {
        self.record(Call::Mail(server.clone(), message.clone()));
        let taken = || {
            Ok(mail::Reply {
                code: 250,
                text: "taken".to_owned(),
            })
        };
        self.mail.borrow_mut().pop_front().unwrap_or_else(taken)
    }

    fn inbox(&self, event_id: &str, entry: &inbox::Entry) -> Result<(), inbox::Error> {
        self.record(Call::Inbox(event_id.to_owned(), entry.clone()));
        Ok(())
    }

    fn metrics(&self, samples: &[metrics::Sample]) -> Result<(), metrics::Error> {
        self.record(Call::Metrics(samples.to_vec()));
        Ok(())
    }

    fn render(&self, template: &str, extra: &str) -> Result<String, templates::Error> {
        self.record(Call::Render(template.to_owned(), extra.to_owned()));
        self.templates
            .borrow()
            .get(template)
            .cloned()
            .unwrap_or_else(|| Ok(format!("<{template}>")))
    }

    fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, kv::Error> {
        self.record(Call::KvGet(key.to_owned()));
        Ok(self.values.borrow().get(key).cloned())
    }

    fn kv_set(&self, key: &str, value: &[u8]) -> Result<(), kv::Error> {
        self.record(Call::KvSet(key.to_owned(), Some(value.to_vec())));
        self.values.borrow_mut().insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn kv_delete(&self, key: &str) -> Result<(), kv::Error> {
        self.record(Call::KvSet(key.to_owned(), None));
        self.values.borrow_mut().remove(key);
        Ok(())
    }

    fn log(&self, level: LogLevel, line: &str) {
        self.record(Call::Log(level, line.to_owned()));
    }
}

impl Event {
    /// An event for tests, with `data` as its particulars. Its severity, title, project and error are taken from there.
    ///
    /// # Panics
    /// When `data` is no JSON object.
    pub fn sample(event_type: &str, data: &serde_json::Value) -> Self {
        assert!(data.is_object(), "the data of an event is a JSON object");
        let text = |name: &str| data[name].as_str().map(str::to_owned);
        let event = serde_json::json!({
            "specversion": "1.0",
            "id": "01920000-0000-7000-8000-000000000001",
            "source": "urn:ironcore-backup:hub:01920000-0000-7000-8000-0000000000aa",
            "type": event_type,
            "time": "2026-05-21T02:00:00Z",
            "datacontenttype": "application/json",
            "dataschema": "urn:ironcore-backup:event:v1",
            "data": data,
        });
        Self {
            id: "01920000-0000-7000-8000-000000000001".to_owned(),
            source: "urn:ironcore-backup:hub:01920000-0000-7000-8000-0000000000aa".to_owned(),
            event_type: event_type.to_owned(),
            subject: None,
            time_us: 1_779_328_800_000_000,
            project: text("project"),
            severity: match data["severity"].as_str() {
                Some("notice") => Severity::Notice,
                Some("warning") => Severity::Warning,
                Some("error") => Severity::Error,
                _ => Severity::Info,
            },
            title: text("title").unwrap_or_default(),
            error: data["error"]["code"].as_str().map(|code| {
                crate::ErrorInfo::new(code, data["error"]["message"].as_str().unwrap_or_default())
            }),
            json: event.to_string(),
            attrs: Vec::new(),
        }
    }
}

impl Delivery {
    /// A delivery of one event for tests, with this configuration.
    pub fn sample(event: Event, config: &serde_json::Value) -> Self {
        Self {
            kind: "event".to_owned(),
            message_id: "01920000-0000-7000-8000-0000000000bb".to_owned(),
            thread: "task/1".to_owned(),
            attempt: 1,
            recipient: None,
            handler: Handler {
                project: event.project.clone(),
                group: "ops".to_owned(),
                name: "handler".to_owned(),
            },
            config: config.to_string(),
            template: None,
            events: vec![event],
            incident: None,
            tips: Vec::new(),
            links: Links {
                dashboard: Some("https://hub.example:8007/".to_owned()),
                task: Some("https://hub.example:8007/tasks/1".to_owned()),
                log: Some("https://hub.example:8007/tasks/1/log".to_owned()),
                others: Vec::new(),
            },
            hub: Hub {
                id: "01920000-0000-7000-8000-0000000000aa".to_owned(),
                name: "hub".to_owned(),
                version: "0.1.0".to_owned(),
            },
            attrs: Vec::new(),
        }
    }
}
