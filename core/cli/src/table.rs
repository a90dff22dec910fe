//! Tables for a terminal: ids stay in one piece, and what finds no room gives way.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};

/// A wider column may be wrapped, down to this; a narrower one, such as a time, is read better in one piece.
const WRAPPED_TO: usize = 20;
/// A space on either side of a column, and one between it and the next.
const SPACES: usize = 3;

/// How a column gives way when the terminal is too narrow.
#[derive(Debug, Clone, Copy)]
pub(crate) enum GivesWay {
    /// It holds ids, which people copy: never wrapped, but moved to a line of its own under each row.
    Id(usize),
    /// It is moved to a line of its own under each row.
    Under(usize),
    /// It is moved to a line under each row, with its name before it.
    Named(usize),
    /// Its cells say less: what this makes of their row, whose cells are as they were given.
    Short(usize, fn(&[String]) -> String),
    /// Its cells are cut, with `…` at their end, down to so many characters.
    Cut(usize, usize),
    /// It is left out.
    Out(usize),
}

impl GivesWay {
    fn column(self) -> usize {
        match self {
            Self::Id(column)
            | Self::Under(column)
            | Self::Named(column)
            | Self::Short(column, _)
            | Self::Cut(column, _)
            | Self::Out(column) => column,
        }
    }

    fn is_id(self) -> bool {
        matches!(self, Self::Id(_))
    }

    /// Whether the column stays in the table.
    fn stays(self) -> bool {
        matches!(self, Self::Short(..) | Self::Cut(..))
    }
}

/// The widths of columns of which the first `count` of `order` gave way; 0 for those that are gone.
fn widths(head: &[&str], rows: &[Vec<String>], order: &[GivesWay], count: usize) -> Vec<usize> {
    let longest = |column: usize, cell: &dyn Fn(&[String]) -> usize| {
        let name = head.get(column).map_or(0, |name| name.chars().count());
        rows.iter().map(|row| cell(row)).chain([name]).max().unwrap_or(0)
    };
    let own = |column: usize| {
        longest(column, &|row| {
            row.get(column).map_or(0, |cell| cell.chars().count())
        })
    };
    let mut widths: Vec<usize> = (0..head.len()).map(own).collect();
    for way in order.iter().take(count) {
        let Some(width) = widths.get_mut(way.column()) else {
            continue;
        };
        *width = match *way {
            GivesWay::Short(column, short) => longest(column, &|row| short(row).chars().count()),
            GivesWay::Cut(_, least) => (*width).min(least),
            GivesWay::Id(_) | GivesWay::Under(_) | GivesWay::Named(_) | GivesWay::Out(_) => 0,
        };
    }
    widths
}

/// What the columns need at least: wide ones may be wrapped, but for ids and for what is cut instead.
fn needed(widths: &[usize], order: &[GivesWay]) -> usize {
    let whole = |column: usize| order.iter().any(|way| way.is_id() && way.column() == column);
    let columns = widths.iter().enumerate().filter(|(_, width)| **width > 0);
    let least = columns.map(|(column, width)| match *width {
        width if whole(column) => width + SPACES,
        width => width.min(WRAPPED_TO) + SPACES,
    });
    least.sum::<usize>().saturating_sub(1)
}

/// How many of `order` give way, first come first, until the others find room; all when that is not enough either.
fn giving_way(head: &[&str], rows: &[Vec<String>], order: &[GivesWay], terminal: u16) -> usize {
    (0..order.len())
        .find(|count| needed(&widths(head, rows, order, *count), order) <= usize::from(terminal))
        .unwrap_or(order.len())
}

/// The rows as they are shown when these gave way.
fn shown(
    head: &[&str],
    rows: &[Vec<String>],
    order: &[GivesWay],
    count: usize,
    terminal: u16,
) -> Vec<Vec<String>> {
    let mut shown = rows.to_vec();
    let spare = usize::from(terminal).saturating_sub(needed(&widths(head, rows, order, count), order));
    for way in order.iter().take(count) {
        for (row, full) in shown.iter_mut().zip(rows) {
            let Some(cell) = row.get_mut(way.column()) else {
                continue;
            };
            match *way {
                GivesWay::Short(_, short) => *cell = short(full),
                GivesWay::Cut(_, least) => *cell = cut(cell, least + spare),
                GivesWay::Id(_) | GivesWay::Under(_) | GivesWay::Named(_) | GivesWay::Out(_) => {}
            }
        }
    }
    shown
}

/// At most so many characters, the last of which says that there were more.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// The table as text. Without the width of a terminal every column gets the room it wants.
pub(crate) fn draw(head: &[&str], rows: &[Vec<String>], order: &[GivesWay], terminal: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head.to_vec());
    let Some(terminal) = terminal else {
        table.add_rows(rows);
        table.force_no_tty();
        return table.to_string();
    };
    table.set_width(terminal);
    let count = giving_way(head, rows, order, terminal);
    table.add_rows(shown(head, rows, order, count, terminal));
    let (gave, kept) = order.split_at(count);
    let (mut under, mut named): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for way in gave.iter().filter(|way| !way.stays()) {
        constrain(&mut table, *way, ColumnConstraint::Hidden);
        match way {
            GivesWay::Out(_) => {}
            GivesWay::Named(column) => named.push(*column),
            _ => under.push(way.column()),
        }
    }
    for way in kept.iter().filter(|way| way.is_id()) {
        constrain(&mut table, *way, ColumnConstraint::ContentWidth);
    }
    under.sort_unstable();
    named.sort_unstable();

    let mut lines: Vec<String> = Vec::new();
    let mut rows = rows.iter();
    let mut below_head = false;
    for line in table.lines() {
        // Each row ends with such a line, while the lines of its cells begin with a space.
        if below_head
            && line.starts_with('─')
            && let Some(row) = rows.next()
        {
            let cells = under.iter().filter_map(|column| row.get(*column));
            let said = cells.filter(|cell| *cell != "-");
            lines.extend(said.map(|cell| format!(" {}", one_line(cell))));
            let said = named.iter().filter_map(|column| {
                let (name, cell) = (head.get(*column)?, row.get(*column).filter(|cell| *cell != "-")?);
                Some(format!("{} {}", name.to_lowercase(), one_line(cell)))
            });
            let said: Vec<String> = said.collect();
            if !said.is_empty() {
                lines.push(format!(" {}", said.join(", ")));
            }
        }
        below_head |= line.starts_with('═');
        lines.push(line);
    }
    lines.join("\n")
}

/// The width of the terminal that standard output is; none when it is something else.
pub(crate) fn terminal() -> Option<u16> {
    // One that does not know how wide it is says 0.
    Table::new().width().filter(|width| *width > 0)
}

/// A text in which no tab or line end can pass for a new column or row.
pub(crate) fn one_line(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

fn constrain(table: &mut Table, way: GivesWay, constraint: ColumnConstraint) {
    if let Some(column) = table.column_mut(way.column()) {
        column.set_constraint(constraint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "2026-05-21T00:00:00Z";
    const SOURCE: &str = "/srv/files → ibs-primary:host/files";
    const UPID: &str = "UPID:vm:000060FA:001682B6:00000001:6B04F769:backup:ibs\\x2dprimary:root@local:";

    fn drawn(terminal: Option<u16>) -> Vec<String> {
        let rows = [TIME, TIME].map(|time| vec![time.to_owned(), SOURCE.to_owned(), UPID.to_owned()]);
        let text = draw(
            &["TIME", "SOURCE", "UPID"],
            &rows,
            &[GivesWay::Id(2), GivesWay::Under(1)],
            terminal,
        );
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn columns_give_way_in_their_order() {
        let row = [20, 20, 16, 7, 60, 7, 10, 97].map(|width| "x".repeat(width));
        let rows = [row.to_vec()];
        let head = ["TIME", "END", "USER", "TYPE", "SOURCE", "STATUS", "BYTES", "UPID"];
        let order = [
            GivesWay::Id(7),
            GivesWay::Under(4),
            GivesWay::Short(1, |_| "x".repeat(12)),
            GivesWay::Cut(2, 8),
            GivesWay::Out(1),
        ];
        let expected = [
            (220, 0),
            (219, 1),
            (140, 1),
            (120, 1),
            (119, 2),
            (97, 2),
            (96, 3),
            (89, 3),
            (88, 4),
            (81, 4),
            (80, 5),
            (20, 5),
        ];
        for (terminal, count) in expected {
            assert_eq!(giving_way(&head, &rows, &order, terminal), count, "{terminal}");
        }
        assert_eq!(giving_way(&head, &rows, &[], 80), 0);
    }

    #[test]
    fn what_is_cut_takes_the_room_there_is() {
        let order = [GivesWay::Cut(1, 4)];
        let rows = [vec![TIME.to_owned(), "alice@local".to_owned()]];
        for (terminal, said) in [
            (40, "alice@local"),
            (36, "alice@local"),
            (35, "alice@loc…"),
            (29, "ali…"),
            (20, "ali…"),
        ] {
            let text = draw(&["TIME", "USER"], &rows, &order, Some(terminal));
            assert!(text.contains(said), "{terminal}: {text}");
        }
    }

    #[test]
    fn an_id_without_room_stands_under_its_row() {
        for (terminal, source_too) in [(60, false), (40, true)] {
            let lines = drawn(Some(terminal));
            let ids = lines.iter().filter(|line| line.trim() == UPID).count();
            assert_eq!(ids, 2, "{lines:#?}");
            let sources = lines.iter().filter(|line| line.trim() == SOURCE).count();
            assert_eq!(sources, if source_too { 2 } else { 0 }, "{lines:#?}");
            let wide = |line: &String| line.chars().count() > usize::from(terminal);
            assert!(
                lines.iter().all(|line| !wide(line) || line.trim() == UPID),
                "{lines:#?}"
            );
            assert!(
                lines.last().is_some_and(|line| line.starts_with('─')),
                "{lines:#?}"
            );
        }
    }

    #[test]
    fn an_id_with_room_stays_in_its_row() {
        for terminal in [None, Some(140), Some(200)] {
            let lines = drawn(terminal);
            let whole = |line: &&String| line.contains(TIME) && line.contains(UPID);
            assert_eq!(lines.iter().filter(whole).count(), 2, "{lines:#?}");
        }
    }
}
