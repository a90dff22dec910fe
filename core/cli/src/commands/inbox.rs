//! `inbox list`.

use anyhow::Result;
use ironcore_api::wire;

use super::{Context, page};
use crate::args::Inbox;
use crate::exit::Exit;
use crate::output;

pub(super) async fn run(context: &Context, command: Inbox) -> Result<Exit> {
    let Inbox::List { limit } = command;
    let answer: wire::Inbox = page::pages(context, &["inbox"], &[], Some(limit)).await?;
    let rows = answer.entries.iter().map(|entry| {
        vec![
            entry.seq.to_string(),
            output::time(Some(entry.event.time)),
            entry.severity.to_string(),
            entry.title.clone(),
            match (entry.read, entry.silenced.is_empty()) {
                (true, true) => "",
                (false, true) => "new",
                (true, false) => "silenced",
                (false, false) => "new, silenced",
            }
            .to_owned(),
        ]
    });
    context
        .form
        .rows(&answer, &["SEQ", "TIME", "SEVERITY", "TITLE", ""], rows)?;
    page::tell_more(context, &answer);
    Ok(Exit::Ok)
}
