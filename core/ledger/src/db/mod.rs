//! A thin layer over the two drivers, so that the SQL of a verb is written once: connections, statements, values and
//! rows that are of one database or of the other. It knows no table and begins no transaction.

mod row;
mod statement;
mod value;

pub(crate) use row::{Row, readable, to_json};
pub(crate) use statement::{Statement, sql};
pub(crate) use value::{Value, micros, signed, storable, words};

use std::io;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, PgPool, SqlitePool};

use crate::error::Result;

/// How long PostgreSQL may take to answer one statement, longer than the server itself allows it: when the network
/// swallows packets, nothing else ends the wait.
const ANSWER: Duration = Duration::from_secs(75);

/// A connection: the writer's own, or a reader's from the pool.
#[derive(Debug)]
pub(crate) enum Conn {
    Sqlite(SqliteConnection),
    SqliteReader(PoolConnection<sqlx::Sqlite>),
    Postgres(PgLink),
    PostgresReader(PoolConnection<sqlx::Postgres>),
}

/// A connection to PostgreSQL that remembers when an answer did not come: nothing more is asked of it then.
#[derive(Debug)]
pub(crate) struct PgLink {
    conn: PgConnection,
    silent: bool,
}

/// The connection of a driver inside a [`Conn`].
enum Raw<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Conn {
    pub(crate) fn postgres(conn: PgConnection) -> Self {
        Self::Postgres(PgLink { conn, silent: false })
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_) | Self::PostgresReader(_))
    }

    fn raw(&mut self) -> Result<Raw<'_>, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(conn) => Raw::Sqlite(conn),
            Self::SqliteReader(conn) => Raw::Sqlite(conn),
            Self::Postgres(link) if link.silent => return Err(silent()),
            Self::Postgres(link) => Raw::Postgres(&mut link.conn),
            Self::PostgresReader(conn) => Raw::Postgres(conn),
        })
    }

    /// No answer came: whatever arrives later would be taken for the answer to something else.
    fn give_up(&mut self) {
        match self {
            Self::Postgres(link) => link.silent = true,
            Self::PostgresReader(conn) => conn.close_on_drop(),
            Self::Sqlite(_) | Self::SqliteReader(_) => {}
        }
    }

    /// Runs statements without values, as they stand, in one round trip.
    pub(crate) async fn control(&mut self, text: &'static str) -> Result<(), sqlx::Error> {
        match self.raw()? {
            Raw::Sqlite(conn) => sqlx::query(text).execute(conn).await.map(|_| ()),
            Raw::Postgres(conn) => {
                let done = tokio::time::timeout(ANSWER, sqlx::raw_sql(text).execute(conn)).await;
                done.unwrap_or_else(|_| {
                    self.give_up();
                    Err(silent())
                })
                .map(|_| ())
            }
        }
    }

    /// Runs several statements in one round trip on PostgreSQL and gives the row that came last. `text` must hold
    /// nothing that came from outside.
    pub(crate) async fn batch(&mut self, text: String) -> Result<Option<Row>, sqlx::Error> {
        let query = sqlx::raw_sql(sqlx::AssertSqlSafe(text));
        match self.raw()? {
            Raw::Sqlite(conn) => Ok(query.fetch_all(conn).await?.pop().map(Row::Sqlite)),
            Raw::Postgres(conn) => {
                let rows = tokio::time::timeout(ANSWER, query.fetch_all(conn)).await;
                let rows = rows.unwrap_or_else(|_| {
                    self.give_up();
                    Err(silent())
                });
                Ok(rows?.pop().map(Row::Postgres))
            }
        }
    }

    /// Says goodbye to the database. A reader goes back to its pool.
    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(conn) => conn.close().await,
            Self::Postgres(link) if link.silent => link.conn.close_hard().await,
            Self::Postgres(link) => link.conn.close().await,
            Self::SqliteReader(_) | Self::PostgresReader(_) => Ok(()),
        }
    }
}

fn silent() -> sqlx::Error {
    let message = format!("no answer within {} s", ANSWER.as_secs());
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, message))
}

/// Connections that see the last COMMIT and write nothing.
#[derive(Debug, Clone)]
pub(crate) enum Readers {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Readers {
    pub(crate) async fn acquire(&self) -> Result<Conn> {
        Ok(match self {
            Self::Sqlite(pool) => Conn::SqliteReader(pool.acquire().await?),
            Self::Postgres(pool) => Conn::PostgresReader(pool.acquire().await?),
        })
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
