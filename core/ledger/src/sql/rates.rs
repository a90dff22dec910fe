//! How far destinations are within their limits.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Sql;
use super::tx::Tx;
use crate::db::{Row, sql, to_json, words};
use crate::error::Result;
use crate::model::Rate;

#[derive(Serialize)]
struct RateRow<'a> {
    lane: &'a str,
    sent: String,
    gathering: Option<i64>,
}

fn rate(row: &Row) -> Result<Rate> {
    Ok(Rate {
        lane: row.text("lane")?,
        sent: row.json("sent")?,
        gathering: row.opt_time("gathering")?,
    })
}

impl Tx {
    /// Writes them; of several of one lane the last counts.
    pub(super) async fn put_rates(&mut self, rates: &[Rate]) -> Result<()> {
        let newest: BTreeMap<&str, &Rate> = rates.iter().map(|rate| (rate.lane.as_str(), rate)).collect();
        if newest.is_empty() {
            return Ok(());
        }
        let row = |rate| -> Result<RateRow<'_>> {
            let rate: &Rate = rate;
            Ok(RateRow {
                lane: &rate.lane,
                sent: to_json("times", &rate.sent)?,
                gathering: rate.gathering.map(|due| due.as_micros()),
            })
        };
        let rows = newest.into_values().map(row).collect::<Result<Vec<_>>>()?;
        sql("INSERT INTO rates (lane, sent, gathering)
             SELECT lane, sent, gathering
             FROM RECORDS($1 AS r: lane TEXT, sent TEXT, gathering BIGINT) WHERE 1 = 1
             ON CONFLICT (lane) DO UPDATE SET sent = excluded.sent, gathering = excluded.gathering")
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
