//! What commands print: tables on a terminal, plain columns when piped, JSON when asked for.

use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::Result;
use ironcore_types::Timestamp;
use serde::Serialize;

use crate::args::OutputMode;
use crate::exit::Exit;
use crate::table::{self, GivesWay};

/// Writes a line, or several, to standard output.
pub(crate) fn say(text: &str) {
    say_bytes(format!("{text}\n").as_bytes());
}

/// Writes bytes to standard output as they are. When they cannot be written, the program ends here: quietly when
/// their reader went away (`| head`), else as a failure, for what was asked for is not there.
pub(crate) fn say_bytes(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    // Flushed each time: bytes that wait for the end of the program would be lost there without a word.
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        let exit = unwritten(&error);
        if exit != Exit::Ok {
            complain(&format!("cannot write the output: {error}"));
        }
        std::process::exit(exit as i32);
    }
}

/// What output that cannot be written means for the command.
fn unwritten(error: &std::io::Error) -> Exit {
    match error.kind() {
        ErrorKind::BrokenPipe => Exit::Ok,
        _ => Exit::Failed,
    }
}

/// Writes a complaint to standard error.
pub(crate) fn complain(text: &str) {
    // Nothing can be done when even that fails.
    let _unwritable = writeln!(std::io::stderr().lock(), "ironcore-backup: {text}");
}

/// Writes to standard error what a person should know beside the output.
pub(crate) fn note(text: &str) {
    // Nothing can be done when even that fails.
    let _unwritable = writeln!(std::io::stderr().lock(), "{text}");
}

/// Asks a person at the terminal, on standard error. Anything but y and yes is no, and so is the end of the input.
pub(crate) fn ask(question: &str) -> Result<bool> {
    let mut terminal = std::io::stderr().lock();
    write!(terminal, "{question} [y/N] ")?;
    terminal.flush()?;
    drop(terminal);
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    let answer = answer.trim();
    answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes")
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
        self.listing(value, head, &[], rows)
    }

    /// Like [`Form::rows`]; in a table that is too wide for the terminal, columns give way in this order.
    pub(crate) fn listing<T: Serialize>(
        self,
        value: &T,
        head: &[&str],
        order: &[GivesWay],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> Result<()> {
        match self {
            Self::Json => say(&serde_json::to_string_pretty(value)?),
            Self::Plain => {
                say(&head.join("\t"));
                for row in rows {
                    let cells: Vec<String> = row.iter().map(|cell| table::one_line(cell)).collect();
                    say(&cells.join("\t"));
                }
            }
            Self::Table => {
                let rows: Vec<Vec<String>> = rows.into_iter().collect();
                say(&table::draw(head, &rows, order, table::terminal()));
            }
        }
        Ok(())
    }

    /// Prints `value` as JSON, or labelled lines made of it: padded for people, with a tab when piped.
    pub(crate) fn fields<T: Serialize>(self, value: &T, fields: &[(&str, String)]) -> Result<()> {
        match self {
            Self::Json => say(&serde_json::to_string_pretty(value)?),
            Self::Plain => {
                for (label, text) in fields {
                    say(&format!("{label}\t{}", table::one_line(text)));
                }
            }
            Self::Table => {
                let width = fields.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
                for (label, text) in fields {
                    say(&format!("{label:<width$}  {text}"));
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for answer in ["y\n", "Y\r\n", " yes \n", "Yes"] {
            assert!(is_yes(answer), "{answer:?}");
        }
        for answer in ["", "\n", "n\n", "no\n", "yess\n", "yes no\n"] {
            assert!(!is_yes(answer), "{answer:?}");
        }
    }

    #[test]
    fn only_a_reader_that_went_away_is_no_failure() {
        assert_eq!(unwritten(&ErrorKind::BrokenPipe.into()), Exit::Ok);
        assert_eq!(unwritten(&ErrorKind::StorageFull.into()), Exit::Failed);
        assert_eq!(unwritten(&ErrorKind::Other.into()), Exit::Failed);
    }
}
