//! Reads what a batch of events needs to know of incidents, and writes what has changed: a few statements for the batch,
//! not a few for each event.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_types::IncidentId;
use serde::Serialize;

use super::incident_lists::severity;
use super::tx::Tx;
use crate::db::{Value, sql, to_json, words};
use crate::error::{LedgerError, Result};
use crate::model::HandlerRef;
use crate::rules::incident_book::{Affected, Asked, Book, Changes, Entry, Look, Others, Place, Well};

#[derive(Serialize)]
struct CauseRow<'a> {
    scope: &'a str,
    cause: &'a str,
}

#[derive(Serialize)]
struct PrefixRow<'a> {
    start: &'a str,
    beyond: String,
}

#[derive(Serialize)]
struct NewRow<'a> {
    place: Place,
    id: String,
    scope: &'a str,
    cause: &'a str,
    title: &'a str,
    over_title: &'a str,
    severity: &'static str,
    begun_by: i64,
    #[serde(flatten)]
    becomes: Becomes,
}

#[derive(Serialize)]
struct ChangedRow {
    number: i64,
    severity: &'static str,
    worse: i64,
    #[serde(flatten)]
    becomes: Becomes,
}

/// What new and changed incidents have in common.
#[derive(Serialize)]
struct Becomes {
    more: i64,
    latest: Option<i64>,
    how: Option<&'static str>,
    ended_by: Option<i64>,
}

impl Becomes {
    fn of(changes: &Changes) -> Self {
        let ended = changes.ended;
        Self {
            more: changes.failures,
            latest: changes.last_seq,
            how: ended.map(|(ending, _)| ending.as_str()),
            ended_by: ended.and_then(|(_, seq)| seq),
        }
    }
}

#[derive(Serialize)]
struct MemberRow<'a> {
    incident: i64,
    member: &'a str,
    more: i64,
    failing: i64,
    loose: i64,
    condition: Option<&'a str>,
}

#[derive(Serialize)]
struct EventRow {
    incident: i64,
    seq: i64,
    news: i64,
}

#[derive(Serialize)]
struct NoticeRow {
    incident: i64,
    handler: String,
}

/// What the condition begins with that a handler fails.
pub(super) const DELIVERY: &str = "delivery/";

/// The first text that does not begin with this.
pub(super) fn beyond(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

impl Tx {
    pub(super) async fn read_book(&mut self, asked: &Asked) -> Result<Book> {
        let mut book = Book::default();
        let places = self.read_entries(asked, &mut book).await?;
        if !places.is_empty() {
            self.read_affected(asked, &places, &mut book).await?;
            self.read_notices(&places, &mut book).await?;
        }
        if !asked.conditions.is_empty() {
            book.conditions = self.read_conditions(&asked.conditions).await?;
        }
        Ok(book)
    }

    /// Those of these conditions that hold: what the watch has noticed, and handlers that fail.
    async fn read_conditions(&mut self, asked: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        let rows = sql("SELECT key FROM conditions WHERE key IN LIST($1)
             UNION SELECT 'delivery/' || handler AS key FROM handler_health WHERE handler IN LIST($2)")
        .bind(words(asked.iter().map(String::as_str)))
        .bind(words(asked.iter().filter_map(|key| key.strip_prefix(DELIVERY))))
        .fetch_all(&mut self.conn)
        .await?;
        rows.iter().map(|row| row.text("key")).collect()
    }

    /// The incidents that events may join, or whose end they may be.
    async fn read_entries(&mut self, asked: &Asked, book: &mut Book) -> Result<BTreeMap<i64, Place>> {
        let causes = asked.causes.iter();
        let causes: Vec<_> = causes.map(|(scope, cause)| CauseRow { scope, cause }).collect();
        let prefixes = asked.prefixes.iter().map(|prefix| PrefixRow {
            start: prefix,
            beyond: beyond(prefix),
        });
        let prefixes: Vec<_> = prefixes.collect();
        let members = words(asked.members.iter().map(String::as_str));
        let rows = sql("SELECT i.number, i.scope, i.cause, i.severity, i.acknowledged,
                CASE WHEN EXISTS (SELECT 1 FROM incident_members m WHERE m.incident = i.number AND m.failing = 1
                    AND m.loose = 1 AND m.member NOT IN LIST($2)) THEN 1 ELSE 0 END AS others_loose,
                CASE WHEN EXISTS (SELECT 1 FROM incident_members m WHERE m.incident = i.number AND m.failing = 1
                    AND m.loose = 0 AND m.member NOT IN LIST($2)) THEN 1 ELSE 0 END AS others_firm
             FROM incidents i WHERE i.ended IS NULL AND i.number IN (
                SELECT o.number FROM RECORDS($1 AS r: scope TEXT, cause TEXT)
                    JOIN incidents o ON o.scope = r.scope AND o.cause = r.cause AND o.ended IS NULL
                UNION SELECT m.incident FROM incident_members m WHERE m.member IN LIST($2) AND m.failing = 1
                UNION SELECT o.number FROM RECORDS($3 AS p: start TEXT, beyond TEXT)
                    JOIN incidents o ON o.cause >= p.start AND o.cause < p.beyond AND o.ended IS NULL)
             ORDER BY i.number")
        .bind(to_json("causes", &causes)?)
        .bind(members)
        .bind(to_json("beginnings of causes", &prefixes)?)
        .fetch_all(&mut self.conn)
        .await?;
        let mut places = BTreeMap::new();
        for row in rows {
            let number = row.num("number")?;
            let kept = row.text("severity")?;
            places.insert(number, book.entries.len());
            book.entries.push(Entry {
                number: Some(number),
                scope: row.text("scope")?,
                cause: row.text("cause")?,
                severity: severity(&kept)
                    .ok_or_else(|| LedgerError::row("severity", format!("{kept:?} is no severity")))?,
                acknowledged: row.opt_num("acknowledged")?.is_some(),
                others: Others {
                    loose: row.flag("others_loose")?,
                    firm: row.flag("others_firm")?,
                },
                changes: Changes::default(),
            });
        }
        Ok(places)
    }

    async fn read_affected(
        &mut self,
        asked: &Asked,
        places: &BTreeMap<i64, Place>,
        book: &mut Book,
    ) -> Result<()> {
        let rows = sql(
            "SELECT incident, member, failing, loose, condition FROM incident_members
             WHERE incident IN LIST($1) AND member IN LIST($2)",
        )
        .bind(Value::Numbers(places.keys().copied().collect()))
        .bind(words(asked.members.iter().map(String::as_str)))
        .fetch_all(&mut self.conn)
        .await?;
        for row in rows {
            let affected = Affected {
                failing: row.flag("failing")?,
                loose: row.flag("loose")?,
                condition: row.opt_text("condition")?,
                ..Affected::default()
            };
            if let Some(place) = places.get(&row.num("incident")?) {
                let of_member = book.affected.entry(row.text("member")?).or_default();
                of_member.insert(*place, affected);
            }
        }
        Ok(())
    }

    async fn read_notices(&mut self, places: &BTreeMap<i64, Place>, book: &mut Book) -> Result<()> {
        let rows = sql("SELECT incident, handler FROM incident_notices WHERE incident IN LIST($1)")
            .bind(Value::Numbers(places.keys().copied().collect()))
            .fetch_all(&mut self.conn)
            .await?;
        for row in rows {
            if let Some(place) = places.get(&row.num("incident")?) {
                let handler: HandlerRef = row.word("handler")?;
                book.notices.insert((*place, handler), Look::Not);
            }
        }
        Ok(())
    }

    pub(super) async fn write_book(&mut self, book: &Book) -> Result<()> {
        // One that ended makes room for another of its cause.
        self.write_changed(book).await?;
        let numbers = self.write_new(book).await?;
        self.write_affected(book, &numbers).await?;
        self.write_joined(book, &numbers).await?;
        self.write_notices(book, &numbers).await
    }

    async fn write_changed(&mut self, book: &Book) -> Result<()> {
        let mut rows = Vec::new();
        for entry in book.entries.iter().filter(|entry| entry.changed()) {
            rows.extend(entry.number.map(|number| ChangedRow {
                number,
                severity: entry.severity.as_str(),
                worse: i64::from(entry.changes.worse),
                becomes: Becomes::of(&entry.changes),
            }));
        }
        if rows.is_empty() {
            return Ok(());
        }
        // Those whose incident it is see the event that ended it only when it is theirs.
        sql(
            "UPDATE incidents SET failures = failures + r.more, severity = r.severity,
                seen = CASE WHEN r.more > 0 THEN $2 ELSE seen END, last_seq = COALESCE(r.latest, last_seq),
                acknowledged = CASE WHEN r.worse = 1 THEN NULL ELSE acknowledged END,
                acknowledged_by = CASE WHEN r.worse = 1 THEN NULL ELSE acknowledged_by END,
                comment = CASE WHEN r.worse = 1 THEN NULL ELSE comment END,
                ended = CASE WHEN r.how IS NULL THEN NULL ELSE $2 END, ending = r.how,
                end_seq = (SELECT e.seq FROM events e
                    WHERE e.seq = r.ended_by AND (incidents.scope = '-' OR e.project = incidents.scope))
             FROM RECORDS($1 AS r: number BIGINT, severity TEXT, worse BIGINT, more BIGINT, latest BIGINT,
                how TEXT, ended_by BIGINT)
             WHERE incidents.number = r.number",
        )
        .bind(to_json("incidents", &rows)?)
        .bind(self.now.as_micros())
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Writes incidents that began; the numbers of all of the book.
    async fn write_new(&mut self, book: &Book) -> Result<BTreeMap<Place, i64>> {
        let mut numbers = BTreeMap::new();
        let mut rows = Vec::new();
        for (place, entry) in book.entries.iter().enumerate() {
            if let Some(number) = entry.number {
                numbers.insert(place, number);
            }
            if let Some((title, over, first)) = &entry.changes.begins {
                rows.push(NewRow {
                    place,
                    id: IncidentId(self.ctx.seams.uuid()).to_string(),
                    scope: &entry.scope,
                    cause: &entry.cause,
                    title,
                    over_title: over,
                    severity: entry.severity.as_str(),
                    begun_by: *first,
                    becomes: Becomes::of(&entry.changes),
                });
            }
        }
        if rows.is_empty() {
            return Ok(numbers);
        }
        let made = sql(
            "INSERT INTO incidents (id, scope, cause, title, over_title, severity, opened, seen, last_seq, failures, ended,
                ending, end_seq)
             SELECT r.id, r.scope, r.cause, r.title, r.over_title, r.severity, $2, $2, COALESCE(r.latest, r.begun_by), r.more,
                CASE WHEN r.how IS NULL THEN NULL ELSE $2 END, r.how,
                (SELECT e.seq FROM events e WHERE e.seq = r.ended_by AND (r.scope = '-' OR e.project = r.scope))
             FROM RECORDS($1 AS r: place BIGINT, id TEXT, scope TEXT, cause TEXT, title TEXT, over_title TEXT,
                severity TEXT, begun_by BIGINT, more BIGINT, latest BIGINT, how TEXT, ended_by BIGINT)
             ORDER BY r.place RETURNING id, number",
        )
        .bind(to_json("incidents", &rows)?)
        .bind(self.now.as_micros())
        .fetch_all(&mut self.conn)
        .await?;
        let by_id = made.iter().map(|row| Ok((row.text("id")?, row.num("number")?)));
        let by_id = by_id.collect::<Result<BTreeMap<_, _>>>()?;
        for row in rows {
            let number = by_id.get(&row.id).copied();
            let number =
                number.ok_or_else(|| LedgerError::row("id", "an incident that was made is not there"))?;
            numbers.insert(row.place, number);
        }
        Ok(numbers)
    }

    async fn write_affected(&mut self, book: &Book, numbers: &BTreeMap<Place, i64>) -> Result<()> {
        for well in [Well::Loose, Well::All] {
            let mut places = BTreeSet::new();
            for (place, entry) in book.entries.iter().enumerate() {
                if entry.changes.well == Some(well) {
                    places.extend(numbers.get(&place).copied());
                }
            }
            if !places.is_empty() {
                sql("UPDATE incident_members SET failing = 0
                     WHERE incident IN LIST($1) AND failing = 1 AND (loose = 1 OR $2 = 1)")
                .bind(Value::Numbers(places.into_iter().collect()))
                .bind(well == Well::All)
                .execute(&mut self.conn)
                .await?;
            }
        }
        let mut rows = Vec::new();
        for (member, places) in &book.affected {
            for (place, affected) in places.iter().filter(|(_, affected)| affected.changed) {
                rows.extend(numbers.get(place).map(|incident| MemberRow {
                    incident: *incident,
                    member,
                    more: affected.failures,
                    failing: i64::from(affected.failing),
                    loose: i64::from(affected.loose),
                    condition: affected.condition.as_deref(),
                }));
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        sql("INSERT INTO incident_members (incident, member, failures, failing, loose, condition)
             SELECT incident, member, more, failing, loose, condition FROM RECORDS($1 AS r: incident BIGINT, member TEXT,
                more BIGINT, failing BIGINT, loose BIGINT, condition TEXT) WHERE 1 = 1
             ON CONFLICT (incident, member) DO UPDATE SET failures = incident_members.failures + excluded.failures,
                failing = excluded.failing, condition = excluded.condition")
        .bind(to_json("members of incidents", &rows)?)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    async fn write_joined(&mut self, book: &Book, numbers: &BTreeMap<Place, i64>) -> Result<()> {
        let mut rows = Vec::with_capacity(book.joined.len());
        for joined in &book.joined {
            rows.extend(numbers.get(&joined.place).map(|incident| EventRow {
                incident: *incident,
                seq: joined.seq,
                news: i64::from(joined.news),
            }));
        }
        if rows.is_empty() {
            return Ok(());
        }
        sql("INSERT INTO incident_events (incident, seq, news)
             SELECT incident, seq, news FROM RECORDS($1 AS r: incident BIGINT, seq BIGINT, news BIGINT) WHERE 1 = 1
             ON CONFLICT DO NOTHING")
        .bind(to_json("events of incidents", &rows)?)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    async fn write_notices(&mut self, book: &Book, numbers: &BTreeMap<Place, i64>) -> Result<()> {
        let (mut again, mut anew) = (Vec::new(), BTreeSet::new());
        for ((place, handler), look) in book.notices.iter().filter(|(_, look)| **look > Look::Not) {
            let Some(incident) = numbers.get(place) else {
                continue;
            };
            again.push((*incident, handler));
            if *look == Look::Anew {
                anew.insert(*incident);
            }
        }
        self.look_at(again).await?;
        if anew.is_empty() {
            return Ok(());
        }
        // All who were told are told as if it had just begun; whom it was escalated to, when it is escalated again.
        sql(
            "UPDATE incident_notices SET since = $1, first = NULL, escalated = NULL, raised = 0
             WHERE incident IN LIST($2)",
        )
        .bind(self.now.as_micros())
        .bind(Value::Numbers(anew.into_iter().collect()))
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// The handlers' notices of incidents are to be looked at.
    pub(super) async fn look_at(
        &mut self,
        notices: impl IntoIterator<Item = (i64, &HandlerRef)>,
    ) -> Result<()> {
        let rows = notices.into_iter().map(|(incident, handler)| NoticeRow {
            incident,
            handler: handler.to_string(),
        });
        let rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            return Ok(());
        }
        sql(
            "INSERT INTO incident_notices (incident, handler, since, told_seq, sent, raised, due, version)
             SELECT incident, handler, $2, 0, 0, 0, $2, 0
             FROM RECORDS($1 AS r: incident BIGINT, handler TEXT) WHERE 1 = 1
             ON CONFLICT (incident, handler) DO UPDATE SET due = excluded.due,
                version = incident_notices.version + 1",
        )
        .bind(to_json("notices", &rows)?)
        .bind(self.now.as_micros())
        .execute(&mut self.conn)
        .await?;
        self.woken.events = true;
        Ok(())
    }
}
