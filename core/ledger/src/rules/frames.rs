//! Log frames: a run of lines as one zstd frame of JSON lines.

use ironcore_types::Timestamp;

use crate::error::{LedgerError, Result};
use crate::model::{LogLevel, LogLine, NewLogLine};

/// Fast, and text still shrinks to a fifth.
const LEVEL: i32 = 1;

/// Frames come from this ledger alone; the bound only keeps a damaged one from taking all memory.
const MAX_DECODED: u64 = 256 * 1024 * 1024;

/// One frame of these lines.
pub(crate) fn encode(lines: &[NewLogLine]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines {
        let row = (line.time.as_micros(), line.level, &line.text);
        serde_json::to_writer(&mut text, &row).map_err(|e| LedgerError::row("a log line", e))?;
        text.push(b'\n');
    }
    zstd::bulk::compress(&text, LEVEL).map_err(|e| LedgerError::row("a log frame", e))
}

/// The lines of a frame whose first line has number `first`.
pub(crate) fn decode(first: u64, bytes: &[u8]) -> Result<Vec<LogLine>> {
    use std::io::Read as _;
    let mut text = Vec::new();
    zstd::stream::read::Decoder::new(bytes)
        .and_then(|decoder| decoder.take(MAX_DECODED).read_to_end(&mut text))
        .map_err(|e| LedgerError::row("a log frame", e))?;
    text.split(|byte| *byte == b'\n')
        .filter(|row| !row.is_empty())
        .zip(first..)
        .map(|(row, line)| {
            let (micros, level, text): (i64, LogLevel, String) =
                serde_json::from_slice(row).map_err(|e| LedgerError::row("a log line", e))?;
            Ok(LogLine {
                line,
                time: Timestamp::from_micros(micros),
                level,
                text,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_read_back() {
        let lines: Vec<_> = ["plain", "", "two\nlines \u{1f4be} \"quoted\""]
            .iter()
            .map(|text| NewLogLine {
                time: Timestamp::EPOCH,
                level: LogLevel::Warn,
                text: (*text).to_owned(),
            })
            .collect();
        let back = decode(7, &encode(&lines).expect("encode")).expect("decode");
        assert_eq!(back.iter().map(|l| l.line).collect::<Vec<_>>(), [7, 8, 9]);
        assert_eq!(back[2].text, "two\nlines \u{1f4be} \"quoted\"");
        assert_eq!(back[1].level, LogLevel::Warn);
        assert!(decode(1, b"no frame").is_err());
    }
}
