//! A hub at rest: the real binary with a thousand jobs whose time is far away.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ironcore_testkit::hub::TestHub;

use crate::machine;
use crate::process::{memory_mb, processor_seconds};
use crate::report::{Bound, Figure};

const JOBS: usize = 1_000;

pub(super) async fn rest(short: bool) -> Result<Vec<Figure>> {
    tokio::task::spawn_blocking(move || measure(short)).await?
}

fn measure(short: bool) -> Result<Vec<Figure>> {
    let hub = TestHub::start("")?;
    hub.apply(&document(&hub))?;
    let jobs: serde_json::Value = hub.json(&["job", "list"])?;
    let listed = jobs["jobs"].as_array().map_or(0, Vec::len);
    ensure!(listed == JOBS, "{JOBS} jobs were declared, {listed} are there");
    let (settle, watch) = if short { (1, 3) } else { (15, 90) };
    std::thread::sleep(Duration::from_secs(settle));
    let pid = hub.pid().context("the hub runs")?;
    let (before, begun) = (processor_seconds(pid)?, Instant::now());
    std::thread::sleep(Duration::from_secs(watch));
    let used = (processor_seconds(pid)? - before) / begun.elapsed().as_secs_f64();
    let memory = |field| memory_mb(pid, field);
    let (resident, own, anonymous) = (memory("Rss:")?, memory("Pss:")?, memory("Anonymous:")?);
    ensure!(hub.tasks()?.is_empty(), "a hub at rest does nothing");
    let measure = |what| format!("hub at rest with {JOBS} jobs, {what}");
    Ok(vec![
        Figure::new(measure("of a core"), used * 100.0, "%", Bound::Most(1.0))
            .note(format!("over {watch} s")),
        Figure::new(measure("memory"), resident, "MB", Bound::Most(120.0)).note(format!(
            "resident; {own:.1} MB proportional, {anonymous:.1} MB anonymous"
        )),
    ])
}

/// Twenty projects with fifty jobs each, due once a year, half a year from now.
pub(crate) fn document(hub: &TestHub) -> String {
    let month = (machine::seams().now().as_seconds() / 2_629_746 + 6).rem_euclid(12) + 1;
    let store = hub.folder().join("ibs-primary");
    let names: Vec<String> = (0..20).map(|number| format!("project-{number}")).collect();
    let mut text = String::new();
    for name in &names {
        writeln!(text, "[[project]]\nname = \"{name}\"").expect("text grows");
    }
    let granted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    writeln!(
        text,
        "[[datastore]]\nname = \"ibs-primary\"\npath = \"{}\"\nprojects = [{}]",
        store.display(),
        granted.join(", ")
    )
    .expect("text grows");
    for number in 0..JOBS {
        let project = &names[number % names.len()];
        writeln!(
            text,
            "[[job]]\nproject = \"{project}\"\nname = \"job-{number}\"\nowner = \"owner@bench\"
            schedule = \"*-{month:02}-15 {:02}:{:02}\"
            [job.task]\ntype = \"backup\"\nsource = {{ tree = \"/srv/tree-{number}\" }}
            datastore = \"ibs-primary\"\nbackup-id = \"host-{number}\"",
            number % 24,
            number % 60
        )
        .expect("text grows");
    }
    text
}
