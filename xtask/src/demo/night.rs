//! One night, unattended: at its time the job runs and everything follows; then a stored chunk breaks, and the next
//! verification says so to everybody.

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::checks::{Checks, table, text};
use super::hub::Hub;
use super::receivers::Receivers;
use crate::steps::{say, wait_for};

/// The jobs of the night, in their order.
const CHAIN: [&str; 5] = ["backup", "prune", "gc", "sync", "verify"];

pub(crate) fn run(hub: &Hub, receivers: &Receivers, tree: &Path, folder: &Path) -> Result<()> {
    let mut checks = Checks::default();
    // A time of day some seconds ahead, so that the scheduler itself starts the night.
    let soon = hub.json(&["schedule", "next", "*:*:0/5", "--count", "3"])?;
    let soon = soon[2].as_str().context("schedule next printed no time")?;
    let time_of_day = soon.get(11..19).context("not an RFC 3339 time")?;
    hub.apply(&super::objects(folder, tree, receivers, time_of_day)?)?;
    say(&format!("the night begins at {soon}"));
    let tasks = wait_for("the night is over", || over(hub))?;
    for job in CHAIN {
        let state = tasks
            .iter()
            .find(|task| task["job"] == job)
            .map_or("missing".to_owned(), |t| text(&t["status"]));
        checks.check(&format!("{job} ended OK (it is {state})"), state == "OK");
    }
    let bytes = tasks
        .iter()
        .find(|task| task["job"] == "backup")
        .and_then(|task| task["bytes"].as_u64());
    checks.check(
        "at least 1 GiB was backed up",
        bytes.is_some_and(|bytes| bytes >= 1 << 30),
    );

    let snapshots = hub.json(&["snapshot", "list", "ibs-primary"])?;
    let snapshot = text(&snapshots["snapshots"][0]["snapshot"]);
    restore(hub, &snapshot, tree, folder, &mut checks)?;
    let shown = hub.try_cli(&["snapshot", "show", &snapshot, "--verify"], "")?;
    checks.check("snapshot show --verify says OK", shown.status.code() == Some(0));

    say("breaking one stored chunk of ibs-primary");
    break_chunk(&folder.join("ibs-primary"))?;
    let verify = hub.try_cli(&["job", "run", "verify", "--project", "demo", "--wait"], "")?;
    checks.check(
        "the next verification exits with 6",
        verify.status.code() == Some(6),
    );
    let shown = hub.try_cli(&["snapshot", "show", &snapshot, "--verify"], "")?;
    let corrupt = String::from_utf8_lossy(&shown.stdout).contains("CORRUPT");
    checks.check(
        "snapshot show --verify says CORRUPT and exits with 6",
        corrupt && shown.status.code() == Some(6),
    );

    let messages = wait_for("every message is delivered", || delivered(hub))?;
    told(hub, receivers, &mut checks)?;
    print(hub, &messages)?;
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

/// The tasks of the night, once the last has ended or one has failed.
fn over(hub: &Hub) -> Result<Option<Vec<Value>>> {
    let tasks = tasks(hub)?;
    let ended = |job: &str| {
        tasks
            .iter()
            .any(|task| task["job"] == job && !task["ended"].is_null())
    };
    let failed = tasks.iter().any(|task| task["status"] == "FAILED");
    Ok((ended("verify") || failed).then_some(tasks))
}

fn tasks(hub: &Hub) -> Result<Vec<Value>> {
    let mut list = hub.json(&["task", "list", "--limit", "1000"])?;
    match list["tasks"].take() {
        Value::Array(tasks) => Ok(tasks),
        other => bail!("task list printed no tasks: {other}"),
    }
}

/// All messages, once none waits any more.
fn delivered(hub: &Hub) -> Result<Option<Vec<Value>>> {
    let mut list = hub.json(&["message", "list", "--limit", "1000"])?;
    let Value::Array(messages) = list["messages"].take() else {
        bail!("message list printed no messages")
    };
    // Five tasks of the night and the verification after it, each told by mail and by webhook.
    let told = |handler: &str| messages.iter().filter(|m| m["handler"] == handler).count() > CHAIN.len();
    let open = messages
        .iter()
        .any(|m| m["state"] == "pending" || m["state"] == "sending");
    Ok((told("mail") && told("chat") && !open).then_some(messages))
}

fn restore(hub: &Hub, snapshot: &str, tree: &Path, folder: &Path, checks: &mut Checks) -> Result<()> {
    let to = folder.join("restored");
    let path = to.display().to_string();
    let restored = hub.try_cli(&["restore", "start", snapshot, "--to", &path, "--wait"], "")?;
    checks.check("the restore ended OK", restored.status.code() == Some(0));
    let output = Command::new("rsync")
        .args(["-anci", "--delete", "-AXH"])
        .args([slash(tree), slash(&to)])
        .output()
        .context("rsync cannot be started; it compares the restored tree: install the package rsync")?;
    let same = output.status.success() && output.stdout.is_empty();
    checks.check(
        "the restored tree equals the source (rsync -anc --delete -AXH)",
        same,
    );
    if !same {
        say(&String::from_utf8_lossy(&output.stdout)
            .lines()
            .take(20)
            .collect::<Vec<_>>()
            .join("\n"));
        say(&String::from_utf8_lossy(&output.stderr));
    }
    std::fs::remove_dir_all(&to).context("the restored tree cannot be removed")
}

fn slash(path: &Path) -> String {
    format!("{}/", path.display())
}

/// Turns one byte round in the middle of the largest file of the datastore, which is a pack of chunks.
fn break_chunk(datastore: &Path) -> Result<()> {
    let mut folders = vec![datastore.to_owned()];
    let mut largest: (u64, Option<PathBuf>) = (0, None);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            if meta.is_dir() {
                folders.push(entry.path());
            } else if meta.len() > largest.0 {
                largest = (meta.len(), Some(entry.path()));
            }
        }
    }
    let path = largest.1.context("the datastore holds no file")?;
    // Packs are read-only once written.
    let mut mode = std::fs::metadata(&path)?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o600);
    std::fs::set_permissions(&path, mode)?;
    let mut file = std::fs::File::options().read(true).write(true).open(&path)?;
    let at = SeekFrom::Start(largest.0 / 2);
    let mut byte = [0];
    file.seek(at)?;
    file.read_exact(&mut byte)?;
    file.seek(at)?;
    file.write_all(&[!byte[0]])?;
    file.sync_all()?;
    Ok(())
}

/// Whether mail, webhook, inbox and task page tell of the broken chunk, with the tip what to do.
fn told(hub: &Hub, receivers: &Receivers, checks: &mut Checks) -> Result<()> {
    let received = receivers.received()?;
    let none = Vec::new();
    let mails = received["mails"].as_array().unwrap_or(&none);
    let hooks = received["hooks"].as_array().unwrap_or(&none);
    let tip = "full backup";
    let mail = mails.iter().find(|mail| text(&mail["text"]).contains("CORRUPT"));
    checks.check("a mail says CORRUPT", mail.is_some());
    checks.check(
        "that mail has the tip",
        mail.is_some_and(|m| text(&m["text"]).to_lowercase().contains(tip)),
    );
    checks.check(
        "every mail came over TLS by a user who logged in",
        mails.iter().all(|m| m["secure"] == true && m["user"] == "hub"),
    );
    let corrupt = |hook: &&Value| hook["body"]["data"]["error"]["code"] == "chunk.corrupt";
    let hook = hooks.iter().find(corrupt);
    checks.check("a webhook says chunk.corrupt", hook.is_some());
    checks.check(
        "that webhook has the tip",
        hook.is_some_and(|h| h["body"].to_string().to_lowercase().contains(tip)),
    );
    checks.check(
        "every webhook's signature is valid",
        !hooks.is_empty() && hooks.iter().all(|h| h["verified"] == true),
    );
    let ids: BTreeSet<String> = hooks.iter().map(|hook| text(&hook["id"])).collect();
    checks.check("every webhook came once", ids.len() == hooks.len());
    let inbox = hub.json(&["inbox", "list", "--limit", "200"])?;
    let entries = inbox["entries"].as_array().unwrap_or(&none);
    let entry = entries
        .iter()
        .find(|e| e["event"]["data"]["error"]["code"] == "chunk.corrupt");
    checks.check("the inbox says so", entry.is_some());
    checks.check(
        "the inbox has the tip",
        entry.is_some_and(|e| e.to_string().to_lowercase().contains(tip)),
    );
    let failed = tasks(hub)?.into_iter().find(|task| task["status"] == "FAILED");
    let upid = failed.map(|task| text(&task["upid"])).unwrap_or_default();
    let shown = hub.json(&["task", "show", "--upid", &upid])?;
    checks.check(
        "the task has the tip",
        shown["tips"].to_string().to_lowercase().contains(tip),
    );
    Ok(())
}

fn print(hub: &Hub, messages: &[Value]) -> Result<()> {
    let mut tasks = tasks(hub)?;
    tasks.reverse();
    say("");
    let rows: Vec<Vec<String>> = tasks
        .iter()
        .map(|task| {
            vec![
                text(&task["type"]),
                text(&task["status"]),
                text(&task["bytes"]),
                duration(task),
                text(&task["upid"]),
            ]
        })
        .collect();
    table(&["TYPE", "STATE", "BYTES", "DURATION", "UPID"], &rows);
    say("");
    let mut rows = Vec::new();
    let (inbox, sent): (Vec<&Value>, Vec<&Value>) =
        messages.iter().rev().partition(|m| m["handler"] == "inbox");
    for message in sent {
        let detail = hub.json(&["message", "show", &text(&message["id"])])?;
        let about = text(&detail["events"][0]["event"]["data"]["title"]);
        rows.push(vec![
            text(&message["handler"]),
            text(&message["state"]),
            text(&message["attempts"]),
            about.chars().take(90).collect(),
        ]);
    }
    let delivered = inbox
        .iter()
        .filter(|message| message["state"] == "delivered")
        .count();
    rows.push(vec![
        "inbox".to_owned(),
        "delivered".to_owned(),
        "1".to_owned(),
        format!("{delivered} entries"),
    ]);
    table(&["HANDLER", "OUTCOME", "ATTEMPTS", "ABOUT"], &rows);
    say("");
    Ok(())
}

/// Seconds between start and end, from the texts' own digits.
fn duration(task: &Value) -> String {
    match (seconds(&task["started"]), seconds(&task["ended"])) {
        (Some(started), Some(ended)) => format!("{:.1} s", (ended - started).rem_euclid(86_400.0)),
        _ => "-".to_owned(),
    }
}

/// Seconds of the day of an RFC 3339 time in UTC.
fn seconds(time: &Value) -> Option<f64> {
    let clock = time.as_str()?.get(11..)?.trim_end_matches('Z');
    let mut parts = clock.split(':').map(|part| part.parse::<f64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    Some(hours * 3600.0 + minutes * 60.0 + seconds)
}
