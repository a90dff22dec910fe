//! Incidents as they are read: one, a page of them, who is affected, their events. How events join and end them is left to
//! `incidents`.

use ironcore_types::{IncidentId, ProjectName, Severity};

use super::Sql;
use super::events::event;
use super::list::{cursor, next_cursor};
use crate::db::{Conn, Row, Statement, sql};
use crate::error::{LedgerError, Result};
use crate::model::{
    Acknowledgement, Closing, Count, Ending, Incident, IncidentFilter, IncidentMember, IncidentPage,
    IncidentState, Page, SeqEvent,
};
use crate::rules::incident_book::scope;

/// Incidents with how many are affected.
pub(super) const INCIDENTS: &str = "SELECT i.*,
    (SELECT COUNT(*) FROM incident_members m WHERE m.incident = i.number) AS members,
    (SELECT COUNT(*) FROM incident_members m WHERE m.incident = i.number AND m.failing = 1) AS failing
 FROM incidents i";

pub(super) fn severity(text: &str) -> Option<Severity> {
    Severity::ALL.iter().copied().find(|one| one.as_str() == text)
}

/// The incident of a row of [`INCIDENTS`].
pub(super) fn incident(row: &Row) -> Result<Incident> {
    let ended = row.opt_time("ended")?;
    let ending = row.opt_text("ending")?.and_then(|text| Ending::parse(&text));
    let acknowledged = match row.opt_time("acknowledged")? {
        None => None,
        Some(at) => Some(Acknowledgement {
            at,
            by: row.word("acknowledged_by")?,
            comment: row.opt_text("comment")?,
        }),
    };
    let closed = match row.opt_word("closed_by")? {
        None => None,
        Some(by) => Some(Closing {
            by,
            comment: row.opt_text("closing")?,
        }),
    };
    let project = row.text("scope")?;
    let kept = row.text("severity")?;
    Ok(Incident {
        id: row.word("id")?,
        number: row.num("number")?,
        project: match project.as_str() {
            "-" => None,
            name => Some(ProjectName::new(name).map_err(|error| LedgerError::row("scope", error))?),
        },
        cause: row.text("cause")?,
        title: row.text("title")?,
        over: row.text("over_title")?,
        severity: severity(&kept)
            .ok_or_else(|| LedgerError::row("severity", format!("{kept:?} is no severity")))?,
        opened: row.time("opened")?,
        seen: row.time("seen")?,
        last_seq: row.num("last_seq")?,
        failures: row.count("failures")?,
        members: row.count("members")?,
        failing: row.count("failing")?,
        ended: ended.zip(ending),
        end_seq: row.opt_num("end_seq")?,
        closed,
        acknowledged,
    })
}

pub(super) async fn find(conn: &mut Conn, id: IncidentId) -> Result<Option<Incident>> {
    let mut query = sql(INCIDENTS);
    query.push(" WHERE i.id = ").push_bind(id.to_string());
    let row = query.fetch_optional(conn).await?;
    row.as_ref().map(incident).transpose()
}

fn conditions(query: &mut Statement, filter: &IncidentFilter) {
    query.push(" WHERE 1 = 1");
    if let Some(project) = &filter.project {
        query
            .push(" AND i.scope = ")
            .push_bind(project.as_str().to_owned());
    }
    if let Some(event) = filter.event {
        query
            .push(" AND i.number IN (SELECT l.incident FROM incident_events l JOIN events e ON e.seq = l.seq")
            .push(" WHERE e.id = ")
            .push_bind(event.to_string())
            .push(")");
    }
    if !filter.states.is_empty() {
        query.push(" AND (1 = 0");
        for state in &filter.states {
            query.push(match state {
                IncidentState::Open => " OR (i.ended IS NULL AND i.acknowledged IS NULL)",
                IncidentState::Acknowledged => " OR (i.ended IS NULL AND i.acknowledged IS NOT NULL)",
                IncidentState::Ended => " OR i.ended IS NOT NULL",
            });
        }
        query.push(")");
    }
}

impl Sql {
    pub(crate) async fn incidents(&self, filter: IncidentFilter, page: Page) -> Result<IncidentPage> {
        let limit = page.bounded();
        let mut conn = self.reader().await?;
        let mut query = sql(INCIDENTS);
        conditions(&mut query, &filter);
        if let Some(before) = cursor(&page)? {
            query.push(" AND i.number < ").push_bind(before);
        }
        query.push(" ORDER BY i.number DESC LIMIT ").push_bind(limit + 1);
        let rows = query.fetch_all(&mut conn).await?;
        let mut incidents = rows.iter().map(incident).collect::<Result<Vec<_>>>()?;
        let next = next_cursor(&mut incidents, limit, |incident| incident.number);
        let mut query = sql("SELECT COUNT(*) AS total FROM (SELECT 1 FROM incidents i");
        conditions(&mut query, &filter);
        query.push(" LIMIT ").push_bind(Count::PROBE).push(") AS counted");
        let total = query.fetch_one(&mut conn).await?.num("total")?;
        Ok(IncidentPage {
            incidents,
            next,
            total: Count::capped(total),
        })
    }

    pub(crate) async fn incident(&self, id: IncidentId) -> Result<Option<Incident>> {
        find(&mut self.reader().await?, id).await
    }

    pub(crate) async fn incident_of(
        &self,
        project: Option<ProjectName>,
        cause: String,
    ) -> Result<Option<Incident>> {
        let mut query = sql(INCIDENTS);
        query
            .push(" WHERE i.scope = ")
            .push_bind(scope(project.as_ref()).to_owned())
            .push(" AND i.cause = ")
            .push_bind(cause)
            .push(" AND i.ended IS NULL");
        let row = query.fetch_optional(&mut self.reader().await?).await?;
        row.as_ref().map(incident).transpose()
    }

    pub(crate) async fn incident_members(&self, id: IncidentId, limit: u32) -> Result<Vec<IncidentMember>> {
        let rows = sql(
            "SELECT m.* FROM incidents i JOIN incident_members m ON m.incident = i.number
             WHERE i.id = $1 ORDER BY m.failing DESC, m.member LIMIT $2",
        )
        .bind(id.to_string())
        .bind(limit)
        .fetch_all(&mut self.reader().await?)
        .await?;
        let member = |row: &Row| {
            Ok(IncidentMember {
                member: row.text("member")?,
                failures: row.count("failures")?,
                failing: row.flag("failing")?,
            })
        };
        rows.iter().map(member).collect()
    }

    pub(crate) async fn incident_events(&self, id: IncidentId, limit: u32) -> Result<Vec<SeqEvent>> {
        let rows = sql(
            "SELECT e.* FROM incidents i JOIN incident_events l ON l.incident = i.number
                JOIN events e ON e.seq = l.seq
             WHERE i.id = $1 ORDER BY e.seq DESC LIMIT $2",
        )
        .bind(id.to_string())
        .bind(limit)
        .fetch_all(&mut self.reader().await?)
        .await?;
        rows.iter().map(|row| event(self.ctx.hub, row)).collect()
    }
}
