//! How long a destination asks to wait: `Retry-After` (RFC 9110, 10.2.3) as seconds or as a date.

use std::time::{Duration, UNIX_EPOCH};

use ironcore_types::Timestamp;

/// No destination may put a message off for longer.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// The wait that the header's value asks for, as of `now`; at most a week. None when it cannot be read.
pub(crate) fn parse(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // Too many digits still mean "very long".
        return Some(
            value
                .parse()
                .map_or(LONGEST, |s| Duration::from_secs(s).min(LONGEST)),
        );
    }
    // Some destinations send fractions of a second, against the standard.
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds)
            .ok()
            .map(|wait| wait.min(LONGEST));
    }
    let date = httpdate::parse_http_date(value)
        .ok()?
        .duration_since(UNIX_EPOCH)
        .ok()?;
    let date = Timestamp::from_seconds(i64::try_from(date.as_secs()).ok()?);
    Some(date.since(now).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates() {
        let now: Timestamp = "2026-05-21T00:00:00Z".parse().expect("time");
        let seconds = |value: &str| parse(value, now).map(|d| d.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds(" 0 "), Some(0));
        assert_eq!(parse("0.35", now), Some(Duration::from_millis(350)));
        assert_eq!(seconds("Thu, 21 May 2026 00:01:30 GMT"), Some(90));
        assert_eq!(seconds("Thursday, 21-May-26 00:01:30 GMT"), Some(90));
        assert_eq!(seconds("Wed, 20 May 2026 00:00:00 GMT"), Some(0));
        assert_eq!(seconds("99999999999999999999999"), Some(LONGEST.as_secs()));
        for bad in ["", "soon", "-5", "NaN"] {
            assert_eq!(seconds(bad), None, "{bad:?}");
        }
    }
}
