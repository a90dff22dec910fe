//! The whole ledger from PostgreSQL into a file, and from there into another database: nothing is lost or altered, in
//! any table, and no number is given twice.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use futures::future::BoxFuture;
use ironcore_conformance::clock::ManualClock;
use ironcore_conformance::ledger::{self, Place};
use ironcore_ledger::{Clock, Database, Ledger, LedgerError, LedgerOptions, Postgres};
use ironcore_testkit::postgres::Cluster;
use ironcore_types::{ErrorCode, Seams};
use sqlx::AssertSqlSafe;

use super::{declare, raw, task};

/// What each database has for itself.
const OWN: [&str; 4] = ["writers", "task_texts", "task_texts_upto", "_sqlx_migrations"];

struct Shared {
    url: String,
}

impl Shared {
    fn new() -> Result<Self> {
        Ok(Self {
            url: Cluster::shared()?.database()?,
        })
    }

    fn options(&self) -> Result<LedgerOptions> {
        Ok(options(Database::Postgres(
            Postgres::new(&self.url)?.clock(Clock::Seams),
        )))
    }

    /// Every row of every table, as text.
    async fn rows(&self) -> Result<BTreeMap<String, Vec<String>>> {
        let mut conn = raw(&self.url).await?;
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema()",
        )
        .fetch_all(&mut conn)
        .await?;
        let mut tables = BTreeMap::new();
        for name in names {
            if !OWN.contains(&name.as_str()) {
                let all = format!("SELECT CAST(to_jsonb(t) - 'objects' AS TEXT) FROM {name} t ORDER BY 1");
                let rows = sqlx::query_scalar(AssertSqlSafe(all))
                    .fetch_all(&mut conn)
                    .await?;
                tables.insert(name, rows);
            }
        }
        Ok(tables)
    }
}

impl Place for Shared {
    fn open(&self, seams: Seams) -> BoxFuture<'_, Result<Ledger, LedgerError>> {
        Box::pin(async move {
            let options = self.options().map_err(|_| LedgerError::Closed)?;
            Ledger::open(options, seams).await
        })
    }
}

fn options(database: Database) -> LedgerOptions {
    LedgerOptions {
        database,
        node: "node-1".parse().expect("a name"),
        pid: 4_711,
        pstart: 815,
    }
}

/// Fills a database in one of the suite's own ways.
async fn fill(place: &Shared, way: usize) -> Result<bool> {
    match way {
        0 => ledger::tasks::every_legal_transition(place).await?,
        1 => ledger::schedule::a_tick_fires_once(place).await?,
        2 => ledger::access::tokens_live_and_die(place).await?,
        3 => ledger::logs::verifications_are_recorded(place).await?,
        4 => ledger::logs::progress_is_replaced(place).await?,
        5 => ledger::messages::digests_gather_events(place).await?,
        6 => ledger::delivery::circuits_hold_a_lane(place).await?,
        7 => ledger::handlers::kv_is_committed_with_the_attempt(place).await?,
        8 => ledger::inbox::every_event_shows(place).await?,
        9 => ledger::actions::actions_happen_once(place).await?,
        10 => ledger::conditions::conditions_are_told_once_while_they_last(place).await?,
        11 => ledger::statistics::datastores_are_sampled(place).await?,
        12 => ledger::statistics::attempts_are_counted_with_their_end(place).await?,
        13 => ledger::objects::datastores_are_known(place).await?,
        14 => ledger::queue::slots_are_shared_between_projects(place).await?,
        15 => ledger::logs::logs_are_read_by_line(place).await?,
        16 => ledger::objects::export_round_trips(place, &Shared::new()?).await?,
        17 => ledger::delivery::dead_letters_can_be_replayed(place).await?,
        18 => ledger::idempotency::keys_count_for_a_day(place).await?,
        19 => ledger::messages::outcomes_follow_each_other(place).await?,
        20 => ledger::messages::limits_are_kept(place).await?,
        21 => ledger::objects::groups_are_of_projects_or_of_the_hub(place).await?,
        22 => ledger::exchanges::answers_are_kept_for_a_time(place).await?,
        23 => ledger::silences::what_is_silenced_waits_for_its_end(place).await?,
        24 => ledger::silences::maintenance_windows_are_declared(place).await?,
        25 => ledger::inbox::who_takes_an_event_on_shows_to_all(place).await?,
        26 => ledger::incidents::notices_are_told_once(place).await?,
        27 => ledger::users::people_are_known_as_they_are(place).await?,
        _ => return Ok(false),
    }
    Ok(true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_holds_every_row_of_every_table() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut empty: Option<Vec<String>> = None;
    for way in 0.. {
        let (from, to) = (Shared::new()?, Shared::new()?);
        if !fill(&from, way).await? {
            break;
        }
        let file = dir.path().join(format!("{way}.sqlite"));
        let seams = ManualClock::new().seams();
        let ledger = Ledger::open(from.options()?, seams.clone()).await?;
        // The suite closes every circuit that it opens.
        sqlx::query(
            "INSERT INTO circuits (lane, until, failures, reason, opened) VALUES ('hook', 1, 2, 'gone', 3)",
        )
        .execute(&mut raw(&from.url).await?)
        .await?;
        let before = from.rows().await?;
        ledger
            .backup_to(&file)
            .await
            .with_context(|| format!("way {way}"))?;
        ledger.close().await;

        let copy = Ledger::open(options(Database::Sqlite(file.clone())), seams.clone()).await?;
        copy.close().await;
        let database = Postgres::new(&to.url)?;
        database
            .restore_from(&file)
            .await
            .with_context(|| format!("way {way}"))?;
        let after = to.rows().await?;
        for (table, rows) in &before {
            ensure!(after.get(table) == Some(rows), "way {way}: {table} is another");
        }
        let without = before.iter().filter(|(_, rows)| rows.is_empty());
        let without: Vec<String> = without.map(|(table, _)| table.clone()).collect();
        empty = Some(match empty {
            None => without,
            Some(so_far) => so_far
                .into_iter()
                .filter(|table| without.contains(table))
                .collect(),
        });
        let refused = database.restore_from(&file).await.expect_err("a hub is there");
        ensure!(refused.code() == ErrorCode::RestoreTargetExists, "{refused}");
        ensure!(to.rows().await? == after, "something was overwritten");
    }
    ensure!(
        empty == Some(Vec::new()),
        "never filled, so never compared: {empty:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_go_on_where_they_were() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("ledger.sqlite");
    let (from, to) = (Shared::new()?, Shared::new()?);
    let seams = ManualClock::new().seams();
    let ledger = Ledger::open(from.options()?, seams.clone()).await?;
    declare(&ledger).await?;
    for _ in 0..3 {
        ledger.enqueue(task()?).await?;
    }
    // Their rows are gone, their numbers are not to be had again.
    for table in ["messages", "verification_history", "incidents"] {
        let used = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', '{}'), 7)",
            match table {
                "verification_history" => "id",
                _ => "number",
            }
        );
        sqlx::query(AssertSqlSafe(used))
            .execute(&mut raw(&from.url).await?)
            .await?;
    }
    ledger.backup_to(&file).await?;
    ledger.close().await;

    Ledger::open(options(Database::Sqlite(file.clone())), seams.clone())
        .await?
        .close()
        .await;
    Postgres::new(&to.url)?.restore_from(&file).await?;
    let mut conn = raw(&to.url).await?;
    let next: (i64, i64, i64) = sqlx::query_as(
        "SELECT nextval(pg_get_serial_sequence('messages', 'number')),
            nextval(pg_get_serial_sequence('verification_history', 'id')),
            nextval(pg_get_serial_sequence('incidents', 'number'))",
    )
    .fetch_one(&mut conn)
    .await?;
    ensure!(next == (8, 8, 8), "{next:?}");
    let ledger = Ledger::open(to.options()?, seams).await?;
    ledger.enqueue(task()?).await?;
    super::no_gaps(&to.url).await?;
    let last: i64 = sqlx::query_scalar("SELECT MAX(id) FROM tasks")
        .fetch_one(&mut conn)
        .await?;
    ensure!(last == 4, "{last}");
    Ok(())
}
