//! Prune: which snapshots retention keeps and why, and the removal of the others. The plan is also the preview
//! and the dry run.

use ironcore_types::progress::TaskStats;
use ironcore_types::retention::{self, Keep, RetentionInput, RetentionReason};
use ironcore_types::snapshot::{BackupGroup, SnapshotPath};
use ironcore_types::verification::VerifyFailure;
use jiff::tz::TimeZone;

use crate::blobs::BlobErrorKind;
use crate::datastore::Datastore;
use crate::error::{Result, StoreError};
use crate::layout;
use crate::snapshots::{SnapshotFilter, SnapshotInfo};
use crate::watch::{self, Watch};

/// What to apply, and to which snapshots. Each group is planned by itself.
#[derive(Debug, Clone)]
pub struct PruneRequest {
    /// Which snapshots the rules see.
    pub filter: SnapshotFilter,
    /// The rules; none keep everything.
    pub keep: Keep,
    /// The zone in which days, weeks, months and years are counted (IANA name).
    pub timezone: String,
}

/// What retention decides.
#[derive(Debug, Clone, Default)]
pub struct PrunePlan {
    /// Every snapshot that the rules saw, by group and time.
    pub entries: Vec<PruneEntry>,
    /// Snapshots whose manifest is damaged or wrongly signed, and which it is: they neither count nor go.
    pub left_alone: Vec<(SnapshotPath, VerifyFailure)>,
}

/// What retention decides about one snapshot.
#[derive(Debug, Clone)]
pub struct PruneEntry {
    /// Which snapshot.
    pub snapshot: SnapshotPath,
    /// Whether it stays.
    pub kept: bool,
    /// Why it stays or goes.
    pub why: RetentionReason,
}

impl PrunePlan {
    /// The snapshots that go.
    pub fn removed(&self) -> impl Iterator<Item = &SnapshotPath> {
        self.entries
            .iter()
            .filter(|entry| !entry.kept)
            .map(|entry| &entry.snapshot)
    }
}

impl Datastore {
    /// What retention would keep and remove now. Changes nothing.
    pub fn prune_plan(&self, request: &PruneRequest) -> Result<PrunePlan> {
        let zone = TimeZone::get(&request.timezone)
            .map_err(|error| StoreError::Request(format!("time zone {:?}: {error}", request.timezone)))?;
        let mut infos = Vec::new();
        let mut plan = PrunePlan::default();
        for info in self.snapshots(&request.filter)? {
            match info.fault() {
                Some(fault) => plan.left_alone.push((info.path, fault)),
                None => infos.push(info),
            }
        }
        for group in infos.chunk_by(|a, b| a.path.group == b.path.group) {
            plan.entries.extend(plan_group(group, &request.keep, &zone));
        }
        Ok(plan)
    }

    /// Removes what a plan says goes. One that was protected or removed since is left alone. Stats:
    /// `snapshots` looked at, `snapshots_affected` removed. The space is freed by a garbage collection.
    pub fn prune_apply(&self, plan: &PrunePlan, watch: &dyn Watch) -> Result<TaskStats> {
        let mut stage = watch::stage("prune", "snapshots");
        stage.total = Some(plan.removed().count() as u64);
        let mut stats = TaskStats {
            snapshots: plan.entries.len() as u64,
            ..TaskStats::default()
        };
        for path in plan.removed() {
            watch::check(watch)?;
            match self.forget(path) {
                Ok(()) => {
                    watch.info(&format!("removed {path}"));
                    stats.snapshots_affected += 1;
                }
                Err(StoreError::Busy(why)) => watch.info(&why),
                Err(error) => return Err(error),
            }
            stage.done += 1;
            watch.progress(&stage);
        }
        self.sweep_sidecars(plan.entries.iter().map(|entry| &entry.snapshot.group))?;
        Ok(stats)
    }

    /// Removes notes whose snapshot is gone: a crash may leave them behind.
    fn sweep_sidecars<'a>(&self, groups: impl Iterator<Item = &'a BackupGroup>) -> Result<()> {
        let mut last = None;
        for group in groups.filter(|group| last.replace(*group) != Some(*group)) {
            let names = self.blobs().list(&layout::group(group))?;
            for blob in &names {
                let Some(base) = blob
                    .name
                    .strip_suffix(".notes")
                    .or(blob.name.strip_suffix(".protected"))
                else {
                    continue;
                };
                let manifest = format!("{base}{}", layout::MANIFEST_SUFFIX);
                if names.binary_search_by(|other| other.name.cmp(&manifest)).is_err() {
                    match self.blobs().delete(&blob.name) {
                        Err(error) if error.kind != BlobErrorKind::NotFound => return Err(error.into()),
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }
}

fn plan_group(group: &[SnapshotInfo], keep: &Keep, zone: &TimeZone) -> Vec<PruneEntry> {
    let input: Vec<RetentionInput> = group
        .iter()
        .map(|info| RetentionInput {
            time: info.path.time,
            protected: info.protected,
            unfinished: false,
        })
        .collect();
    let decisions = retention::plan(&input, keep, zone).decisions;
    group
        .iter()
        .zip(decisions)
        .map(|(info, decision)| PruneEntry {
            snapshot: info.path.clone(),
            kept: decision.kept,
            why: decision.why,
        })
        .collect()
}
