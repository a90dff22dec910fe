//! Handlers that fail. One whose destination is gone, or all of whose attempts have failed for [`PATIENCE`], is switched
//! off: what waits for it is given up, and one event says so. Failures that are further apart than [`APART`] are hiccups,
//! each for itself: of a destination that is hardly ever asked nobody knows what it did meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ironcore_types::Timestamp;
use ironcore_types::event::ErrorData;
use ironcore_types::notification::{GroupRef, Handler};

use super::claim::declared;
use super::unsent::Unsent;
use crate::db::{Conn, Row, micros, sql, to_json, words};
use crate::error::Result;
use crate::model::{AttemptOutcome, FinishAttempt, HandlerHealth, HandlerRef, Message, MessageState};
use crate::rules::tell_delivery::{self as tell, Lost};
use crate::sql::Sql;
use crate::sql::incident_book::DELIVERY;
use crate::sql::tx::Tx;

/// For how long a handler may do nothing but fail.
pub(in crate::sql) const PATIENCE: Duration = Duration::from_secs(5 * 86_400);

/// How long after the failure before one still belongs to it. The longest wait between two tries is a day and some hours.
const APART: Duration = Duration::from_secs(2 * 86_400);

/// The status of a destination that works, and only says when it takes more. One that answers 503 does not work, whatever
/// it says of later.
const TOO_MANY: u16 = 429;

/// Since when a handler fails that failed now, of which that was known before.
fn failing_since(before: Option<&HandlerHealth>, now: Timestamp) -> Timestamp {
    let known = before.and_then(|health| health.failing_since.zip(health.last_failed));
    match known {
        Some((since, last)) if now.since(last) <= APART => since,
        _ => now,
    }
}

fn health(row: &Row) -> Result<HandlerHealth> {
    Ok(HandlerHealth {
        handler: row.word("handler")?,
        failing_since: row.opt_time("failing_since")?,
        last_failed: row.opt_time("last_failed")?,
        disabled: row.opt_time("disabled")?,
        error: row.json("error")?,
    })
}

async fn of(
    conn: &mut Conn,
    handlers: impl Iterator<Item = &str>,
) -> Result<BTreeMap<String, HandlerHealth>> {
    let rows = sql("SELECT * FROM handler_health WHERE handler IN LIST($1)")
        .bind(words(handlers))
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| Ok((row.text("handler")?, health(row)?)))
        .collect()
}

/// What the attempts of a handler that ended together say of it.
struct Told<'a> {
    message: &'a Message,
    /// One of them got through; and then, whether one failed after it.
    well: bool,
    failed: Option<ErrorData>,
    gone: bool,
    /// Messages that became dead letters by them.
    dead: u64,
}

impl Tx {
    /// Takes note of how attempts ended. Which handlers were switched off by that: their event counts what they lost, and
    /// what is under way.
    pub(super) async fn note_health(
        &mut self,
        ended: &[(&FinishAttempt, &Message)],
        unsent: &BTreeMap<HandlerRef, Unsent>,
    ) -> Result<BTreeSet<String>> {
        let mut off = BTreeSet::new();
        let mut told = BTreeMap::<String, Told<'_>>::new();
        // Of a handler that is not on nobody wants to know how it does.
        let counts = |report: &FinishAttempt, message: &Message| {
            report.tried && !unsent.contains_key(&message.handler)
        };
        for (report, message) in ended.iter().filter(|(report, message)| counts(report, message)) {
            let of = told.entry(message.handler.to_string()).or_insert(Told {
                message,
                well: false,
                failed: None,
                gone: false,
                dead: 0,
            });
            of.dead += u64::from(message.state == MessageState::Dead);
            if matches!(report.outcome, AttemptOutcome::Delivered { .. }) {
                (of.well, of.failed) = (true, None);
            } else if !(report.taken || report.outcome.is_asked() && report.status == Some(TOO_MANY)) {
                // Where some have it, that others are put off says nothing of the destination.
                of.failed.clone_from(&message.error);
            }
            of.gone |= matches!(report.outcome, AttemptOutcome::Rejected { gone: true, .. });
        }
        let known = of(&mut self.conn, told.keys().map(String::as_str)).await?;
        for (handler, told) in told {
            let before = known.get(&handler);
            if before.is_some_and(|health| health.disabled.is_some()) {
                continue;
            }
            if told.well && before.is_some() {
                self.forget_health(&handler).await?;
            }
            let Some(error) = told.failed else { continue };
            let since = failing_since(before.filter(|_| !told.well), self.now);
            let patience_is_over = self.now.since(since) >= PATIENCE;
            let disabled = (told.gone || patience_is_over).then_some(self.now);
            // What nobody declared cannot be switched off either.
            let disabled = match disabled {
                Some(at) => {
                    let now = declared(&mut self.conn, [&told.message.handler]).await?;
                    now.contains_key(&handler).then_some(at)
                }
                None => None,
            };
            self.put_health(&handler, since, disabled, &error).await?;
            if disabled.is_some() {
                let lost = Lost {
                    given_up: self.give_up(&handler, &error).await?.saturating_add(told.dead),
                    under_way: self.under_way(&handler).await?,
                };
                let since = (!told.gone).then_some(since);
                self.tell(tell::disabled(told.message, &error, since, lost), None);
                off.insert(handler);
            }
        }
        Ok(off)
    }

    async fn put_health(
        &mut self,
        handler: &str,
        since: Timestamp,
        disabled: Option<Timestamp>,
        error: &ErrorData,
    ) -> Result<()> {
        sql(
            "INSERT INTO handler_health (handler, failing_since, disabled, error, last_failed) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (handler) DO UPDATE SET failing_since = $2, disabled = $3, error = $4, last_failed = $5",
        )
        .bind(handler)
        .bind(since.as_micros())
        .bind(micros(disabled))
        .bind(to_json("an error", error)?)
        .bind(self.now.as_micros())
        .execute(&mut self.conn)
        .await?;
        self.woken.objects |= disabled.is_some();
        Ok(())
    }

    async fn forget_health(&mut self, handler: &str) -> Result<bool> {
        let done = sql("DELETE FROM handler_health WHERE handler = $1")
            .bind(handler)
            .execute(&mut self.conn)
            .await?;
        if done > 0 {
            self.woken.objects = true;
            self.end_by_conditions(&[format!("{DELIVERY}{handler}")]).await?;
        }
        Ok(done > 0)
    }

    /// Handlers of a group that are declared otherwise than before, or no longer, begin anew; what waits for those that
    /// nobody can tell any more is given up. To be called before the group becomes what it is `now`.
    pub(in crate::sql) async fn forget_changed(&mut self, group: &GroupRef, now: &[Handler]) -> Result<()> {
        self.give_up_gone(group, now).await?;
        let rows = sql("SELECT handler FROM handler_health")
            .fetch_all(&mut self.conn)
            .await?;
        let mut failing = rows
            .iter()
            .map(|row| row.word("handler"))
            .collect::<Result<Vec<HandlerRef>>>()?;
        failing.retain(|handler| handler.project == group.project && handler.group == group.name);
        let before = declared(&mut self.conn, &failing).await?;
        for reference in &failing {
            let name = reference.to_string();
            let now = now.iter().find(|handler| handler.name == reference.handler);
            if before.get(&name) != now {
                self.forget_health(&name).await?;
            }
        }
        Ok(())
    }
}

impl Sql {
    pub(crate) async fn handler_health(&self) -> Result<Vec<HandlerHealth>> {
        let rows = sql("SELECT * FROM handler_health ORDER BY handler")
            .fetch_all(&mut self.reader().await?)
            .await?;
        rows.iter().map(health).collect()
    }

    pub(crate) async fn enable_handler(&self, handler: HandlerRef) -> Result<bool> {
        self.write(move |tx| {
            Box::pin(async move {
                let name = handler.to_string();
                let forgotten = tx.forget_health(&name).await?;
                if forgotten {
                    // Of what lasts it is told, though it was switched off when that began.
                    let rows = sql(
                        "SELECT n.incident FROM incident_notices n JOIN incidents i ON i.number = n.incident
                         WHERE n.handler = $1 AND i.ended IS NULL",
                    )
                    .bind(name)
                    .fetch_all(&mut tx.conn)
                    .await?;
                    let numbers = rows.iter().map(|row| row.num("incident"));
                    let numbers = numbers.collect::<Result<Vec<_>>>()?;
                    tx.look_at(numbers.into_iter().map(|number| (number, &handler)))
                        .await?;
                }
                Ok(forgotten)
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use ironcore_types::ErrorCode;

    use super::*;

    #[test]
    fn failures_that_are_far_apart_are_hiccups() {
        let day = |days: u64| Timestamp::from_seconds(1_000_000).after(Duration::from_secs(days * 86_400));
        let failing = |since, last| HandlerHealth {
            handler: "web/ops/hook".parse().expect("a handler"),
            failing_since: Some(since),
            last_failed: Some(last),
            disabled: None,
            error: ErrorData {
                code: ErrorCode::DeliveryUnreachable,
                message: "503".to_owned(),
            },
        };
        assert_eq!(failing_since(None, day(6)), day(6));
        assert_eq!(failing_since(Some(&failing(day(0), day(0))), day(6)), day(6));
        assert_eq!(failing_since(Some(&failing(day(0), day(3))), day(6)), day(6));
        assert_eq!(failing_since(Some(&failing(day(0), day(4))), day(6)), day(0));
    }
}
