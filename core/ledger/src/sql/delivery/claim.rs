//! Which messages go next, and handing them out.
//!
//! Messages go in the order of their time, but for those whose lane has no room: too many of it are being sent, or its
//! destination rests. What is held back in that way may be very much and older than all the rest, so it is never walked
//! through: when the oldest due messages do not give enough, the first ones of each lane are looked at, lane by lane.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use ironcore_types::event::Tip;
use ironcore_types::objects::{Group, Handler};
use ironcore_types::{EventId, HubId, SessionId, Timestamp};
use serde::Serialize;

use crate::db::{Conn, Row, Value, sql, to_json, words};
use crate::error::Result;
use crate::model::{Circuit, ClaimedMessage, HandlerRef, Message, SeqEvent};
use crate::sql::Sql;
use crate::sql::events::event;
use crate::sql::lanes::circuit;
use crate::sql::messages::message;
use crate::sql::sessions::check_live;
use crate::sql::tx::Tx;

/// Messages that are looked at for each that is wanted, before it goes lane by lane.
const WINDOW: u32 = 4;
/// Messages of lanes without room that are passed over, before it goes lane by lane.
const PASSED_OVER: u32 = 256;

/// The first due messages of every lane with room, at most $3 of each: due at $1, $2 in all, on no lane of $4. SQLite has
/// no LATERAL.
macro_rules! by_lane {
    ($first:literal) => {
        concat!(
            "WITH RECURSIVE l (lane) AS (
                SELECT MIN(lane) FROM messages VIA(messages_lane_open)
                WHERE ended IS NULL AND head = 1
                UNION ALL
                SELECT (SELECT MIN(n.lane) FROM messages n VIA(messages_lane_open)
                    WHERE n.ended IS NULL AND n.head = 1 AND n.lane > l.lane)
                FROM l WHERE l.lane IS NOT NULL)
             SELECT m.number, m.lane FROM l CROSS JOIN ",
            $first,
            " WHERE l.lane IS NOT NULL AND l.lane NOT IN LIST($4) ORDER BY m.due, m.number LIMIT $2"
        )
    };
}

/// How many more messages may go to each lane.
struct Room {
    now: Timestamp,
    per_lane: u32,
    sending: BTreeMap<String, u32>,
    circuits: BTreeMap<String, Circuit>,
}

impl Room {
    async fn look(conn: &mut Conn, now: Timestamp, per_lane: u32) -> Result<Self> {
        let rows = sql(
            "SELECT lane, COUNT(*) AS sent FROM messages VIA(messages_lane_sending)
             WHERE state = 'sending' AND lane IS NOT NULL GROUP BY lane",
        )
        .fetch_all(conn)
        .await?;
        let sending = rows.iter().map(|row| Ok((row.text("lane")?, row.small("sent")?)));
        let sending = sending.collect::<Result<_>>()?;
        let rows = sql("SELECT * FROM circuits").fetch_all(conn).await?;
        let circuits = rows
            .iter()
            .map(|row| circuit(row).map(|known| (known.lane.clone(), known)));
        Ok(Self {
            now,
            per_lane,
            sending,
            circuits: circuits.collect::<Result<_>>()?,
        })
    }

    fn left(&self, lane: &str) -> u32 {
        let most = match self.circuits.get(lane) {
            Some(circuit) if circuit.until > self.now => 0,
            // The first message after a pause tries whether the destination works again.
            Some(_) => 1,
            None => self.per_lane,
        };
        most.saturating_sub(self.sending.get(lane).copied().unwrap_or(0))
    }

    /// Gives a place on the lane away, if there is one.
    fn take(&mut self, lane: &str) -> bool {
        let free = self.left(lane) > 0;
        if free {
            *self.sending.entry(lane.to_owned()).or_default() += 1;
        }
        free
    }

    fn full(&self) -> BTreeSet<&str> {
        let known = self.sending.keys().chain(self.circuits.keys());
        known
            .map(String::as_str)
            .filter(|lane| self.left(lane) == 0)
            .collect()
    }
}

/// Up to `n` messages that may go now, first come first.
async fn candidates(conn: &mut Conn, n: u32, room: &mut Room) -> Result<Vec<i64>> {
    let window = n.saturating_mul(WINDOW);
    let mut chosen = Vec::new();
    let (rows, all) = oldest(conn, window, room).await?;
    choose(&rows, n, room, &mut chosen)?;
    if all {
        return Ok(chosen);
    }
    // Where much waits on every lane, one of each is enough.
    for per_lane in [1, room.per_lane] {
        if chosen.len() == n as usize {
            break;
        }
        let rows = first_of_lanes(conn, window, per_lane, room).await?;
        choose(&rows, n, room, &mut chosen)?;
        if rows.is_empty() {
            break;
        }
    }
    Ok(chosen)
}

/// The oldest due messages, but for lanes that have no room; and whether those are all there are.
async fn oldest(conn: &mut Conn, window: u32, room: &Room) -> Result<(Vec<Row>, bool)> {
    let full = room.full();
    let rows = if full.is_empty() {
        sql(
            "SELECT number, lane FROM messages VIA(messages_ready) WHERE state = 'pending' AND head = 1 AND due <= $1
             ORDER BY due, number LIMIT $2",
        )
        .bind(room.now.as_micros())
        .bind(window)
    } else {
        sql("SELECT w.number, w.lane FROM (
                SELECT number, lane, due FROM messages VIA(messages_ready)
                WHERE state = 'pending' AND head = 1 AND due <= $1 ORDER BY due, number LIMIT $3) w
             WHERE w.lane NOT IN LIST($4) LIMIT $2")
        .bind(room.now.as_micros())
        .bind(window)
        .bind(PASSED_OVER)
        .bind(words(full.iter().copied()))
    };
    let rows = rows.fetch_all(conn).await?;
    if rows.len() == window as usize {
        return Ok((rows, false));
    }
    let passed_over = !full.is_empty()
        && sql(
            "SELECT 1 FROM messages VIA(messages_ready) WHERE state = 'pending' AND head = 1 AND due <= $1
             ORDER BY due, number LIMIT 1 OFFSET $2",
        )
        .bind(room.now.as_micros())
        .bind(PASSED_OVER)
        .fetch_optional(conn)
        .await?
        .is_some();
    Ok((rows, !passed_over))
}

async fn first_of_lanes(conn: &mut Conn, window: u32, per_lane: u32, room: &Room) -> Result<Vec<Row>> {
    let query = sql(if conn.is_postgres() {
        by_lane!(
            "LATERAL (
                SELECT i.number, i.lane, i.due FROM messages i
                WHERE i.ended IS NULL AND i.state = 'pending' AND i.head = 1 AND i.lane = l.lane AND i.due <= $1
                ORDER BY i.due LIMIT $3) m"
        )
    } else {
        by_lane!(
            "messages m ON m.number IN (
                SELECT i.number FROM messages i VIA(messages_lane_open)
                WHERE i.ended IS NULL AND i.state = 'pending' AND i.head = 1 AND i.lane = l.lane AND i.due <= $1
                ORDER BY i.due LIMIT $3)"
        )
    });
    query
        .bind(room.now.as_micros())
        .bind(window)
        .bind(per_lane)
        .bind(words(room.full()))
        .fetch_all(conn)
        .await
}

fn choose(rows: &[Row], n: u32, room: &mut Room, chosen: &mut Vec<i64>) -> Result<()> {
    for row in rows {
        let number = row.num("number")?;
        if chosen.len() < n as usize && !chosen.contains(&number) && room.take(&row.text("lane")?) {
            chosen.push(number);
        }
    }
    Ok(())
}

/// A handler's group, to look it up by; the hub's own have no project.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GroupKey<'a> {
    pub(super) project: Option<&'a str>,
    pub(super) name: &'a str,
}

/// The handlers as they are declared now, of those that are.
pub(in crate::sql) async fn declared(
    conn: &mut Conn,
    handlers: impl IntoIterator<Item = &HandlerRef>,
) -> Result<BTreeMap<String, Handler>> {
    let keys: BTreeSet<GroupKey<'_>> = handlers
        .into_iter()
        .map(|handler| GroupKey {
            project: handler.project.as_ref().map(|project| project.as_str()),
            name: handler.group.as_str(),
        })
        .collect();
    handlers_of(conn, keys).await
}

/// The handlers of these groups as they are declared now.
pub(super) async fn handlers_of(
    conn: &mut Conn,
    keys: BTreeSet<GroupKey<'_>>,
) -> Result<BTreeMap<String, Handler>> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sql("SELECT g.body FROM RECORDS($1 AS r: project TEXT, name TEXT)
             JOIN notification_groups g ON g.project = r.project AND g.name = r.name
         UNION ALL
         SELECT g.body FROM RECORDS($1 AS r: project TEXT, name TEXT)
             JOIN hub_groups g ON r.project IS NULL AND g.name = r.name")
    .bind(to_json("groups", &keys)?)
    .fetch_all(conn)
    .await?;
    let mut found = BTreeMap::new();
    for row in rows {
        let group: Group = row.json("body")?;
        for handler in group.handler {
            let reference = HandlerRef {
                project: group.project.clone(),
                group: group.name.clone(),
                handler: handler.name.clone(),
            };
            found.insert(reference.to_string(), handler);
        }
    }
    Ok(found)
}

/// A message that was handed out, with what the transaction that did it knew.
struct Taken {
    message: Message,
    was_declared: bool,
    snapshot: Handler,
    circuit: Option<Circuit>,
}

impl Tx {
    async fn take_messages(&mut self, session: SessionId, n: u32, per_lane: u32) -> Result<Vec<Taken>> {
        check_live(&mut self.conn, session).await?;
        let mut room = Room::look(&mut self.conn, self.now, per_lane).await?;
        let chosen = candidates(&mut self.conn, n, &mut room).await?;
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        // They wait: that is what they were chosen by, and nobody else writes.
        let rows = sql(
            "UPDATE messages SET state = 'sending', session = $1, claimed = $2, lease_until = $3
             WHERE number IN LIST($4) RETURNING *",
        )
        .bind(session.to_string())
        .bind(self.now.as_micros())
        .bind(self.lease_end().as_micros())
        .bind(Value::Numbers(chosen.clone()))
        .fetch_all(&mut self.conn)
        .await?;
        let taken = rows.iter().map(|row| {
            let message = message(row)?;
            Ok(Taken {
                was_declared: row.flag("declared")?,
                snapshot: row.json("snapshot")?,
                circuit: room.circuits.get(&message.lane).cloned(),
                message,
            })
        });
        let mut taken = taken.collect::<Result<Vec<_>>>()?;
        taken.sort_by_key(|one| chosen.iter().position(|number| *number == one.message.number));
        Ok(taken)
    }
}

/// The events that messages tell of.
async fn events_of(conn: &mut Conn, hub: HubId, messages: &[i64]) -> Result<BTreeMap<i64, Vec<SeqEvent>>> {
    let rows = sql(
        "SELECT l.message, e.* FROM message_events l JOIN events e ON e.seq = l.seq
         WHERE l.message IN LIST($1) ORDER BY e.seq",
    )
    .bind(Value::Numbers(messages.to_vec()))
    .fetch_all(conn)
    .await?;
    let mut found = BTreeMap::<i64, Vec<SeqEvent>>::new();
    for row in &rows {
        let of = found.entry(row.num("message")?).or_default();
        of.push(event(hub, row)?);
    }
    Ok(found)
}

/// The tips about those events, each with its event.
async fn tips_of(conn: &mut Conn, messages: &[i64]) -> Result<BTreeMap<i64, Vec<(EventId, Tip)>>> {
    let rows = sql("SELECT l.message, e.id AS event, t.body FROM message_events l
            JOIN tips t ON t.seq = l.seq JOIN events e ON e.seq = l.seq
         WHERE l.message IN LIST($1) ORDER BY t.seq, t.place")
    .bind(Value::Numbers(messages.to_vec()))
    .fetch_all(conn)
    .await?;
    let mut found = BTreeMap::<i64, Vec<(EventId, Tip)>>::new();
    for row in &rows {
        let of = found.entry(row.num("message")?).or_default();
        of.push((row.word("event")?, row.json("body")?));
    }
    Ok(found)
}

/// When the first attempts began.
async fn first_attempts(conn: &mut Conn, messages: &[i64]) -> Result<BTreeMap<i64, Timestamp>> {
    if messages.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sql("SELECT message, started FROM attempts WHERE message IN LIST($1) AND number = 1")
        .bind(Value::Numbers(messages.to_vec()))
        .fetch_all(conn)
        .await?;
    let first = rows
        .iter()
        .map(|row| Ok((row.num("message")?, row.time("started")?)));
    first.collect()
}

/// Handlers that are switched off.
pub(super) async fn switched_off(conn: &mut Conn) -> Result<BTreeSet<String>> {
    let rows = sql("SELECT handler FROM handler_health WHERE disabled IS NOT NULL")
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| row.text("handler")).collect()
}

impl Sql {
    pub(crate) async fn claim_messages(
        &self,
        session: SessionId,
        n: u32,
        per_lane: u32,
    ) -> Result<Vec<ClaimedMessage>> {
        // Senders ask again and again: writing is left alone while nothing could go.
        if !self.more_messages.load(Ordering::Relaxed) && !self.could_go(session, n, per_lane).await? {
            return Ok(Vec::new());
        }
        let taken = self
            .write_unguarded(move |tx| Box::pin(async move { tx.take_messages(session, n, per_lane).await }))
            .await?;
        let more = taken.len() == n as usize;
        self.more_messages.store(more, Ordering::Relaxed);
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        self.with_particulars(taken).await
    }

    /// What there is to say about messages that were handed out: read beside the writer, for others wait for that. When it
    /// cannot be read, nobody renews the messages' leases, and they are handed out again.
    async fn with_particulars(&self, taken: Vec<Taken>) -> Result<Vec<ClaimedMessage>> {
        let mut conn = self.reader().await?;
        let numbers: Vec<i64> = taken.iter().map(|one| one.message.number).collect();
        let mut events = events_of(&mut conn, self.ctx.hub, &numbers).await?;
        let mut tips = tips_of(&mut conn, &numbers).await?;
        let current = declared(&mut conn, taken.iter().map(|one| &one.message.handler)).await?;
        let off = switched_off(&mut conn).await?;
        let again = taken.iter().map(|one| &one.message);
        let again: Vec<i64> = again
            .filter(|message| message.attempts > 0)
            .map(|message| message.number)
            .collect();
        let first = first_attempts(&mut conn, &again).await?;
        let claimed = taken.into_iter().map(|one| {
            let Taken { message, .. } = one;
            let name = message.handler.to_string();
            let current = current.get(&name);
            let of_message = tips.remove(&message.number).unwrap_or_default();
            let (tip_events, tips) = of_message.into_iter().unzip();
            ClaimedMessage {
                attempt: message.attempts + 1,
                first_tried: first.get(&message.number).copied(),
                handler_active: current.map_or(!one.was_declared, |handler| handler.enabled)
                    && !off.contains(&name),
                handler: current.cloned().unwrap_or(one.snapshot),
                circuit: one.circuit,
                events: events.remove(&message.number).unwrap_or_default(),
                tips,
                tip_events,
                message,
            }
        });
        Ok(claimed.collect())
    }

    /// Whether any message could go now.
    async fn could_go(&self, session: SessionId, n: u32, per_lane: u32) -> Result<bool> {
        let mut conn = self.reader().await?;
        check_live(&mut conn, session).await?;
        let now = self.now(&mut conn).await?;
        let mut room = Room::look(&mut conn, now, per_lane).await?;
        let found = candidates(&mut conn, n.min(1), &mut room).await?;
        Ok(!found.is_empty())
    }
}
