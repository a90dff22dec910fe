//! The ledger's suite on SQLite, in real files.

use anyhow::Result;
use futures::future::BoxFuture;
use ironcore_conformance::ledger::Place;
use ironcore_ledger::{Database, Ledger, LedgerError, LedgerOptions};
use ironcore_types::{NodeName, Seams};

struct SqlitePlace {
    folder: tempfile::TempDir,
    node: NodeName,
}

impl SqlitePlace {
    fn new() -> Result<Self> {
        Ok(Self {
            folder: tempfile::tempdir()?,
            node: "node-1".parse()?,
        })
    }
}

impl Place for SqlitePlace {
    fn open(&self, seams: Seams) -> BoxFuture<'_, Result<Ledger, LedgerError>> {
        let path = self.folder.path().join("hub.db");
        let options = LedgerOptions {
            database: Database::Sqlite(path),
            node: self.node.clone(),
            pid: 4_711,
            pstart: 815,
        };
        Box::pin(Ledger::open(options, seams))
    }
}

ironcore_conformance::ledger_suite!(SqlitePlace::new(), model_cases: 40);
