//! `task list`, `show`, `log`, `cancel`, `wait`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::{TaskState, TaskType, Timestamp, Upid};

use super::watch::{retried, took};
use super::{Context, outcome, page, stages, unknown, watch};
use crate::args::{Task, TaskList, joined};
use crate::exit::Exit;
use crate::output::{self, Form};
use crate::table::GivesWay;

/// The columns of `task list`.
const HEAD: [&str; 8] = [
    "TIME",
    "END",
    "USER",
    "TYPE",
    "SOURCE / TARGET",
    "STATUS",
    "BYTES",
    "UPID",
];

/// How they give way: at 80 columns all of them are there still.
const ORDER: [GivesWay; 6] = [
    GivesWay::Id(7),
    GivesWay::Under(4),
    GivesWay::Short(1, short_end),
    GivesWay::Short(0, |row| {
        row.first().map_or_else(String::new, |time| to_the_minute(time))
    }),
    GivesWay::Cut(2, 7),
    GivesWay::Out(1),
];

pub(super) async fn run(context: &Context, command: Task) -> Result<Exit> {
    match command {
        Task::List(filter) => list(context, filter).await,
        Task::Show { upid } => show(context, &upid).await,
        Task::Log {
            upid,
            follow: true,
            after,
        } => watch::follow(context, &upid, after).await,
        Task::Log { upid, after, .. } if after > 0 || context.form == Form::Json => {
            watch::log_so_far(context, &upid, after).await
        }
        Task::Log { upid, .. } => print_log(context, &upid).await,
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
    let answer: wire::TaskList = page::pages(context, &["tasks"], &query, &filter.paging).await?;
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
    form.listing(&answer, &HEAD, &ORDER, rows)?;
    page::tell_more(context, &answer);
    if answer.tasks.is_empty() {
        unknown::tell(context, filter.project.as_ref(), filter.job.as_ref()).await?;
    }
    Ok(Exit::Ok)
}

/// `2026-05-21T00:12Z` for a time of a table; all else as it is.
pub(super) fn to_the_minute(cell: &str) -> String {
    match cell.parse::<Timestamp>() {
        Ok(_) => cell
            .get(..16)
            .map_or_else(|| cell.to_owned(), |minute| format!("{minute}Z")),
        Err(_) => cell.to_owned(),
    }
}

/// When a task ended, in a row that begins with when it began: `00:12Z` of the same day, `05-22T00:12Z` of another.
fn short_end(row: &[String]) -> String {
    let [began, end, ..] = row else {
        return String::new();
    };
    let end = to_the_minute(end);
    let same = began.get(..11).and_then(|day| end.strip_prefix(day));
    let year = began.get(..5).and_then(|year| end.strip_prefix(year));
    same.or(year).unwrap_or(&end).to_owned()
}

async fn show(context: &Context, upid: &Upid) -> Result<Exit> {
    let path = ["tasks", &upid.to_string()];
    let (task, now): (wire::Task, _) = context.client.get_dated(&path, &[]).await?;
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
    fields.extend(cancelled_by(&task));
    fields.extend(task.waiting.clone().map(|waiting| ("Waiting", waiting)));
    let position = task.queue_position.filter(|_| task.state == TaskState::Queued);
    fields.extend(position.map(|position| ("Queue position", position.to_string())));
    fields.extend(took(&task).map(|micros| ("Duration", output::duration(micros))));
    fields.extend(task.node.as_ref().map(|node| ("Worker", node.to_string())));
    if let Some(retry_of) = &task.retry_of {
        fields.push(("Attempt", task.attempt.to_string()));
        fields.push(("Retry of", retry_of.to_string()));
    }
    fields.extend(retried(&task));
    fields.extend(stages::lines(&task, now));
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

/// Who cancelled it, or wanted to.
fn cancelled_by(task: &wire::Task) -> Option<(&'static str, String)> {
    let by = task.cancelled_by.as_ref()?.to_string();
    let name = match task.state {
        TaskState::Cancelled => "Cancelled by",
        _ => "Cancel asked by",
    };
    Some((name, by))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_as_short_as_can_be_understood() {
        let said = |end: &str| short_end(&["2026-12-31T23:50:07Z".to_owned(), end.to_owned()]);
        assert_eq!(said("2026-12-31T23:58:10Z"), "23:58Z");
        assert_eq!(said("2027-01-01T00:10:00Z"), "2027-01-01T00:10Z");
        assert_eq!(said("running"), "running");
        assert_eq!(said("-"), "-");
        let other = short_end(&[
            "2026-05-21T23:50:07Z".to_owned(),
            "2026-05-22T00:10:00Z".to_owned(),
        ]);
        assert_eq!(other, "05-22T00:10Z");
    }

    #[test]
    fn eighty_columns_have_room_for_all_that_the_page_names() {
        let long = [
            "2026-05-21T23:50:07Z",
            "2026-05-22T00:10:00Z",
            "alice@ldap!laptop-of-alice",
            "restore",
            "ibs-primary:vm/12345/2026-05-21T00:00:00Z → /srv/restored",
            "CANCELLED",
            "1000.00 MiB",
            "UPID:vm:000060FA:001682B6:00000001:6B04F769:restore:ibs\\x2dprimary:alice@ldap!laptop-of-alice:",
        ]
        .map(str::to_owned);
        let text = crate::table::draw(&HEAD, &[long.to_vec()], &ORDER, Some(80));
        let lines: Vec<&str> = text.lines().collect();
        for head in ["TIME", "END", "USER", "TYPE", "STATUS", "BYTES"] {
            assert!(lines[1].contains(head), "{head}: {text}");
        }
        for cell in [
            "2026-05-21T23:50Z",
            "05-22T00:10Z",
            "alice@…",
            "CANCELLED",
            "1000.00 MiB",
        ] {
            assert!(lines[3].contains(&format!(" {cell} ")), "{cell}: {text}");
        }
        assert!(
            lines[4].ends_with("/srv/restored") && lines[5].starts_with(" UPID:"),
            "{text}"
        );
        let wide = |line: &&&str| line.chars().count() > 80;
        assert_eq!(lines.iter().filter(wide).count(), 1, "but for the UPID: {text}");
    }
}
