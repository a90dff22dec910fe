//! `silence add`, `list`, `show` and `end`; `maintenance list` and `remove`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::Timestamp;
use ironcore_types::clock_text::parse_time;
use ironcore_types::notification::{GroupScope, Matchers, NamePattern};

use super::{Context, only_one, removal};
use crate::args::{AddSilence, Maintenance, Silence};
use crate::exit::Exit;
use crate::output;
use crate::serve::seams;
use crate::table::GivesWay;

pub(super) async fn run(context: &Context, command: Silence) -> Result<Exit> {
    let silence: wire::Silence = match command {
        Silence::List { project, over } => return list(context, project, over).await,
        Silence::Add(options) => {
            let request = request(options)?;
            context.client.post(&["silences"], &[], &request).await?
        }
        Silence::Show { id } => context.client.get(&["silences", &id.to_string()], &[]).await?,
        Silence::End { id } => {
            let path = ["silences", &id.to_string(), "end"];
            context.client.post(&path, &[], &serde_json::json!({})).await?
        }
    };
    let mut fields = vec![
        ("Silence", silence.id.to_string()),
        ("State", state(silence.state).to_owned()),
        ("Of", of(silence.project.as_ref())),
        ("About", about(&silence.when)),
        ("From", output::time(Some(silence.from))),
        ("Until", output::time(Some(silence.until))),
        ("Comment", silence.comment.clone()),
        ("Made", by(silence.created, &silence.by)),
    ];
    if let Some((ended, user)) = silence.ended.zip(silence.ended_by.as_ref()) {
        fields.push(("Ended", by(ended, user)));
    }
    context.form.fields(&silence, &fields)?;
    Ok(Exit::Ok)
}

pub(super) async fn maintenance(context: &Context, command: Maintenance) -> Result<Exit> {
    match command {
        Maintenance::List { project } => {
            let query: Vec<(&str, String)> = project
                .into_iter()
                .map(|name| ("project", name.to_string()))
                .collect();
            let answer: wire::MaintenanceList = context.client.get(&["maintenance"], &query).await?;
            let rows = answer.maintenance.iter().map(|view| {
                vec![
                    of(view.window.project.as_ref()),
                    view.window.name.to_string(),
                    view.window.from.clone(),
                    view.window.lasts.to_string(),
                    about(&view.window.when),
                    output::time(view.until),
                    output::time(view.next),
                ]
            });
            let head = ["OF", "WINDOW", "FROM", "LASTS", "ABOUT", "NOW UNTIL", "NEXT"];
            context
                .form
                .listing(&answer, &head, &[GivesWay::Under(4)], rows)?;
            Ok(Exit::Ok)
        }
        Maintenance::Remove { name, project, sure } => {
            removal::must_be_sure(sure)?;
            let scope = match project.project {
                Some(project) => GroupScope(Some(project)),
                None => {
                    let answer: wire::MaintenanceList = context.client.get(&["maintenance"], &[]).await?;
                    let found = answer
                        .maintenance
                        .into_iter()
                        .filter(|view| view.window.name == name);
                    let scopes = found.map(|view| GroupScope(view.window.project));
                    only_one("maintenance window", name.as_str(), scopes)?
                }
            };
            let object = match &scope.0 {
                Some(project) => format!("maintenance/{project}/{name}"),
                None => format!("maintenance/{name}"),
            };
            let path = ["maintenance", &scope.to_string(), name.as_str()];
            let stays = "what it silences now is told if it still lasts";
            removal::remove(context, sure, &object, &path, stays).await
        }
    }
}

fn request(options: AddSilence) -> Result<wire::CreateSilence> {
    let now = seams::machine().now();
    let time = |text: Option<String>| text.map(|text| parse_time(&text, now)).transpose();
    Ok(wire::CreateSilence {
        project: options.project,
        when: Matchers {
            events: options.types,
            min_severity: options.min_severity,
            max_severity: options.max_severity,
            jobs: options.job,
            datastores: options.datastore,
        },
        from: time(options.from)?,
        until: time(options.until)?,
        lasts: options.lasts,
        comment: options.comment,
        long: options.long,
        all: options.all,
    })
}

async fn list(context: &Context, project: Option<ironcore_types::ProjectName>, over: bool) -> Result<Exit> {
    let mut query: Vec<(&str, String)> = Vec::new();
    query.extend(project.map(|project| ("project", project.to_string())));
    if over {
        query.push(("over", "true".to_owned()));
    }
    let answer: wire::SilenceList = context.client.get(&["silences"], &query).await?;
    let silences = answer.silences.iter().map(|silence| {
        vec![
            of(silence.project.as_ref()),
            state(silence.state).to_owned(),
            output::time(Some(silence.from)),
            output::time(Some(silence.ended.unwrap_or(silence.until))),
            about(&silence.when),
            silence.comment.clone(),
            silence.id.to_string(),
        ]
    });
    let windows = answer.windows.iter().map(|view| {
        vec![
            of(view.window.project.as_ref()),
            "active".to_owned(),
            "-".to_owned(),
            output::time(view.until),
            about(&view.window.when),
            output::or_dash(view.window.comment.as_ref()),
            view.window.silencer().to_string(),
        ]
    });
    let head = ["OF", "STATE", "FROM", "UNTIL", "ABOUT", "COMMENT", "SILENCE"];
    let order = [GivesWay::Id(6), GivesWay::Out(2), GivesWay::Under(5)];
    context
        .form
        .listing(&answer, &head, &order, silences.chain(windows))?;
    Ok(Exit::Ok)
}

/// Whose groups are quiet.
fn of(project: Option<&ironcore_types::ProjectName>) -> String {
    project.map_or_else(|| "the hub".to_owned(), |project| format!("project {project}"))
}

fn by(at: Timestamp, user: &ironcore_types::UserId) -> String {
    format!("{} by {user}", output::time(Some(at)))
}

fn state(state: wire::SilenceState) -> &'static str {
    match state {
        wire::SilenceState::Pending => "pending",
        wire::SilenceState::Active => "active",
        wire::SilenceState::Expired => "expired",
        wire::SilenceState::Ended => "ended",
    }
}

/// Which events, in a line.
fn about(when: &Matchers) -> String {
    let mut parts = Vec::new();
    let listed = |what: &str, patterns: &[NamePattern]| {
        let names: Vec<&str> = patterns.iter().map(NamePattern::as_str).collect();
        (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
    };
    if !when.events.is_empty() {
        let types: Vec<&str> = when
            .events
            .iter()
            .map(|event| event.as_str().trim_start_matches("ironcore."))
            .collect();
        parts.push(types.join(", "));
    }
    parts.extend(when.min_severity.map(|severity| format!("{severity} or more")));
    parts.extend(when.max_severity.map(|severity| format!("{severity} or less")));
    parts.extend(listed("job", &when.jobs));
    parts.extend(listed("datastore", &when.datastores));
    match parts.is_empty() {
        true => "everything".to_owned(),
        false => parts.join("; "),
    }
}

/// What silences now, as `status` says it; none for nothing.
pub(super) fn told(active: &[wire::ActiveSilence]) -> Option<String> {
    let one = |silence: &wire::ActiveSilence| {
        format!(
            "{} of {} until {}",
            silence.by,
            of(silence.project.as_ref()),
            output::time(Some(silence.until))
        )
    };
    let told: Vec<String> = active.iter().map(one).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_silence_is_about_is_one_line() {
        assert_eq!(about(&Matchers::default()), "everything");
        let when: Matchers = serde_json::from_str(
            r#"{"events": ["task.failed", "job.missed"], "max-severity": "warning", "jobs": ["/^db-/", "files"]}"#,
        )
        .expect("matchers");
        assert_eq!(
            about(&when),
            "task.failed, job.missed; warning or less; job /^db-/, files"
        );
    }
}
