//! `scheduler pause`, `resume` and `status`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::Timestamp;
use serde::Serialize;

use super::Context;
use crate::args::Scheduler;
use crate::exit::Exit;
use crate::output;

/// The scheduler as `--output json` shows it.
#[derive(Debug, Serialize)]
struct State {
    paused: bool,
    /// Since when; null while it is not paused.
    since: Option<Timestamp>,
    /// The machines on which it runs.
    nodes: Vec<String>,
}

pub(super) async fn run(context: &Context, command: Scheduler) -> Result<Exit> {
    let verb = match command {
        Scheduler::Pause => Some("pause"),
        Scheduler::Resume => Some("resume"),
        Scheduler::Status => None,
    };
    if let Some(verb) = verb {
        let path = ["scheduler", verb];
        let _: wire::SchedulerState = context.client.post(&path, &[], &serde_json::json!({})).await?;
    }
    let status: wire::Status = context.client.get(&["status"], &[]).await?;
    let state = State {
        paused: status.scheduler_paused.is_some(),
        since: status.scheduler_paused,
        nodes: online(&status)
            .filter_map(|service| service.node.as_ref().map(ToString::to_string))
            .collect(),
    };
    let offline = state.nodes.is_empty();
    let fields = [
        ("Scheduler", told(&status)),
        (
            "Nodes",
            if offline {
                "-".to_owned()
            } else {
                state.nodes.join(", ")
            },
        ),
    ];
    context.form.fields(&state, &fields)?;
    Ok(if offline && verb.is_none() {
        Exit::Failed
    } else {
        Exit::Ok
    })
}

fn online(status: &wire::Status) -> impl Iterator<Item = &wire::Service> {
    status
        .services
        .iter()
        .filter(|service| service.service == "scheduler" && service.state == wire::ServiceState::Online)
}

/// Whether jobs start by themselves, and why not.
pub(super) fn told(status: &wire::Status) -> String {
    match status.scheduler_paused {
        Some(since) => format!(
            "paused since {}: no job starts by itself",
            output::time(Some(since))
        ),
        None if online(status).next().is_none() => "offline: no job starts by itself".to_owned(),
        None => "running".to_owned(),
    }
}
