//! The commands of the inbox: list, show, read, unread, count, mute, unmute, mutes, act.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::{EventType, Severity};

use super::{Context, page};
use crate::args::{Inbox, InboxList, joined};
use crate::exit::Exit;
use crate::output;
use crate::serve::seams;
use crate::table::GivesWay;

pub(super) async fn run(context: &Context, command: Inbox) -> Result<Exit> {
    match command {
        Inbox::List(wanted) => list(context, &wanted).await?,
        Inbox::Show { seq } => show(context, seq).await?,
        Inbox::Read {
            seqs,
            until: None,
            all: false,
        } => mark(context, seqs, true).await?,
        Inbox::Read { until, .. } => {
            let until = match until {
                Some(until) => until,
                None => newest(context).await?,
            };
            let query = [("until", until.to_string())];
            let answer: wire::Marked = context
                .client
                .post(&["inbox", "read"], &query, &serde_json::json!({}))
                .await?;
            told(context, answer)?;
        }
        Inbox::Unread { seqs } => mark(context, seqs, false).await?,
        Inbox::Count => {
            let counts: wire::InboxCounts = context.client.get(&["inbox", "counts"], &[]).await?;
            let plus = if counts.unread_capped { "+" } else { "" };
            let fields = [
                ("Unread", format!("{}{plus}", counts.unread)),
                ("Errors", counts.error.to_string()),
                ("Warnings", counts.warning.to_string()),
                ("Notices", counts.notice.to_string()),
                ("Info", counts.info.to_string()),
            ];
            context.form.fields(&counts, &fields)?;
        }
        Inbox::Mute {
            event_type,
            job,
            datastore,
            min_severity,
            span,
        } => {
            let rule = wire::MuteRule {
                event_type,
                job,
                datastore,
                min_severity,
                until: span.map(|span| seams::machine().now().after(span.duration())),
            };
            let mute: wire::Mute = context.client.post(&["inbox", "mutes"], &[], &rule).await?;
            let fields = [("Mute", mute.number.to_string()), ("What", what(&mute.rule))];
            context.form.fields(&mute, &fields)?;
        }
        Inbox::Unmute { number } => {
            context
                .client
                .delete(&["inbox", "mutes", &number.to_string()])
                .await?;
            let answer = serde_json::json!({ "number": number });
            context
                .form
                .fields(&answer, &[("Counts again", format!("what mute {number} muted"))])?;
        }
        Inbox::Mutes => {
            let answer: wire::MuteList = context.client.get(&["inbox", "mutes"], &[]).await?;
            let rows = answer.mutes.iter().map(|mute| {
                vec![
                    mute.number.to_string(),
                    what(&mute.rule),
                    mute.rule
                        .until
                        .map_or_else(|| "for ever".to_owned(), |until| output::time(Some(until))),
                    output::time(Some(mute.created)),
                ]
            });
            let head = ["MUTE", "WHAT", "UNTIL", "MADE"];
            context.form.rows(&answer, &head, rows)?;
        }
        Inbox::Act { seq, kind, target } => act(context, seq, wire::UseButton { kind, target }).await?,
    }
    Ok(Exit::Ok)
}

async fn list(context: &Context, wanted: &InboxList) -> Result<()> {
    let answer: wire::Inbox = page::pages(context, &["inbox"], &query(wanted), &wanted.paging).await?;
    let rows = answer.entries.iter().map(|entry| {
        vec![
            entry.seq.to_string(),
            output::time(Some(entry.event.time)),
            entry.severity.to_string(),
            entry.title.clone(),
            output::or_dash(entry.acknowledged.as_ref().map(|taken| &taken.user)),
            match (entry.muted, entry.read, entry.silenced.is_empty()) {
                (true, _, true) => "muted",
                (true, _, false) => "muted, silenced",
                (false, true, true) => "",
                (false, true, false) => "silenced",
                (false, false, true) => "new",
                (false, false, false) => "new, silenced",
            }
            .to_owned(),
        ]
    });
    let head = ["SEQ", "TIME", "SEVERITY", "TITLE", "ACKNOWLEDGED BY", ""];
    context
        .form
        .listing(&answer, &head, &[GivesWay::Named(3)], rows)?;
    page::tell_more(context, &answer);
    Ok(())
}

fn query(wanted: &InboxList) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    query.extend(wanted.unread.then(|| ("unread", "true".to_owned())));
    query.extend(wanted.muted.then(|| ("muted", "true".to_owned())));
    let acknowledged = match (wanted.acknowledged, wanted.unacknowledged) {
        (true, _) => Some("true"),
        (_, true) => Some("false"),
        _ => None,
    };
    query.extend(acknowledged.map(|word| ("acknowledged", word.to_owned())));
    query.extend(joined(&wanted.types, EventType::as_str).map(|types| ("type", types)));
    let least = wanted.min_severity.map(Severity::as_str);
    query.extend(least.map(|word| ("min_severity", word.to_owned())));
    query.extend(wanted.project.as_ref().map(|name| ("project", name.to_string())));
    query.extend(wanted.job.as_ref().map(|name| ("job", name.to_string())));
    query.extend(
        wanted
            .datastore
            .as_ref()
            .map(|name| ("datastore", name.to_string())),
    );
    query.extend(wanted.since.clone().map(|since| ("since", since)));
    query.extend(wanted.until.clone().map(|until| ("until", until)));
    query
}

async fn show(context: &Context, seq: i64) -> Result<()> {
    let entry: wire::InboxEntry = context.client.get(&["inbox", &seq.to_string()], &[]).await?;
    let read = match (entry.muted, entry.read) {
        (true, _) => "muted",
        (false, true) => "read",
        (false, false) => "new",
    };
    let mut fields = vec![
        ("Entry", entry.seq.to_string()),
        ("Event", entry.event.id.to_string()),
        ("Type", entry.event.event_type.as_str().to_owned()),
        ("Time", output::time(Some(entry.event.time))),
        ("Severity", entry.severity.to_string()),
        ("Title", entry.title.clone()),
        ("State", read.to_owned()),
    ];
    fields.extend(
        entry
            .event
            .data
            .project
            .as_ref()
            .map(|name| ("Project", name.to_string())),
    );
    if let Some(taken) = &entry.acknowledged {
        let text = format!("{} at {}", taken.user, output::time(Some(taken.time)));
        fields.push(("Acknowledged", text));
    }
    fields.extend(
        entry
            .event
            .data
            .error
            .as_ref()
            .map(|error| ("Error", format!("{} [{}]", error.message, error.code))),
    );
    for tip in &entry.tips {
        fields.push(("Tip", tip.title.clone()));
        fields.push(("Why", tip.why.clone()));
        for (at, step) in tip.steps.iter().enumerate() {
            fields.push(("Step", format!("{}. {step}", at + 1)));
        }
        fields.extend(tip.link.as_ref().map(|link| ("More", link.clone())));
    }
    fields.extend(
        entry
            .links
            .iter()
            .map(|link| ("Link", format!("{}: {}", link.label, link.url))),
    );
    for button in &entry.buttons {
        let done = button.done.as_ref().map_or_else(String::new, |done| {
            format!(" (done by {} at {})", done.user, output::time(Some(done.time)))
        });
        fields.push((
            "Button",
            format!("{} {}: {}{done}", button.kind, button.target, button.label),
        ));
    }
    context.form.fields(&entry, &fields)
}

async fn mark(context: &Context, seqs: Vec<i64>, read: bool) -> Result<()> {
    let request = wire::MarkEntries { seqs, read };
    let answer: wire::Marked = context.client.post(&["inbox", "mark"], &[], &request).await?;
    told(context, answer)
}

fn told(context: &Context, answer: wire::Marked) -> Result<()> {
    let changed = answer.changed.to_string();
    context.form.fields(&answer, &[("Changed", changed)])
}

/// The place of the newest entry; 0 when there is none.
async fn newest(context: &Context) -> Result<i64> {
    let query = [("limit", "1".to_owned())];
    let newest: wire::Inbox = context.client.get(&["inbox"], &query).await?;
    Ok(newest.entries.first().map_or(0, |entry| entry.seq))
}

async fn act(context: &Context, seq: i64, button: wire::UseButton) -> Result<()> {
    let path = ["inbox", &seq.to_string(), "act"];
    let answer: wire::ActionAnswer = context.client.post(&path, &[], &button).await?;
    let done = match answer.new {
        true => "now",
        false => "before: nothing was done again",
    };
    let mut fields = vec![("Done", done.to_owned())];
    fields.extend(answer.upid.as_ref().map(|upid| ("UPID", upid.to_string())));
    context.form.fields(&answer, &fields)
}

/// A rule in words.
fn what(rule: &wire::MuteRule) -> String {
    let mut parts = Vec::new();
    parts.extend(
        rule.event_type
            .map(|event_type| event_type.as_str().trim_start_matches("ironcore.").to_owned()),
    );
    parts.extend(rule.job.as_ref().map(|job| format!("job {job}")));
    parts.extend(
        rule.datastore
            .as_ref()
            .map(|datastore| format!("datastore {datastore}")),
    );
    parts.extend(rule.min_severity.map(|least| format!("less than {least}")));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_says_what_it_mutes() {
        let rule = wire::MuteRule {
            event_type: Some(EventType::TaskCompleted),
            job: Some("nightly".parse().expect("a name")),
            min_severity: Some(Severity::Warning),
            ..wire::MuteRule::default()
        };
        assert_eq!(what(&rule), "task.completed, job nightly, less than warning");
    }
}
