//! `worker list`: who runs tasks, who was lost of late, and how many tasks wait.

use anyhow::Result;
use ironcore_api::wire;

use super::Context;
use crate::args::Worker;
use crate::exit::Exit;
use crate::output::{self, Form};
use crate::table::GivesWay;

/// Fails when no worker is heard of.
pub(super) async fn run(context: &Context, command: Worker) -> Result<Exit> {
    let Worker::List = command;
    let list: wire::WorkerList = context.client.get(&["workers"], &[]).await?;
    let rows = list.workers.iter().map(|worker| {
        vec![
            worker.node.to_string(),
            worker.pid.to_string(),
            match worker.state {
                wire::WorkerState::Online => "online",
                wire::WorkerState::Silent => "silent",
                wire::WorkerState::Lost => "lost",
            }
            .to_owned(),
            format!("{}/{}", worker.running, worker.slots),
            worker.services.join(", "),
            output::time(Some(worker.started)),
            output::time(worker.lost),
        ]
    });
    let head = ["NODE", "PID", "STATE", "RUNNING", "SERVICES", "SINCE", "LOST"];
    let order = [GivesWay::Under(4), GivesWay::Out(1)];
    context.form.listing(&list, &head, &order, rows)?;
    let online = list.workers.iter().any(|w| w.state == wire::WorkerState::Online);
    if context.form != Form::Json {
        output::note(&match list.queued {
            0 => "no task waits".to_owned(),
            1 => "1 task waits".to_owned(),
            count => format!("{count} tasks wait"),
        });
        if !online {
            output::complain("no worker is online: start a hub with a role that does tasks");
        }
    }
    Ok(if online { Exit::Ok } else { Exit::Failed })
}
