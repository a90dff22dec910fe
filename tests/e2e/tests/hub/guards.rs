//! Commands of jobs end with their hub, whatever way it ends: else the task would be done again beside what is left of it.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use rustix::process::Signal;
use serde_json::Value;

use crate::fixture::{office, small_tree};

/// A shell script among the hub's commands.
pub(crate) fn script(hub: &TestHub, name: &str, text: &str) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let folder = hub.folder().join("data/commands");
    std::fs::create_dir_all(&folder)?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o700)
        .open(folder.join(name))?;
    Ok(std::io::Write::write_all(
        &mut file,
        format!("#!/bin/sh\n{text}\n").as_bytes(),
    )?)
}

/// A job whose command before its task is `name`.
fn job(hub: &TestHub, name: &str) -> String {
    format!(
        r#"
        [[job]]
        project = "office"
        name = "{name}"
        owner = "alice@local"
        command-before = {{ run = ["{name}"], timeout = "1h" }}
        [job.task]
        type = "backup"
        source = {{ tree = "{}" }}
        datastore = "ibs-primary"
        backup-id = "{name}"
        "#,
        hub.folder().join("tree").display()
    )
}

/// Whether a process runs; one that nobody has waited for may still be listed.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    !state.is_empty() && !state.starts_with('Z')
}

/// The processes that a script named, once it has named all.
fn named(file: &Path) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(file).ok()?;
    let pids: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    (pids.len() == 2).then_some(pids)
}

#[test]
fn a_command_ends_with_its_hub() -> Result<()> {
    commands_end_when(TestHub::kill)
}

/// Its task goes to another worker when its lease has run out: by then nothing of the command may be left.
#[test]
fn a_command_ends_when_its_hub_stands_still() -> Result<()> {
    commands_end_when(|hub| hub.signal(Signal::STOP))
}

fn commands_end_when(gone: impl FnOnce(&mut TestHub) -> Result<()>) -> Result<()> {
    let mut hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    let folder = hub.folder().to_owned();
    let commands = [
        ("dump", ""),
        // One that does not listen is killed after its grace, and so is what it started.
        ("stubborn", "trap '' TERM\n"),
    ];
    let mut jobs = String::new();
    for (name, before) in commands {
        let pids = folder.join(format!("{name}.pids"));
        let text = format!(
            "{before}sleep 1000 &\necho $$ $! > {0}.new\nmv {0}.new {0}\nwait\nwait\nsleep 1000",
            pids.display()
        );
        script(&hub, name, &text)?;
        jobs.push_str(&job(&hub, name));
    }
    hub.apply(&office(&hub, &tree, "", &jobs))?;
    let mut all = Vec::new();
    for (name, _) in commands {
        hub.ok(&["job", "run", name])?;
        let file = folder.join(format!("{name}.pids"));
        all.extend(hub.wait_until("the command says who it is", |_| Ok(named(&file)))?);
    }
    ensure!(all.iter().all(|pid| runs(pid)), "{all:?}");
    gone(&mut hub)?;
    hub.wait_until("nothing of the commands is left", |_| {
        Ok((!all.iter().any(|pid| runs(pid))).then_some(()))
    })
}

#[test]
fn a_guard_adds_nothing_to_a_command() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    script(&hub, "surroundings", "env; pwd; cat; exit 9")?;
    let jobs = job(&hub, "surroundings");
    hub.apply(&office(&hub, &tree, "", &jobs))?;
    let started: Value = hub.json(&["job", "run", "surroundings"])?;
    let upid = started["upid"].as_str().context("a UPID")?;
    let waited = hub.cli(&["task", "wait", "--upid", upid])?;
    ensure!(waited.status.code() == Some(1));
    let task: Value = hub.json(&["task", "show", "--upid", upid])?;
    let message = task["error"]["message"].as_str().context("an error")?;
    ensure!(
        message.ends_with("surroundings ended with exit code 9"),
        "{message}"
    );
    let log = hub.ok(&["task", "log", "--upid", upid])?;
    let said: Vec<&str> = log
        .lines()
        .filter_map(|line| Some(line.split_once(" surroundings: ")?.1))
        .collect();
    let folder = hub.folder().join("data/commands");
    ensure!(said.contains(&folder.display().to_string().as_str()), "{log}");
    for name in said.iter().filter_map(|line| Some(line.split_once('=')?.0)) {
        // The shell's own are the last.
        let known = name.starts_with("IRONCORE_") || ["PATH", "PWD", "OLDPWD", "SHLVL", "_"].contains(&name);
        ensure!(known, "{name}: {log}");
    }
    Ok(())
}
