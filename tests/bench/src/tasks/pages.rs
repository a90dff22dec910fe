//! Pages of fifty over a million tasks: the whole verb with its count, first pages and deep ones, with values that
//! change from call to call. A part of the answers is compared with what a plain walk over the rows gives.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ironcore_ledger::Ledger;
use ironcore_ledger::model::{Page, TaskFilter};
use ironcore_types::{TaskState, TaskType};

use super::fill::{Row, Year, fill};
use crate::machine::{self, Dice};
use crate::place::Place;
use crate::report::{Bound, Figure, millis, quantile};

const LIMIT: u32 = 50;
const PAGE: Bound = Bound::Most(20.0);
const TEXT: Bound = Bound::Most(200.0);

/// Makes a filter that fits to a row and to chance.
type Make = fn(&Row, &mut Dice) -> Result<TaskFilter>;

/// What is asked, and its bound; without one it is only told.
const FILTERS: [(&str, Bound, Make); 14] = [
    ("type + status + time", PAGE, type_status_time),
    ("project + user + time", PAGE, project_user_time),
    ("job + status", PAGE, job_status),
    ("source", PAGE, source),
    ("target", PAGE, target),
    ("text", TEXT, text),
    // What a member of a project asks for.
    ("project + text", TEXT, |row, dice| {
        Ok(TaskFilter {
            project: Some(row.project.parse()?),
            ..text(row, dice)?
        })
    }),
    ("status + text", TEXT, |row, dice| {
        Ok(TaskFilter {
            states: vec![status(row, dice)],
            ..text(row, dice)?
        })
    }),
    ("(nothing)", Bound::None, |_, _| Ok(TaskFilter::default())),
    ("(time)", Bound::None, |row, dice| {
        Ok(timed(row, dice, TaskFilter::default()))
    }),
    ("(project)", Bound::None, |row, _| {
        Ok(TaskFilter {
            project: Some(row.project.parse()?),
            ..TaskFilter::default()
        })
    }),
    ("(project + status + time)", Bound::None, |row, dice| {
        let filter = TaskFilter {
            project: Some(row.project.parse()?),
            states: vec![status(row, dice)],
            ..TaskFilter::default()
        };
        Ok(timed(row, dice, filter))
    }),
    ("(status)", Bound::None, |row, dice| {
        Ok(TaskFilter {
            states: vec![status(row, dice)],
            ..TaskFilter::default()
        })
    }),
    ("(user)", Bound::None, |row, _| {
        Ok(TaskFilter {
            user: Some(row.user.parse()?),
            ..TaskFilter::default()
        })
    }),
];

/// From an hour to a year, often up to now.
fn timed(row: &Row, dice: &mut Dice, filter: TaskFilter) -> TaskFilter {
    const HOURS: [u64; 6] = [1, 24, 7 * 24, 30 * 24, 90 * 24, 365 * 24];
    let span = Duration::from_secs(3_600 * dice.of(&HOURS));
    TaskFilter {
        since: Some(row.shown.before(span)),
        until: (dice.below(3) > 0).then_some(row.shown),
        ..filter
    }
}

/// Half of the time something that went wrong, which is what people look for.
fn status(row: &Row, dice: &mut Dice) -> TaskState {
    if dice.below(2) == 0 {
        *dice.of(&[TaskState::Failed, TaskState::Warning, TaskState::Cancelled])
    } else {
        row.state
    }
}

fn type_status_time(row: &Row, dice: &mut Dice) -> Result<TaskFilter> {
    let mut types = vec![row.task_type];
    let mut states = vec![status(row, dice)];
    if dice.below(4) == 0 {
        types.push(if row.task_type == TaskType::Gc {
            TaskType::Sync
        } else {
            TaskType::Gc
        });
        states.push(if states[0] == TaskState::Ok {
            TaskState::Warning
        } else {
            TaskState::Ok
        });
    }
    let filter = TaskFilter {
        types,
        states,
        ..TaskFilter::default()
    };
    Ok(timed(row, dice, filter))
}

fn project_user_time(row: &Row, dice: &mut Dice) -> Result<TaskFilter> {
    let filter = TaskFilter {
        project: Some(row.project.parse()?),
        user: Some(row.user.parse()?),
        ..TaskFilter::default()
    };
    Ok(timed(row, dice, filter))
}

fn job_status(row: &Row, dice: &mut Dice) -> Result<TaskFilter> {
    Ok(TaskFilter {
        // Members of a project see its job; administrators may see those of all projects.
        project: (dice.below(2) == 0).then(|| row.project.parse()).transpose()?,
        job: row.job.as_ref().map(|job| job.parse()).transpose()?,
        states: vec![status(row, dice)],
        ..TaskFilter::default()
    })
}

fn source(row: &Row, _: &mut Dice) -> Result<TaskFilter> {
    Ok(TaskFilter {
        source: Some(row.source.clone().unwrap_or_else(|| "/srv/nowhere".to_owned())),
        ..TaskFilter::default()
    })
}

fn target(row: &Row, _: &mut Dice) -> Result<TaskFilter> {
    Ok(TaskFilter {
        target: Some(row.target.clone()),
        ..TaskFilter::default()
    })
}

/// What is frequent, what is rare, what is nowhere; short and long.
fn text(row: &Row, dice: &mut Dice) -> Result<TaskFilter> {
    let text = match dice.below(9) {
        0 => row.upid.clone(),
        1 => row.upid[20..45].to_lowercase(),
        2 => row.target.clone(),
        3 => row.source.clone().unwrap_or_default().to_uppercase(),
        4 => row.job.clone().unwrap_or_default(),
        5 => "no space left".to_owned(),
        6 => "backup".to_owned(),
        7 => format!("tree-{}", dice.below(1_000)),
        _ => format!("nowhere-{}", dice.below(1_000)),
    };
    Ok(TaskFilter {
        text: Some(text),
        ..TaskFilter::default()
    })
}

pub(super) async fn pages(place: &Place, short: bool) -> Result<Vec<Figure>> {
    let (tasks, calls, compared) = if short {
        (6_000, 12, 12)
    } else {
        (1_000_000, 300, 20)
    };
    let seams = machine::seams();
    // Opened once, so that the tables are there; then again, so that nothing is known of what was written past it.
    place.open("hub-0", &seams).await?.close().await;
    let filling = Instant::now();
    let year = fill(place, tasks, seams.now()).await?;
    crate::say(&format!(
        "{tasks} tasks written in {:.0} s",
        filling.elapsed().as_secs_f64()
    ));
    let ledger = place.open("hub-0", &seams).await?;
    texts_written(place, tasks).await?;
    let mut figures = Vec::new();
    for (name, bound, make) in FILTERS {
        let mut spans = Vec::with_capacity(calls);
        let mut dice = Dice(7);
        let mut slowest: Option<(Duration, TaskFilter)> = None;
        for call in 0..calls {
            let row = dice.of(&year.rows);
            let filter = make(row, &mut dice)?;
            let before = (call % 2 == 1).then(|| deep(&year, &mut dice));
            let span = one(&ledger, &year, &filter, before, call < compared)
                .await
                .with_context(|| format!("{name}: {filter:?} before {before:?}"))?;
            if slowest.as_ref().is_none_or(|(slow, _)| *slow < span) {
                slowest = Some((span, filter));
            }
            spans.push(span);
        }
        let half = quantile(&mut spans, 0.5);
        let p99 = quantile(&mut spans, 0.99);
        let last = quantile(&mut spans, 1.0);
        if std::env::var_os("BENCH_SLOWEST").is_some() {
            crate::say(&format!("{name}: {slowest:?}"));
        }
        let place = place.name();
        let measure = format!("page of {LIMIT} over {tasks} tasks p99, {name}, {place}");
        figures.push(Figure::new(measure, millis(p99), "ms", bound).note(format!(
            "half within {:.1} ms, all within {:.1} ms, {calls} calls",
            millis(half),
            millis(last)
        )));
    }
    ledger.close().await;
    Ok(figures)
}

/// Waits until what the tasks are called was written, which on PostgreSQL follows them.
async fn texts_written(place: &Place, tasks: usize) -> Result<()> {
    if !matches!(place, Place::Postgres { .. }) {
        return Ok(());
    }
    let mut raw = place.raw().await?;
    while raw.number("SELECT upto FROM task_texts_upto").await? < i64::try_from(tasks)? {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    raw.run("VACUUM (ANALYZE) task_texts").await
}

/// Where a page begins that somebody came to by turning many.
fn deep(year: &Year, dice: &mut Dice) -> i64 {
    dice.of(&year.rows).id
}

/// One call; how long it took. Compared with the rows when asked to, else only looked at.
async fn one(
    ledger: &Ledger,
    year: &Year,
    filter: &TaskFilter,
    before: Option<i64>,
    compare: bool,
) -> Result<Duration> {
    let page = match before {
        Some(before) => Page::after(LIMIT, before.to_string()),
        None => Page::first(LIMIT),
    };
    let begun = Instant::now();
    let answer = ledger.tasks(filter, &page).await?;
    let span = begun.elapsed();
    let ids: Vec<i64> = answer.tasks.iter().map(|task| task.id.0).collect();
    ensure!(ids.is_sorted_by(|one, next| one > next), "in order: {ids:?}");
    if compare {
        let limit = usize::try_from(LIMIT)?;
        let (expected, total) = year.expected(filter, before, limit + 1);
        let more = expected.len() > limit;
        let expected = &expected[..expected.len().min(limit)];
        ensure!(ids == expected, "the page holds {ids:?} instead of {expected:?}");
        ensure!(answer.total == total, "{} match instead of {total}", answer.total);
        ensure!(answer.next.is_some() == more, "the next page");
    }
    Ok(span)
}
