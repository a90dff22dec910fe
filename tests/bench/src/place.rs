//! Databases to measure on, durable as in production, and the hubs that open them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use ironcore_ledger::model::{NewSession, Service};
use ironcore_ledger::{Database, Ledger, LedgerOptions, Postgres};
use ironcore_testkit::postgres::{Cluster, Safety};
use ironcore_types::objects::Document;
use ironcore_types::{Seams, SessionId, TaskType, UserId};
use tempfile::TempDir;

/// A database of its own.
pub(crate) enum Place {
    /// A file below a folder that is removed at the end.
    Sqlite(TempDir),
    /// A hub's file, which somebody else looks after.
    File(PathBuf),
    /// A database of a cluster with fsync and synchronous_commit on.
    Postgres { url: String, _cluster: Cluster },
}

impl Place {
    /// A new file.
    pub(crate) fn sqlite() -> Result<Self> {
        Ok(Self::Sqlite(
            tempfile::Builder::new().prefix("ironcore-bench-").tempdir()?,
        ))
    }

    /// A new cluster.
    pub(crate) fn postgres() -> Result<Self> {
        let cluster = Cluster::start(Safety::Durable)?;
        Ok(Self::Postgres {
            url: cluster.database()?,
            _cluster: cluster,
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) | Self::File(_) => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }

    /// The folder it is in, when it is a file.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(folder) => Some(folder.path()),
            Self::File(file) => file.parent(),
            Self::Postgres { .. } => None,
        }
    }

    fn path(folder: &TempDir) -> PathBuf {
        folder.path().join("ledger.sqlite")
    }

    /// Opens it as the hub on `node`.
    pub(crate) async fn open(&self, node: &str, seams: &Seams) -> Result<Ledger> {
        let options = LedgerOptions {
            database: match self {
                Self::Sqlite(folder) => Database::Sqlite(Self::path(folder)),
                Self::File(file) => Database::Sqlite(file.clone()),
                Self::Postgres { url, .. } => Database::Postgres(Postgres::new(url)?),
            },
            node: node.parse()?,
            pid: std::process::id(),
            pstart: 1,
        };
        Ok(Ledger::open(options, seams.clone()).await?)
    }

    /// A connection beside the ledger's, for what no verb does.
    pub(crate) async fn raw(&self) -> Result<Raw> {
        use sqlx::Connection as _;
        let file = match self {
            Self::Sqlite(folder) => Self::path(folder),
            Self::File(file) => file.clone(),
            Self::Postgres { url, .. } => {
                return Ok(Raw::Postgres(sqlx::PgConnection::connect(url).await?));
            }
        };
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        Ok(Raw::Sqlite(sqlx::SqliteConnection::connect_with(&options).await?))
    }
}

/// A connection of nobody's.
pub(crate) enum Raw {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Raw {
    /// Runs statements as they stand.
    pub(crate) async fn run(&mut self, text: &str) -> Result<()> {
        let query = sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned()));
        match self {
            Self::Sqlite(conn) => query.execute(conn).await.map(|_| ())?,
            Self::Postgres(conn) => query.execute(conn).await.map(|_| ())?,
        }
        Ok(())
    }

    /// The one number that a statement gives.
    pub(crate) async fn number(&mut self, text: &str) -> Result<i64> {
        let text = sqlx::AssertSqlSafe(text.to_owned());
        let number = match self {
            Self::Sqlite(conn) => sqlx::query_scalar(text).fetch_one(conn).await,
            Self::Postgres(conn) => sqlx::query_scalar(text).fetch_one(conn).await,
        };
        number.context("a number")
    }

    /// The numbers that a statement gives.
    pub(crate) async fn numbers(&mut self, text: &str) -> Result<Vec<i64>> {
        let text = sqlx::AssertSqlSafe(text.to_owned());
        Ok(match self {
            Self::Sqlite(conn) => sqlx::query_scalar(text).fetch_all(conn).await?,
            Self::Postgres(conn) => sqlx::query_scalar(text).fetch_all(conn).await?,
        })
    }

    /// Runs a statement with one value.
    pub(crate) async fn run_with(&mut self, text: &str, value: String) -> Result<()> {
        let text = sqlx::AssertSqlSafe(text.to_owned());
        match self {
            Self::Sqlite(conn) => sqlx::query(text).bind(value).execute(conn).await.map(|_| ())?,
            Self::Postgres(conn) => sqlx::query(text).bind(value).execute(conn).await.map(|_| ())?,
        }
        Ok(())
    }
}

/// Who asks.
pub(crate) fn user() -> Result<UserId> {
    Ok("ops@bench".parse()?)
}

/// Applies a declaration.
pub(crate) async fn declare(ledger: &Ledger, document: serde_json::Value) -> Result<()> {
    let document: Document = serde_json::from_value(document)?;
    ledger.apply(&document, &user()?).await?;
    Ok(())
}

/// A worker of that many slots, which this process plays.
pub(crate) async fn worker(ledger: &Ledger, seams: &Seams, slots: u32) -> Result<SessionId> {
    let id = SessionId(seams.uuid());
    let new = NewSession {
        id,
        node: "bench".parse()?,
        pid: std::process::id(),
        services: vec![Service::Worker],
        types: TaskType::ALL.to_vec(),
        slots,
        keys: Vec::new(),
    };
    ledger.register_session(new).await?;
    Ok(id)
}
