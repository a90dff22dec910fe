//! What an event says that advice is about.

use ironcore_plugin::{Data, Event, Warning};

use crate::words::{bytes, filled};

/// How many log lines are shown as evidence.
const LOG_LINES: usize = 3;
/// How many paths are shown as evidence.
const PATHS: usize = 5;

/// The facts of one event. Names that the event does not hold are none.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) project: Option<String>,
    pub(crate) snapshot: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) datastore: Option<String>,
    pub(crate) job: Option<String>,
    pub(crate) upid: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) node: Option<String>,
    pub(crate) handler: Option<String>,
    pub(crate) message_id: Option<String>,
    /// `backup`, `gc`, …; empty when the event is about no task.
    pub(crate) task_type: String,
    pub(crate) title: String,
    pub(crate) result: String,
    pub(crate) chunk: Option<String>,
    pub(crate) message: String,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) warning_count: u64,
    pub(crate) log: Vec<String>,
    /// What was measured, in words.
    pub(crate) figures: Vec<String>,
}

impl Facts {
    pub(crate) fn of(event: &Event) -> Self {
        let data = event.data();
        let figures = figures(&data);
        let task = data.task.clone().unwrap_or_default();
        let snapshot = snapshot(&data).or_else(|| task.target.clone().filter(|t| is_snapshot(t)));
        let datastore = data.datastore.as_ref().map(|datastore| datastore.name.clone());
        let report = data.verification.clone().unwrap_or_default();
        let delivery = data.delivery.clone().unwrap_or_default();
        Self {
            group: snapshot.as_deref().and_then(group),
            datastore: datastore
                .or_else(|| snapshot.as_deref().and_then(before_colon))
                .or_else(|| task.target.as_deref().and_then(datastore_of_target)),
            snapshot,
            job: task
                .job
                .clone()
                .or_else(|| data.job.as_ref().map(|job| job.name.clone())),
            upid: (!task.upid.is_empty()).then(|| task.upid.clone()),
            source: task.source,
            target: task.target,
            node: data.node.as_ref().map(|node| node.name.clone()),
            handler: delivery
                .group
                .zip(delivery.handler)
                .map(|(group, handler)| format!("{group}/{handler}")),
            message_id: delivery.message,
            project: data.project,
            task_type: task.task_type,
            title: data.title,
            chunk: report.failure.as_ref().and_then(|failure| failure.chunk.clone()),
            message: match (&event.error, &report.failure) {
                (Some(error), _) => error.message.clone(),
                (None, Some(failure)) => failure.reason.clone(),
                (None, None) => String::new(),
            },
            result: report.result,
            warning_count: task.warning_count.max(task.warnings.len() as u64),
            warnings: task.warnings,
            log: task.log_tail,
            figures,
        }
    }

    /// The codes that the event holds, the gravest first, each once.
    pub(crate) fn codes(&self, event: &Event) -> Vec<String> {
        let mut codes: Vec<String> = Vec::new();
        let report = event
            .data()
            .verification
            .and_then(|report| report.failure)
            .map(|failure| failure.code);
        let error = event.error.as_ref().map(|error| error.code.clone());
        let warnings = self.warnings.iter().map(|warning| warning.code.clone());
        for code in report.into_iter().chain(error).chain(warnings) {
            if !code.is_empty() && !codes.contains(&code) {
                codes.push(code);
            }
        }
        codes
    }

    /// Replaces `{snapshot}`, `{datastore}` and the like; what the event does not name becomes a word for it, in
    /// commands one in capitals.
    pub(crate) fn fill(&self, text: &str) -> String {
        let names = [
            ("{project}", &self.project, "the project", "PROJECT"),
            ("{snapshot}", &self.snapshot, "the snapshot", "REF"),
            ("{group}", &self.group, "the backup group", "GROUP"),
            ("{datastore}", &self.datastore, "the datastore", "DATASTORE"),
            ("{job}", &self.job, "the job", "JOB"),
            ("{upid}", &self.upid, "the task", "UPID"),
            ("{source}", &self.source, "the source", "PATH"),
            ("{target}", &self.target, "the target", "PATH"),
            ("{node}", &self.node, "the worker", "NODE"),
            ("{handler}", &self.handler, "the handler", "GROUP/HANDLER"),
            ("{message}", &self.message_id, "the message", "MESSAGE"),
        ];
        filled(text, &names)
    }

    /// What advice about a code or an event type rests on: kind and text.
    pub(crate) fn evidence(&self, about: (&'static str, &str)) -> Vec<(&'static str, String)> {
        let (kind, code) = about;
        let mut found = vec![(kind, code.to_owned())];
        let warned: Vec<&Warning> = self
            .warnings
            .iter()
            .filter(|warning| warning.code == code)
            .collect();
        if warned.is_empty() && !self.message.is_empty() {
            found.push(("message", self.message.clone()));
        } else if kind == "event" && !self.title.is_empty() {
            // Without an error it is the title that says what is known.
            found.push(("message", self.title.clone()));
        }
        if let Some(snapshot) = &self.snapshot {
            found.push(("snapshot", snapshot.clone()));
        }
        if let Some(chunk) = &self.chunk {
            found.push(("chunk", chunk.clone()));
        }
        found.extend(
            warned
                .iter()
                .filter_map(|w| w.path.clone())
                .take(PATHS)
                .map(|path| ("path", path)),
        );
        if warned.len() > PATHS || (self.warning_count > self.warnings.len() as u64 && !warned.is_empty()) {
            found.push((
                "count",
                format!(
                    "{} warnings in all; the task's log lists each",
                    self.warning_count
                ),
            ));
        }
        if warned.is_empty() {
            found.extend(self.figures.iter().map(|figure| ("figure", figure.clone())));
            let skip = self.log.len().saturating_sub(LOG_LINES);
            found.extend(self.log[skip..].iter().map(|line| ("log", line.clone())));
        }
        found
    }
}

/// What the event measured: space, stages, attempts.
fn figures(data: &Data) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(datastore) = &data.datastore {
        found.extend(match (datastore.free, datastore.used) {
            (Some(free), Some(used)) => Some(format!("{} free, {} used", bytes(free), bytes(used))),
            (Some(free), None) => Some(format!("{} free", bytes(free))),
            (None, Some(used)) => Some(format!("{} used", bytes(used))),
            (None, None) => None,
        });
    }
    if let Some(task) = &data.task {
        for stage in task.stages.iter().filter(|stage| !stage.name.is_empty()) {
            let done = match stage.total {
                Some(total) => format!("{} of {total} {}", stage.done, stage.unit),
                None => format!("{} {}", stage.done, stage.unit),
            };
            found.push(format!(
                "{}: {}, {}",
                stage.name,
                done.trim_end(),
                bytes(stage.bytes)
            ));
        }
        if task.bytes > 0 {
            found.push(format!("{} in all", bytes(task.bytes)));
        }
    }
    if let Some(report) = data.verification.as_ref().filter(|report| report.chunks > 0) {
        let noun = if report.chunks == 1 { "chunk" } else { "chunks" };
        found.push(format!("{} {noun} checked", report.chunks));
    }
    let missed = data.job.as_ref().map_or(0, |job| job.missed);
    found.extend((missed > 0).then(|| match missed {
        1 => "1 run was missed".to_owned(),
        missed => format!("{missed} runs were missed"),
    }));
    let attempts = data.delivery.as_ref().map_or(0, |delivery| delivery.attempts);
    found.extend((attempts > 0).then(|| match attempts {
        1 => "1 attempt".to_owned(),
        attempts => format!("{attempts} attempts"),
    }));
    found
}

/// The reference with its datastore, when the event tells it.
fn snapshot(data: &Data) -> Option<String> {
    let whole = data.snapshot.as_ref().map(|snapshot| snapshot.reference.clone());
    whole.filter(|reference| !reference.is_empty()).or_else(|| {
        let path = data
            .verification
            .as_ref()
            .map(|report| report.snapshot.reference.clone())?;
        (!path.is_empty()).then(|| match &data.datastore {
            Some(datastore) if !path.contains(&format!("{}:", datastore.name)) => {
                format!("{}:{path}", datastore.name)
            }
            _ => path,
        })
    })
}

/// `ibs-primary:vm/12345/2026-05-21T00:00:00Z` without its time.
fn group(snapshot: &str) -> Option<String> {
    snapshot.rsplit_once('/').map(|(group, _)| group.to_owned())
}

fn before_colon(text: &str) -> Option<String> {
    let (name, rest) = text.split_once(':')?;
    // A time has colons too; a datastore's name stands before a type or a namespace.
    (!name.is_empty() && !name.contains('/') && rest.contains('/')).then(|| name.to_owned())
}

/// The target of a task is `DATASTORE:GROUP`, a datastore, or a path of a restore.
fn datastore_of_target(target: &str) -> Option<String> {
    before_colon(target).or_else(|| (!target.contains('/') && !target.is_empty()).then(|| target.to_owned()))
}

fn is_snapshot(text: &str) -> bool {
    before_colon(text).is_some()
        && text
            .rsplit_once('/')
            .is_some_and(|(_, time)| time.len() >= 20 && time.ends_with('Z') && time.contains('T'))
}
