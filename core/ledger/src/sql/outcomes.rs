//! How the newest run of each job ended, as far as events were fanned out, and what each event found there.

use std::collections::BTreeMap;

use ironcore_types::EventId;
use serde::Serialize;

use super::Sql;
use super::tx::Tx;
use crate::db::{Row, signed, sql, to_json, words};
use crate::error::Result;
use crate::model::{LastOutcome, OutcomeStep};

#[derive(Serialize)]
struct StepRow<'a> {
    seq: i64,
    before: Option<&'a str>,
    failures: i64,
}

#[derive(Serialize)]
struct OutcomeRow<'a> {
    key: &'a str,
    state: &'a str,
    failures: i64,
    since: i64,
}

fn outcome(row: &Row) -> Result<LastOutcome> {
    Ok(LastOutcome {
        state: row.word("state")?,
        failures: row.count("failures")?,
        since: row.num("since")?,
    })
}

impl Tx {
    /// Writes the steps of a batch, which stand in the order of their events.
    pub(super) async fn put_steps(&mut self, steps: &[(i64, OutcomeStep)]) -> Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        let rows: Vec<StepRow<'_>> = steps
            .iter()
            .map(|(seq, step)| StepRow {
                seq: *seq,
                before: step.before.as_ref().map(|before| before.state.as_str()),
                failures: signed(step.before.as_ref().map_or(0, |before| before.failures)),
            })
            .collect();
        sql("INSERT INTO outcome_steps (seq, before, failures)
             SELECT seq, before, failures FROM RECORDS($1 AS r: seq BIGINT, before TEXT, failures BIGINT)")
        .bind(to_json("steps", &rows)?)
        .execute(&mut self.conn)
        .await?;
        // The last of each job counts.
        let newest: BTreeMap<&str, &LastOutcome> = steps
            .iter()
            .map(|(_, step)| (step.key.as_str(), &step.now))
            .collect();
        let rows: Vec<OutcomeRow<'_>> = newest
            .into_iter()
            .map(|(key, now)| OutcomeRow {
                key,
                state: now.state.as_str(),
                failures: signed(now.failures),
                since: now.since,
            })
            .collect();
        sql("INSERT INTO outcomes (key, state, failures, since)
             SELECT key, state, failures, since
             FROM RECORDS($1 AS r: key TEXT, state TEXT, failures BIGINT, since BIGINT) WHERE 1 = 1
             ON CONFLICT (key) DO UPDATE SET state = excluded.state, failures = excluded.failures,
                since = excluded.since")
        .bind(to_json("outcomes", &rows)?)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }
}

impl Sql {
    pub(crate) async fn last_outcomes(&self, keys: Vec<String>) -> Result<BTreeMap<String, LastOutcome>> {
        let rows = sql("SELECT * FROM outcomes WHERE key IN LIST($1)")
            .bind(words(keys.iter().map(String::as_str)))
            .fetch_all(&mut self.reader().await?)
            .await?;
        rows.iter()
            .map(|row| Ok((row.text("key")?, outcome(row)?)))
            .collect()
    }

    pub(crate) async fn outcome_before(&self, event: EventId) -> Result<Option<LastOutcome>> {
        let row = sql(
            "SELECT s.before AS state, s.failures, s.seq AS since FROM events e JOIN outcome_steps s ON s.seq = e.seq
             WHERE e.id = $1 AND s.before IS NOT NULL",
        )
        .bind(event.to_string())
        .fetch_optional(&mut self.reader().await?)
        .await?;
        row.as_ref().map(outcome).transpose()
    }
}
