//! What tasks are called and why they failed, found by any part of it.
//!
//! `task_texts` holds the texts of each task under twice its number, and its error under one more, by every three
//! characters in a row: FTS5 on SQLite, pg_trgm on PostgreSQL. Triggers write them; on
//! PostgreSQL what a new task is called comes a moment later, and until then the task is looked at itself. Both say which texts have all the
//! threes that were asked for, wherever they stand, so the text itself has the last word.
//!
//! FTS5 finds in order, so that the newest are found without the others. pg_trgm finds all at once and in no order: so
//! many are counted by it, and the newest of many by going back through the texts, of which few need to be read then.

use std::fmt::Write as _;

use super::list::{Branch, Way};
use super::spans::Part;
use crate::db::{Conn, Statement, sql};
use crate::error::Result;
use crate::model::TaskFilter;

/// Characters that the indexes need at least.
const LEAST: usize = 3;
/// Threes that are looked for at most: each takes time, and a few of a long text are rare enough.
const THREES: usize = 10;
/// The newest texts, which on PostgreSQL are read without the index first: what is in most is found there.
const RECENT: i64 = 20_000;

/// Which of the tasks that hold a text are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Any, to count them.
    Any,
    /// The newest, when there are many.
    Newest,
}

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

/// Threes of `needle`: evenly taken when there are many, the last one among them.
fn threes(needle: &str) -> Vec<String> {
    let chars: Vec<char> = needle.chars().collect();
    let all: Vec<String> = chars.windows(LEAST).map(|three| three.iter().collect()).collect();
    let taken = all.len().min(THREES);
    (0..taken)
        .map(|at| all[at * (all.len() - 1) / (taken - 1).max(1)].clone())
        .collect()
}

/// Threes as FTS5 asks for them, all at once.
fn all_of(threes: &[String]) -> String {
    let mut text = String::new();
    for (at, three) in threes.iter().enumerate() {
        let and = if at == 0 { "" } else { " AND " };
        // Writing to a string cannot fail.
        _ = write!(text, "{and}\"{}\"", three.replace('"', "\"\""));
    }
    text
}

/// Up to `most` numbers of tasks of these parts whose texts hold `text`. Of any, in no order.
pub(super) async fn numbers(
    conn: &mut Conn,
    way: &Way<'_>,
    text: &str,
    parts: &[Part],
    before: Option<i64>,
    (wanted, most): (Wanted, i64),
) -> Result<Vec<i64>> {
    let mut numbers = Vec::new();
    let mut written = i64::MAX;
    if conn.is_postgres() {
        written = sql("SELECT upto FROM task_texts_upto")
            .fetch_one(conn)
            .await?
            .num("upto")?;
        for part in parts {
            let part = Part {
                first: part.first.max(written.saturating_add(1)),
                last: before.map_or(part.last, |before| part.last.min(before.saturating_sub(1))),
                ..*part
            };
            let left = most - i64::try_from(numbers.len()).unwrap_or(i64::MAX);
            if left > 0 && part.first <= part.last {
                numbers.extend(way.one_by_one(conn, part, left).await?);
            }
        }
        let left = most - i64::try_from(numbers.len()).unwrap_or(i64::MAX);
        if left > 0 && wanted == Wanted::Any && before.is_none() && !more(way.filter) {
            let recent = recent(conn, text, written, left).await?;
            if i64::try_from(recent.len()).is_ok_and(|found| found == left) {
                numbers.extend(recent);
                return Ok(numbers);
            }
        }
    }
    for part in parts {
        let left = most - i64::try_from(numbers.len()).unwrap_or(i64::MAX);
        let last = before.map_or(part.last, |before| part.last.min(before.saturating_sub(1)));
        let last = last.min(written);
        if left <= 0 || part.first > last {
            continue;
        }
        let part = Part { last, ..*part };
        let mut query = if conn.is_postgres() {
            on_postgres(way, text, part, wanted)
        } else {
            on_sqlite(way, text, part)
        };
        query.push(" LIMIT ").push_bind(left);
        for row in query.fetch_all(conn).await? {
            numbers.push(row.num("id")?);
        }
    }
    Ok(numbers)
}

/// Why a task failed as people read it, which is what is looked for.
const ERROR_ON_SQLITE: &str =
    "json_extract(t.error, '$.message') || ' [' || json_extract(t.error, '$.code') || ']'";
const ERROR_ON_POSTGRES: &str = "task_error_text(t.error)";

/// The same, on either database.
pub(super) fn error_text(postgres: bool) -> &'static str {
    match postgres {
        true => ERROR_ON_POSTGRES,
        false => ERROR_ON_SQLITE,
    }
}

/// The numbers of a part's texts.
fn texts_of(part: Part) -> (i64, i64) {
    let last = part.last.saturating_mul(2).saturating_add(1);
    (part.first.saturating_mul(2), last)
}

fn on_sqlite(way: &Way<'_>, text: &str, part: Part) -> Statement {
    let (first, last) = texts_of(part);
    let mut query = sql("SELECT t.id FROM task_texts CROSS JOIN tasks t ON t.id = task_texts.rowid / 2");
    way.conditions(&mut query, Branch::All, part);
    query.push(" AND task_texts.rowid >= ").push_bind(first);
    query.push(" AND task_texts.rowid <= ").push_bind(last);
    query
        .push(" AND task_texts MATCH ")
        .push_bind(all_of(&threes(text)));
    query.push(" AND CASE task_texts.rowid % 2 WHEN 0 THEN ");
    named(&mut query, text);
    query.push(" ELSE NOT ");
    named(&mut query, text);
    query
        .push(" AND ")
        .push(ERROR_ON_SQLITE)
        .push(" LIKE ")
        .push_bind(like(text));
    query.push(" ESCAPE '\\' END ORDER BY task_texts.rowid DESC");
    query
}

fn on_postgres(way: &Way<'_>, text: &str, part: Part, wanted: Wanted) -> Statement {
    let (first, last) = texts_of(part);
    let small = text.to_ascii_lowercase();
    let mut query = sql("SELECT c.id / 2 AS id FROM task_texts c");
    // Which way is the shorter depends on what is asked for.
    query.once();
    if more(way.filter) {
        query.push(" JOIN tasks t ON t.id = c.id / 2");
        way.conditions(&mut query, Branch::All, part);
        query.push(" AND c.id >= ");
    } else {
        query.push(" WHERE c.id >= ");
    }
    query.push_bind(first).push(" AND c.id <= ").push_bind(last);
    if wanted == Wanted::Any {
        // Of a short text all threes: those in a row are rarer together.
        let pieces = if small.chars().count() <= THREES {
            vec![small.clone()]
        } else {
            threes(&small)
        };
        for piece in pieces {
            query.push(" AND c.letters ~~ ('%' || task_texts_letters(");
            query.push_bind(piece).push(") || '%')");
        }
    }
    query.push(" AND c.body ~~ ").push_bind(like(&small));
    first_of_task(&mut query, &small);
    if wanted == Wanted::Newest {
        query.push(" ORDER BY c.id DESC");
    }
    query
}

/// A task whose name fits too is among them already.
fn first_of_task(query: &mut Statement, small: &str) {
    query.push(
        " AND (c.id % 2 = 0 OR NOT EXISTS (SELECT 1 FROM task_texts n WHERE n.id = c.id - 1 AND n.body ~~ ",
    );
    query.push_bind(like(small)).push("))");
}

/// Up to `most` of the tasks of the newest texts up to the task `written`, on PostgreSQL.
async fn recent(conn: &mut Conn, text: &str, written: i64, most: i64) -> Result<Vec<i64>> {
    let small = text.to_ascii_lowercase();
    let mut query = sql("SELECT c.id / 2 AS id FROM (SELECT id, body FROM task_texts WHERE id <= ");
    query.push_bind(written.saturating_mul(2).saturating_add(1));
    query.push(" ORDER BY id DESC LIMIT ");
    query.push_bind(RECENT);
    query.push(") AS c WHERE c.body ~~ ").push_bind(like(&small));
    first_of_task(&mut query, &small);
    query.push(" LIMIT ").push_bind(most);
    let rows = query.fetch_all(conn).await?;
    rows.iter().map(|row| row.num("id")).collect()
}

/// Whether what the task is called holds `text`; on SQLite.
fn named(query: &mut Statement, text: &str) {
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
    use super::{all_of, threes};

    #[test]
    fn threes_cover_a_text_from_end_to_end() {
        assert_eq!(threes("abc"), ["abc"]);
        assert_eq!(all_of(&threes("a\"bc")), "\"a\"\"b\" AND \"\"\"bc\"");
        let long: String = ('a'..='z').collect();
        let asked = threes(&long);
        assert_eq!(asked.len(), 10);
        assert_eq!((asked[0].as_str(), asked[9].as_str()), ("abc", "xyz"));
    }
}
