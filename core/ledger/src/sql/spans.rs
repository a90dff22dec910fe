//! Where in the order of task numbers the tasks of a time are.
//!
//! Lists go by number and are asked for by time, and no index has both orders: a task may wait for days before it
//! starts. So the tasks are seen in blocks of consecutive numbers, and of each block whose tasks have all ended, so
//! that nothing about them changes any more, this process remembers when the first and the last of them are shown. A
//! list then looks at the blocks that its time touches, and needs to look at the time of single tasks only where a
//! block is not wholly within it. Nothing is concluded from the order of clocks, and nothing needs to be kept: what is
//! not remembered is looked at.

use std::ops::Range;
use std::sync::Arc;

use ironcore_types::Timestamp;
use tokio::sync::Mutex;

use crate::db::{Conn, Readers, sql};
use crate::error::Result;

/// Tasks of one block.
const BLOCK: i64 = 1_024;
/// Whole blocks of which nothing is remembered, at which it is time to look at them.
const UNKNOWN: usize = 4;
/// Parts of a list's time that are told apart; more are looked at as one.
const PARTS: usize = 32;

/// A part of the task numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// The lowest number.
    pub(super) first: i64,
    /// The highest number.
    pub(super) last: i64,
    /// Whether every task of it is within the time that was asked for.
    pub(super) sure: bool,
}

impl Part {
    /// Every task, when no time is asked for.
    pub(super) const ALL: Self = Self {
        first: 0,
        last: i64::MAX,
        sure: true,
    };
}

/// What is remembered of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// Nothing.
    Unknown,
    /// No task is left of it.
    Empty,
    /// When the first and the last of its tasks are shown.
    Shown(i64, i64),
}

/// The blocks.
#[derive(Debug, Default)]
pub(super) struct Spans(Mutex<Vec<Block>>);

impl Spans {
    /// The parts in which tasks shown from `since` on and before `until` are, highest numbers first.
    pub(super) async fn parts(
        &self,
        conn: &mut Conn,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Vec<Part>> {
        let newest = sql("SELECT COALESCE(MAX(id), 0) AS newest FROM tasks");
        let newest = newest.fetch_one(conn).await?.num("newest")?;
        let mut blocks = self.0.lock().await;
        let whole = usize::try_from(newest / BLOCK).unwrap_or(0);
        if blocks.len() < whole {
            blocks.resize(whole, Block::Unknown);
        }
        let unknown = blocks.iter().filter(|block| **block == Block::Unknown).count();
        if unknown >= UNKNOWN {
            learn(&mut blocks, conn).await?;
        }
        let since = since.map_or(i64::MIN, Timestamp::as_micros);
        let until = until.map_or(i64::MAX, Timestamp::as_micros);
        Ok(parts(&blocks, since..until))
    }
}

/// Looks at the blocks of a ledger that was just opened, so that the first list by time need not: with a million tasks
/// that is a second. When it cannot, that list does.
pub(super) async fn learn_at_once(spans: Arc<Spans>, readers: Readers) {
    let looked = async {
        let mut conn = readers.acquire().await?;
        spans.parts(&mut conn, None, None).await
    };
    if let Err(error) = looked.await {
        tracing::debug!(%error, "the times of tasks were not looked at beforehand");
    }
}

/// The numbers of a block.
fn numbers(block: usize) -> Range<i64> {
    let block = i64::try_from(block).unwrap_or(i64::MAX / BLOCK - 1);
    block * BLOCK + 1..(block + 1) * BLOCK + 1
}

/// The parts of `time`, and those of which nothing is known: the tasks after the last block among them.
fn parts(blocks: &[Block], time: Range<i64>) -> Vec<Part> {
    let mut parts: Vec<Part> = vec![Part {
        first: numbers(blocks.len()).start,
        last: i64::MAX,
        sure: false,
    }];
    for (at, block) in blocks.iter().enumerate().rev() {
        let sure = match *block {
            Block::Empty => continue,
            Block::Unknown => false,
            Block::Shown(first, last) if last < time.start || first >= time.end => continue,
            Block::Shown(first, last) => first >= time.start && last < time.end,
        };
        let Range { start, end } = numbers(at);
        let many = parts.len() >= PARTS;
        match parts.last_mut() {
            Some(above) if above.first == end && above.sure == sure => above.first = start,
            Some(above) if many => {
                above.first = start;
                above.sure = false;
            }
            _ => parts.push(Part {
                first: start,
                last: end - 1,
                sure,
            }),
        }
    }
    parts
}

/// When the first and the last of each block of `b` are shown, of tasks as `$from` reads them.
macro_rules! ends {
    ($from:literal) => {
        concat!(
            " SELECT b.block AS block, (SELECT MIN(shown_time) FROM ",
            $from,
            " WHERE id > b.block * $3 AND id <= (b.block + 1) * $3 AND ended IS NOT NULL) AS earliest, (SELECT MAX(shown_time) FROM ",
            $from,
            " WHERE id > b.block * $3 AND id <= (b.block + 1) * $3 AND ended IS NOT NULL) AS latest FROM b"
        )
    };
}

/// Looks at the blocks of which nothing is known and in which nothing changes any more.
async fn learn(blocks: &mut [Block], conn: &mut Conn) -> Result<()> {
    // First which are still open: one that is closed now stays as it is seen then.
    let rows = sql("SELECT DISTINCT (id - 1) / $1 AS block FROM tasks WHERE state IN ('queued', 'running')")
        .bind(BLOCK)
        .fetch_all(conn)
        .await?;
    let mut closed = vec![true; blocks.len()];
    for row in rows {
        let block = usize::try_from(row.num("block")?).unwrap_or(usize::MAX);
        if let Some(closed) = closed.get_mut(block) {
            *closed = false;
        }
    }
    let wanted = |block: usize| closed[block] && blocks[block] == Block::Unknown;
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for block in (0..blocks.len()).filter(|block| wanted(*block)) {
        match stretches.last_mut() {
            Some(stretch) if stretch.end == block => stretch.end += 1,
            _ => stretches.push(block..block + 1),
        }
    }
    for stretch in stretches {
        // One look at each end of each block, in the order of the index: grouping would sort all of them.
        let query = if conn.is_postgres() {
            sql(concat!(
                "WITH RECURSIVE b (block) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT block + 1 FROM b WHERE block + 1 < $2)",
                ends!("tasks")
            ))
        } else {
            sql(concat!(
                "WITH RECURSIVE b (block) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT block + 1 FROM b WHERE block + 1 < $2)",
                ends!("tasks INDEXED BY tasks_span")
            ))
        };
        let number = |block: usize| i64::try_from(block).unwrap_or(i64::MAX);
        let rows = query
            .bind(number(stretch.start))
            .bind(number(stretch.end))
            .bind(BLOCK)
            .fetch_all(conn)
            .await?;
        blocks[stretch].fill(Block::Empty);
        for row in rows {
            let block = usize::try_from(row.num("block")?).unwrap_or(usize::MAX);
            if let (Some(block), Some(earliest)) = (blocks.get_mut(block), row.opt_num("earliest")?) {
                *block = Block::Shown(earliest, row.num("latest")?);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Block, PARTS, Part, parts};

    fn part(blocks: std::ops::Range<i64>, sure: bool) -> Part {
        Part {
            first: blocks.start * BLOCK + 1,
            last: blocks.end * BLOCK,
            sure,
        }
    }

    /// The tasks that came after the blocks.
    fn rest(blocks: i64) -> Part {
        Part {
            first: blocks * BLOCK + 1,
            last: i64::MAX,
            sure: false,
        }
    }

    #[test]
    fn a_time_is_in_the_blocks_it_touches() {
        let blocks: Vec<Block> = (0..10).map(|at| Block::Shown(at * 10, at * 10 + 12)).collect();
        let found = parts(&blocks, 25..63);
        assert_eq!(
            found,
            [rest(10), part(6..7, false), part(3..6, true), part(2..3, false)]
        );
        assert_eq!(parts(&blocks, i64::MIN..i64::MAX), [rest(10), part(0..10, true)]);
        assert_eq!(parts(&blocks, 200..300), [rest(10)]);
    }

    #[test]
    fn what_is_not_known_is_looked_at() {
        let mut blocks = vec![Block::Shown(0, 5); 4];
        blocks[1] = Block::Unknown;
        blocks[2] = Block::Empty;
        assert_eq!(parts(&blocks, 100..200), [rest(4), part(1..2, false)]);
        blocks[3] = Block::Unknown;
        // Those above the last block are not known either.
        assert_eq!(
            parts(&blocks, 100..200),
            [
                Part {
                    first: 3 * BLOCK + 1,
                    ..rest(4)
                },
                part(1..2, false)
            ]
        );
    }

    #[test]
    fn many_parts_become_one() {
        let blocks: Vec<Block> = (0..200)
            .map(|at| {
                if at % 2 == 0 {
                    Block::Shown(0, 5)
                } else {
                    Block::Shown(50, 55)
                }
            })
            .collect();
        let found = parts(&blocks, 0..10);
        assert_eq!(found.len(), PARTS);
        assert_eq!(found[PARTS - 1].first, 1);
        assert!(!found[PARTS - 1].sure);
        assert!(found.windows(2).all(|pair| pair[0].first > pair[1].last));
    }
}
