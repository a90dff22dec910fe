//! What real backups and syncs count, and what the statistics make of it.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{NewTask, StatisticsFilter, Task};
use ironcore_types::statistics::{Mark, Metrics, Sums};
use ironcore_types::{TaskSpec, TaskState, TaskType};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use ironcore_e2e::night::Night;

/// A tree of ten files that compress about as well as files do, and one that does not.
fn grow(night: &Night) -> Result<()> {
    for file in 0_u32..10 {
        let lines = (0..40_000_u32).map(|n| format!("{file} {:08x}\n", n.wrapping_mul(2_654_435_761) >> 4));
        let text: String = lines.collect();
        let path = night.path("tree").join(format!("text-{file}"));
        std::io::Write::write_all(&mut std::fs::File::create(path)?, text.as_bytes())?;
    }
    Ok(())
}

async fn run(night: &Night, spec: &TaskSpec) -> Result<Task> {
    let before = night.tasks().await?.len();
    let new = NewTask::new(Some("office".parse()?), "alice@local".parse()?, spec.clone());
    night.ledger.enqueue(new).await?;
    let over = |tasks: &[Task]| tasks.len() > before && tasks.iter().all(|task| task.state.is_final());
    let mut tasks = night.until("the run is over", over).await?;
    let task = tasks.pop().context("a task")?;
    ensure!(task.state == TaskState::Ok, "{task:#?}");
    Ok(task)
}

fn metrics(task: &Task) -> Metrics {
    Sums::of(task.task_type(), task.state, 1_000_000, &task.stats).metrics()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_finds_what_the_first_one_stored() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "", "").await?;
    grow(&night)?;
    let job = night.ledger.job(&"office".parse()?, &"files".parse()?).await?;
    let backup = job.context("the job")?.task;
    let stop = CancellationToken::new();
    let mut running = JoinSet::new();
    let (worker, token) = (night.worker(), stop.clone());
    running.spawn(async move { worker.run(token).await });

    let first = run(&night, &backup).await?;
    let (stats, figures) = (&first.stats, metrics(&first));
    ensure!(
        stats.bytes_logical == stats.bytes && stats.bytes_read == stats.bytes,
        "{stats:?}"
    );
    // Metadata is stored beside the content, and counted with it.
    ensure!(
        stats.bytes_new > stats.bytes_logical && stats.bytes_stored < stats.bytes_new,
        "{stats:?}"
    );
    ensure!(
        stats.chunks_known == 0 && figures.marks.contains(&Mark::LowDedupHitRate),
        "{stats:?}"
    );
    let ratio = figures.compression_ratio.context("something was stored")?;
    ensure!(
        ratio > 1.0 && figures.transfer_rate == Some(stats.bytes_stored),
        "{figures:?}"
    );

    let second = run(&night, &backup).await?;
    let (stats, figures) = (&second.stats, metrics(&second));
    ensure!(stats.files_unchanged == 11 && stats.bytes_read == 0, "{stats:?}");
    ensure!(stats.bytes_logical == first.stats.bytes_logical, "{stats:?}");
    ensure!(
        figures.dedup_hit_percent.is_some_and(|percent| percent > 99.0),
        "files skipped by their metadata count as hits: {stats:?}"
    );
    ensure!(!figures.marks.contains(&Mark::LowDedupHitRate), "{figures:?}");

    let sync: TaskSpec =
        toml::from_str("type = 'sync'\nto = 'ibs-archival'\nfrom = { datastore = 'ibs-primary' }")?;
    let copied = run(&night, &sync).await?;
    let stats = &copied.stats;
    ensure!(stats.bytes_logical == 2 * first.stats.bytes_logical, "{stats:?}");
    ensure!(
        stats.bytes_stored == first.stats.bytes_stored + second.stats.bytes_stored,
        "{stats:?}"
    );
    ensure!(
        stats.bytes_new == first.stats.bytes_new + second.stats.bytes_new,
        "{stats:?}"
    );
    ensure!(
        stats.bytes_read >= stats.bytes_stored && stats.chunks_known > 0,
        "{stats:?}"
    );

    let filter = StatisticsFilter {
        types: vec![TaskType::Backup],
        datastore: Some("ibs-primary".parse()?),
        ..StatisticsFilter::default()
    };
    let mut expected = Sums::of(TaskType::Backup, TaskState::Ok, 0, &first.stats);
    expected.add(&Sums::of(TaskType::Backup, TaskState::Ok, 0, &second.stats));
    ensure!(night.ledger.statistics(&filter).await?.total == expected);
    let reduction = expected
        .metrics()
        .reduction_ratio
        .context("something was stored")?;
    ensure!(
        reduction > ratio,
        "deduplication counts in: {reduction} and {ratio}"
    );

    stop.cancel();
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}
