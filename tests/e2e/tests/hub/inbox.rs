//! The inbox from the command line: what happened, taken on, done again with a button, read and muted.

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use serde_json::Value;

use crate::fixture::office;

fn entries(hub: &TestHub, args: &[&str]) -> Result<Vec<Value>> {
    let mut inbox: Value = hub.json(&[&["inbox", "list"][..], args].concat())?;
    match inbox["entries"].take() {
        Value::Array(entries) => Ok(entries),
        other => anyhow::bail!("no entries: {other}"),
    }
}

fn unread(hub: &TestHub) -> Result<u64> {
    let counts: Value = hub.json(&["inbox", "count"])?;
    counts["unread"].as_u64().context("a number")
}

#[test]
fn a_failure_is_found_taken_on_and_tried_again_from_the_inbox() -> Result<()> {
    let mut hub = TestHub::start("")?;
    let tree = hub.folder().join("not-there");
    hub.apply(&office(&hub, &tree, "", ""))?;
    ensure!(!hub.cli(&["job", "run", "files", "--wait"])?.status.success());
    let failed = [
        "--type",
        "task.failed",
        "--job",
        "files",
        "--datastore",
        "ibs-primary",
    ];
    let entry = hub.wait_until("the inbox shows it as its plugin does", |hub| {
        let found = entries(hub, &failed)?;
        Ok(found.into_iter().find(|entry| entry["text"].is_string()))
    })?;
    let seq = entry["seq"].to_string();
    let seq = seq.as_str();
    let shown = hub.ok(&["inbox", "show", seq])?;
    for part in [
        "[source.unreachable]",
        "Make the source reachable again",
        "acknowledge",
        "retry UPID:",
        "Try again",
        "https://",
    ] {
        ensure!(shown.contains(part), "{part}: {shown}");
    }

    // Taken on, once.
    let first: Value = hub.json(&["inbox", "act", seq, "acknowledge"])?;
    ensure!(first["new"] == true, "{first}");
    let second = hub.ok(&["inbox", "act", seq, "acknowledge"])?;
    ensure!(second.contains("nothing was done again"), "{second}");
    ensure!(entries(&hub, &["--unacknowledged", "--type", "task.failed"])?.is_empty());
    ensure!(hub.ok(&["inbox", "list", "--acknowledged"])?.contains("@local"));

    // Tried again, once; this time there is something to back up.
    std::fs::create_dir_all(&tree)?;
    let retried: Value = hub.json(&["inbox", "act", seq, "retry"])?;
    let upid = retried["upid"].as_str().context("a task")?;
    hub.ok(&["task", "wait", "--upid", upid])?;
    let task: Value = hub.json(&["task", "show", "--upid", upid])?;
    ensure!(
        task["status"] == "OK" && task["retry_of"] == entry["event"]["data"]["task"]["upid"],
        "{task}"
    );
    let again: Value = hub.json(&["inbox", "act", seq, "retry"])?;
    ensure!(again["new"] == false && again["upid"] == *upid, "{again}");
    ensure!(hub.tasks()?.len() == 2, "two runs, not three");
    ensure!(hub.ok(&["inbox", "show", seq])?.contains("done by"));

    // What cannot be done says so with its exit code.
    for (args, code) in [
        (vec!["inbox", "act", seq, "gc"], 5),
        (vec!["inbox", "show", "1000000"], 5),
        (vec!["inbox", "unmute", "7"], 5),
        (vec!["inbox", "mute"], 2),
        (vec!["inbox", "read"], 2),
    ] {
        let output = hub.cli(&args)?;
        ensure!(output.status.code() == Some(code), "{args:?}: {output:?}");
    }
    Ok(())
}

#[test]
fn what_is_read_or_muted_is_not_unread() -> Result<()> {
    let mut hub = TestHub::start("")?;
    let tree = hub.folder().join("tree");
    std::fs::create_dir_all(&tree)?;
    hub.apply(&office(&hub, &tree, "", ""))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    hub.wait_until("the run is told", |hub| {
        Ok((!entries(hub, &["--type", "task.completed"])?.is_empty()).then_some(()))
    })?;
    let first: Value = hub.json(&["inbox", "list", "--limit", "1"])?;
    let next = first["next"].as_str().context("there is more")?;
    let second = entries(&hub, &["--limit", "1", "--cursor", next])?;
    ensure!(
        second[0]["seq"].as_i64() < first["entries"][0]["seq"].as_i64(),
        "older"
    );
    let all = unread(&hub)?;
    ensure!(all >= 3, "queued, started, completed: {all}");
    let completed = entries(&hub, &["--type", "task.completed", "--unread"])?;
    let seq = completed.first().context("an entry")?["seq"].to_string();
    hub.ok(&["inbox", "read", &seq])?;
    ensure!(unread(&hub)? == all - 1);
    hub.ok(&["inbox", "unread", &seq])?;
    ensure!(unread(&hub)? == all);

    let mute: Value = hub.json(&[
        "inbox",
        "mute",
        "--job",
        "files",
        "--min-severity",
        "warning",
        "--for",
        "1h",
    ])?;
    ensure!(mute["number"] == 1 && mute["rule"]["until"].is_string(), "{mute}");
    ensure!(entries(&hub, &["--unread", "--job", "files"])?.is_empty());
    ensure!(entries(&hub, &["--muted"])?.len() == 3, "they are there");
    ensure!(unread(&hub)? == all - 3);
    let mutes = hub.ok(&["inbox", "mutes"])?;
    ensure!(mutes.contains("job files, less than warning"), "{mutes}");
    hub.ok(&["inbox", "unmute", "1"])?;
    ensure!(unread(&hub)? == all);
    hub.ok(&["inbox", "read", "--all"])?;
    ensure!(unread(&hub)? == 0 && entries(&hub, &["--unread"])?.is_empty());
    Ok(())
}
