//! Statistics, samples and reports: who sees what, and what is said of it.

use axum::http::StatusCode;
use ironcore_ledger::model::{DatastoreStatus, Outcome, Role};
use ironcore_types::progress::TaskStats;
use ironcore_types::verification::{VerifyDepth, VerifyFailure, VerifyReport};
use ironcore_types::{DatastoreName, ErrorCode, TaskState, VerifyResult};
use serde_json::{Value, json};

use crate::setup::{Hub, encode, verify};

fn backup(id: &str) -> Value {
    json!({ "type": "backup", "source": { "tree": "/srv" }, "datastore": "shared", "backup-id": id })
}

/// A backup of `project` that took ten seconds and moved `n` times the usual.
async fn run(hub: &Hub, project: &str, n: u64) {
    hub.enqueue(project, backup(project)).await;
    let task = hub.claim().await;
    hub.clock.forward(10);
    hub.ledger.renew(hub.session, &[task.id]).await.expect("renewed");
    let stats = TaskStats {
        bytes: 1_000 * n,
        bytes_read: 600 * n,
        bytes_logical: 1_000 * n,
        bytes_new: 500 * n,
        bytes_stored: 100 * n,
        chunks: 10,
        chunks_known: 6,
        ..TaskStats::default()
    };
    let outcome = Outcome {
        stats,
        ..Outcome::new(TaskState::Ok)
    };
    let finished = hub.ledger.finish(task.id, hub.session, outcome).await;
    finished.expect("finished");
}

#[tokio::test]
async fn a_project_sees_its_own_share() {
    let hub = Hub::start().await;
    run(&hub, "demo", 1).await;
    run(&hub, "zebra", 2).await;
    let tokens = [
        hub.token(Role::Admin, None).await,
        hub.token(Role::Operator, None).await,
        hub.token(Role::Auditor, None).await,
        hub.token(Role::Admin, Some("demo")).await,
        hub.token(Role::Member, Some("demo")).await,
    ];
    for (query, expected) in [
        ("", [3_000, 3_000, 3_000, 1_000, 1_000]),
        ("?datastore=shared", [3_000, 3_000, 3_000, 1_000, 1_000]),
        ("?project=demo&datastore=shared", [1_000; 5]),
    ] {
        for (secret, bytes) in tokens.iter().zip(expected) {
            let answer = hub.get(&format!("/api/v1/statistics{query}"), secret).await;
            let answer = answer.expect(StatusCode::OK);
            assert_eq!(answer["total"]["sums"]["bytes"], bytes, "{query}: {answer}");
        }
    }
    let member = &tokens[4];
    for foreign in ["project=zebra", "datastore=zebra-store", "datastore=none"] {
        let path = format!("/api/v1/statistics?{foreign}");
        hub.get(&path, member)
            .await
            .problem(StatusCode::NOT_FOUND, "not-found");
    }
    let parts = hub.get("/api/v1/statistics?by=job", member).await;
    let parts = parts.expect(StatusCode::OK);
    assert_eq!(parts["project"], "demo");
    assert_eq!(parts["parts"].as_array().map(Vec::len), Some(1), "{parts}");
    hub.ask(axum::http::Method::GET, "/api/v1/statistics", None, None)
        .await
        .problem(StatusCode::UNAUTHORIZED, "auth.required");
}

#[tokio::test]
async fn metrics_are_marked_and_split_by_time() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    run(&hub, "demo", 1).await;
    hub.clock.forward(86_400);
    let answer = hub.get("/api/v1/statistics?bucket=day", &admin).await;
    let answer = answer.expect(StatusCode::OK);
    let metrics = &answer["total"]["metrics"];
    assert_eq!(
        *metrics,
        json!({
            "transfer_rate": 10, "read_rate": 60, "dedup_hit_percent": 60.0, "compression_ratio": 5.0,
            "pre_encrypt_bytes": 1_000, "on_disk_bytes": 100, "reduction_ratio": 10.0,
            "marks": ["low-dedup-hit-rate", "compression-outside-range"],
        })
    );
    assert_eq!(answer["series"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["series"][0]["start"], "2026-05-21T00:00:00Z");
    assert_eq!(answer["series"][0]["figures"], answer["total"]);
    assert_eq!(answer["types"], json!(["backup", "sync"]));

    for (query, runs) in [
        ("since=2h%20ago", 0),
        ("since=25h%20ago", 1),
        ("until=2026-05-21", 0),
        ("type=verify", 0),
        ("type=verify,backup", 1),
        ("job=nightly", 0),
    ] {
        let answer = hub.get(&format!("/api/v1/statistics?{query}"), &admin).await;
        let answer = answer.expect(StatusCode::OK);
        assert_eq!(answer["total"]["sums"]["runs"], runs, "{query}: {answer}");
    }
    for wrong in ["bucket=month", "by=user", "type=x", "since=soon", "colour=red"] {
        hub.get(&format!("/api/v1/statistics?{wrong}"), &admin)
            .await
            .problem(StatusCode::BAD_REQUEST, "request.invalid");
    }
}

#[tokio::test]
async fn the_fill_date_follows_from_the_samples() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let member = hub.token(Role::Member, Some("demo")).await;
    let name: DatastoreName = "shared".parse().expect("name");
    let path = "/api/v1/datastores/shared/usage";
    let none = hub.get(path, &admin).await.expect(StatusCode::OK);
    assert_eq!(none["fill"], "not enough history: 0 of 2 days");
    assert_eq!(none["projection"]["fill"]["kind"], "not-enough-history");
    assert_eq!(
        (&none["stored_bytes"], &none["dedup_ratio"]),
        (&Value::Null, &Value::Null)
    );
    for day in 0..5_u64 {
        let status = DatastoreStatus {
            online: true,
            used: Some(100 + 10 * day),
            free: Some(900 - 10 * day),
            reason: None,
            at: hub.seams.now(),
        };
        hub.ledger
            .set_datastore_status(&name, &status)
            .await
            .expect("noted");
        hub.clock.forward(86_400);
    }
    let usage = hub.get(path, &admin).await.expect(StatusCode::OK);
    // 86 more days of 10 bytes after 25 May.
    assert_eq!(usage["fill"], "full on 2026-08-19", "{usage}");
    assert_eq!(
        usage["projection"],
        json!({ "fill": { "kind": "at", "at": "2026-08-19T00:00:00Z" }, "bytes_per_day": 10 })
    );
    assert_eq!(usage["samples"].as_array().map(Vec::len), Some(5));
    assert_eq!(
        usage["samples"][0],
        json!({ "at": "2026-05-21T00:00:00Z", "used_bytes": 100, "free_bytes": 900 })
    );
    let late = format!("{path}?since={}", encode("49h ago"));
    let late = hub.get(&late, &admin).await.expect(StatusCode::OK);
    assert_eq!(late["samples"].as_array().map(Vec::len), Some(2));
    assert_eq!(late["projection"], usage["projection"]);
    for (path, secret) in [("zebra-store", &member), ("none", &admin)] {
        hub.get(&format!("/api/v1/datastores/{path}/usage"), secret)
            .await
            .problem(StatusCode::NOT_FOUND, "not-found");
    }
}

#[tokio::test]
async fn the_whole_of_a_shared_datastore_shows_to_the_hub_alone() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let auditor = hub.token(Role::Auditor, None).await;
    for (name, projects) in [("both", json!(["demo", "zebra"])), ("mine", json!(["demo"]))] {
        let object =
            json!({ "name": name, "path": hub.folder.join(format!("store-{name}")), "projects": projects });
        hub.post(
            "/api/v1/datastores",
            &admin,
            json!({ "mode": "create", "object": object }),
        )
        .await
        .expect(StatusCode::CREATED);
    }
    let look = async |name: &str, secret: &str| {
        let shown = hub.get(&format!("/api/v1/datastores/{name}"), secret).await;
        let usage = hub.get(&format!("/api/v1/datastores/{name}/usage"), secret).await;
        (
            shown.expect(StatusCode::OK)["usage"].clone(),
            usage.expect(StatusCode::OK),
        )
    };
    for secret in [&admin, &auditor] {
        let (shown, usage) = look("both", secret).await;
        assert!(
            shown["stored_bytes"].is_u64() && shown["total_bytes"].is_u64(),
            "{shown}"
        );
        assert!(
            usage["stored_bytes"].is_u64() && usage["projection"].is_object(),
            "{usage}"
        );
    }
    for role in [Role::Admin, Role::Operator, Role::Auditor, Role::Member] {
        let secret = hub.token(role, Some("demo")).await;
        let (shown, usage) = look("both", &secret).await;
        for key in [
            "stored_bytes",
            "unique_bytes",
            "chunks",
            "free_bytes",
            "total_bytes",
        ] {
            assert_eq!(shown[key], Value::Null, "{role:?}: {key}");
        }
        assert_eq!(
            (&shown["snapshots"], &shown["logical_bytes"]),
            (&json!(0), &json!(0))
        );
        for key in ["stored_bytes", "free_bytes", "dedup_ratio", "projection"] {
            assert_eq!(usage[key], Value::Null, "{role:?}: {key}");
        }
        assert_eq!(
            (&usage["samples"], &usage["logical_bytes"]),
            (&json!([]), &json!(0))
        );
        // What no other project uses shows as a whole.
        let (shown, usage) = look("mine", &secret).await;
        assert!(
            shown["stored_bytes"].is_u64() && usage["projection"].is_object(),
            "{role:?}: {shown}"
        );
    }
}

#[tokio::test]
async fn reports_tell_everything_of_the_groups_that_show() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let member = hub.token(Role::Member, Some("demo")).await;
    let name: DatastoreName = "shared".parse().expect("name");
    for project in ["demo", "zebra"] {
        let group = format!("host/{project}").parse().expect("group");
        let project = project.parse().expect("project");
        hub.ledger
            .own_group(&name, &group, &project)
            .await
            .expect("owned");
    }
    hub.enqueue("demo", verify("shared")).await;
    let task = hub.claim().await;
    for (project, result) in [
        ("demo", VerifyResult::Ok),
        ("zebra", VerifyResult::Missing),
        ("demo", VerifyResult::Corrupt),
    ] {
        let report = VerifyReport {
            snapshot: format!("host/{project}/2026-05-21T00:00:00Z")
                .parse()
                .expect("snapshot"),
            started: hub.seams.now(),
            duration_us: 1_500_000,
            depth: VerifyDepth::Full,
            chunks: 12,
            result,
            failure: result.is_bad().then(|| VerifyFailure {
                code: ErrorCode::ChunkCorrupt,
                chunk: Some("ab".repeat(32)),
                reason: "it does not match".to_owned(),
            }),
        };
        let recorded = hub
            .ledger
            .record_verification(task.id, hub.session, &name, &report)
            .await;
        recorded.expect("recorded");
    }
    let path = "/api/v1/datastores/shared/verifications";
    let results = async |query: &str, secret: &str| -> Vec<String> {
        let answer = hub
            .get(&format!("{path}{query}"), secret)
            .await
            .expect(StatusCode::OK);
        let reports = answer["reports"].as_array().expect("reports").clone();
        assert_eq!(answer["count_capped"], false);
        reports
            .iter()
            .map(|report| report["result"].as_str().expect("result").to_owned())
            .collect()
    };
    assert_eq!(results("", &admin).await, ["CORRUPT", "MISSING", "OK"]);
    assert_eq!(results("", &member).await, ["CORRUPT", "OK"]);
    assert_eq!(results("?result=ok,missing", &admin).await, ["MISSING", "OK"]);
    assert_eq!(results("?latest=true", &member).await, ["CORRUPT"]);
    assert_eq!(results("?job=nightly", &admin).await, Vec::<String>::new());
    let snapshot = encode("host/zebra/2026-05-21T00:00:00Z");
    assert_eq!(
        results(&format!("?snapshot={snapshot}"), &admin).await,
        ["MISSING"]
    );
    // It is another project's: whether there is such a snapshot is not for this one to know.
    let hidden = hub.get(&format!("{path}?snapshot={snapshot}"), &member).await;
    hidden.expect(StatusCode::NOT_FOUND);

    let page = hub
        .get(&format!("{path}?limit=1"), &admin)
        .await
        .expect(StatusCode::OK);
    assert_eq!(page["count"], 3);
    assert_eq!(
        page["reports"][0],
        json!({
            "snapshot": "shared:host/demo/2026-05-21T00:00:00Z", "result": "CORRUPT", "found": "CORRUPT",
            "started": "2026-05-21T00:00:00Z", "duration_us": 1_500_000, "depth": "full", "chunks": 12,
            "failure": { "code": "chunk.corrupt", "chunk": "ab".repeat(32), "reason": "it does not match" },
            "verifier": null, "upid": task.upid.to_string(),
        })
    );
    let cursor = page["next"].as_str().expect("another page");
    assert_eq!(
        results(&format!("?cursor={cursor}"), &admin).await,
        ["MISSING", "OK"]
    );

    // 31 days later what was OK is so no longer.
    hub.clock.forward(31 * 86_400);
    assert_eq!(results("?result=STALE", &admin).await, ["STALE"]);
    assert!(results("?result=OK", &admin).await.is_empty());
    assert!(
        results(&format!("?since={}", encode("1d ago")), &admin)
            .await
            .is_empty()
    );
    hub.get(&format!("{path}?result=good"), &admin)
        .await
        .problem(StatusCode::BAD_REQUEST, "request.invalid");
    hub.get("/api/v1/datastores/zebra-store/verifications", &member)
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
}
