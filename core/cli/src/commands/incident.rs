//! `incident list`, `show`, `acknowledge`, `close`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_ledger::model::IncidentState;
use ironcore_types::{ErrorCode, IncidentId};

use super::{Context, page};
use crate::args::{Incident, IncidentArg, joined};
use crate::exit::{Coded, Exit};
use crate::output;
use crate::table::GivesWay;

pub(super) async fn run(context: &Context, command: Incident) -> Result<Exit> {
    match command {
        Incident::List {
            state,
            all,
            project,
            paging,
        } => {
            let mut query: Vec<(&str, String)> = Vec::new();
            if !all {
                query.extend(joined(&state, IncidentState::as_str).map(|states| ("state", states)));
            }
            query.extend(project.map(|project| ("project", project.to_string())));
            let answer: wire::IncidentList = page::pages(context, &["incidents"], &query, &paging).await?;
            let rows = answer.incidents.iter().map(|incident| {
                vec![
                    incident.number.to_string(),
                    output::time(Some(incident.opened)),
                    state_of(incident),
                    whose(incident),
                    incident.severity.to_string(),
                    incident.events.to_string(),
                    format!("{} of {}", incident.failing, incident.affected),
                    incident.title.clone(),
                ]
            });
            let head = [
                "NUMBER", "OPENED", "STATE", "PROJECT", "SEVERITY", "EVENTS", "FAILING", "TITLE",
            ];
            let order = [
                GivesWay::Out(4),
                GivesWay::Out(5),
                GivesWay::Out(3),
                GivesWay::Under(7),
            ];
            context.form.listing(&answer, &head, &order, rows)?;
            page::tell_more(context, &answer);
            if answer.incidents.is_empty() && !all {
                output::note(
                    "Nothing is wrong that anybody knows of. `incident list --all` shows what is over.",
                );
            }
        }
        Incident::Show { incident } => {
            let id = id_of(context, incident).await?;
            let path = ["incidents", &id.to_string()];
            let detail: wire::IncidentDetail = context.client.get(&path, &[]).await?;
            context.form.fields(&detail, &fields(&detail))?;
        }
        Incident::Acknowledge { incident, comment } => {
            let id = id_of(context, incident).await?;
            let path = ["incidents", &id.to_string(), "acknowledge"];
            let request = wire::AcknowledgeRequest { comment };
            let answer: wire::Incident = context.client.post(&path, &[], &request).await?;
            let mut fields = vec![("Incident", format!("{}: {}", answer.number, answer.title))];
            fields.extend(acknowledged(&answer));
            context.form.fields(&answer, &fields)?;
        }
        Incident::Close { incident, comment } => {
            let id = id_of(context, incident).await?;
            let path = ["incidents", &id.to_string(), "close"];
            let request = wire::CloseRequest { comment };
            let answer: wire::Incident = context.client.post(&path, &[], &request).await?;
            let mut fields = vec![("Incident", format!("{}: {}", answer.number, answer.title))];
            fields.extend(ended(&answer));
            context.form.fields(&answer, &fields)?;
        }
    }
    Ok(Exit::Ok)
}

/// The id of an incident that is named by its number.
async fn id_of(context: &Context, incident: IncidentArg) -> Result<IncidentId> {
    let number = match incident {
        IncidentArg::Id(id) => return Ok(id),
        IncidentArg::Number(number) => number,
    };
    // A page begins below its cursor.
    let query = [
        ("cursor", number.saturating_add(1).to_string()),
        ("limit", "1".to_owned()),
    ];
    let answer: wire::IncidentList = context.client.get(&["incidents"], &query).await?;
    let found = answer
        .incidents
        .first()
        .filter(|incident| incident.number == number);
    let missing = || Coded {
        code: ErrorCode::NotFound,
        message: format!("there is no incident {number}"),
    };
    Ok(found.ok_or_else(missing)?.id)
}

fn fields(detail: &wire::IncidentDetail) -> Vec<(&'static str, String)> {
    let incident = &detail.incident;
    let mut fields = vec![
        ("Incident", format!("{} ({})", incident.number, incident.id)),
        ("Title", incident.title.clone()),
        ("State", state_of(incident)),
        ("Project", whose(incident)),
        ("Severity", incident.severity.to_string()),
        ("Cause", incident.cause.clone()),
        ("Opened", output::time(Some(incident.opened))),
        ("Last seen", output::time(Some(incident.last_seen))),
    ];
    fields.extend(ended(incident));
    fields.extend(acknowledged(incident));
    fields.push(("Events", incident.events.to_string()));
    fields.push((
        "Failing",
        format!("{} of {}", incident.failing, incident.affected),
    ));
    fields.extend(detail.members.iter().map(|member| {
        let now = if member.failing {
            "still failing"
        } else {
            "well again"
        };
        (
            "Affected",
            format!("{}, {}, {now}", member.member, often(member.failures)),
        )
    }));
    fields.extend(detail.events.iter().map(|listed| {
        let event = &listed.event;
        let told = event.event_type.as_str().trim_start_matches("ironcore.");
        let text = format!("{} {told}: {}", output::time(Some(event.time)), event.data.title);
        ("Event", text)
    }));
    fields.extend(detail.notices.iter().map(|notice| {
        let mut text = match &notice.project {
            Some(project) => format!("{project}/{}/{}", notice.group, notice.handler),
            None => format!("{}/{}", notice.group, notice.handler),
        };
        text.push_str(&match notice.last {
            Some(last) => format!(
                ", told {}, last {}",
                often(notice.told.into()),
                output::time(Some(last))
            ),
            None => ", not told yet".to_owned(),
        });
        if let Some(at) = notice.escalated {
            text.push_str(&format!(", escalated {}", output::time(Some(at))));
        }
        if let Some(at) = notice.next {
            text.push_str(&format!(", next {}", output::time(Some(at))));
        }
        ("Handler", text)
    }));
    fields
}

fn acknowledged(incident: &wire::Incident) -> Option<(&'static str, String)> {
    let by = incident.acknowledged.as_ref()?;
    let comment = by
        .comment
        .as_deref()
        .map_or_else(String::new, |text| format!(": {text}"));
    let text = format!("{} by {}{comment}", output::time(Some(by.at)), by.by);
    Some(("Acknowledged", text))
}

/// When it was over, and how that came.
fn ended(incident: &wire::Incident) -> Option<(&'static str, String)> {
    let at = output::time(Some(incident.ended?));
    let how = match (incident.ending, &incident.closed) {
        (_, Some(closing)) => {
            let comment = closing.comment.as_deref();
            let comment = comment.map_or_else(String::new, |text| format!(": {text}"));
            format!(", closed by {}{comment}", closing.by)
        }
        (Some(wire::IncidentEnding::Recovered), None) => ", all that failed works again".to_owned(),
        (Some(wire::IncidentEnding::Moved), None) => ", what failed fails for another reason now".to_owned(),
        (Some(wire::IncidentEnding::Removed), None) => ", what failed was removed".to_owned(),
        (Some(wire::IncidentEnding::Closed) | None, None) => String::new(),
    };
    Some(("Ended", format!("{at}{how}")))
}

fn whose(incident: &wire::Incident) -> String {
    incident
        .project
        .as_ref()
        .map_or_else(|| "-".to_owned(), ToString::to_string)
}

fn state_of(incident: &wire::Incident) -> String {
    match incident.state {
        wire::IncidentState::Open => "open",
        wire::IncidentState::Acknowledged => "acknowledged",
        wire::IncidentState::Ended => "ended",
    }
    .to_owned()
}

/// How often something happened.
fn often(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}
