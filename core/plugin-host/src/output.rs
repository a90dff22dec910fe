//! What a guest says: lines it logs and text it prints, both kept within bounds.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError};

use crate::effects::{LogLevel, LogLine};

/// The longest line that is kept, bytes.
const MAX_LINE: usize = 2 << 10;
/// How many lines of a call are kept.
const MAX_LINES: usize = 200;
/// How much printed text of a call is kept, bytes.
const MAX_PRINTED: usize = 32 << 10;

/// Cuts a line and takes out what could disturb a terminal or another line.
fn tidy(text: &str) -> String {
    let mut end = text.len().min(MAX_LINE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end]
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The lines of a call.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    lines: Vec<LogLine>,
}

impl Lines {
    /// Keeps a line and returns it as kept, unless there are too many.
    pub(crate) fn push(&mut self, level: LogLevel, text: &str) -> Option<&LogLine> {
        let line = match self.lines.len() {
            n if n < MAX_LINES => LogLine {
                level,
                text: tidy(text),
            },
            MAX_LINES => LogLine {
                level: LogLevel::Warn,
                text: "further lines are left out".to_owned(),
            },
            _ => return None,
        };
        self.lines.push(line);
        self.lines.last()
    }

    /// All lines, with what was printed after them.
    pub(crate) fn finish(mut self, printed: &Printed) -> Vec<LogLine> {
        let text = printed.text();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if self.push(LogLevel::Info, line).is_none() {
                break;
            }
        }
        self.lines
    }
}

/// The text that a guest printed. Clones share it; what is too much is dropped silently.
#[derive(Debug, Clone, Default)]
pub(crate) struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, bytes: &[u8]) {
        let mut kept = self.lock();
        let room = MAX_PRINTED.saturating_sub(kept.len());
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock()).into_owned()
    }

    /// The first line of a panic's message, when there was one.
    pub(crate) fn panic_message(&self) -> Option<String> {
        let text = self.text();
        let at = text.find("panicked at")?;
        let mut lines = text[at..].lines().map(str::trim).filter(|line| !line.is_empty());
        let place = lines
            .next()?
            .trim_start_matches("panicked at ")
            .trim_end_matches(':');
        Some(match lines.next() {
            Some(message) => tidy(&format!("{message} ({place})")),
            None => tidy(place),
        })
    }
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    // The default would write from a task of its own, and lose what was printed just before a trap.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Printed {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(MAX_PRINTED)
    }
}

impl Pollable for Printed {
    fn ready<'a, 'b>(&'a mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        std::future::ready(()).boxed()
    }
}

impl AsyncWrite for Printed {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.append(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_counted() {
        let mut lines = Lines::default();
        let long = "é".repeat(MAX_LINE);
        assert_eq!(
            lines.push(LogLevel::Info, &long).map(|l| l.text.len()),
            Some(MAX_LINE)
        );
        assert_eq!(
            lines
                .push(LogLevel::Info, "a\nb\u{1b}[2J")
                .map(|l| l.text.as_str()),
            Some("a b [2J")
        );
        for _ in 2..MAX_LINES {
            assert!(lines.push(LogLevel::Info, "x").is_some());
        }
        assert_eq!(
            lines.push(LogLevel::Info, "x").map(|l| l.level),
            Some(LogLevel::Warn)
        );
        assert!(lines.push(LogLevel::Info, "x").is_none());
        assert_eq!(lines.finish(&Printed::default()).len(), MAX_LINES + 1);
    }

    #[test]
    fn printed_text_is_bounded_and_panics_are_found_in_it() {
        let printed = Printed::default();
        printed.append(b"\nthread 'main' panicked at src/lib.rs:1:2:\nno luck\nnote: run with\n");
        assert_eq!(
            printed.panic_message().as_deref(),
            Some("no luck (src/lib.rs:1:2)")
        );
        printed.append(&vec![b'x'; 2 * MAX_PRINTED]);
        assert_eq!(printed.text().len(), MAX_PRINTED);
        assert_eq!(Printed::default().panic_message(), None);
    }
}
