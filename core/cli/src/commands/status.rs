//! `status`: whether the hub is well, and which of its services run where.

use anyhow::Result;
use ironcore_api::wire;

use super::{Context, scheduler};
use crate::args::Status;
use crate::exit::Exit;
use crate::output::{self, Form};

pub(super) async fn run(context: &Context, options: &Status) -> Result<Exit> {
    let status: wire::Status = context.client.get(&["status"], &[]).await?;
    let offline: Vec<&str> = status
        .services
        .iter()
        .filter(|service| service.state == wire::ServiceState::Offline)
        .map(|service| service.service.as_str())
        .collect();
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
            ("Scheduler", scheduler::told(&status)),
            ("Queued", status.queue_depth.to_string()),
            ("Running", status.running.to_string()),
        ];
        context.form.fields(&status, &fields)?;
    }
    if !offline.is_empty() && context.form != Form::Json {
        output::complain(&format!(
            "offline: {}; start a hub with these roles",
            offline.join(", ")
        ));
    }
    Ok(if !offline.is_empty() {
        Exit::Failed
    } else {
        Exit::Ok
    })
}
