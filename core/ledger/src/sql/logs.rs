//! Task logs: zstd frames, found by line number.

use ironcore_types::{SessionId, TaskId, Timestamp};
use serde::Serialize;

use super::Sql;
use super::tx::Tx;
use crate::db::{Conn, Value, signed, sql, to_json};
use crate::error::{LedgerError, Result};
use crate::model::{LogLine, LogState, NewLogLine, Task};
use crate::rules::closing::closing;
use crate::rules::{frames, tell};

/// Tasks whose logs are removed in one transaction: others get their turn in between.
const REMOVED: u32 = 200;

/// Frames that are read at once.
const FRAMES: u32 = 16;

/// Up to `most` lines after line `line`.
async fn read_after(conn: &mut Conn, task: TaskId, line: u64, most: usize) -> Result<Vec<LogLine>> {
    let mut lines: Vec<LogLine> = Vec::new();
    let mut from = line;
    loop {
        let rows = sql("SELECT first_line, last_line, bytes FROM log_frames
             WHERE task = $1 AND first_line >= COALESCE(
                (SELECT MAX(first_line) FROM log_frames WHERE task = $1 AND first_line <= $2), 0)
               AND last_line >= $2
             ORDER BY first_line LIMIT $3")
        .bind(task.0)
        .bind(signed(from.saturating_add(1)))
        .bind(FRAMES)
        .fetch_all(conn)
        .await?;
        for row in &rows {
            let frame = frames::decode(row.count("first_line")?, &row.bytes("bytes")?)?;
            lines.extend(frame.into_iter().filter(|l| l.line > from));
            from = from.max(row.count("last_line")?);
            if lines.len() >= most {
                lines.truncate(most);
                return Ok(lines);
            }
        }
        if rows.is_empty() {
            return Ok(lines);
        }
    }
}

async fn count(conn: &mut Conn, task: TaskId) -> Result<u64> {
    sql("SELECT log_lines FROM tasks WHERE id = $1")
        .bind(task.0)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| LedgerError::NoTask(task.to_string()))?
        .count("log_lines")
}

/// The last line of a log, on its way there.
#[derive(Serialize)]
struct ClosingRow {
    task: i64,
    line: i64,
    /// The frame, in hexadecimal digits.
    frame: String,
}

impl Tx {
    /// Writes the last line of each log: the rows of these tasks, which have ended, count it already.
    pub(super) async fn close_logs(&mut self, ended: impl IntoIterator<Item = &Task>) -> Result<()> {
        let mut rows = Vec::new();
        for task in ended {
            rows.push(ClosingRow {
                task: task.id.0,
                line: signed(task.log_lines),
                frame: hex(&frames::encode(&[closing(task)])?),
            });
        }
        if rows.is_empty() {
            return Ok(());
        }
        sql(if self.conn.is_postgres() {
            "INSERT INTO log_frames (task, first_line, last_line, bytes)
             SELECT task, line, line, decode(frame, 'hex')
             FROM RECORDS($1 AS r: task BIGINT, line BIGINT, frame TEXT)"
        } else {
            "INSERT INTO log_frames (task, first_line, last_line, bytes)
             SELECT task, line, line, unhex(frame) FROM RECORDS($1 AS r: task BIGINT, line BIGINT, frame TEXT)"
        })
        .bind(to_json("the last lines of logs", &rows)?)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// The last lines, as the event of a task's end carries them.
    pub(super) async fn log_tail(&mut self, task: &Task) -> Result<Vec<String>> {
        if task.log_lines == 1 {
            // Nothing but what was just written; very many may end at once.
            let NewLogLine { time, level, text } = closing(task);
            let line = 1;
            return Ok(vec![
                LogLine {
                    line,
                    time,
                    level,
                    text,
                }
                .to_string(),
            ]);
        }
        let after = task.log_lines.saturating_sub(tell::LOG_TAIL);
        let lines = read_after(&mut self.conn, task.id, after, usize::MAX).await?;
        Ok(lines.iter().map(LogLine::to_string).collect())
    }

    /// Removes the logs of some tasks that ended before `before`. How many tasks those were; none when none are left.
    async fn remove_logs(&mut self, before: Timestamp) -> Result<u64> {
        let rows = sql(
            "SELECT t.id FROM tasks t WHERE t.id > (SELECT logs_removed FROM hub) AND t.ended < $1
               AND EXISTS (SELECT 1 FROM log_frames f WHERE f.task = t.id)
             ORDER BY t.id LIMIT $2",
        )
        .bind(before.as_micros())
        .bind(REMOVED)
        .fetch_all(&mut self.conn)
        .await?;
        let ids = rows.iter().map(|row| row.num("id")).collect::<Result<Vec<_>>>()?;
        if ids.is_empty() {
            // From here on the next look begins: whatever lies before has no log any more, nor gets one.
            sql("UPDATE hub SET logs_removed = COALESCE(
                    (SELECT MIN(t.id) - 1 FROM tasks t
                     WHERE t.id > hub.logs_removed AND (t.ended IS NULL OR t.ended >= $1)),
                    (SELECT MAX(t.id) FROM tasks t), logs_removed)")
            .bind(before.as_micros())
            .execute(&mut self.conn)
            .await?;
            return Ok(0);
        }
        let tasks = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        sql("DELETE FROM log_frames WHERE task IN LIST($1)")
            .bind(Value::Numbers(ids))
            .execute(&mut self.conn)
            .await?;
        self.woken.logs = true;
        Ok(tasks)
    }

    async fn append_log(
        &mut self,
        task: TaskId,
        session: SessionId,
        frame: Vec<u8>,
        lines: u64,
    ) -> Result<u64> {
        self.check_held(task, session).await?;
        let before = count(&mut self.conn, task).await?;
        if lines == 0 {
            return Ok(before);
        }
        let last = before + lines;
        sql("INSERT INTO log_frames (task, first_line, last_line, bytes) VALUES ($1, $2, $3, $4)")
            .bind(task.0)
            .bind(signed(before + 1))
            .bind(signed(last))
            .bind(frame)
            .execute(&mut self.conn)
            .await?;
        sql("UPDATE tasks SET log_lines = $1 WHERE id = $2")
            .bind(signed(last))
            .bind(task.0)
            .execute(&mut self.conn)
            .await?;
        self.woken.logs = true;
        Ok(last)
    }
}

/// Bytes in hexadecimal digits: rows on their way to the database are JSON.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a string never fails.
            let _written = write!(text, "{byte:02x}");
            text
        })
}

impl Sql {
    pub(crate) async fn append_log(
        &self,
        task: TaskId,
        session: SessionId,
        lines: Vec<NewLogLine>,
    ) -> Result<u64> {
        // Compressed before it waits for the writer, which has better things to do.
        let frame = frames::encode(&lines)?;
        let lines = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        self.write_unguarded(move |tx| {
            Box::pin(async move { tx.append_log(task, session, frame, lines).await })
        })
        .await
    }

    pub(crate) async fn remove_logs(&self, before: Timestamp) -> Result<u64> {
        let mut removed = 0;
        loop {
            let some = self
                .write(move |tx| Box::pin(async move { tx.remove_logs(before).await }))
                .await?;
            if some == 0 {
                return Ok(removed);
            }
            removed += some;
        }
    }

    pub(crate) async fn log_after(&self, task: TaskId, line: u64, max_lines: u32) -> Result<Vec<LogLine>> {
        let mut conn = self.reader().await?;
        read_after(
            &mut conn,
            task,
            line,
            usize::try_from(max_lines).unwrap_or(usize::MAX),
        )
        .await
    }

    pub(crate) async fn log_state(&self, task: TaskId) -> Result<Option<LogState>> {
        let row = sql("SELECT state, log_lines FROM tasks WHERE id = $1")
            .bind(task.0)
            .fetch_optional(&mut self.reader().await?)
            .await?;
        row.map(|row| {
            Ok(LogState {
                state: row.word("state")?,
                lines: row.count("log_lines")?,
            })
        })
        .transpose()
    }

    pub(crate) async fn log_lines(&self, task: TaskId) -> Result<u64> {
        count(&mut self.reader().await?, task).await
    }
}
