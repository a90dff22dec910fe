//! How far destinations are within their limits.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Sql;
use super::tx::Tx;
use crate::db::{Row, sql, to_json, words};
use crate::error::{LedgerError, Result};
use crate::model::Rate;

#[derive(Serialize)]
struct RateRow<'a> {
    lane: &'a str,
    sent: String,
    most: u32,
    gathering: String,
    version: i64,
}

/// The newest of each lane: of several the last counts.
fn newest(rates: &[Rate]) -> BTreeMap<&str, &Rate> {
    rates.iter().map(|rate| (rate.lane.as_str(), rate)).collect()
}

fn rate(row: &Row) -> Result<Rate> {
    Ok(Rate {
        lane: row.text("lane")?,
        sent: row.json("sent")?,
        most: row.small("most")?,
        gathering: row.json("gathering")?,
        version: row.num("version")?,
    })
}

impl Tx {
    /// Refuses what was decided by rates that somebody else has changed since.
    pub(super) async fn check_rates(&mut self, rates: &[Rate]) -> Result<()> {
        let newest = newest(rates);
        if newest.is_empty() {
            return Ok(());
        }
        let rows = sql("SELECT lane, version FROM rates WHERE lane IN LIST($1)")
            .bind(words(newest.keys().copied()))
            .fetch_all(&mut self.conn)
            .await?;
        let kept = rows
            .iter()
            .map(|row| Ok((row.text("lane")?, row.num("version")?)));
        let kept = kept.collect::<Result<BTreeMap<String, i64>>>()?;
        let changed = |rate: &&Rate| kept.get(&rate.lane).copied().unwrap_or(0) != rate.version;
        match newest.into_values().find(changed) {
            Some(rate) => Err(LedgerError::Fenced(format!("the limit of {}", rate.lane))),
            None => Ok(()),
        }
    }

    /// Writes them; of several of one lane the last counts.
    pub(super) async fn put_rates(&mut self, rates: &[Rate]) -> Result<()> {
        let newest = newest(rates);
        if newest.is_empty() {
            return Ok(());
        }
        let row = |rate| -> Result<RateRow<'_>> {
            let rate: &Rate = rate;
            Ok(RateRow {
                lane: &rate.lane,
                sent: to_json("times", &rate.sent)?,
                most: rate.most,
                gathering: to_json("what is gathered", &rate.gathering)?,
                version: rate.version + 1,
            })
        };
        let rows = newest.into_values().map(row).collect::<Result<Vec<_>>>()?;
        sql(
            "INSERT INTO rates (lane, sent, most, gathering, version)
             SELECT lane, sent, most, gathering, version
             FROM RECORDS($1 AS r: lane TEXT, sent TEXT, most BIGINT, gathering TEXT, version BIGINT) WHERE 1 = 1
             ON CONFLICT (lane) DO UPDATE SET sent = excluded.sent, most = excluded.most,
                gathering = excluded.gathering, version = excluded.version",
        )
        .bind(to_json("rates", &rows)?)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }
}

impl Sql {
    pub(crate) async fn rates(&self, lanes: Vec<String>) -> Result<Vec<Rate>> {
        let rows = sql("SELECT * FROM rates WHERE lane IN LIST($1)")
            .bind(words(lanes.iter().map(String::as_str)))
            .fetch_all(&mut self.reader().await?)
            .await?;
        rows.iter().map(rate).collect()
    }
}
