//! What those do who operate a hub: copies of its own state, pauses, workers, and the usual jobs of a project.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::postgres::Cluster;
use serde_json::Value;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::fixture::{noise, office, small_tree};

fn on_postgres() -> bool {
    std::env::var("IRONCORE_TEST_DATABASE").is_ok_and(|database| database == "postgres")
}

fn mode(path: &Path) -> Result<u32> {
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o777)
}

fn archive_of(run: &Value) -> Result<PathBuf> {
    let path = run["archive"]["path"].as_str().context("an archive")?;
    Ok(PathBuf::from(path))
}

/// Restores an archive to a folder, without a hub.
fn restore(hub: &TestHub, archive: &Path, data: &Path, database: &str) -> Result<Output> {
    let (archive, data) = (archive.display().to_string(), data.display().to_string());
    hub.cli(&[
        "hub",
        "restore",
        &archive,
        "--data",
        &data,
        "--database",
        database,
    ])
}

/// What the hub's configuration says of its database.
fn database(hub: &TestHub) -> Result<String> {
    let config: toml::Table = std::fs::read_to_string(hub.folder().join("hub.toml"))?.parse()?;
    let named = config.get("database").and_then(toml::Value::as_str);
    Ok(named.unwrap_or("sqlite").to_owned())
}

/// Lets it say something else.
fn set_database(hub: &TestHub, database: &str) -> Result<()> {
    let path = hub.folder().join("hub.toml");
    let mut config: toml::Table = std::fs::read_to_string(&path)?.parse()?;
    config.insert("database".to_owned(), database.into());
    Ok(std::fs::File::create(path)?.write_all(toml::to_string(&config)?.as_bytes())?)
}

/// The hub's own folder is lost; only this archive is left of it.
fn lose_folder(hub: &TestHub, archive: &Path) -> Result<(PathBuf, PathBuf)> {
    let (data, lost) = (hub.folder().join("data"), hub.folder().join("lost"));
    if lost.exists() {
        std::fs::remove_dir_all(&lost)?;
    }
    let moved = std::process::Command::new("mv").args([&data, &lost]).status()?;
    ensure!(moved.success());
    let archive = lost.join("backups").join(archive.file_name().context("a name")?);
    Ok((data, archive))
}

/// Whatever was in the database is lost.
fn lose(url: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut conn = PgConnection::connect(url).await?;
        for lost in ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"] {
            sqlx::query(lost).execute(&mut conn).await?;
        }
        Ok(())
    })
}

fn refused(output: &Output, exit: i32, said: &str) -> Result<()> {
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(exit) && error.contains(said),
        "expected exit {exit} and {said}, got {}: {error}",
        output.status
    );
    Ok(())
}

#[test]
fn a_hub_is_copied_while_it_works_and_goes_on_from_the_copy() -> Result<()> {
    let mut hub = TestHub::start("slots = 1\n")?;
    let database = database(&hub)?;
    let tree = hub.folder().join("tree");
    noise(&tree, 150, 4_000_000, 3)?;
    hub.apply(&office(&hub, &tree, "", ""))?;
    hub.secret("hook", "a secret of the hub")?;
    let started: Value = hub.json(&["job", "run", "files", "--full"])?;
    let upid = started["upid"].as_str().context("a UPID")?.to_owned();
    hub.wait_until("the backup runs", |hub| {
        let task: Value = hub.json(&["task", "show", "--upid", &upid])?;
        Ok((task["status"] == "running").then_some(()))
    })?;
    let run: Value = hub.json(&["hub", "backup"])?;
    let archive = archive_of(&run)?;
    ensure!(mode(&archive)? == 0o600, "{:o}", mode(&archive)?);
    let listed = hub.ok(&["hub", "list"])?;
    ensure!(listed.contains(&archive.display().to_string()), "{listed}");
    let task: Value = hub.json(&["task", "show", "--upid", &upid])?;
    ensure!(
        task["status"] == "running",
        "the backup ended before the copy was made, so nothing was tested: {task}"
    );
    hub.kill()?;

    let (data, archive) = lose_folder(&hub, &archive)?;
    let lost = hub.folder().join("lost");
    if on_postgres() {
        // Nothing is overwritten.
        let refusal = restore(&hub, &archive, &data, &database)?;
        refused(&refusal, 1, "[restore.target-exists]")?;
        ensure!(!data.exists(), "something was left behind");
        lose(&database)?;
    }
    let output = restore(&hub, &archive, &data, &database)?;
    let (told, next) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    ensure!(output.status.success(), "{next}");
    ensure!(
        told.contains("Jobs\t1") && next.contains(&format!("serve --data {}", data.display())),
        "{told}{next}"
    );
    for folder in ["", "keys", "secrets"] {
        ensure!(mode(&data.join(folder))? == 0o700, "{folder}");
    }
    for file in ["admin.token", "keys/signing.key", "secrets/hook.sealed"] {
        ensure!(mode(&data.join(file))? == 0o600, "{file}");
        let same = std::fs::read(data.join(file))? == std::fs::read(lost.join(file))?;
        ensure!(same, "{file} is another");
    }
    let file = data.join("ledger.sqlite");
    ensure!(file.exists() != on_postgres(), "the database is elsewhere");
    ensure!(on_postgres() || mode(&file)? == 0o600);

    hub.resume()?;
    // On a server that another hub could share, when its lease has run out.
    let task = hub.wait_until("the backup is given up", |hub| {
        let task: Value = hub.json(&["task", "show", "--upid", &upid])?;
        Ok((task["status"] != "running").then_some(task))
    })?;
    ensure!(
        task["status"] == "FAILED" && task["error"]["code"] == "worker.lost",
        "{task}"
    );
    let workers = hub.ok(&["worker", "list"])?;
    ensure!(
        workers.contains("\tonline\t") && workers.contains("\tlost\t"),
        "{workers}"
    );
    ensure!(hub.ok(&["job", "list"])?.contains("office\tfiles"));
    ensure!(hub.ok(&["secret", "list"])?.contains("hook"));
    // It signs with the same key, or the datastore would not let it write.
    hub.ok(&["job", "run", "files", "--wait"])?;
    Ok(())
}

#[test]
fn a_hub_moves_to_a_server_and_back() -> Result<()> {
    let mut hub = TestHub::start("")?;
    set_database(&hub, "sqlite")?;
    hub.stop()?;
    hub.resume()?;
    let tree = small_tree(&hub)?;
    hub.apply(&office(&hub, &tree, "", ""))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    for there in [Cluster::shared()?.database()?, "sqlite".to_owned()] {
        let tasks = hub.tasks()?;
        let log = |hub: &TestHub| {
            let upid = tasks[0]["upid"].as_str().context("a UPID")?;
            hub.ok(&["task", "log", "--upid", upid])
        };
        let (lines, events) = (log(&hub)?, hub.ok(&["inbox", "list"])?);
        let archive = archive_of(&hub.json(&["hub", "backup"])?)?;
        hub.stop()?;
        let (data, archive) = lose_folder(&hub, &archive)?;
        let output = restore(&hub, &archive, &data, &there)?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        set_database(&hub, &there)?;
        hub.resume()?;
        ensure!(
            hub.tasks()? == tasks,
            "{:#?} on {there}, was {tasks:#?}",
            hub.tasks()?
        );
        ensure!(log(&hub)? == lines, "{} on {there}, was {lines}", log(&hub)?);
        // What it tells since then stands above.
        let now = hub.ok(&["inbox", "list"])?;
        let (_, rows) = events.split_once('\n').context("a head")?;
        ensure!(now.ends_with(rows), "{now} on {there}, was {events}");
        // Found by what they are called and why they failed, and gone on with.
        hub.wait_until("it is found by its source", |hub| {
            let found = hub.ok(&["task", "list", "--text", &tree.display().to_string()])?;
            Ok((found.lines().count() > 1).then_some(()))
        })?;
        hub.ok(&["job", "run", "files", "--wait"])?;
        ensure!(hub.tasks()?.len() == tasks.len() + 1);
    }
    Ok(())
}

/// The archive with one bit flipped, in its middle or soon after. Compressed data has bits that change nothing, such as
/// which of several runs of zeros is copied: an archive that unpacks to the very same is whole, so such a bit is passed over.
fn with_a_flip_that_matters(mut bytes: Vec<u8>) -> Result<Vec<u8>> {
    let whole = zstd::decode_all(bytes.as_slice())?;
    for at in bytes.len() / 2..bytes.len() {
        bytes[at] ^= 1;
        match zstd::decode_all(bytes.as_slice()) {
            Ok(unpacked) if unpacked == whole => bytes[at] ^= 1,
            _ => return Ok(bytes),
        }
    }
    anyhow::bail!("no bit of the archive matters")
}

#[test]
fn an_archive_is_used_whole_or_not_at_all() -> Result<()> {
    let mut hub = TestHub::start("[backup]\nkeep = 3\n")?;
    hub.secret("hook", "a secret of the hub")?;
    let whole = archive_of(&hub.json(&["hub", "backup"])?)?;
    let folder = hub.folder().to_owned();
    let into = |name: &str| folder.join(name);

    let flipped = into("flipped.tar.zst");
    std::fs::File::create(&flipped)?.write_all(&with_a_flip_that_matters(std::fs::read(&whole)?)?)?;
    refused(
        &restore(&hub, &flipped, &into("new"), "sqlite")?,
        1,
        "[archive.invalid]",
    )?;
    ensure!(!into("new").exists(), "something was left behind");

    // Neither the folder of a hub that runs, nor any other that holds something.
    for (folder, said) in [("data", "holds a hub"), ("config-of-somebody", "is not empty")] {
        std::fs::create_dir_all(into(folder))?;
        if folder != "data" {
            std::fs::File::create(into(folder).join("notes.txt"))?.write_all(b"mine")?;
        }
        let output = restore(&hub, &whole, &into(folder), "sqlite")?;
        refused(&output, 1, said)?;
        refused(&output, 1, "[restore.target-exists]")?;
    }
    ensure!(std::fs::read(into("config-of-somebody").join("notes.txt"))? == b"mine");

    let other = whole.with_file_name("mine.tar.zst");
    std::fs::File::create(&other)?.write_all(b"not of the hub")?;
    let without: Value = hub.json(&["hub", "backup", "--without-keys", "--keep", "1"])?;
    let removed = without["archive"]["removed"][0]
        .as_str()
        .context("one was removed")?;
    ensure!(whole.ends_with(removed) && !whole.exists() && other.exists());
    std::fs::create_dir(into("keyless"))?;
    let output = restore(&hub, &archive_of(&without)?, &into("keyless"), "sqlite")?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success() && told.contains("signing.key"), "{told}");
    ensure!(into("keyless").join("secrets/hook.sealed").exists());
    let keys = into("keyless").join("keys");
    ensure!(std::fs::read_dir(&keys)?.next().is_none());
    ensure!(!into("keyless").join("admin.token").exists());

    // The archives are listed by whoever hub looks: what was made before it was started too.
    let path = without["archive"]["path"].as_str().context("a path")?;
    let listed = hub.ok(&["hub", "list"])?;
    let states: Vec<Option<&str>> = listed
        .lines()
        .skip(1)
        .map(|line| line.split('\t').nth(2))
        .collect();
    ensure!(states == [Some("done"), Some("removed")], "{listed}");
    hub.stop()?;
    hub.resume()?;
    let listed = hub.ok(&["hub", "list"])?;
    let rows: Vec<&str> = listed.lines().skip(1).collect();
    ensure!(
        rows.len() == 1 && rows[0].contains("\t-\tdone\t") && rows[0].ends_with(path),
        "{listed}"
    );
    let list: Value = hub.json(&["hub", "list"])?;
    let bytes = std::fs::metadata(path)?.len();
    ensure!(
        list["backups"] == serde_json::json!([]) && list["archives"][0]["bytes"] == bytes,
        "{list}"
    );

    // With the keys put back it is a hub: with a token of its own, for the one before is not in the archive.
    hub.stop()?;
    let (data, token) = (into("data"), std::fs::read(hub.token_file())?);
    for file in ["signing.key", "secrets.key"] {
        std::fs::copy(data.join("keys").join(file), keys.join(file))?;
    }
    std::fs::remove_dir_all(&data)?;
    let moved = std::process::Command::new("mv")
        .args([&into("keyless"), &data])
        .status()?;
    ensure!(moved.success());
    set_database(&hub, "sqlite")?;
    hub.resume()?;
    ensure!(std::fs::read(hub.token_file())? != token);
    ensure!(hub.ok(&["secret", "list"])?.contains("hook"));
    // So it is when the token is deleted.
    hub.stop()?;
    std::fs::remove_file(hub.token_file())?;
    hub.resume()?;
    hub.ok(&["status"])?;
    Ok(())
}

#[test]
fn a_pause_is_seen_wherever_runs_are_awaited() -> Result<()> {
    let hub = TestHub::start("slots = 3\n")?;
    let tree = small_tree(&hub)?;
    hub.apply(&office(&hub, &tree, "schedule = \"02:00\"", ""))?;
    let next = hub.ok(&["job", "next"])?;
    ensure!(
        next.starts_with("NEXT\tLEFT\tLAST\tPASSED\tPROJECT\tJOB\tTYPE\tNOTE\n")
            && next.contains("T02:00:00Z")
            && next.contains("office\tfiles\tbackup\t-"),
        "{next}"
    );
    let ten: Value = hub.json(&["job", "next", "files"])?;
    ensure!(
        ten["runs"].as_array().is_some_and(|runs| runs.len() == 10),
        "{ten}"
    );
    let first = &ten["runs"][0];
    ensure!(
        first["begins"] == first["due"] && first["ticks"] == 1 && first["held_by"].is_null(),
        "{first}"
    );
    let three = hub.ok(&["job", "next", "--count", "3"])?;
    ensure!(three.lines().count() == 4, "{three}");

    let paused: Value = hub.json(&["job", "pause", "files"])?;
    ensure!(paused["job"]["enabled"] == false, "{paused}");
    let next = hub.ok(&["job", "next"])?;
    ensure!(next.contains("office\tfiles\tbackup\tpaused"), "{next}");
    let shown = hub.ok(&["job", "show", "files"])?;
    ensure!(
        shown.contains("State\tpaused") && shown.contains("Last run\tnever"),
        "{shown}"
    );
    hub.ok(&["job", "resume", "files"])?;
    let shown = hub.ok(&["job", "show", "files"])?;
    let runs = shown
        .lines()
        .filter(|line| line.contains("T02:00:00Z (in "))
        .count();
    ensure!(shown.contains("State\tenabled") && runs == 10, "{shown}");

    hub.ok(&["scheduler", "pause"])?;
    let state: Value = hub.json(&["scheduler", "status"])?;
    ensure!(
        state["paused"] == true && state["since"].is_string() && state["nodes"][0] == "testhub",
        "{state}"
    );
    let next = hub.cli(&["job", "next"])?;
    ensure!(String::from_utf8_lossy(&next.stderr).contains("The scheduler is paused since"));
    let state: Value = hub.json(&["scheduler", "resume"])?;
    ensure!(state["paused"] == false && state["since"].is_null(), "{state}");

    let workers: Value = hub.json(&["worker", "list"])?;
    let worker = &workers["workers"][0];
    ensure!(
        worker["node"] == "testhub" && worker["slots"] == 3 && worker["state"] == "online",
        "{workers}"
    );
    ensure!(hub.ok(&["worker", "list"])?.contains("online\t0/3\t"));
    Ok(())
}

#[test]
fn ticks_that_a_blackout_holds_are_one_run_at_its_end() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    let held = "schedule = \"*:26..33\"\nblackout = [{ from = \"*:25\", lasts = \"10m\" }]";
    hub.apply(&office(&hub, &tree, held, ""))?;
    let next: Value = hub.json(&["job", "next", "files", "--count", "3"])?;
    // The first may lie in a window that is under way.
    let run = &next["runs"][1];
    let text = |key: &str| run[key].as_str().unwrap_or_default().to_owned();
    ensure!(
        text("begins").ends_with(":35:00Z") && text("due").ends_with(":26:00Z") && run["ticks"] == 8,
        "{next}"
    );
    ensure!(
        run["held_by"]["from"] == "*:25" && run["held_by"]["until"] == run["begins"],
        "{next}"
    );
    let told = hub.ok(&["job", "next"])?;
    ensure!(
        told.contains(":35:00Z\t") && told.contains("held by blackout *:25 for 10m; due "),
        "{told}"
    );
    let shown = hub.ok(&["job", "show", "files"])?;
    ensure!(shown.contains("one run for 8 times)"), "{shown}");
    Ok(())
}

#[test]
fn a_followed_log_ends_with_the_result_beside_it() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = hub.folder().join("nothing-there");
    hub.apply(&office(&hub, &tree, "", ""))?;
    let started: Value = hub.json(&["job", "run", "files"])?;
    let upid = started["upid"].as_str().context("a UPID")?.to_owned();
    let followed = hub.cli(&["task", "log", "--upid", &upid, "--follow"])?;
    let result = String::from_utf8_lossy(&followed.stderr).into_owned();
    ensure!(followed.status.code() == Some(1), "{result}");
    let last = result.lines().last().unwrap_or_default();
    ensure!(
        last.starts_with("FAILED after ") && last.ends_with("[source.unreachable]"),
        "{result}"
    );
    let log = hub.cli(&["task", "log", "--upid", &upid])?;
    ensure!(!log.stdout.is_empty() && followed.stdout == log.stdout && log.stderr.is_empty());
    let json = hub.cli(&["task", "log", "--upid", &upid, "--follow", "--output", "json"])?;
    let ended: Value = serde_json::from_slice(&json.stderr)?;
    ensure!(
        ended["status"] == "FAILED" && ended["error"]["code"] == "source.unreachable",
        "{ended}"
    );

    let source = tree.display().to_string();
    let listed = hub.ok(&[
        "task",
        "list",
        "--source",
        &source,
        "--target",
        "ibs-primary:vm/12345",
    ])?;
    ensure!(listed.contains(&upid), "{listed}");
    let listed = hub.ok(&["task", "list", "--source", "/elsewhere"])?;
    ensure!(listed.lines().count() == 1, "{listed}");
    Ok(())
}

#[test]
fn a_list_that_is_empty_tells_of_a_name_that_nothing_has() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    hub.apply(&office(&hub, &tree, "", ""))?;
    let told = |args: &[&str]| -> Result<String> {
        let output = hub.cli(&[&["task", "list"], args].concat())?;
        ensure!(output.status.success(), "{args:?}: {output:?}");
        let empty = String::from_utf8_lossy(&output.stdout).lines().count() == 1;
        ensure!(empty || args.contains(&"json"), "{args:?}: {output:?}");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    ensure!(
        told(&["--job", "files"])?.is_empty(),
        "a job that has not run yet"
    );
    let job = "no job is called fils; `job list` shows them\n";
    ensure!(told(&["--job", "fils"])? == job);
    let project = "no project is called ofice; `project list` shows them\n";
    ensure!(told(&["--project", "ofice", "--job", "files"])? == project);
    let both = "no job is called fils in project office; `job list` shows them\n";
    ensure!(told(&["--project", "office", "--job", "fils"])? == both);
    ensure!(told(&["--job", "fils", "--output", "json"])? == job);
    let json: Value = serde_json::from_str(&hub.ok(&["task", "list", "--job", "fils", "--output", "json"])?)?;
    ensure!(
        json["tasks"] == serde_json::json!([]) && json["count"] == 0,
        "{json}"
    );

    // What was removed is known by its tasks.
    hub.ok(&["job", "run", "files", "--wait"])?;
    hub.ok(&["job", "remove", "files", "--yes"])?;
    ensure!(told(&["--job", "files", "--status", "failed"])?.is_empty());
    Ok(())
}

#[test]
fn a_new_project_gets_the_usual_jobs_and_they_run() -> Result<()> {
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    for name in ["ibs-primary", "ibs-archival"] {
        let path = hub.folder().join(name).display().to_string();
        hub.ok(&["datastore", "create", name, "--path", &path])?;
    }
    let tree = tree.display().to_string();
    let with = [
        "home",
        "--datastore",
        "ibs-primary",
        "--archive",
        "ibs-archival",
        "--tree",
        &tree,
        "--owner",
        "alice@local",
        "--timezone",
        "Europe/Berlin",
    ];
    hub.ok(&[
        &["project", "create", "--pattern", "--title", "At home"],
        &with[..],
    ]
    .concat())?;
    let export = hub.ok(&["export"])?;
    let document: toml::Value = toml::from_str(&export)?;
    let jobs = document["job"].as_array().context("jobs")?;
    let expected = [
        ("archive", "Sun 04:30"),
        ("daily", "02:00"),
        ("gc", "Sun 07:00"),
        ("gc-archive", "Sun 07:00"),
        ("prune-archive", "05:00"),
        ("prune-daily", "05:00"),
        ("prune-weekly", "05:00"),
        ("verify", "Sun 06:00"),
        ("verify-archive", "Sun 06:00"),
        ("weekly", "Sun 03:00"),
    ];
    let told: Vec<(&str, &str)> = jobs
        .iter()
        .filter_map(|job| Some((job["name"].as_str()?, job["schedule"].as_str()?)))
        .collect();
    ensure!(told == expected, "{told:?}");
    ensure!(
        jobs.iter()
            .all(|job| job["timezone"].as_str() == Some("Europe/Berlin")
                && job["owner"].as_str() == Some("alice@local"))
    );
    for (job, rule, count) in [
        ("prune-daily", "daily", 7),
        ("prune-weekly", "weekly", 3),
        ("prune-archive", "weekly", 52),
    ] {
        let found = jobs.iter().find(|found| found["name"].as_str() == Some(job));
        let keep = found.and_then(|found| found["task"].get("keep")?.get(rule)?.as_integer());
        ensure!(keep == Some(count), "{job}: {keep:?}");
    }

    for (job, _) in expected.iter().rev() {
        hub.ok(&["job", "run", job, "--project", "home", "--wait"])?;
    }
    hub.ok(&["job", "run", "prune-archive", "--project", "home", "--wait"])?;
    let held = |store: &str| -> Result<Vec<String>> {
        let list: Value = hub.json(&["snapshot", "list", store])?;
        let names = list["snapshots"].as_array().context("snapshots")?.iter();
        let names =
            names.filter_map(|found| Some(found["snapshot"].as_str()?.rsplit_once('/')?.0.to_owned()));
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(names)
    };
    ensure!(held("ibs-primary")? == ["ibs-primary:host/home", "ibs-primary:ns/weekly/host/home"]);
    ensure!(held("ibs-archival")? == ["ibs-archival:ns/weekly/host/home"]);

    let pattern = hub.ok(&[&["project", "pattern"], &with[..]].concat())?;
    let again = hub.cli_with(&["apply", "-f", "-", "--output", "json"], pattern.as_bytes())?;
    let again: Value = serde_json::from_slice(&again.stdout)?;
    ensure!(
        again["created"] == serde_json::json!([]) && again["changed"] == serde_json::json!([]),
        "{again}"
    );
    refused(&hub.cli(&["project", "create", "home"])?, 1, "[conflict]")?;
    refused(
        &hub.cli(&["project", "create", "x", "--pattern"])?,
        2,
        "--datastore",
    )?;
    Ok(())
}
