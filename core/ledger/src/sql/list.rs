//! Lists of tasks.

use ironcore_types::{TaskState, TaskType};

use super::Sql;
use super::queue::task;
use crate::db::{Statement, sql, words};
use crate::error::{LedgerError, Result};
use crate::model::{Count, Page, TaskFilter, TaskPage};

/// `needle` for LIKE with `\` as escape: what people type stands for itself.
fn like(needle: &str) -> String {
    let escaped = needle
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}

fn conditions(query: &mut Statement, filter: &TaskFilter) -> Result<()> {
    query.push(" WHERE 1 = 1");
    if !filter.types.is_empty() {
        let types = words(filter.types.iter().copied().map(TaskType::as_str));
        query.push(" AND t.type IN LIST(").push_bind(types).push(")");
    }
    if !filter.states.is_empty() {
        let states = words(filter.states.iter().copied().map(TaskState::as_str));
        query.push(" AND t.state IN LIST(").push_bind(states).push(")");
    }
    if let Some(since) = filter.since {
        query.push(" AND t.shown_time >= ").push_bind(since.as_micros());
    }
    if let Some(until) = filter.until {
        query.push(" AND t.shown_time < ").push_bind(until.as_micros());
    }
    let exact = [
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
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        let pattern = like(text);
        for (at, column) in ["source", "target", "job", "upid", "error"].iter().enumerate() {
            query.push(if at == 0 { " AND (" } else { " OR " });
            query
                .push("t.")
                .push(column)
                .push(" LIKE ")
                .push_bind(pattern.clone())
                .push(" ESCAPE '\\'");
        }
        query.push(")");
    }
    Ok(())
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
    pub(crate) async fn tasks(&self, filter: TaskFilter, page: Page) -> Result<TaskPage> {
        let limit = page.bounded();
        let mut conn = self.reader().await?;
        let mut query =
            sql("SELECT t.*, p.body AS progress FROM tasks t LEFT JOIN task_progress p ON p.task = t.id");
        conditions(&mut query, &filter)?;
        if let Some(before) = cursor(&page)? {
            query.push(" AND t.id < ").push_bind(before);
        }
        query.push(" ORDER BY t.id DESC LIMIT ").push_bind(limit + 1);
        let rows = query.fetch_all(&mut conn).await?;
        let mut tasks = rows.iter().map(task).collect::<Result<Vec<_>>>()?;
        let next = next_cursor(&mut tasks, limit, |task| task.id.0);
        let mut query = sql("SELECT COUNT(*) AS total FROM (SELECT 1 FROM tasks t");
        conditions(&mut query, &filter)?;
        query.push(" LIMIT ").push_bind(Count::PROBE).push(") AS counted");
        let total = query.fetch_one(&mut conn).await?.num("total")?;
        Ok(TaskPage {
            tasks,
            next,
            total: Count::capped(total),
        })
    }
}
