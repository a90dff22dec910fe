//! `task list`, `show`, `log`, `cancel`, `wait`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::{TaskState, TaskType, Upid};

use super::watch::took;
use super::{Context, outcome, page, stages, unknown, watch};
use crate::args::{Task, TaskList, joined};
use crate::exit::Exit;
use crate::output::{self, Form};
use crate::serve::seams;
use crate::table::GivesWay;

pub(super) async fn run(context: &Context, command: Task) -> Result<Exit> {
    match command {
        Task::List(filter) => list(context, filter).await,
        Task::Show { upid } => show(context, &upid).await,
        Task::Log { upid, follow: false } if context.form == Form::Json => {
            watch::log_so_far(context, &upid).await
        }
        Task::Log { upid, follow: false } => print_log(context, &upid).await,
        Task::Log { upid, follow: true } => watch::follow(context, &upid).await,
        Task::Cancel { upid } => cancel(context, &upid).await,
        Task::Wait { upid } => watch::wait(context, &upid).await,
    }
}

async fn list(context: &Context, filter: TaskList) -> Result<Exit> {
    let mut query: Vec<(&str, String)> = Vec::new();
    let mut add = |name: &'static str, value: Option<String>| {
        if let Some(value) = value {
            query.push((name, value));
        }
    };
    add("since", filter.since);
    add("until", filter.until);
    add("type", joined(&filter.types, TaskType::as_str));
    add("status", joined(&filter.status, TaskState::as_str));
    add("user", filter.user.map(String::from));
    add("project", filter.project.clone().map(String::from));
    add("job", filter.job.clone().map(String::from));
    add("source", filter.source);
    add("target", filter.target);
    add("text", filter.text);
    let answer: wire::TaskList = page::pages(context, &["tasks"], &query, Some(filter.limit)).await?;
    let form = context.form;
    let rows = answer.tasks.iter().map(|task| {
        vec![
            output::time(task.started.or(Some(task.queued))),
            if task.state.is_final() {
                output::time(task.ended)
            } else {
                task.status.clone()
            },
            task.user.to_string(),
            task.task_type.to_string(),
            match (&task.source, &task.target) {
                (Some(source), Some(target)) => format!("{source} → {target}"),
                (one, other) => output::or_dash(one.as_ref().or(other.as_ref())),
            },
            task.status.clone(),
            if form == Form::Plain {
                task.bytes.to_string()
            } else {
                output::bytes(task.bytes)
            },
            task.upid.to_string(),
        ]
    });
    let head = [
        "TIME",
        "END",
        "USER",
        "TYPE",
        "SOURCE / TARGET",
        "STATUS",
        "BYTES",
        "UPID",
    ];
    let order = [GivesWay::Id(7), GivesWay::Under(4), GivesWay::Out(1)];
    form.listing(&answer, &head, &order, rows)?;
    page::tell_more(context, &answer);
    if answer.tasks.is_empty() {
        unknown::tell(context, filter.project.as_ref(), filter.job.as_ref()).await?;
    }
    Ok(Exit::Ok)
}

async fn show(context: &Context, upid: &Upid) -> Result<Exit> {
    let task: wire::Task = context.client.get(&["tasks", &upid.to_string()], &[]).await?;
    let mut fields = vec![
        ("UPID", task.upid.to_string()),
        ("Type", task.task_type.to_string()),
        ("Status", task.status.clone()),
        ("Project", output::or_dash(task.project.as_ref())),
        ("Job", output::or_dash(task.job.as_ref())),
        ("User", task.user.to_string()),
        ("Source", output::or_dash(task.source.as_ref())),
        ("Target", output::or_dash(task.target.as_ref())),
        ("Enqueued", output::time(Some(task.queued))),
        ("Started", output::time(task.started)),
        ("Ended", output::time(task.ended)),
        ("Bytes", format!("{} ({})", task.bytes, output::bytes(task.bytes))),
    ];
    fields.extend(outcome::snapshots(&task));
    fields.extend(task.waiting.clone().map(|waiting| ("Waiting", waiting)));
    let position = task.queue_position.filter(|_| task.state == TaskState::Queued);
    fields.extend(position.map(|position| ("Queue position", position.to_string())));
    fields.extend(took(&task).map(|micros| ("Duration", output::duration(micros))));
    if let Some(retry_of) = &task.retry_of {
        fields.push(("Retry of", retry_of.to_string()));
    }
    fields.extend(stages::lines(&task, seams::machine().now()));
    if let Some(error) = &task.error {
        fields.push(("Error", format!("{} [{}]", error.message, error.code)));
    }
    for warning in &task.warnings {
        let path = warning.path.as_deref().unwrap_or("-");
        fields.push((
            "Warning",
            format!("{path}: {} [{}]", warning.message, warning.code),
        ));
    }
    for tip in &task.tips {
        fields.push(("Tip", tip.title.clone()));
        fields.push(("", tip.why.clone()));
        fields.extend(
            tip.steps
                .iter()
                .enumerate()
                .map(|(n, step)| ("", format!("{}. {step}", n + 1))),
        );
    }
    context.form.fields(&task, &fields)?;
    Ok(Exit::Ok)
}

async fn print_log(context: &Context, upid: &Upid) -> Result<Exit> {
    let mut response = context
        .client
        .stream(&["tasks", &upid.to_string(), "log.txt"])
        .await?;
    while let Some(chunk) = response.chunk().await? {
        output::say_bytes(&chunk);
    }
    Ok(Exit::Ok)
}

async fn cancel(context: &Context, upid: &Upid) -> Result<Exit> {
    let path = ["tasks", &upid.to_string(), "cancel"];
    let answer: wire::CancelAnswer = context.client.post(&path, &[], &serde_json::json!({})).await?;
    let (text, exit) = match answer.outcome {
        wire::CancelOutcome::Cancelled => ("cancelled before it ran", Exit::Ok),
        wire::CancelOutcome::Requested => ("its worker was asked to stop it", Exit::Ok),
        wire::CancelOutcome::AlreadyOver => ("it is over already", Exit::Failed),
    };
    context.form.fields(
        &answer,
        &[("UPID", answer.upid.to_string()), ("Outcome", text.to_owned())],
    )?;
    Ok(exit)
}
