//! Writes what tasks are called, to be found by any part of it, a moment after the tasks themselves: by every three
//! characters in a row that takes longer than everything else about a task, and nobody has to wait for it. Whoever
//! looks for a text goes through the tasks that were not yet written one by one.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use tracing::debug;

use super::connect;
use crate::sql::Bells;

/// Between two attempts, and between two looks: many tasks come together.
const PAUSE: Duration = Duration::from_millis(500);

/// Some more, by whichever hub comes first; of others that try meanwhile none waits. Errors are written by a trigger when
/// tasks end: only tasks that came with theirs have none yet.
const MORE: &str = "
    WITH before AS (SELECT upto FROM task_texts_upto FOR UPDATE SKIP LOCKED),
    fresh AS (
        SELECT t.id, t.source, t.target, t.job, t.upid, t.error FROM before CROSS JOIN tasks t
        WHERE t.id > before.upto ORDER BY t.id LIMIT 2000),
    texts AS (
        SELECT id * 2 AS id, lower(concat_ws(chr(1), source, target, job, upid) COLLATE \"C\") AS body FROM fresh
        UNION ALL SELECT id * 2 + 1, lower(task_error_text(error) COLLATE \"C\") FROM fresh WHERE error IS NOT NULL),
    written AS (
        INSERT INTO task_texts (id, body, letters) SELECT id, body, task_texts_letters(body) FROM texts
        ON CONFLICT DO NOTHING)
    UPDATE task_texts_upto SET upto = (SELECT MAX(id) FROM fresh) WHERE EXISTS (SELECT 1 FROM fresh)";

/// One connection that writes texts.
pub(crate) struct Texts {
    connect: PgConnectOptions,
}

impl Texts {
    pub(super) fn new(connect: PgConnectOptions) -> Self {
        // What is lost is written again.
        Self {
            connect: connect.options([("synchronous_commit", "off"), ("enable_seqscan", "off")]),
        }
    }

    /// Writes until it is dropped.
    pub(crate) async fn run(self, bells: Arc<Bells>) {
        let mut tasks = bells.wakes().tasks;
        let mut conn = None;
        loop {
            tasks.mark_unchanged();
            match self.catch_up(&mut conn).await {
                Ok(()) => {
                    if tasks.changed().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    debug!(%error, "what tasks are called could not be written; trying again");
                    conn = None;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn catch_up(&self, conn: &mut Option<PgConnection>) -> Result<(), sqlx::Error> {
        let conn = match conn {
            Some(conn) => conn,
            None => conn.insert(connect(&self.connect).await?),
        };
        while sqlx::query(MORE).execute(&mut *conn).await?.rows_affected() > 0 {}
        Ok(())
    }
}
