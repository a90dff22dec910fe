//! Tests of the whole plugin, natively, with a host that records.

use ironcore_plugin::{ActionKind, Call, Delivery, Event, FakeHost, Plugin, Severity, Tip, inbox};
use serde_json::json;

use crate::Inbox;

fn entry(delivery: &Delivery) -> inbox::Entry {
    let host = FakeHost::new();
    Inbox::deliver(&host, delivery).expect("shown");
    match host.calls().pop() {
        Some(Call::Inbox(event, entry)) => {
            assert_eq!(event, delivery.events[0].id);
            entry
        }
        other => panic!("{other:?}"),
    }
}

fn corrupt() -> Event {
    Event::sample(
        "ironcore.snapshot.verified",
        &json!({
            "project": "demo", "severity": "error", "title": "vm/12345 is CORRUPT",
            "snapshot": "ibs-primary:vm/12345/2026-05-21T00:00:00Z",
            "error": { "code": "chunk.corrupt", "message": "chunk <b>ab*</b> is bad" },
            "verification": {
                "snapshot": "vm/12345/2026-05-21T00:00:00Z", "result": "CORRUPT", "chunks": 7,
                "failure": { "code": "chunk.corrupt", "chunk": "abcd", "reason": "SHA-256 differs" },
            },
        }),
    )
}

#[test]
fn a_bad_verification_shows_with_its_tip_and_buttons() {
    let action = |tip: Tip| {
        tip.action(
            ActionKind::Verify,
            "ibs-primary:vm/12345/2026-05-21T00:00:00Z",
            "Verify again",
        )
    };
    let tips = vec![
        action(Tip::new("Restore", "Why\ncode: chunk.corrupt").step("First")),
        action(Tip::new("Other", "x")),
    ];
    let entry = entry(&Delivery {
        tips,
        ..Delivery::sample(corrupt(), &json!({}))
    });
    assert_eq!(
        (entry.title.as_str(), entry.severity),
        ("vm/12345 is CORRUPT", Severity::Error)
    );
    for part in [
        "`ibs-primary:vm/12345/2026-05-21T00:00:00Z`",
        "**CORRUPT**",
        "`abcd`",
        "**Restore**",
        "1. First",
    ] {
        assert!(entry.body.contains(part), "{part} in {}", entry.body);
    }
    assert!(entry.body.contains("\\<b\\>ab\\*\\</b\\>"), "{}", entry.body);
    assert_eq!(entry.buttons.len(), 1, "one button for one thing to do");
    assert!(entry.links.is_empty(), "there is no task");
}

#[test]
fn a_task_shows_with_links_warnings_and_log() {
    let log: Vec<String> = (0..2000)
        .map(|n| format!("line {n} ``` # not a heading"))
        .collect();
    let event = Event::sample(
        "ironcore.task.warning",
        &json!({
            "severity": "warning", "title": "two\nlines",
            "task": {
                "upid": "UPID:x:", "type": "backup", "job": "nightly", "state": "warning", "warning_count": 9,
                "warnings": [{ "code": "path.skipped", "path": "/a`b", "message": "skipped" }], "log_tail": log,
            },
        }),
    );
    let entry = entry(&Delivery::sample(event, &json!({})));
    assert_eq!(entry.title, "twolines");
    for part in [
        "- Job: `nightly`",
        "**Warnings (9)**",
        "/a\\`b: skipped (`path.skipped`)",
        "    line 0 ```",
    ] {
        assert!(entry.body.contains(part), "{part} in {}", entry.body);
    }
    assert!(entry.body.len() <= 16 << 10 && entry.body.ends_with('…'));
    assert_eq!(
        entry
            .links
            .iter()
            .map(|link| link.label.as_str())
            .collect::<Vec<_>>(),
        ["Task", "Log"]
    );
}

#[test]
fn each_event_of_a_batch_has_its_own_tips_and_links() {
    let event = |number: u32| {
        let mut event = Event::sample(
            "ironcore.task.failed",
            &json!({
                "severity": "error", "title": format!("run {number} failed"),
                "task": { "upid": format!("UPID:vm:{number}:"), "type": "backup", "state": "failed" },
            }),
        );
        event.id = format!("01920000-0000-7000-8000-00000000000{number}");
        event
    };
    let tip = |number: u32| {
        let mut tip = Tip::new(format!("Look at run {number}"), "Why");
        tip.attrs.push(("event".to_owned(), event(number).id));
        tip
    };
    let host = FakeHost::new();
    let delivery = Delivery {
        events: vec![event(1), event(2)],
        tips: vec![tip(2), tip(1)],
        ..Delivery::sample(event(1), &json!({}))
    };
    Inbox::deliver(&host, &delivery).expect("shown");
    let entries = host.calls();
    assert_eq!(entries.len(), 2);
    for (number, call) in (1_u32..).zip(entries) {
        let Call::Inbox(id, entry) = call else {
            panic!("{call:?}");
        };
        assert_eq!(id, event(number).id);
        let tips = entry.body.matches("Look at run").count();
        assert!(
            tips == 1 && entry.body.contains(&format!("Look at run {number}")),
            "{}",
            entry.body
        );
        assert_eq!(
            entry.links[0].url,
            format!("https://hub.example:8007/tasks/UPID%3Avm%3A{number}%3A")
        );
    }
}
