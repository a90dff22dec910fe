//! The templates of mails against the context that a delivery makes: strict, for every kind of event. Those of webhooks
//! need more helpers; they are tried with those of the hub.

mod support;

use std::path::Path;

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, handlebars_helper};
use ironcore_plugin_host::{Delivery, Incident};
use ironcore_types::event::{JobData, TaskData, Tip, TipAction};
use ironcore_types::progress::{TaskStats, Warning};
use ironcore_types::verification::{VerifyDepth, VerifyFailure, VerifyReport};
use ironcore_types::{
    ErrorCode, JobName, PluginName, Severity, TaskState, TaskType, Timestamp, UserId, VerifyResult,
};
use serde_json::{Value, json};

use support::delivery;

/// Stands for the helpers that the hub has: what they write matters to its own tests.
fn shown(
    helper: &Helper<'_>,
    registry: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let value = helper
        .param(0)
        .filter(|value| !value.is_value_missing())
        .expect("a value that is there")
        .value();
    let text = match value {
        Value::String(text) if helper.name() != "json" => text.clone(),
        other => other.to_string(),
    };
    out.write(&registry.get_escape_fn()(&text))?;
    Ok(())
}

fn registry(html: bool) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.set_prevent_indent(true);
    if !html {
        registry.register_escape_fn(handlebars::no_escape);
    }
    for name in ["bytes", "code", "duration", "time", "upper", "json"] {
        registry.register_helper(name, Box::new(shown));
    }
    handlebars_helper!(some: |list: Json, most: u64| {
        let most = usize::try_from(most).expect("few");
        list.as_array().into_iter().flatten().take(most).cloned().collect::<Vec<Value>>()
    });
    handlebars_helper!(more: |list: Json, most: u64| {
        (list.as_array().map_or(0, Vec::len) as u64).saturating_sub(most)
    });
    registry.register_helper("first", Box::new(some));
    registry.register_helper("worst", Box::new(some));
    registry.register_helper("more", Box::new(more));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates/email");
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        let name = format!("email/{}", path.file_name().expect("name").to_string_lossy());
        registry
            .register_template_file(&name, &path)
            .expect("a valid template");
    }
    registry
}

fn render(name: &str, delivery: &Delivery) -> String {
    let extra = json!({ "prefix": "[backup]", "color": "#b3261e", "status": "FAILED" });
    let html = Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "html");
    registry(html)
        .render(name, &delivery.context(extra))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn task() -> TaskData {
    TaskData {
        upid: "UPID:hub:00000D1C:0001A2B3:00000001:6A0E5F80:backup:x:root@local:"
            .parse()
            .expect("upid"),
        task_type: TaskType::Backup,
        job: Some(JobName::new("nightly").expect("name")),
        user: UserId::new("root@local").expect("user"),
        source: Some("/srv/<data>".to_owned()),
        target: None,
        state: TaskState::Failed,
        retry_of: None,
        queued: Timestamp::EPOCH,
        started: Some(Timestamp::EPOCH),
        ended: None,
        bytes: 42,
        stats: TaskStats::default(),
        stages: Vec::new(),
        warnings: vec![Warning {
            code: ErrorCode::PathSkipped,
            path: None,
            message: "skipped".to_owned(),
        }],
        warning_count: 1,
        log_tail: vec!["first line".to_owned(), "<last line>".to_owned()],
    }
}

fn tip() -> Tip {
    Tip {
        title: "Do this".to_owned(),
        why: "Because\ncode: datastore.full".to_owned(),
        steps: vec!["step one".to_owned()],
        actions: vec![TipAction {
            kind: "gc".to_owned(),
            target: "x".to_owned(),
            label: "Collect".to_owned(),
        }],
        link: None,
        plugin: PluginName::new("remediation").expect("name"),
    }
}

/// A delivery for each shape that an event can have.
fn deliveries() -> Vec<Delivery> {
    let plain = delivery(json!({}));
    let mut bare = plain.clone();
    bare.events[0].data.project = None;
    bare.events[0].data.error = None;
    bare.links.task = None;
    let mut of_task = plain.clone();
    of_task.events[0].data.task = Some(task());
    of_task.tips = vec![tip()];
    let mut verified = plain.clone();
    verified.events[0].data.snapshot = Some(
        "ibs-primary:vm/12345/2026-05-21T00:00:00Z"
            .parse()
            .expect("reference"),
    );
    verified.events[0].data.verification = Some(VerifyReport {
        snapshot: "vm/12345/2026-05-21T00:00:00Z".parse().expect("path"),
        started: Timestamp::EPOCH,
        duration_us: 7,
        depth: VerifyDepth::Full,
        chunks: 3,
        result: VerifyResult::Corrupt,
        failure: Some(VerifyFailure {
            code: ErrorCode::ChunkCorrupt,
            chunk: Some("abcd".to_owned()),
            reason: "it differs".to_owned(),
        }),
    });
    let mut many = of_task.clone();
    many.events.push(plain.events[0].clone());
    many.events[1].data.job = Some(JobData {
        name: JobName::new("nightly").expect("name"),
        scheduled_for: None,
        missed: 2,
    });
    many.incident = Some(Incident {
        key: "k".to_owned(),
        number: 7,
        cause: "datastore/ibs-primary/datastore.full".to_owned(),
        title: "The datastore is full".to_owned(),
        state: "open".to_owned(),
        severity: Severity::Error,
        opened: Timestamp::EPOCH,
        ended: None,
        ending: None,
        count: 2,
        affected: 2,
        failing: 1,
        resolved: false,
        acknowledged_by: None,
        acknowledge: Some("https://hub.example/acknowledge/t".to_owned()),
    });
    let mut over = many.clone();
    over.incident = over.incident.map(|incident| Incident {
        title: "The datastore works again".to_owned(),
        state: "ended".to_owned(),
        ended: Some(Timestamp::EPOCH),
        ending: Some("recovered".to_owned()),
        failing: 0,
        resolved: true,
        acknowledged_by: Some("root@local".to_owned()),
        acknowledge: None,
        ..incident
    });
    vec![plain, bare, of_task, verified, many, over]
}

#[test]
fn every_template_renders_for_every_kind_of_event() {
    for delivery in deliveries() {
        let title = match &delivery.incident {
            Some(incident) => incident.title.clone(),
            None => delivery.events[0].data.title.clone(),
        };
        let subject = render("email/subject.txt", &delivery);
        assert!(
            subject.starts_with(&format!("[backup] {title}")) && subject.trim_end().lines().count() == 1,
            "{subject}"
        );
        for name in ["email/body.txt", "email/body.html"] {
            let body = render(name, &delivery);
            assert!(
                body.contains(&title) && body.contains(&delivery.message.to_string()),
                "{name}: {body}"
            );
        }
    }
}

#[test]
fn mails_hold_what_people_need() {
    let [_, _, of_task, verified, many, over] = deliveries().try_into().expect("six");
    let text = render("email/body.txt", &of_task);
    for part in [
        "no space left",
        "datastore.full",
        "* Do this",
        "  - step one",
        "nightly",
        "UPID:hub:",
        "  <last line>",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let html = render("email/body.html", &of_task);
    for part in [
        "/srv/&lt;data&gt;",
        "&lt;last line&gt;",
        "<li style=\"margin-bottom:3px;\">step one</li>",
        "background:#b3261e",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(!html.contains("<last line>") && !html.contains("<script"));
    for name in ["email/body.txt", "email/body.html"] {
        let body = render(name, &verified);
        for part in [
            "ibs-primary:vm/12345/2026-05-21T00:00:00Z",
            "CORRUPT",
            "it differs",
            "abcd",
        ] {
            assert!(body.contains(part), "{part} in {body}");
        }
    }
    // What an incident says counts its events itself.
    assert_eq!(
        render("email/subject.txt", &many).trim(),
        "[backup] The datastore is full"
    );
    let batch = Delivery {
        incident: None,
        ..many.clone()
    };
    assert!(render("email/subject.txt", &batch).contains("(2 events)"));
    let text = render("email/body.txt", &many);
    for part in [
        "WHAT HAPPENED",
        "INCIDENT 7",
        "Failing:  1 of 2 affected",
        "To say that you see to it: https://hub.example/acknowledge/t",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let html = render("email/body.html", &many);
    assert!(
        html.contains("<a href=\"https://hub.example/acknowledge/t\""),
        "{html}"
    );
    let text = render("email/body.txt", &over);
    assert!(
        text.contains("ended by root@local") && !text.contains("To say that you see"),
        "{text}"
    );
}
