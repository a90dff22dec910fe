//! `bench tasks`: one module a measure. Each makes its own database, measures, and checks that what came out is right;
//! one that fails leaves a figure that is unmeasured.

mod fill;
mod followers;
mod pages;
mod rest;
mod throughput;
mod ticks;

use anyhow::Result;
use futures::future::BoxFuture;

use crate::place::Place;
use crate::report::{Bound, Figure, Report};

type Measured<'a> = BoxFuture<'a, Result<Vec<Figure>>>;

/// A measure: its name, and what does it.
struct Measure<'a> {
    name: &'static str,
    run: Box<dyn FnOnce() -> Measured<'a> + 'a>,
}

fn measure<'a, F>(name: &'static str, run: impl FnOnce() -> F + 'a) -> Measure<'a>
where
    F: Future<Output = Result<Vec<Figure>>> + Send + 'a,
{
    Measure {
        name,
        run: Box::new(|| Box::pin(run())),
    }
}

/// Measures everything, or what `only` names.
pub(crate) async fn all(short: bool, only: &[String]) -> Report {
    let measures = [
        measure("throughput sqlite", move || throughput::sqlite(short)),
        measure("throughput postgres", move || throughput::postgres(short)),
        measure("pages sqlite", move || async move {
            pages::pages(&Place::sqlite()?, short).await
        }),
        measure("pages postgres", move || async move {
            pages::pages(&Place::postgres()?, short).await
        }),
        measure("ticks sqlite", move || async move {
            ticks::ticks(&Place::sqlite()?, short).await
        }),
        measure("ticks postgres", move || async move {
            ticks::ticks(&Place::postgres()?, short).await
        }),
        measure("followers", move || followers::followers(short)),
        measure("rest", move || rest::rest(short)),
    ];
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
