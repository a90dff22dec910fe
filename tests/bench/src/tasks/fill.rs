//! A year of tasks, written past the ledger's verbs, which would take long: 40 projects of very different sizes, 1,000
//! jobs, 30 users, mostly `ok`. The same rows stay in memory, to say what a page must hold.

use anyhow::Result;
use ironcore_ledger::model::{Count, TaskFilter};
use ironcore_types::{TaskState, TaskType, Timestamp};
use serde_json::{Value, json};

use crate::machine::Dice;
use crate::place::{Place, Raw};

const PROJECTS: usize = 40;
const JOBS: usize = 1_000;
const USERS: usize = 30;
const YEAR: i64 = 365 * 86_400 * 1_000_000;
/// Rows that one statement writes.
const BATCH: usize = 5_000;

/// A job that ran all year.
#[derive(Debug)]
struct Work {
    project: usize,
    name: String,
    owner: usize,
    task_type: TaskType,
    source: Option<String>,
    target: String,
}

/// What lists ask of a task.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) task_type: TaskType,
    pub(crate) state: TaskState,
    pub(crate) project: String,
    pub(crate) user: String,
    pub(crate) job: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) target: String,
    queued: Timestamp,
    pub(crate) shown: Timestamp,
    pub(crate) upid: String,
    pub(crate) error: Option<String>,
}

/// All tasks, oldest first.
#[derive(Debug)]
pub(crate) struct Year {
    pub(crate) rows: Vec<Row>,
}

/// Writes `count` tasks, and lets the database see what it has, as it would do by itself.
pub(crate) async fn fill(place: &Place, count: usize, ends: Timestamp) -> Result<Year> {
    let mut raw = place.raw().await?;
    if let Raw::Sqlite(_) = raw {
        raw.run("PRAGMA synchronous = OFF; PRAGMA cache_size = -600000;")
            .await?;
    } else {
        raw.run("SET synchronous_commit = off").await?;
    }
    let begins = Timestamp::from_micros(ends.as_micros() - YEAR);
    let mut dice = Dice(42);
    let works = works(&mut dice);
    let mut rows = Vec::with_capacity(count);
    let mut batch = Vec::with_capacity(BATCH);
    for number in 0..count {
        let row = row(&mut dice, &works, number, count, begins);
        batch.push(record(&row, number));
        rows.push(row);
        if batch.len() == BATCH || number + 1 == count {
            write(&mut raw, &std::mem::take(&mut batch)).await?;
        }
    }
    match raw {
        Raw::Sqlite(_) => raw.run("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE);").await?,
        Raw::Postgres(_) => {
            raw.run(&format!("UPDATE hub SET last_task = {count}")).await?;
            raw.run("VACUUM (ANALYZE) tasks").await?;
        }
    }
    Ok(Year { rows })
}

fn works(dice: &mut Dice) -> Vec<Work> {
    let mut works = Vec::with_capacity(JOBS);
    for number in 0..JOBS {
        // A few projects have most of the jobs.
        let project =
            usize::try_from(dice.below(PROJECTS as u64).min(dice.below(PROJECTS as u64))).unwrap_or(0);
        let task_type = match dice.below(100) {
            0..80 => TaskType::Backup,
            80..86 => TaskType::Prune,
            86..92 => TaskType::Verify,
            92..96 => TaskType::Sync,
            _ => TaskType::Gc,
        };
        let store = format!("ibs-{}", project % 8);
        let (source, target) = match task_type {
            TaskType::Backup => (
                Some(format!("/srv/project-{project}/tree-{number}")),
                format!("{store}:vm/{}", 10_000 + number),
            ),
            TaskType::Sync => (Some(store), format!("archive-{}", project % 8)),
            _ => (None, store),
        };
        works.push(Work {
            project,
            // Half of the names are of many projects.
            name: if number % 2 == 0 {
                format!("daily-{}", number / 2 % 25)
            } else {
                format!("job-{number}")
            },
            owner: (project * 3 + usize::try_from(dice.below(3)).unwrap_or(0)) % USERS,
            task_type,
            source,
            target,
        });
    }
    works
}

fn row(dice: &mut Dice, works: &[Work], number: usize, count: usize, begins: Timestamp) -> Row {
    let at = i64::try_from(number as u128 * YEAR as u128 / count as u128).unwrap_or(0);
    let queued = begins.as_micros() + at;
    // Most begin at once; some wait for hours.
    let waited = match dice.below(100) {
        0..90 => dice.below(5),
        90..98 => dice.below(600),
        _ => dice.below(6 * 3_600),
    };
    let shown = Timestamp::from_micros(queued + i64::try_from(waited).unwrap_or(0) * 1_000_000);
    let state = match dice.below(1_000) {
        0..930 => TaskState::Ok,
        930..970 => TaskState::Warning,
        970..995 => TaskState::Failed,
        _ => TaskState::Cancelled,
    };
    let work = dice.of(works);
    let restore = dice.below(100) < 2;
    let (task_type, job) = if restore {
        (TaskType::Restore, None)
    } else {
        (work.task_type, Some(work.name.clone()))
    };
    let user = format!(
        "user-{}@local",
        if restore {
            (work.owner + 1) % USERS
        } else {
            work.owner
        }
    );
    let (source, target) = if restore {
        let snapshot = format!("{}/{}", work.target, Timestamp::from_seconds(queued / 1_000_000));
        (Some(snapshot), format!("/srv/restored-{number}"))
    } else {
        (work.source.clone(), work.target.clone())
    };
    let id = i64::try_from(number + 1).unwrap_or(i64::MAX);
    let error = (state == TaskState::Failed).then(|| {
        let (code, message) = *dice.of(&[
            ("source.unreachable", "the source is not reachable"),
            ("datastore.full", "no space left on the datastore"),
            ("worker.lost", "the worker on node-3 is gone"),
        ]);
        format!(r#"{{"code":"{code}","message":"{message}"}}"#)
    });
    Row {
        id,
        task_type,
        state,
        project: format!("project-{}", work.project),
        job,
        queued: Timestamp::from_micros(queued),
        shown,
        upid: format!(
            "UPID:hub-{}:{:08X}:{:08X}:{id:08X}:{:08X}:{task_type}:{}:{user}:",
            number % 4,
            4_000 + number / 20_000,
            1_000 + number / 20_000,
            queued / 1_000_000,
            target.replace(':', "\\x3a").replace('/', "-"),
        ),
        user,
        source,
        target,
        error,
    }
}

/// As the statement below reads it.
fn record(row: &Row, number: usize) -> Value {
    // What it does is not asked for; it is as long as such things are.
    let spec = json!({
        "type": "backup",
        "source": { "tree": row.source.as_deref().unwrap_or("/srv"), "exclude": ["**/.cache/**", "*.tmp"], "optional": false },
        "datastore": "ibs-0", "backup-type": "vm", "backup-id": format!("{}", 10_000 + number % JOBS), "full": false,
    });
    let stats = json!({
        "bytes": 1_000_000 + number, "bytes_read": 700_000, "bytes_stored": 5_000, "files": 200, "files_unchanged": 180,
        "chunks": 300, "chunks_known": 280, "snapshots": 1,
    });
    json!({
        "id": row.id, "upid": row.upid, "type": row.task_type.as_str(), "project": row.project, "job": row.job,
        "user": row.user, "spec": spec.to_string(), "source": row.source, "target": row.target,
        "state": row.state.as_str(), "queued": row.queued.as_micros(), "started": row.shown.as_micros(),
        "ended": row.shown.as_micros() + 60_000_000, "stats": stats.to_string(), "error": row.error,
    })
}

const COLUMNS: [(&str, &str); 15] = [
    ("id", "BIGINT"),
    ("upid", "TEXT"),
    ("type", "TEXT"),
    ("project", "TEXT"),
    ("job", "TEXT"),
    ("user", "TEXT"),
    ("spec", "TEXT"),
    ("source", "TEXT"),
    ("target", "TEXT"),
    ("state", "TEXT"),
    ("queued", "BIGINT"),
    ("started", "BIGINT"),
    ("ended", "BIGINT"),
    ("stats", "TEXT"),
    ("error", "TEXT"),
];

async fn write(raw: &mut Raw, batch: &[Value]) -> Result<()> {
    let names: Vec<String> = COLUMNS.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let names = names.join(", ");
    let rows = match raw {
        Raw::Sqlite(_) => {
            let read: Vec<String> = COLUMNS
                .iter()
                .map(|(name, _)| format!("value ->> '{name}'"))
                .collect();
            format!("SELECT {} FROM json_each($1)", read.join(", "))
        }
        Raw::Postgres(_) => {
            let read: Vec<String> = COLUMNS
                .iter()
                .map(|(name, kind)| format!("\"{name}\" {kind}"))
                .collect();
            format!(
                "SELECT {names} FROM json_to_recordset(CAST($1 AS JSON)) AS r ({})",
                read.join(", ")
            )
        }
    };
    let text = format!(
        "INSERT INTO tasks ({names}, attempt, session, node, log_lines)
         SELECT r.*, 1, '019a0000-0000-7000-8000-000000000000', 'node-1', 12 FROM ({rows}) AS r"
    );
    raw.run_with(&text, Value::Array(batch.to_vec()).to_string())
        .await
}

impl Row {
    fn fits(&self, filter: &TaskFilter) -> bool {
        let same = |wanted: Option<&str>, value: Option<&str>| wanted.is_none() || wanted == value;
        (filter.types.is_empty() || filter.types.contains(&self.task_type))
            && (filter.states.is_empty() || filter.states.contains(&self.state))
            && filter.since.is_none_or(|since| self.shown >= since)
            && filter.until.is_none_or(|until| self.shown < until)
            && same(filter.user.as_ref().map(|v| v.as_str()), Some(&self.user))
            && same(filter.project.as_ref().map(|v| v.as_str()), Some(&self.project))
            && same(filter.job.as_ref().map(|v| v.as_str()), self.job.as_deref())
            && same(filter.source.as_deref(), self.source.as_deref())
            && same(filter.target.as_deref(), Some(&self.target))
            && filter.text.as_deref().is_none_or(|text| self.holds(text))
    }

    fn holds(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        let fields = [
            self.source.as_deref(),
            Some(&self.target),
            self.job.as_deref(),
            Some(&self.upid),
            self.error.as_deref(),
        ];
        fields
            .into_iter()
            .flatten()
            .any(|field| field.to_ascii_lowercase().contains(&text))
    }
}

impl Year {
    /// The numbers of the tasks that a page must hold, and how many match in all.
    pub(crate) fn expected(
        &self,
        filter: &TaskFilter,
        before: Option<i64>,
        limit: usize,
    ) -> (Vec<i64>, Count) {
        let mut total = 0;
        let mut ids = Vec::new();
        for row in self.rows.iter().rev() {
            if row.fits(filter) {
                total += 1;
                if ids.len() < limit && before.is_none_or(|before| row.id < before) {
                    ids.push(row.id);
                }
            }
        }
        let count = Count {
            value: total.min(Count::CAP),
            more: total > Count::CAP,
        };
        (ids, count)
    }
}
