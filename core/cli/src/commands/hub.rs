//! `hub backup` and `hub list`. `hub restore` needs no hub, and is left to `serve`.

use anyhow::{Context as _, Result, bail};
use ironcore_api::wire;
use ironcore_types::{ErrorCode, Timestamp};

use super::{Context, watch};
use crate::args::Hub;
use crate::exit::{Coded, Exit};
use crate::output::{self, Form};
use crate::table::GivesWay;

pub(super) async fn run(context: &Context, command: Hub) -> Result<Exit> {
    match command {
        Hub::Backup { keep, without_keys } => {
            backup(context, wire::MakeHubBackup { keep, without_keys }).await
        }
        Hub::List => list(context).await,
        Hub::Restore(_) => bail!("internal fault: restoring needs no hub"),
    }
}

async fn backup(context: &Context, wanted: wire::MakeHubBackup) -> Result<Exit> {
    let asked: wire::HubBackup = context.client.post(&["hub", "backup"], &[], &wanted).await?;
    let over = watch::unless_interrupted(async {
        let mut run = asked;
        while !run.is_over() {
            tokio::time::sleep(watch::LOOK_EVERY).await;
            let list = runs(context).await?;
            let found = list.backups.into_iter().find(|other| other.id == run.id);
            run = found.context("the hub was started anew meanwhile; ask it again")?;
        }
        Ok(run)
    });
    let Some(run) = over.await? else {
        output::complain("no longer waiting; the copy is made all the same: `hub list` shows it");
        return Ok(Exit::Interrupted);
    };
    if let Some(error) = &run.error {
        return Err(Coded {
            code: error.code,
            message: error.message.clone(),
        }
        .into());
    }
    let archive = run.archive.as_ref().ok_or_else(|| Coded {
        code: ErrorCode::Internal,
        message: "the hub names no archive".to_owned(),
    })?;
    let mut fields = vec![
        ("Archive", archive.path.clone()),
        (
            "Size",
            match context.form {
                Form::Plain => archive.bytes.to_string(),
                _ => output::bytes(archive.bytes),
            },
        ),
        ("SHA-256", archive.sha256.clone()),
        ("Files", archive.files.len().to_string()),
        ("Keys", if archive.keys { "in it" } else { "left out" }.to_owned()),
    ];
    fields.extend(archive.removed.iter().map(|name| ("Removed", name.clone())));
    context.form.fields(&run, &fields)?;
    if archive.keys && context.form == Form::Table {
        output::note(
            "Whoever has this file can open what the hub can open: keep it where only you can read it.",
        );
    }
    Ok(Exit::Ok)
}

async fn runs(context: &Context) -> Result<wire::HubBackupList> {
    context.client.get(&["hub", "backup"], &[]).await
}

async fn list(context: &Context) -> Result<Exit> {
    let list = runs(context).await?;
    let form = context.form;
    let size = |bytes: u64| match form {
        Form::Plain => bytes.to_string(),
        _ => output::bytes(bytes),
    };
    let there = |path: &str| list.archives.iter().any(|archive| archive.path == path);
    let mut rows: Vec<(Timestamp, Vec<String>)> = Vec::new();
    for run in &list.backups {
        let archive = run.archive.as_ref();
        let state = match run.state {
            wire::HubBackupState::Waiting => "waiting",
            wire::HubBackupState::Running => "running",
            wire::HubBackupState::Done if archive.is_some_and(|archive| !there(&archive.path)) => "removed",
            wire::HubBackupState::Done => "done",
            wire::HubBackupState::Failed => "FAILED",
        };
        let by = run.user.as_ref();
        let row = vec![
            output::time(Some(run.asked)),
            by.map_or_else(|| "the hub".to_owned(), ToString::to_string),
            state.to_owned(),
            archive.map_or_else(|| "-".to_owned(), |archive| size(archive.bytes)),
            match (archive, &run.error) {
                (Some(archive), _) => archive.path.clone(),
                (None, Some(error)) => format!("{} [{}]", error.message, error.code),
                (None, None) => "-".to_owned(),
            },
        ];
        rows.push((run.asked, row));
    }
    // Who asked for what was made before the hub was started, or by another, is known to nobody.
    let known = |path: &str| {
        let mut made = list.backups.iter().filter_map(|run| run.archive.as_ref());
        made.any(|archive| archive.path == path)
    };
    for archive in list.archives.iter().filter(|archive| !known(&archive.path)) {
        let row = vec![
            output::time(Some(archive.made)),
            "-".to_owned(),
            "done".to_owned(),
            size(archive.bytes),
            archive.path.clone(),
        ];
        rows.push((archive.made, row));
    }
    rows.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    let head = ["TIME", "BY", "STATE", "SIZE", "ARCHIVE"];
    let rows = rows.into_iter().map(|(_, row)| row);
    form.listing(&list, &head, &[GivesWay::Id(4)], rows)?;
    Ok(Exit::Ok)
}
