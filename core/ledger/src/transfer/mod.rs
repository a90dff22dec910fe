//! The whole ledger from one database into the other: of PostgreSQL a copy is an SQLite file like that of any other
//! hub, and either database can be made of such a file. Tables and columns are the same on both, but for what each
//! needs to give numbers and to find texts, which is made anew.

mod rows;
mod to_postgres;
mod to_sqlite;

pub(crate) use to_postgres::to_postgres;
pub(crate) use to_sqlite::to_sqlite;

use rows::Kind;
use sqlx::sqlite::SqliteConnection;

use crate::error::{LedgerError, Result};

/// Every table that is copied, each behind those that it refers to.
const TABLES: [&str; 52] = [
    "hub",
    "projects",
    "datastores",
    "notification_groups",
    "hub_groups",
    "maintenance_windows",
    "silences",
    "jobs",
    "ticks",
    "group_owners",
    "tokens",
    "users",
    "recovery_codes",
    "login_steps",
    "roles",
    "grants",
    "logins",
    "login_failures",
    "audit",
    "sessions",
    "tasks",
    "task_progress",
    "log_frames",
    "idempotency_keys",
    "task_statistics",
    "datastore_usage",
    "loads",
    "verification_history",
    "verifications",
    "events",
    "outcomes",
    "outcome_steps",
    "matches",
    "silenced",
    "tips",
    "messages",
    "message_events",
    "attempts",
    "circuits",
    "rates",
    "handler_health",
    "conditions",
    "incidents",
    "incident_events",
    "incident_members",
    "incident_notices",
    "plugin_kv",
    "inbox_entries",
    "inbox_read",
    "inbox_acknowledged",
    "inbox_mutes",
    "actions",
];

/// Tables whose rows PostgreSQL numbers by a sequence, with the column. It numbers tasks and events itself, in `hub`.
const NUMBERED: [(&str, &str); 4] = [
    ("audit", "number"),
    ("messages", "number"),
    ("verification_history", "id"),
    ("incidents", "number"),
];

/// A table as both databases have it.
#[derive(Debug)]
struct Table {
    name: &'static str,
    columns: Vec<(String, Kind)>,
}

impl Table {
    /// The columns with commas between, quoted: some are keywords.
    fn columns(&self) -> String {
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        names.join(", ")
    }
}

/// The tables as the SQLite file has them, whose columns are all on PostgreSQL too. Refuses a file with a table that
/// nobody would copy.
async fn tables(file: &mut SqliteConnection) -> Result<Vec<Table>> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table'
            AND name NOT LIKE 'task\\_texts%' ESCAPE '\\' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\'
            AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .fetch_all(&mut *file)
    .await?;
    if let Some(other) = names.iter().find(|name| !TABLES.contains(&name.as_str())) {
        return Err(LedgerError::row(
            "a table",
            format!("{other} is not one of those that are copied"),
        ));
    }
    let mut tables = Vec::new();
    for name in TABLES {
        // Columns that are computed from others are not among these.
        let columns: Vec<(String, String)> = sqlx::query_as("SELECT name, type FROM pragma_table_info($1)")
            .bind(name)
            .fetch_all(&mut *file)
            .await?;
        let columns = columns.into_iter().map(|(column, kind)| {
            let kind = kind.parse().map_err(|why: String| LedgerError::row(name, why))?;
            Ok((column, kind))
        });
        tables.push(Table {
            name,
            columns: columns.collect::<Result<_>>()?,
        });
    }
    Ok(tables)
}
