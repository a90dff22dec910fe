//! Several processes on one PostgreSQL: each does its part, and what one leaves behind another takes up.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::postgres::Cluster;
use serde_json::Value;

use crate::fixture::{noise, office};
use crate::keyed::{datastores, send};

fn database() -> Result<String> {
    Ok(format!("database = \"{}\"\n", Cluster::shared()?.database()?))
}

fn task(hub: &TestHub, upid: &str) -> Result<Value> {
    hub.json(&["task", "show", "--upid", upid])
}

#[test]
fn a_lost_workers_task_goes_on_at_another() -> Result<()> {
    let database = database()?;
    let front = TestHub::start(&format!(
        "{database}roles = [\"api\", \"scheduler\", \"notify\"]\n"
    ))?;
    let roles = "roles = [\"worker\", \"verifier\"]\n";
    let mut first = front.beside("first", &format!("{database}{roles}"))?;

    let tree = front.folder().join("tree");
    noise(&tree, 120, 4_000_000, 3)?;
    front.apply(&office(&front, &tree, "retries = 1", ""))?;
    let started: Value = front.json(&["job", "run", "files"])?;
    let upid = started["upid"].as_str().context("a UPID")?.to_owned();
    first.wait_until("the backup is under way", |_| {
        Ok((task(&front, &upid)?["state"] == "running").then_some(()))
    })?;
    first.kill()?;
    let killed = Instant::now();

    let second = front.beside("second", &format!("{database}{roles}"))?;
    let mut front = front;
    front.wait_until("the first attempt is given up", |hub| {
        let task = task(hub, &upid)?;
        Ok((task["state"] == "failed" && task["error"]["code"] == "worker.lost").then_some(()))
    })?;
    ensure!(
        killed.elapsed() < Duration::from_secs(45),
        "{:?}",
        killed.elapsed()
    );
    front.wait_until("the second attempt has begun", |hub| {
        let tasks = hub.tasks()?;
        let retry = tasks.iter().find(|task| task["retry_of"] == upid.as_str());
        Ok(retry.filter(|task| task["started"].is_string()).map(|_| ()))
    })?;
    ensure!(
        killed.elapsed() < Duration::from_secs(45),
        "{:?}",
        killed.elapsed()
    );
    let retry = front.wait_until("the second attempt has ended", |hub| {
        let tasks = hub.tasks()?;
        let retry = tasks.iter().find(|task| task["retry_of"] == upid.as_str());
        Ok(retry.filter(|task| task["ended"].is_string()).cloned())
    })?;
    // The other worker is the only one left.
    ensure!(retry["state"] == "ok", "{retry:#}\n{}", second.log());
    front.ok(&["verify", "start", "ibs-primary", "--wait"])?;

    // Everything that a service does is seen, with who does it.
    // That nobody collects garbage is worth an exit code of its own.
    let status = front.cli(&["status", "--services"])?;
    ensure!(status.status.code() == Some(1), "{status:?}");
    let services = String::from_utf8(status.stdout)?;
    for (service, node) in [
        ("api", "testhub"),
        ("notify", "testhub"),
        ("worker", "second"),
        ("gc", "-"),
    ] {
        let line = services
            .lines()
            .find(|line| line.contains(service))
            .with_context(|| services.clone())?;
        ensure!(line.contains(node), "{services}");
    }
    // Nobody claims what is nobody's part.
    let gc: Value = front.json(&["gc", "start", "ibs-primary"])?;
    let upid = gc["upid"].as_str().context("a UPID")?;
    front.ok(&["task", "cancel", "--upid", upid])?;
    ensure!(task(&front, upid)?["started"].is_null());
    Ok(())
}

#[test]
fn a_hub_without_the_key_of_the_others_is_refused() -> Result<()> {
    let database = database()?;
    let one = TestHub::start(&database)?;
    let two = one.beside("two", &database)?;
    let tree = one.folder().join("tree");
    noise(&tree, 3, 100_000, 3)?;
    one.apply(&office(&one, &tree, "", ""))?;
    one.ok(&["job", "run", "files", "--wait"])?;
    let mut three = two.beside("three", &database)?;
    three.stop()?;
    std::fs::remove_dir_all(three.folder().join("data/keys"))?;
    let refused = three.resume().err().context("it started")?.to_string();
    ensure!(
        refused.contains("[config.invalid]") && refused.contains("signing.key"),
        "{refused}"
    );
    Ok(())
}

/// Of two hubs with keys of their own each does what its key signs, and what nobody signs waits and says for what.
#[test]
fn a_task_waits_for_the_hub_that_signs_its_datastore() -> Result<()> {
    let database = database()?;
    let one = TestHub::start(&format!("{database}roles = [\"api\", \"notify\"]\n"))?;
    let mut signs = one.beside("signs", &database)?;
    let tree = one.folder().join("tree");
    noise(&tree, 3, 100_000, 3)?;
    one.apply(&office(&one, &tree, "", ""))?;
    one.ok(&["job", "run", "files", "--wait"])?;
    let mut other = one.beside("other", &database)?;
    signs.stop()?;
    other.stop()?;
    let key = other.folder().join("data/keys/signing.key");
    std::io::Write::write_all(&mut std::fs::File::create(&key)?, "5a".repeat(32).as_bytes())?;
    other.resume()?;
    ensure!(
        other.log().contains("the datastore is signed with another key"),
        "{}",
        other.log()
    );

    let started: Value = one.json(&["job", "run", "files"])?;
    let upid = started["upid"].as_str().context("a UPID")?.to_owned();
    let free = one.folder().join("free").display().to_string();
    other.ok(&["datastore", "create", "free", "--path", &free])?;
    // What comes after it is done, so it was left out.
    one.ok(&["gc", "start", "free", "--wait"])?;
    let waits = task(&one, &upid)?;
    ensure!(waits["state"] == "queued", "{waits:#}");
    let why = waits["waiting"].as_str().context("why it waits")?;
    ensure!(
        why.contains("has the key signing-") && why.contains("[key.missing]"),
        "{why}"
    );
    let listed = one.tasks()?;
    ensure!(listed.iter().any(|task| task["waiting"] == why), "{listed:#?}");

    // Whoever takes the datastore over gets what waits for it.
    let store = one.folder().join("ibs-primary").display().to_string();
    other.ok(&["datastore", "adopt", "ibs-primary", "--path", &store])?;
    let ended = other.wait_until("the backup has ended", |_| {
        let task = task(&one, &upid)?;
        Ok(task["ended"].is_string().then_some(task))
    })?;
    ensure!(ended["state"] == "ok" && ended["node"] == "other", "{ended:#}");
    // It stays as it was declared.
    let exported = one.ok(&["export"])?;
    ensure!(exported.contains("projects = [\"office\"]"), "{exported}");
    other.ok(&["verify", "start", "ibs-primary", "--wait"])?;
    // It signs that one now, so there is nothing to take over.
    let again = other.cli(&["datastore", "adopt", "ibs-primary", "--path", &store])?;
    ensure!(!again.status.success(), "{again:?}");
    Ok(())
}

/// One request to two hubs at once, with one key.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_good_at_every_hub() -> Result<()> {
    let database = database()?;
    let one = TestHub::start(&database)?;
    let two = one.beside("two", &database)?;
    datastores(&one)?;
    for round in 0..5 {
        let key = format!("round-{round}");
        let (first, second) = tokio::join!(send(&one, &one, &key, "one"), send(&two, &one, &key, "one"));
        let ((first, upid), (second, same)) = (first?, second?);
        ensure!((first, second) == (202, 202) && upid == same, "{upid} {same}");
        let (refused, other) = send(&two, &one, &key, "two").await?;
        ensure!(refused == 400, "{other}");
    }
    ensure!(one.tasks()?.len() == 5);
    Ok(())
}

#[test]
fn every_hub_answers_and_none_is_special() -> Result<()> {
    let database = database()?;
    let one = TestHub::start(&database)?;
    let two = one.beside("two", &database)?;
    let tree = one.folder().join("tree");
    noise(&tree, 3, 100_000, 3)?;
    one.apply(&office(&one, &tree, "", ""))?;
    for (hub, other) in [(&one, &two), (&two, &one)] {
        let started: Value = hub.json(&["job", "run", "files", "--wait"])?;
        let upid = started["upid"].as_str().context("a UPID")?;
        ensure!(task(other, upid)?["status"] == "OK");
        ensure!(!other.ok(&["task", "log", "--upid", upid])?.is_empty());
    }
    // Each has its own local administrator, and each takes the other's token.
    ensure!(std::fs::read(one.token_file())? != std::fs::read(two.token_file())?);
    Ok(())
}
