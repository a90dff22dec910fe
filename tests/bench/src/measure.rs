//! Measures, one after another: one that fails leaves a figure that is unmeasured.

use anyhow::Result;
use futures::future::BoxFuture;

use crate::report::{Bound, Figure, Report};

type Measured<'a> = BoxFuture<'a, Result<Vec<Figure>>>;

/// A measure: its name, and what does it.
pub(crate) struct Measure<'a> {
    name: &'static str,
    run: Box<dyn FnOnce() -> Measured<'a> + 'a>,
}

pub(crate) fn measure<'a, F>(name: &'static str, run: impl FnOnce() -> F + 'a) -> Measure<'a>
where
    F: Future<Output = Result<Vec<Figure>>> + Send + 'a,
{
    Measure {
        name,
        run: Box::new(|| Box::pin(run())),
    }
}

/// Measures everything, or what `only` names.
pub(crate) async fn all<'a>(measures: impl IntoIterator<Item = Measure<'a>>, only: &[String]) -> Report {
    let mut report = Report::default();
    for Measure { name, run } in measures {
        if !only.is_empty() && !only.iter().any(|wanted| name.contains(wanted.as_str())) {
            continue;
        }
        crate::say(&format!("measuring: {name}"));
        let figures = run().await.unwrap_or_else(|error| {
            vec![Figure {
                measure: name.to_owned(),
                value: None,
                unit: "",
                bound: Bound::None,
                note: format!("{error:#}"),
            }]
        });
        // At once, for all of it takes long.
        let part = Report::of(figures);
        print!("{part}");
        report.append(part);
    }
    report
}
