//! Recording how attempts ended, many at once: their messages, what their plugins wrote, and what follows.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use ironcore_types::event::ErrorData;
use ironcore_types::{MessageId, SessionId, Timestamp};
use serde::Serialize;

use crate::db::{Value, micros, sql, to_json, words};
use crate::error::{LedgerError, Result};
use crate::model::{AttemptOutcome, AttemptResult, FinishAttempt, Message, MessageState};
use crate::sql::Sql;
use crate::sql::gather::Together;
use crate::sql::messages::{load, message};
use crate::sql::tally::Noted;
use crate::sql::tx::Tx;

/// Ends of attempts, by the sessions that made them.
pub(in crate::sql) struct Attempts;

impl Together for Attempts {
    type Asked = Ended;
    type Answer = AttemptResult;

    fn write(tx: &mut Tx, all: Vec<Ended>) -> BoxFuture<'_, Result<Vec<Result<AttemptResult>>>> {
        Box::pin(async move { tx.finish_attempts(all).await })
    }
}

/// The end of an attempt, with what takes long to write down written before the writer is waited for.
pub(in crate::sql) struct Ended {
    report: FinishAttempt,
    outcome: String,
    exchanges: Option<String>,
}

impl Ended {
    fn new(report: FinishAttempt) -> Result<Self> {
        let exchanges = Some(&report.exchanges).filter(|all| !all.is_empty());
        Ok(Self {
            outcome: to_json("an outcome", &report.outcome)?,
            exchanges: exchanges.map(|all| to_json("exchanges", all)).transpose()?,
            report,
        })
    }
}

/// An attempt on its way to its row.
#[derive(Serialize)]
struct AttemptRow<'a> {
    message: i64,
    number: u32,
    started: i64,
    ended: i64,
    outcome: &'a str,
    status: Option<u16>,
    exchanges: Option<&'a str>,
    detail: Option<&'a str>,
}

impl<'a> AttemptRow<'a> {
    fn new(message: &Message, ended: &'a Ended) -> Self {
        let report = &ended.report;
        Self {
            message: message.number,
            number: message.attempts,
            started: report.started.as_micros(),
            ended: report.ended.as_micros(),
            outcome: &ended.outcome,
            status: report.status,
            exchanges: ended.exchanges.as_deref(),
            detail: report.detail.as_deref(),
        }
    }
}

/// What becomes of a message, on its way to its row.
#[derive(Serialize)]
struct OutcomeRow<'a> {
    number: i64,
    becomes: &'static str,
    tried: u32,
    failed: u32,
    next: i64,
    over: Option<i64>,
    answer: Option<&'a str>,
    reason: Option<String>,
    /// Only when they have changed.
    attrs: Option<String>,
    /// Some have it: it holds its thread back no longer.
    taken: i64,
}

/// What ended attempts say of a message, beside the message.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    /// Its attributes have changed.
    attrs: bool,
    /// Some of its recipients have it.
    taken: bool,
}

impl Said {
    fn by(report: &FinishAttempt) -> Self {
        Self {
            attrs: report.attrs.is_some(),
            taken: report.taken,
        }
    }
}

/// A message that is being sent.
struct Held {
    message: Message,
    session: SessionId,
    /// Its handler was declared when it was made.
    was_declared: bool,
}

/// Whose next message may go.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Thread<'a> {
    handler: String,
    recipient: &'a str,
    thread: &'a str,
}

/// The message after this attempt.
fn after(mut message: Message, report: &FinishAttempt, now: Timestamp) -> Message {
    if let Some(attrs) = &report.attrs {
        message.attrs.clone_from(attrs);
    }
    with_outcome(message, &report.outcome, now)
}

/// The message after an attempt that ended in this way.
fn with_outcome(mut message: Message, outcome: &AttemptOutcome, now: Timestamp) -> Message {
    message.attempts += 1;
    message.error = match outcome {
        AttemptOutcome::Retry { reason, code, .. }
        | AttemptOutcome::Exhausted { reason, code }
        | AttemptOutcome::Rejected { reason, code, .. } => Some(ErrorData {
            code: *code,
            message: reason.clone(),
        }),
        AttemptOutcome::Delivered { .. } | AttemptOutcome::Lost => None,
    };
    if message.error.is_some() && !outcome.is_asked() {
        message.failures += 1;
    }
    message.state = match outcome {
        AttemptOutcome::Delivered { receipt } => {
            message.receipt = Some(receipt.clone());
            MessageState::Delivered
        }
        AttemptOutcome::Retry { at, .. } => {
            message.due = *at;
            MessageState::Pending
        }
        AttemptOutcome::Lost => {
            message.due = now;
            MessageState::Pending
        }
        AttemptOutcome::Exhausted { .. } | AttemptOutcome::Rejected { .. } => MessageState::Dead,
    };
    message.ended = (message.state != MessageState::Pending).then_some(now);
    message
}

impl Tx {
    async fn finish_attempts(&mut self, all: Vec<Ended>) -> Result<Vec<Result<AttemptResult>>> {
        let mut held = self.being_sent(&all).await?;
        let mut answers = Vec::with_capacity(all.len());
        let mut failed = Vec::new();
        for Ended { report, .. } in &all {
            let fenced = || LedgerError::Fenced(format!("message {}", report.message));
            answers.push(match held.remove(&report.message) {
                _ if report.outcome == AttemptOutcome::Lost => Err(LedgerError::request(
                    "an attempt is recorded as lost by the ledger alone",
                )),
                Some(held) if held.session == report.session => {
                    let message = after(held.message, report, self.now);
                    if message.state != MessageState::Delivered {
                        failed.push((message.handler.clone(), held.was_declared));
                    }
                    Ok(AttemptResult {
                        message,
                        kv_refused: false,
                    })
                }
                _ => Err(fenced()),
            });
        }
        let unsent = self.unsent_of(failed).await?;
        for message in answers.iter_mut().flatten().map(|answer| &mut answer.message) {
            if message.state == MessageState::Pending
                && let Some(why) = unsent.get(&message.handler)
            {
                // Nobody would try it again.
                message.state = MessageState::Dead;
                message.ended = Some(self.now);
                why.explain(message);
            }
        }
        let mut attempts = Vec::new();
        for (ended, answer) in all.iter().zip(&mut answers) {
            let Ok(AttemptResult { message, kv_refused }) = answer else {
                continue;
            };
            let report = &ended.report;
            *kv_refused = !self.write_kv(message, &report.kv).await?;
            let duration = report.ended.since(report.started);
            self.noted
                .push(Noted::attempt(message, &report.outcome, duration));
            attempts.push(AttemptRow::new(message, ended));
        }
        self.put_attempts(&attempts).await?;
        let mut accepted = Vec::new();
        let mut entries = Vec::new();
        for (Ended { report, .. }, answer) in all.iter().zip(&answers) {
            if let Ok(AttemptResult { message, .. }) = answer {
                accepted.push((report, message));
                for entry in &report.inbox {
                    entries.push((message, entry));
                }
            }
        }
        self.put_inbox_entries(&entries).await?;
        let over = accepted
            .iter()
            .map(|(report, message)| (*message, Said::by(report)));
        self.put_outcomes(over).await?;
        let off = self.note_health(&accepted, &unsent).await?;
        self.tell_ends(&accepted, &unsent, &off).await?;
        Ok(answers)
    }

    /// The messages of these reports that are being sent.
    async fn being_sent(&mut self, all: &[Ended]) -> Result<BTreeMap<MessageId, Held>> {
        let ids: Vec<String> = all.iter().map(|ended| ended.report.message.to_string()).collect();
        let rows =
            sql("SELECT * FROM messages WHERE id IN LIST($1) AND COALESCE(state, '') = 'sending' AND session IS NOT NULL")
                .bind(words(ids.iter().map(String::as_str)))
                .fetch_all(&mut self.conn)
                .await?;
        let held = rows.iter().map(|row| {
            let message = message(row)?;
            let held = Held {
                session: row.word("session")?,
                was_declared: row.flag("declared")?,
                message,
            };
            Ok((held.message.id, held))
        });
        held.collect()
    }

    async fn put_attempts(&mut self, rows: &[AttemptRow<'_>]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        sql(
            "INSERT INTO attempts (message, number, started, ended, outcome, status, exchanges, detail)
             SELECT message, number, started, ended, outcome, status, exchanges, detail
             FROM RECORDS($1 AS r: message BIGINT, number BIGINT, started BIGINT, ended BIGINT, outcome TEXT,
                status BIGINT, exchanges TEXT, detail TEXT)",
        )
        .bind(to_json("attempts", &rows)?)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Writes what became of messages that were being sent, and what is said of them. Of those that are over, and of those
    /// that some have, the next of their thread may go.
    async fn put_outcomes(&mut self, messages: impl IntoIterator<Item = (&Message, Said)>) -> Result<()> {
        let (mut rows, mut threads) = (Vec::new(), Vec::new());
        for (message, said) in messages {
            rows.push(OutcomeRow {
                number: message.number,
                becomes: message.state.as_str(),
                tried: message.attempts,
                failed: message.failures,
                next: message.due.as_micros(),
                over: micros(message.ended),
                answer: message.receipt.as_deref(),
                reason: message
                    .error
                    .as_ref()
                    .map(|error| to_json("an error", error))
                    .transpose()?,
                attrs: said
                    .attrs
                    .then(|| to_json("a message's attributes", &message.attrs))
                    .transpose()?,
                taken: i64::from(said.taken),
            });
            if message.ended.is_some() || said.taken {
                threads.push(Thread {
                    handler: message.handler.to_string(),
                    recipient: &message.recipient,
                    thread: &message.thread,
                });
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        sql(
            "UPDATE messages SET state = r.becomes, attempts = r.tried, failures = r.failed, due = r.next, ended = r.over, receipt = r.answer,
                error = r.reason, attrs = COALESCE(r.attrs, messages.attrs), loose = CASE WHEN r.taken = 1 THEN 1 ELSE messages.loose END,
                session = NULL, lease_until = NULL, claimed = NULL
             FROM RECORDS($1 AS r: number BIGINT, becomes TEXT, tried BIGINT, failed BIGINT, next BIGINT, over BIGINT, answer TEXT,
                reason TEXT, attrs TEXT, taken BIGINT)
             WHERE messages.number = r.number AND COALESCE(messages.state, '') = 'sending'",
        )
        .bind(to_json("outcomes", &rows)?)
        .execute(&mut self.conn)
        .await?;
        self.woken.messages = true;
        threads.sort_unstable();
        threads.dedup();
        if threads.is_empty() {
            return Ok(());
        }
        let next = sql("SELECT n.next FROM (SELECT (SELECT MIN(m.number) FROM messages m
                WHERE m.handler = r.handler AND m.recipient = r.recipient AND m.thread = r.thread
                  AND m.state IN ('pending', 'sending') AND m.loose = 0) AS next
             FROM RECORDS($1 AS r: handler TEXT, recipient TEXT, thread TEXT)) n WHERE n.next IS NOT NULL")
        .bind(to_json("threads", &threads)?)
        .fetch_all(&mut self.conn)
        .await?;
        let next = next
            .iter()
            .map(|row| row.num("next"))
            .collect::<Result<Vec<_>>>()?;
        if !next.is_empty() {
            sql("UPDATE messages SET head = 1 WHERE number IN LIST($1)")
                .bind(Value::Numbers(next))
                .execute(&mut self.conn)
                .await?;
        }
        Ok(())
    }

    /// Its sender is gone: whether the destination took it nobody knows, so it is sent again under the same id.
    pub(in crate::sql) async fn give_back(&mut self, number: i64) -> Result<()> {
        let claimed = sql("SELECT claimed FROM messages WHERE number = $1")
            .bind(number)
            .fetch_one(&mut self.conn)
            .await?
            .opt_time("claimed")?
            .unwrap_or(self.now);
        let message = load(&mut self.conn, number).await?;
        let error = message.error.clone();
        let mut message = with_outcome(message, &AttemptOutcome::Lost, self.now);
        message.error = error;
        let row = AttemptRow {
            message: message.number,
            number: message.attempts,
            started: claimed.as_micros(),
            ended: self.now.as_micros(),
            outcome: &to_json("an outcome", &AttemptOutcome::Lost)?,
            status: None,
            exchanges: None,
            detail: None,
        };
        let duration = self.now.since(claimed);
        self.noted
            .push(Noted::attempt(&message, &AttemptOutcome::Lost, duration));
        self.put_attempts(&[row]).await?;
        self.put_outcomes([(&message, Said::default())]).await
    }
}

impl Sql {
    pub(crate) async fn finish_attempt(&self, report: FinishAttempt) -> Result<AttemptResult> {
        let ended = Ended::new(report)?;
        let answer = self.writer.hand_over(|| self.attempts_ended.add(ended)).await?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }
}
