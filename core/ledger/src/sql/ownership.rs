//! Who owns a backup group,.

use ironcore_types::snapshot::BackupGroup;
use ironcore_types::{DatastoreName, ProjectName};

use super::Sql;
use super::tx::Tx;
use crate::db::sql;
use crate::error::{LedgerError, Result};
use crate::model::GroupOwner;

impl Tx {
    /// The project that owns a backup group.
    pub(super) async fn owner(
        &mut self,
        datastore: &DatastoreName,
        group: &BackupGroup,
    ) -> Result<Option<ProjectName>> {
        let row = sql("SELECT project FROM group_owners WHERE datastore = $1 AND backup_group = $2")
            .bind(datastore.as_str())
            .bind(group.to_string())
            .fetch_optional(&mut self.conn)
            .await?;
        row.map(|row| row.word("project")).transpose()
    }
}

impl Sql {
    pub(crate) async fn own_group(
        &self,
        datastore: DatastoreName,
        group: BackupGroup,
        project: ProjectName,
    ) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                sql(
                    "INSERT INTO group_owners (datastore, backup_group, project) VALUES ($1, $2, $3)
                     ON CONFLICT DO NOTHING",
                )
                .bind(datastore.as_str())
                .bind(group.to_string())
                .bind(project.as_str())
                .execute(&mut tx.conn)
                .await?;
                if tx.owner(&datastore, &group).await?.as_ref() == Some(&project) {
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
        let rows = sql("SELECT * FROM group_owners WHERE datastore = $1 ORDER BY backup_group")
            .bind(datastore.as_str())
            .fetch_all(&mut conn)
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
