//! Where in a template a part of what it made comes from. Plain functions.

use std::io;

use handlebars::{Context, Handlebars};

/// A file, with its place as `FILE:LINE:COLUMN` when that is known (from 1; 0 when not).
pub(crate) fn named(file: &str, line: u32, column: u32) -> String {
    match line {
        0 => file.to_owned(),
        line => format!("{file}:{line}:{column}"),
    }
}

/// Why what a template made is not JSON, with the place in what it made: that is another than in the template.
pub(crate) fn no_json(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let why = error.to_string();
    let why = why.strip_suffix(&format!(" at line {line} column {column}"));
    let why = why.map_or_else(|| error.to_string(), str::to_owned);
    format!("what it makes is not JSON: {why} in line {line}, column {column} of what it makes")
}

/// The template, line and column that the fault in `text`, which the template `name` made, comes from; a partial perhaps.
/// It is made once more to learn that. None when it cannot be known.
pub(crate) fn of<'s>(
    registry: &Handlebars<'static>,
    name: &str,
    context: &Context,
    text: &str,
    error: &serde_json::Error,
    source: impl Fn(&str) -> Option<&'s str>,
) -> Option<(String, u32, u32)> {
    let mut until = Until {
        left: offset(text, error.line(), error.column()),
        part: None,
    };
    let stopped = registry
        .render_with_context_to_write(name, context, &mut until)
        .err()?;
    let template = stopped.template_name.clone().unwrap_or_else(|| name.to_owned());
    let begins = (stopped.line_no?, stopped.column_no?);
    let part = until.part.as_ref().zip(source(&template));
    let exact = part.and_then(|((part, at), source)| within(source, begins, part, *at));
    let (line, column) = exact.unwrap_or(begins);
    Some((template, u32::try_from(line).ok()?, u32::try_from(column).ok()?))
}

/// Takes what a template makes, and stops it at a byte.
struct Until {
    /// Bytes before that.
    left: usize,
    /// The part that holds it, and its place therein.
    part: Option<(String, usize)>,
}

impl io::Write for Until {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.left.checked_sub(bytes.len()) {
            Some(left) => {
                self.left = left;
                Ok(bytes.len())
            }
            None => {
                let part = String::from_utf8_lossy(bytes).into_owned();
                self.part = Some((part, self.left));
                Err(io::Error::other("here"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The byte at a line and a column of bytes, both from 1; the last one for what is behind the end.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before = text.split_inclusive('\n').take(line.saturating_sub(1));
    let begins: usize = before.map(str::len).sum();
    (begins + column.saturating_sub(1)).min(text.len().saturating_sub(1))
}

/// Line and column of a byte of `part` when `part` stands in the template as it is: at the place where its element begins,
/// but for spaces that the template leaves out.
fn within(source: &str, (line, column): (usize, usize), part: &str, at: usize) -> Option<(usize, usize)> {
    if part.trim().is_empty() {
        return None;
    }
    let lines = source.split_inclusive('\n').take(line.saturating_sub(1));
    let begins: usize = lines.map(str::len).sum();
    let rest = source.get(begins..)?.chars().take(column.saturating_sub(1));
    let begins = begins + rest.map(char::len_utf8).sum::<usize>();
    let begins = source.get(..begins)?.trim_end().len();
    let gap = source[begins..].find(part)?;
    if !source[begins..begins + gap].trim().is_empty() {
        return None;
    }
    let before = source.get(..begins + gap + at)?;
    let last = before.rfind('\n').map_or(0, |newline| newline + 1);
    Some((
        before.matches('\n').count() + 1,
        before[last..].chars().count() + 1,
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Where it says that the fault is, of what these templates make of a title with quotes.
    fn place(text: &str, part: &str) -> Option<(String, u32, u32)> {
        let mut registry = Handlebars::new();
        registry.register_escape_fn(handlebars::no_escape);
        let sources = [("mine.json", text), ("part.json", part)];
        for (name, text) in sources {
            registry
                .register_template_string(name, text)
                .expect("it can be read");
        }
        let context = Context::from(json!({ "title": "say \"yes\"", "list": [1, 2] }));
        let made = registry
            .render_with_context("mine.json", &context)
            .expect("it makes something");
        let error = serde_json::from_str::<serde::de::IgnoredAny>(&made).expect_err("no JSON");
        let source = |name: &str| {
            let found = sources.iter().find(|(known, _)| *known == name);
            found.map(|(_, text)| *text)
        };
        of(&registry, "mine.json", &context, &made, &error, source)
    }

    fn at(name: &str, line: u32, column: u32) -> Option<(String, u32, u32)> {
        Some((name.to_owned(), line, column))
    }

    #[test]
    fn a_fault_is_told_by_its_place_in_the_template() {
        // In a text of the template; behind a value, and in one; after lines that the template leaves out; in a partial.
        for (text, wanted) in [
            ("no JSON", at("mine.json", 1, 2)),
            ("{\n  \"a\": 1,\n  \"b\": oops\n}", at("mine.json", 3, 8)),
            ("{\n  \"a\": {{title}}\n}", at("mine.json", 2, 8)),
            ("{ \"ü\": \"{{title}}\" }", at("mine.json", 1, 9)),
            (
                "{{#if title}}\n{\n  \"a\": oops\n}\n{{/if}}\n",
                at("mine.json", 3, 8),
            ),
            (
                "{ \"a\": [{{#each list}}{{this}} {{/each}}] }",
                at("mine.json", 1, 23),
            ),
            ("{\n{{> part.json}}\n}", at("part.json", 2, 6)),
            ("{ \"a\": 1", at("mine.json", 1, 8)),
        ] {
            assert_eq!(place(text, "\"a\":\n     x"), wanted, "{text}");
        }
        assert_eq!(place("{{! nothing }}", ""), None);
    }

    #[test]
    fn the_place_in_what_is_made_is_told_as_such() {
        let error = serde_json::from_str::<serde::de::IgnoredAny>("{\n x").expect_err("no JSON");
        assert_eq!(
            no_json(&error),
            "what it makes is not JSON: key must be a string in line 2, column 2 of what it makes"
        );
        assert_eq!(named("a.json", 0, 0), "a.json");
        assert_eq!(named("a.json", 2, 3), "a.json:2:3");
    }
}
