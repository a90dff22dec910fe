//! `notify explain`; testing and previewing is in `trial`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::clock_text::parse_time;

use super::{Context, trial};
use crate::args::{Explain, Notify};
use crate::exit::Exit;
use crate::output;
use crate::serve::seams;
use crate::table::GivesWay;

pub(super) async fn run(context: &Context, command: Notify) -> Result<Exit> {
    let options = match command {
        Notify::Explain(options) => options,
        Notify::Test {
            target,
            project,
            event_type,
        } => return trial::test(context, target, project, event_type).await,
        Notify::Preview(options) => return trial::preview(context, options).await,
    };
    let request = request(options)?;
    let path = ["notifications", "explain"];
    let answer: wire::ExplainAnswer = context.client.post(&path, &[], &request).await?;
    let rows = answer.handlers.iter().map(|one| {
        vec![
            match &one.project {
                Some(project) => format!("{project}/{}/{}", one.group, one.handler),
                None => format!("{}/{}", one.group, one.handler),
            },
            one.plugin.to_string(),
            if one.told { "yes" } else { "no" }.to_owned(),
            one.why.clone(),
        ]
    });
    let head = ["HANDLER", "PLUGIN", "TOLD", "WHY"];
    context
        .form
        .listing(&answer, &head, &[GivesWay::Out(1), GivesWay::Under(3)], rows)?;
    if answer.handlers.is_empty() {
        output::note("There is no handler in its project, nor of the hub. The inbox shows every event.");
    }
    Ok(Exit::Ok)
}

fn request(options: Explain) -> Result<wire::ExplainRequest> {
    if options.event.is_some() {
        return Ok(wire::ExplainRequest {
            event: options.event,
            made_up: None,
        });
    }
    let at = options
        .at
        .map(|text| parse_time(&text, seams::machine().now()))
        .transpose()?;
    Ok(wire::ExplainRequest {
        event: None,
        made_up: options.event_type.map(|event_type| wire::MadeUpEvent {
            event_type,
            project: options.project,
            severity: options.severity,
            code: options.code,
            job: options.job,
            datastore: options.datastore,
            task_type: options.task_type,
            at,
            before: options.before,
        }),
    })
}
