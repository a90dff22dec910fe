//! Removing what was declared: the question before it, and the request. What is in the way is for the hub to say.

use std::io::IsTerminal;

use anyhow::Result;
use ironcore_types::ErrorCode;
use serde::Serialize;

use super::Context;
use crate::args::Sure;
use crate::exit::{Coded, Exit};
use crate::output::{self, Form};

/// What `--output json` prints of a removal.
#[derive(Debug, Serialize)]
struct Removed<'a> {
    /// Such as `job/office/files`.
    removed: &'a str,
}

/// Refuses when nobody can be asked and `--yes` is missing.
pub(super) fn must_be_sure(sure: Sure) -> Result<()> {
    if sure.yes || std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Coded {
        code: ErrorCode::RequestInvalid,
        message: "nobody can be asked, for standard input is no terminal: give --yes to remove it".to_owned(),
    }
    .into())
}

/// Removes `object`, which is at `path` of the API, when the user is sure. `stays` says what is left of it.
pub(super) async fn remove(
    context: &Context,
    sure: Sure,
    object: &str,
    path: &[&str],
    stays: &str,
) -> Result<Exit> {
    must_be_sure(sure)?;
    if !sure.yes && !output::ask(&format!("Remove {object}? ({stays})"))? {
        output::complain("nothing was removed");
        return Ok(Exit::Failed);
    }
    context.client.delete(path).await?;
    if context.form == Form::Json {
        output::say(&serde_json::to_string_pretty(&Removed { removed: object })?);
    } else {
        output::say(&format!("removed {object}; {stays}"));
    }
    Ok(Exit::Ok)
}
