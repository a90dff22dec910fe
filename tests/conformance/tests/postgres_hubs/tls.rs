//! The server's certificate is checked when that is asked for.

use std::io::Write as _;

use anyhow::{Context as _, Result, ensure};
use ironcore_conformance::clock::ManualClock;
use ironcore_ledger::Clock;
use ironcore_testkit::postgres::{Cluster, Safety};
use ironcore_testkit::tls::TestCa;
use ironcore_types::ErrorCode;

use super::{declare, hub, raw};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_checked() -> Result<()> {
    let (cluster, clock) = (Cluster::start(Safety::Fast)?, ManualClock::new());
    let (ca, stranger) = (TestCa::new()?, TestCa::new()?);
    let certificate = ca.issue(&[])?;
    cluster.encrypt(&certificate.certificate_pem, &certificate.key_pem)?;
    let folder = tempfile::tempdir()?;
    for (name, ca) in [("ours.pem", &ca), ("stranger.pem", &stranger)] {
        std::fs::File::create(folder.path().join(name))?.write_all(ca.pem().as_bytes())?;
    }
    let url = cluster.database()?;
    let checked = |name: &str| {
        let root = folder.path().join(name);
        format!("{url}?sslmode=verify-full&sslrootcert={}", root.display())
    };
    let ledger = hub(&checked("ours.pem"), "node-1", &clock, Clock::Database).await?;
    declare(&ledger).await?;
    let plain: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
         WHERE a.application_name LIKE 'ironcore-backup%' AND NOT s.ssl",
    )
    .fetch_one(&mut raw(&url).await?)
    .await?;
    ensure!(plain == 0, "{plain} connections are not encrypted");
    let error = hub(&checked("stranger.pem"), "node-2", &clock, Clock::Database).await;
    let error = error.err().context("another authority")?;
    ensure!(error.code() == ErrorCode::LedgerUnavailable, "{error}");
    Ok(())
}
