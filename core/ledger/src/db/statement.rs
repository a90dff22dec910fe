//! A statement with its values. Its text is the same for both databases, in what both understand: `$1`, `RETURNING`,
//! `ON CONFLICT`, `IS NOT DISTINCT FROM`, names that are keywords somewhere in double quotes.
//!
//! Four things differ everywhere and are translated:
//!
//! | written | SQLite | PostgreSQL |
//! | --- | --- | --- |
//! | `x IN LIST($1)`, `x NOT IN LIST($1)` | `x IN (SELECT value FROM json_each($1))` | `x = ANY($1)`, `x <> ALL($1)` |
//! | `x LIKE $1`, whatever the case of ASCII letters | `LIKE` | `ILIKE` |
//! | `tasks VIA(tasks_open)`, where SQLite must be told which index to go by | `tasks INDEXED BY tasks_open` | `tasks` |
//! | `RECORDS($1 AS r: id BIGINT, name TEXT)`, a JSON array of objects as a table | `json_each` | `json_to_recordset` |
//!
//! Where else the two go apart, the place itself asks [`Conn::is_postgres`]. Every statement stays prepared, but
//! those that ask for a plan of their own.

use std::borrow::Cow;

use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgArguments, Postgres};
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

use super::value::Value;
use super::{ANSWER, Conn, Raw, Row, silent};
use crate::error::{LedgerError, Result};

/// A statement, to be run once.
pub(crate) struct Statement {
    text: Cow<'static, str>,
    values: Vec<Value>,
    /// Stays prepared.
    kept: bool,
}

/// A statement of this text.
pub(crate) fn sql(text: &'static str) -> Statement {
    Statement {
        text: Cow::Borrowed(text),
        values: Vec::new(),
        kept: true,
    }
}

impl Statement {
    /// The value of the next placeholder.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// More text, for statements that depend on what is asked.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// A placeholder at the end of the text, with its value.
    pub(crate) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let place = format!("${}", self.values.len());
        self.text.to_mut().push_str(&place);
        self
    }

    /// Not to stay prepared: PostgreSQL then plans it for its values, which takes a few milliseconds and may save
    /// seconds.
    pub(crate) fn once(&mut self) -> &mut Self {
        self.kept = false;
        self
    }

    fn for_sqlite(self) -> Query<'static, Sqlite, SqliteArguments> {
        let mut text = self.text;
        if text.contains("LIST(") {
            text = Cow::Owned(listed(&text));
        }
        if text.contains(VIA) {
            text = Cow::Owned(led(&text, |index| format!(" INDEXED BY {index}")));
        }
        if text.contains(RECORDS) {
            text = Cow::Owned(recorded(&text, sqlite_records));
        }
        let query = sqlx::query(AssertSqlSafe(text));
        self.values
            .into_iter()
            .fold(query, |query, value| value.bind_sqlite(query))
    }

    fn for_postgres(self) -> Query<'static, Postgres, PgArguments> {
        let mut text = self.text;
        if text.contains("LIST(") {
            let any = text
                .replace("NOT IN LIST(", "<> ALL(")
                .replace("IN LIST(", "= ANY(");
            text = Cow::Owned(any);
        }
        if text.contains(RECORDS) {
            text = Cow::Owned(recorded(&text, postgres_records));
        }
        if text.contains(VIA) {
            text = Cow::Owned(led(&text, |_| String::new()));
        }
        if text.contains(" LIKE ") {
            text = Cow::Owned(text.replace(" LIKE ", " ILIKE "));
        }
        let query = sqlx::query(AssertSqlSafe(text)).persistent(self.kept);
        self.values
            .into_iter()
            .fold(query, |query, value| value.bind_postgres(query))
    }

    /// Every row.
    pub(crate) async fn fetch_all(self, conn: &mut Conn) -> Result<Vec<Row>> {
        match conn.raw()? {
            Raw::Sqlite(raw) => {
                let rows = self.for_sqlite().fetch_all(raw).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Raw::Postgres(raw) => {
                let rows = tokio::time::timeout(ANSWER, self.for_postgres().fetch_all(raw)).await;
                let rows = answered(conn, rows.ok())?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// The first row, if there is one.
    pub(crate) async fn fetch_optional(self, conn: &mut Conn) -> Result<Option<Row>> {
        match conn.raw()? {
            Raw::Sqlite(raw) => Ok(self.for_sqlite().fetch_optional(raw).await?.map(Row::Sqlite)),
            Raw::Postgres(raw) => {
                let row = tokio::time::timeout(ANSWER, self.for_postgres().fetch_optional(raw)).await;
                Ok(answered(conn, row.ok())?.map(Row::Postgres))
            }
        }
    }

    /// The row that must be there.
    pub(crate) async fn fetch_one(self, conn: &mut Conn) -> Result<Row> {
        let row = self.fetch_optional(conn).await?;
        row.ok_or_else(|| LedgerError::from(sqlx::Error::RowNotFound))
    }

    /// How many rows were written.
    pub(crate) async fn execute(self, conn: &mut Conn) -> Result<u64> {
        match conn.raw()? {
            Raw::Sqlite(raw) => Ok(self.for_sqlite().execute(raw).await?.rows_affected()),
            Raw::Postgres(raw) => {
                let done = tokio::time::timeout(ANSWER, self.for_postgres().execute(raw)).await;
                Ok(answered(conn, done.ok())?.rows_affected())
            }
        }
    }
}

/// What came, unless nothing did.
fn answered<T>(conn: &mut Conn, answer: Option<Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    answer.unwrap_or_else(|| {
        conn.give_up();
        Err(silent())
    })
}

const VIA: &str = " VIA(";

/// Every ` VIA(…)` as `written` has it.
fn led(text: &str, written: impl Fn(&str) -> String) -> String {
    let mut parts = text.split(VIA);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (index, rest) = part.split_once(')').unwrap_or((part, ""));
        whole.push_str(&written(index));
        whole.push_str(rest);
    }
    whole
}

const RECORDS: &str = "RECORDS(";

/// What stands in `RECORDS($1 AS r: id BIGINT, name TEXT)`.
struct Records<'t> {
    place: &'t str,
    name: &'t str,
    /// Names and types.
    columns: Vec<(&'t str, &'t str)>,
}

/// Every `RECORDS(…)` as `written` has it.
fn recorded(text: &str, written: impl Fn(&Records<'_>) -> String) -> String {
    let mut parts = text.split(RECORDS);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (inner, rest) = part.split_once(')').unwrap_or((part, ""));
        let (head, columns) = inner.split_once(": ").unwrap_or((inner, ""));
        let (place, name) = head.split_once(" AS ").unwrap_or((head, "r"));
        let columns = columns
            .split(',')
            .filter_map(|column| column.trim().split_once(' '))
            .collect();
        whole.push_str(&written(&Records { place, name, columns }));
        whole.push_str(rest);
    }
    whole
}

fn sqlite_records(records: &Records<'_>) -> String {
    let Records { place, name, columns } = records;
    let columns: Vec<String> = columns
        .iter()
        .map(|(column, _)| format!("value ->> '{column}' AS {column}"))
        .collect();
    format!(
        "(SELECT {} FROM json_each({place})) AS {name}",
        columns.join(", ")
    )
}

fn postgres_records(records: &Records<'_>) -> String {
    let Records { place, name, columns } = records;
    let columns: Vec<String> = columns
        .iter()
        .map(|(column, kind)| format!("{column} {kind}"))
        .collect();
    format!(
        "json_to_recordset(CAST({place} AS JSON)) AS {name} ({})",
        columns.join(", ")
    )
}

/// `LIST($1)` for SQLite.
fn listed(text: &str) -> String {
    let mut parts = text.split("LIST(");
    let mut listed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (place, rest) = part.split_once(')').unwrap_or((part, ""));
        listed.push_str("(SELECT value FROM json_each(");
        listed.push_str(place);
        listed.push_str("))");
        listed.push_str(rest);
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::{led, listed, postgres_records, recorded, sqlite_records};

    #[test]
    fn records_are_tables() {
        let text = "SELECT r.id FROM RECORDS($1 AS r: id BIGINT, name TEXT) WHERE r.id > $2";
        assert_eq!(
            recorded(text, sqlite_records),
            "SELECT r.id FROM (SELECT value ->> 'id' AS id, value ->> 'name' AS name FROM json_each($1)) AS r WHERE r.id > $2"
        );
        assert_eq!(
            recorded(text, postgres_records),
            "SELECT r.id FROM json_to_recordset(CAST($1 AS JSON)) AS r (id BIGINT, name TEXT) WHERE r.id > $2"
        );
    }

    #[test]
    fn sqlite_is_told_which_index_to_go_by() {
        let text = "SELECT id FROM tasks VIA(tasks_open) t WHERE id IN (SELECT id FROM jobs VIA(jobs_due))";
        assert_eq!(
            led(text, |index| format!(" INDEXED BY {index}")),
            "SELECT id FROM tasks INDEXED BY tasks_open t WHERE id IN (SELECT id FROM jobs INDEXED BY jobs_due)"
        );
        assert_eq!(
            led(text, |_| String::new()),
            "SELECT id FROM tasks t WHERE id IN (SELECT id FROM jobs)"
        );
    }

    #[test]
    fn lists_are_json_for_sqlite() {
        assert_eq!(
            listed("a IN LIST($1) AND b NOT IN LIST($12) ORDER BY (c)"),
            "a IN (SELECT value FROM json_each($1)) AND b NOT IN (SELECT value FROM json_each($12)) ORDER BY (c)"
        );
    }
}
