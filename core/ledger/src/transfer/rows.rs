//! Some rows of a table, column by column.

use std::str::FromStr;

use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use sqlx::{Database, Decode, Row, Type};

use super::Table;
use crate::db::storable;

/// So many rows are written by one statement. SQLite takes 32,766 values, and no table has more than 40 columns.
pub(super) const MOST: usize = 256;

/// What a column holds, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Bytes,
}

impl Kind {
    /// The type of an array of them on PostgreSQL.
    pub(super) fn array(self) -> &'static str {
        match self {
            Self::Number => "BIGINT[]",
            Self::Text => "TEXT[]",
            Self::Bytes => "BYTEA[]",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "INTEGER" => Ok(Self::Number),
            "TEXT" => Ok(Self::Text),
            "BLOB" => Ok(Self::Bytes),
            other => Err(format!("a column of type {other} is not copied")),
        }
    }
}

#[derive(Debug)]
enum Column {
    Numbers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

/// Some rows.
#[derive(Debug)]
pub(super) struct Rows {
    columns: Vec<Column>,
    count: usize,
}

impl Rows {
    pub(super) fn of(table: &Table) -> Self {
        let columns = table.columns.iter().map(|(_, kind)| match kind {
            Kind::Number => Column::Numbers(Vec::new()),
            Kind::Text => Column::Texts(Vec::new()),
            Kind::Bytes => Column::Bytes(Vec::new()),
        });
        Self {
            columns: columns.collect(),
            count: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn push_sqlite(&mut self, row: &SqliteRow) -> Result<(), sqlx::Error> {
        self.push(row)
    }

    pub(super) fn push_postgres(&mut self, row: &PgRow) -> Result<(), sqlx::Error> {
        self.push(row)
    }

    /// Takes a row whose columns stand as in the table.
    fn push<R>(&mut self, row: &R) -> Result<(), sqlx::Error>
    where
        R: Row,
        usize: sqlx::ColumnIndex<R>,
        for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
        R::Database: Database,
    {
        for (at, column) in self.columns.iter_mut().enumerate() {
            match column {
                Column::Numbers(values) => values.push(row.try_get(at)?),
                Column::Texts(values) => values.push(row.try_get(at)?),
                Column::Bytes(values) => values.push(row.try_get(at)?),
            }
        }
        self.count += 1;
        Ok(())
    }

    /// As values of `INSERT … VALUES ($1, …), …`.
    pub(super) fn bind_sqlite<'q>(
        self,
        mut query: Query<'q, Sqlite, SqliteArguments>,
    ) -> Query<'q, Sqlite, SqliteArguments> {
        let mut columns: Vec<_> = self.columns.into_iter().map(Values::from).collect();
        for _ in 0..self.count {
            for column in &mut columns {
                query = match column {
                    Values::Numbers(values) => query.bind(values.next().flatten()),
                    Values::Texts(values) => query.bind(values.next().flatten()),
                    Values::Bytes(values) => query.bind(values.next().flatten()),
                };
            }
        }
        query
    }

    /// As arrays of `INSERT … SELECT * FROM unnest($1, …)`.
    pub(super) fn bind_postgres<'q>(
        self,
        query: Query<'q, Postgres, PgArguments>,
    ) -> Query<'q, Postgres, PgArguments> {
        self.columns
            .into_iter()
            .fold(query, |query, column| match column {
                Column::Numbers(values) => query.bind(values),
                Column::Texts(values) => {
                    let values = values.into_iter().map(|text| text.map(storable));
                    query.bind(values.collect::<Vec<_>>())
                }
                Column::Bytes(values) => query.bind(values),
            })
    }
}

enum Values {
    Numbers(std::vec::IntoIter<Option<i64>>),
    Texts(std::vec::IntoIter<Option<String>>),
    Bytes(std::vec::IntoIter<Option<Vec<u8>>>),
}

impl From<Column> for Values {
    fn from(column: Column) -> Self {
        match column {
            Column::Numbers(values) => Self::Numbers(values.into_iter()),
            Column::Texts(values) => Self::Texts(values.into_iter()),
            Column::Bytes(values) => Self::Bytes(values.into_iter()),
        }
    }
}
