//! Tests of the whole plugin, natively: an answer for every code, and the answers that matter most in full.

use ironcore_plugin::{ActionKind, Event, FakeHost, Plugin, Tip};
use serde_json::{Value, json};

use crate::Remediation;

const SNAPSHOT: &str = "ibs-primary:vm/12345/2026-05-21T00:00:00Z";

/// Every code of the hub, read from the one place where they are listed.
fn all_codes() -> Vec<&'static str> {
    let list = include_str!("../../../core/types/src/error_code.rs");
    let (_, list) = list.split_once("\ncodes! {").expect("the list of codes");
    let (list, _) = list.split_once("\n}").expect("its end");
    let codes: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split_once(" = \"")?.1.strip_suffix("\","))
        .collect();
    assert!(codes.len() > 40 && codes.contains(&"chunk.corrupt"), "{codes:?}");
    codes
}

/// Every type of event, without `ironcore.`, from the one place where they are listed.
fn all_types() -> Vec<&'static str> {
    let list = include_str!("../../../core/types/src/event_type.rs");
    let types: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split_once("\"ironcore.")?.1.split('"').next())
        .filter(|kind| kind.contains('.') && kind.chars().all(|c| c.is_ascii_lowercase() || ".-".contains(c)))
        .collect();
    assert!(types.len() > 25 && types.contains(&"snapshot.stale"), "{types:?}");
    types
}

fn advise(event: &Event) -> Vec<Tip> {
    let host = FakeHost::new();
    let tips = Remediation::advise(&host, event);
    assert!(host.calls().is_empty(), "advice has no effects");
    tips
}

fn failed(code: &str) -> Event {
    Event::sample(
        "ironcore.task.failed",
        &json!({
            "project": "demo", "severity": "error", "title": "failed",
            "error": { "code": code, "message": "what happened" },
            "task": {
                "upid": "UPID:n:1:", "type": "backup", "job": "nightly", "state": "failed",
                "source": "/srv/data", "target": "ibs-primary:vm/12345", "log_tail": ["a", "b", "c", "the last line"],
            },
        }),
    )
}

fn verified(result: &str, failure: Value) -> Event {
    Event::sample(
        "ironcore.snapshot.verified",
        &json!({
            "project": "demo", "severity": "error", "title": "verified", "snapshot": SNAPSHOT,
            "verification": { "snapshot": "vm/12345/2026-05-21T00:00:00Z", "result": result, "failure": failure },
        }),
    )
}

fn is_generic(tip: &Tip) -> bool {
    tip.attrs.iter().any(|(name, _)| name == "generic")
}

#[test]
fn every_code_has_an_answer_of_its_own() {
    for code in all_codes() {
        let tips = advise(&failed(code));
        assert_eq!(tips.len(), 1, "{code}");
        let tip = &tips[0];
        assert!(!is_generic(tip), "{code} has only the generic tip");
        assert!(
            !tip.title.is_empty() && !tip.why.is_empty() && !tip.steps.is_empty(),
            "{code}: {tip:?}"
        );
        assert!(
            tip.evidence
                .iter()
                .any(|fact| fact.kind == "code" && fact.text == code),
            "{code}"
        );
        assert!(
            tip.evidence
                .iter()
                .any(|fact| fact.kind == "log" && fact.text == "the last line"),
            "{code}"
        );
        let shown = format!("{tip:?}");
        assert!(
            !shown.contains("{datastore}") && !shown.contains("{job}") && !shown.contains("{source}"),
            "{shown}"
        );
        assert!(
            tip.link
                .as_deref()
                .is_some_and(|link| link.starts_with("https://")),
            "{code}"
        );
        for action in &tip.actions {
            assert!(!action.target.is_empty() && !action.label.is_empty(), "{code}");
        }
    }
}

#[test]
fn no_rule_is_for_a_code_that_does_not_exist() {
    let codes = all_codes();
    for name in ["source", "stored", "hub", "delivery"] {
        let text = match name {
            "source" => include_str!("rules/source.rs"),
            "stored" => include_str!("rules/stored.rs"),
            "hub" => include_str!("rules/hub.rs"),
            _ => include_str!("rules/delivery.rs"),
        };
        for line in text
            .lines()
            .filter(|line| line.trim_start().starts_with("codes: &["))
        {
            for code in line.split('"').skip(1).step_by(2) {
                // Some rules are for tasks of one type.
                let code = code.split('/').next().unwrap_or_default();
                assert!(codes.contains(&code), "{code} in {name}");
            }
        }
    }
}

#[test]
fn bad_verifications_say_restore_from_an_earlier_one_and_run_a_full_backup() {
    for (result, code) in [("CORRUPT", "chunk.corrupt"), ("MISSING", "chunk.missing")] {
        let failure = json!({ "code": code, "chunk": "abcd", "reason": "SHA-256 differs" });
        // With and without the particulars of the failure the answer is the same.
        for event in [verified(result, failure), verified(result, Value::Null)] {
            let tips = advise(&event);
            assert_eq!(tips.len(), 1);
            let tip = &tips[0];
            assert!(
                tip.title.contains(SNAPSHOT) && tip.why.contains(result),
                "{tip:?}"
            );
            let steps = tip.steps.join("\n");
            assert!(
                steps.contains("earlier snapshot of ibs-primary:vm/12345 whose verification is OK"),
                "{steps}"
            );
            assert!(steps.contains("fresh full backup"), "{steps}");
            let offered: Vec<(&ActionKind, &str)> = tip
                .actions
                .iter()
                .map(|action| (&action.kind, action.target.as_str()))
                .collect();
            assert!(
                offered.contains(&(&ActionKind::FullBackup, SNAPSHOT)),
                "{offered:?}"
            );
            assert!(offered.contains(&(&ActionKind::Verify, SNAPSHOT)), "{offered:?}");
            assert!(
                offered.contains(&(&ActionKind::Verify, "ibs-primary")),
                "{offered:?}"
            );
        }
    }
    let failure = json!({ "code": "chunk.corrupt", "chunk": "abcd", "reason": "SHA-256 differs" });
    let evidence = advise(&verified("CORRUPT", failure)).remove(0).evidence;
    assert!(
        evidence
            .iter()
            .any(|fact| fact.kind == "chunk" && fact.text == "abcd"),
        "{evidence:?}"
    );
    assert!(
        advise(&Event::sample(
            "ironcore.snapshot.verified",
            &json!({ "verification": { "result": "OK" } })
        ))
        .is_empty()
    );
}

#[test]
fn warnings_name_their_paths_and_share_one_tip_a_kind() {
    let path = |n: u32| json!({ "code": "path.skipped", "path": format!("/srv/{n}"), "message": "no right" });
    let mut warnings: Vec<Value> = (0..8).map(path).collect();
    warnings.push(json!({ "code": "dedup.partial", "message": "x" }));
    warnings.push(json!({ "code": "source.optional-missing", "path": "/opt/x", "message": "x" }));
    let tips = advise(&Event::sample(
        "ironcore.task.warning",
        &json!({
            "severity": "warning", "title": "w",
            "task": { "upid": "UPID:n:1:", "job": "nightly", "state": "warning", "warnings": warnings, "warning_count": 10 },
        }),
    ));
    assert_eq!(tips.len(), 3);
    let paths: Vec<&str> = tips[0]
        .evidence
        .iter()
        .filter(|f| f.kind == "path")
        .map(|f| f.text.as_str())
        .collect();
    assert_eq!(paths, ["/srv/0", "/srv/1", "/srv/2", "/srv/3", "/srv/4"]);
    assert!(tips[0].evidence.iter().any(|fact| fact.kind == "count"));
    assert!(tips.iter().all(|tip| !is_generic(tip)));
    assert!(tips[2].evidence.iter().any(|fact| fact.text == "/opt/x"));
}

#[test]
fn the_answers_of_the_product_page_are_there() {
    let advice = |kind: &str, data: Value| {
        let tips = advise(&Event::sample(&format!("ironcore.{kind}"), &data));
        format!(
            "{:?}",
            tips.first().unwrap_or_else(|| panic!("no tip for {kind}"))
        )
    };
    let queued = advice(
        "job.overdue",
        json!({ "severity": "warning", "job": { "name": "nightly" } }),
    );
    assert!(
        queued.contains("worker slot")
            && queued.contains("scheduler is paused")
            && queued.contains("`queued`")
    );
    for kind in ["worker.offline", "scheduler.paused"] {
        assert!(
            advice(kind, json!({ "severity": "warning" })).contains("tasks stay in `queued`"),
            "{kind}"
        );
    }
    let warning = advice(
        "task.warning",
        json!({ "severity": "warning", "task": { "upid": "UPID:1" } }),
    );
    assert!(warning.contains("skipped path") && warning.contains("lists each warning"));
    let stale = advice(
        "snapshot.stale",
        json!({ "severity": "warning", "snapshot": SNAPSHOT }),
    );
    assert!(stale.contains("verification schedule") && stale.contains(SNAPSHOT));
    let slow = advice(
        "job.overrun",
        json!({ "severity": "warning", "job": { "name": "nightly" } }),
    );
    assert!(slow.contains("bandwidth limit"));
    for kind in ["sync", "gc"] {
        let task = json!({ "upid": "UPID:1", "type": kind, "job": "nightly", "target": "ibs-primary" });
        let slow = advice("job.overrun", json!({ "severity": "warning", "task": task }));
        let wanted = match kind {
            "sync" => "bandwidth limit",
            _ => "Collect more often",
        };
        assert!(slow.contains(wanted), "{kind}: {slow}");
    }
    let full = advice(
        "task.failed",
        json!({ "severity": "error", "error": { "code": "datastore.full" }, "task": { "target": "ibs-primary" } }),
    );
    for reason in [
        "has not run since the last prune",
        "quota",
        "inodes",
        "ironcore-backup gc start ibs-primary",
    ] {
        assert!(full.contains(reason), "{reason}: {full}");
    }
    let missed = advice(
        "job.missed",
        json!({
            "severity": "warning", "project": "office", "job": { "name": "nightly", "missed": 1 },
            "title": "Job nightly did not begin within 5m of its time: no worker is online",
        }),
    );
    for part in [
        "no worker is online",
        "1 run was missed",
        "ironcore-backup worker list",
        "scheduler resume",
    ] {
        assert!(missed.contains(part), "{part}: {missed}");
    }
    let full = format!("{:?}", advise(&failed("datastore.full")));
    assert!(
        full.contains("Collect garbage") && full.contains("quota") && full.contains("ActionKind::Gc"),
        "{full}"
    );
}

#[test]
fn failures_of_a_later_version_get_a_word_and_good_news_none() {
    let tips = advise(&failed("no.such-code-yet"));
    assert!(
        tips.len() == 1 && is_generic(&tips[0]) && tips[0].steps[0].contains("--upid UPID:n:1:"),
        "{tips:?}"
    );
    let unknown = advise(&Event::sample(
        "ironcore.something.new",
        &json!({ "severity": "error", "title": "x" }),
    ));
    assert!(unknown.len() == 1 && is_generic(&unknown[0]));
    assert!(
        advise(&Event::sample(
            "ironcore.task.completed",
            &json!({ "severity": "info" })
        ))
        .is_empty()
    );
    assert!(
        advise(&Event {
            json: "no json".to_owned(),
            ..failed("datastore.full")
        })
        .len()
            == 1,
        "even when it is odd"
    );
}

#[test]
fn an_event_makes_no_more_tips_than_people_read() {
    let warnings: Vec<Value> = all_codes()
        .iter()
        .map(|code| json!({ "code": code, "message": "x" }))
        .collect();
    let event = Event::sample(
        "ironcore.task.warning",
        &json!({ "severity": "warning", "task": { "warnings": warnings } }),
    );
    assert_eq!(advise(&event).len(), 5);
}

#[test]
fn figures_of_the_event_are_evidence() {
    let low = advise(&Event::sample(
        "ironcore.datastore.space-low",
        &json!({
            "severity": "warning", "title": "ibs-primary is nearly full",
            "datastore": { "name": "ibs-primary", "online": true, "free": 3_221_225_472_u64, "used": 1024 },
        }),
    ));
    let figure = |tip: &Tip| {
        let found = tip.evidence.iter().filter(|fact| fact.kind == "figure");
        found.map(|fact| fact.text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(figure(&low[0]), ["3.0 GiB free, 1.0 KiB used"]);
    let slow = advise(&Event::sample(
        "ironcore.job.overrun",
        &json!({
            "severity": "warning", "title": "slow", "job": { "name": "nightly" },
            "task": {
                "upid": "UPID:1", "type": "backup", "bytes": 2048,
                "stages": [{ "name": "upload", "done": 3, "total": 9, "unit": "files", "bytes": 2048 }],
            },
        }),
    ));
    assert_eq!(
        figure(&slow[0]),
        ["upload: 3 of 9 files, 2.0 KiB", "2.0 KiB in all"]
    );
    let given_up = advise(&Event::sample(
        "ironcore.delivery.exhausted",
        &json!({
            "severity": "error", "title": "gone",
            "delivery": { "group": "ops", "handler": "chat", "message": "0196f0c2", "attempts": 9 },
        }),
    ));
    assert_eq!(figure(&given_up[0]), ["9 attempts"]);
    let steps = given_up[0].steps.join("\n");
    assert!(
        steps.contains("message show 0196f0c2") && steps.contains("group enable ops/chat"),
        "{steps}"
    );
}

#[test]
fn every_event_that_is_no_good_news_has_an_answer() {
    for kind in all_types() {
        let event = Event::sample(
            &format!("ironcore.{kind}"),
            &json!({ "severity": "warning", "title": "x", "project": "office" }),
        );
        let good = [
            "task.queued",
            "task.started",
            "task.completed",
            "task.failed",
            "task.cancelled",
            "snapshot.verified",
            "worker.online",
            "scheduler.resumed",
            "auth.token-created",
            "config.permission-granted",
            "config.role-created",
            "config.key-rotated",
            "system.started",
            "system.stopped",
            "system.certificate-renewed",
        ];
        let tips = advise(&event);
        assert_eq!(tips.is_empty(), good.contains(&kind), "{kind}: {tips:?}");
        assert!(tips.iter().all(|tip| !is_generic(tip)), "{kind}");
    }
}
