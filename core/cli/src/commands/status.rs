//! `status`: whether the hub is well, and which of its services run where.

use anyhow::Result;
use ironcore_api::wire;

use super::{Context, scheduler, silence};
use crate::args::Status;
use crate::exit::Exit;
use crate::output::{self, Form};

pub(super) async fn run(context: &Context, options: &Status) -> Result<Exit> {
    let status: wire::Status = context.client.get(&["status"], &[]).await?;
    let offline = without(&status, wire::ServiceState::Offline);
    let silent = without(&status, wire::ServiceState::Silent);
    if options.services {
        let rows = status.services.iter().map(|service| {
            vec![
                format!("ironcore-backup-{}", service.service),
                match service.state {
                    wire::ServiceState::Online => "online",
                    wire::ServiceState::Silent => "silent",
                    wire::ServiceState::Offline => "offline",
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
        let mut fields = vec![
            ("Hub", format!("{} ({})", status.hub.name, status.hub.id)),
            ("Version", status.hub.version.clone()),
            (
                "Certificate",
                status.certificate.as_ref().map_or_else(
                    || "-".to_owned(),
                    |shown| format!("{}, ends {}", shown.fingerprint, shown.ends),
                ),
            ),
            ("Scheduler", scheduler::told(&status)),
            ("Queued", status.queue_depth.to_string()),
            ("Running", status.running.to_string()),
        ];
        fields.extend(silence::told(&status.silences).map(|told| ("Silenced", told)));
        context.form.fields(&status, &fields)?;
    }
    for fault in status
        .template_faults
        .iter()
        .filter(|_| context.form != Form::Json)
    {
        output::complain(&format!(
            "template {fault}; the built-in one is used instead, where there is one"
        ));
    }
    if !offline.is_empty() && context.form != Form::Json {
        output::complain(&format!(
            "offline: {}; start a hub with these roles",
            offline.join(", ")
        ));
    }
    if !silent.is_empty() && context.form != Form::Json {
        output::complain(&format!(
            "silent: {}; the process is not heard of, and what it does is taken over in a moment",
            silent.join(", ")
        ));
    }
    Ok(match offline.is_empty() && silent.is_empty() {
        true => Exit::Ok,
        false => Exit::Failed,
    })
}

/// The services that nobody does, because all processes that should are in this state.
fn without(status: &wire::Status, state: wire::ServiceState) -> Vec<&str> {
    let online = |name: &str| {
        let mut same = status.services.iter().filter(|other| other.service == name);
        same.any(|other| other.state == wire::ServiceState::Online)
    };
    let names = status.services.iter().filter(|service| service.state == state);
    let mut names: Vec<&str> = names.map(|service| service.service.as_str()).collect();
    names.retain(|name| !online(name));
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_service_is_down_when_no_process_that_does_it_is_heard_of() {
        let line = |service: &str, state: &str| {
            json!({ "service": service, "state": state, "node": null, "pid": null, "session": null,
                "started": null, "types": [], "running": 0 })
        };
        let status = json!({
            "hub": { "id": "01970000-0000-7000-8000-000000000001", "name": "hub", "version": "1" },
            "time": "2026-05-21T01:00:00Z", "scheduler_paused": null, "queue_depth": 0, "running": 0,
            "services": [line("worker", "silent"), line("worker", "online"), line("gc", "silent"), line("gc", "silent"),
                line("sync", "offline"), line("api", "online")],
        });
        let status: wire::Status = serde_json::from_value(status).expect("a status");
        assert_eq!(without(&status, wire::ServiceState::Silent), ["gc"]);
        assert_eq!(without(&status, wire::ServiceState::Offline), ["sync"]);
    }
}
