//! What tasks are called and why they failed, found by any part of it.
//!
//! `task_texts` holds the texts of each task under twice its number, and its error under one more, by every three
//! characters in a row: FTS5 on SQLite, pg_trgm on PostgreSQL. Triggers write them. FTS5 says which tasks have all
//! the threes that were asked for, wherever they stand, so the task itself has the last word there.

use super::list::Way;
use super::spans::Part;
use crate::db::{Conn, sql};
use crate::error::Result;
use crate::model::TaskFilter;

/// Characters that the indexes need at least.
const LEAST: usize = 3;
/// Threes that are looked for at most: each takes time, and a few of a long text are rare enough.
const THREES: usize = 10;

/// The text of a list that is best found by it: not where what else is asked for leaves few tasks.
pub(super) fn wanted(filter: &TaskFilter) -> Option<&str> {
    let narrow =
        filter.source.is_some() || filter.target.is_some() || filter.job.is_some() || filter.user.is_some();
    let text = filter.text.as_deref()?;
    (!narrow && text.chars().nth(LEAST - 1).is_some()).then_some(text)
}

/// `needle` for LIKE with `\` as escape: what people type stands for itself.
pub(super) fn like(needle: &str) -> String {
    let escaped = needle
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}

/// Threes of `needle` as FTS5 asks for them, all at once: evenly taken when there are many, the last one among them.
fn threes(needle: &str) -> String {
    let chars: Vec<char> = needle.chars().collect();
    let all: Vec<String> = chars.windows(LEAST).map(|three| three.iter().collect()).collect();
    let taken = all.len().min(THREES);
    let quoted = (0..taken).map(|at| {
        let three = &all[at * (all.len() - 1) / (taken - 1).max(1)];
        format!("\"{}\"", three.replace('"', "\"\""))
    });
    quoted.collect::<Vec<_>>().join(" AND ")
}

/// Up to `most` numbers, highest first, of tasks of these parts whose texts hold `text`.
pub(super) async fn numbers(
    conn: &mut Conn,
    way: &Way<'_>,
    text: &str,
    parts: &[Part],
    before: Option<i64>,
    most: i64,
) -> Result<Vec<i64>> {
    let mut numbers = Vec::new();
    for part in parts {
        let left = most - i64::try_from(numbers.len()).unwrap_or(i64::MAX);
        let last = before.map_or(part.last, |before| part.last.min(before.saturating_sub(1)));
        if left <= 0 || part.first > last {
            continue;
        }
        let part = Part { last, ..*part };
        let (first, last) = (
            part.first.saturating_mul(2),
            part.last.saturating_mul(2).saturating_add(1),
        );
        let mut query;
        if conn.is_postgres() {
            query = sql("SELECT c.id / 2 AS id FROM task_texts c");
            if more(way.filter) {
                query.push(" JOIN tasks t ON t.id = c.id / 2");
                way.conditions(&mut query, (None, None), part);
                query.push(" AND c.id >= ");
            } else {
                query.push(" WHERE c.id >= ");
            }
            query.push_bind(first).push(" AND c.id <= ").push_bind(last);
            query.push(" AND task_texts_letters(c.body) LIKE '%' || task_texts_letters(");
            query
                .push_bind(text)
                .push(") || '%' AND c.body LIKE ")
                .push_bind(like(text));
            // A task whose name fits too is among them already.
            query.push(
                " ESCAPE '\\' AND (c.id % 2 = 0 OR NOT EXISTS (
                    SELECT 1 FROM task_texts n WHERE n.id = c.id - 1 AND n.body LIKE ",
            );
            query.push_bind(like(text));
            query.push(" ESCAPE '\\')) ORDER BY c.id DESC LIMIT ");
        } else {
            query = sql("SELECT t.id FROM task_texts CROSS JOIN tasks t ON t.id = task_texts.rowid / 2");
            way.conditions(&mut query, (None, None), part);
            query.push(" AND task_texts.rowid >= ").push_bind(first);
            query.push(" AND task_texts.rowid <= ").push_bind(last);
            query.push(" AND task_texts MATCH ").push_bind(threes(text));
            query.push(" AND CASE task_texts.rowid % 2 WHEN 0 THEN ");
            named(&mut query, text);
            query.push(" ELSE NOT ");
            named(&mut query, text);
            query.push(" AND t.error LIKE ").push_bind(like(text));
            query.push(" ESCAPE '\\' END ORDER BY task_texts.rowid DESC LIMIT ");
        }
        query.push_bind(left);
        for row in query.fetch_all(conn).await? {
            numbers.push(row.num("id")?);
        }
    }
    Ok(numbers)
}

/// Whether what the task is called holds `text`; on SQLite.
fn named(query: &mut crate::db::Statement, text: &str) {
    query.push("(concat_ws(char(1), t.source, t.target, t.job, t.upid) LIKE ");
    query.push_bind(like(text)).push(" ESCAPE '\\')");
}

/// Whether anything is asked for but the text.
fn more(filter: &TaskFilter) -> bool {
    let alone = TaskFilter {
        text: filter.text.clone(),
        ..TaskFilter::default()
    };
    *filter != alone
}

#[cfg(test)]
mod tests {
    use super::threes;

    #[test]
    fn threes_cover_a_text_from_end_to_end() {
        assert_eq!(threes("abc"), "\"abc\"");
        assert_eq!(threes("a\"bc"), "\"a\"\"b\" AND \"\"\"bc\"");
        let long: String = ('a'..='z').collect();
        let asked = threes(&long);
        assert!(
            asked.starts_with("\"abc\"") && asked.ends_with("\"xyz\""),
            "{asked}"
        );
        assert_eq!(asked.matches(" AND ").count(), 9);
    }
}
