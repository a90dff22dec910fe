//! Incidents: events join them and end them, in the transaction that fans the events out. Whoever is to be told of what
//! changed is looked at again: their notices become due. What is then told is left to `notices`.

use std::collections::BTreeSet;

use ironcore_types::{IncidentId, JobName, ProjectName, Timestamp, UserId};

use super::Sql;
use super::incident_lists::{find, severity};
use super::tx::Tx;
use crate::db::{Value, sql, words};
use crate::error::{LedgerError, Result};
use crate::model::{
    Acknowledgement, Clear, Ending, HandlerRef, Incident, IncidentState, IncidentStep, Joins,
};

/// Incidents that one call removes.
const FORGET: i64 = 500;

/// The scope in words of the table.
pub(super) fn scope(project: Option<&ProjectName>) -> &str {
    project.map_or("-", ProjectName::as_str)
}

/// The first text that does not begin with this.
fn beyond(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

impl Tx {
    /// Whether any incident lasts: most of the time none does, and what ends well needs no further look.
    pub(super) async fn any_incident(&mut self) -> Result<bool> {
        let row = sql("SELECT 1 FROM incidents WHERE ended IS NULL LIMIT 1")
            .fetch_optional(&mut self.conn)
            .await?;
        Ok(row.is_some())
    }

    /// Does what an event does to incidents. The handlers that are told of those that it ended.
    pub(super) async fn incident_step(
        &mut self,
        seq: i64,
        step: &IncidentStep,
    ) -> Result<BTreeSet<HandlerRef>> {
        let mut ended = BTreeSet::new();
        for clear in &step.clears {
            for number in self.clear(clear).await? {
                ended.extend(self.end_if_well(number, Ending::Recovered, Some(seq)).await?);
            }
        }
        if let Some(joins) = &step.joins {
            for project in &joins.scopes {
                self.join(seq, project.as_ref(), joins).await?;
            }
        }
        Ok(ended)
    }

    async fn join(&mut self, seq: i64, project: Option<&ProjectName>, joins: &Joins) -> Result<()> {
        // Whoever failed for another reason fails for this one now.
        let moved = sql(
            "UPDATE incident_members SET failing = 0 WHERE member = $1 AND failing = 1
             AND incident IN (SELECT number FROM incidents WHERE scope = $2 AND cause <> $3 AND ended IS NULL)
             RETURNING incident",
        )
        .bind(joins.member.as_str())
        .bind(scope(project))
        .bind(joins.cause.as_str())
        .fetch_all(&mut self.conn)
        .await?;
        for row in moved {
            self.end_if_well(row.num("incident")?, Ending::Moved, Some(seq))
                .await?;
        }
        let (number, worse) = self.open_incident(seq, project, joins).await?;
        let before = sql("SELECT failing FROM incident_members WHERE incident = $1 AND member = $2")
            .bind(number)
            .bind(joins.member.as_str())
            .fetch_optional(&mut self.conn)
            .await?;
        let news = !matches!(before.map(|row| row.flag("failing")).transpose()?, Some(true));
        // What lasts by a condition may be over already.
        let lasts = match &joins.condition {
            None => true,
            Some(key) => sql("SELECT 1 FROM conditions WHERE key = $1")
                .bind(key.as_str())
                .fetch_optional(&mut self.conn)
                .await?
                .is_some(),
        };
        sql(
            "INSERT INTO incident_members (incident, member, failures, failing, loose, condition)
             VALUES ($1, $2, 1, $3, $4, $5)
             ON CONFLICT (incident, member) DO UPDATE SET failures = incident_members.failures + 1,
                failing = excluded.failing, condition = excluded.condition",
        )
        .bind(number)
        .bind(joins.member.as_str())
        .bind(lasts)
        .bind(joins.loose)
        .bind(joins.condition.clone())
        .execute(&mut self.conn)
        .await?;
        sql("INSERT INTO incident_events (incident, seq, news) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(number)
            .bind(seq)
            .bind(news)
            .execute(&mut self.conn)
            .await?;
        for handler in joins.told.iter().filter(|told| told.project.as_ref() == project) {
            self.look_at(number, handler).await?;
        }
        if worse {
            self.begin_anew(number).await?;
        }
        if !lasts {
            self.end_if_well(number, Ending::Recovered, None).await?;
        }
        Ok(())
    }

    /// The open incident of the cause, made when there is none; and whether one that somebody sees to became worse,
    /// which nobody sees to then.
    async fn open_incident(
        &mut self,
        seq: i64,
        project: Option<&ProjectName>,
        joins: &Joins,
    ) -> Result<(i64, bool)> {
        let found = sql(
            "SELECT number, severity, acknowledged FROM incidents WHERE scope = $1 AND cause = $2 AND ended IS NULL",
        )
        .bind(scope(project))
        .bind(joins.cause.as_str())
        .fetch_optional(&mut self.conn)
        .await?;
        let Some(row) = found else {
            let made = sql(
                "INSERT INTO incidents (id, scope, cause, title, over_title, severity, opened, seen, last_seq, failures)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, 1) RETURNING number",
            )
            .bind(IncidentId(self.ctx.seams.uuid()).to_string())
            .bind(scope(project))
            .bind(joins.cause.as_str())
            .bind(joins.title.as_str())
            .bind(joins.over.as_str())
            .bind(joins.severity.as_str())
            .bind(self.now.as_micros())
            .bind(seq)
            .fetch_one(&mut self.conn)
            .await?;
            return Ok((made.num("number")?, false));
        };
        let number = row.num("number")?;
        let worse = severity(&row.text("severity")?).is_some_and(|before| joins.severity > before);
        let mut query = sql("UPDATE incidents SET failures = failures + 1, seen = $1, last_seq = $2");
        query = query.bind(self.now.as_micros()).bind(seq);
        if worse {
            query
                .push(", acknowledged = NULL, acknowledged_by = NULL, comment = NULL, severity = ")
                .push_bind(joins.severity.as_str());
        }
        query.push(" WHERE number = ").push_bind(number);
        query.execute(&mut self.conn).await?;
        Ok((number, worse && row.opt_num("acknowledged")?.is_some()))
    }

    /// The handler's notice of the incident is to be looked at.
    pub(super) async fn look_at(&mut self, number: i64, handler: &HandlerRef) -> Result<()> {
        sql(
            "INSERT INTO incident_notices (incident, handler, since, told_seq, sent, raised, due, version)
             VALUES ($1, $2, $3, 0, 0, 0, $3, 0)
             ON CONFLICT (incident, handler) DO UPDATE SET due = excluded.due,
                version = incident_notices.version + 1",
        )
        .bind(number)
        .bind(handler.to_string())
        .bind(self.now.as_micros())
        .execute(&mut self.conn)
        .await?;
        self.woken.events = true;
        Ok(())
    }

    /// All who were told are told as if it had just begun.
    async fn begin_anew(&mut self, number: i64) -> Result<()> {
        sql(
            "UPDATE incident_notices SET since = $1, first = NULL, escalated = NULL, due = $1, version = version + 1
             WHERE incident = $2",
        )
        .bind(self.now.as_micros())
        .bind(number)
        .execute(&mut self.conn)
        .await?;
        self.woken.events = true;
        Ok(())
    }

    /// All notices of the incident are to be looked at.
    async fn look_at_all(&mut self, number: i64) -> Result<BTreeSet<HandlerRef>> {
        let rows = sql(
            "UPDATE incident_notices SET due = $1, version = version + 1 WHERE incident = $2
             RETURNING handler",
        )
        .bind(self.now.as_micros())
        .bind(number)
        .fetch_all(&mut self.conn)
        .await?;
        self.woken.events |= !rows.is_empty();
        rows.iter().map(|row| row.word("handler")).collect()
    }

    /// Says that something is well; the incidents whose it was.
    async fn clear(&mut self, clear: &Clear) -> Result<BTreeSet<i64>> {
        let query = match clear {
            Clear::Member(member) => {
                sql("UPDATE incident_members SET failing = 0 WHERE member = $1 AND failing = 1 RETURNING incident")
                    .bind(member.as_str())
            }
            Clear::Loose(prefix) | Clear::Causes(prefix) => {
                let only_loose = matches!(clear, Clear::Loose(_));
                sql(
                    "UPDATE incident_members SET failing = 0 WHERE failing = 1 AND (loose = 1 OR $1 = 0)
                     AND incident IN (SELECT number FROM incidents WHERE cause >= $2 AND cause < $3 AND ended IS NULL)
                     RETURNING incident",
                )
                .bind(only_loose)
                .bind(prefix.as_str())
                .bind(beyond(prefix))
            }
        };
        let rows = query.fetch_all(&mut self.conn).await?;
        rows.iter().map(|row| row.num("incident")).collect()
    }

    /// Ends the incident unless somebody is still affected. The handlers that are told of it.
    async fn end_if_well(
        &mut self,
        number: i64,
        ending: Ending,
        seq: Option<i64>,
    ) -> Result<BTreeSet<HandlerRef>> {
        // Those whose incident it is see the event that ended it only when it is theirs.
        let done = sql("UPDATE incidents SET ended = $1, ending = $2, end_seq = (
                SELECT e.seq FROM events e WHERE e.seq = $3 AND (incidents.scope = '-' OR e.project = incidents.scope))
             WHERE number = $4 AND ended IS NULL
                AND NOT EXISTS (SELECT 1 FROM incident_members m WHERE m.incident = $4 AND m.failing = 1)")
        .bind(self.now.as_micros())
        .bind(ending.as_str())
        .bind(seq)
        .bind(number)
        .execute(&mut self.conn)
        .await?;
        match done {
            0 => Ok(BTreeSet::new()),
            _ => self.look_at_all(number).await,
        }
    }

    /// Conditions are over, and what lasted by them is well.
    pub(super) async fn end_by_conditions(&mut self, keys: &[String]) -> Result<()> {
        let rows = sql(
            "UPDATE incident_members SET failing = 0 WHERE failing = 1 AND condition IN LIST($1)
             RETURNING incident",
        )
        .bind(words(keys.iter().map(String::as_str)))
        .fetch_all(&mut self.conn)
        .await?;
        for row in rows {
            self.end_if_well(row.num("incident")?, Ending::Recovered, None)
                .await?;
        }
        Ok(())
    }

    /// A job is no longer there: nobody waits for it to work again.
    pub(super) async fn forget_job(&mut self, project: &ProjectName, job: &JobName) -> Result<()> {
        for kind in ["job", "missed", "overdue", "overrun"] {
            for number in self
                .clear(&Clear::Member(format!("{kind}/{project}/{job}")))
                .await?
            {
                self.end_if_well(number, Ending::Removed, None).await?;
            }
        }
        Ok(())
    }

    /// What begins with this is no longer there.
    pub(super) async fn forget_causes(&mut self, prefix: &str) -> Result<()> {
        for number in self.clear(&Clear::Causes(prefix.to_owned())).await? {
            self.end_if_well(number, Ending::Removed, None).await?;
        }
        Ok(())
    }

    /// Removes some of those that were over before then, with all that is about them.
    async fn forget_incidents(&mut self, before: Timestamp) -> Result<u64> {
        let rows = sql("SELECT number FROM incidents WHERE ended < $1 ORDER BY number LIMIT $2")
            .bind(before.as_micros())
            .bind(FORGET)
            .fetch_all(&mut self.conn)
            .await?;
        let numbers = rows
            .iter()
            .map(|row| row.num("number"))
            .collect::<Result<Vec<_>>>()?;
        if numbers.is_empty() {
            return Ok(0);
        }
        for deed in [
            "DELETE FROM incident_events WHERE incident IN LIST($1)",
            "DELETE FROM incident_members WHERE incident IN LIST($1)",
            "DELETE FROM incident_notices WHERE incident IN LIST($1)",
            "DELETE FROM incidents WHERE number IN LIST($1)",
        ] {
            sql(deed)
                .bind(Value::Numbers(numbers.clone()))
                .execute(&mut self.conn)
                .await?;
        }
        Ok(numbers.len() as u64)
    }

    async fn acknowledge(
        &mut self,
        id: IncidentId,
        by: &UserId,
        comment: Option<String>,
    ) -> Result<Incident> {
        let found = find(&mut self.conn, id).await?;
        let incident = found.ok_or_else(|| LedgerError::NotFound(format!("incident {id}")))?;
        match incident.state() {
            IncidentState::Ended => Err(LedgerError::conflict(format!(
                "incident {} is over: there is nothing to see to",
                incident.number
            ))),
            // Who came first sees to it; asking twice is no fault.
            IncidentState::Acknowledged => Ok(incident),
            IncidentState::Open => {
                sql("UPDATE incidents SET acknowledged = $1, acknowledged_by = $2, comment = $3 WHERE number = $4")
                    .bind(self.now.as_micros())
                    .bind(by.as_str())
                    .bind(comment.clone())
                    .bind(incident.number)
                    .execute(&mut self.conn)
                    .await?;
                self.look_at_all(incident.number).await?;
                Ok(Incident {
                    acknowledged: Some(Acknowledgement {
                        at: self.now,
                        by: by.clone(),
                        comment,
                    }),
                    ..incident
                })
            }
        }
    }
}

impl Sql {
    pub(crate) async fn forget_incidents(&self, before: Timestamp) -> Result<u64> {
        self.write(move |tx| Box::pin(async move { tx.forget_incidents(before).await }))
            .await
    }

    pub(crate) async fn acknowledge_incident(
        &self,
        id: IncidentId,
        by: UserId,
        comment: Option<String>,
    ) -> Result<Incident> {
        self.write(move |tx| Box::pin(async move { tx.acknowledge(id, &by, comment).await }))
            .await
    }
}
