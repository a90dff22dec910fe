//! Whether an event is silenced for a handler: by a silence that somebody made, or by a maintenance window.

use ironcore_ledger::model::Silence;
use ironcore_types::notification::{Maintenance, MaintenanceWindow, Matchers, Silencer};
use ironcore_types::{Event, ProjectName, Severity, Timestamp};

use super::{datastores_of, job_of, names};

/// All that silences, read once.
#[derive(Debug, Clone, Default)]
pub struct Silences {
    made: Vec<Silence>,
    declared: Vec<(Maintenance, MaintenanceWindow)>,
}

/// What silences an event for a handler, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// What does.
    pub by: Silencer,
    /// When it is over.
    pub until: Timestamp,
}

impl Silences {
    /// These silences and windows; what cannot be read was refused when it was declared, and is none.
    pub fn new(made: Vec<Silence>, declared: Vec<Maintenance>) -> Self {
        let read = |window: Maintenance| Some((window.window().ok()?, window));
        let declared = declared.into_iter().filter_map(read);
        Self {
            made,
            declared: declared.map(|(read, window)| (window, read)).collect(),
        }
    }

    /// Whether nothing is silenced at all.
    pub fn are_none(&self) -> bool {
        self.made.is_empty() && self.declared.is_empty()
    }

    /// What silences the event at `now` for handlers of `project`, or of the hub when there is none. Of several the one
    /// that lasts longest. A project's own silences keep its own handlers quiet and nobody else.
    pub fn quiet(&self, event: &Event, project: Option<&ProjectName>, now: Timestamp) -> Option<Quiet> {
        self.longest(project, now, |when| is_about(when, event))
    }

    /// What silences whatever happens to the job or datastore that the event is about, and not only what is of its type or
    /// severity.
    pub(crate) fn quiet_all_of(
        &self,
        event: &Event,
        project: Option<&ProjectName>,
        now: Timestamp,
    ) -> Option<Quiet> {
        let mut calm = event.clone();
        calm.data.severity = Severity::Info;
        self.longest(project, now, |when| {
            when.events.is_empty() && is_about(when, &calm)
        })
    }

    fn longest(
        &self,
        project: Option<&ProjectName>,
        now: Timestamp,
        about: impl Fn(&Matchers) -> bool,
    ) -> Option<Quiet> {
        let within = |scope: Option<&ProjectName>| scope.is_none_or(|scope| project == Some(scope));
        let made = self.made.iter().filter(|silence| {
            within(silence.project.as_ref()) && silence.is_active(now) && about(&silence.when)
        });
        let made = made.map(|silence| Quiet {
            by: silence.silencer(),
            until: silence.over(),
        });
        let declared = self
            .declared
            .iter()
            .filter(|(window, _)| within(window.project.as_ref()) && about(&window.when));
        let declared = declared.filter_map(|(window, read)| {
            Some(Quiet {
                by: window.silencer(),
                until: read.until(now)?,
            })
        });
        made.chain(declared).max_by_key(|quiet| quiet.until)
    }
}

fn is_about(when: &Matchers, event: &Event) -> bool {
    let data = &event.data;
    when.are_about(event.event_type, data.severity)
        && (when.jobs.is_empty() || job_of(data).is_some_and(|job| names(&when.jobs, job.as_str())))
        && (when.datastores.is_empty()
            || datastores_of(data)
                .iter()
                .any(|name| names(&when.datastores, name.as_str())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{event, task};
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn silence(project: Option<&str>, when: serde_json::Value, until: &str) -> Silence {
        Silence {
            id: "01970000-0000-7000-8000-000000000007".parse().expect("an id"),
            project: project.map(|name| name.parse().expect("a name")),
            when: serde_json::from_value(when).expect("matchers"),
            from: at("2026-05-21T01:00:00Z"),
            until: at(until),
            comment: "c".to_owned(),
            created: at("2026-05-21T01:00:00Z"),
            by: "root@local".parse().expect("a user"),
            ended: None,
            ended_by: None,
        }
    }

    fn failed() -> Event {
        event("ironcore.task.failed", "error", &task(Some("nightly"), "store-a"))
    }

    fn quiet(silences: &Silences, of: &Event, project: Option<&str>, now: &str) -> Option<(String, String)> {
        let project = project.map(|name| name.parse().expect("a name"));
        let quiet = silences.quiet(of, project.as_ref(), at(now))?;
        let by = match quiet.by {
            Silencer::Silence(_) => "silence".to_owned(),
            window @ Silencer::Maintenance { .. } => window.to_string(),
        };
        Some((by, quiet.until.to_string()))
    }

    #[test]
    fn a_projects_silence_keeps_its_own_groups_quiet_and_the_hubs_everybody() {
        let of_web = silence(Some("web"), json!({}), "2026-05-21T03:00:00Z");
        let until = Some(("silence".to_owned(), "2026-05-21T03:00:00Z".to_owned()));
        let silences = Silences::new(vec![of_web.clone()], Vec::new());
        let within = "2026-05-21T02:00:00Z";
        assert_eq!(quiet(&silences, &failed(), Some("web"), within), until);
        // A group of the hub hears of the same event.
        assert_eq!(quiet(&silences, &failed(), None, within), None);
        let of_hub = Silence {
            project: None,
            ..of_web.clone()
        };
        let silences = Silences::new(vec![of_hub], Vec::new());
        assert_eq!(quiet(&silences, &failed(), Some("web"), within), until);
        assert_eq!(quiet(&silences, &failed(), None, within), until);
        for outside in ["2026-05-21T00:59:59Z", "2026-05-21T03:00:00Z"] {
            assert_eq!(quiet(&silences, &failed(), None, outside), None, "{outside}");
        }
        let ended = Silence {
            ended: Some(at("2026-05-21T01:30:00Z")),
            ..of_web
        };
        let silences = Silences::new(vec![ended], Vec::new());
        assert_eq!(quiet(&silences, &failed(), Some("web"), within), None);
    }

    #[test]
    fn what_it_is_about_is_matched_as_filters_are() {
        for (when, meant) in [
            (json!({ "jobs": ["/^night/"] }), true),
            (json!({ "jobs": ["night"] }), false),
            (
                json!({ "datastores": ["store-a"], "events": ["task.failed"] }),
                true,
            ),
            (json!({ "datastores": ["store-b"] }), false),
            (json!({ "events": ["task.warning"] }), false),
            (json!({ "max-severity": "warning" }), false),
            (json!({ "min-severity": "warning" }), true),
        ] {
            let silences = Silences::new(
                vec![silence(None, when.clone(), "2026-05-21T03:00:00Z")],
                Vec::new(),
            );
            let found = quiet(&silences, &failed(), None, "2026-05-21T02:00:00Z");
            assert_eq!(found.is_some(), meant, "{when}");
        }
    }

    #[test]
    fn what_silences_all_of_a_job_asks_for_no_type_and_no_severity() {
        for (when, all) in [
            (json!({}), true),
            (json!({ "jobs": ["/^night/"], "max-severity": "warning" }), true),
            (json!({ "jobs": ["night"] }), false),
            (json!({ "min-severity": "error" }), false),
            (json!({ "events": ["task.failed"] }), false),
        ] {
            let silences = Silences::new(
                vec![silence(None, when.clone(), "2026-05-21T03:00:00Z")],
                Vec::new(),
            );
            let found = silences.quiet_all_of(&failed(), None, at("2026-05-21T02:00:00Z"));
            assert_eq!(found.is_some(), all, "{when}");
        }
    }

    #[test]
    fn of_several_the_one_that_lasts_longest_counts() {
        let window: Maintenance = serde_json::from_value(
            json!({ "project": "web", "name": "patches", "from": "thu 02:00", "lasts": "4h" }),
        )
        .expect("a window");
        let silences = Silences::new(
            vec![silence(None, json!({}), "2026-05-21T03:00:00Z")],
            vec![window],
        );
        let of = |now| quiet(&silences, &failed(), Some("web"), now);
        let by = |by: &str, until: &str| Some((by.to_owned(), until.to_owned()));
        assert_eq!(of("2026-05-21T01:30:00Z"), by("silence", "2026-05-21T03:00:00Z"));
        // The 21st is a Thursday.
        let patches = by("maintenance/web/patches", "2026-05-21T06:00:00Z");
        assert_eq!(of("2026-05-21T02:30:00Z"), patches);
        assert_eq!(of("2026-05-21T05:59:59Z"), patches);
        assert_eq!(of("2026-05-21T06:00:00Z"), None);
    }
}
