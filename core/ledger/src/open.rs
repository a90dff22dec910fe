//! Opening and closing a ledger, and the choice of its database. What is in it is left to the verbs.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ironcore_types::{HubId, NodeName, Seams};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;

use crate::error::{LedgerError, Result};
use crate::sql::Sql;

/// Where the ledger is, and who opens it.
#[derive(Debug, Clone)]
pub struct LedgerOptions {
    /// Which database.
    pub database: Database,
    /// This machine; stands in UPIDs.
    pub node: NodeName,
    /// This process; stands in UPIDs.
    pub pid: u32,
    /// When this process started; stands in UPIDs.
    pub pstart: u64,
}

/// The database of a ledger.
#[derive(Debug, Clone)]
pub enum Database {
    /// The SQLite file; made when missing, its folder must exist. One process has it.
    Sqlite(PathBuf),
    /// A PostgreSQL server, which any number of hubs share.
    Postgres(Postgres),
}

/// How a PostgreSQL database is reached. Shows no password.
#[derive(Clone)]
pub struct Postgres {
    pub(crate) connect: Box<PgConnectOptions>,
    pub(crate) readers: u32,
    pub(crate) clock: Clock,
}

/// Whose clock a ledger on PostgreSQL goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The server's: leases of several machines are compared by one clock.
    Database,
    /// That of the seams, as on SQLite: for tests that set the time, and for nothing else.
    Seams,
}

/// Parameters that a URL may have.
const PARAMETERS: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "user",
];

/// `options[NAME]`, one setting.
fn is_option(name: &str) -> bool {
    name.starts_with("options[") || name.starts_with("options%5B")
}

/// Names of what stands behind the question mark.
fn parameters(url: &str) -> impl Iterator<Item = &str> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name))
}

impl Postgres {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full&sslrootcert=FILE`, with the parameters and
    /// environment variables that PostgreSQL's own programs know. The tables go into the current schema of the
    /// connection (`options=-csearch_path%3DNAME` chooses one).
    pub fn new(url: &str) -> Result<Self> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(LedgerError::config(
                "the database's URL must begin with postgres://",
            ));
        }
        if let Some(unknown) = parameters(url).find(|name| !PARAMETERS.contains(name) && !is_option(name)) {
            // It would be left out without a word, and with it, say, the encryption that was asked for.
            return Err(LedgerError::config(format!(
                "the database's URL has a parameter {unknown:?}, which is not known; known are {}",
                PARAMETERS.join(", ")
            )));
        }
        let connect: PgConnectOptions = url
            .parse()
            .map_err(|error| LedgerError::config(format!("the database's URL cannot be used: {error}")))?;
        Ok(Self {
            connect: Box::new(connect),
            readers: 8,
            clock: Clock::Database,
        })
    }

    /// How many connections read at once at most; 8 unless told. Two more write and listen.
    #[must_use]
    pub fn readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// Another clock than the server's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("host", &self.connect.get_host())
            .field("port", &self.connect.get_port())
            .field("database", &self.connect.get_database())
            .field("user", &self.connect.get_username())
            .field("readers", &self.readers)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

/// What tells waiters to look again, after each COMMIT that touched the matter, whichever hub made it. The numbers
/// mean nothing but change. On PostgreSQL a wake-up can get lost with its connection; then all bells ring once it is
/// back, and who polls every 2 s besides misses nothing for long.
#[derive(Debug, Clone)]
pub struct Wakes {
    /// Tasks were enqueued, claimed, ended or asked to end.
    pub tasks: watch::Receiver<u64>,
    /// Events were told.
    pub events: watch::Receiver<u64>,
    /// Messages were made, ended or given back; circuits changed.
    pub messages: watch::Receiver<u64>,
    /// Log lines or progress were written.
    pub logs: watch::Receiver<u64>,
    /// Configuration changed, the scheduler was paused or resumed.
    pub objects: watch::Receiver<u64>,
    /// Somebody lost something: a token, a login, a role, or what a role allows.
    pub access: watch::Receiver<u64>,
}

/// The ledger: every verb of the hub's state over its database. Cheap to clone; dropped without
/// [`close`](Ledger::close) it loses nothing that was acknowledged.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(crate) sql: Arc<Sql>,
}

impl Ledger {
    /// How long the database has been within reach of this process.
    pub fn within_reach(&self) -> std::time::Duration {
        self.sql.within_reach()
    }

    /// Opens the ledger, making or migrating it.
    ///
    /// [`Locked`](crate::LedgerError::Locked) when another process (or another `Ledger` of this one) has the SQLite
    /// file open, [`Version`](crate::LedgerError::Version) when the SQLite library is one that can lose data or the
    /// PostgreSQL server is too old.
    pub async fn open(options: LedgerOptions, seams: Seams) -> Result<Self> {
        let sql = Arc::new(Sql::open(options, seams).await?);
        Ok(Self { sql })
    }

    /// Ends what is under way and closes the database. Other clones get [`LedgerError::Closed`] from then on.
    pub async fn close(&self) {
        self.sql.close().await;
    }

    /// The hub's id, made when its ledger was: every hub on one PostgreSQL database has the same.
    pub fn hub_id(&self) -> HubId {
        self.sql.hub_id()
    }

    /// Receivers that tell when to look again.
    pub fn wakes(&self) -> Wakes {
        self.sql.wakes()
    }
}

#[cfg(test)]
mod tests {
    use super::Postgres;

    #[test]
    fn what_a_url_asks_for_is_known_or_refused() {
        for known in [
            "",
            "?",
            "?sslmode=require&sslrootcert=/ca.pem",
            "?options[search_path]=x",
        ] {
            assert!(
                Postgres::new(&format!("postgres://hub@db/hub{known}")).is_ok(),
                "{known}"
            );
        }
        for unknown in ["?sslmod=require", "?sslmode=require&foo"] {
            let error =
                Postgres::new(&format!("postgres://hub:secret@db/hub{unknown}")).expect_err("refused");
            let said = error.to_string();
            assert!(said.contains("sslmode") && !said.contains("secret"), "{said}");
        }
    }
}
