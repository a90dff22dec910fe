//! The stored copies of the tree: restoring and comparing them, what garbage collection has condemned, and breaking
//! one of them.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::checks::{Checks, text};
use super::hub::Hub;
use crate::steps::say;

/// Restores `snapshot` and compares the result with the tree that was backed up.
pub(crate) fn restore(
    hub: &Hub,
    snapshot: &str,
    tree: &Path,
    folder: &Path,
    checks: &mut Checks,
) -> Result<()> {
    let to = folder.join("restored");
    let path = to.display().to_string();
    let args = [
        "restore",
        "start",
        snapshot,
        "--to",
        &path,
        "--project",
        "demo",
        "--wait",
    ];
    let restored = hub.try_cli(&args, "")?;
    checks.check(
        &format!("the restore of {snapshot} ended OK"),
        restored.status.code() == Some(0),
    );
    let output = Command::new("rsync")
        .args(["-anci", "--delete", "-AXH"])
        .args([slash(tree), slash(&to)])
        .output()
        .context("rsync cannot be started")?;
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
    if to.exists() {
        std::fs::remove_dir_all(&to).context("the restored tree cannot be removed")?;
    }
    Ok(())
}

/// Bytes of the packs that wait to be deleted, as the datastore's records say (docs/format.md).
pub(crate) fn condemned(datastore: &Path) -> Result<u64> {
    let mut bytes = 0;
    let Ok(records) = std::fs::read_dir(datastore.join("condemned")) else {
        return Ok(0);
    };
    for record in records {
        let path = record?.path();
        if path.extension().is_some_and(|end| end == "sessions") {
            continue;
        }
        let record: Value = serde_json::from_slice(&std::fs::read(&path)?)
            .with_context(|| format!("{} is no record of condemned packs", path.display()))?;
        let packs = record["packs"].as_array().into_iter().flatten();
        bytes += packs.filter_map(|pack| pack["size"].as_u64()).sum::<u64>();
    }
    Ok(bytes)
}

/// The row of `snapshot` (`TYPE/ID/TIME`, in whichever datastore) among `rows`.
pub(crate) fn find<'a>(rows: &'a [Value], snapshot: &str) -> Option<&'a Value> {
    rows.iter().find(|row| path(&text(&row["snapshot"])) == snapshot)
}

/// The part of a reference that is the same in every datastore.
pub(crate) fn path(reference: &str) -> &str {
    reference.split_once(':').map_or(reference, |(_, path)| path)
}

fn slash(path: &Path) -> String {
    format!("{}/", path.display())
}

/// Turns one byte round in the middle of the largest file of the datastore, which is a full pack of chunks: one of the
/// night's, for the evening filled none.
pub(crate) fn break_chunk(datastore: &Path) -> Result<()> {
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
