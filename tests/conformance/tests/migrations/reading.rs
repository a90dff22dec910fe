//! Everything that an old ledger holds can be read.

use anyhow::{Context as _, Result, ensure};
use ironcore_ledger::Ledger;
use ironcore_ledger::model::{
    GroupScope, InboxFilter, MessageFilter, MessageState, Page, ReportFilter, Role, Scope, StatisticsFilter,
    Task, TaskFilter,
};
use ironcore_types::verification::VerifyResult;
use ironcore_types::{ErrorCode, EventType, TaskId, TaskState, TaskType, Timestamp, UserId};

/// Reads all of it, as a hub of version `version` left it.
pub(crate) async fn all(ledger: &Ledger, version: i64) -> Result<()> {
    configuration(ledger).await?;
    tasks(ledger).await?;
    events(ledger).await?;
    messages(ledger, version).await?;
    verifications(ledger).await?;
    if version >= 3 {
        kept_figures(ledger).await?;
    }
    Ok(())
}

async fn configuration(ledger: &Ledger) -> Result<()> {
    ensure!(ledger.hub_id().to_string() == "01970000-0000-7000-8000-000000000001");
    let all = ledger.export().await?;
    let counts = (
        all.project.len(),
        all.datastore.len(),
        all.group.len(),
        all.job.len(),
    );
    ensure!(counts == (2, 2, 1, 3), "{all:?}");
    ensure!(
        ledger.check(&all).await?.changed.is_empty(),
        "it is what was declared"
    );
    let primary = ledger.datastore(&"ibs-primary".parse()?).await?.context("it")?;
    ensure!(primary.public_key == Some([7; 32]) && primary.owner == Some(ledger.hub_id()));
    ensure!(
        primary
            .status
            .is_some_and(|status| status.online && status.free == Some(90))
    );
    ensure!(ledger.group_owners(&"ibs-primary".parse()?).await?.len() == 1);
    let cursors = ledger.cursors().await?;
    ensure!(
        cursors.len() == 1 && cursors[0].job.name.as_str() == "nightly",
        "{cursors:?}"
    );
    let tokens = ledger.tokens().await?;
    let (laptop, _) = ledger.token_by_hash([1; 32]).await?.context("the token")?;
    ensure!(
        tokens.len() == 2 && laptop.role == Role::Operator.into(),
        "{tokens:?}"
    );
    Ok(())
}

async fn list(ledger: &Ledger, filter: TaskFilter) -> Result<Vec<Task>> {
    Ok(ledger.tasks(&filter, &Page::first(100)).await?.tasks)
}

async fn tasks(ledger: &Ledger) -> Result<()> {
    use TaskState::{Cancelled, Failed, Ok as Well, Queued, Running, Warning};
    let all = list(ledger, TaskFilter::default()).await?;
    let states: Vec<TaskState> = all.iter().rev().map(|task| task.state).collect();
    let expected = [
        Well, Failed, Warning, Cancelled, Well, Running, Queued, Queued, Queued, Queued,
    ];
    ensure!(states == expected, "{states:?}");
    for task in &all {
        ensure!(ledger.task(&task.upid).await?.as_ref() == Some(task));
    }
    let failed = list(
        ledger,
        TaskFilter {
            text: Some("no ROUTE to".to_owned()),
            ..TaskFilter::default()
        },
    )
    .await?;
    ensure!(failed.len() == 1 && failed[0].id == TaskId(2), "{failed:?}");
    let retry = ledger.retry_of(&failed[0].upid).await?;
    ensure!(retry.is_some_and(|upid| upid.task == TaskId(3)));
    let of_job = TaskFilter {
        project: Some("demo".parse()?),
        types: vec![TaskType::Backup],
        job: Some("nightly".parse()?),
        ..TaskFilter::default()
    };
    ensure!(list(ledger, of_job).await?.len() == 4);
    // By when they are shown: of two nights the first.
    let night = TaskFilter {
        since: Some("2026-05-20T00:00:00Z".parse()?),
        until: Some("2026-05-21T00:00:00Z".parse()?),
        ..TaskFilter::default()
    };
    ensure!(list(ledger, night).await?.len() == 5);
    let first = ledger.task_by_id(TaskId(1)).await?.context("the first")?;
    ensure!(
        first.stats.bytes == 1000 && first.progress.stages.len() == 1,
        "{first:?}"
    );
    let third = ledger.task_by_id(TaskId(3)).await?.context("the third")?;
    ensure!(third.warnings.len() == 1 && third.attempt == 2 && third.warning_count == 1);
    let log = ledger.log_after(TaskId(1), 0, 100).await?;
    ensure!(log.len() == 2 && log[1].text == "ended OK", "{log:?}");
    let waits = ledger.waiting(&all).await?;
    ensure!(waits.len() == 4, "{waits:?}");
    Ok(())
}

async fn events(ledger: &Ledger) -> Result<()> {
    let all = ledger.events_after(0, 1_000, &Scope::All).await?;
    let last = ledger.last_seq().await?;
    ensure!(all.len() == 22 && last == 22, "{} of {last}", all.len());
    let told = ledger.events_of_task(TaskId(2)).await?;
    let types: Vec<EventType> = told.iter().map(|row| row.event.event_type).collect();
    ensure!(
        types
            == [
                EventType::TaskQueued,
                EventType::TaskStarted,
                EventType::TaskFailed
            ]
    );
    let failure = &told[2].event;
    ensure!(failure.data.error.as_ref().map(|error| error.code) == Some(ErrorCode::SourceUnreachable));
    ensure!(ledger.tips_of(failure.id).await?.len() == 1);
    ensure!(ledger.matches_of(failure.id).await?.len() == 1);
    let alice: UserId = "alice@local".parse()?;
    let inbox = ledger
        .inbox(&Scope::All, &alice, &InboxFilter::default(), &Page::first(100))
        .await?;
    ensure!(
        inbox.items.len() == 22 && inbox.unread.value == 21,
        "{:?}",
        inbox.unread
    );
    ensure!(inbox.items.iter().filter(|item| item.entry.is_some()).count() == 1);
    Ok(())
}

async fn messages(ledger: &Ledger, version: i64) -> Result<()> {
    let page = ledger
        .messages(&MessageFilter::default(), &Page::first(100))
        .await?;
    let states: Vec<MessageState> = page
        .messages
        .iter()
        .rev()
        .map(|listed| listed.message.state)
        .collect();
    ensure!(
        states == [MessageState::Delivered, MessageState::Dead, MessageState::Pending],
        "{states:?}"
    );
    let mut attempts = 0;
    for listed in &page.messages {
        let id = listed.message.id;
        ensure!(listed.events == 1 && ledger.message_events(id).await?.len() == 1);
        attempts += ledger.attempts(id).await?.len();
    }
    ensure!(attempts == 4);
    let circuits = ledger.circuits().await?;
    ensure!(circuits.len() == 1 && circuits[0].failures == 1, "{circuits:?}");
    let health = ledger.handler_health().await?;
    ensure!(health.len() == usize::from(version >= 7), "{health:?}");
    Ok(())
}

async fn verifications(ledger: &Ledger) -> Result<()> {
    let datastore = "ibs-primary".parse()?;
    let latest = ledger.verifications(&datastore, None).await?;
    ensure!(
        latest.len() == 1 && latest[0].report.result == VerifyResult::Ok,
        "{latest:?}"
    );
    let snapshot = &latest[0].report.snapshot;
    ensure!(ledger.verification_history(&datastore, snapshot).await?.len() == 1);
    let filter = ReportFilter {
        datastore,
        groups: GroupScope::Only(vec![snapshot.group.clone()]),
        snapshot: None,
        job: None,
        results: vec![VerifyResult::Ok],
        stale_before: Timestamp::EPOCH,
        since: Some("2026-05-20T02:06:00Z".parse()?),
        until: None,
        latest: false,
    };
    let reports = ledger.verification_reports(&filter, &Page::first(10)).await?;
    ensure!(reports.reports.len() == 1, "{reports:?}");
    Ok(())
}

async fn kept_figures(ledger: &Ledger) -> Result<()> {
    let sums = ledger.statistics(&StatisticsFilter::default()).await?.total;
    ensure!(sums.runs == 1 && sums.bytes_stored == 600, "{sums:?}");
    let (datastore, since) = ("ibs-primary".parse()?, "2026-05-20T00:00:00Z".parse()?);
    ensure!(ledger.datastore_usage(&datastore, since).await?.len() == 1);
    Ok(())
}
