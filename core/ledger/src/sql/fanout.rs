//! Fan-out: from events to matches, tips and messages, in the order of the outbox. A batch of events is written together,
//! for each statement is a round trip.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_types::MessageId;
use serde::Serialize;

use super::Sql;
use super::delivery::declared;
use super::events::{MOST, event};
use super::messages::state;
use super::tx::Tx;
use crate::db::{Row, sql, to_json};
use crate::error::{LedgerError, Result};
use crate::model::{FanOut, FanOutReport, HandlerRef, IncidentStep, MessageState, NewMessage, SeqEvent};

/// Messages of this kind gather events until they are due.
const DIGEST: &str = "digest";
/// Events that one digest gathers; those beyond make another. A plugin takes a message whole, within its memory and time.
const MOST_GATHERED: u64 = 500;

#[derive(Serialize)]
struct TipRow {
    seq: i64,
    place: usize,
    body: String,
}

#[derive(Serialize)]
struct MatchRow {
    seq: i64,
    handler: String,
}

#[derive(Serialize)]
struct EventRow {
    message: i64,
    seq: i64,
}

/// What sets a message apart.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    handler: String,
    recipient: String,
    thread: String,
    kind: String,
    span: String,
}

impl Key {
    fn of(new: &NewMessage) -> Self {
        Self {
            handler: new.handler.to_string(),
            recipient: new.recipient.clone(),
            thread: new.thread.clone(),
            kind: new.kind.clone(),
            span: new.window.clone(),
        }
    }

    fn thread(&self) -> (&str, &str, &str) {
        (&self.handler, &self.recipient, &self.thread)
    }
}

/// A message that events want made, or want to join.
struct Wanted {
    key: Key,
    new: NewMessage,
    events: Vec<i64>,
    /// The message that is there already.
    known: Option<Known>,
    /// An open message of its thread was made before, and holds it back.
    busy: bool,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    number: i64,
    id: MessageId,
    /// It waits and was never tried, so that events may join it.
    open: bool,
    /// Events that it has gathered.
    gathered: u64,
}

impl Known {
    fn of(row: &Row, number: i64) -> Result<Self> {
        Ok(Self {
            number,
            id: row.word("id")?,
            open: state(row)? == MessageState::Pending && row.num("attempts")? == 0,
            gathered: row.count("gathered")?,
        })
    }

    fn has_room(self, events: usize) -> bool {
        self.open && self.gathered + events as u64 <= MOST_GATHERED
    }
}

/// A message on its way to its row.
#[derive(Serialize)]
struct MessageRow<'a> {
    place: usize,
    id: String,
    #[serde(flatten)]
    key: &'a Key,
    project: Option<&'a str>,
    of_group: &'a str,
    name: &'a str,
    plugin: &'a str,
    snapshot: String,
    declared: i64,
    lane: &'a str,
    head: i64,
    due: i64,
    attrs: String,
}

impl Tx {
    async fn fan_out(&mut self, fanouts: Vec<FanOut>) -> Result<FanOutReport> {
        self.check_next(&fanouts).await?;
        let mut rates: Vec<_> = fanouts.iter().flat_map(|fanout| fanout.rates.clone()).collect();
        self.check_rates(&rates).await?;
        let silenced = fanouts.iter().flat_map(|fanout| {
            let of_it = fanout.silenced.iter().cloned();
            of_it.map(|one| (fanout.seq, one))
        });
        // Before all that writes, for this may refuse.
        self.put_silenced(silenced.collect()).await?;
        let recovered = self.ends_of_incidents(&fanouts).await?;
        let mut report = FanOutReport::default();
        let (mut tips, mut matches, mut wanted) = (Vec::new(), Vec::new(), Vec::<Wanted>::new());
        let mut steps = Vec::new();
        let mut places = BTreeMap::<Key, usize>::new();
        let last = fanouts.last().map(|fanout| fanout.seq);
        for fanout in fanouts {
            let seq = fanout.seq;
            for (place, tip) in fanout.tips.iter().enumerate() {
                let body = to_json("a tip", tip)?;
                tips.push(TipRow { seq, place, body });
            }
            matches.extend(fanout.matches.iter().map(|found| MatchRow {
                seq,
                handler: found.handler.to_string(),
            }));
            steps.extend(fanout.outcome.map(|step| (seq, step)));
            let told = recovered.get(&seq);
            let told = |new: &NewMessage| told.is_some_and(|told| told.contains(&new.handler));
            let (left_out, messages): (Vec<_>, Vec<_>) = fanout.messages.into_iter().partition(told);
            for new in left_out.iter().filter(|new| new.snapshot.limit.is_some()) {
                // The notice that stands for it takes a place of its own.
                if let Some(rate) = rates.iter_mut().rfind(|rate| rate.lane == new.lane) {
                    rate.give_back(&new.handler, new.due);
                }
            }
            for new in messages {
                let key = Key::of(&new);
                let place = *places.entry(key.clone()).or_insert(wanted.len());
                match wanted.get_mut(place) {
                    Some(known) => known.events.push(seq),
                    None => wanted.push(Wanted {
                        key,
                        new,
                        events: vec![seq],
                        known: None,
                        busy: false,
                    }),
                }
            }
        }
        if !tips.is_empty() {
            sql("INSERT INTO tips (seq, place, body)
                 SELECT seq, place, body FROM RECORDS($1 AS r: seq BIGINT, place BIGINT, body TEXT)")
            .bind(to_json("tips", &tips)?)
            .execute(&mut self.conn)
            .await?;
        }
        if !matches.is_empty() {
            sql("INSERT INTO matches (seq, handler)
                 SELECT seq, handler FROM RECORDS($1 AS r: seq BIGINT, handler TEXT) WHERE 1 = 1
                 ON CONFLICT DO NOTHING")
            .bind(to_json("matches", &matches)?)
            .execute(&mut self.conn)
            .await?;
        }
        self.put_steps(&steps).await?;
        self.put_rates(&rates).await?;
        if !wanted.is_empty() {
            self.put_messages(wanted, &mut report).await?;
        }
        if let Some(last) = last {
            sql("UPDATE hub SET matched_seq = $1")
                .bind(last)
                .execute(&mut self.conn)
                .await?;
        }
        Ok(report)
    }

    /// What the events do to incidents, in their order. Handlers that are told of the end of one by the notice of it, by
    /// the event that ended it.
    async fn ends_of_incidents(&mut self, fanouts: &[FanOut]) -> Result<BTreeMap<i64, BTreeSet<HandlerRef>>> {
        let mut recovered = BTreeMap::new();
        let joins = |step: &IncidentStep| step.joins.is_some();
        let steps: Vec<_> = fanouts
            .iter()
            .filter_map(|fanout| Some((fanout.seq, fanout.incident.as_ref()?)))
            .collect();
        if steps.is_empty() || !(steps.iter().any(|(_, step)| joins(step)) || self.any_incident().await?) {
            return Ok(recovered);
        }
        let told = self.incident_steps(&steps).await?;
        for (seq, step) in steps {
            let told = told.get(&seq).into_iter().flatten();
            let told: BTreeSet<_> = told
                .filter(|handler| step.recovers.contains(handler))
                .cloned()
                .collect();
            if !told.is_empty() {
                recovered.insert(seq, told);
            }
        }
        Ok(recovered)
    }

    /// Makes these messages of these events.
    pub(super) async fn make_messages(
        &mut self,
        messages: Vec<(NewMessage, Vec<i64>)>,
    ) -> Result<FanOutReport> {
        let mut report = FanOutReport::default();
        let wanted = messages.into_iter().map(|(new, events)| Wanted {
            key: Key::of(&new),
            new,
            events,
            known: None,
            busy: false,
        });
        let wanted: Vec<_> = wanted.collect();
        if !wanted.is_empty() {
            self.put_messages(wanted, &mut report).await?;
        }
        Ok(report)
    }

    /// Refuses what is not the next of the outbox.
    async fn check_next(&mut self, fanouts: &[FanOut]) -> Result<()> {
        let rows =
            sql("SELECT seq FROM events WHERE seq > (SELECT matched_seq FROM hub) ORDER BY seq LIMIT $1")
                .bind(i64::try_from(fanouts.len()).unwrap_or(i64::MAX))
                .fetch_all(&mut self.conn)
                .await?;
        let mut next = rows.iter().map(|row| row.num("seq"));
        for fanout in fanouts {
            if next.next().transpose()? != Some(fanout.seq) {
                return Err(LedgerError::Fenced(format!(
                    "the fan-out of event {}",
                    fanout.seq
                )));
            }
        }
        Ok(())
    }

    /// Makes a message for these events, or joins them to one that is there and was never tried.
    pub(super) async fn put_message(&mut self, new: NewMessage, events: Vec<i64>) -> Result<()> {
        let wanted = Wanted {
            key: Key::of(&new),
            new,
            events,
            known: None,
            busy: false,
        };
        self.put_messages(vec![wanted], &mut FanOutReport::default())
            .await
    }

    /// Makes messages, or joins the events to those that are there.
    async fn put_messages(&mut self, mut wanted: Vec<Wanted>, report: &mut FanOutReport) -> Result<()> {
        self.look_up(&mut wanted).await?;
        self.go_on_with_another(&mut wanted).await?;
        let declared = declared(&mut self.conn, wanted.iter().map(|one| &one.new.handler)).await?;
        let mut joined = Vec::new();
        let mut rows = Vec::new();
        let mut begun = BTreeSet::new();
        for (place, one) in wanted.iter().enumerate() {
            match one.known {
                Some(known) if known.open => {
                    report.joined.push(known.id);
                    let number = known.number;
                    joined.extend(one.events.iter().map(|seq| EventRow {
                        message: number,
                        seq: *seq,
                    }));
                }
                Some(known) => report.closed.push(known.id),
                None => {
                    let id = MessageId(self.ctx.seams.uuid());
                    report.created.push(id);
                    report.joined.extend(one.events.iter().skip(1).map(|_| id));
                    let new = &one.new;
                    rows.push(MessageRow {
                        place,
                        id: id.to_string(),
                        key: &one.key,
                        project: new.handler.project.as_ref().map(|project| project.as_str()),
                        of_group: new.handler.group.as_str(),
                        name: new.handler.handler.as_str(),
                        plugin: new.snapshot.plugin.as_str(),
                        snapshot: to_json("a handler", &new.snapshot)?,
                        declared: i64::from(declared.contains_key(&one.key.handler)),
                        lane: &new.lane,
                        // Of several that begin a thread only the first may go.
                        head: i64::from(!one.busy && begun.insert(one.key.thread())),
                        due: new.due.as_micros(),
                        attrs: to_json("a message's attributes", &new.attrs)?,
                    });
                }
            }
        }
        if !rows.is_empty() {
            let made = sql(
                "INSERT INTO messages (id, handler, project, group_name, handler_name, plugin, snapshot, declared,
                    recipient, thread, kind, \"window\", replay, lane, state, head, due, created, attrs)
                 SELECT id, handler, project, of_group, name, plugin, snapshot, declared, recipient, thread, kind, span,
                    0, lane, 'pending', head, due, $2, attrs
                 FROM RECORDS($1 AS r: place BIGINT, id TEXT, handler TEXT, project TEXT, of_group TEXT, name TEXT,
                    plugin TEXT, snapshot TEXT, declared BIGINT, recipient TEXT, thread TEXT, kind TEXT, span TEXT,
                    lane TEXT, head BIGINT, due BIGINT, attrs TEXT)
                 ORDER BY place RETURNING number, id",
            )
            .bind(to_json("messages", &rows)?)
            .bind(self.now.as_micros())
            .fetch_all(&mut self.conn)
            .await?;
            let numbers = made.iter().map(|row| Ok((row.text("id")?, row.num("number")?)));
            let numbers = numbers.collect::<Result<BTreeMap<String, i64>>>()?;
            for row in &rows {
                let number = numbers.get(&row.id).copied();
                let message =
                    number.ok_or_else(|| LedgerError::row("id", "a message that was made is not there"))?;
                let events = wanted
                    .get(row.place)
                    .map(|one| one.events.as_slice())
                    .unwrap_or_default();
                joined.extend(events.iter().map(|seq| EventRow { message, seq: *seq }));
            }
            self.woken.messages = true;
        }
        if joined.is_empty() {
            return Ok(());
        }
        sql("INSERT INTO message_events (message, seq)
             SELECT message, seq FROM RECORDS($1 AS r: message BIGINT, seq BIGINT) WHERE 1 = 1
             ON CONFLICT DO NOTHING")
        .bind(to_json("events of messages", &joined)?)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Finds the messages that are there, and the threads that have open ones.
    async fn look_up(&mut self, wanted: &mut [Wanted]) -> Result<()> {
        #[derive(Serialize)]
        struct Asked<'a> {
            place: usize,
            #[serde(flatten)]
            key: &'a Key,
        }
        let asked = wanted.iter().enumerate();
        let asked: Vec<Asked<'_>> = asked.map(|(place, one)| Asked { place, key: &one.key }).collect();
        let rows = sql(
            "SELECT r.place, m.number, m.id, m.state, m.attempts,
                CASE WHEN r.kind = 'digest' THEN (SELECT COUNT(*) FROM message_events l WHERE l.message = m.number)
                    ELSE 0 END AS gathered,
                CASE WHEN EXISTS (
                SELECT 1 FROM messages o WHERE o.handler = r.handler AND o.recipient = r.recipient
                    AND o.thread = r.thread AND o.state IN ('pending', 'sending') AND o.loose = 0) THEN 1 ELSE 0 END AS busy
             FROM RECORDS($1 AS r: place BIGINT, handler TEXT, recipient TEXT, thread TEXT, kind TEXT, span TEXT)
                LEFT JOIN messages m ON m.handler = r.handler AND m.recipient = r.recipient AND m.thread = r.thread
                    AND m.kind = r.kind AND m.\"window\" = r.span AND m.replay = 0",
        )
        .bind(to_json("keys of messages", &asked)?)
        .fetch_all(&mut self.conn)
        .await?;
        for row in rows {
            let place = usize::try_from(row.num("place")?).unwrap_or(usize::MAX);
            let Some(one) = wanted.get_mut(place) else {
                continue;
            };
            one.busy = row.num("busy")? > 0;
            if let Some(number) = row.opt_num("number")? {
                one.known = Some(Known::of(&row, number)?);
            }
        }
        Ok(())
    }

    /// What was decided to join a digest that went out meanwhile, or that has no room, joins the last of those that were
    /// made beside it, or makes one more.
    async fn go_on_with_another(&mut self, wanted: &mut [Wanted]) -> Result<()> {
        #[derive(Serialize)]
        struct Asked<'a> {
            place: usize,
            handler: &'a str,
            recipient: &'a str,
            start: String,
            beyond: String,
        }
        let without_room = |one: &Wanted| {
            let room = |known: Known| known.has_room(one.events.len());
            one.key.kind == DIGEST && one.known.is_some_and(|known| !room(known))
        };
        let full = wanted.iter().enumerate().filter(|(_, one)| without_room(one));
        let asked: Vec<_> = full
            .map(|(place, one)| Asked {
                place,
                handler: &one.key.handler,
                recipient: &one.key.recipient,
                // Between them is all that begins with the span and a plus sign.
                start: format!("{}+", one.key.span),
                beyond: format!("{},", one.key.span),
            })
            .collect();
        if asked.is_empty() {
            return Ok(());
        }
        let rows = sql("SELECT r.place, m.number, m.id, m.state, m.attempts,
                (SELECT COUNT(*) FROM message_events l WHERE l.message = m.number) AS gathered
             FROM RECORDS($1 AS r: place BIGINT, handler TEXT, recipient TEXT, start TEXT, beyond TEXT)
                LEFT JOIN messages m ON m.number = (SELECT MAX(n.number) FROM messages n
                    WHERE n.handler = r.handler AND n.recipient = r.recipient AND n.thread > r.start
                        AND n.thread < r.beyond AND n.kind = 'digest' AND n.replay = 0)")
        .bind(to_json("digests", &asked)?)
        .fetch_all(&mut self.conn)
        .await?;
        for row in rows {
            let place = usize::try_from(row.num("place")?).unwrap_or(usize::MAX);
            let Some(one) = wanted.get_mut(place) else {
                continue;
            };
            let number = row.opt_num("number")?;
            let last = number.map(|number| Known::of(&row, number)).transpose()?;
            one.known = last.filter(|last| last.has_room(one.events.len()));
            if let (None, Some(first)) = (one.known, one.events.first()) {
                one.key.span = format!("{}+{first}", one.key.span);
                one.key.thread = one.key.span.clone();
                one.busy = false;
            }
        }
        Ok(())
    }
}

impl Sql {
    pub(crate) async fn take_unmatched(&self, limit: u32) -> Result<Vec<SeqEvent>> {
        let mut conn = self.reader().await?;
        let rows = sql(
            "SELECT e.* FROM events e WHERE e.seq > (SELECT matched_seq FROM hub) ORDER BY e.seq LIMIT $1",
        )
        .bind(limit.min(MOST))
        .fetch_all(&mut conn)
        .await?;
        rows.iter().map(|row| event(self.ctx.hub, row)).collect()
    }

    pub(crate) async fn record_fanout(&self, fanouts: Vec<FanOut>) -> Result<FanOutReport> {
        self.write_unguarded(move |tx| Box::pin(async move { tx.fan_out(fanouts).await }))
            .await
    }
}
