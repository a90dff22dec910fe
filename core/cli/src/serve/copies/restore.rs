//! `hub restore`: makes a data folder of an archive, without a hub. Nothing is put in place before all of it is proved.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ironcore_ledger::model::{Page, TaskFilter};
use ironcore_ledger::{Database, Ledger, LedgerOptions};
use ironcore_types::{ErrorCode, HubId, NodeName, Timestamp};
use serde::Serialize;

use super::manifest::{KEYS, LEDGER, Manifest, SECRETS, TOKEN};
use super::{read, rename, sync_folder};
use crate::exit::{Coded, Exit};
use crate::output::{self, Form};
use crate::serve::{keys, seams};

/// What is unpacked lies here, in the data folder, until it is proved.
const UNPROVED: &str = ".restore";

/// What was restored.
#[derive(Debug, Serialize)]
struct Restored {
    data: PathBuf,
    archive: PathBuf,
    hub: HubId,
    made: Timestamp,
    version: String,
    keys: bool,
    files: Vec<String>,
    jobs: usize,
    tasks: u64,
}

/// `hub restore`.
pub(crate) async fn restore(form: Form, archive: &Path, data: &Path) -> Result<Exit> {
    let data = std::path::absolute(data)?;
    let is_new = must_be_empty(&data)?;
    let proved = prove(archive, &data).await;
    let (manifest, jobs, tasks) = match proved {
        Ok(proved) => proved,
        Err(error) => {
            // Nothing stays of what could not be used.
            let mut left = vec![data.join(UNPROVED)];
            left.extend(is_new.then(|| data.clone()));
            for folder in left {
                if let Err(stays) = std::fs::remove_dir_all(&folder)
                    && stays.kind() != ErrorKind::NotFound
                {
                    output::complain(&format!("{} stays: {stays}", folder.display()));
                }
            }
            return Err(error);
        }
    };
    put_in_place(&manifest, &data)?;
    tell(
        form,
        Restored {
            archive: std::path::absolute(archive)?,
            hub: manifest.hub,
            made: manifest.made,
            version: manifest.version,
            keys: manifest.keys,
            files: manifest.files.into_iter().map(|file| file.path).collect(),
            jobs,
            tasks,
            data,
        },
    )
}

/// Refuses a folder that holds anything. True when there is none yet.
fn must_be_empty(data: &Path) -> Result<bool> {
    let mut entries = match std::fs::read_dir(data) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        entries => entries.with_context(|| format!("cannot read {}", data.display()))?,
    };
    if entries.next().is_none() {
        return Ok(false);
    }
    let what = if crate::serve::holds_hub(data) {
        "holds a hub"
    } else {
        "is not empty"
    };
    Err(Coded {
        code: ErrorCode::RestoreTargetExists,
        message: format!(
            "{} {what}: restore to a new or empty folder, and nothing is overwritten",
            data.display()
        ),
    }
    .into())
}

/// Unpacks the archive beside its place and opens its ledger: what it holds, and how many jobs and tasks.
async fn prove(archive: &Path, data: &Path) -> Result<(Manifest, usize, u64)> {
    let unproved = data.join(UNPROVED);
    keys::private_folder(data)?;
    keys::private_folder(&unproved)?;
    let (from, to) = (archive.to_owned(), unproved.clone());
    let manifest = tokio::task::spawn_blocking(move || read::unpack(&from, &to)).await??;
    let (jobs, tasks) = look_into(&unproved.join(LEDGER), &manifest)
        .await
        .context("the hub's database in the archive cannot be used")?;
    Ok((manifest, jobs, tasks))
}

/// Opens the ledger as a hub would, which takes its lock and brings it to this version.
async fn look_into(file: &Path, manifest: &Manifest) -> Result<(usize, u64)> {
    let options = LedgerOptions {
        database: Database::Sqlite(file.to_owned()),
        node: NodeName::new("restore")?,
        pid: std::process::id(),
        pstart: 0,
    };
    let ledger = Ledger::open(options, seams::machine()).await?;
    let counted = async {
        if ledger.hub_id() != manifest.hub {
            bail!("it is that of hub {}, not of {}", ledger.hub_id(), manifest.hub);
        }
        let jobs = ledger.jobs(None).await?.len();
        let tasks = ledger.tasks(&TaskFilter::default(), &Page::first(1)).await?;
        Ok((jobs, tasks.total.value))
    };
    let counted = counted.await;
    ledger.close().await;
    counted
}

/// The database last: a data folder without one is not a hub's.
fn put_in_place(manifest: &Manifest, data: &Path) -> Result<()> {
    let unproved = data.join(UNPROVED);
    std::fs::File::open(unproved.join(LEDGER))?.sync_all()?;
    let token = manifest.files.iter().any(|file| file.path == TOKEN);
    let names = [KEYS, SECRETS].into_iter().chain(token.then_some(TOKEN));
    for name in names.chain([LEDGER]) {
        rename(&unproved.join(name), &data.join(name))?;
    }
    sync_folder(data)?;
    // What is left is what opening the database made beside it.
    std::fs::remove_dir_all(&unproved).with_context(|| format!("cannot remove {}", unproved.display()))?;
    sync_folder(data)
}

fn tell(form: Form, restored: Restored) -> Result<Exit> {
    let fields = [
        ("Hub", restored.hub.to_string()),
        ("Copied", output::time(Some(restored.made))),
        ("Version", restored.version.clone()),
        ("Jobs", restored.jobs.to_string()),
        ("Tasks", restored.tasks.to_string()),
        (
            "Keys",
            if restored.keys {
                "restored"
            } else {
                "not in the archive"
            }
            .to_owned(),
        ),
        ("Data", restored.data.display().to_string()),
    ];
    form.fields(&restored, &fields)?;
    let data = restored.data.display();
    if !restored.keys {
        output::note(&format!(
            "Put signing.key and secrets.key of this hub into {data}/keys before it starts: without them it cannot \
             write to its datastores, nor open its secrets."
        ));
    }
    output::note(&format!(
        "The hub that was copied must not run any more, here or elsewhere. Then start this one:\n  \
         ironcore-backup serve --data {data}\n\
         Tasks that ran while the copy was made end as worker.lost; missed runs are caught up as their jobs say."
    ));
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_new_or_empty_folder_is_taken() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(must_be_empty(&dir.path().join("new")).expect("taken"));
        assert!(!must_be_empty(dir.path()).expect("taken"));
        for (file, said) in [("notes.txt", "is not empty"), ("admin.token", "holds a hub")] {
            std::fs::File::create(dir.path().join(file)).expect("a file");
            let error = must_be_empty(dir.path()).expect_err("refused").to_string();
            assert!(
                error.contains(said) && error.contains("[restore.target-exists]"),
                "{error}"
            );
        }
    }
}
