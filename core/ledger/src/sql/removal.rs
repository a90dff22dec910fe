//! Removing configured objects, unless something is in the way.

use ironcore_types::notification::GroupRef;
use ironcore_types::{DatastoreName, JobName, ProjectName, UserId};

use super::Sql;
use super::objects::{export, found};
use super::tx::Tx;
use crate::db::{Statement, sql};
use crate::error::{LedgerError, Result};
use crate::rules::removal;

impl Sql {
    pub(crate) async fn delete_project(&self, name: ProjectName) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let tokens = sql(
                    "SELECT \"user\" FROM tokens WHERE project = $1 AND revoked IS NULL ORDER BY \"user\"",
                )
                .bind(name.as_str())
                .fetch_all(&mut tx.conn)
                .await?;
                let tokens: Vec<UserId> = tokens.iter().map(|row| row.word("user")).collect::<Result<_>>()?;
                let members =
                    sql("SELECT DISTINCT \"user\" FROM grants WHERE project = $1 ORDER BY \"user\"")
                        .bind(name.as_str())
                        .fetch_all(&mut tx.conn)
                        .await?;
                let members: Vec<UserId> = members
                    .iter()
                    .map(|row| row.word("user"))
                    .collect::<Result<_>>()?;
                removal::project(&export(&mut tx.conn).await?, &name, &tokens, &members)?;
                let open = sql(
                    "SELECT upid FROM tasks WHERE state IN ('queued', 'running') AND project = $1 LIMIT 1",
                );
                let open = tx.open_task(open.bind(name.as_str())).await?;
                let deed = sql("DELETE FROM projects WHERE name = $1").bind(name.as_str());
                tx.remove(open, format!("project/{name}"), deed).await
            })
        })
        .await
    }

    pub(crate) async fn delete_datastore(&self, name: DatastoreName) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                removal::datastore(&export(&mut tx.conn).await?, &name)?;
                let open = tx.open_task_on(&name).await?;
                // Another of the same name may lie on another disk.
                tx.forget_usage(&name).await?;
                tx.forget_causes(&format!("datastore/{name}/")).await?;
                let deed = sql("DELETE FROM datastores WHERE name = $1").bind(name.as_str());
                tx.remove(open, format!("datastore/{name}"), deed).await
            })
        })
        .await
    }

    pub(crate) async fn delete_group(&self, group: GroupRef) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                removal::group(&export(&mut tx.conn).await?, &group)?;
                tx.forget_changed(&group, &[]).await?;
                let deed = match &group.project {
                    Some(project) => sql("DELETE FROM notification_groups WHERE project = $1 AND name = $2")
                        .bind(project.as_str())
                        .bind(group.name.as_str()),
                    None => sql("DELETE FROM hub_groups WHERE name = $1").bind(group.name.as_str()),
                };
                tx.remove(None, format!("group/{group}"), deed).await
            })
        })
        .await
    }

    pub(crate) async fn delete_job(&self, project: ProjectName, name: JobName) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                removal::job(&export(&mut tx.conn).await?, &project, &name)?;
                let open = sql(
                    "SELECT upid FROM tasks WHERE state IN ('queued', 'running') AND project = $1 AND job = $2
                     LIMIT 1",
                );
                let open = open.bind(project.as_str()).bind(name.as_str());
                let open = tx.open_task(open).await?;
                tx.forget_job(&project, &name).await?;
                let deed = sql("DELETE FROM jobs WHERE project = $1 AND name = $2")
                    .bind(project.as_str())
                    .bind(name.as_str());
                tx.remove(open, format!("job/{project}/{name}"), deed).await
            })
        })
        .await
    }
}

impl Tx {
    /// The UPID that `query` finds: of a task that is not over.
    async fn open_task(&mut self, query: Statement) -> Result<Option<String>> {
        let row = query.fetch_optional(&mut self.conn).await?;
        row.map(|row| row.text("upid")).transpose()
    }

    async fn open_task_on(&mut self, datastore: &DatastoreName) -> Result<Option<String>> {
        let rows = sql("SELECT upid, spec FROM tasks WHERE state IN ('queued', 'running')")
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

    async fn remove(&mut self, open: Option<String>, label: String, deed: Statement) -> Result<()> {
        if let Some(upid) = open {
            return Err(LedgerError::conflict(format!(
                "{label} cannot be removed: task {upid} is not over"
            )));
        }
        let removed = deed.execute(&mut self.conn).await?;
        self.woken.objects = true;
        found(removed, || label)
    }
}
