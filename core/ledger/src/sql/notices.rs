//! Notices of incidents: which are to be looked at, and what came of it. Each is fenced by its version, so that of several
//! processes that look at one, one tells.

use std::collections::BTreeSet;

use ironcore_types::{IncidentId, Timestamp};

use super::Sql;
use super::incident_lists::{INCIDENTS, incident};
use super::tx::Tx;
use crate::db::{Conn, Row, micros, sql};
use crate::error::{LedgerError, Result};
use crate::model::{DueNotice, FanOutReport, HandlerRef, Incident, Notice, NoticeStep, Raised};

/// Untold events that one notice is made of; of more the newest.
const MOST: i64 = 200;
/// Newest events of the incident that come with it.
const NEWEST: i64 = 20;
/// Newest events that a silence keeps from the handler.
const HELD: i64 = 1_000;

fn notice(row: &Row) -> Result<Notice> {
    Ok(Notice {
        handler: row.word("handler")?,
        since: row.time("since")?,
        told_seq: row.num("told_seq")?,
        sent: row.small("sent")?,
        first: row.opt_time("first")?,
        last: row.opt_time("last")?,
        escalated: row.opt_time("escalated")?,
        raised: Raised::of(row.num("raised")?),
        due: row.opt_time("due")?,
        version: row.num("version")?,
    })
}

async fn load(conn: &mut Conn, number: i64) -> Result<Incident> {
    let mut query = sql(INCIDENTS);
    query.push(" WHERE i.number = ").push_bind(number);
    incident(&query.fetch_one(conn).await?)
}

/// Events of the incident that the handler matched after the last that it was told of, oldest first; and which of them are
/// news. What was silenced is none of them before its silence is over, and then whatever else was told meanwhile.
async fn untold(conn: &mut Conn, number: i64, notice: &Notice) -> Result<(Vec<i64>, Vec<i64>)> {
    let rows = sql("SELECT l.seq AS seq, l.news AS news FROM incident_events l
            JOIN matches h ON h.seq = l.seq AND h.handler = $3
         WHERE l.incident = $1 AND l.seq > $2
            AND NOT EXISTS (SELECT 1 FROM silenced s WHERE s.seq = l.seq AND s.handler = $3)
         UNION SELECT l.seq AS seq, l.news AS news FROM silenced s JOIN incident_events l ON l.incident = $1 AND l.seq = s.seq
         WHERE s.handler = $3 AND s.told = 1 AND s.looked >= $4
         ORDER BY seq DESC LIMIT $5")
    .bind(number)
    .bind(notice.told_seq)
    .bind(notice.handler.to_string())
    // Nobody was told of anything yet.
    .bind(notice.last.map_or(0, Timestamp::as_micros))
    .bind(MOST)
    .fetch_all(conn)
    .await?;
    let mut seqs = rows
        .iter()
        .map(|row| row.num("seq"))
        .collect::<Result<Vec<_>>>()?;
    seqs.reverse();
    let mut news = Vec::new();
    for row in &rows {
        if row.flag("news")? {
            news.push(row.num("seq")?);
        }
    }
    Ok((seqs, news))
}

/// The newest events of the incident, oldest first, without those that the handler is kept from hearing of.
async fn newest(conn: &mut Conn, number: i64, handler: &HandlerRef) -> Result<Vec<i64>> {
    let rows = sql("SELECT l.seq AS seq FROM incident_events l WHERE l.incident = $1
            AND NOT EXISTS (SELECT 1 FROM silenced s WHERE s.seq = l.seq AND s.handler = $2 AND s.looked IS NULL)
         ORDER BY l.seq DESC LIMIT $3")
    .bind(number)
    .bind(handler.to_string())
    .bind(NEWEST)
    .fetch_all(conn)
    .await?;
    let mut seqs = rows
        .iter()
        .map(|row| row.num("seq"))
        .collect::<Result<Vec<_>>>()?;
    seqs.reverse();
    Ok(seqs)
}

/// Those that it is kept from hearing of.
async fn held(conn: &mut Conn, number: i64, handler: &HandlerRef) -> Result<Vec<i64>> {
    let rows = sql(
        "SELECT s.seq AS seq FROM silenced s JOIN incident_events l ON l.incident = $1 AND l.seq = s.seq
         WHERE s.handler = $2 AND s.looked IS NULL ORDER BY s.seq DESC LIMIT $3",
    )
    .bind(number)
    .bind(handler.to_string())
    .bind(HELD)
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| row.num("seq")).collect()
}

/// Whether the handler was to hear of the event that ended the incident: it matched, and was not silenced.
async fn hears_end(conn: &mut Conn, incident: &Incident, handler: &HandlerRef) -> Result<bool> {
    let Some(seq) = incident.end_seq else {
        return Ok(false);
    };
    let row = sql("SELECT 1 FROM matches h WHERE h.seq = $1 AND h.handler = $2
            AND NOT EXISTS (SELECT 1 FROM silenced s WHERE s.seq = h.seq AND s.handler = $2)")
    .bind(seq)
    .bind(handler.to_string())
    .fetch_optional(conn)
    .await?;
    Ok(row.is_some())
}

impl Tx {
    async fn record_notices(&mut self, steps: Vec<NoticeStep>) -> Result<FanOutReport> {
        let rates: Vec<_> = steps.iter().filter_map(|step| step.rate.clone()).collect();
        self.check_rates(&rates).await?;
        let mut raised = BTreeSet::new();
        let mut messages = Vec::new();
        for step in steps {
            let number = self.number_of(step.incident).await?;
            let notice = &step.notice;
            self.hold_back(&notice.handler, step.held).await?;
            if let Some((_, told)) = &step.message {
                self.told_by_notice(&notice.handler, told).await?;
            }
            let done = sql(
                "UPDATE incident_notices SET since = $1, told_seq = $2, sent = $3, first = $4, last = $5,
                    escalated = $6, raised = $7, due = $8, version = version + 1
                 WHERE incident = $9 AND handler = $10 AND version = $11",
            )
            .bind(notice.since.as_micros())
            .bind(notice.told_seq)
            .bind(i64::from(notice.sent))
            .bind(micros(notice.first))
            .bind(micros(notice.last))
            .bind(micros(notice.escalated))
            .bind(notice.raised.number())
            .bind(micros(notice.due))
            .bind(number)
            .bind(notice.handler.to_string())
            .bind(notice.version)
            .execute(&mut self.conn)
            .await?;
            if done == 0 {
                return Err(LedgerError::Fenced(format!(
                    "the notice of incident {number} for {}",
                    notice.handler
                )));
            }
            raised.extend(step.raise.map(|handler| (number, handler)));
            messages.extend(step.message);
        }
        let again = raised.iter().map(|(number, handler)| (*number, handler));
        self.look_at(again).await?;
        for (number, handler) in raised {
            sql("UPDATE incident_notices SET raised = 1 WHERE incident = $1 AND handler = $2")
                .bind(number)
                .bind(handler.to_string())
                .execute(&mut self.conn)
                .await?;
        }
        self.put_rates(&rates).await?;
        self.make_messages(messages).await
    }

    async fn number_of(&mut self, id: IncidentId) -> Result<i64> {
        sql("SELECT number FROM incidents WHERE id = $1")
            .bind(id.to_string())
            .fetch_one(&mut self.conn)
            .await?
            .num("number")
    }
}

impl Sql {
    pub(crate) async fn due_notices(&self, limit: u32) -> Result<(Timestamp, Vec<DueNotice>)> {
        let mut conn = self.reader().await?;
        let now = self.now(&mut conn).await?;
        let rows =
            sql("SELECT * FROM incident_notices WHERE due <= $1 ORDER BY due, incident, handler LIMIT $2")
                .bind(now.as_micros())
                .bind(limit)
                .fetch_all(&mut conn)
                .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let number = row.num("incident")?;
            let notice = notice(row)?;
            let (untold, news) = untold(&mut conn, number, &notice).await?;
            let incident = load(&mut conn, number).await?;
            found.push(DueNotice {
                newest: newest(&mut conn, number, &notice.handler).await?,
                held: held(&mut conn, number, &notice.handler).await?,
                hears_end: hears_end(&mut conn, &incident, &notice.handler).await?,
                incident,
                notice,
                untold,
                news,
            });
        }
        Ok((now, found))
    }

    pub(crate) async fn notices(&self, id: IncidentId) -> Result<Vec<Notice>> {
        let rows = sql(
            "SELECT n.* FROM incidents i JOIN incident_notices n ON n.incident = i.number WHERE i.id = $1 ORDER BY n.handler",
        )
        .bind(id.to_string())
        .fetch_all(&mut self.reader().await?)
        .await?;
        rows.iter().map(notice).collect()
    }

    pub(crate) async fn record_notices(&self, steps: Vec<NoticeStep>) -> Result<FanOutReport> {
        self.write(move |tx| Box::pin(async move { tx.record_notices(steps).await }))
            .await
    }

    pub(crate) async fn next_notice_due(&self) -> Result<Option<Timestamp>> {
        let row = sql("SELECT MIN(due) AS due FROM incident_notices WHERE due IS NOT NULL")
            .fetch_one(&mut self.reader().await?)
            .await?;
        row.opt_time("due")
    }
}
