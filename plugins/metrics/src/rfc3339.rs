//! Times of events as numbers: `2026-05-21T02:00:00.123456Z`, which is how the hub writes them.

/// Microseconds since 1970; none when the text is no time of UTC in that form.
pub(crate) fn micros(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (year, month, day) = numbers(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let (hour, minute, second) = numbers(time, ':')?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000_000 + fraction_micros(fraction)?)
}

fn numbers(text: &str, separator: char) -> Option<(i64, i64, i64)> {
    let mut parts = text.split(separator).map(number);
    let three = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(three)
}

fn number(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// Digits after the point; beyond the sixth they are left out.
fn fraction_micros(digits: &str) -> Option<i64> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let six: String = digits.chars().chain("000000".chars()).take(6).collect();
    six.parse().ok()
}

/// Days since 1970, by Howard Hinnant's `days_from_civil`: <https://howardhinnant.github.io/date_algorithms.html>
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-05-21T02:00:00Z", 1_779_328_800_000_000),
            ("2026-05-21T02:00:00.5Z", 1_779_328_800_500_000),
            ("2000-02-29T23:59:59.123456789Z", 951_868_799_123_456),
            ("1969-12-31T23:59:59.999999Z", -1),
        ] {
            assert_eq!(micros(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "2026-05-21",
            "2026-05-21T02:00:00",
            "2026-05-21T02:00:00+02:00",
            "2026-13-21T02:00:00Z",
            "2026-05-21T24:00:00Z",
            "2026-05-21T02:00:00.xZ",
            "2026-05-21T02:00Z",
            "2026-05-21-01T02:00:00Z",
        ] {
            assert_eq!(micros(text), None, "{text:?}");
        }
    }
}
