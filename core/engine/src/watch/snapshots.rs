//! Snapshots that nobody has verified for too long, or ever.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use ironcore_ledger::Ledger;
use ironcore_ledger::model::{DatastoreRow, VerificationRow};
use ironcore_types::snapshot::{BackupGroup, SnapshotPath};
use ironcore_types::verification::VerifyReport;
use ironcore_types::{DatastoreName, ProjectName, Timestamp};
use tokio::time::Instant;

use super::aside::Aside;
use super::{InReach, WatchOptions, close_others, is_first, open_keys, tell};
use crate::error::EngineError;
use crate::stores::Stores;

const STALE: &str = "stale/";
/// A list that takes longer is taken up at a later look.
const LISTED_WITHIN: Duration = Duration::from_secs(600);

/// Looks at snapshots.
#[derive(Debug)]
pub(super) struct Snapshots {
    ledger: Ledger,
    stores: Stores,
    options: WatchOptions,
    lists: Aside<Result<Vec<SnapshotPath>, String>>,
    /// When those of each datastore were last listed.
    listed: HashMap<DatastoreName, Timestamp>,
    reach: InReach,
}

impl Snapshots {
    pub(super) fn new(ledger: Ledger, stores: Stores, options: WatchOptions, reach: InReach) -> Self {
        Self {
            ledger,
            stores,
            options,
            lists: Aside::default(),
            listed: HashMap::new(),
            reach,
        }
    }

    pub(super) async fn look(&mut self, now: Timestamp) -> Result<(), EngineError> {
        if !is_first(&self.ledger, &self.options).await? {
            return Ok(());
        }
        let rows = self.ledger.datastores().await?;
        self.listed
            .retain(|name, _| rows.iter().any(|row| row.object.name == *name));
        for row in &rows {
            let last = self.listed.get(&row.object.name).copied();
            if !self.reach.holds(&row.object.name) || !is_due(last, now, self.options.snapshots_every) {
                continue;
            }
            if let Some(paths) = self.list(&row.object.name).await? {
                self.listed.insert(row.object.name.clone(), now);
                self.compare(row, &paths, now).await?;
            }
        }
        self.close_gone(&rows).await
    }

    /// The snapshots of a datastore; none when they cannot be listed now.
    async fn list(&mut self, name: &DatastoreName) -> Result<Option<Vec<SnapshotPath>>, EngineError> {
        let open = tokio::time::timeout(self.options.answer_within, self.stores.open(name)).await;
        let datastore = match open {
            Ok(Ok(datastore)) => datastore,
            Ok(Err(EngineError::Ledger(error))) => return Err(error.into()),
            // That it cannot be used is told by whoever looks at datastores.
            Ok(Err(_)) | Err(_) => return Ok(None),
        };
        self.lists.begin(name, move || {
            datastore.snapshot_paths().map_err(|error| error.to_string())
        })?;
        match self.lists.answer(name, Instant::now() + LISTED_WITHIN).await {
            Some(Ok(paths)) => Ok(Some(paths)),
            Some(Err(error)) => {
                tracing::warn!(datastore = %name, "its snapshots could not be listed: {error}");
                Ok(None)
            }
            None => Ok(None),
        }
    }

    async fn compare(
        &self,
        row: &DatastoreRow,
        paths: &[SnapshotPath],
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let object = &row.object;
        let prefix = format!("{STALE}{}/", object.name);
        let open = open_keys(&self.ledger, &prefix).await?;
        let known = self.ledger.verifications(&object.name, None).await?;
        let found = stale(paths, &known, now.before(object.keep_verified.duration()));
        let mut hold = BTreeSet::new();
        let mut new = Vec::new();
        for group in found {
            let key = format!("{prefix}{}", group.newest.group);
            if !open.contains(&key) {
                new.push((key.clone(), group));
            }
            hold.insert(key);
        }
        if !new.is_empty() {
            let owners: HashMap<BackupGroup, ProjectName> = self
                .ledger
                .group_owners(&object.name)
                .await?
                .into_iter()
                .map(|owner| (owner.group, owner.project))
                .collect();
            let told = new.into_iter().map(|(key, group)| {
                let project = owners.get(&group.newest.group).cloned();
                (key, tell::stale(object, &group, project))
            });
            self.ledger.open_conditions(told.collect()).await?;
        }
        close_others(&self.ledger, &prefix, &open, &hold).await
    }

    /// What was said of a datastore that was taken off the list is over.
    async fn close_gone(&self, rows: &[DatastoreRow]) -> Result<(), EngineError> {
        let open = open_keys(&self.ledger, STALE).await?;
        let here: Vec<String> = rows
            .iter()
            .map(|row| format!("{STALE}{}/", row.object.name))
            .collect();
        let hold: BTreeSet<String> = open
            .iter()
            .filter(|key| here.iter().any(|prefix| key.starts_with(prefix.as_str())))
            .cloned()
            .collect();
        close_others(&self.ledger, STALE, &open, &hold).await
    }
}

/// Whether a list is due: also when the last one lies ahead, because the clock was set back.
fn is_due(last: Option<Timestamp>, now: Timestamp, every: Duration) -> bool {
    last.is_none_or(|last| last > now || now.since(last) >= every)
}

/// A backup group with snapshots that are not verified, or not of late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stale {
    /// The newest of them.
    pub(super) newest: SnapshotPath,
    /// How many they are.
    pub(super) stale: usize,
    /// How many snapshots the group has.
    pub(super) total: usize,
}

/// The groups with snapshots that were last verified OK before `fresh_since`, or never and are older than that. What
/// was found to be bad was told then, and is not stale.
fn stale(paths: &[SnapshotPath], known: &[VerificationRow], fresh_since: Timestamp) -> Vec<Stale> {
    let reports: HashMap<&SnapshotPath, &VerifyReport> = known
        .iter()
        .map(|row| (&row.report.snapshot, &row.report))
        .collect();
    let is_stale = |path: &SnapshotPath| match reports.get(path) {
        Some(report) => !report.result.is_bad() && report.started < fresh_since,
        None => path.time < fresh_since,
    };
    let mut groups: BTreeMap<&BackupGroup, (usize, usize, Option<&SnapshotPath>)> = BTreeMap::new();
    for path in paths {
        let (stale, total, newest) = groups.entry(&path.group).or_default();
        *total += 1;
        if is_stale(path) {
            *stale += 1;
            *newest = (*newest).max(Some(path));
        }
    }
    groups
        .into_values()
        .filter_map(|(stale, total, newest)| {
            Some(Stale {
                newest: newest?.clone(),
                stale,
                total,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironcore_types::verification::{VerifyDepth, VerifyResult};

    fn path(text: &str) -> SnapshotPath {
        text.parse().expect("a snapshot")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn verified(snapshot: &str, started: &str, result: VerifyResult) -> VerificationRow {
        VerificationRow {
            datastore: "ibs-primary".parse().expect("a name"),
            report: VerifyReport {
                snapshot: path(snapshot),
                started: at(started),
                duration_us: 1,
                depth: VerifyDepth::Full,
                chunks: 1,
                result,
                failure: None,
            },
            upid: "UPID:hub1:00000D1C:0001A2B3:00000007:6A0E5F80:verify:a:root@local:"
                .parse()
                .expect("a UPID"),
            job: None,
            recorded: at(started),
        }
    }

    #[test]
    fn a_group_is_told_of_once_with_its_newest_stale_snapshot() {
        let paths = [
            path("host/a/2026-05-01T00:00:00Z"),
            path("host/a/2026-05-02T00:00:00Z"),
            path("host/a/2026-05-20T00:00:00Z"),
            path("vm/1/2026-05-20T00:00:00Z"),
        ];
        let found = stale(&paths, &[], at("2026-05-10T00:00:00Z"));
        let expected = Stale {
            newest: paths[1].clone(),
            stale: 2,
            total: 3,
        };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn the_last_verification_counts() {
        let old = "host/a/2026-05-01T00:00:00Z";
        let one = |started, result| {
            let known = [verified(old, started, result)];
            stale(&[path(old)], &known, at("2026-05-10T00:00:00Z")).len()
        };
        assert_eq!(one("2026-05-10T00:00:00Z", VerifyResult::Ok), 0);
        assert_eq!(one("2026-05-09T23:59:59Z", VerifyResult::Ok), 1);
        assert_eq!(
            one("2026-05-02T00:00:00Z", VerifyResult::Corrupt),
            0,
            "bad, not stale"
        );
    }

    #[test]
    fn lists_are_made_now_and_then() {
        let every = Duration::from_secs(1800);
        let now = at("2026-05-10T00:00:00Z");
        assert!(is_due(None, now, every));
        assert!(!is_due(Some(now), now.after(Duration::from_secs(1799)), every));
        assert!(is_due(Some(now), now.after(every), every));
        assert!(
            is_due(Some(now), now.before(every), every),
            "a clock that was set back"
        );
    }
}
