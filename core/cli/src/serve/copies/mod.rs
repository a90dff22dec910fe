//! Copies of the hub's own state, made while it runs: who asks for one waits in a short queue, one is made at a time,
//! and one is made regularly. What an archive holds is in [`manifest`], how it is written in [`archive`], and how it
//! becomes a hub again in [`restore`].

mod archive;
mod folder;
mod manifest;
mod read;
mod restore;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ironcore_api::wire::{HubArchive, HubBackup, HubBackupState, MakeHubBackup, StoredHubArchive};
use ironcore_api::{ApiError, HubBackups};
use ironcore_ledger::{Ledger, LedgerError};
use ironcore_types::event::ErrorData;
use ironcore_types::{ErrorCode, Seams, Timestamp, UserId};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::config::{BackupSettings, Settings};
use super::keys;
use archive::Order;

pub(crate) use restore::restore;

/// So many wait at most.
const WAITING: usize = 8;
/// So many are remembered.
const REMEMBERED: usize = 20;
/// A hub that was just started has other things to do.
const SETTLED: Duration = Duration::from_secs(600);
/// A regular copy that failed is tried again after this, or sooner when it is made more often.
const AGAIN: Duration = Duration::from_secs(3600);

/// Takes the wishes.
pub(super) struct Copies {
    queue: mpsc::Sender<Asked>,
    runs: watch::Sender<Vec<HubBackup>>,
    seams: Seams,
    folder: PathBuf,
}

/// Makes the copies, one at a time.
pub(super) struct Copier {
    queue: mpsc::Receiver<Asked>,
    runs: watch::Sender<Vec<HubBackup>>,
    seams: Seams,
    ledger: Ledger,
    data: PathBuf,
    settings: BackupSettings,
}

struct Asked {
    id: String,
    wanted: MakeHubBackup,
}

/// Who asks, and who makes.
pub(super) fn new(settings: &Settings, ledger: Ledger, seams: Seams) -> (Copies, Copier) {
    let (sender, queue) = mpsc::channel(WAITING);
    let runs = watch::Sender::new(Vec::new());
    let copies = Copies {
        queue: sender,
        runs: runs.clone(),
        seams: seams.clone(),
        folder: settings.backup.folder.clone(),
    };
    let copier = Copier {
        queue,
        runs,
        seams,
        ledger,
        data: settings.data.clone(),
        settings: settings.backup.clone(),
    };
    (copies, copier)
}

impl HubBackups for Copies {
    fn ask(&self, wanted: MakeHubBackup, user: &UserId) -> Result<String, ApiError> {
        let place = self.queue.try_reserve().map_err(|_| ApiError::Invalid {
            code: ErrorCode::Overloaded,
            detail: format!("{WAITING} copies of the hub's state wait to be made already; try again later."),
            faults: Vec::new(),
        })?;
        let run = begun(&self.seams, Some(user.clone()));
        let id = run.id.clone();
        remember(&self.runs, run);
        place.send(Asked {
            id: id.clone(),
            wanted,
        });
        Ok(id)
    }

    fn runs(&self) -> watch::Receiver<Vec<HubBackup>> {
        self.runs.subscribe()
    }

    fn archives(&self) -> Result<Vec<StoredHubArchive>, ErrorData> {
        folder::stored(&self.folder).map_err(|error| told(&error))
    }
}

fn begun(seams: &Seams, user: Option<UserId>) -> HubBackup {
    HubBackup {
        id: seams.uuid().to_string(),
        state: HubBackupState::Waiting,
        user,
        asked: seams.now(),
        ended: None,
        archive: None,
        error: None,
    }
}

/// Keeps the newest; those that are not over are fewer than are remembered.
fn remember(runs: &watch::Sender<Vec<HubBackup>>, run: HubBackup) {
    runs.send_modify(|runs| {
        runs.push(run);
        while runs.len() > REMEMBERED {
            let Some(over) = runs.iter().position(HubBackup::is_over) else {
                break;
            };
            runs.remove(over);
        }
    });
}

impl Copier {
    /// Makes copies until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let begun_at = self.seams.now();
        let mut failed = None;
        loop {
            let due = self.due(begun_at, failed);
            let regular = async {
                match due {
                    Some(due) => self.seams.sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                // Open as long as the API can be asked; a hub without one makes its regular copies all the same.
                Some(asked) = self.queue.recv() => {
                    self.make(&asked.id, asked.wanted, &stop).await;
                }
                () = regular => {
                    let run = begun(&self.seams, None);
                    let id = run.id.clone();
                    remember(&self.runs, run);
                    failed = match self.make(&id, MakeHubBackup::default(), &stop).await {
                        true => None,
                        false => Some(self.seams.now()),
                    };
                }
            }
        }
    }

    /// When the next regular copy is to be made.
    fn due(&self, begun: Timestamp, failed: Option<Timestamp>) -> Option<Timestamp> {
        let every = self.settings.every?.duration();
        let now = self.seams.now();
        // One of the future, say because the clock was wrong, must not keep others from being made.
        let names = folder::archives(&self.settings.folder).unwrap_or_default();
        let newest = names.iter().filter_map(|name| folder::time_of(name));
        let newest = newest.filter(|time| *time <= now).max();
        let due = newest.map_or(begun, |newest| newest.after(every));
        let again = failed.map_or(begun, |failed| failed.after(every.min(AGAIN)));
        Some(due.max(again).max(begun.after(SETTLED)))
    }

    /// Makes one, and says what became of it: true when there is an archive.
    async fn make(&self, id: &str, wanted: MakeHubBackup, stop: &CancellationToken) -> bool {
        self.change(id, |run| run.state = HubBackupState::Running);
        let result = self.copy(wanted, stop).await;
        let ended = self.seams.now();
        match result {
            Ok(archive) => {
                tracing::info!(
                    path = archive.path,
                    bytes = archive.bytes,
                    "the hub's state was copied"
                );
                self.change(id, |run| {
                    run.state = HubBackupState::Done;
                    run.ended = Some(ended);
                    run.archive = Some(archive);
                });
                true
            }
            Err(error) => {
                let error = told(&error);
                tracing::error!(code = %error.code, "the hub's state could not be copied: {}", error.message);
                self.change(id, |run| {
                    run.state = HubBackupState::Failed;
                    run.ended = Some(ended);
                    run.error = Some(error);
                });
                false
            }
        }
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut HubBackup)) {
        self.runs.send_modify(|runs| {
            if let Some(run) = runs.iter_mut().find(|run| run.id == id) {
                change(run);
            }
        });
    }

    async fn copy(&self, wanted: MakeHubBackup, stop: &CancellationToken) -> Result<HubArchive> {
        let folder = self.settings.folder.clone();
        if !folder.is_dir() {
            keys::private_folder(&folder)?;
        }
        folder::clean(&folder)?;
        let (made, name) = folder::free_name(&folder, self.seams.now())?;
        let work = folder::Work::new(&folder, &name)?;
        let ledger = work.path().join(manifest::LEDGER);
        tokio::select! {
            copied = self.ledger.backup_to(&ledger) => copied?,
            () = stop.cancelled() => bail!("the hub was stopped meanwhile"),
        }
        let order = Order {
            folder,
            name,
            data: self.data.clone(),
            ledger,
            hub: self.ledger.hub_id(),
            made,
            keys: !wanted.without_keys,
            keep: wanted.keep.unwrap_or(self.settings.keep),
        };
        let stop = stop.clone();
        tokio::task::spawn_blocking(move || {
            let archive = archive::write(&order, &stop);
            drop(work);
            archive
        })
        .await
        .context("the thread that wrote it broke down")?
    }
}

/// An error as the API tells it.
fn told(error: &anyhow::Error) -> ErrorData {
    let ledger = error.downcast_ref::<LedgerError>().map(LedgerError::code);
    ErrorData {
        code: ledger.unwrap_or(ErrorCode::Internal),
        message: format!("{error:#}"),
    }
}

/// Makes what was written to a folder last: names of files in it.
fn sync_folder(folder: &Path) -> Result<()> {
    let opened = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    opened.with_context(|| format!("cannot write {} to disk", folder.display()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "archives of the hub and what is restored from them are synced before, and their folders after"
)]
fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).with_context(|| format!("cannot put {} in its place", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_wait_as_there_is_room_for_and_as_many_are_remembered() {
        let seams = crate::serve::seams::machine();
        let (sender, mut queue) = mpsc::channel(WAITING);
        let copies = Copies {
            queue: sender,
            runs: watch::Sender::new(Vec::new()),
            seams,
            folder: PathBuf::from("/nonexistent"),
        };
        let user: UserId = "root@local".parse().expect("user");
        let ask = || copies.ask(MakeHubBackup::default(), &user);
        let first = ask().expect("a place");
        for _ in 1..WAITING {
            ask().expect("a place");
        }
        let refused = ask().expect_err("no place");
        assert_eq!(refused.code(), ErrorCode::Overloaded);
        assert_eq!(copies.runs().borrow().len(), WAITING);

        for _ in 0..REMEMBERED {
            let next = queue.try_recv().expect("one waits");
            copies.runs.send_modify(|runs| {
                let run = runs.iter_mut().find(|run| run.id == next.id).expect("remembered");
                run.state = HubBackupState::Done;
            });
            let id = ask().expect("a place again");
            assert!(copies.runs().borrow().iter().any(|run| run.id == id));
        }
        let runs = copies.runs();
        let runs = runs.borrow();
        assert_eq!(runs.len(), REMEMBERED);
        assert!(runs.iter().all(|run| run.id != first), "the oldest is forgotten");
        let open = runs.iter().filter(|run| !run.is_over()).count();
        assert_eq!(open, WAITING, "none is forgotten before it is over");
    }
}
