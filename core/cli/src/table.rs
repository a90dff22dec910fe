//! Tables for a terminal: ids stay in one piece, and what finds no room gives way.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};

/// A wider column may be wrapped, down to this; a narrower one, such as a time, is read better in one piece.
const WRAPPED_TO: usize = 20;
/// A space on either side of a column, and one between it and the next.
const SPACES: usize = 3;

/// How a column gives way when the terminal is too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivesWay {
    /// It holds ids, which people copy: never wrapped, but moved to a line of its own under each row.
    Id(usize),
    /// It is moved to a line of its own under each row.
    Under(usize),
    /// It is left out.
    Out(usize),
}

impl GivesWay {
    fn column(self) -> usize {
        match self {
            Self::Id(column) | Self::Under(column) | Self::Out(column) => column,
        }
    }
}

/// How many of `order` give way, first come first, until the others find room; all when that is not enough either.
fn giving_way(widths: &[u16], order: &[GivesWay], terminal: u16) -> usize {
    let needed = |gone: &[GivesWay]| {
        let stays = |column: usize| gone.iter().all(|way| way.column() != column);
        let least = widths.iter().enumerate().filter(|(column, _)| stays(*column));
        let least = least.map(|(column, width)| match usize::from(*width) {
            width if order.contains(&GivesWay::Id(column)) => width + SPACES,
            width => width.min(WRAPPED_TO) + SPACES,
        });
        least.sum::<usize>().saturating_sub(1)
    };
    (0..order.len())
        .find(|count| needed(&order[..*count]) <= usize::from(terminal))
        .unwrap_or(order.len())
}

/// The table as text. Without the width of a terminal every column gets the room it wants.
pub(crate) fn draw(head: &[&str], rows: &[Vec<String>], order: &[GivesWay], terminal: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head.to_vec());
    for row in rows {
        table.add_row(row);
    }
    let Some(terminal) = terminal else {
        table.force_no_tty();
        return table.to_string();
    };
    table.set_width(terminal);
    let count = giving_way(&table.column_max_content_widths(), order, terminal);
    let (gone, stay) = order.split_at(count);
    let mut under: Vec<usize> = Vec::new();
    for way in gone {
        constrain(&mut table, *way, ColumnConstraint::Hidden);
        if !matches!(way, GivesWay::Out(_)) {
            under.push(way.column());
        }
    }
    for way in stay.iter().filter(|way| matches!(way, GivesWay::Id(_))) {
        constrain(&mut table, *way, ColumnConstraint::ContentWidth);
    }
    under.sort_unstable();

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
        }
        below_head |= line.starts_with('═');
        lines.push(line);
    }
    lines.join("\n")
}

/// The width of the terminal that standard output is; none when it is something else.
pub(crate) fn terminal() -> Option<u16> {
    Table::new().width()
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
        let widths = [20, 20, 16, 7, 60, 7, 10, 97];
        let order = [GivesWay::Id(7), GivesWay::Under(4), GivesWay::Out(1)];
        let expected = [
            (220, 0),
            (219, 1),
            (140, 1),
            (120, 1),
            (119, 2),
            (100, 2),
            (97, 2),
            (96, 3),
            (80, 3),
            (20, 3),
        ];
        for (terminal, count) in expected {
            assert_eq!(giving_way(&widths, &order, terminal), count, "{terminal}");
        }
        assert_eq!(giving_way(&widths, &[], 80), 0);
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
