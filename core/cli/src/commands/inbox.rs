//! `inbox list`.

use anyhow::Result;
use ironcore_api::wire;

use super::Context;
use crate::args::Inbox;
use crate::exit::Exit;
use crate::output;

pub(super) async fn run(context: &Context, command: Inbox) -> Result<Exit> {
    let Inbox::List { limit } = command;
    let query = [("limit", limit.min(1000).to_string())];
    let answer: wire::Inbox = context.client.get(&["inbox"], &query).await?;
    let rows = answer.entries.iter().map(|entry| {
        vec![
            entry.seq.to_string(),
            output::time(Some(entry.event.time)),
            entry.severity.to_string(),
            entry.title.clone(),
            if entry.read { "" } else { "new" }.to_owned(),
        ]
    });
    context
        .form
        .rows(&answer, &["SEQ", "TIME", "SEVERITY", "TITLE", ""], rows)?;
    Ok(Exit::Ok)
}
