//! Following one task: its log as it grows, its progress, and how it ended.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context as _, Result};
use ironcore_api::wire;
use ironcore_ledger::model::WaitReason;
use ironcore_types::event::ErrorData;
use ironcore_types::{TaskState, Timestamp, Upid};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::{Context, outcome, stages};
use crate::client::may_come_back;
use crate::exit::Exit;
use crate::output::{self, Form};

/// Lines fetched at once.
const LINES: usize = 1000;
/// How often a waiting command looks.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(400);
/// How often who follows a log looks why its task waits: in a long queue a place is not found for nothing.
const LOOK_WHY_EVERY: Duration = Duration::from_secs(2);
/// How long a hub may be away that has answered before.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a task ended, as following its log with `--output json` tells it on standard error.
#[derive(Debug, Serialize)]
struct Ended<'a> {
    upid: &'a Upid,
    state: TaskState,
    status: &'a str,
    bytes: u64,
    duration_us: Option<u64>,
    warning_count: u64,
    error: Option<&'a ErrorData>,
    retried_by: Option<&'a Upid>,
}

/// Asks the hub again and again, also while it starts anew: the task goes on meanwhile, or after it.
struct Patient<'a> {
    context: &'a Context,
    /// It has answered before; who was never there is not waited for.
    heard: bool,
    silent_since: Option<Instant>,
}

impl<'a> Patient<'a> {
    fn new(context: &'a Context) -> Self {
        Self {
            context,
            heard: false,
            silent_since: None,
        }
    }

    async fn get<T: DeserializeOwned>(&mut self, path: &[&str], query: &[(&str, String)]) -> Result<T> {
        self.get_dated(path, query).await.map(|(answer, _)| answer)
    }

    /// With the hub's time, when it told it.
    async fn get_dated<T: DeserializeOwned>(
        &mut self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<(T, Option<Timestamp>)> {
        loop {
            let error = match self.context.client.get_dated(path, query).await {
                Ok(answer) => {
                    self.heard = true;
                    if self.silent_since.take().is_some() {
                        output::complain("the hub answers again");
                    }
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if !self.heard || !may_come_back(&error) {
                return Err(error);
            }
            let since = *self.silent_since.get_or_insert_with(|| {
                output::complain("the hub does not answer; asking again");
                Instant::now()
            });
            if since.elapsed() > PATIENCE {
                return Err(error);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// `done`, unless the user presses the interrupt key before; then None.
pub(super) async fn unless_interrupted<T>(done: impl Future<Output = Result<T>>) -> Result<Option<T>> {
    tokio::select! {
        done = done => done.map(Some),
        signal = tokio::signal::ctrl_c() => {
            signal.context("cannot listen for the interrupt key")?;
            Ok(None)
        }
    }
}

/// Prints the log after a line until the task has ended; from the beginning, on standard output it is what a download holds, byte for byte. Why it does
/// not begin and how it ended is told on standard error, and the end by the exit code.
pub(super) async fn follow(context: &Context, upid: &Upid, mut after: u64) -> Result<Exit> {
    let ended = unless_interrupted(async {
        let mut hub = Patient::new(context);
        let mut wait = (context.form != Form::Json).then(Wait::default);
        loop {
            let page = print_page(&mut hub, upid, after).await?;
            after = page.next;
            if page.removed {
                output::complain(
                    "there is no log of this task any more: it is older than the hub keeps logs",
                );
            }
            if page.done {
                return ended(&mut hub, upid).await;
            }
            if page.lines.is_empty() {
                if let Some(told) = &mut wait
                    && !told.tell(&mut hub, upid).await?
                {
                    wait = None;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            } else {
                // What writes lines waits no longer.
                wait = None;
            }
        }
    });
    Ok(ended.await?.unwrap_or_else(|| interrupted(upid)))
}

/// Says that the task goes on all the same.
fn interrupted(upid: &Upid) -> Exit {
    output::complain(&format!("no longer waiting; the task goes on: {upid}"));
    Exit::Interrupted
}

/// What was told of a task that waits.
#[derive(Default)]
struct Wait {
    told: Option<String>,
    looked: Option<Instant>,
}

impl Wait {
    /// Says on standard error why the task waits and at which place, unless that was said already. Answers whether it
    /// waits.
    async fn tell(&mut self, hub: &mut Patient<'_>, upid: &Upid) -> Result<bool> {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK_WHY_EVERY) {
            return Ok(true);
        }
        self.looked = Some(Instant::now());
        let task: wire::Task = hub.get(&["tasks", &upid.to_string()], &[]).await?;
        if let Some(text) = self.news(&task) {
            output::note(&text);
        }
        Ok(task.state == TaskState::Queued)
    }

    fn news(&mut self, task: &wire::Task) -> Option<String> {
        // A task that a worker takes in a moment does not wait for anything.
        let taken = WaitReason::Nothing.to_string();
        let held = task.waiting.as_ref().is_some_and(|why| *why != taken);
        let text = stages::waits(task).filter(|_| held)?;
        if self.told.as_ref() == Some(&text) {
            return None;
        }
        self.told = Some(text.clone());
        Some(text)
    }
}

/// Prints the log after a line as far as it is written.
pub(super) async fn log_so_far(context: &Context, upid: &Upid, mut after: u64) -> Result<Exit> {
    let mut hub = Patient::new(context);
    loop {
        let page = print_page(&mut hub, upid, after).await?;
        if page.removed {
            // The hub says what became of it, as it does to who wants all of it.
            let path = ["tasks", &upid.to_string(), "log.txt"];
            return hub.get::<String>(&path, &[]).await.map(|_| Exit::Ok);
        }
        if page.done || page.lines.len() < LINES {
            return Ok(Exit::Ok);
        }
        after = page.next;
    }
}

/// Prints the lines after a line: each one an object when JSON is asked for, so that a reader need not wait for the
/// end of the log.
async fn print_page(hub: &mut Patient<'_>, upid: &Upid, after: u64) -> Result<wire::LogPage> {
    let query = [("after", after.to_string()), ("limit", LINES.to_string())];
    let path = ["tasks", &upid.to_string(), "log"];
    let page: wire::LogPage = hub.get(&path, &query).await?;
    for line in &page.lines {
        output::say(&match hub.context.form {
            Form::Json => serde_json::to_string(line)?,
            Form::Table | Form::Plain => line.format_line(),
        });
    }
    Ok(page)
}

/// Waits until the task has ended, showing progress on a terminal. The exit code tells how it ended.
pub(super) async fn wait(context: &Context, upid: &Upid) -> Result<Exit> {
    let people = context.form != Form::Json;
    let show = people && std::io::stderr().is_terminal();
    let mut bars = stages::Bars::new(show)?;
    let ended = unless_interrupted(async {
        let mut hub = Patient::new(context);
        let mut told = (people && !show).then(Wait::default);
        loop {
            let path = ["tasks", &upid.to_string()];
            let (task, now): (wire::Task, _) = hub.get_dated(&path, &[]).await?;
            if task.state.is_final() {
                return Ok(task);
            }
            bars.show(&task, now);
            if let Some(text) = told.as_mut().and_then(|told| told.news(&task)) {
                output::note(&text);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
    .await;
    bars.clear();
    let Some(task) = ended? else {
        return Ok(interrupted(upid));
    };
    let (exit, fields) = end_of(&task);
    context.form.fields(&task, &fields)?;
    Ok(exit)
}

async fn ended(hub: &mut Patient<'_>, upid: &Upid) -> Result<Exit> {
    let task: wire::Task = hub.get(&["tasks", &upid.to_string()], &[]).await?;
    if hub.context.form == Form::Json {
        let ended = Ended {
            upid: &task.upid,
            state: task.state,
            status: &task.status,
            bytes: task.bytes,
            duration_us: took(&task),
            warning_count: task.warning_count,
            error: task.error.as_ref(),
            retried_by: task.retried_by.as_ref(),
        };
        output::note(&serde_json::to_string(&ended)?);
    } else {
        output::note(&result(&task));
    }
    Ok(end_of(&task).0)
}

/// How a task ended, in a line: `FAILED after 3.2 s: no such folder [source.unreachable]`.
fn result(task: &wire::Task) -> String {
    let mut text = task.status.clone();
    if let Some(micros) = took(task) {
        text.push_str(&format!(" after {}", output::duration(micros)));
    }
    if task.bytes > 0 {
        text.push_str(&format!(", {}", output::bytes(task.bytes)));
    }
    match task.warning_count {
        0 => {}
        1 => text.push_str(", 1 warning"),
        count => text.push_str(&format!(", {count} warnings")),
    }
    if let Some(error) = &task.error {
        text.push_str(&format!(": {} [{}]", error.message, error.code));
    }
    if let Some(retry) = &task.retried_by {
        text.push_str(&format!("\nit is tried again as {retry}"));
    }
    text
}

/// How long it ran, µs.
pub(super) fn took(task: &wire::Task) -> Option<u64> {
    let ran = task.ended?.since(task.started?);
    Some(u64::try_from(ran.as_micros()).unwrap_or(u64::MAX))
}

/// The attempt that follows a failed one.
pub(super) fn retried(task: &wire::Task) -> Option<(&'static str, String)> {
    let retry = task.retried_by.as_ref()?;
    Some(("Retried by", retry.to_string()))
}

fn end_of(task: &wire::Task) -> (Exit, Vec<(&'static str, String)>) {
    let mut fields = vec![
        ("UPID", task.upid.to_string()),
        ("Status", task.status.clone()),
        ("Bytes", format!("{} ({})", task.bytes, output::bytes(task.bytes))),
    ];
    fields.extend(took(task).map(|micros| ("Duration", output::duration(micros))));
    fields.extend(outcome::snapshots(task));
    if task.warning_count > 0 {
        fields.push(("Warnings", task.warning_count.to_string()));
    }
    if let Some(error) = &task.error {
        fields.push(("Error", format!("{} [{}]", error.message, error.code)));
    }
    if let Some(tip) = task.tips.first() {
        fields.push(("Tip", tip.title.clone()));
    }
    fields.extend(retried(task));
    (
        Exit::of_task(
            task.task_type,
            task.state,
            task.error.as_ref().map(|error| error.code),
        ),
        fields,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(state: &str, waiting: Option<&str>, position: Option<u64>) -> wire::Task {
        let task = serde_json::json!({
            "upid": "UPID:vm:000060FA:001682B6:00000001:6B04F769:gc:a:root@local:", "type": "gc", "state": state,
            "status": state, "project": null, "job": null, "user": "root@local", "source": null, "target": null,
            "cancelled_by": null, "retry_of": null, "retried_by": null, "attempt": 1, "node": null, "queued": "2026-05-21T00:00:00Z", "started": null, "ended": null, "bytes": 0,
            "stats": {}, "progress": {"stages": []}, "warnings": [], "warning_count": 0, "error": null,
            "waiting": waiting, "queue_position": position, "tips": [],
        });
        serde_json::from_value(task).expect("a task")
    }

    #[test]
    fn why_a_task_waits_is_told_once_and_again_when_it_changes() {
        let mut wait = Wait::default();
        let mut told = |state, waiting, position| wait.news(&task(state, waiting, position));
        let (slots, paused) = ("all worker slots are taken (1 slot in all)", "its job is paused");
        let third = told("queued", Some(slots), Some(3));
        assert_eq!(third, Some(format!("queued, number 3: {slots}")));
        assert_eq!(told("queued", Some(slots), Some(3)), None);
        assert_eq!(
            told("queued", Some(slots), Some(2)),
            Some(format!("queued, number 2: {slots}"))
        );
        assert_eq!(
            told("queued", Some(paused), None),
            Some(format!("queued: {paused}"))
        );
        let taken = WaitReason::Nothing.to_string();
        assert_eq!(told("queued", Some(&taken), Some(1)), None);
        assert_eq!(told("running", None, None), None);
    }
}
