//! The ledger's suite on PostgreSQL: a database each, in one throw-away cluster.

use anyhow::Result;
use futures::future::BoxFuture;
use ironcore_conformance::ledger::Place;
use ironcore_ledger::{Clock, Database, Ledger, LedgerError, LedgerOptions, Postgres};
use ironcore_testkit::postgres::Cluster;
use ironcore_types::{NodeName, Seams};

struct PostgresPlace {
    database: Postgres,
    node: NodeName,
}

impl PostgresPlace {
    fn new() -> Result<Self> {
        let url = Cluster::shared()?.database()?;
        Ok(Self {
            // The suite sets the time by hand.
            database: Postgres::new(&url)?.readers(4).clock(Clock::Seams),
            node: "node-1".parse()?,
        })
    }
}

impl Place for PostgresPlace {
    fn is_shared(&self) -> bool {
        true
    }

    fn open(&self, seams: Seams) -> BoxFuture<'_, Result<Ledger, LedgerError>> {
        let options = LedgerOptions {
            database: Database::Postgres(self.database.clone()),
            node: self.node.clone(),
            pid: 4_711,
            pstart: 815,
        };
        Box::pin(Ledger::open(options, seams))
    }
}

ironcore_conformance::ledger_suite!(PostgresPlace::new(), model_cases: 20);
