//! Prometheus's text format, read as strictly as `promtool check metrics` does, and a little more: what its server would
//! guess, or accept with a warning, is an error here.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// A family: its samples in the order of the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// What it is, for people.
    pub help: String,
    /// Name, labels and value of each sample.
    pub samples: Vec<(String, Labels, f64)>,
}

/// The families of a text, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exposition(pub BTreeMap<String, Family>);

/// A text that is being read.
#[derive(Default)]
struct Reading {
    families: BTreeMap<String, Family>,
    current: Option<(String, Family)>,
    /// A HELP whose TYPE comes next.
    help: Option<(String, String)>,
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<()> {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            ensure!(self.help.is_none(), "HELP after HELP");
            let (name, words) = rest.split_once(' ').context("HELP without words")?;
            ensure!(!words.trim().is_empty(), "HELP without words");
            self.close()?;
            self.help = Some((name.to_owned(), unescape(words, false)?));
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').context("TYPE without a type")?;
            let (of, help) = self.help.take().context("TYPE without HELP")?;
            ensure!(of == name, "TYPE of {name} after HELP of {of}");
            check_family(name, kind)?;
            ensure!(!self.families.contains_key(name), "{name} comes twice");
            let family = Family {
                kind: kind.to_owned(),
                help,
                samples: Vec::new(),
            };
            self.current = Some((name.to_owned(), family));
            return Ok(());
        }
        ensure!(
            !line.starts_with('#') && !line.is_empty(),
            "neither sample nor head"
        );
        let sample = sample(line)?;
        let (name, family) = self.current.as_mut().context("a sample before any TYPE")?;
        check_sample(name, family, &sample)?;
        family.samples.push(sample);
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some((name, family)) = self.current.take() else {
            return Ok(());
        };
        if family.kind == "histogram" {
            check_histogram(&name, &family).with_context(|| name.clone())?;
        }
        self.families.insert(name, family);
        Ok(())
    }
}

impl Exposition {
    /// Reads a text; an error tells of the first line that is not as it should be.
    pub fn parse(text: &str) -> Result<Self> {
        ensure!(
            text.is_empty() || text.ends_with('\n'),
            "the last line does not end"
        );
        let mut reading = Reading::default();
        for (number, line) in text.lines().enumerate() {
            reading
                .line(line)
                .with_context(|| format!("line {}: {line}", number + 1))?;
        }
        ensure!(reading.help.is_none(), "HELP without TYPE");
        reading.close()?;
        Ok(Self(reading.families))
    }

    /// The value of the sample with exactly these labels.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let wanted: Labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut samples = self.0.values().flat_map(|family| &family.samples);
        samples
            .find(|(of, labels, _)| of == name && *labels == wanted)
            .map(|(.., value)| *value)
    }

    /// How many series there are.
    pub fn series(&self) -> usize {
        self.0.values().map(|family| family.samples.len()).sum()
    }
}

fn is_name(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(first) && text.chars().all(|c| first(c) || c.is_ascii_digit())
}

/// What `promtool` finds fault with in names.
fn check_family(name: &str, kind: &str) -> Result<()> {
    ensure!(is_name(name), "{name:?} is no name of a family");
    ensure!(
        ["counter", "gauge", "histogram"].contains(&kind),
        "{kind:?} is no type that is used here"
    );
    ensure!(
        (kind == "counter") == name.ends_with("_total"),
        "counters, and nothing else, end in _total"
    );
    for end in ["_count", "_sum", "_bucket"] {
        ensure!(!name.ends_with(end), "only parts of histograms end in {end}");
    }
    ensure!(
        name.chars().all(|c| !c.is_ascii_uppercase()),
        "names are in snake_case"
    );
    for part in name.split('_') {
        ensure!(
            !["ms", "sec", "minutes", "hours", "kb", "mb", "gb", "percent"].contains(&part),
            "units are those of the base: seconds, bytes, ratio"
        );
        ensure!(
            !["counter", "gauge", "histogram"].contains(&part),
            "names do not tell the type"
        );
    }
    Ok(())
}

fn check_sample(name: &str, family: &Family, (of, labels, value): &(String, Labels, f64)) -> Result<()> {
    let own = if family.kind == "histogram" {
        let end = of.strip_prefix(name).unwrap_or_default();
        ensure!(
            labels.contains_key("le") == (end == "_bucket"),
            "buckets, and nothing else, have le"
        );
        ["_bucket", "_sum", "_count"].contains(&end)
    } else {
        ensure!(!labels.contains_key("le"), "le is for histograms");
        of == name
    };
    ensure!(own, "a sample of another family than {name}");
    ensure!(
        family.kind == "gauge" || *value >= 0.0,
        "what only grows is never below 0"
    );
    let twice = family
        .samples
        .iter()
        .any(|(before, their, _)| before == of && their == labels);
    ensure!(!twice, "the same series comes twice");
    Ok(())
}

fn check_histogram(name: &str, family: &Family) -> Result<()> {
    let without_le = |labels: &Labels| {
        let mut labels = labels.clone();
        labels.remove("le");
        labels
    };
    let groups: BTreeSet<Labels> = family
        .samples
        .iter()
        .map(|(_, labels, _)| without_le(labels))
        .collect();
    for group in groups {
        let part = |end: &str| {
            let wanted = format!("{name}{end}");
            let mut samples = family.samples.iter();
            samples
                .find(|(name, labels, _)| *name == wanted && *labels == group)
                .map(|(.., value)| *value)
                .with_context(|| format!("{group:?} has no {end}"))
        };
        part("_sum")?;
        let count = part("_count")?;
        let mut last = (f64::NEG_INFINITY, 0.0);
        for (_, labels, value) in &family.samples {
            let Some(le) = labels.get("le") else { continue };
            if without_le(labels) != group {
                continue;
            }
            let le = number(le)?;
            ensure!(
                le > last.0 && *value >= last.1,
                "buckets go up: {labels:?} {value}"
            );
            last = (le, *value);
        }
        ensure!(
            last == (f64::INFINITY, count),
            "the last bucket holds all: {group:?}"
        );
    }
    Ok(())
}

fn number(text: &str) -> Result<f64> {
    match text {
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        "NaN" => Ok(f64::NAN),
        other => {
            // Rust reads more words for what is no number than Go does.
            ensure!(
                other.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.'),
                "{other:?} is no number"
            );
            other.parse().with_context(|| format!("{other:?} is no number"))
        }
    }
}

fn unescape(text: &str, quoted: bool) -> Result<String> {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        out.push(match characters.next() {
            Some('\\') => '\\',
            Some('n') => '\n',
            Some('"') if quoted => '"',
            other => bail!("{other:?} is escaped, which it cannot be"),
        });
    }
    Ok(out)
}

/// Where a quoted text ends: at the first quote that is not escaped.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, character)| {
        let ends = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        ends.then_some(at)
    })
}

fn sample(line: &str) -> Result<(String, Labels, f64)> {
    let end = line.find(['{', ' ']).context("a sample has a value")?;
    let (name, mut rest) = line.split_at(end);
    ensure!(is_name(name), "{name:?} is no name");
    let mut labels = Labels::new();
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            let (label, after) = inside.split_once("=\"").context("a label has a value")?;
            ensure!(
                is_name(label) && !label.starts_with("__"),
                "{label:?} is no label"
            );
            let end = end_of_quoted(after).context("the value of a label ends")?;
            let value = unescape(&after[..end], true)?;
            ensure!(
                labels.insert(label.to_owned(), value).is_none(),
                "{label} comes twice"
            );
            inside = &after[end + 1..];
            if let Some(more) = inside.strip_prefix(',') {
                inside = more;
                continue;
            }
            rest = inside.strip_prefix('}').context("the labels end with a brace")?;
            break;
        }
    }
    let value = rest.strip_prefix(' ').context("a space before the value")?;
    Ok((name.to_owned(), labels, number(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "# HELP a_total A.\n# TYPE a_total counter\n";

    #[test]
    fn a_text_is_read() {
        let text = format!("{HEAD}a_total{{b=\"x\\\\\\\"}}\\n\",c=\"\"}} 1.5\na_total 2\n");
        let read = Exposition::parse(&text).expect("it is right");
        assert_eq!(read.value("a_total", &[("b", "x\\\"}\n"), ("c", "")]), Some(1.5));
        assert_eq!((read.value("a_total", &[]), read.series()), (Some(2.0), 2));
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for (wrong, samples) in [
            ("no end", "a_total 1"),
            ("a negative counter", "a_total -1\n"),
            ("the same twice", "a_total{x=\"1\"} 1\na_total{x=\"1\"} 2\n"),
            ("another name", "b_total 1\n"),
            ("no value", "a_total\n"),
            ("no number", "a_total infinity\n"),
            ("a timestamp", "a_total 1 2\n"),
            ("an open quote", "a_total{x=\"1\\\"} 1\n"),
            ("a bad escape", "a_total{x=\"\\t\"} 1\n"),
            ("a bad label", "a_total{x-y=\"1\"} 1\n"),
            ("a bucket", "a_total{le=\"1\"} 1\n"),
            ("an empty line", "a_total 1\n\n"),
            (
                "a family again",
                "a_total 1\n# HELP b B.\n# TYPE b gauge\nb 1\n# HELP a_total A.\n# TYPE a_total counter\n",
            ),
            ("no total", "# HELP b B.\n# TYPE b counter\nb 1\n"),
            ("no HELP", "# TYPE b gauge\nb 1\n"),
            ("no words", "# HELP b  \n# TYPE b gauge\nb 1\n"),
        ] {
            let text = format!("{HEAD}{samples}");
            assert!(Exposition::parse(&text).is_err(), "{wrong} was accepted");
        }
    }

    #[test]
    fn histograms_are_whole() {
        let head = "# HELP h_seconds H.\n# TYPE h_seconds histogram\n";
        let is_right = |samples: &str| Exposition::parse(&format!("{head}{samples}")).is_ok();
        let whole = "h_seconds_bucket{le=\"1\"} 1\nh_seconds_bucket{le=\"+Inf\"} 2\nh_seconds_sum 3\nh_seconds_count 2\n";
        assert!(is_right(whole));
        for (from, to) in [
            ("{le=\"1\"} 1", "{le=\"1\"} 3"),
            ("h_seconds_sum 3\n", ""),
            ("count 2", "count 3"),
            ("h_seconds_bucket{le=\"+Inf\"} 2\n", ""),
        ] {
            assert!(!is_right(&whole.replace(from, to)), "{from} → {to}");
        }
    }
}
