//! Lists of tasks: pages by number, and counts that stop at a bound, each over the index that has both what is asked
//! for and the numbers in order.
//!
//! An index gives numbers in order only below fixed values of its columns. So a list that wants any of several types
//! or states is put together from one branch for each combination, of which each is read in order and no further than
//! the page. These indexes hold what has ended: what waits or runs is a branch of its own, whose tasks are looked at. What time the tasks are of is left to `spans`, what they are called to `texts`.

use ironcore_types::{TaskState, TaskType};

use super::Sql;
use super::queue::task;
use super::spans::Part;
use super::texts::{self, Wanted, like};
use crate::db::{Conn, Statement, Value, sql, words};
use crate::error::{LedgerError, Result};
use crate::model::{Count, OpenTasks, Page, Task, TaskFilter, TaskPage};

/// Every state in which a task has ended.
const ENDED: [TaskState; 4] = [
    TaskState::Ok,
    TaskState::Warning,
    TaskState::Failed,
    TaskState::Cancelled,
];

/// Tasks that are read in order of their numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Branch {
    /// Every task.
    All,
    /// Those that wait or run: few, of which each is looked at.
    Open,
    /// Those that have ended, of this type and state; what is missing is left to the filter.
    Ended(Option<TaskType>, Option<TaskState>),
}

/// Branches that one statement counts; asking several times takes longer than planning more at once.
const BRANCHES: usize = 64;

/// How a list is read.
pub(super) struct Way<'f> {
    pub(super) filter: &'f TaskFilter,
    index: &'static str,
    branches: Vec<Branch>,
}

impl<'f> Way<'f> {
    fn new(filter: &'f TaskFilter) -> Self {
        let TaskFilter {
            types,
            states: wanted,
            ..
        } = filter;
        let ended = |state: &&TaskState| wanted.is_empty() || wanted.contains(state);
        let ended: Vec<TaskState> = ENDED.iter().filter(ended).copied().collect();
        let one = || vec![Branch::Ended(None, None); ended.len().min(1)];
        let by_state = || {
            let states = ended.iter();
            states.map(|state| Branch::Ended(None, Some(*state))).collect()
        };
        let by_type_and_state = || {
            let branches = either(types, TaskType::ALL).flat_map(|t| {
                ended
                    .iter()
                    .map(move |state| Branch::Ended(Some(t), Some(*state)))
            });
            branches.collect()
        };
        let (index, mut branches): (_, Vec<Branch>) = if filter.source.is_some() {
            (" INDEXED BY tasks_source", one())
        } else if filter.job.is_some() && filter.project.is_some() {
            (" INDEXED BY tasks_job", by_state())
        } else if filter.job.is_some() {
            (" INDEXED BY tasks_job_name", by_state())
        } else if filter.target.is_some() {
            (" INDEXED BY tasks_target", one())
        } else if filter.user.is_some() && filter.project.is_some() {
            (" INDEXED BY tasks_project_user", one())
        } else if filter.user.is_some() {
            (" INDEXED BY tasks_user", one())
        } else if filter.project.is_some() && types.is_empty() && wanted.is_empty() {
            (" INDEXED BY tasks_project", one())
        } else if filter.project.is_some() {
            (" INDEXED BY tasks_project_type_state", by_type_and_state())
        } else if !types.is_empty() {
            (" INDEXED BY tasks_type_state", by_type_and_state())
        } else if !wanted.is_empty() {
            (" INDEXED BY tasks_state", by_state())
        } else {
            (" NOT INDEXED", vec![Branch::All])
        };
        let open = wanted.is_empty() || wanted.iter().any(|state| !state.is_final());
        if open && !matches!(branches[..], [Branch::All]) {
            branches.push(Branch::Open);
        }
        Self {
            filter,
            index,
            branches,
        }
    }

    /// Up to `most` numbers of `part` as a subquery, highest first.
    fn numbers(&self, query: &mut Statement, postgres: bool, part: Part, most: i64) {
        for (at, branch) in self.branches.iter().enumerate() {
            query.push(if at == 0 {
                "SELECT id FROM (SELECT t.id FROM tasks t"
            } else {
                " UNION ALL SELECT id FROM (SELECT t.id FROM tasks t"
            });
            // PostgreSQL finds the way by itself, as long as it knows the values: of types and states some are rare, and
            // a plan for all of them goes by number. SQLite has to be told.
            if !postgres {
                query.push(match branch {
                    Branch::Open => " INDEXED BY tasks_open",
                    Branch::All | Branch::Ended(..) => self.index,
                });
            }
            self.conditions(query, *branch, part);
            self.text(query, postgres);
            query.push(" ORDER BY t.id DESC LIMIT ").push_bind(most);
            query.push(") AS branch");
        }
    }

    /// Everything but the text.
    pub(super) fn conditions(&self, query: &mut Statement, branch: Branch, part: Part) {
        let filter = self.filter;
        let (kept, task_type, state) = match branch {
            Branch::All => ("", None, None),
            Branch::Open => (" AND t.state IN ('queued', 'running')", None, None),
            Branch::Ended(task_type, state) => (" AND t.ended IS NOT NULL", task_type, state),
        };
        query.push(" WHERE t.id >= ").push_bind(part.first);
        query.push(" AND t.id <= ").push_bind(part.last).push(kept);
        let exact = [
            ("type", task_type.map(|t| t.as_str().to_owned())),
            ("state", state.map(|s| s.as_str().to_owned())),
            ("\"user\"", filter.user.as_ref().map(|v| v.to_string())),
            ("project", filter.project.as_ref().map(|v| v.to_string())),
            ("job", filter.job.as_ref().map(|v| v.to_string())),
            ("source", filter.source.clone()),
            ("target", filter.target.clone()),
        ];
        for (column, value) in exact {
            if let Some(value) = value {
                query.push(" AND t.").push(column).push(" = ").push_bind(value);
            }
        }
        if task_type.is_none() && !filter.types.is_empty() {
            let types = words(filter.types.iter().copied().map(TaskType::as_str));
            query.push(" AND t.type IN LIST(").push_bind(types).push(")");
        }
        if state.is_none() && !filter.states.is_empty() {
            let states = words(filter.states.iter().copied().map(TaskState::as_str));
            query.push(" AND t.state IN LIST(").push_bind(states).push(")");
        }
        if let Some(since) = filter.since.filter(|_| !part.sure) {
            query.push(" AND t.shown_time >= ").push_bind(since.as_micros());
        }
        if let Some(until) = filter.until.filter(|_| !part.sure) {
            query.push(" AND t.shown_time < ").push_bind(until.as_micros());
        }
    }

    /// The text, looked for in each row.
    fn text(&self, query: &mut Statement, postgres: bool) {
        let Some(text) = self.filter.text.as_deref().filter(|text| !text.is_empty()) else {
            return;
        };
        let pattern = like(text);
        let columns = [
            "t.source",
            "t.target",
            "t.job",
            "t.upid",
            texts::error_text(postgres),
        ];
        for (at, column) in columns.into_iter().enumerate() {
            query.push(if at == 0 { " AND (" } else { " OR " });
            query
                .push(column)
                .push(" LIKE ")
                .push_bind(pattern.clone())
                .push(" ESCAPE '\\'");
        }
        query.push(")");
    }

    /// Up to `most` numbers of `part`, highest first, each task looked at: where no index is to be had.
    pub(super) async fn one_by_one(&self, conn: &mut Conn, part: Part, most: i64) -> Result<Vec<i64>> {
        let mut query = sql("SELECT t.id FROM tasks t");
        self.conditions(&mut query, Branch::All, part);
        self.text(&mut query, conn.is_postgres());
        query.push(" ORDER BY t.id DESC LIMIT ").push_bind(most);
        let rows = query.fetch_all(conn).await?;
        rows.iter().map(|row| row.num("id")).collect()
    }

    /// Up to `most` tasks of `part`, highest numbers first.
    async fn tasks(&self, conn: &mut Conn, part: Part, most: i64) -> Result<Vec<Task>> {
        let mut query = sql("SELECT t.*, p.body AS progress FROM (SELECT id FROM (");
        self.numbers(&mut query, conn.is_postgres(), part, most);
        query
            .push(") AS branches ORDER BY id DESC LIMIT ")
            .push_bind(most);
        query.push(
            ") AS page JOIN tasks t ON t.id = page.id LEFT JOIN task_progress p ON p.task = t.id ORDER BY t.id DESC",
        );
        query.once();
        let rows = query.fetch_all(conn).await?;
        rows.iter().map(task).collect()
    }

    /// Up to `most` tasks of `parts` before a number, highest first.
    async fn page(
        &self,
        conn: &mut Conn,
        parts: &[Part],
        before: Option<i64>,
        most: i64,
    ) -> Result<Vec<Task>> {
        let mut tasks = Vec::new();
        for part in joined(parts) {
            let left = most - i64::try_from(tasks.len()).unwrap_or(i64::MAX);
            let last = before.map_or(part.last, |before| part.last.min(before.saturating_sub(1)));
            if left > 0 && part.first <= last {
                tasks.extend(self.tasks(conn, Part { last, ..part }, left).await?);
            }
        }
        Ok(tasks)
    }

    /// How many tasks are in `parts`, as far as they are counted.
    async fn count(&self, conn: &mut Conn, parts: &[Part]) -> Result<i64> {
        let at_once = (BRANCHES / self.branches.len()).max(1);
        let mut total = 0;
        for parts in parts.chunks(at_once) {
            let most = Count::PROBE - total;
            if most > 0 {
                let mut query = sql("SELECT COUNT(*) AS total FROM (SELECT id FROM (");
                for (at, part) in parts.iter().enumerate() {
                    if at > 0 {
                        query.push(" UNION ALL ");
                    }
                    self.numbers(&mut query, conn.is_postgres(), *part, most);
                }
                query
                    .push(") AS branches LIMIT ")
                    .push_bind(most)
                    .push(") AS counted");
                query.once();
                total += query.fetch_one(conn).await?.num("total")?;
            }
        }
        Ok(total)
    }
}

/// Those that are wanted, each once, or all of them.
fn either<'a, T: Copy + Ord + 'a>(wanted: &[T], all: &'a [T]) -> impl Iterator<Item = T> + use<T> {
    let mut values = if wanted.is_empty() { all } else { wanted }.to_vec();
    values.sort_unstable();
    values.dedup();
    values.into_iter()
}

/// What a page's cursor says: the number of the last row shown.
pub(super) fn cursor(page: &Page) -> Result<Option<i64>> {
    page.cursor
        .as_deref()
        .map(|text| {
            text.parse()
                .map_err(|_| LedgerError::request(format!("{text:?} is no cursor of a page")))
        })
        .transpose()
}

/// Where the next page begins, when `numbers` holds one more than the page may show.
pub(super) fn next_cursor<T>(rows: &mut Vec<T>, limit: i64, number: impl Fn(&T) -> i64) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last().map(|row| number(row).to_string())
}

impl Sql {
    pub(crate) async fn open_tasks(&self) -> Result<OpenTasks> {
        let mut conn = self.reader().await?;
        let row = sql(
            "SELECT (SELECT COUNT(*) FROM tasks WHERE state = 'queued') AS queued,
                (SELECT COUNT(*) FROM tasks WHERE state = 'running') AS running",
        )
        .fetch_one(&mut conn)
        .await?;
        Ok(OpenTasks {
            queued: row.count("queued")?,
            running: row.count("running")?,
        })
    }

    pub(crate) async fn tasks(&self, filter: TaskFilter, page: Page) -> Result<TaskPage> {
        let limit = page.bounded();
        let before = cursor(&page)?;
        let mut conn = self.reader().await?;
        let way = Way::new(&filter);
        let parts = if filter.since.is_some() || filter.until.is_some() {
            self.spans.parts(&mut conn, filter.since, filter.until).await?
        } else {
            vec![Part::ALL]
        };
        if let Some(text) = texts::wanted(&filter)
            && !few(&mut conn, &filter, &parts).await?
        {
            return by_text(&mut conn, &way, text, &parts, before, limit).await;
        }
        // Counting may take longer than reading: at the same time, beside it. Each gives its connection back when it is
        // done: lists that hold one while they wait for another would stop each other.
        let page = async {
            let mut conn = conn;
            way.page(&mut conn, &parts, before, limit + 1).await
        };
        let count = async {
            let mut conn = self.reader().await?;
            way.count(&mut conn, &parts).await
        };
        let (mut tasks, total) = futures::try_join!(page, count)?;
        let next = next_cursor(&mut tasks, limit, |task| task.id.0);
        Ok(TaskPage {
            tasks,
            next,
            total: Count::capped(total),
        })
    }
}

/// Whether what is asked for beside the text leaves so few tasks that looking at each takes less than finding all that hold
/// it: those of a small project, say.
async fn few(conn: &mut Conn, filter: &TaskFilter, parts: &[Part]) -> Result<bool> {
    if filter.project.is_none() && filter.types.is_empty() && filter.states.is_empty() {
        return Ok(false);
    }
    let rest = TaskFilter {
        text: None,
        ..filter.clone()
    };
    Ok(Way::new(&rest).count(conn, parts).await? < Count::PROBE)
}

/// The page and the count from one look: finding what holds a text takes longer than all the rest.
async fn by_text(
    conn: &mut Conn,
    way: &Way<'_>,
    text: &str,
    parts: &[Part],
    before: Option<i64>,
    limit: i64,
) -> Result<TaskPage> {
    // What holds a text PostgreSQL finds by a bitmap or not at all; other lists are better off without.
    if conn.is_postgres() {
        conn.control("SET enable_bitmapscan = on").await?;
    }
    let mut numbers = texts::numbers(conn, way, text, parts, None, (Wanted::Any, Count::PROBE)).await?;
    let total = i64::try_from(numbers.len()).unwrap_or(i64::MAX);
    if total < Count::PROBE {
        numbers.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
        numbers.retain(|number| before.is_none_or(|before| *number < before));
        numbers.truncate(usize::try_from(limit + 1).unwrap_or(usize::MAX));
    } else {
        let newest = (Wanted::Newest, limit + 1);
        numbers = texts::numbers(conn, way, text, parts, before, newest).await?;
    }
    if conn.is_postgres() {
        conn.control("SET enable_bitmapscan = off").await?;
    }
    let rows = sql(
        "SELECT t.*, p.body AS progress FROM tasks t LEFT JOIN task_progress p ON p.task = t.id
         WHERE t.id IN LIST($1) ORDER BY t.id DESC",
    )
    .bind(Value::Numbers(numbers))
    .fetch_all(conn)
    .await?;
    let mut tasks = rows.iter().map(task).collect::<Result<Vec<_>>>()?;
    Ok(TaskPage {
        next: next_cursor(&mut tasks, limit, |task| task.id.0),
        tasks,
        total: Count::capped(total),
    })
}

/// Parts that follow one another as one: the rows of a page are read anyway, so nothing is won by being sure.
fn joined(parts: &[Part]) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::new();
    for part in parts {
        match joined.last_mut() {
            Some(above) if above.first == part.last.saturating_add(1) => {
                above.first = part.first;
                above.sure = false;
            }
            _ => joined.push(*part),
        }
    }
    joined
}
