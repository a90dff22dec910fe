//! Following one task: its log as it grows, its progress, and how it ended.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use ironcore_api::wire;
use ironcore_types::Upid;

use super::{Context, outcome};
use crate::exit::Exit;
use crate::output::{self, Form};

/// Lines fetched at once.
const LINES: usize = 1000;
/// How often a waiting command looks.
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// Prints the log until the task has ended. The exit code tells how it ended.
pub(super) async fn follow(context: &Context, upid: &Upid) -> Result<Exit> {
    let mut after = 0;
    loop {
        let page = print_page(context, upid, after).await?;
        after = page.next;
        if page.done {
            return ended(context, upid).await.map(|(exit, _)| exit);
        }
        if page.lines.is_empty() && interrupted(LOOK_EVERY).await? {
            return Ok(Exit::Interrupted);
        }
    }
}

/// Prints the log as far as it is written.
pub(super) async fn log_so_far(context: &Context, upid: &Upid) -> Result<Exit> {
    let mut after = 0;
    loop {
        let page = print_page(context, upid, after).await?;
        if page.done || page.lines.len() < LINES {
            return Ok(Exit::Ok);
        }
        after = page.next;
    }
}

/// Prints the lines after a line: each one an object when JSON is asked for, so that a reader need not wait for the
/// end of the log.
async fn print_page(context: &Context, upid: &Upid, after: u64) -> Result<wire::LogPage> {
    let query = [("after", after.to_string()), ("limit", LINES.to_string())];
    let path = ["tasks", &upid.to_string(), "log"];
    let page: wire::LogPage = context.client.get(&path, &query).await?;
    for line in &page.lines {
        output::say(&match context.form {
            Form::Json => serde_json::to_string(line)?,
            Form::Table | Form::Plain => line.format_line(),
        });
    }
    Ok(page)
}

/// Waits until the task has ended, showing progress on a terminal. The exit code tells how it ended.
pub(super) async fn wait(context: &Context, upid: &Upid) -> Result<Exit> {
    let show = context.form != Form::Json && std::io::stderr().is_terminal();
    let bar = if show {
        ProgressBar::new(0)
    } else {
        ProgressBar::hidden()
    };
    let style = ProgressStyle::with_template(
        "{spinner} {prefix} {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec}",
    )
    .context("internal fault: the progress bar's template")?;
    bar.set_style(style);
    loop {
        let task: wire::Task = context.client.get(&["tasks", &upid.to_string()], &[]).await?;
        if task.state.is_final() {
            bar.finish_and_clear();
            let (exit, fields) = end_of(&task);
            context.form.fields(&task, &fields)?;
            return Ok(exit);
        }
        if let Some(stage) = task.progress.stages.last() {
            bar.set_prefix(stage.name.clone());
            bar.set_length(stage.bytes_total.unwrap_or(stage.bytes));
            bar.set_position(stage.bytes);
        }
        if interrupted(LOOK_EVERY).await? {
            bar.finish_and_clear();
            output::complain(&format!("no longer waiting; the task goes on: {upid}"));
            return Ok(Exit::Interrupted);
        }
    }
}

async fn ended(context: &Context, upid: &Upid) -> Result<(Exit, wire::Task)> {
    let task: wire::Task = context.client.get(&["tasks", &upid.to_string()], &[]).await?;
    Ok((end_of(&task).0, task))
}

fn end_of(task: &wire::Task) -> (Exit, Vec<(&'static str, String)>) {
    let mut fields = vec![
        ("UPID", task.upid.to_string()),
        ("Status", task.status.clone()),
        ("Bytes", format!("{} ({})", task.bytes, output::bytes(task.bytes))),
    ];
    if let (Some(started), Some(ended)) = (task.started, task.ended) {
        let micros = u64::try_from(ended.since(started).as_micros()).unwrap_or(u64::MAX);
        fields.push(("Duration", output::duration(micros)));
    }
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
    (
        Exit::of_task(
            task.task_type,
            task.state,
            task.error.as_ref().map(|error| error.code),
        ),
        fields,
    )
}

/// Pauses; true when the user pressed the interrupt key meanwhile.
async fn interrupted(pause: Duration) -> Result<bool> {
    tokio::select! {
        signal = tokio::signal::ctrl_c() => signal.map(|()| true).context("cannot listen for the interrupt key"),
        () = tokio::time::sleep(pause) => Ok(false),
    }
}
