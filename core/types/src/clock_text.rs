//! Times as people type them: RFC 3339, a date, or relative to now (`24h ago`, `1h`, `now`).

use crate::timestamp::{InvalidTimestamp, Span, Timestamp};

/// Reads `text` as a point in time; `now` is what relative forms count from.
///
/// Accepted: `now`, `SPAN ago` or just `SPAN` (any [`Span`]), RFC 3339, and a bare date (midnight UTC).
pub fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, InvalidTimestamp> {
    let trimmed = text.trim();
    if trimmed == "now" {
        return Ok(now);
    }
    let span = trimmed.strip_suffix("ago").unwrap_or(trimmed).trim_end();
    if let Ok(span) = span.parse::<Span>() {
        return Ok(now.before(span.duration()));
    }
    if trimmed.len() == "2026-05-21".len() {
        return format!("{trimmed}T00:00:00Z")
            .parse()
            .map_err(|_| InvalidTimestamp::new(text));
    }
    trimmed.parse().map_err(|_| InvalidTimestamp::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_and_absolute() {
        let now: Timestamp = "2026-05-21T12:00:00Z".parse().expect("time");
        let at = |text| parse_time(text, now).map(|t| t.to_string());
        assert_eq!(at("24h ago").as_deref(), Ok("2026-05-20T12:00:00Z"));
        assert_eq!(at("1h ago").as_deref(), Ok("2026-05-21T11:00:00Z"));
        assert_eq!(at("1h").as_deref(), Ok("2026-05-21T11:00:00Z"));
        assert_eq!(at("2026-05-01").as_deref(), Ok("2026-05-01T00:00:00Z"));
        assert_eq!(
            at("2026-05-01T01:00:00+01:00").as_deref(),
            Ok("2026-05-01T00:00:00Z")
        );
        assert!(at("soon").is_err());
    }
}
