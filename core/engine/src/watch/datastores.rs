//! Datastores: whether they are there, and how much space they have left.

use std::collections::BTreeSet;
use std::time::Duration;

use ironcore_ledger::model::{DatastoreRow, DatastoreStatus};
use ironcore_ledger::{Ledger, LedgerError};
use ironcore_store::{Datastore, Space};
use ironcore_types::{DatastoreName, Timestamp};
use tokio::time::Instant;

use super::aside::Aside;
use super::{InReach, WatchOptions, close_others, is_first, open_keys, tell};
use crate::error::EngineError;
use crate::stores::Stores;

const SPACE_LOW: &str = "space-low/";
/// Space is no longer low when this much more is free, in percent of all: or it would be told again and again.
const AIR: u8 = 2;

/// Looks at datastores.
#[derive(Debug)]
pub(super) struct Datastores {
    ledger: Ledger,
    stores: Stores,
    options: WatchOptions,
    probes: Aside<Result<Space, String>>,
    reach: InReach,
}

/// What was seen of a datastore: its space, or why it cannot be used.
type Seen = Result<Option<Fill>, String>;

impl Datastores {
    pub(super) fn new(ledger: Ledger, stores: Stores, options: WatchOptions, reach: InReach) -> Self {
        Self {
            ledger,
            stores,
            options,
            probes: Aside::default(),
            reach,
        }
    }

    pub(super) async fn look(&mut self, now: Timestamp) -> Result<(), EngineError> {
        if !is_first(&self.ledger, &self.options).await? {
            return Ok(());
        }
        let rows = self.ledger.datastores().await?;
        for row in &rows {
            let folder = row.object.path.clone();
            self.probes.begin(&row.object.name, move || {
                Datastore::glance(&folder).map_err(|error| error.to_string())
            })?;
        }
        let until = Instant::now() + self.options.answer_within;
        let open = open_keys(&self.ledger, SPACE_LOW).await?;
        let mut hold = BTreeSet::new();
        for row in &rows {
            let seen = self.see(&row.object.name, until).await?;
            self.note(row, &seen, now).await?;
            let key = format!("{SPACE_LOW}{}", row.object.name);
            let is_open = open.contains(&key);
            if is_low(is_open, &seen, row.object.warn_free_percent) {
                if !is_open && let Ok(Some(fill)) = seen {
                    let event = tell::space_low(&row.object, fill);
                    self.ledger.open_condition(&key, event).await?;
                }
                hold.insert(key);
            }
        }
        close_others(&self.ledger, SPACE_LOW, &open, &hold).await
    }

    async fn see(&mut self, name: &DatastoreName, until: Instant) -> Result<Seen, EngineError> {
        let seen = match self.probes.answer(name, until).await {
            None => Err("it does not answer".to_owned()),
            Some(Err(reason)) => Err(reason),
            Some(Ok(space)) => self.open(name).await?.map(|()| Fill::of(space)),
        };
        if seen.is_err() {
            self.reach.remove(name);
        }
        Ok(seen)
    }

    /// Whether it is the datastore that it should be: asked once, and again when it was away.
    async fn open(&self, name: &DatastoreName) -> Result<Result<(), String>, EngineError> {
        if self.reach.holds(name) {
            return Ok(Ok(()));
        }
        match tokio::time::timeout(self.options.answer_within, self.stores.open(name)).await {
            Ok(Ok(_)) => {
                self.reach.add(name);
                Ok(Ok(()))
            }
            Ok(Err(EngineError::Ledger(error))) => Err(error.into()),
            Ok(Err(error)) => Ok(Err(error.to_string())),
            // It answered a moment ago: another one that is being opened is in the way, which says nothing of this one.
            Err(_) => Ok(Ok(())),
        }
    }

    async fn note(&self, row: &DatastoreRow, seen: &Seen, now: Timestamp) -> Result<(), EngineError> {
        let fill = seen.as_ref().ok().copied().flatten();
        let status = DatastoreStatus {
            online: seen.is_ok(),
            used: fill.map(|fill| fill.used),
            free: fill.map(|fill| fill.free),
            reason: seen.as_ref().err().cloned(),
            at: now,
        };
        if !is_news(row.status.as_ref(), &status, self.options.refresh) {
            return Ok(());
        }
        match self.ledger.set_datastore_status(&row.object.name, &status).await {
            // It was taken off the list meanwhile.
            Err(LedgerError::NotFound(_)) => Ok(()),
            done => Ok(done?),
        }
    }
}

/// How full the place is where a datastore lies, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fill {
    /// Taken, by whatever.
    pub(super) used: u64,
    /// Still to be had.
    pub(super) free: u64,
}

impl Fill {
    /// None where there is no limit.
    fn of(space: Space) -> Option<Self> {
        let (total, free) = (space.total?, space.available?);
        Some(Self {
            used: total.saturating_sub(free),
            free,
        })
    }

    fn total(self) -> u128 {
        u128::from(self.used) + u128::from(self.free)
    }

    /// Whether less than `percent` of it is free.
    fn is_below(self, percent: u8) -> bool {
        u128::from(self.free) * 100 < u128::from(percent) * self.total()
    }

    /// How much is free: whole percents and tenths of one, rounded down.
    pub(super) fn free_percent(self) -> (u128, u128) {
        let tenths = (u128::from(self.free) * 1000)
            .checked_div(self.total())
            .unwrap_or(0);
        (tenths / 10, tenths % 10)
    }
}

/// Whether space is low, given whether it was. What cannot be seen is as it was.
fn is_low(was: bool, seen: &Seen, percent: u8) -> bool {
    match seen {
        _ if percent == 0 => false,
        Err(_) => was,
        Ok(None) => false,
        Ok(Some(fill)) if was => fill.is_below(percent.saturating_add(AIR).min(100)),
        Ok(Some(fill)) => fill.is_below(percent),
    }
}

/// Whether what was seen is to be written down: it is another state, or differs by a hundredth of all, or was last
/// written long ago.
fn is_news(before: Option<&DatastoreStatus>, now: &DatastoreStatus, refresh: Duration) -> bool {
    let Some(before) = before else {
        return true;
    };
    let total = now.used.unwrap_or(0).saturating_add(now.free.unwrap_or(0));
    let moved = |before: Option<u64>, now: Option<u64>| match (before, now) {
        (Some(before), Some(now)) => u128::from(before.abs_diff(now)) * 100 >= u128::from(total).max(1),
        (before, now) => before != now,
    };
    before.online != now.online
        || moved(before.used, now.used)
        || moved(before.free, now.free)
        || now.at.since(before.at) >= refresh
        || before.at > now.at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(used: u64, free: u64) -> Seen {
        Ok(Some(Fill { used, free }))
    }

    #[test]
    fn space_is_low_until_there_is_some_air() {
        assert!(
            !is_low(false, &fill(90, 10), 10),
            "ten percent are not less than ten"
        );
        assert!(is_low(false, &fill(91, 9), 10));
        assert!(is_low(true, &fill(89, 11), 10), "not yet enough");
        assert!(!is_low(true, &fill(88, 12), 10));
        assert!(!is_low(false, &fill(89, 11), 10));
    }

    #[test]
    fn what_cannot_be_seen_is_as_it_was() {
        let away: Seen = Err("it does not answer".to_owned());
        assert!(is_low(true, &away, 10) && !is_low(false, &away, 10));
        assert!(!is_low(true, &Ok(None), 10), "no limit, no lack");
        assert!(!is_low(true, &fill(100, 0), 0), "nobody wants to know");
    }

    #[test]
    fn the_rest_is_told_in_percent() {
        let percent = |used, free| Fill { used, free }.free_percent();
        assert_eq!(percent(913, 87), (8, 7));
        assert_eq!(percent(u64::MAX, u64::MAX), (50, 0));
        assert_eq!(percent(0, 0), (0, 0));
    }

    #[test]
    fn an_idle_datastore_is_hardly_written_down() {
        let status = |online, used, free, at| DatastoreStatus {
            online,
            used: Some(used),
            free: Some(free),
            reason: None,
            at: Timestamp::from_seconds(at),
        };
        let refresh = Duration::from_secs(600);
        let before = status(true, 5_000, 5_000, 1_000);
        let news = |now: &DatastoreStatus| is_news(Some(&before), now, refresh);
        assert!(is_news(None, &before, refresh), "it was never seen");
        assert!(!news(&status(true, 5_099, 4_901, 1_060)));
        assert!(news(&status(true, 5_100, 4_900, 1_060)), "a hundredth of all");
        assert!(news(&status(false, 5_000, 5_000, 1_060)));
        assert!(news(&status(true, 5_000, 5_000, 1_600)), "long ago");
        assert!(
            news(&status(true, 5_000, 5_000, 900)),
            "a clock that was set back"
        );
    }
}
