//! Whether everybody heard who should: each end of a job's task, and the broken chunk with the tip what to do.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::Value;

use super::checks::{Checks, text};
use super::hub::Hub;
use super::receivers::Receivers;
use super::summary::handler;

/// What the tip for a broken chunk advises.
const TIP: &str = "full backup";

/// All messages, once every event went to the inbox and no message waits any more.
pub(crate) fn delivered(hub: &Hub) -> Result<Option<Vec<Value>>> {
    let events = hub.inbox()?.len() as u64;
    let messages = hub.messages()?;
    // One message to the inbox tells of many events.
    let told = messages.iter().filter(|m| m["handler"] == "inbox");
    let fanned_out = told.filter_map(|m| m["events"].as_u64()).sum::<u64>() >= events;
    let open = messages
        .iter()
        .any(|m| m["state"] == "pending" || m["state"] == "sending");
    Ok((fanned_out && !open).then_some(messages))
}

/// Checks what mail, webhook, inbox and task page tell.
pub(crate) fn check(hub: &Hub, receivers: &Receivers, messages: &[Value], checks: &mut Checks) -> Result<()> {
    let tasks = hub.tasks()?;
    let ends: BTreeSet<String> = tasks
        .iter()
        .filter(|task| !task["job"].is_null())
        .map(|task| text(&task["upid"]))
        .collect();
    let received = receivers.received()?;
    let none = Vec::new();
    mails(received["mails"].as_array().unwrap_or(&none), &ends, checks);
    hooks(received["hooks"].as_array().unwrap_or(&none), &ends, checks);
    for name in ["oncall/mail", "oncall/chat", "hub.builtin/inbox"] {
        let all: Vec<&Value> = messages.iter().filter(|m| handler(m) == name).collect();
        let well = all
            .iter()
            .all(|m| m["state"] == "delivered" && m["attempts"].as_u64() >= Some(1));
        let told: u64 = all.iter().filter_map(|m| m["events"].as_u64()).sum();
        checks.check(
            &format!(
                "every message of {name} was delivered ({} messages of {told} events)",
                all.len()
            ),
            well && told >= ends.len() as u64,
        );
    }
    let inbox = hub.inbox()?;
    let entry = inbox.iter().find(|e| is_corrupt(&e["event"]));
    checks.check("the inbox says so", entry.is_some());
    checks.check("the inbox has the tip", entry.is_some_and(has_tip));
    let failed = tasks.iter().find(|task| task["status"] == "FAILED");
    let upid = failed.map(|task| text(&task["upid"])).unwrap_or_default();
    let shown = hub.json(&["task", "show", "--upid", &upid])?;
    checks.check("the task has the tip", has_tip(&shown["tips"]));
    Ok(())
}

fn mails(mails: &[Value], ends: &BTreeSet<String>, checks: &mut Checks) {
    let told = |upid: &String| {
        mails
            .iter()
            .any(|mail| text(&mail["text"]).contains(upid.as_str()))
    };
    checks.check(
        &format!("a mail told the end of each of the jobs' {} tasks", ends.len()),
        ends.iter().all(told),
    );
    let mail = mails.iter().find(|mail| text(&mail["text"]).contains("CORRUPT"));
    checks.check("a mail says CORRUPT", mail.is_some());
    checks.check(
        "that mail has the tip",
        mail.is_some_and(|mail| has_tip(&mail["text"])),
    );
    checks.check(
        "every mail came over TLS by a user who logged in",
        mails.iter().all(|m| m["secure"] == true && m["user"] == "hub"),
    );
}

fn hooks(hooks: &[Value], ends: &BTreeSet<String>, checks: &mut Checks) {
    let is_end = |hook: &&Value| {
        let kind = &hook["body"]["type"];
        kind == "ironcore.task.completed" || kind == "ironcore.task.failed"
    };
    let told: BTreeSet<String> = hooks
        .iter()
        .filter(is_end)
        .map(|hook| text(&hook["body"]["data"]["task"]["upid"]))
        .collect();
    checks.check(
        &format!("a webhook told the end of each of the jobs' {} tasks", ends.len()),
        ends.is_subset(&told),
    );
    let hook = hooks.iter().find(|hook| is_corrupt(&hook["body"]));
    checks.check("a webhook says chunk.corrupt", hook.is_some());
    checks.check("that webhook has the tip", hook.is_some_and(has_tip));
    checks.check(
        "every webhook's signature is valid",
        !hooks.is_empty() && hooks.iter().all(|h| h["verified"] == true),
    );
    let ids: BTreeSet<String> = hooks.iter().map(|hook| text(&hook["id"])).collect();
    checks.check("every webhook came once", ids.len() == hooks.len());
}

fn is_corrupt(event: &Value) -> bool {
    event["data"]["error"]["code"] == "chunk.corrupt"
}

fn has_tip(value: &Value) -> bool {
    value.to_string().to_lowercase().contains(TIP)
}
