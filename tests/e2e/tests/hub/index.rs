//! A damaged index: a warning of its own, and no snapshot is blamed for it.

use anyhow::{Context, Result, ensure};
use ironcore_testkit::damage;
use ironcore_testkit::hub::TestHub;
use serde_json::Value;

use crate::fixture::{office, small_tree};

#[test]
fn a_damaged_index_is_a_warning_and_is_made_anew() -> Result<()> {
    let mut hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    hub.apply(&office(&hub, &tree, "", ""))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    let list: Value = hub.json(&["snapshot", "list", "ibs-primary"])?;
    let reference = list["snapshots"][0]["snapshot"]
        .as_str()
        .context("a snapshot")?
        .to_owned();
    let verify = ["verify", "start", "ibs-primary", "--again", "--wait"];
    for restarted in [false, true] {
        if restarted {
            hub.stop()?;
        }
        let segment = damage::largest_file(&hub.folder().join("ibs-primary/index"))?;
        damage::flip_byte(&segment, 100)?;
        if restarted {
            hub.resume()?;
        }
        let run = hub.cli(&[&verify[..], &["--output", "json"]].concat())?;
        let task: Value = serde_json::from_slice(&run.stdout)?;
        ensure!(run.status.code() == Some(3), "{task:#}");
        let warnings = task["warnings"].as_array().context("warnings")?;
        ensure!(
            warnings.len() == 1 && warnings[0]["code"] == "index.damaged",
            "{task:#}"
        );
        hub.ok(&["snapshot", "show", &reference, "--verify"])?;
        hub.ok(&verify)?;
    }
    let to = hub.folder().join("restored");
    let to_text = to.display().to_string();
    hub.ok(&["restore", "start", &reference, "--to", &to_text, "--wait"])?;
    ensure!(std::fs::read(to.join("hello.txt"))? == b"hello\n");
    Ok(())
}
