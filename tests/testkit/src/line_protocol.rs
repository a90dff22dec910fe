//! InfluxDB's line protocol, read strictly: a point a line, tags in order and each once, fields with their types, a time
//! in nanoseconds. <https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/>

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// `7i`.
    Integer(i64),
    /// `7.5`.
    Float(f64),
    /// `"text"`.
    Text(String),
    /// `true`.
    Flag(bool),
}

/// A point.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The measurement.
    pub measurement: String,
    /// Tags by name.
    pub tags: BTreeMap<String, String>,
    /// Fields by name.
    pub fields: BTreeMap<String, Field>,
    /// Nanoseconds since 1970.
    pub time_ns: i64,
}

/// The points of a body; an error tells of the first line that is not as it should be.
pub fn parse(body: &str) -> Result<Vec<Point>> {
    ensure!(body.ends_with('\n'), "the last line does not end");
    let points = body
        .lines()
        .map(|line| point(line).with_context(|| line.to_owned()));
    points.collect()
}

fn point(line: &str) -> Result<Point> {
    let mut rest = line;
    let measurement = name(&mut rest, &[',', ' '], &[])?;
    ensure!(
        !measurement.is_empty() && !measurement.starts_with(['_', '#']),
        "no measurement"
    );
    let mut tags = BTreeMap::new();
    let mut last = String::new();
    while let Some(after) = rest.strip_prefix(',') {
        rest = after;
        let key = name(&mut rest, &['='], &[',', ' '])?;
        rest = rest.strip_prefix('=').context("a tag has a value")?;
        let value = name(&mut rest, &[',', ' '], &['='])?;
        ensure!(!key.is_empty() && !value.is_empty(), "an empty tag: {key:?}");
        ensure!(key > last, "tags are in order, each once: {key}");
        last.clone_from(&key);
        tags.insert(key, value);
    }
    rest = rest.strip_prefix(' ').context("a space before the fields")?;
    let mut fields = BTreeMap::new();
    loop {
        let key = name(&mut rest, &['='], &[',', ' '])?;
        rest = rest.strip_prefix('=').context("a field has a value")?;
        let field = field(&mut rest)?;
        ensure!(!key.is_empty(), "a field without a name");
        ensure!(!tags.contains_key(&key), "{key} is a tag too");
        ensure!(fields.insert(key, field).is_none(), "a field comes twice");
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => break,
        }
    }
    let time = rest.strip_prefix(' ').context("a space before the time")?;
    let time_ns: i64 = time.parse().context("a time in nanoseconds")?;
    // Of this century, and not in another unit.
    ensure!(
        (946_684_800_000_000_000..4_102_444_800_000_000_000).contains(&time_ns),
        "no time in nanoseconds: {time}"
    );
    Ok(Point {
        measurement,
        tags,
        fields,
        time_ns,
    })
}

/// Takes what stands before the first of `ends` that is not escaped; `never` must not stand there unless they are.
fn name(rest: &mut &str, ends: &[char], never: &[char]) -> Result<String> {
    let mut out = String::new();
    let mut characters = rest.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if ends.contains(&character) {
            *rest = &rest[at..];
            return Ok(out);
        }
        match (character, characters.peek()) {
            ('\\', Some((_, next @ (',' | '=' | ' ')))) => {
                out.push(*next);
                characters.next();
            }
            _ if never.contains(&character) => bail!("{character:?} is not escaped"),
            _ => out.push(character),
        }
    }
    bail!("it ends too early")
}

fn field(rest: &mut &str) -> Result<Field> {
    if let Some(quoted) = rest.strip_prefix('"') {
        let mut out = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    *rest = &quoted[at + 1..];
                    return Ok(Field::Text(out));
                }
                '\\' => match characters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => out.push(escaped),
                    other => bail!("{other:?} is escaped, which it need not be"),
                },
                other => out.push(other),
            }
        }
        bail!("a text does not end");
    }
    let end = rest.find([',', ' ']).context("a field ends")?;
    let (word, after) = rest.split_at(end);
    *rest = after;
    if let Some(digits) = word.strip_suffix('i') {
        return Ok(Field::Integer(digits.parse().context("a whole number")?));
    }
    match word {
        "true" => Ok(Field::Flag(true)),
        "false" => Ok(Field::Flag(false)),
        number => {
            let value: f64 = number.parse().context("a number")?;
            ensure!(
                value.is_finite() && number.contains('.'),
                "{number:?} is no float"
            );
            Ok(Field::Float(value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read() {
        let line =
            "my\\ m,a=x\\,\\ y,b\\=c=d f=1.5,i=-7i,s=\"a \\\"b\\\" \\\\ c, d\",t=true 1779328830500000042\n";
        let points = parse(line).expect("it is right");
        let [point] = &points[..] else {
            panic!("{points:?}")
        };
        assert_eq!(
            (point.measurement.as_str(), point.time_ns),
            ("my m", 1_779_328_830_500_000_042)
        );
        assert_eq!(
            (point.tags["a"].as_str(), point.tags["b=c"].as_str()),
            ("x, y", "d")
        );
        assert_eq!(point.fields["f"], Field::Float(1.5));
        assert_eq!(point.fields["i"], Field::Integer(-7));
        assert_eq!(point.fields["s"], Field::Text("a \"b\" \\ c, d".to_owned()));
        assert_eq!(point.fields["t"], Field::Flag(true));
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let right = "m,a=1,b=2 f=1i 1779328830500000042\n";
        assert!(parse(right).is_ok());
        for (from, to) in [
            ("\n", ""),
            ("a=1,b=2", "b=2,a=1"),
            ("a=1,b=2", "a=1,a=2"),
            ("a=1", "a="),
            ("a=1", "a=1 2"),
            ("a=1", "a=1=2"),
            ("f=1i", "f=1"),
            ("f=1i", "f=NaN"),
            ("f=1i", "f=\"x"),
            ("f=1i", "a=1i"),
            ("f=1i", "f=1i,f=2i"),
            (" 1779328830500000042", ""),
            ("1779328830500000042", "1779328830"),
            ("m,", ","),
        ] {
            assert!(parse(&right.replacen(from, to, 1)).is_err(), "{from} → {to}");
        }
    }
}
