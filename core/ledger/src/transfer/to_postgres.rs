//! From an SQLite file into an empty PostgreSQL database, in one transaction: all of it or nothing.

use std::path::Path;

use futures::TryStreamExt as _;
use ironcore_types::ErrorCode;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::rows::{MOST, Rows};
use super::{NUMBERED, Table, tables};
use crate::error::{LedgerError, Result};
use crate::open::Postgres;
use crate::postgres;

/// Errors of tasks are written to what is found by text when a task ends, which is over for these; what they are called
/// is written by the hub, later.
const ERRORS: &str = "
    INSERT INTO task_texts (id, body, letters)
    SELECT id, body, task_texts_letters(body) FROM (
        SELECT id * 2 + 1 AS id, lower(error COLLATE \"C\") AS body FROM tasks WHERE error IS NOT NULL) AS texts";

/// Copies a ledger of this version from `file`, which nobody has open, into `database`, whose tables are made.
///
/// `restore.target-exists` when they hold a hub.
pub(crate) async fn to_postgres(file: &Path, database: &Postgres) -> Result<()> {
    let from = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .disable_statement_logging();
    let mut from = from.connect().await?;
    let mut to = postgres::prepare(&database.connect).await?;
    let mut tx = to.begin().await?;
    // A hub that is started on it meanwhile waits here, and finds what was restored.
    sqlx::query("LOCK TABLE hub IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *tx)
        .await?;
    let there: Option<String> = sqlx::query_scalar("SELECT id FROM hub")
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(there) = there {
        return Err(LedgerError::Refused {
            code: ErrorCode::RestoreTargetExists,
            message: format!(
                "the database holds hub {there} already: restore to an empty database, and nothing is overwritten"
            ),
        });
    }
    for table in tables(&mut from).await? {
        copy(&mut from, &mut tx, &table).await?;
    }
    sqlx::query(ERRORS).execute(&mut *tx).await?;
    number(&mut from, &mut tx).await?;
    tx.commit().await?;
    // Plans are made by what the tables hold.
    sqlx::query("ANALYZE").execute(&mut to).await?;
    to.close().await?;
    from.close().await?;
    Ok(())
}

async fn copy(from: &mut SqliteConnection, to: &mut PgConnection, table: &Table) -> Result<()> {
    let select = format!("SELECT {} FROM {}", table.columns(), table.name);
    let mut found = sqlx::query(AssertSqlSafe(select)).fetch(from);
    let mut rows = Rows::of(table);
    while let Some(row) = found.try_next().await? {
        rows.push_sqlite(&row)?;
        if rows.len() == MOST {
            insert(to, table, std::mem::replace(&mut rows, Rows::of(table))).await?;
        }
    }
    if rows.len() > 0 {
        insert(to, table, rows).await?;
    }
    Ok(())
}

async fn insert(to: &mut PgConnection, table: &Table, rows: Rows) -> Result<()> {
    let arrays = table.columns.iter().enumerate();
    let arrays: Vec<String> = arrays
        .map(|(at, (_, kind))| format!("CAST(${} AS {})", at + 1, kind.array()))
        .collect();
    let columns = table.columns();
    let insert = format!(
        "INSERT INTO {} ({columns}) SELECT * FROM unnest({})",
        table.name,
        arrays.join(", ")
    );
    rows.bind_postgres(sqlx::query(AssertSqlSafe(insert)))
        .execute(to)
        .await?;
    Ok(())
}

/// No number is given a second time, even where its row is gone.
async fn number(from: &mut SqliteConnection, to: &mut PgConnection) -> Result<()> {
    sqlx::query("UPDATE hub SET last_task = $1, last_event = $2")
        .bind(last(from, "tasks").await?)
        .bind(last(from, "events").await?)
        .execute(&mut *to)
        .await?;
    for (table, column) in NUMBERED {
        // The next is one more; a sequence that gave none yet begins with one.
        sqlx::query("SELECT setval(CAST(pg_get_serial_sequence($1, $2) AS REGCLASS), $3 + 1, false)")
            .bind(table)
            .bind(column)
            .bind(last(from, table).await?)
            .execute(&mut *to)
            .await?;
    }
    Ok(())
}

/// The last number that was given to a row of the table.
async fn last(from: &mut SqliteConnection, table: &str) -> Result<i64> {
    let last: Option<i64> = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = $1")
        .bind(table)
        .fetch_optional(from)
        .await?;
    Ok(last.unwrap_or(0))
}
