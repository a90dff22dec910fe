//! `hub restore`: makes a data folder of an archive, without a hub. Nothing is put in place before all of it is proved.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ironcore_ledger::model::{Page, TaskFilter};
use ironcore_ledger::{Ledger, LedgerOptions};
use ironcore_types::{ErrorCode, HubId, NodeName, Timestamp, counted};
use serde::Serialize;

use super::manifest::{KEYS, LEDGER, Manifest, SECRETS, TOKEN};
use super::{read, rename, sync_folder};
use crate::args;
use crate::exit::{Coded, Exit};
use crate::output::{self, Form};
use crate::serve::config::Database;
use crate::serve::{keys, seams};

/// What is unpacked lies here, in the data folder, until it is proved.
const UNPROVED: &str = ".restore";

/// What was restored.
#[derive(Debug, Serialize)]
struct Restored {
    data: PathBuf,
    /// `sqlite`, or the server's URL without its password.
    database: String,
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
pub(crate) async fn restore(form: Form, options: &args::Restored) -> Result<Exit> {
    let archive = options.archive.as_path();
    let database = Database::parse(&options.database)?;
    let data = std::path::absolute(&options.data)?;
    let is_new = must_be_empty(&data)?;
    let proved = prove(archive, &data, &database).await;
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
    put_in_place(&manifest, &data, &database).with_context(|| {
        format!(
            "what could not be put in its place is in {}",
            data.join(UNPROVED).display()
        )
    })?;
    tell(
        form,
        Restored {
            database: database.to_string(),
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

/// Unpacks the archive beside its place and opens its ledger: what it holds, and how many jobs and tasks. Then copies
/// it to the server, if that is where it belongs, whole or not at all.
async fn prove(archive: &Path, data: &Path, database: &Database) -> Result<(Manifest, usize, u64)> {
    let unproved = data.join(UNPROVED);
    keys::private_folder(data)?;
    keys::private_folder(&unproved)?;
    let (from, to) = (archive.to_owned(), unproved.clone());
    let manifest = tokio::task::spawn_blocking(move || read::unpack(&from, &to)).await??;
    let (jobs, tasks) = look_into(&unproved.join(LEDGER), &manifest)
        .await
        .context("the hub's database in the archive cannot be used")?;
    if let Database::Postgres(server, shown) = database {
        output::note(&format!(
            "Copying {} and all that belongs to them to {shown}.",
            counted(tasks, "task")
        ));
        let restored = server.restore_from(&unproved.join(LEDGER)).await;
        restored.map_err(|error| Coded {
            code: error.code(),
            message: error.to_string(),
        })?;
    }
    Ok((manifest, jobs, tasks))
}

/// Opens the ledger as a hub would, which takes its lock and brings it to this version.
async fn look_into(file: &Path, manifest: &Manifest) -> Result<(usize, u64)> {
    let options = LedgerOptions {
        database: ironcore_ledger::Database::Sqlite(file.to_owned()),
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

/// The database last: a data folder without one is not a hub's. What is on a server by now is left out.
fn put_in_place(manifest: &Manifest, data: &Path, database: &Database) -> Result<()> {
    let unproved = data.join(UNPROVED);
    let file = matches!(database, Database::Sqlite);
    if file {
        std::fs::File::open(unproved.join(LEDGER))?.sync_all()?;
        // Closing a database leaves nothing beside it, unless something went wrong then.
        let journal = format!("{LEDGER}-wal");
        if unproved.join(&journal).try_exists()? {
            rename(&unproved.join(&journal), &data.join(&journal))?;
        }
    }
    let token = manifest.files.iter().any(|file| file.path == TOKEN);
    let names = [KEYS, SECRETS].into_iter().chain(token.then_some(TOKEN));
    for name in names.chain(file.then_some(LEDGER)) {
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
        ("Database", restored.database.clone()),
    ];
    form.fields(&restored, &fields)?;
    let data = restored.data.display();
    if !restored.keys {
        output::note(&format!(
            "Put signing.key and secrets.key of this hub into {data}/keys before it starts: without them it cannot \
             write to its datastores, nor open its secrets."
        ));
    }
    if restored.database != "sqlite" {
        output::note("Let its configuration name this database.");
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
