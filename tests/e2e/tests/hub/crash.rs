//! `kill -9` at random moments: what was acknowledged is there afterwards, and everything comes to an end.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::webhook::WebhookReceiver;
use serde_json::Value;

use crate::fixture::{hook_group, noise, office};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
/// How often the hub is killed; on PostgreSQL less often, for there the leases of each life must run out.
const ROUNDS: u64 = 12;
const ROUNDS_ON_POSTGRES: u64 = 3;

fn rounds() -> u64 {
    match std::env::var("IRONCORE_TEST_DATABASE") {
        Ok(database) if database == "postgres" => ROUNDS_ON_POSTGRES,
        _ => ROUNDS,
    }
}

fn upids(hub: &TestHub) -> Result<BTreeSet<String>> {
    Ok(hub
        .tasks()?
        .iter()
        .filter_map(|task| task["upid"].as_str().map(str::to_owned))
        .collect())
}

fn event_ids(hub: &TestHub) -> Result<BTreeSet<String>> {
    let inbox: Value = hub.json(&["inbox", "list", "--limit", "1000"])?;
    let entries = inbox["entries"].as_array().context("entries")?;
    Ok(entries
        .iter()
        .filter_map(|e| e["event"]["id"].as_str().map(str::to_owned))
        .collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_kill_9() -> Result<()> {
    let hook = WebhookReceiver::start().await?;
    let mut hub = TestHub::start("")?;
    hub.secret("hook", SECRET)?;
    let tree = hub.folder().join("tree");
    noise(&tree, 40, 3_000_000, 1)?;
    let group = hook_group(&format!("{}/hook", hook.url()));
    let extra = "groups = [\"oncall\"]\nretries = 20\nretry-delay = \"0s\"";
    hub.apply(&office(&hub, &tree, extra, &group))?;

    let seed = u64::from(std::process::id());
    let mut state = seed;
    let (mut known, mut told) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..rounds() {
        // New files each time, so that there is something to write when the blow falls.
        noise(&tree, 10, 3_000_000, 100 + round)?;
        let started: Value = hub.json(&["job", "run", "files", "--full"])?;
        known.insert(started["upid"].as_str().context("a UPID")?.to_owned());
        known.extend(upids(&hub)?);
        told.extend(event_ids(&hub)?);
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        if round == 0 {
            // One blow at least falls while a backup runs: later ones may have to wait for the lease of this one.
            hub.wait_until("the first runs", |hub| {
                let tasks = hub.tasks()?;
                Ok(tasks.iter().any(|task| !task["started"].is_null()).then_some(()))
            })?;
        } else {
            // The moment is the point of the test: somewhere in the time that a backup takes.
            std::thread::sleep(Duration::from_millis(state >> 33 & 255));
        }
        hub.kill()?;
        hub.resume()?;
        let (after, events) = (upids(&hub)?, event_ids(&hub)?);
        ensure!(
            known.is_subset(&after),
            "seed {seed}, round {round}: a task is gone"
        );
        ensure!(
            told.is_subset(&events),
            "seed {seed}, round {round}: an event is gone"
        );
    }

    hub.wait_until("every task has ended", |hub| {
        Ok(hub
            .tasks()?
            .iter()
            .all(|task| !task["ended"].is_null())
            .then_some(()))
    })?;
    let hit = hub
        .tasks()?
        .iter()
        .filter(|task| task["error"]["code"] == "worker.lost")
        .count();
    ensure!(
        hit > 0,
        "seed {seed}: no kill met a running backup; nothing was tested"
    );
    // A last, undisturbed run; then everything stored must be whole.
    hub.ok(&["job", "run", "files", "--wait"])?;
    hub.ok(&["verify", "start", "ibs-primary", "--again", "--wait"])?;
    hub.ok(&["gc", "start", "ibs-primary", "--wait"])?;
    hub.ok(&["verify", "start", "ibs-primary", "--again", "--wait"])?;

    // Each task of the job that ended well or badly was told of: no message is forgotten.
    let ended: BTreeSet<String> = hub
        .tasks()?
        .iter()
        .filter(|task| task["job"] == "files")
        .filter_map(|task| task["upid"].as_str().map(str::to_owned))
        .collect();
    let what = format!("seed {seed}: every end was told, and no message waits");
    hub.wait_until(&what, |hub| {
        let heard: BTreeSet<String> = hook
            .received()
            .iter()
            .filter_map(|request| request.json().ok())
            .filter_map(|event| event["subject"].as_str().map(str::to_owned))
            .collect();
        let open = hub
            .messages()?
            .iter()
            .any(|m| m["state"] == "pending" || m["state"] == "sending");
        Ok((!open && ended.is_subset(&heard)).then_some(()))
    })
}
