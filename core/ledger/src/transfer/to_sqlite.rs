//! From PostgreSQL into a new SQLite file: everything as of one moment, while hubs go on.

use std::path::Path;

use futures::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::rows::{MOST, Rows};
use super::{NUMBERED, Table, tables};
use crate::error::{LedgerError, Result};
use crate::sqlite;

/// Copies the database of `from` into `file`, which must be missing. What fails can leave a part of it behind.
pub(crate) async fn to_sqlite(from: &PgConnectOptions, file: &Path) -> Result<()> {
    // The file is of no use before all of it is there, and made durable by whoever takes it.
    let to = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .foreign_keys(false)
        .disable_statement_logging();
    let mut to = to.connect().await?;
    sqlite::migrate(&mut to).await?;
    let from = from.clone().options([
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
    ]);
    let mut from = from.connect().await?;
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .execute(&mut from)
        .await?;
    sqlx::query("BEGIN").execute(&mut to).await?;
    for table in tables(&mut to).await? {
        copy(&mut from, &mut to, &table).await?;
    }
    number(&mut from, &mut to).await?;
    sqlx::query("COMMIT").execute(&mut to).await?;
    from.close().await?;
    let astray: Option<String> = sqlx::query_scalar("SELECT \"table\" FROM pragma_foreign_key_check")
        .fetch_optional(&mut to)
        .await?;
    if let Some(table) = astray {
        return Err(LedgerError::row(
            "the copy",
            format!("a row of {table} refers to none"),
        ));
    }
    to.close().await?;
    Ok(())
}

async fn copy(from: &mut PgConnection, to: &mut SqliteConnection, table: &Table) -> Result<()> {
    let columns = table.columns();
    let select = format!("SELECT {columns} FROM {}", table.name);
    let mut found = sqlx::query(AssertSqlSafe(select)).fetch(from);
    let mut rows = Rows::of(table);
    while let Some(row) = found.try_next().await? {
        rows.push_postgres(&row)?;
        if rows.len() == MOST {
            insert(to, table, std::mem::replace(&mut rows, Rows::of(table))).await?;
        }
    }
    if rows.len() > 0 {
        insert(to, table, rows).await?;
    }
    Ok(())
}

async fn insert(to: &mut SqliteConnection, table: &Table, rows: Rows) -> Result<()> {
    let one = vec!["?"; table.columns.len()].join(", ");
    let all = vec![format!("({one})"); rows.len()].join(", ");
    let insert = format!("INSERT INTO {} ({}) VALUES {all}", table.name, table.columns());
    rows.bind_sqlite(sqlx::query(AssertSqlSafe(insert)))
        .execute(to)
        .await?;
    Ok(())
}

/// No number is given a second time, even where its row is gone.
async fn number(from: &mut PgConnection, to: &mut SqliteConnection) -> Result<()> {
    let (tasks, events): (i64, i64) = sqlx::query_as("SELECT last_task, last_event FROM hub")
        .fetch_one(&mut *from)
        .await?;
    let mut last = vec![("tasks", tasks), ("events", events)];
    for (table, column) in NUMBERED {
        let number: i64 = sqlx::query_scalar(
            "SELECT COALESCE(pg_sequence_last_value(CAST(pg_get_serial_sequence($1, $2) AS REGCLASS)), 0)",
        )
        .bind(table)
        .bind(column)
        .fetch_one(&mut *from)
        .await?;
        last.push((table, number));
    }
    for (table, number) in last {
        sqlx::query("DELETE FROM sqlite_sequence WHERE name = $1")
            .bind(table)
            .execute(&mut *to)
            .await?;
        sqlx::query("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)")
            .bind(table)
            .bind(number)
            .execute(&mut *to)
            .await?;
    }
    Ok(())
}
