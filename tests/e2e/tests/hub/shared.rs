//! A datastore that two projects share: what each of them sees of it.

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use serde_json::Value;

use crate::fixture::{noise, small_tree};

#[test]
fn a_project_sees_its_own_part_of_a_shared_datastore() -> Result<()> {
    let hub = TestHub::start("")?;
    let office = small_tree(&hub)?;
    let lab = hub.folder().join("lab");
    noise(&lab, 3, 1_000_000, 11)?;
    let job = |project: &str, tree: &std::path::Path| {
        format!(
            r#"
            [[project]]
            name = "{project}"
            [[job]]
            project = "{project}"
            name = "{project}-files"
            owner = "alice@local"
            task = {{ type = "backup", source = {{ tree = "{tree}" }}, datastore = "both", backup-id = "{project}" }}
            "#,
            tree = tree.display()
        )
    };
    hub.apply(&format!(
        "[[datastore]]\nname = \"both\"\npath = \"{}\"\nprojects = [\"office\", \"lab\"]\n{}{}",
        hub.folder().join("both").display(),
        job("office", &office),
        job("lab", &lab)
    ))?;
    hub.ok(&["job", "run", "office-files", "--wait"])?;
    hub.ok(&["job", "run", "lab-files", "--wait"])?;

    let made: Value = hub.json(&[
        "token",
        "create",
        "bob@local!desk",
        "--role",
        "member",
        "--project",
        "office",
    ])?;
    let file = hub.folder().join("bob.token");
    let secret = made["secret"].as_str().context("a secret")?;
    std::io::Write::write_all(&mut std::fs::File::create(&file)?, secret.as_bytes())?;
    let file = file.display().to_string();
    let both = |args: &[&str]| -> Result<(Value, Value)> {
        let member = [args, &["--token-file", &file]].concat();
        Ok((hub.json(args)?, hub.json(&member)?))
    };

    let (all, own) = both(&["datastore", "list"])?;
    let (all, own) = (&all["datastores"][0], &own["datastores"][0]);
    ensure!(all["online"] == true && own["online"] == true, "{own}");
    let (all, own) = (&all["usage"], &own["usage"]);
    ensure!(all["snapshots"] == 2 && own["snapshots"] == 1, "{own}");
    let (whole, part) = (all["logical_bytes"].as_u64(), own["logical_bytes"].as_u64());
    let lab_bytes = whole.zip(part).and_then(|(whole, part)| whole.checked_sub(part));
    ensure!(part > Some(0) && lab_bytes >= Some(3_000_000), "{all} {own}");
    ensure!(
        all["stored_bytes"].is_u64() && own["stored_bytes"].is_null(),
        "{own}"
    );

    let (all, own) = both(&["datastore", "usage", "both"])?;
    ensure!(all["logical_bytes"].as_u64() == whole && own["logical_bytes"].as_u64() == part);
    ensure!(
        own["stored_bytes"].is_null()
            && own["projection"].is_null()
            && own["samples"] == serde_json::json!([]),
        "{own}"
    );
    let told = hub.ok(&["datastore", "usage", "both", "--token-file", &file])?;
    ensure!(
        told.contains("Fill date\tnot shown: other projects use"),
        "{told}"
    );
    Ok(())
}
