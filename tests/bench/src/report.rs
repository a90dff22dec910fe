//! Figures beside their bounds, and whether they hold.

use std::fmt;
use std::time::Duration;

/// What a figure must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    /// At least this.
    Least(f64),
    /// At most this.
    Most(f64),
    /// Told, and nothing more.
    None,
}

/// One line of the report.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) measure: String,
    /// The figure; none when it could not be measured.
    pub(crate) value: Option<f64>,
    pub(crate) unit: &'static str,
    pub(crate) bound: Bound,
    /// Whatever else there is to say, or why there is no figure.
    pub(crate) note: String,
}

impl Figure {
    pub(crate) fn new(measure: impl Into<String>, value: f64, unit: &'static str, bound: Bound) -> Self {
        Self {
            measure: measure.into(),
            value: Some(value),
            unit,
            bound,
            note: String::new(),
        }
    }

    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn holds(&self) -> bool {
        match (self.value, self.bound) {
            (None, _) => false,
            (Some(_), Bound::None) => true,
            (Some(value), Bound::Least(least)) => value >= least,
            (Some(value), Bound::Most(most)) => value <= most,
        }
    }

    fn verdict(&self) -> &'static str {
        match self.bound {
            _ if self.value.is_none() => "UNMEASURED",
            Bound::None => "",
            _ if self.holds() => "ok",
            _ => "MISSED",
        }
    }
}

/// All figures.
#[derive(Debug, Default)]
pub(crate) struct Report {
    figures: Vec<Figure>,
}

impl Report {
    pub(crate) fn of(figures: Vec<Figure>) -> Self {
        Self { figures }
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.figures.append(&mut other.figures);
    }

    #[cfg(test)]
    fn add(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    /// Whether everything was measured and, unless the numbers are `short`, every bound holds.
    pub(crate) fn stands(&self, short: bool) -> bool {
        let fine = |figure: &Figure| figure.value.is_some() && (short || figure.holds());
        !self.figures.is_empty() && self.figures.iter().all(fine)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.figures.iter().map(|row| row.measure.chars().count()).max();
        let width = width.unwrap_or(0);
        for row in &self.figures {
            let value = row.value.map_or("-".to_owned(), |value| number(value, row.unit));
            let bound = match row.bound {
                Bound::Least(least) => format!("≥ {}", number(least, row.unit)),
                Bound::Most(most) => format!("≤ {}", number(most, row.unit)),
                Bound::None => String::new(),
            };
            let (measure, verdict, note) = (&row.measure, row.verdict(), &row.note);
            let line = format!("{measure:<width$}  {value:>16}  {bound:<18}  {verdict:<10}  {note}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn number(value: f64, unit: &str) -> String {
    if value.abs() >= 100.0 {
        // Thousands apart.
        let digits = format!("{value:.0}");
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) && digit.is_ascii_digit() {
                text.push(',');
            }
            text.push(digit);
        }
        format!("{text} {unit}")
    } else {
        format!("{value:.2} {unit}")
    }
}

/// The smallest of `spans` that at least `share` of them do not exceed.
pub(crate) fn quantile(spans: &mut [Duration], share: f64) -> Duration {
    spans.sort_unstable();
    let rank = (share * spans.len() as f64).ceil() as usize;
    spans
        .get(rank.clamp(1, spans.len().max(1)) - 1)
        .copied()
        .unwrap_or_default()
}

/// In milliseconds.
pub(crate) fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_spans() {
        let mut spans: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(quantile(&mut spans, 0.99), Duration::from_millis(198));
        assert_eq!(quantile(&mut spans, 1.0), Duration::from_millis(200));
        assert_eq!(quantile(&mut [], 0.5), Duration::ZERO);
    }

    #[test]
    fn a_bound_that_is_missed_or_not_measured_does_not_stand() {
        let mut report = Report::default();
        assert!(!report.stands(true), "nothing was measured");
        report.add(Figure::new("rate", 1_500.0, "tasks/s", Bound::Least(1_500.0)));
        assert!(report.stands(false));
        report.add(Figure::new("page", 20.5, "ms", Bound::Most(20.0)));
        assert!(!report.stands(false));
        assert!(report.stands(true), "the short form is not about time");
        let shown = report.to_string();
        assert!(
            shown.contains("1,500 tasks/s") && shown.contains("MISSED"),
            "{shown}"
        );
        report.add(Figure {
            value: None,
            ..Figure::new("rest", 0.0, "MB", Bound::None)
        });
        assert!(!report.stands(true));
    }
}
