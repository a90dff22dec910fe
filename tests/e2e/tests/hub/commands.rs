//! The commands of the product's page, as they are written there.

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use serde_json::Value;

use crate::fixture::{noise, office, small_tree};

/// The reference of the only snapshot.
fn snapshot(hub: &TestHub) -> Result<String> {
    let list: Value = hub.json(&["snapshot", "list", "ibs-primary"])?;
    Ok(list["snapshots"][0]["snapshot"]
        .as_str()
        .context("a snapshot")?
        .to_owned())
}

#[test]
fn the_page_works_as_written() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    hub.apply(&office(&hub, &tree, "", ""))?;
    let started: Value = hub.json(&["job", "run", "files"])?;
    let upid = started["upid"].as_str().context("a UPID")?.to_owned();
    hub.ok(&["task", "wait", "--upid", &upid])?;

    let listed = hub.ok(&["task", "list", "--since", "1h ago"])?;
    ensure!(listed.contains(&upid) && listed.contains("OK"), "{listed}");
    let failed = hub.ok(&[
        "task", "list", "--type", "backup", "--status", "FAILED", "--since", "24h ago",
    ])?;
    ensure!(!failed.contains(&upid), "{failed}");

    let followed = hub.ok(&["task", "log", "--upid", &upid, "--follow"])?;
    let log = hub.ok(&["task", "log", "--upid", &upid])?;
    ensure!(followed == log, "followed:\n{followed}\ndownloaded:\n{log}");
    ensure!(log.contains("backup") && log.lines().count() >= 3, "{log}");

    let reference = snapshot(&hub)?;
    ensure!(reference.starts_with("ibs-primary:vm/12345/20"), "{reference}");
    let shown = hub.ok(&["snapshot", "show", &reference, "--verify"])?;
    ensure!(shown.contains("never verified"), "{shown}");
    hub.ok(&["verify", "start", &reference, "--wait"])?;
    let shown = hub.ok(&["snapshot", "show", &reference, "--verify"])?;
    ensure!(
        shown
            .lines()
            .any(|line| line.starts_with("Verification") && line.ends_with("OK")),
        "{shown}"
    );

    let to = hub.folder().join("restored");
    hub.ok(&[
        "restore",
        "start",
        &reference,
        "--to",
        &to.display().to_string(),
        "--wait",
    ])?;
    let same = std::process::Command::new("rsync")
        .args(["-anci", "--delete", "-AXH"])
        .arg(format!("{}/", tree.display()))
        .arg(format!("{}/", to.display()))
        .output()?;
    ensure!(
        same.status.success() && same.stdout.is_empty(),
        "{}",
        String::from_utf8_lossy(&same.stdout)
    );

    hub.ok(&["gc", "start", "ibs-primary", "--wait"])?;
    hub.ok(&["prune", "start", "ibs-primary", "--keep-last", "1", "--wait"])?;
    let services = hub.ok(&["status", "--services"])?;
    for service in ["api", "scheduler", "worker", "verifier", "gc", "sync", "notify"] {
        ensure!(
            services.contains(&format!("ironcore-backup-{service}\tonline")),
            "{service}:\n{services}"
        );
    }
    Ok(())
}

#[test]
fn exported_objects_apply_unchanged() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    hub.apply(&office(
        &hub,
        &tree,
        "schedule = \"Sun 06:00\"\ntimezone = \"Europe/Berlin\"",
        "",
    ))?;
    let exported = hub.ok(&["export"])?;
    let output = hub.cli_with(&["apply", "-f", "-", "--output", "json"], exported.as_bytes())?;
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(answer["created"] == serde_json::json!([]), "{answer}");
    ensure!(answer["changed"] == serde_json::json!([]), "{answer}");
    ensure!(
        answer["unchanged"].as_array().is_some_and(|all| all.len() == 3),
        "{answer}"
    );
    let jobs = hub.ok(&["job", "list"])?;
    ensure!(jobs.contains("Sun 06:00 (Europe/Berlin)"), "{jobs}");
    Ok(())
}

#[test]
fn schedule_next_needs_no_hub() -> Result<()> {
    let run = |args: &[&str]| -> Result<Value> {
        let output = std::process::Command::new(ironcore_testkit::hub::binary()?)
            .args(["schedule", "next"])
            .args(args)
            .args(["--output", "json"])
            .output()?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let sundays = run(&["0 2 * * 7", "--after", "2026-05-21T00:00:00Z", "--count", "2"])?;
    ensure!(
        sundays == serde_json::json!(["2026-05-24T02:00:00Z", "2026-05-31T02:00:00Z"]),
        "{sundays}"
    );
    // 02:30 does not exist on this night in Berlin: it fires at the first instant after the gap.
    let gap = run(&[
        "02:30",
        "--after",
        "2026-03-28T12:00:00Z",
        "--count",
        "1",
        "--timezone",
        "Europe/Berlin",
    ])?;
    ensure!(gap == serde_json::json!(["2026-03-29T01:00:00Z"]), "{gap}");
    Ok(())
}

#[test]
fn without_a_token_nothing_is_told() -> Result<()> {
    let hub = TestHub::start("")?;
    let wrong = hub.folder().join("wrong.token");
    std::io::Write::write_all(&mut std::fs::File::create(&wrong)?, b"0000\n")?;
    let output = hub.cli(&["task", "list", "--token-file", &wrong.display().to_string()])?;
    ensure!(output.status.code() == Some(4), "exit {:?}", output.status.code());
    ensure!(String::from_utf8_lossy(&output.stderr).contains("[auth.required]"));
    // A member of another project sees nothing of this one.
    let tree = small_tree(&hub)?;
    hub.apply(&format!(
        "{}\n[[project]]\nname = \"other\"\n",
        office(&hub, &tree, "", "")
    ))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    let token: Value = hub.json(&[
        "token",
        "create",
        "bob@local!ci",
        "--role",
        "member",
        "--project",
        "other",
    ])?;
    let file = hub.folder().join("bob.token");
    let secret = token["secret"].as_str().context("a secret")?;
    std::io::Write::write_all(&mut std::fs::File::create(&file)?, secret.as_bytes())?;
    let file = file.display().to_string();
    let listed = hub.cli(&["task", "list", "--token-file", &file])?;
    ensure!(
        String::from_utf8_lossy(&listed.stdout).lines().count() == 1,
        "only the head is left"
    );
    let upid = hub.tasks()?[0]["upid"].as_str().context("a UPID")?.to_owned();
    let shown = hub.cli(&["task", "show", "--upid", &upid, "--token-file", &file])?;
    ensure!(
        shown.status.code() == Some(5),
        "a guessed UPID answers as if it were not there"
    );
    Ok(())
}

#[test]
fn a_datastore_of_another_hub_is_refused_until_it_is_taken_over() -> Result<()> {
    let first = TestHub::start("")?;
    let tree = small_tree(&first)?;
    first.apply(&office(&first, &tree, "", ""))?;
    first.ok(&["job", "run", "files", "--wait"])?;
    let reference = snapshot(&first)?;
    let path = first.folder().join("ibs-primary").display().to_string();

    let second = TestHub::start("")?;
    let output = second.cli(&["datastore", "attach", "ibs-primary", "--path", &path])?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        !output.status.success() && error.contains("[datastore.foreign]"),
        "{error}"
    );
    second.ok(&["datastore", "adopt", "ibs-primary", "--path", &path])?;
    second.ok(&["verify", "start", &reference, "--wait"])?;
    let to = second.folder().join("restored").display().to_string();
    second.ok(&["restore", "start", &reference, "--to", &to, "--wait"])?;
    ensure!(std::fs::read(second.folder().join("restored/hello.txt"))? == b"hello\n");
    Ok(())
}

#[test]
fn a_verification_past_its_window_is_stale() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    let objects = office(&hub, &tree, "", "");
    hub.apply(&objects.replace(
        "name = \"ibs-primary\"",
        "name = \"ibs-primary\"\nkeep-verified = \"1ms\"",
    ))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    let reference = snapshot(&hub)?;
    hub.ok(&["verify", "start", &reference, "--wait"])?;
    let shown = hub.ok(&["snapshot", "show", &reference, "--verify"])?;
    ensure!(
        shown
            .lines()
            .any(|line| line.starts_with("Verification") && line.ends_with("STALE")),
        "{shown}"
    );
    let listed = hub.ok(&["snapshot", "list", "ibs-primary"])?;
    ensure!(listed.contains("STALE"), "{listed}");
    Ok(())
}

#[test]
fn a_verification_says_what_it_left_out() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    hub.apply(&office(&hub, &tree, "", ""))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    hub.ok(&["verify", "start", "ibs-primary", "--wait"])?;
    let count = |args: &[&str]| -> Result<(u64, u64)> {
        let task: Value = hub.json(args)?;
        let stats = &task["stats"];
        Ok((
            stats["snapshots"].as_u64().context("verified")?,
            stats["snapshots_skipped"].as_u64().context("left out")?,
        ))
    };
    let start = ["verify", "start", "ibs-primary", "--wait"];
    ensure!(count(&start)? == (0, 1), "verified a moment ago");
    let inbox: Value = hub.json(&["inbox", "list", "--limit", "1"])?;
    let title = inbox["entries"][0]["event"]["data"]["title"].to_string();
    ensure!(
        title.contains("nothing was due, 1 snapshot verified OK before"),
        "{title}"
    );
    ensure!(count(&[&start[..], &["--again"]].concat())? == (1, 0));
    Ok(())
}

#[test]
fn a_running_task_is_cancelled_and_a_queued_one_too() -> Result<()> {
    let mut hub = TestHub::start("slots = 1\n")?;
    let tree = hub.folder().join("tree");
    noise(&tree, 150, 4_000_000, 3)?;
    hub.apply(&office(&hub, &tree, "", ""))?;
    let run = |hub: &TestHub| -> Result<String> {
        let started: Value = hub.json(&["job", "run", "files", "--full"])?;
        Ok(started["upid"].as_str().context("a UPID")?.to_owned())
    };
    let (running, queued) = (run(&hub)?, run(&hub)?);
    let status = |hub: &TestHub, upid: &str| -> Result<String> {
        let task: Value = hub.json(&["task", "show", "--upid", upid])?;
        Ok(task["status"].as_str().unwrap_or_default().to_owned())
    };
    hub.wait_until("the first runs", |hub| {
        Ok((status(hub, &running)? != "queued").then_some(()))
    })?;
    for upid in [&queued, &running] {
        hub.ok(&["task", "cancel", "--upid", upid])?;
    }
    for upid in [&queued, &running] {
        hub.wait_until("it is cancelled", |hub| {
            let status = status(hub, upid)?;
            ensure!(status != "OK" && status != "FAILED", "{upid} ended {status}");
            Ok((status == "CANCELLED").then_some(()))
        })?;
    }
    ensure!(
        hub.ok(&["snapshot", "list", "ibs-primary"])?.lines().count() == 1,
        "nothing was committed"
    );
    for (upid, end) in [(&queued, "before it began"), (&running, "bytes")] {
        let task: Value = hub.json(&["task", "show", "--upid", upid])?;
        let by = task["cancelled_by"].as_str().context("who cancelled it")?;
        let shown = hub.ok(&["task", "show", "--upid", upid])?;
        ensure!(shown.contains(&format!("Cancelled by\t{by}\n")), "{shown}");
        let log = hub.ok(&["task", "log", "--upid", upid])?;
        let last = log.lines().last().unwrap_or_default();
        ensure!(
            last.contains(&format!(" ended CANCELLED by {by}")) && last.contains(end),
            "{log}"
        );
    }
    let again = hub.cli(&["task", "cancel", "--upid", &running])?;
    ensure!(again.status.code() == Some(1), "final is final");
    Ok(())
}

#[test]
fn what_was_declared_is_removed_and_a_datastore_comes_back_whole() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    let group = "[[group]]\nproject = \"office\"\nname = \"oncall\"\n";
    hub.apply(&office(&hub, &tree, "groups = [\"oncall\"]", group))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    let reference = snapshot(&hub)?;
    hub.ok(&["verify", "start", &reference, "--wait"])?;

    let refused = |args: &[&str], exit: i32, said: &[&str]| -> Result<()> {
        let output = hub.cli(args)?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(exit), "{args:?}: {error}");
        ensure!(said.iter().all(|part| error.contains(*part)), "{args:?}: {error}");
        Ok(())
    };
    let objects = ["group/office/oncall", "datastore/ibs-primary", "project/office"];
    for object in objects {
        let mut parts = object.split('/');
        let (Some(kind), Some(name)) = (parts.next(), parts.next_back()) else {
            anyhow::bail!("{object}");
        };
        refused(&[kind, "remove", name], 2, &["--yes"])?;
        let said = [object, "used by", "job/office/files", "[conflict]"];
        refused(&[kind, "remove", name, "--yes"], 1, &said)?;
    }
    refused(&["job", "remove", "none", "--yes"], 5, &["[not-found]"])?;

    hub.ok(&["job", "remove", "files", "--yes"])?;
    ensure!(hub.ok(&["job", "list"])?.lines().count() == 1, "a job is left");
    ensure!(hub.ok(&["group", "list"])?.contains("office\toncall"));
    let gone: Value = hub.json(&["group", "remove", "oncall", "--project", "office", "--yes"])?;
    ensure!(
        gone == serde_json::json!({ "removed": "group/office/oncall" }),
        "{gone}"
    );
    let groups: Value = hub.json(&["group", "list"])?;
    ensure!(
        groups == serde_json::json!({ "groups": [], "failing": [] }),
        "{groups}"
    );

    let said = hub.ok(&["datastore", "remove", "ibs-primary", "--yes"])?;
    ensure!(said.contains("datastore attach ibs-primary"), "{said}");
    refused(&["snapshot", "list", "ibs-primary"], 5, &["ibs-primary"])?;
    let path = hub.folder().join("ibs-primary").display().to_string();
    hub.ok(&["datastore", "attach", "ibs-primary", "--path", &path])?;
    ensure!(snapshot(&hub)? == reference, "the snapshot is back");
    let shown = hub.ok(&["snapshot", "show", &reference, "--verify"])?;
    ensure!(
        shown
            .lines()
            .any(|line| line.starts_with("Verification") && line.ends_with("OK")),
        "{shown}"
    );
    let to = hub.folder().join("restored").display().to_string();
    hub.ok(&["restore", "start", &reference, "--to", &to, "--wait"])?;
    ensure!(std::fs::read(hub.folder().join("restored/hello.txt"))? == b"hello\n");

    let listed = hub.ok(&["project", "list"])?;
    ensure!(listed == "PROJECT\tLIMIT\tTITLE\noffice\t-\t-\n", "{listed}");
    hub.ok(&["project", "remove", "office", "--yes"])?;
    let projects: Value = hub.json(&["project", "list"])?;
    ensure!(projects == serde_json::json!({ "projects": [] }), "{projects}");
    ensure!(hub.tasks()?.len() >= 3, "the history stays");
    Ok(())
}
