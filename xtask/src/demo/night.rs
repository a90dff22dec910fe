//! One night, unattended. In the evening the jobs run by hand on a small tree; at its time the night begins by itself,
//! on a large one, and everything follows. Then a stored chunk breaks, the next verification says so to everybody,
//! and the second datastore has what is needed.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::checks::{Checks, text};
use super::hub::Hub;
use super::receivers::Receivers;
use super::{copies, summary, told, tree};
use crate::steps::{say, wait_for};

/// The jobs of the night, in their order.
const CHAIN: [&str; 5] = ["backup", "prune", "gc", "sync", "verify"];
/// A time of which this run sees nothing.
const NEVER: &str = "2099-01-01";
/// Only the night's own snapshot stays.
const KEEP: &str = "{ last = 1 }";
/// What is in the tree in the evening, and deleted before the night. Less than a full pack.
const NOISE_BYTES: u64 = 20 << 20;
/// The scheduler is late when it takes longer, in seconds.
const PUNCTUAL: f64 = 60.0;

pub(crate) fn run(hub: &Hub, receivers: &Receivers, tree: &Path, folder: &Path) -> Result<()> {
    let mut checks = Checks::default();
    let evening = evening(hub, receivers, tree, folder)?;
    tree::fill(tree, super::TREE_BYTES)?;
    // A time of day some seconds ahead, so that the scheduler itself starts the night.
    let times = hub.json(&["schedule", "next", "*:*:0/5", "--count", "3"])?;
    let soon = &times[2];
    let time_of_day = soon.as_str().and_then(|time| time.get(11..19));
    let time_of_day = time_of_day.context("schedule next printed no time")?;
    let before = upids(&hub.tasks()?);
    hub.apply(&super::objects(folder, tree, receivers, time_of_day, KEEP)?)?;
    say(&format!("the night begins at {}", text(soon)));
    let tasks = wait_for("the night is over", || over(hub, &before))?;
    course(hub, &tasks, soon, &mut checks)?;
    let night = outcome(hub, &tasks, &evening, folder, &mut checks)?;

    let primary = format!("ibs-primary:{night}");
    copies::restore(hub, &primary, tree, folder, &mut checks)?;
    checks.check(
        "snapshot show --verify says OK",
        shown(hub, &primary)? == (true, 0),
    );
    break_primary(hub, &primary, folder, &mut checks)?;
    let archival = format!("ibs-archival:{night}");
    let verify = hub.try_cli(&["verify", "start", &archival, "--wait"], "")?;
    checks.check(
        "the copy in ibs-archival verifies OK all the same",
        verify.status.code() == Some(0) && shown(hub, &archival)? == (true, 0),
    );
    copies::restore(hub, &archival, tree, folder, &mut checks)?;

    let messages = wait_for("every message is delivered", || told::delivered(hub))?;
    told::check(hub, receivers, &messages, &mut checks)?;
    summary::tasks(hub)?;
    summary::messages(hub, &messages)?;
    if !checks.failed().is_empty() {
        bail!(
            "{} of the night's checks failed: {}",
            checks.failed().len(),
            checks.failed().join("; ")
        );
    }
    say("the night came out as it should");
    Ok(())
}

/// Backs a small tree up, so that the night finds something to prune and to collect. Gives the snapshot's path.
fn evening(hub: &Hub, receivers: &Receivers, tree: &Path, folder: &Path) -> Result<String> {
    say("the evening before: the jobs run by hand on a small tree");
    tree::begin(tree)?;
    let noise = tree::add_noise(tree, NOISE_BYTES)?;
    hub.apply(&super::objects(folder, tree, receivers, NEVER, KEEP)?)?;
    hub.cli(&["job", "run", "backup", "--project", "demo", "--wait"])?;
    let tasks = wait_for("the evening is over", || over(hub, &BTreeSet::new()))?;
    for job in CHAIN {
        let state = task(&tasks, job).map_or("missing".to_owned(), |task| text(&task["status"]));
        ensure!(state == "OK", "in the evening {job} was {state}");
    }
    std::fs::remove_dir_all(noise)?;
    let snapshots = hub.snapshots("ibs-primary")?;
    ensure!(
        snapshots.len() == 1,
        "the evening left {} snapshots",
        snapshots.len()
    );
    Ok(copies::path(&text(&snapshots[0]["snapshot"])).to_owned())
}

/// Whether the jobs ran, one after the other, on time, each with log and progress.
fn course(hub: &Hub, tasks: &[Value], soon: &Value, checks: &mut Checks) -> Result<()> {
    let none = Value::Null;
    let mut before = soon;
    for job in CHAIN {
        let task = task(tasks, job).unwrap_or(&none);
        let state = text(&task["status"]);
        checks.check(&format!("{job} ended OK (it is {state})"), state == "OK");
        let wait = pause(before, &task["started"]);
        checks.check(
            &match job {
                "backup" => "the scheduler started it at its time".to_owned(),
                _ => "it followed the one before".to_owned(),
            },
            wait.is_some_and(|wait| wait < PUNCTUAL),
        );
        before = &task["ended"];
        let log = hub.try_cli(&["task", "log", "--upid", &text(&task["upid"])], "")?;
        let stages = task["progress"]["stages"].as_array().map_or(0, Vec::len);
        checks.check(
            &format!("it has a log and progress ({stages} stages)"),
            log.status.success() && !log.stdout.is_empty() && stages > 0,
        );
    }
    Ok(())
}

/// Whether each job did what it is for, and both datastores hold what they should. Gives the night's snapshot's path.
fn outcome(hub: &Hub, tasks: &[Value], evening: &str, folder: &Path, checks: &mut Checks) -> Result<String> {
    let count = |job: &str, what: &str| {
        let task = task(tasks, job);
        task.and_then(|task| task["stats"][what].as_u64()).unwrap_or(0)
    };
    checks.check(
        "at least 1 GiB was backed up",
        count("backup", "bytes") >= super::TREE_BYTES,
    );
    checks.check(
        "backup did not read again what the evening's snapshot had",
        count("backup", "files_unchanged") > 0,
    );
    let primary = hub.snapshots("ibs-primary")?;
    let night = primary.first().context("ibs-primary has no snapshot")?;
    let night_path = copies::path(&text(&night["snapshot"])).to_owned();
    checks.check(
        "prune removed the evening's snapshot and kept the night's",
        count("prune", "snapshots_affected") == 1
            && night_path != evening
            && primary.len() == 1
            && copies::find(&primary, evening).is_none(),
    );
    let condemned = copies::condemned(&folder.join("ibs-primary"))?;
    checks.check(
        &format!(
            "gc condemned what only that needed ({condemned} bytes, to be deleted after a day of grace)"
        ),
        condemned >= NOISE_BYTES,
    );
    checks.check(
        "sync copied one snapshot",
        count("sync", "snapshots_affected") == 1 && count("sync", "bytes") > 0,
    );
    checks.check(
        "verify found one snapshot, and it was good",
        count("verify", "snapshots") == 1
            && count("verify", "snapshots_affected") == 0
            && count("verify", "bytes_read") > 0,
    );
    let archival = hub.snapshots("ibs-archival")?;
    let copy = copies::find(&archival, &night_path);
    checks.check(
        "ibs-archival holds the same snapshot",
        copy.is_some_and(|copy| copy["bytes"] == night["bytes"] && copy["files"] == night["files"]),
    );
    checks.check(
        "ibs-archival still holds the evening's",
        copies::find(&archival, evening).is_some(),
    );
    Ok(night_path)
}

fn break_primary(hub: &Hub, snapshot: &str, folder: &Path, checks: &mut Checks) -> Result<()> {
    say("breaking one stored chunk of ibs-primary");
    copies::break_chunk(&folder.join("ibs-primary"))?;
    let verify = hub.try_cli(&["job", "run", "verify", "--project", "demo", "--wait"], "")?;
    checks.check(
        "the next verification exits with 6",
        verify.status.code() == Some(6),
    );
    checks.check(
        "snapshot show --verify says CORRUPT and exits with 6",
        shown(hub, snapshot)? == (false, 6),
    );
    Ok(())
}

/// Whether `snapshot show --verify` says OK (not CORRUPT), and its exit code.
fn shown(hub: &Hub, snapshot: &str) -> Result<(bool, i32)> {
    let output = hub.try_cli(
        &["snapshot", "show", snapshot, "--verify", "--output", "json"],
        "",
    )?;
    let detail: Value = serde_json::from_slice(&output.stdout).context("snapshot show printed no JSON")?;
    let good = match detail["verification"]["result"].as_str() {
        Some("OK") => true,
        Some("CORRUPT") => false,
        other => bail!("snapshot show --verify says {other:?} of {snapshot}"),
    };
    Ok((good, output.status.code().unwrap_or(-1)))
}

/// The tasks that were not there `before`, once the last of the chain has ended or one has failed.
fn over(hub: &Hub, before: &BTreeSet<String>) -> Result<Option<Vec<Value>>> {
    let mut tasks = hub.tasks()?;
    tasks.retain(|task| !before.contains(&text(&task["upid"])));
    let ended = task(&tasks, "verify").is_some_and(|task| !task["ended"].is_null());
    let failed = tasks.iter().any(|task| task["status"] == "FAILED");
    Ok((ended || failed).then_some(tasks))
}

fn task<'a>(tasks: &'a [Value], job: &str) -> Option<&'a Value> {
    tasks.iter().find(|task| task["job"] == job)
}

fn upids(tasks: &[Value]) -> BTreeSet<String> {
    tasks.iter().map(|task| text(&task["upid"])).collect()
}

/// Seconds from one time to a later one, which is not half a day away.
fn pause(from: &Value, to: &Value) -> Option<f64> {
    let (from, to) = (summary::seconds(from)?, summary::seconds(to)?);
    Some((to - from).rem_euclid(86_400.0))
}
