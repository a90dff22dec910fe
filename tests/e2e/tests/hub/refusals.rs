//! Bad input of every kind: a clear error with its code, and nothing lost.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::{TestHub, binary};
use serde_json::Value;

use crate::fixture::{office, small_tree};

#[test]
fn an_unknown_configuration_key_is_refused_with_its_place() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hub.toml");
    std::fs::File::create(&path)?.write_all(b"slots = 2\nlissten = \"127.0.0.1:1\"\n")?;
    for command in [vec!["config", "check"], vec!["serve"]] {
        let output = std::process::Command::new(binary()?)
            .args(command)
            .arg("--config")
            .arg(&path)
            .output()?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(1), "{error}");
        ensure!(
            error.contains("line 2, column 1") && error.contains("lissten"),
            "{error}"
        );
        ensure!(error.contains("[config.invalid]"), "{error}");
    }
    Ok(())
}

#[test]
fn a_declaration_with_faults_changes_nothing() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    let good = office(&hub, &tree, "", "");
    for (bad, code, place) in [
        (good.replace("owner =", "ownr ="), "config.invalid", "ownr"),
        (
            good.replace("owner =", "schedule = \"25:00\"\nowner ="),
            "schedule.invalid",
            "25:00",
        ),
        (
            good.replace("owner =", "groups = [\"nobody\"]\nowner ="),
            "config.invalid",
            "nobody",
        ),
        (
            good.replace("owner =", "after = \"nothing\"\nowner ="),
            "config.invalid",
            "nothing",
        ),
    ] {
        let output = hub.cli_with(&["apply", "-f", "-"], bad.as_bytes())?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(!output.status.success(), "accepted:\n{bad}");
        ensure!(error.contains(code) && error.contains(place), "{error}");
    }
    ensure!(hub.ok(&["export"])?.trim().is_empty(), "something was made");
    Ok(())
}

#[test]
fn a_missing_source_fails_the_task_with_its_code_and_a_tip() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = hub.folder().join("not-there");
    hub.apply(&office(&hub, &tree, "", ""))?;
    let output = hub.cli(&["job", "run", "files", "--wait"])?;
    ensure!(output.status.code() == Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        text.contains("FAILED") && text.contains("[source.unreachable]"),
        "{text}"
    );
    let mut hub = hub;
    hub.wait_until("the task has a tip", |hub| {
        let upid = hub.tasks()?[0]["upid"].as_str().unwrap_or_default().to_owned();
        let task: Value = hub.json(&["task", "show", "--upid", &upid])?;
        Ok(task["tips"]
            .as_array()
            .is_some_and(|tips| !tips.is_empty())
            .then_some(()))
    })
}

#[test]
fn a_datastore_is_never_made_where_something_is() -> Result<()> {
    let hub = TestHub::start("")?;
    let taken = hub.folder().join("taken");
    std::fs::create_dir(&taken)?;
    std::fs::File::create(taken.join("precious"))?.write_all(b"do not touch")?;
    let path = taken.display().to_string();
    let output = hub.cli(&["datastore", "create", "ibs-primary", "--path", &path])?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        !output.status.success() && error.contains("[datastore.not-empty]"),
        "{error}"
    );
    ensure!(std::fs::read(taken.join("precious"))? == b"do not touch");

    let path = hub.folder().join("store").display().to_string();
    hub.ok(&["datastore", "create", "ibs-primary", "--path", &path])?;
    let output = hub.cli(&["datastore", "create", "ibs-second", "--path", &path])?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        !output.status.success() && error.contains("[datastore.shared-path]"),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_second_hub_on_the_same_ledger_is_refused() -> Result<()> {
    let hub = TestHub::start("")?;
    let output = std::process::Command::new(binary()?)
        .args(["serve", "--config"])
        .arg(hub.folder().join("hub.toml"))
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(1) && error.contains("[ledger.locked]"),
        "{error}"
    );
    ensure!(hub.ok(&["status"])?.contains("Version"));
    Ok(())
}

#[test]
fn a_handler_that_its_plugin_cannot_read_is_refused_by_key() -> Result<()> {
    let hub = TestHub::start("")?;
    let document = r#"
        [[project]]
        name = "office"
        [[group]]
        project = "office"
        name = "oncall"
        [[group.handler]]
        name = "chat"
        plugin = "webhook"
        [group.handler.config]
        uri = "https://chat.example/"
    "#;
    let output = hub.cli_with(&["apply", "-f", "-"], document.as_bytes())?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        !output.status.success() && error.contains("plugin.config"),
        "{error}"
    );
    ensure!(error.contains("uri") || error.contains("url"), "{error}");
    let unknown = document.replace("\"webhook\"", "\"pigeon\"");
    let output = hub.cli_with(&["apply", "-f", "-"], unknown.as_bytes())?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success() && error.contains("pigeon"), "{error}");
    Ok(())
}

#[test]
fn a_link_to_a_datastore_is_that_datastore() -> Result<()> {
    let hub = TestHub::start("")?;
    let store = hub.folder().join("store");
    hub.ok(&[
        "datastore",
        "create",
        "ibs-primary",
        "--path",
        &store.display().to_string(),
    ])?;
    let link = hub.folder().join("link");
    std::os::unix::fs::symlink(&store, &link)?;
    let inside = store.join("inside");
    for path in [&link, &inside] {
        for verb in ["create", "attach", "adopt"] {
            let output = hub.cli(&[
                "datastore",
                verb,
                "ibs-second",
                "--path",
                &path.display().to_string(),
            ])?;
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(
                !output.status.success() && error.contains("[datastore."),
                "{verb} {path:?}: {error}"
            );
        }
    }
    ensure!(!inside.exists(), "a refused datastore left something behind");
    Ok(())
}

#[test]
fn a_project_never_prunes_or_verifies_what_another_made() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    let other = r#"
        [[project]]
        name = "other"

        [[job]]
        project = "other"
        name = "prune"
        owner = "mallory@local"
        task = { type = "prune", datastore = "ibs-primary", keep = { last = 1 } }

        [[job]]
        project = "other"
        name = "verify"
        owner = "mallory@local"
        task = { type = "verify", datastore = "ibs-primary" }
    "#;
    let declared = office(&hub, &tree, "", other);
    let granted = r#"projects = ["office", "other"]"#;
    hub.apply(&declared.replace(r#"projects = ["office"]"#, granted))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    hub.ok(&["job", "run", "prune", "--project", "other", "--wait"])?;
    hub.ok(&["job", "run", "verify", "--project", "other", "--wait"])?;
    let list: Value = hub.json(&["snapshot", "list", "ibs-primary"])?;
    let snapshots = list["snapshots"].as_array().cloned().unwrap_or_default();
    ensure!(snapshots.len() == 2, "{list:#}");
    ensure!(
        snapshots
            .iter()
            .all(|snapshot| snapshot["verification"].is_null()),
        "{list:#}"
    );
    Ok(())
}

#[test]
fn nothing_is_put_into_a_datastore_or_among_the_hubs_own_files() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    let declared = office(&hub, &tree, "", "");
    hub.apply(&declared)?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    let list: Value = hub.json(&["snapshot", "list", "ibs-primary"])?;
    let reference = list["snapshots"][0]["snapshot"].as_str().context("a snapshot")?;
    let link = hub.folder().join("link");
    std::os::unix::fs::symlink(hub.folder().join("ibs-primary"), &link)?;
    for (place, whose) in [
        (hub.folder().join("data/inside"), "data folder"),
        (link.join("inside"), "ibs-primary"),
    ] {
        let path = place.display().to_string();
        for verb in ["create", "attach", "adopt"] {
            let output = hub.cli(&["datastore", verb, "ibs-second", "--path", &path])?;
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(
                !output.status.success() && error.contains(whose),
                "{verb}: {error}"
            );
        }
        let second = format!("{declared}\n[[datastore]]\nname = \"ibs-second\"\npath = \"{path}\"\n");
        let output = hub.cli_with(&["apply", "-f", "-"], second.as_bytes())?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(!output.status.success() && error.contains(whose), "{error}");

        let output = hub.cli(&["restore", "start", reference, "--to", &path, "--wait"])?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.code() == Some(1) && text.contains("[restore.target]"),
            "{text}"
        );
        ensure!(text.contains(whose), "{text}");
        ensure!(!place.exists(), "something was made in {path}");
    }
    // Around them is refused as well: with `overwrite` the files of a datastore would be replaced.
    for place in [hub.folder().to_owned(), "/".into()] {
        let path = place.display().to_string();
        let output = hub.cli(&[
            "restore",
            "start",
            reference,
            "--to",
            &path,
            "--overwrite",
            "--wait",
        ])?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.code() == Some(1) && text.contains("[restore.target]"),
            "{text}"
        );
    }
    hub.ok(&["verify", "start", "ibs-primary", "--wait"])?;
    // A datastore that the hub does not know is in the way as well.
    hub.ok(&["job", "remove", "files", "--yes"])?;
    hub.ok(&["datastore", "remove", "ibs-primary", "--yes"])?;
    let path = link.join("inside").display().to_string();
    let output = hub.cli(&["datastore", "create", "ibs-second", "--path", &path])?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        !output.status.success() && error.contains("[datastore.shared-path]"),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_copy_of_a_datastore_is_refused() -> Result<()> {
    let hub = TestHub::start("")?;
    let (store, copy) = (hub.folder().join("store"), hub.folder().join("copy"));
    let path = store.display().to_string();
    hub.ok(&["datastore", "create", "ibs-primary", "--path", &path])?;
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([&store, &copy])
        .status()?;
    ensure!(copied.success());
    let path = copy.display().to_string();
    for verb in ["attach", "adopt"] {
        let output = hub.cli(&["datastore", verb, "ibs-second", "--path", &path])?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            !output.status.success() && error.contains("[conflict]") && error.contains("copy of ibs-primary"),
            "{verb}: {error}"
        );
    }
    let declared = format!("[[datastore]]\nname = \"ibs-second\"\npath = \"{path}\"\n");
    let output = hub.cli_with(&["apply", "-f", "-"], declared.as_bytes())?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        !output.status.success() && error.contains("copy of ibs-primary"),
        "{error}"
    );
    // What was moved is no copy.
    std::fs::remove_dir_all(&store)?;
    hub.ok(&["datastore", "attach", "ibs-second", "--path", &path])?;
    Ok(())
}

#[test]
fn why_a_place_cannot_hold_a_datastore_is_told() -> Result<()> {
    let hub = TestHub::start("")?;
    let below = hub.folder().join("hub.toml/below").display().to_string();
    for path in ["/dev/null", below.as_str()] {
        for verb in ["create", "attach", "adopt"] {
            let output = hub.cli(&["datastore", verb, "ibs-primary", "--path", path])?;
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(
                !output.status.success() && error.contains("[datastore.io]"),
                "{verb}: {error}"
            );
            ensure!(
                error.contains(path) && error.contains("Not a directory"),
                "{verb}: {error}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_snapshot_of_an_unknown_datastore_is_no_missing_snapshot() -> Result<()> {
    let hub = TestHub::start("")?;
    let output = hub.cli(&["snapshot", "show", "nods:vm/1/2026-05-21T00:00:00Z"])?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(5) && error.contains("There is no datastore nods."),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_name_that_nobody_knows_is_no_filter_that_leaves_everything_out() -> Result<()> {
    let hub = TestHub::start("")?;
    for (command, what) in [
        (
            vec![
                "notify",
                "explain",
                "--type",
                "task.failed",
                "--project",
                "nowhere",
            ],
            "project nowhere",
        ),
        (
            vec!["message", "replay", "--project", "nowhere"],
            "project nowhere",
        ),
        (
            vec!["message", "replay", "--handler", "oncall/chat"],
            "handler oncall/chat",
        ),
        (vec!["message", "list", "--handler", "chat"], "handler chat"),
    ] {
        let output = hub.cli(&command)?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            output.status.code() == Some(5) && error.contains(&format!("There is no {what}.")),
            "{command:?}: {error}"
        );
    }
    Ok(())
}
