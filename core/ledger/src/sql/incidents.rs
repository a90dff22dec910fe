//! Incidents: events join them and end them, in the transaction that fans the events out. Whoever is to be told of what
//! changed is looked at again: their notices become due. What is then told is left to `notices`.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::{DatastoreName, IncidentId, JobName, ProjectName, Timestamp, UserId};

use super::Sql;
use super::incident_book::beyond;
use super::incident_lists::find;
use super::tx::Tx;
use crate::db::{Value, sql, words};
use crate::error::{LedgerError, Result};
use crate::model::{
    Acknowledgement, Clear, Closing, Ending, HandlerRef, Incident, IncidentState, IncidentStep,
};
use crate::rules::incident_book::Asked;

/// Incidents that one call removes.
const FORGET: i64 = 500;

impl Tx {
    /// Whether any incident lasts: most of the time none does, and what ends well needs no further look.
    pub(super) async fn any_incident(&mut self) -> Result<bool> {
        let row = sql("SELECT 1 FROM incidents WHERE ended IS NULL LIMIT 1")
            .fetch_optional(&mut self.conn)
            .await?;
        Ok(row.is_some())
    }

    /// Does what events do to incidents, in their order. The handlers that are told of those that an event ended.
    pub(super) async fn incident_steps(
        &mut self,
        steps: &[(i64, &IncidentStep)],
    ) -> Result<BTreeMap<i64, BTreeSet<HandlerRef>>> {
        let asked = Asked::of(steps.iter().map(|(_, step)| *step));
        let mut book = self.read_book(&asked).await?;
        let mut told = BTreeMap::new();
        for (seq, step) in steps {
            let of_step = book.step(*seq, step);
            if !of_step.is_empty() {
                told.insert(*seq, of_step);
            }
        }
        self.write_book(&book).await?;
        Ok(told)
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

    /// Conditions are over, and what lasted by them is well.
    pub(super) async fn end_by_conditions(&mut self, keys: &[String]) -> Result<()> {
        let rows = sql("SELECT member FROM incident_members WHERE failing = 1 AND condition IN LIST($1)")
            .bind(words(keys.iter().map(String::as_str)))
            .fetch_all(&mut self.conn)
            .await?;
        let asked = Asked {
            members: rows.iter().map(|row| row.text("member")).collect::<Result<_>>()?,
            ..Asked::default()
        };
        if asked.members.is_empty() {
            return Ok(());
        }
        let mut book = self.read_book(&asked).await?;
        for key in keys {
            book.condition_over(key);
        }
        self.write_book(&book).await
    }

    /// A job is no longer there: nobody waits for it to work again.
    pub(super) async fn forget_job(&mut self, project: &ProjectName, job: &JobName) -> Result<()> {
        let kinds = ["job", "missed", "overdue", "overrun"];
        let members = kinds.map(|kind| Clear::Member(format!("{kind}/{project}/{job}")));
        self.forget(members.into()).await
    }

    /// What begins with this is no longer there.
    pub(super) async fn forget_causes(&mut self, prefix: &str) -> Result<()> {
        self.forget(vec![Clear::Causes(prefix.to_owned())]).await
    }

    async fn forget(&mut self, clears: Vec<Clear>) -> Result<()> {
        let step = IncidentStep {
            clears,
            ..IncidentStep::default()
        };
        let mut book = self.read_book(&Asked::of([&step])).await?;
        for clear in &step.clears {
            book.clear(clear, Ending::Removed, None);
        }
        self.write_book(&book).await
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

    pub(super) async fn acknowledge(
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
                self.take_on_events_of(incident.number, by).await?;
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

    /// Ends an incident because somebody says so: nobody waits for those who were affected any more.
    async fn close(&mut self, id: IncidentId, by: &UserId, comment: Option<String>) -> Result<Incident> {
        let found = find(&mut self.conn, id).await?;
        let incident = found.ok_or_else(|| LedgerError::NotFound(format!("incident {id}")))?;
        if incident.state() == IncidentState::Ended {
            return Err(LedgerError::conflict(format!(
                "incident {} is over already",
                incident.number
            )));
        }
        sql(
            "UPDATE incidents SET ended = $1, ending = $2, closed_by = $3, closing = $4
             WHERE number = $5 AND ended IS NULL",
        )
        .bind(self.now.as_micros())
        .bind(Ending::Closed.as_str())
        .bind(by.as_str())
        .bind(comment.clone())
        .bind(incident.number)
        .execute(&mut self.conn)
        .await?;
        sql("UPDATE incident_members SET failing = 0 WHERE incident = $1 AND failing = 1")
            .bind(incident.number)
            .execute(&mut self.conn)
            .await?;
        self.look_at_all(incident.number).await?;
        Ok(Incident {
            failing: 0,
            ended: Some((self.now, Ending::Closed)),
            closed: Some(Closing {
                by: by.clone(),
                comment,
            }),
            ..incident
        })
    }
}

/// Whom an incident affects that is about a snapshot.
fn snapshot_member(datastore: &DatastoreName) -> String {
    format!("snapshot/{datastore}:")
}

impl Sql {
    pub(crate) async fn damaged_snapshots(&self, datastore: &DatastoreName) -> Result<Vec<SnapshotPath>> {
        let prefix = snapshot_member(datastore);
        let rows = sql("SELECT DISTINCT member FROM incident_members
             WHERE failing = 1 AND member >= $1 AND member < $2 ORDER BY member")
        .bind(prefix.as_str())
        .bind(beyond(&prefix))
        .fetch_all(&mut self.reader().await?)
        .await?;
        let members = rows.iter().map(|row| row.text("member"));
        let paths = members.map(|member| {
            let member = member?;
            let path = member.strip_prefix(&prefix).unwrap_or(&member);
            path.parse()
                .map_err(|_| LedgerError::row("member", format!("{member:?} is no snapshot")))
        });
        paths.collect()
    }

    pub(crate) async fn forget_snapshots(
        &self,
        datastore: &DatastoreName,
        gone: &[SnapshotPath],
    ) -> Result<()> {
        let prefix = snapshot_member(datastore);
        let members = gone.iter().map(|path| Clear::Member(format!("{prefix}{path}")));
        let members: Vec<_> = members.collect();
        self.write(move |tx| Box::pin(async move { tx.forget(members).await }))
            .await
    }

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

    pub(crate) async fn close_incident(
        &self,
        id: IncidentId,
        by: UserId,
        comment: Option<String>,
    ) -> Result<Incident> {
        self.write(move |tx| Box::pin(async move { tx.close(id, &by, comment).await }))
            .await
    }
}
