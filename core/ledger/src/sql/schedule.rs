//! Ticks and the scheduler's pause.

use ironcore_types::{Timestamp, UserId};

use super::Sql;
use super::objects;
use super::tx::Tx;
use crate::db::{micros, signed, sql};
use crate::error::Result;
use crate::model::{JobCursor, Task, Tick};
use crate::rules::tell;

impl Tx {
    async fn paused(&mut self) -> Result<Option<Timestamp>> {
        sql("SELECT scheduler_paused FROM hub")
            .fetch_one(&mut self.conn)
            .await?
            .opt_time("scheduler_paused")
    }

    async fn fire(&mut self, tick: &Tick) -> Result<Option<Task>> {
        // The cursor is the first fence; the primary key of ticks holds even when a job was removed and declared again.
        let moved = sql(
            "UPDATE jobs SET ticked = $1 WHERE project = $2 AND name = $3 AND enabled = 1 AND scheduled = 1
                AND ticked < $1",
        )
        .bind(tick.scheduled_for.as_micros())
        .bind(tick.project.as_str())
        .bind(tick.job.as_str())
        .execute(&mut self.conn)
        .await?;
        if moved == 0 {
            return Ok(None);
        }
        let Some(job) = objects::job(&mut self.conn, &tick.project, &tick.job).await? else {
            return Ok(None);
        };
        let fresh = sql(
            "INSERT INTO ticks (project, job, scheduled_for, fired, missed) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind(tick.project.as_str())
        .bind(tick.job.as_str())
        .bind(tick.scheduled_for.as_micros())
        .bind(self.now.as_micros())
        .bind(signed(tick.missed))
        .execute(&mut self.conn)
        .await?;
        if fresh == 0 {
            return Ok(None);
        }
        if tick.missed > 0 {
            self.tell(tell::missed(tick), None);
        }
        if !tick.run {
            return Ok(None);
        }
        let task = self.run_job(job, Some(tick.scheduled_for)).await?;
        sql("UPDATE ticks SET task = $1 WHERE project = $2 AND job = $3 AND scheduled_for = $4")
            .bind(task.id.0)
            .bind(tick.project.as_str())
            .bind(tick.job.as_str())
            .bind(tick.scheduled_for.as_micros())
            .execute(&mut self.conn)
            .await?;
        Ok(Some(task))
    }
}

impl Sql {
    pub(crate) async fn cursors(&self) -> Result<Vec<JobCursor>> {
        let mut conn = self.reader().await?;
        let rows = sql(
            "SELECT project, name, ticked FROM jobs WHERE enabled = 1 AND scheduled = 1 ORDER BY project, name",
        )
        .fetch_all(&mut conn)
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
        // Schedulers ask again and again while ticks are due and paused; that writes nothing.
        if ticks.is_empty() || self.scheduler_paused().await?.is_some() {
            return Ok(Vec::new());
        }
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
                sql("UPDATE hub SET scheduler_paused = $1")
                    .bind(micros(pause.then_some(tx.now)))
                    .execute(&mut tx.conn)
                    .await?;
                tx.woken.objects = true;
                tx.tell(tell::scheduler(pause, &by), None);
                Ok(true)
            })
        })
        .await
    }

    pub(crate) async fn scheduler_paused(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.reader().await?;
        sql("SELECT scheduler_paused FROM hub")
            .fetch_one(&mut conn)
            .await?
            .opt_time("scheduler_paused")
    }
}
