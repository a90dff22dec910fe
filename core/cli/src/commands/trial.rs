//! `notify test` and `notify preview`.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use ironcore_api::wire;
use ironcore_types::{ErrorCode, EventType, counted};

use super::Context;
use super::group::scope_of;
use super::message::printable;
use crate::args::{InProject, Preview, Target};
use crate::exit::{Coded, Exit};
use crate::output::{self, Form};
use crate::table::GivesWay;

pub(super) async fn test(
    context: &Context,
    target: Target,
    project: InProject,
    event_type: EventType,
) -> Result<Exit> {
    let scope = scope_of(context, project, &target.group).await?;
    let request = wire::TestRequest {
        project: scope.0,
        group: target.group.clone(),
        handler: target.handler,
        event_type: Some(event_type),
    };
    let path = ["notifications", "test"];
    let answer: wire::TestAnswer = context.client.post(&path, &[], &request).await?;
    let rows = answer.handlers.iter().map(|one| {
        let said = match (&one.receipt, &one.error) {
            (_, Some(error)) => format!("{} [{}]", error.message, error.code),
            (Some(receipt), None) => receipt.clone(),
            (None, None) => String::new(),
        };
        vec![
            format!("{}/{}", target.group, one.handler),
            one.plugin.to_string(),
            if one.delivered { "delivered" } else { "failed" }.to_owned(),
            output::or_dash(one.status.as_ref()),
            format!("{} ms", one.took_ms),
            said,
        ]
    });
    let head = ["HANDLER", "PLUGIN", "RESULT", "STATUS", "TOOK", "ANSWER"];
    let order = [GivesWay::Out(1), GivesWay::Under(5)];
    context.form.listing(&answer, &head, &order, rows)?;
    let failed = answer.handlers.iter().filter(|one| !one.delivered);
    let mut all_well = true;
    let faults = answer.handlers.iter().flat_map(|one| &one.templates);
    for fault in faults.filter(|_| context.form != Form::Json) {
        output::complain(&format!("template {fault}"));
    }
    for one in failed {
        all_well = false;
        if let Some(detail) = one.detail.as_ref().filter(|_| context.form != Form::Json) {
            output::note(&format!(
                "{}/{}:\n{}",
                target.group,
                one.handler,
                detail.trim_end()
            ));
        }
    }
    Ok(if all_well { Exit::Ok } else { Exit::Failed })
}

pub(super) async fn preview(context: &Context, options: Preview) -> Result<Exit> {
    let template = match &options.template {
        Some(file) => Some(wire::TemplateText {
            name: options.name,
            text: read(file)?,
        }),
        None => None,
    };
    let (project, group, handler) = match options.handler {
        None => (None, None, None),
        Some(handler) => {
            let Some(group) = handler.group else {
                return Err(Coded {
                    code: ErrorCode::RequestInvalid,
                    message: format!("say the group too: GROUP/{}", handler.handler),
                }
                .into());
            };
            let scope = scope_of(context, options.project, &group).await?;
            (scope.0, Some(group), Some(handler.handler))
        }
    };
    let request = wire::PreviewRequest {
        event: options.event,
        message: options.message,
        project,
        group,
        handler,
        template,
    };
    let path = ["notifications", "preview"];
    let answer: wire::PreviewAnswer = context.client.post(&path, &[], &request).await?;
    if context.form == Form::Json {
        output::say(&serde_json::to_string_pretty(&answer)?);
    } else {
        for made in &answer.made {
            output::say(&shown(made));
        }
        for fault in &answer.templates {
            output::complain(&format!("template {fault}"));
        }
        if let Some(problem) = &answer.problem {
            output::complain(&format!(
                "nothing would be sent: {} [{}]",
                problem.message, problem.code
            ));
        }
        for sent in &answer.sent {
            output::note(&sent_as(sent));
        }
    }
    Ok(match answer.problem {
        None => Exit::Ok,
        Some(_) => Exit::Failed,
    })
}

fn read(file: &Path) -> Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// What would be sent, as a person reads it.
fn shown(made: &wire::Made) -> String {
    match made {
        wire::Made::Http {
            method,
            url,
            headers,
            body,
        } => {
            let headers: Vec<String> = headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}\n"))
                .collect();
            format!("{method} {url}\n{}\n{}", headers.concat(), body.trim_end())
        }
        wire::Made::Mail {
            from,
            to,
            subject,
            text,
            html,
        } => {
            let html = match html {
                Some(html) => format!("\n\n--- HTML ---\n{}", html.trim_end()),
                None => String::new(),
            };
            format!(
                "From: {from}\nTo: {}\nSubject: {subject}\n\n{}{html}",
                to.join(", "),
                text.trim_end()
            )
        }
    }
}

/// What was really sent, in a few lines.
fn sent_as(sent: &wire::MessageDetail) -> String {
    let message = &sent.message;
    let mut lines = vec![format!(
        "really sent: message {} ({}, of {}), made {}",
        message.id,
        message.kind,
        counted(message.events, "event"),
        output::time(Some(message.created))
    )];
    for attempt in &sent.attempts {
        let status = attempt
            .status
            .map_or_else(String::new, |status| format!(", status {status}"));
        lines.push(format!(
            "  attempt {} {}: {}{status}",
            attempt.number,
            output::time(Some(attempt.started)),
            attempt.outcome
        ));
    }
    let exchanges = sent.attempts.iter().flat_map(|attempt| &attempt.exchanges);
    let newest = exchanges.rev().find(|exchange| exchange.sent.is_some());
    match newest.and_then(|exchange| exchange.sent.as_ref().zip(Some(&exchange.request))) {
        Some((what, request)) => {
            lines.push(format!("  {}", printable(request)));
            for header in &what.headers {
                lines.push(format!("  {}: {}", header.name, printable(&header.value)));
            }
            lines.push(String::new());
            lines.extend(what.body.lines().map(|line| format!("  {}", printable(line))));
            if what.truncated {
                lines.push("  (it was longer; no more of it is kept)".to_owned());
            }
        }
        None => lines.push("  what was sent is not kept, or is so no longer".to_owned()),
    }
    lines.join("\n")
}
