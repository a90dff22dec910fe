//! Prometheus's text format, version 0.0.4: families with HELP and TYPE, each once, with all their samples together.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::{Display, Write as _};

use ironcore_ledger::model::Histogram;

/// What such a text is.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A label and its value.
type Label<'a> = (&'a str, &'a str);

/// The text, as far as it is written.
#[derive(Default)]
pub(super) struct Exposition(String);

/// A family that is being written.
pub(super) struct Family<'a> {
    out: &'a mut String,
    name: &'static str,
}

impl Exposition {
    /// A family of figures that only grow; its name ends in `_total`.
    pub(super) fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "counter", help)
    }

    /// A family of figures that come and go.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "gauge", help)
    }

    /// A family of durations by upper bounds.
    pub(super) fn histogram(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "histogram", help)
    }

    fn family(&mut self, name: &'static str, kind: &str, help: &str) -> Family<'_> {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.0
            .push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        Family {
            out: &mut self.0,
            name,
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// One sample.
    pub(super) fn sample(&mut self, labels: &[Label<'_>], value: impl Display) {
        self.line("", labels, None, value);
    }

    /// One sample of a family that has no labels.
    pub(super) fn value(&mut self, value: impl Display) {
        self.sample(&[], value);
    }

    /// Whether something is so.
    pub(super) fn flag(&mut self, labels: &[Label<'_>], is: bool) {
        self.sample(labels, u8::from(is));
    }

    /// The samples of one histogram: those below each bound, which Prometheus adds up.
    pub(super) fn buckets<const N: usize>(
        &mut self,
        labels: &[Label<'_>],
        bounds: &[f64; N],
        histogram: &Histogram<N>,
    ) {
        let mut below = 0;
        for (bound, number) in bounds.iter().zip(histogram.buckets) {
            below += number;
            self.line("_bucket", labels, Some(&bound.to_string()), below);
        }
        self.line("_bucket", labels, Some("+Inf"), histogram.count);
        self.line("_sum", labels, None, histogram.sum.as_secs_f64());
        self.line("_count", labels, None, histogram.count);
    }

    fn line(&mut self, suffix: &str, labels: &[Label<'_>], le: Option<&str>, value: impl Display) {
        let out = &mut *self.out;
        out.push_str(self.name);
        out.push_str(suffix);
        let labels = labels.iter().copied().chain(le.map(|le| ("le", le)));
        for (number, (name, value)) in labels.enumerate() {
            out.push(if number == 0 { '{' } else { ',' });
            out.push_str(name);
            out.push_str("=\"");
            for character in value.chars() {
                match character {
                    '\\' => out.push_str("\\\\"),
                    '"' => out.push_str("\\\""),
                    '\n' => out.push_str("\\n"),
                    other => out.push(other),
                }
            }
            out.push('"');
        }
        if out.ends_with('"') {
            out.push('}');
        }
        // A text takes all.
        let _always = writeln!(out, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_label_holds_does_not_end_it() {
        let mut out = Exposition::default();
        out.gauge("g", "One\nline, \\ kept.")
            .sample(&[("a", "x\"}\n\\"), ("b", "")], 1.5);
        out.counter("c_total", "Counts.").value(u64::MAX);
        let expected = "# HELP g One\\nline, \\\\ kept.\n# TYPE g gauge\ng{a=\"x\\\"}\\n\\\\\",b=\"\"} 1.5\n\
                        # HELP c_total Counts.\n# TYPE c_total counter\nc_total 18446744073709551615\n";
        assert_eq!(out.finish(), expected);
    }

    #[test]
    fn buckets_hold_what_is_below_them() {
        let histogram = Histogram {
            buckets: [3, 0, 4],
            count: 9,
            sum: std::time::Duration::from_millis(1_500),
        };
        let mut out = Exposition::default();
        out.histogram("h_seconds", "H.")
            .buckets(&[("type", "gc")], &[0.5, 1.0, 10.0], &histogram);
        let text = out.finish();
        let lines: Vec<&str> = text.lines().skip(2).collect();
        let expected = [
            "h_seconds_bucket{type=\"gc\",le=\"0.5\"} 3",
            "h_seconds_bucket{type=\"gc\",le=\"1\"} 3",
            "h_seconds_bucket{type=\"gc\",le=\"10\"} 7",
            "h_seconds_bucket{type=\"gc\",le=\"+Inf\"} 9",
            "h_seconds_sum{type=\"gc\"} 1.5",
            "h_seconds_count{type=\"gc\"} 9",
        ];
        assert_eq!(lines, expected);
    }
}
