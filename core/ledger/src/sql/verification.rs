//! Verification records: a history, and a pointer to the latest of each snapshot.

use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::verification::{VerifyReport, VerifyResult};
use ironcore_types::{DatastoreName, SessionId, TaskId, TaskType};

use super::Sql;
use crate::db::{Row, sql, to_json};
use crate::error::{LedgerError, Result};
use crate::model::VerificationRow;
use crate::rules::tell;

pub(super) fn verification(row: &Row) -> Result<VerificationRow> {
    Ok(VerificationRow {
        datastore: row.word("datastore")?,
        report: row.json("body")?,
        upid: row.word("upid")?,
        job: row.opt_word("job")?,
        recorded: row.time("recorded")?,
    })
}

impl Sql {
    pub(crate) async fn record_verification(
        &self,
        task: TaskId,
        session: SessionId,
        datastore: DatastoreName,
        report: VerifyReport,
    ) -> Result<()> {
        if report.result == VerifyResult::Stale {
            return Err(LedgerError::request(
                "STALE is computed from the age of a result, never recorded",
            ));
        }
        self.write(move |tx| {
            Box::pin(async move {
                let task = tx.held(task, session).await?;
                if task.task_type() != TaskType::Verify {
                    return Err(LedgerError::request(format!(
                        "task {} is no verification",
                        task.upid
                    )));
                }
                let snapshot = report.snapshot.to_string();
                let done = sql(
                    "INSERT INTO verification_history (datastore, snapshot, body, upid, job, recorded, backup_group,
                        result, started)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
                )
                .bind(datastore.as_str())
                .bind(snapshot.as_str())
                .bind(to_json("a verification", &report)?)
                .bind(task.upid.to_string())
                .bind(task.job.as_ref().map(|j| j.as_str()))
                .bind(tx.now.as_micros())
                .bind(report.snapshot.group.to_string())
                .bind(report.result.as_str())
                .bind(report.started.as_micros())
                .fetch_one(&mut tx.conn)
                .await?;
                sql(
                    "INSERT INTO verifications (datastore, snapshot, latest) VALUES ($1, $2, $3)
                     ON CONFLICT (datastore, snapshot) DO UPDATE SET latest = $3",
                )
                .bind(datastore.as_str())
                .bind(snapshot.as_str())
                .bind(done.num("id")?)
                .execute(&mut tx.conn)
                .await?;
                let project = match &task.project {
                    Some(project) => Some(project.clone()),
                    None => tx.owner(&datastore, &report.snapshot.group).await?,
                };
                tx.tell(tell::verified(&task, project, &datastore, &report), Some(task.id));
                Ok(())
            })
        })
        .await
    }

    pub(crate) async fn verifications(
        &self,
        datastore: DatastoreName,
        snapshot: Option<SnapshotPath>,
    ) -> Result<Vec<VerificationRow>> {
        let mut conn = self.reader().await?;
        let rows = sql(
            "SELECT h.* FROM verifications v JOIN verification_history h ON h.id = v.latest
             WHERE v.datastore = $1 AND ($2 IS NULL OR v.snapshot = $2) ORDER BY v.snapshot",
        )
        .bind(datastore.as_str())
        .bind(snapshot.map(|path| path.to_string()))
        .fetch_all(&mut conn)
        .await?;
        rows.iter().map(verification).collect()
    }

    pub(crate) async fn verification_history(
        &self,
        datastore: DatastoreName,
        snapshot: SnapshotPath,
    ) -> Result<Vec<VerificationRow>> {
        let mut conn = self.reader().await?;
        let rows =
            sql("SELECT * FROM verification_history WHERE datastore = $1 AND snapshot = $2 ORDER BY id DESC")
                .bind(datastore.as_str())
                .bind(snapshot.to_string())
                .fetch_all(&mut conn)
                .await?;
        rows.iter().map(verification).collect()
    }
}
