//! InfluxDB's line protocol: a point for each task that ended, all of a message in one request.
//! <https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/>

use std::fmt::Write as _;

use ironcore_plugin::{Delivery, Failure, Host, Receipt};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::TEST;
use crate::answer;
use crate::config::Config;
use crate::task_end::TaskEnd;

const TEXT: &str = "text/plain; charset=utf-8";

/// Writes the points. Sent again, they are the same points: nothing is counted twice.
pub(crate) fn push(
    host: &impl Host,
    delivery: &Delivery,
    config: &Config,
    ends: &[TaskEnd],
) -> Result<Receipt, Failure> {
    let Some(bucket) = &config.bucket else {
        return Err(Failure::rejected("plugin.config", "`bucket` is missing"));
    };
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut path = format!("/api/v2/write?bucket={}&precision=ns", encoded(bucket));
    if let Some(org) = &config.org {
        path.push_str(&format!("&org={}", encoded(org)));
    }
    let mut measurement = config.measurement.clone();
    if delivery.kind == TEST {
        // What did not happen is not among what did.
        measurement.push_str("_test");
    }
    let body: String = ends
        .iter()
        .map(|end| point(&measurement, &delivery.hub.name, config, end))
        .collect();
    answer::outcome(host.http(&config.request("POST", &path, TEXT, body)))
}

/// One line.
fn point(measurement: &str, hub: &str, config: &Config, end: &TaskEnd) -> String {
    let mut line = escaped(measurement, &[',', ' ']);
    let mut tags: Vec<(&str, &str)> = vec![
        ("hub", hub),
        ("state", &end.state),
        ("type", &end.task_type),
        ("project", end.project.as_deref().unwrap_or_default()),
        ("job", end.job.as_deref().unwrap_or_default()),
    ];
    tags.extend(
        config
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    // InfluxDB asks for tags in the order of their names; those without a value there are none.
    tags.sort_unstable();
    for (name, value) in tags {
        let value = escaped(value, &[',', '=', ' ']);
        if !value.is_empty() {
            line.push_str(&format!(",{name}={value}"));
        }
    }
    let mut fields = vec![
        ("bytes", integer(end.bytes)),
        ("warnings", integer(end.warnings)),
        ("good", end.is_good().to_string()),
    ];
    fields.extend(end.duration.map(|seconds| ("duration_seconds", float(seconds))));
    fields.extend(end.queued.map(|seconds| ("queued_seconds", float(seconds))));
    fields.extend(end.stats.iter().map(|(name, value)| (*name, integer(*value))));
    fields.extend(end.error.as_deref().map(|code| ("error", string(code))));
    for (number, (name, value)) in fields.iter().enumerate() {
        // A String takes all.
        let _always = write!(line, "{}{name}={value}", if number == 0 { ' ' } else { ',' });
    }
    let _always = writeln!(line, " {}", nanoseconds(end));
    line
}

/// Points of the same tags and time are one point. Tasks that end in the same microsecond differ by their numbers, the
/// same way each time.
fn nanoseconds(end: &TaskEnd) -> i64 {
    let below = i64::try_from(end.number % 1_000).unwrap_or(0);
    end.ended_us.saturating_mul(1_000).saturating_add(below)
}

/// Signed, for version 1 knows no others.
fn integer(value: u64) -> String {
    format!("{}i", i64::try_from(value).unwrap_or(i64::MAX))
}

fn float(value: f64) -> String {
    // Without a point it would still be read as a float; with one people see that it is.
    format!("{value:?}")
}

fn string(value: &str) -> String {
    let value = one_line(value).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{value}\"")
}

/// A name or the value of a tag. A backslash at the end would escape what follows, and cannot be escaped itself.
fn escaped(text: &str, special: &[char]) -> String {
    let text = one_line(text);
    let mut out = String::with_capacity(text.len());
    for character in text.trim_end_matches('\\').chars() {
        if special.contains(&character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// A line feed would end the point.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_holds_does_not_end_it() {
        let tag = |text| escaped(text, &[',', '=', ' ']);
        assert_eq!(tag("a b,c=d\"e"), "a\\ b\\,c\\=d\"e");
        assert_eq!(tag("two\nlines"), "two\\ lines");
        assert_eq!(tag("C:\\dir\\"), "C:\\dir");
        assert_eq!(tag("größer"), "größer");
        assert_eq!(escaped("a=b c", &[',', ' ']), "a=b\\ c", "a measurement");
        assert_eq!(string("a \"b\" \\ c,d=e\n"), "\"a \\\"b\\\" \\\\ c,d=e \"");
    }

    #[test]
    fn numbers_say_what_they_are() {
        assert_eq!(
            (integer(7), integer(u64::MAX)),
            ("7i".to_owned(), format!("{}i", i64::MAX))
        );
        assert_eq!((float(2.0), float(0.25)), ("2.0".to_owned(), "0.25".to_owned()));
    }
}
