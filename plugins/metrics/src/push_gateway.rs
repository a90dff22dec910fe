//! Prometheus's push gateway: a group for each job, or each type of task without one, holding the figures of its last
//! run. <https://github.com/prometheus/pushgateway#put-method>

use std::collections::BTreeMap;

use ironcore_plugin::{Delivery, Failure, Host, LogLevel, Receipt};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::TEST;
use crate::answer;
use crate::config::Config;
use crate::task_end::TaskEnd;

/// What stands in a path as it is.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a group holds, as it is remembered between messages: a push takes the place of the whole group, and messages of
/// different tasks may come out of order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Held {
    /// When the run ended whose figures are there, microseconds since 1970.
    ended_us: i64,
    /// When a run last ended well.
    good_us: Option<i64>,
}

/// Pushes each group of which the message has news.
pub(crate) fn push(
    host: &impl Host,
    delivery: &Delivery,
    config: &Config,
    ends: &[TaskEnd],
) -> Result<Receipt, Failure> {
    let mut groups: BTreeMap<String, Vec<&TaskEnd>> = BTreeMap::new();
    for end in ends {
        groups.entry(group(end)).or_default().push(end);
    }
    let instance = config.instance.as_deref().unwrap_or(&delivery.hub.name);
    let is_test = delivery.kind == TEST;
    let mut job = config.job.clone();
    if is_test {
        // A push takes the place of a whole group: what did not happen has one of its own.
        job.push_str("-test");
    }
    let base = format!("/metrics{}{}", label("job", &job), label("instance", instance));
    let mut last = Receipt::new("newer figures were pushed before");
    for (group, ends) in &groups {
        let mut held = if is_test {
            Held::default()
        } else {
            remembered(host, group)
        };
        let mut newest = None;
        for end in ends {
            if end.is_good() {
                held.good_us = held.good_us.max(Some(end.ended_us));
            }
            if end.ended_us >= held.ended_us {
                held.ended_us = end.ended_us;
                newest = Some(*end);
            }
        }
        let Some(end) = newest else { continue };
        let request = config.request(
            "PUT",
            &format!("{base}{group}"),
            EXPOSITION,
            figures(config, end, held.good_us),
        );
        last = answer::outcome(host.http(&request))?;
        if !is_test {
            remember(host, group, held);
        }
    }
    Ok(last)
}

/// The part of the grouping key that tells groups of one hub apart.
fn group(end: &TaskEnd) -> String {
    let project = end.project.as_deref().map(|project| label("project", project));
    let of = match &end.job {
        Some(job) => label("job_name", job),
        None => label("task_type", &end.task_type),
    };
    format!("{}{of}", project.unwrap_or_default())
}

/// A label of a grouping key, as a part of the path. Names and the schema's patterns let no slash through, which would
/// need another form.
fn label(name: &str, value: &str) -> String {
    format!("/{name}/{}", utf8_percent_encode(value, IN_PATH))
}

fn remembered(host: &impl Host, group: &str) -> Held {
    let value = match host.kv_get(group) {
        Ok(value) => value.unwrap_or_default(),
        Err(error) => {
            host.log(
                LogLevel::Warn,
                &format!("what {group} holds is not known: {error:?}"),
            );
            Vec::new()
        }
    };
    serde_json::from_slice(&value).unwrap_or_default()
}

fn remember(host: &impl Host, group: &str, held: Held) {
    let value = serde_json::to_vec(&held).unwrap_or_default();
    if let Err(error) = host.kv_set(group, &value) {
        host.log(
            LogLevel::Warn,
            &format!("what {group} holds is not kept: {error:?}"),
        );
    }
}

/// The figures of a run in the text format.
fn figures(config: &Config, end: &TaskEnd, good_us: Option<i64>) -> String {
    let seconds = |micros: i64| micros as f64 / 1e6;
    let mut labels = vec![format!("type=\"{}\"", escaped(&end.task_type))];
    for (name, value) in &config.labels {
        labels.push(format!("{name}=\"{}\"", escaped(value)));
    }
    let labels = labels.join(",");
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: String| {
        let name = format!("ironcore_last_task_{name}");
        text.push_str(&format!(
            "# HELP {name} {help}\n# TYPE {name} gauge\n{name}{{{labels}}} {value}\n"
        ));
    };
    gauge(
        "end_timestamp_seconds",
        "When the last task ended.",
        seconds(end.ended_us).to_string(),
    );
    gauge(
        "success",
        "Whether it ended OK or WARNING.",
        u8::from(end.is_good()).to_string(),
    );
    if let Some(good_us) = good_us {
        let help = "When a task last ended OK or WARNING.";
        gauge("success_timestamp_seconds", help, seconds(good_us).to_string());
    }
    if let Some(duration) = end.duration {
        gauge("duration_seconds", "How long it ran.", duration.to_string());
    }
    if let Some(queued) = end.queued {
        gauge("queue_seconds", "How long it waited before.", queued.to_string());
    }
    gauge(
        "bytes",
        "Bytes that it transferred or processed.",
        end.bytes.to_string(),
    );
    gauge("warnings", "Its non-fatal issues.", end.warnings.to_string());
    for (name, value) in &end.stats {
        let (name, help) = match *name {
            "bytes_read" => ("read_bytes", "Bytes read from the source."),
            "bytes_logical" => ("logical_bytes", "Content of the snapshots that it made."),
            "bytes_new" => ("new_bytes", "New chunks before compression."),
            "bytes_stored" => ("stored_bytes", "New chunks on disk."),
            "chunks_known" => ("chunks_known", "Chunks that were there already."),
            "files" => ("files", "Files, folders and links."),
            _ => ("chunks", "Chunks referred to."),
        };
        gauge(name, help, value.to_string());
    }
    text
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
