//! The helpers that templates have beside Handlebars' own: `bytes`, `code`, `duration`, `json`, `time` and `upper`; those that
//! make texts fit are in [`template_fit`](crate::template_fit).
//!
//! A null is written as `–`; a value of the wrong kind is an error at its place in the template.

use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderError, RenderErrorReason,
};
use ironcore_types::Timestamp;
use serde_json::Value;

pub(crate) const NOTHING: &str = "–";

/// Makes the helpers known to a registry.
pub(crate) fn register(registry: &mut Handlebars<'static>) {
    registry.register_helper(
        "bytes",
        Box::new(Text {
            name: "bytes",
            write: bytes,
        }),
    );
    registry.register_helper(
        "duration",
        Box::new(Text {
            name: "duration",
            write: duration,
        }),
    );
    registry.register_helper(
        "time",
        Box::new(Text {
            name: "time",
            write: time,
        }),
    );
    registry.register_helper(
        "upper",
        Box::new(Text {
            name: "upper",
            write: upper,
        }),
    );
    registry.register_helper("json", Box::new(json));
    registry.register_helper("code", Box::new(code));
}

/// A helper that makes a text of one value; the text is escaped like any other value.
struct Text {
    name: &'static str,
    write: fn(&Value) -> Result<String, &'static str>,
}

impl handlebars::HelperDef for Text {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let value = parameter(helper, self.name)?;
        let text = (self.write)(value)
            .map_err(|wanted| other(format!("{} takes {wanted}, not {}", self.name, kind(value))))?;
        out.write(&registry.get_escape_fn()(&text))?;
        Ok(())
    }
}

/// Writes a value as JSON, which needs no further escaping in a `.json` template. In HTML it is escaped.
fn json<'reg, 'rc>(
    helper: &Helper<'rc>,
    registry: &'reg Handlebars<'reg>,
    _: &'rc Context,
    _: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> HelperResult {
    let value = parameter(helper, "json")?;
    let text = serde_json::to_string(value).map_err(RenderErrorReason::from)?;
    out.write(&registry.get_escape_fn()(&text))?;
    Ok(())
}

/// Writes a text for HTML in which what stands between backticks, such as a command, looks like what it is.
fn code<'reg, 'rc>(
    helper: &Helper<'rc>,
    registry: &'reg Handlebars<'reg>,
    _: &'rc Context,
    _: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> HelperResult {
    let text = match parameter(helper, "code")? {
        Value::Null => NOTHING,
        Value::String(text) => text,
        value => return Err(other(format!("code takes a text, not {}", kind(value)))),
    };
    out.write(&with_code(text, registry.get_escape_fn()))?;
    Ok(())
}

/// As in Markdown: so many backticks as begin a code end it. So what holds backticks itself stands between more of them,
/// and spaces beside them are none of it. Those that nothing ends are only backticks.
fn with_code(text: &str, escape: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, code, after)) = next_code(rest) {
        out.push_str(&escape(before));
        out.push_str("<code style=\"font-family:monospace;overflow-wrap:anywhere;\">");
        out.push_str(&escape(code));
        out.push_str("</code>");
        rest = after;
    }
    out.push_str(&escape(rest));
    out
}

/// The first code of a text, with what is before and after it. It stands in one line.
fn next_code(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some((start, begun)) = next_run(text, from) {
        let mut at = begun;
        while let Some((end, after)) = next_run(text, at) {
            if after - end == begun - start {
                let code = text.get(begun..end).filter(|code| !code.contains('\n'));
                if let Some(code) = code {
                    return Some((text.get(..start)?, without_spaces(code), text.get(after..)?));
                }
                break;
            }
            at = after;
        }
        from = begun;
    }
    None
}

/// Where the next backticks begin and end.
fn next_run(text: &str, from: usize) -> Option<(usize, usize)> {
    let start = from + text.get(from..)?.find('`')?;
    let others = text.get(start..)?.find(|c| c != '`');
    Some((start, others.map_or(text.len(), |length| start + length)))
}

/// Code that begins or ends with a backtick stands between spaces.
fn without_spaces(code: &str) -> &str {
    let inner = code.strip_prefix(' ').and_then(|code| code.strip_suffix(' '));
    inner.filter(|inner| !inner.trim().is_empty()).unwrap_or(code)
}

pub(crate) fn parameter<'a>(helper: &'a Helper<'_>, name: &'static str) -> Result<&'a Value, RenderError> {
    let parameter = helper
        .param(0)
        .ok_or(RenderErrorReason::ParamNotFoundForIndex(name, 0))?;
    if parameter.is_value_missing() {
        return Err(RenderErrorReason::MissingVariable(parameter.relative_path().cloned()).into());
    }
    Ok(parameter.value())
}

pub(crate) fn other(message: String) -> RenderError {
    RenderErrorReason::Other(message).into()
}

pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "this text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// `1.2 GiB`, with one digit after the point from KiB on.
pub(crate) fn bytes(value: &Value) -> Result<String, &'static str> {
    if value.is_null() {
        return Ok(NOTHING.to_owned());
    }
    let number = value.as_u64().ok_or("a number of bytes")?;
    let mut unit = "B";
    let mut size = number as f64;
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
        // Above this one digit would be rounded up to the next unit.
        if size < 1023.95 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    Ok(if unit == "B" {
        format!("{number} B")
    } else {
        format!("{size:.1} {unit}")
    })
}

/// Microseconds as `350 ms`, `4.2 s`, `3 min 05 s` or `2 h 04 min`.
pub(crate) fn duration(value: &Value) -> Result<String, &'static str> {
    if value.is_null() {
        return Ok(NOTHING.to_owned());
    }
    let micros = value.as_u64().ok_or("a number of microseconds")?;
    let seconds = micros / 1_000_000;
    Ok(match seconds {
        0 => format!("{} ms", micros / 1_000),
        1..60 => format!("{}.{} s", seconds, micros / 100_000 % 10),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    })
}

/// RFC 3339 as `2026-05-21 02:00:00 UTC`.
fn time(value: &Value) -> Result<String, &'static str> {
    const WANTED: &str = "a time in RFC 3339";
    match value {
        Value::Null => Ok(NOTHING.to_owned()),
        Value::String(text) => {
            let time: Timestamp = text.parse().map_err(|_| WANTED)?;
            // Whole seconds, so that the text has no fraction.
            let text = Timestamp::from_seconds(time.as_seconds()).to_string();
            Ok(format!("{} UTC", text.trim_end_matches('Z').replace('T', " ")))
        }
        _ => Err(WANTED),
    }
}

fn upper(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::Null => Ok(NOTHING.to_owned()),
        Value::String(text) => Ok(text.to_uppercase()),
        _ => Err("a text"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code_and_all_is_escaped() {
        let shown = |text: &str| with_code(text, handlebars::html_escape);
        let style = "<code style=\"font-family:monospace;overflow-wrap:anywhere;\">";
        assert_eq!(
            shown("Run `job run <x>` & `task log`."),
            format!("Run {style}job run &lt;x&gt;</code> &amp; {style}task log</code>.")
        );
        assert_eq!(
            shown("a ` b"),
            "a ` b".replace('`', &handlebars::html_escape("`"))
        );
        assert_eq!(shown("``"), "``".replace('`', &handlebars::html_escape("`")));
        assert_eq!(shown(""), "");
        // What holds backticks stands between more of them.
        let tick = handlebars::html_escape("`");
        assert_eq!(
            shown(r"Run ``ls '/srv/it'\''s `x` <b>&'`` now."),
            format!(
                "Run {style}{}</code> now.",
                handlebars::html_escape(r"ls '/srv/it'\''s `x` <b>&'")
            )
        );
        assert_eq!(
            shown("`` `x` `` is `one` of `two"),
            format!("{style}{tick}x{tick}</code> is {style}one</code> of {tick}two")
        );
        assert_eq!(shown("a ` b\nc ` d"), handlebars::html_escape("a ` b\nc ` d"));
    }

    #[test]
    fn sizes_durations_and_times_read_well() {
        for (value, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_288_490_189, "1.2 GiB"),
            (1_048_575, "1.0 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(&json!(value)), Ok(text.to_owned()));
        }
        for (micros, text) in [
            (350_000_u64, "350 ms"),
            (4_250_000, "4.2 s"),
            (185_000_000, "3 min 05 s"),
            (7_440_000_000, "2 h 04 min"),
        ] {
            assert_eq!(duration(&json!(micros)), Ok(text.to_owned()));
        }
        assert_eq!(
            time(&json!("2026-05-21T02:00:00.123456Z")),
            Ok("2026-05-21 02:00:00 UTC".to_owned())
        );
        assert_eq!(time(&Value::Null), Ok("–".to_owned()));
        assert!(time(&json!("yesterday")).is_err() && bytes(&json!("x")).is_err());
        assert_eq!(upper(&json!("failed")), Ok("FAILED".to_owned()));
    }
}
