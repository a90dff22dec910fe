//! Verbs of statistics, of samples of datastores, and of lists of verification reports.

use ironcore_types::projection::UsagePoint;
use ironcore_types::{DatastoreName, Timestamp};

use crate::Ledger;
use crate::error::Result;
use crate::model::{Page, ReportFilter, ReportPage, Statistics, StatisticsFilter};

impl Ledger {
    /// What the attempts that pass `filter` moved, added up: in all, by span of time (of UTC), and by job or datastore.
    /// An attempt is counted when it ends, in the same transaction; those that never ran are not.
    pub async fn statistics(&self, filter: &StatisticsFilter) -> Result<Statistics> {
        self.sql.statistics(filter.clone()).await
    }

    /// How full the place of a datastore was at and after `since`, oldest first: the first look of each hour. Empty
    /// when there is no limit to its space.
    pub async fn datastore_usage(&self, name: &DatastoreName, since: Timestamp) -> Result<Vec<UsagePoint>> {
        self.sql.datastore_usage(name.clone(), since).await
    }

    /// Forgets some of the statistics and samples from before `before`, the oldest first, and says how many. To be
    /// called again until that is none: one call does not hold others up for long.
    pub async fn forget_statistics(&self, before: Timestamp) -> Result<u64> {
        self.sql.forget_statistics(before).await
    }

    /// A page of the verifications that pass `filter`, last recorded first.
    pub async fn verification_reports(&self, filter: &ReportFilter, page: &Page) -> Result<ReportPage> {
        self.sql.reports(filter.clone(), page.clone()).await
    }
}
