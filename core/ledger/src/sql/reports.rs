//! Lists of verification reports.

use ironcore_types::VerifyResult;
use ironcore_types::snapshot::BackupGroup;

use super::Sql;
use super::list::{cursor, next_cursor};
use super::verification::verification;
use crate::db::{Statement, Value, sql};
use crate::error::Result;
use crate::model::{Count, GroupScope, Page, ReportFilter, ReportPage};

fn names(groups: &[BackupGroup]) -> Value {
    Value::Words(groups.iter().map(BackupGroup::to_string).collect())
}

fn conditions(query: &mut Statement, filter: &ReportFilter) {
    query
        .push(" WHERE datastore = ")
        .push_bind(filter.datastore.as_str());
    match &filter.groups {
        GroupScope::All => {}
        GroupScope::AllBut(groups) => {
            query
                .push(" AND backup_group NOT IN LIST(")
                .push_bind(names(groups))
                .push(")");
        }
        GroupScope::Only(groups) => {
            query
                .push(" AND backup_group IN LIST(")
                .push_bind(names(groups))
                .push(")");
        }
    }
    if let Some(snapshot) = &filter.snapshot {
        query.push(" AND snapshot = ").push_bind(snapshot.to_string());
    }
    if let Some(job) = &filter.job {
        query.push(" AND job = ").push_bind(job.as_str());
    }
    if let Some(since) = filter.since {
        query.push(" AND started >= ").push_bind(since.as_micros());
    }
    if let Some(until) = filter.until {
        query.push(" AND started < ").push_bind(until.as_micros());
    }
    if filter.latest {
        query
            .push(" AND id IN (SELECT latest FROM verifications WHERE datastore = ")
            .push_bind(filter.datastore.as_str())
            .push(")");
    }
    for (at, result) in filter.results.iter().enumerate() {
        query.push(if at == 0 { " AND (" } else { " OR " });
        // STALE is OK that is too old.
        let (found, age) = match result {
            VerifyResult::Ok => ("OK", Some(" AND started >= ")),
            VerifyResult::Stale => ("OK", Some(" AND started < ")),
            bad => (bad.as_str(), None),
        };
        query.push("(result = ").push_bind(found);
        if let Some(age) = age {
            query.push(age).push_bind(filter.stale_before.as_micros());
        }
        query.push(")");
    }
    if !filter.results.is_empty() {
        query.push(")");
    }
}

impl Sql {
    pub(crate) async fn reports(&self, filter: ReportFilter, page: Page) -> Result<ReportPage> {
        let limit = page.bounded();
        let mut conn = self.reader().await?;
        let mut query = sql("SELECT * FROM verification_history");
        conditions(&mut query, &filter);
        if let Some(before) = cursor(&page)? {
            query.push(" AND id < ").push_bind(before);
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(limit + 1);
        let rows = query.fetch_all(&mut conn).await?;
        let numbered = rows.iter().map(|row| Ok((row.num("id")?, verification(row)?)));
        let mut reports = numbered.collect::<Result<Vec<_>>>()?;
        let next = next_cursor(&mut reports, limit, |(id, _)| *id);
        let mut query = sql("SELECT COUNT(*) AS total FROM (SELECT 1 FROM verification_history");
        conditions(&mut query, &filter);
        query.push(" LIMIT ").push_bind(Count::PROBE).push(") AS counted");
        let total = query.fetch_one(&mut conn).await?.num("total")?;
        Ok(ReportPage {
            reports: reports.into_iter().map(|(_, report)| report).collect(),
            next,
            total: Count::capped(total),
        })
    }
}
