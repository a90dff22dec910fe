//! Who owns a backup group, on SQLite.

use ironcore_types::snapshot::BackupGroup;
use ironcore_types::{DatastoreName, ProjectName};

use super::Sqlite;
use super::columns::Columns;
use crate::error::{LedgerError, Result};
use crate::model::GroupOwner;

impl Sqlite {
    pub(crate) async fn own_group(
        &self,
        datastore: DatastoreName,
        group: BackupGroup,
        project: ProjectName,
    ) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO group_owners (datastore, backup_group, project) VALUES (?, ?, ?)
                     ON CONFLICT DO NOTHING",
                )
                .bind(datastore.as_str())
                .bind(group.to_string())
                .bind(project.as_str())
                .execute(&mut tx.conn)
                .await?;
                let owner: ProjectName =
                    sqlx::query("SELECT project FROM group_owners WHERE datastore = ? AND backup_group = ?")
                        .bind(datastore.as_str())
                        .bind(group.to_string())
                        .fetch_one(&mut tx.conn)
                        .await?
                        .word("project")?;
                if owner == project {
                    return Ok(());
                }
                Err(LedgerError::conflict(format!(
                    "backup group {datastore}:{group} belongs to another project than {project}"
                )))
            })
        })
        .await
    }

    pub(crate) async fn group_owners(&self, datastore: DatastoreName) -> Result<Vec<GroupOwner>> {
        let mut conn = self.reader().await?;
        let rows = sqlx::query("SELECT * FROM group_owners WHERE datastore = ? ORDER BY backup_group")
            .bind(datastore.as_str())
            .fetch_all(&mut *conn)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(GroupOwner {
                    group: row.word("backup_group")?,
                    project: row.word("project")?,
                })
            })
            .collect()
    }
}
