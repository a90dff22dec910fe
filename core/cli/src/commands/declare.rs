//! `apply` and `export`: the hub's objects as one document.

use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result};
use ironcore_api::wire;
use ironcore_types::ErrorCode;
use ironcore_types::objects::Document;

use super::Context;
use crate::args::Apply;
use crate::exit::{Exit, Refused};
use crate::output::{self, Form};

pub(super) async fn apply(context: &Context, options: &Apply) -> Result<Exit> {
    let document = read(&options.file)?;
    let query = [("dry-run", options.dry_run.to_string())];
    let answer: wire::ApplyAnswer = context.client.post(&["apply"], &query, &document).await?;
    tell(context, &answer)?;
    Ok(Exit::Ok)
}

/// Prints what a declaration changed.
pub(super) fn tell(context: &Context, answer: &wire::ApplyAnswer) -> Result<()> {
    let rows = [
        ("created", &answer.created),
        ("changed", &answer.changed),
        ("unchanged", &answer.unchanged),
    ];
    let rows = rows
        .into_iter()
        .flat_map(|(what, names)| names.iter().map(move |name| vec![what.to_owned(), name.clone()]));
    context.form.rows(answer, &["WHAT", "OBJECT"], rows)
}

pub(super) async fn export(context: &Context) -> Result<Exit> {
    let document: Document = context.client.get(&["export"], &[]).await?;
    print(context, &document)?;
    Ok(Exit::Ok)
}

/// Prints a document as `apply` reads it.
pub(super) fn print(context: &Context, document: &Document) -> Result<()> {
    if context.form == Form::Json {
        output::say(&serde_json::to_string_pretty(document)?);
    } else {
        output::say(toml::to_string_pretty(document)?.trim_end());
    }
    Ok(())
}

fn read(file: &Path) -> Result<Document> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
        text
    } else {
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
    };
    let name = file.display();
    // Ends like the hub's own refusal of a declaration.
    let code = ErrorCode::ConfigInvalid;
    let invalid = |why: String| Refused {
        code,
        text: format!("{name}: {} [{code}]", why.trim_end()),
    };
    if file.extension().is_some_and(|ending| ending == "json") {
        serde_json::from_str(&text).map_err(|error| invalid(error.to_string()).into())
    } else {
        toml::from_str(&text).map_err(|error| invalid(error.to_string()).into())
    }
}
