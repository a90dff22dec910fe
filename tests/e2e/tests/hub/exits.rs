//! What a command that follows a task prints and how it exits: by how the task ended, when it is interrupted, and
//! when the hub is started anew meanwhile.

use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::damage;
use ironcore_testkit::hub::{PATIENCE, TestHub};
use ironcore_testkit::postgres::Cluster;
use serde_json::Value;

use crate::fixture::{office, small_tree};

/// Puts a program into the hub's folder of commands.
fn command(hub: &TestHub, name: &str, script: &str) -> Result<()> {
    let folder = hub.folder().join("data/commands");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(name);
    std::io::Write::write_all(&mut std::fs::File::create(&file)?, script.as_bytes())?;
    for (path, mode) in [(&folder, 0o700), (&file, 0o700)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// A further backup job of `office`.
fn backup_job(name: &str, tree: &str, more: &str) -> String {
    format!(
        r#"
        [[job]]
        project = "office"
        name = "{name}"
        owner = "alice@local"
        {more}
        task = {{ type = "backup", source = {{ tree = "{tree}" }}, datastore = "ibs-primary", backup-type = "vm", backup-id = "{name}" }}
        "#
    )
}

fn run(hub: &TestHub, job: &str) -> Result<String> {
    let started: Value = hub.json(&["job", "run", job])?;
    Ok(started["upid"].as_str().context("a UPID")?.to_owned())
}

#[test]
fn the_exit_code_tells_how_a_followed_task_ended() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    command(&hub, "fails", "#!/bin/sh\nexit 7\n")?;
    let warns = backup_job(
        "warns",
        &tree.display().to_string(),
        "command-before = { run = [\"fails\"], on-failure = \"warn\" }",
    );
    let missing = backup_job("missing", "/nothing/there", "");
    let again = ["wait", "follow"].map(|how| {
        backup_job(
            &format!("again-{how}"),
            "/nothing/there",
            "retries = 1\nretry-delay = \"1h\"",
        )
    });
    let again = again.concat();
    hub.apply(&office(&hub, &tree, "", &format!("{warns}{missing}{again}")))?;
    for (job, status, code) in [
        ("files", "OK", 0),
        ("warns", "WARNING", 3),
        ("missing", "FAILED", 1),
    ] {
        let waited = hub.cli(&["job", "run", job, "--wait"])?;
        let said = String::from_utf8_lossy(&waited.stdout).into_owned();
        ensure!(waited.status.code() == Some(code), "{job}: {said}");
        ensure!(said.contains(&format!("Status\t{status}\n")), "{said}");

        let followed = hub.cli(&["job", "run", job, "--follow"])?;
        let told = String::from_utf8_lossy(&followed.stderr).into_owned();
        ensure!(followed.status.code() == Some(code), "{job}: {told}");
        let last = told.lines().last().unwrap_or_default();
        ensure!(last.starts_with(&format!("{status} after ")), "{told}");

        let upid = told.lines().next().context("a UPID")?;
        let log = hub.cli(&["task", "log", "--upid", upid, "--follow"])?;
        ensure!(log.status.code() == Some(code) && log.stdout == followed.stdout);
        let waited = hub.cli(&["task", "wait", "--upid", upid])?;
        ensure!(waited.status.code() == Some(code), "{job}");
    }

    // What is tried again is told where it fails.
    for (how, said) in [
        ("wait", "\nRetried by\tUPID:"),
        ("follow", "\nit is tried again as UPID:"),
    ] {
        let failed = hub.cli(&["job", "run", &format!("again-{how}"), &format!("--{how}")])?;
        let told = [failed.stdout, failed.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        ensure!(failed.status.code() == Some(1) && told.contains(said), "{told}");
        let upid = told.split("UPID:").last().context("a UPID")?;
        let upid = format!("UPID:{}", upid.lines().next().unwrap_or_default());
        let retry: Value = hub.json(&["task", "show", "--upid", &upid])?;
        ensure!(retry["attempt"] == 2 && retry["state"] == "queued", "{retry:#}");
        let first = retry["retry_of"].as_str().context("the attempt before it")?;
        let first: Value = hub.json(&["task", "show", "--upid", first])?;
        ensure!(
            first["retried_by"] == upid && first["node"].is_string(),
            "{first:#}"
        );
    }

    let pack = damage::largest_file(&hub.folder().join("ibs-primary"))?;
    damage::flip_byte(&pack, std::fs::metadata(&pack)?.len() / 2)?;
    for how in ["--wait", "--follow"] {
        let verified = hub.cli(&["verify", "start", "ibs-primary", "--again", how])?;
        let said = String::from_utf8_lossy(&verified.stdout).into_owned();
        ensure!(verified.status.code() == Some(6), "{how}: {said}");
    }
    Ok(())
}

#[test]
fn a_follower_is_told_why_a_task_waits_and_may_be_interrupted() -> Result<()> {
    let mut hub = TestHub::start("slots = 1\n")?;
    command(&hub, "hangs", "#!/bin/sh\nexec sleep 600\n")?;
    let tree = small_tree(&hub)?;
    let blocks = backup_job(
        "blocks",
        "/srv",
        "command-before = { run = [\"hangs\"], timeout = \"1h\" }",
    );
    let second = backup_job("second", "/srv", "");
    hub.apply(&office(&hub, &tree, "", &format!("{blocks}{second}")))?;
    let blocks = run(&hub, "blocks")?;
    hub.wait_until("the slot is taken", |hub| {
        let task: Value = hub.json(&["task", "show", "--upid", &blocks])?;
        Ok((task["state"] == "running").then_some(()))
    })?;
    let first = run(&hub, "files")?;
    let upid = run(&hub, "second")?;
    let waits = |place: u32| format!("queued, number {place}: all worker slots are taken (1 slot in all)\n");

    let mut follower = hub.program("follower", &["task", "log", "--upid", &upid, "--follow"])?;
    hub.wait_until("it says why", |_| Ok((!follower.err().is_empty()).then_some(())))?;
    ensure!(follower.err() == waits(2), "{}", follower.err());
    let mut waiter = hub.program("waiter", &["task", "wait", "--upid", &upid])?;
    hub.wait_until("who waits is told too", |_| {
        Ok((waiter.err() == waits(2)).then_some(()))
    })?;
    hub.ok(&["task", "cancel", "--upid", &first])?;
    hub.wait_until("it says that the place is another", |_| {
        Ok((follower.err() == format!("{}{}", waits(2), waits(1))).then_some(()))
    })?;

    for (name, args) in [
        ("log", vec!["task", "log", "--upid", &upid, "--follow"]),
        ("wait", vec!["task", "wait", "--upid", &upid]),
        ("run-wait", vec!["job", "run", "files", "--wait"]),
        ("run-follow", vec!["job", "run", "files", "--follow"]),
    ] {
        let mut program = hub.program(name, &args)?;
        hub.wait_until("it minds the interrupt key", |_| {
            Ok(program.minds_interrupts()?.then_some(()))
        })?;
        program.interrupt()?;
        let status = program.end(PATIENCE)?;
        ensure!(status.code() == Some(130), "{name}: {status}\n{}", program.err());
        ensure!(
            program
                .err()
                .contains("no longer waiting; the task goes on: UPID:"),
            "{name}"
        );
    }
    let shown: Value = hub.json(&["task", "show", "--upid", &upid])?;
    ensure!(
        shown["state"] == "queued",
        "an interrupted follower stops nothing: {shown}"
    );

    hub.ok(&["task", "cancel", "--upid", &upid])?;
    let waited = waiter.end(PATIENCE)?;
    ensure!(waited.code() == Some(1), "{waited}\n{}", waiter.err());
    let status = follower.end(PATIENCE)?;
    let told = follower.err();
    ensure!(
        status.code() == Some(1) && told.ends_with("\nCANCELLED\n"),
        "{status}\n{told}"
    );
    let out = follower.out();
    ensure!(
        out.lines().count() == 1 && out.contains(" ended CANCELLED by "),
        "{out}"
    );
    ensure!(out.ends_with(", before it began\n"), "{out}");
    Ok(())
}

#[test]
fn a_follower_goes_on_when_the_hub_is_started_anew() -> Result<()> {
    let database = format!("database = \"{}\"\n", Cluster::shared()?.database()?);
    let mut front = TestHub::start(&format!(
        "{database}roles = [\"api\", \"scheduler\", \"notify\"]\n"
    ))?;
    front.keep_port()?;
    let worker = front.beside("worker", &format!("{database}roles = [\"worker\"]\n"))?;
    // It goes on only when the hub that is followed is away.
    let go = front.folder().join("go");
    let script = format!(
        "#!/bin/sh\nfor n in $(seq 300); do echo \"before $n\"; done\n\
         while [ ! -e {go} ]; do sleep 0.05; done\nfor n in $(seq 300); do echo \"after $n\"; done\nexit 7\n",
        go = go.display()
    );
    command(&worker, "speaks", &script)?;
    let tree = small_tree(&front)?;
    let more = "command-before = { run = [\"speaks\"], on-failure = \"warn\" }";
    front.apply(&office(&front, &tree, more, ""))?;
    let mut follower = front.program("follower", &["job", "run", "files", "--follow"])?;
    front.wait_until("half of it was printed", |_| {
        Ok(follower.out().contains("before 300\n").then_some(()))
    })?;

    front.stop()?;
    front.wait_until("the follower misses the hub", |_| {
        Ok(follower
            .err()
            .contains("the hub does not answer; asking again")
            .then_some(()))
    })?;
    std::fs::File::create(&go)?;
    front.resume()?;
    let status = follower.end(PATIENCE)?;
    let told = follower.err();
    ensure!(status.code() == Some(3), "{status}\n{told}");
    ensure!(
        told.contains("the hub answers again\n") && told.contains("\nWARNING after "),
        "{told}"
    );
    let upid = told.lines().next().context("a UPID")?;
    let log = front.ok(&["task", "log", "--upid", upid])?;
    ensure!(
        follower.out() == log,
        "followed:\n{}\nin full:\n{log}",
        follower.out()
    );
    ensure!(log.contains("after 300\n"), "{log}");
    Ok(())
}

/// SIGTERM lets what runs end for a while, then hands it over: the next attempt goes on after the restart.
#[test]
fn a_hub_that_is_stopped_hands_its_task_over() -> Result<()> {
    let mut hub = TestHub::start("")?;
    hub.keep_port()?;
    let begun = hub.folder().join("begun");
    let script = format!(
        "#!/bin/sh\nif [ -e {begun} ]; then exit 0; fi\ntouch {begun}\necho hangs\nexec sleep 600\n",
        begun = begun.display()
    );
    command(&hub, "hangs-once", &script)?;
    let tree = small_tree(&hub)?;
    let more = "command-before = { run = [\"hangs-once\"] }";
    hub.apply(&office(&hub, &tree, more, ""))?;
    let upid = run(&hub, "files")?;
    hub.wait_until("it runs", |_| Ok(begun.exists().then_some(())))?;
    hub.stop()?;
    hub.resume()?;
    let first: Value = hub.json(&["task", "show", "--upid", &upid])?;
    ensure!(first["error"]["code"] == "worker.stopped", "{first}");
    let log = hub.ok(&["task", "log", "--upid", &upid])?;
    let last = log.lines().last().unwrap_or_default();
    ensure!(
        last.contains("ended FAILED") && last.ends_with("[worker.stopped]"),
        "{log}"
    );
    let next = hub.wait_until("it goes on", |hub| {
        let list: Value = hub.json(&["task", "list", "--job", "files", "--status", "OK"])?;
        Ok(list["tasks"].get(0).cloned())
    })?;
    ensure!(
        next["retry_of"] == upid.as_str() && next["attempt"] == first["attempt"],
        "{next}"
    );
    Ok(())
}

#[test]
fn a_follower_hears_of_a_task_that_was_lost_with_its_hub() -> Result<()> {
    let mut hub = TestHub::start("")?;
    hub.keep_port()?;
    command(&hub, "hangs", "#!/bin/sh\necho hangs\nexec sleep 600\n")?;
    let tree = small_tree(&hub)?;
    hub.apply(&office(&hub, &tree, "command-before = { run = [\"hangs\"] }", ""))?;
    let upid = run(&hub, "files")?;
    let mut follower = hub.program("follower", &["task", "log", "--upid", &upid, "--follow"])?;
    hub.wait_until("it has begun", |_| {
        Ok(follower.out().contains("hangs\n").then_some(()))
    })?;
    hub.kill()?;
    hub.resume()?;
    let status = follower.end(PATIENCE)?;
    let told = follower.err();
    ensure!(status.code() == Some(1), "{status}\n{told}");
    ensure!(
        told.contains("[worker.lost]\nit is tried again as UPID:"),
        "{told}"
    );
    let log = hub.ok(&["task", "log", "--upid", &upid])?;
    ensure!(
        follower.out() == log,
        "followed:\n{}\nin full:\n{log}",
        follower.out()
    );
    Ok(())
}
