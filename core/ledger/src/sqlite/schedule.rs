//! Ticks and the scheduler's pause on SQLite.

use ironcore_types::{Timestamp, UserId};

use super::Sqlite;
use super::columns::{Columns, micros, signed};
use super::objects;
use super::tx::Tx;
use crate::error::Result;
use crate::model::{JobCursor, Task, Tick};
use crate::rules::tell;

impl Tx {
    async fn paused(&mut self) -> Result<Option<Timestamp>> {
        sqlx::query("SELECT scheduler_paused FROM hub")
            .fetch_one(&mut self.conn)
            .await?
            .opt_time("scheduler_paused")
    }

    async fn fire(&mut self, tick: &Tick) -> Result<Option<Task>> {
        // The cursor is the first fence; the primary key of ticks holds even when a job was removed and declared again.
        let moved = sqlx::query(
            "UPDATE jobs SET ticked = ?1 WHERE project = ?2 AND name = ?3 AND enabled = 1 AND scheduled = 1
                AND ticked < ?1",
        )
        .bind(tick.scheduled_for.as_micros())
        .bind(tick.project.as_str())
        .bind(tick.job.as_str())
        .execute(&mut self.conn)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(None);
        }
        let Some(job) = objects::job(&mut self.conn, &tick.project, &tick.job).await? else {
            return Ok(None);
        };
        let fresh = sqlx::query(
            "INSERT INTO ticks (project, job, scheduled_for, fired, missed) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(tick.project.as_str())
        .bind(tick.job.as_str())
        .bind(tick.scheduled_for.as_micros())
        .bind(self.now.as_micros())
        .bind(signed(tick.missed))
        .execute(&mut self.conn)
        .await?;
        if fresh.rows_affected() == 0 {
            return Ok(None);
        }
        if tick.missed > 0 {
            self.tell(tell::missed(tick), None).await?;
        }
        if !tick.run {
            return Ok(None);
        }
        let task = self.run_job(job, Some(tick.scheduled_for)).await?;
        sqlx::query("UPDATE ticks SET task = ? WHERE project = ? AND job = ? AND scheduled_for = ?")
            .bind(task.id.0)
            .bind(tick.project.as_str())
            .bind(tick.job.as_str())
            .bind(tick.scheduled_for.as_micros())
            .execute(&mut self.conn)
            .await?;
        Ok(Some(task))
    }
}

impl Sqlite {
    pub(crate) async fn cursors(&self) -> Result<Vec<JobCursor>> {
        let mut conn = self.reader().await?;
        let rows = sqlx::query(
            "SELECT project, name, ticked FROM jobs WHERE enabled = 1 AND scheduled = 1 ORDER BY project, name",
        )
        .fetch_all(&mut *conn)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(JobCursor {
                    project: row.word("project")?,
                    job: row.word("name")?,
                    until: row.time("ticked")?,
                })
            })
            .collect()
    }

    pub(crate) async fn fire_ticks(&self, ticks: Vec<Tick>) -> Result<Vec<Task>> {
        self.write(move |tx| {
            Box::pin(async move {
                let mut tasks = Vec::new();
                if tx.paused().await?.is_none() {
                    for tick in &ticks {
                        tasks.extend(tx.fire(tick).await?);
                    }
                }
                Ok(tasks)
            })
        })
        .await
    }

    pub(crate) async fn set_scheduler_paused(&self, pause: bool, by: UserId) -> Result<bool> {
        self.write(move |tx| {
            Box::pin(async move {
                if tx.paused().await?.is_some() == pause {
                    return Ok(false);
                }
                sqlx::query("UPDATE hub SET scheduler_paused = ?")
                    .bind(micros(pause.then_some(tx.now)))
                    .execute(&mut tx.conn)
                    .await?;
                tx.woken.objects = true;
                tx.tell(tell::scheduler(pause, &by), None).await?;
                Ok(true)
            })
        })
        .await
    }

    pub(crate) async fn scheduler_paused(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.reader().await?;
        sqlx::query("SELECT scheduler_paused FROM hub")
            .fetch_one(&mut *conn)
            .await?
            .opt_time("scheduler_paused")
    }
}
