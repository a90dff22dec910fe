//! `statistics` and `datastore usage`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::TaskType;
use ironcore_types::statistics::{Bucket, Mark, Metrics};

use super::task::to_the_minute;
use super::{Context, unknown};
use crate::args::{By, Statistics, Usage, joined};
use crate::exit::Exit;
use crate::output::{self, Form};
use crate::table::GivesWay;

pub(super) async fn run(context: &Context, filter: Statistics) -> Result<Exit> {
    let by = match filter.bucket {
        Bucket::None => filter.by,
        _ => By::None,
    };
    let mut query = vec![
        ("bucket", filter.bucket.to_string()),
        ("by", by.as_str().to_owned()),
    ];
    let mut add = |name: &'static str, value: Option<String>| query.extend(value.map(|value| (name, value)));
    add("project", filter.project.clone().map(String::from));
    add("job", filter.job.clone().map(String::from));
    add("datastore", filter.datastore.map(String::from));
    add("type", joined(&filter.types, TaskType::as_str));
    add("since", filter.since);
    add("until", filter.until);
    let answer: wire::Statistics = context.client.get(&["statistics"], &query).await?;
    let form = context.form;
    let spans = answer
        .series
        .iter()
        .map(|span| line(form, output::time(Some(span.start)), &span.figures));
    let parts = answer
        .parts
        .iter()
        .map(|part| line(form, part_name(part), &part.figures));
    let total = std::iter::once(line(form, "total".to_owned(), &answer.total));
    let first = match (filter.bucket, by) {
        (Bucket::None, By::Job) => "JOB",
        (Bucket::None, By::Datastore) => "DATASTORE",
        (Bucket::None, By::None) => "",
        _ => "SINCE",
    };
    let mut head = vec![
        first,
        "RUNS",
        "FAILED",
        "CANCELLED",
        "TRANSFER/S",
        "READ/S",
        "DEDUP",
        "COMPRESSION",
        "PRE-ENCRYPT",
        "ON DISK",
        "RATIO",
    ];
    if form == Form::Plain {
        head.push("MARKS");
    }
    let order = [
        GivesWay::Short(0, |row| {
            row.first().map_or_else(String::new, |start| to_the_minute(start))
        }),
        GivesWay::Named(10),
        GivesWay::Named(3),
        GivesWay::Named(2),
        GivesWay::Named(8),
        GivesWay::Named(9),
    ];
    form.listing(&answer, &head, &order, spans.chain(parts).chain(total))?;
    if form == Form::Table {
        footnote(&answer);
    }
    if answer.total.sums.runs == 0 {
        unknown::tell(context, filter.project.as_ref(), filter.job.as_ref()).await?;
    }
    Ok(Exit::Ok)
}

fn part_name(part: &wire::PartFigures) -> String {
    match (&part.datastore, &part.project, &part.job) {
        (Some(datastore), _, _) => datastore.to_string(),
        (None, Some(project), Some(job)) => format!("{project}/{job}"),
        (None, Some(project), None) => format!("{project} (no job)"),
        (None, None, _) => "the hub's own".to_owned(),
    }
}

/// A row: numbers as they are when piped, else for people, with a `!` where a figure is marked.
fn line(form: Form, name: String, figures: &wire::Figures) -> Vec<String> {
    let metrics = &figures.metrics;
    let sums = &figures.sums;
    let plain = form == Form::Plain;
    let size = |bytes: u64| match plain {
        true => bytes.to_string(),
        false => output::bytes(bytes),
    };
    let rate = |rate: Option<u64>| rate.map_or_else(|| "-".to_owned(), size);
    let marked = |text: Option<String>, mark: Mark| {
        let sign = if !plain && metrics.marks.contains(&mark) {
            " !"
        } else {
            ""
        };
        text.map_or_else(|| "-".to_owned(), |text| format!("{text}{sign}"))
    };
    let times = |ratio: Option<f64>| {
        ratio.map(|ratio| {
            if plain {
                format!("{ratio:.2}")
            } else {
                format!("{ratio:.2}×")
            }
        })
    };
    let percent = metrics.dedup_hit_percent.map(|hits| {
        if plain {
            format!("{hits:.1}")
        } else {
            format!("{hits:.1} %")
        }
    });
    let mut row = vec![
        name,
        sums.runs.to_string(),
        sums.failed.to_string(),
        sums.cancelled.to_string(),
        rate(metrics.transfer_rate),
        rate(metrics.read_rate),
        marked(percent, Mark::LowDedupHitRate),
        marked(times(metrics.compression_ratio), Mark::CompressionOutsideRange),
        size(metrics.pre_encrypt_bytes),
        size(metrics.on_disk_bytes),
        times(metrics.reduction_ratio).unwrap_or_else(|| "-".to_owned()),
    ];
    if plain {
        row.push(mark_words(metrics));
    }
    row
}

fn mark_words(metrics: &Metrics) -> String {
    let words: Vec<&str> = metrics.marks.iter().map(|mark| mark.words()).collect();
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(", ")
    }
}

/// What each `!` that was shown means.
fn footnote(answer: &wire::Statistics) {
    let figures = std::iter::once(&answer.total)
        .chain(answer.series.iter().map(|span| &span.figures))
        .chain(answer.parts.iter().map(|part| &part.figures));
    let mut marks: Vec<Mark> = figures
        .flat_map(|figures| figures.metrics.marks.clone())
        .collect();
    marks.sort_unstable();
    marks.dedup();
    for mark in marks {
        output::say(&format!("! {}", mark.words()));
    }
}

pub(super) async fn usage(context: &Context, wanted: Usage) -> Result<Exit> {
    let query: Vec<(&str, String)> = wanted.since.into_iter().map(|since| ("since", since)).collect();
    let path = ["datastores", wanted.name.as_str(), "usage"];
    let answer: wire::UsageHistory = context.client.get(&path, &query).await?;
    let form = context.form;
    let size = |bytes: Option<u64>| match bytes {
        None => "-".to_owned(),
        Some(bytes) if form == Form::Plain => bytes.to_string(),
        Some(bytes) => output::bytes(bytes),
    };
    let growth = answer.projection.and_then(|line| line.bytes_per_day).map_or_else(
        || "-".to_owned(),
        |growth| {
            let sign = if growth < 0 { "-" } else { "" };
            let bytes = growth.unsigned_abs();
            match form {
                Form::Plain => format!("{sign}{bytes}"),
                _ => format!("{sign}{} a day", output::bytes(bytes)),
            }
        },
    );
    let fields = [
        ("Datastore", answer.datastore.to_string()),
        ("Stored", size(answer.stored_bytes)),
        ("Free", size(answer.free_bytes)),
        ("Content", size(answer.logical_bytes)),
        (
            "Dedup ratio",
            answer
                .dedup_ratio
                .map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
        ),
        ("Growth", growth),
        ("Fill date", answer.fill.clone()),
        ("Samples", answer.samples.len().to_string()),
    ];
    form.fields(&answer, &fields)?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironcore_types::statistics::Sums;

    fn figures() -> wire::Figures {
        let sums = Sums {
            runs: 2,
            failed: 1,
            cancelled: 3,
            duration_us: 1_000_000,
            bytes_read: 4096,
            bytes_logical: 4096,
            bytes_new: 2048,
            bytes_stored: 2048,
            chunks: 3,
            chunks_known: 1,
            ..Sums::default()
        };
        wire::Figures {
            metrics: sums.metrics(),
            sums,
        }
    }

    #[test]
    fn marked_figures_carry_a_sign_for_people_and_words_for_scripts() {
        let people = line(Form::Table, "total".to_owned(), &figures());
        assert_eq!(people[1..4], ["2", "1", "3"], "cancelled is not failed");
        assert_eq!(people[6..8], ["33.3 % !", "1.00× !"]);
        let scripts = line(Form::Plain, "total".to_owned(), &figures());
        assert_eq!(scripts[4..8], ["2048", "4096", "33.3", "1.00"]);
        assert_eq!(
            scripts[11],
            "low dedup hit rate: below 70 %, compression outside 2–4"
        );
    }

    #[test]
    fn what_cannot_be_said_is_a_dash() {
        let nothing = wire::Figures {
            sums: Sums::default(),
            metrics: Sums::default().metrics(),
        };
        let row = line(Form::Table, "total".to_owned(), &nothing);
        assert_eq!(row[4..8], ["-", "-", "-", "-"]);
    }
}
