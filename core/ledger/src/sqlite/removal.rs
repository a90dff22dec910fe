//! Removing configured objects on SQLite, unless something is in the way.

use ironcore_types::{DatastoreName, GroupName, JobName, ProjectName, UserId};

use super::Sqlite;
use super::columns::Columns;
use super::objects::{export, found};
use super::tx::Tx;
use crate::error::{LedgerError, Result};
use crate::rules::removal;

impl Sqlite {
    pub(crate) async fn delete_project(&self, name: ProjectName) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let tokens = sqlx::query(
                    "SELECT user FROM tokens WHERE project = ? AND revoked IS NULL ORDER BY user",
                )
                .bind(name.as_str())
                .fetch_all(&mut tx.conn)
                .await?;
                let tokens: Vec<UserId> = tokens.iter().map(|row| row.word("user")).collect::<Result<_>>()?;
                removal::project(&export(&mut tx.conn).await?, &name, &tokens)?;
                let open = tx.open_task("project = ?1", name.as_str(), "").await?;
                tx.remove(
                    open,
                    format!("project/{name}"),
                    "DELETE FROM projects WHERE name = ?1",
                    name.as_str(),
                    "",
                )
                .await
            })
        })
        .await
    }

    pub(crate) async fn delete_datastore(&self, name: DatastoreName) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                removal::datastore(&export(&mut tx.conn).await?, &name)?;
                let open = tx.open_task_on(&name).await?;
                let sql = "DELETE FROM datastores WHERE name = ?1";
                tx.remove(open, format!("datastore/{name}"), sql, name.as_str(), "")
                    .await
            })
        })
        .await
    }

    pub(crate) async fn delete_group(&self, project: ProjectName, name: GroupName) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                removal::group(&export(&mut tx.conn).await?, &project, &name)?;
                let sql = "DELETE FROM notification_groups WHERE project = ?1 AND name = ?2";
                tx.remove(
                    None,
                    format!("group/{project}/{name}"),
                    sql,
                    project.as_str(),
                    name.as_str(),
                )
                .await
            })
        })
        .await
    }

    pub(crate) async fn delete_job(&self, project: ProjectName, name: JobName) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                removal::job(&export(&mut tx.conn).await?, &project, &name)?;
                let open = tx
                    .open_task("project = ?1 AND job = ?2", project.as_str(), name.as_str())
                    .await?;
                let sql = "DELETE FROM jobs WHERE project = ?1 AND name = ?2";
                tx.remove(
                    open,
                    format!("job/{project}/{name}"),
                    sql,
                    project.as_str(),
                    name.as_str(),
                )
                .await
            })
        })
        .await
    }
}

impl Tx {
    /// The UPID of a task that is not over and matches `condition` on ?1 and ?2.
    async fn open_task(
        &mut self,
        condition: &'static str,
        first: &str,
        second: &str,
    ) -> Result<Option<String>> {
        let sql = format!(
            "SELECT upid FROM tasks WHERE state IN ('queued', 'running') AND {condition} AND ?2 = ?2 LIMIT 1"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(first)
            .bind(second)
            .fetch_optional(&mut self.conn)
            .await?;
        row.map(|row| row.text("upid")).transpose()
    }

    async fn open_task_on(&mut self, datastore: &DatastoreName) -> Result<Option<String>> {
        let rows = sqlx::query("SELECT upid, spec FROM tasks WHERE state IN ('queued', 'running')")
            .fetch_all(&mut self.conn)
            .await?;
        for row in rows {
            let spec: ironcore_types::TaskSpec = row.json("spec")?;
            if spec.datastores().contains(&datastore) {
                return row.text("upid").map(Some);
            }
        }
        Ok(None)
    }

    async fn remove(
        &mut self,
        open: Option<String>,
        label: String,
        sql: &'static str,
        first: &str,
        second: &str,
    ) -> Result<()> {
        if let Some(upid) = open {
            return Err(LedgerError::conflict(format!(
                "{label} cannot be removed: task {upid} is not over"
            )));
        }
        let query = sqlx::query(sql).bind(first);
        let query = if sql.contains("?2") {
            query.bind(second)
        } else {
            query
        };
        let done = query.execute(&mut self.conn).await?;
        self.woken.objects = true;
        found(done.rows_affected(), || label)
    }
}
