//! `verify report`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::verification::{VerifyFailure, VerifyResult};
use ironcore_types::{DatastoreName, ErrorCode, SnapshotRef};

use super::{Context, page, unknown};
use crate::args::{Report, joined};
use crate::exit::{Coded, Exit};
use crate::output;
use crate::table::GivesWay;

pub(super) async fn run(context: &Context, wanted: Report) -> Result<Exit> {
    let mut query: Vec<(&str, String)> = Vec::new();
    let mut add = |name: &'static str, value: Option<String>| query.extend(value.map(|value| (name, value)));
    add("result", joined(&wanted.result, VerifyResult::as_str));
    add("since", wanted.since);
    add("until", wanted.until);
    add("job", wanted.job.clone().map(String::from));
    add("latest", wanted.latest.then(|| "true".to_owned()));
    let datastores = match wanted.reference.as_deref() {
        None => {
            let all: wire::DatastoreList = context.client.get(&["datastores"], &[]).await?;
            all.datastores.into_iter().map(|row| row.name).collect()
        }
        Some(text) if text.contains(':') => {
            let reference: SnapshotRef = text.parse().map_err(|error| invalid(&error))?;
            query.push(("snapshot", reference.path.to_string()));
            vec![reference.datastore]
        }
        Some(text) => vec![text.parse::<DatastoreName>().map_err(|error| invalid(&error))?],
    };
    if wanted.paging.cursor.is_some() && datastores.len() != 1 {
        return Err(invalid(&"--cursor goes on in the list of one datastore: name it").into());
    }
    let mut answer = wire::ReportList {
        reports: Vec::new(),
        next: None,
        count: 0,
        count_capped: false,
    };
    for name in &datastores {
        let path = ["datastores", name.as_str(), "verifications"];
        let found: wire::ReportList = page::pages(context, &path, &query, &wanted.paging).await?;
        answer.count += found.count;
        answer.count_capped |= found.count_capped;
        answer.reports.extend(found.reports);
        // A place in one list says nothing of several.
        answer.next = found.next.filter(|_| datastores.len() == 1);
    }
    if datastores.len() > 1 {
        answer
            .reports
            .sort_by_key(|report| std::cmp::Reverse(report.started));
        answer
            .reports
            .truncate(usize::try_from(wanted.paging.limit).unwrap_or(usize::MAX));
    }
    let rows = answer.reports.iter().map(|report| {
        vec![
            report.snapshot.to_string(),
            output::time(Some(report.started)),
            output::duration(report.duration_us),
            report.chunks.to_string(),
            report.result.to_string(),
            report
                .failure
                .as_ref()
                .map_or_else(|| "-".to_owned(), first_failure),
            output::or_dash(report.verifier.as_ref()),
        ]
    });
    let head = [
        "SNAPSHOT",
        "STARTED",
        "DURATION",
        "CHUNKS",
        "RESULT",
        "FIRST FAILURE",
        "VERIFIER",
    ];
    let order = [GivesWay::Under(5), GivesWay::Id(0)];
    context.form.listing(&answer, &head, &order, rows)?;
    match datastores.len() {
        1 => page::tell_more(context, &answer),
        _ => page::tell_cut(context, answer.reports.len(), answer.count, answer.count_capped),
    }
    if answer.reports.is_empty() {
        unknown::tell(context, None, wanted.job.as_ref()).await?;
    }
    Ok(Exit::Ok)
}

/// A failure in one line; without a chunk it is about the manifest, and its reason says so.
pub(super) fn first_failure(failure: &VerifyFailure) -> String {
    let chunk = failure.chunk.as_ref();
    let place = chunk.map_or_else(String::new, |id| format!("{id}: "));
    format!("{place}{} [{}]", failure.reason, failure.code)
}

fn invalid(error: &dyn std::fmt::Display) -> Coded {
    Coded {
        code: ErrorCode::RequestInvalid,
        message: error.to_string(),
    }
}

impl page::Paged for wire::ReportList {
    fn held(&self) -> usize {
        self.reports.len()
    }

    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn total(&self) -> Option<(u64, bool)> {
        Some((self.count, self.count_capped))
    }

    fn append(&mut self, page: Self) {
        self.reports.extend(page.reports);
        self.next = page.next;
    }
}
