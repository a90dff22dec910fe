//! `status`: whether the hub is well, and which of its services run where.

use anyhow::Result;
use ironcore_api::wire;

use super::Context;
use crate::args::Status;
use crate::exit::Exit;
use crate::output;

pub(super) async fn run(context: &Context, options: &Status) -> Result<Exit> {
    let status: wire::Status = context.client.get(&["status"], &[]).await?;
    let down = status
        .services
        .iter()
        .any(|service| service.state == wire::ServiceState::Offline);
    if options.services {
        let rows = status.services.iter().map(|service| {
            vec![
                format!("ironcore-backup-{}", service.service),
                if service.state == wire::ServiceState::Online {
                    "online"
                } else {
                    "offline"
                }
                .to_owned(),
                output::or_dash(service.node.as_ref()),
                output::time(service.started),
            ]
        });
        context
            .form
            .rows(&status, &["SERVICE", "STATE", "NODE", "SINCE"], rows)?;
    } else {
        let fields = [
            ("Hub", format!("{} ({})", status.hub.name, status.hub.id)),
            ("Version", status.hub.version.clone()),
            (
                "Scheduler",
                match status.scheduler_paused {
                    Some(since) => format!("paused since {}", output::time(Some(since))),
                    None => "running".to_owned(),
                },
            ),
            ("Queued", status.queue_depth.to_string()),
            ("Running", status.running.to_string()),
        ];
        context.form.fields(&status, &fields)?;
    }
    Ok(if down { Exit::Failed } else { Exit::Ok })
}
