//! What commands print: tables on a terminal, plain columns when piped, JSON when asked for.

use std::io::{IsTerminal, Write};

use anyhow::Result;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use ironcore_types::Timestamp;
use serde::Serialize;

use crate::args::OutputMode;

/// Writes to standard output; a reader that went away (`| head`) ends the program quietly.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Writes bytes to standard output as they are.
pub(crate) fn say_bytes(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Writes a complaint to standard error.
pub(crate) fn complain(text: &str) {
    // Nothing can be done when even that fails.
    let _unwritable = writeln!(std::io::stderr().lock(), "ironcore-backup: {text}");
}

/// How this run prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Table,
    Plain,
    Json,
}

impl Form {
    /// What `mode` means here.
    pub(crate) fn of(mode: OutputMode) -> Self {
        match mode {
            OutputMode::Json => Self::Json,
            OutputMode::Table => Self::Table,
            OutputMode::Plain => Self::Plain,
            OutputMode::Auto if std::io::stdout().is_terminal() => Self::Table,
            OutputMode::Auto => Self::Plain,
        }
    }

    /// Prints `value` as JSON, or the rows made of it.
    pub(crate) fn rows<T: Serialize>(
        self,
        value: &T,
        head: &[&str],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> Result<()> {
        match self {
            Self::Json => say(&serde_json::to_string_pretty(value)?),
            Self::Plain => {
                say(&head.join("\t"));
                for row in rows {
                    // A tab or a line end in a value must not make a new column or row.
                    let cells: Vec<String> = row
                        .iter()
                        .map(|cell| cell.replace(['\t', '\n', '\r'], " "))
                        .collect();
                    say(&cells.join("\t"));
                }
            }
            Self::Table => {
                let mut table = Table::new();
                table.load_style(UTF8_HORIZONTAL_ONLY);
                table.set_content_arrangement(ContentArrangement::Dynamic);
                table.set_header(head.to_vec());
                for row in rows {
                    table.add_row(row);
                }
                say(&table.to_string());
            }
        }
        Ok(())
    }

    /// Prints `value` as JSON, or labelled lines made of it.
    pub(crate) fn fields<T: Serialize>(self, value: &T, fields: &[(&str, String)]) -> Result<()> {
        if self == Self::Json {
            say(&serde_json::to_string_pretty(value)?);
            return Ok(());
        }
        let width = fields.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
        for (label, text) in fields {
            say(&format!("{label:<width$}  {text}"));
        }
        Ok(())
    }
}

/// `1.5 GiB`, for people; plain and JSON forms print the number itself.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

/// `12.3 s`, `4 min 10 s`.
pub(crate) fn duration(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    match seconds {
        0..60 => format!("{}.{} s", seconds, micros % 1_000_000 / 100_000),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A time, or a dash.
pub(crate) fn time(time: Option<Timestamp>) -> String {
    time.map_or_else(
        || "-".to_owned(),
        |time| Timestamp::from_seconds(time.as_seconds()).to_string(),
    )
}

/// A value, or a dash.
pub(crate) fn or_dash<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}
