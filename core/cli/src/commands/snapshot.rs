//! `snapshot list` and `snapshot show`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::SnapshotRef;

use super::{Context, page, report};
use crate::args::Snapshot;
use crate::exit::Exit;
use crate::output::{self, Form};
use crate::table::GivesWay;

pub(super) async fn run(context: &Context, command: Snapshot) -> Result<Exit> {
    match command {
        Snapshot::List {
            datastore,
            text,
            limit,
            cursor,
        } => {
            let query: Vec<(&str, String)> = text.into_iter().map(|text| ("text", text)).collect();
            let path = ["datastores", datastore.as_str(), "snapshots"];
            let answer: wire::SnapshotList =
                page::pages_from(context, &path, &query, limit, cursor.as_deref()).await?;
            let form = context.form;
            let size = |bytes: Option<u64>| match bytes {
                None => "-".to_owned(),
                Some(bytes) if form == Form::Plain => bytes.to_string(),
                Some(bytes) => output::bytes(bytes),
            };
            let rows = answer.snapshots.iter().map(|row| {
                vec![
                    row.snapshot.to_string(),
                    size(row.bytes),
                    output::or_dash(row.files.as_ref()),
                    row.verification
                        .map_or_else(|| "never".to_owned(), |result| result.to_string()),
                    output::time(row.verified),
                    output::or_dash(row.job.as_ref()),
                ]
            });
            let head = ["SNAPSHOT", "BYTES", "FILES", "VERIFICATION", "VERIFIED", "JOB"];
            form.listing(&answer, &head, &[GivesWay::Id(0)], rows)?;
            page::tell_more(context, &answer);
            Ok(Exit::Ok)
        }
        Snapshot::Show { reference, verify } => show(context, &reference, verify).await,
    }
}

async fn show(context: &Context, reference: &SnapshotRef, verify: bool) -> Result<Exit> {
    let detail: wire::SnapshotDetail = context
        .client
        .get(&["snapshots", &reference.to_string()], &[])
        .await?;
    let snapshot = &detail.snapshot;
    let mut fields = vec![
        ("Snapshot", snapshot.snapshot.to_string()),
        (
            "Bytes",
            snapshot
                .bytes
                .map_or_else(|| "-".to_owned(), |n| format!("{n} ({})", output::bytes(n))),
        ),
        ("Files", output::or_dash(snapshot.files.as_ref())),
        ("Job", output::or_dash(snapshot.job.as_ref())),
        ("User", output::or_dash(snapshot.user.as_ref())),
        ("Task", output::or_dash(snapshot.upid.as_ref())),
    ];
    if verify {
        match &detail.verification {
            None => fields.push(("Verification", "never verified".to_owned())),
            Some(row) => {
                fields.push(("Verification", row.result.to_string()));
                fields.push(("Verifier", output::or_dash(row.verifier.as_ref())));
                fields.push(("Started", output::time(Some(row.started))));
                fields.push(("Duration", output::duration(row.duration_us)));
                fields.push(("Depth", row.depth.to_string()));
                fields.push(("Chunks checked", row.chunks.to_string()));
                if let Some(failure) = &row.failure {
                    fields.push(("First failure", report::first_failure(failure)));
                }
                if let Some(upid) = &row.upid {
                    fields.push(("Verified by", upid.to_string()));
                }
            }
        }
        let count = detail.history.len();
        fields.push((
            "Verifications",
            format!("{count} in all: verify report {reference}"),
        ));
    }
    context.form.fields(&detail, &fields)?;
    let bad = detail.verification.as_ref().is_some_and(|row| row.found.is_bad());
    if bad && context.form != Form::Json {
        output::complain(
            "do not rely on this snapshot: restore from an earlier one that verified OK, and run a full backup",
        );
    }
    Ok(if verify && bad {
        Exit::BadVerification
    } else {
        Exit::Ok
    })
}
