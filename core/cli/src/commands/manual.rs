//! `man`: a page for every command. What stands in it is left to `man_page`.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory};
use clap_mangen::Man as Page;
use serde::Serialize;

use super::man_page;
use crate::args::{Cli, Man};
use crate::exit::Exit;
use crate::output::Form;

/// What was written, as `--output json` shows it.
#[derive(Debug, Serialize)]
struct Written {
    pages: Vec<String>,
}

pub(super) fn run(form: Form, options: &Man) -> Result<Exit> {
    let folder = &options.dir;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Every subcommand is told its full name, which its page has.
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut written = Written { pages: Vec::new() };
    write(program, folder, &mut written)?;
    let rows = written.pages.iter().map(|page| vec![page.clone()]);
    form.rows(&written, &["PAGE"], rows)?;
    Ok(Exit::Ok)
}

fn write(command: Command, folder: &Path, written: &mut Written) -> Result<()> {
    let below: Vec<Command> = command.get_subcommands().cloned().collect();
    let path = folder.join(Page::new(command.clone()).get_filename());
    man_page::render(command)
        .and_then(|page| File::create(&path)?.write_all(&page))
        .with_context(|| format!("cannot write {}", path.display()))?;
    written.pages.push(path.display().to_string());
    for command in below {
        write(command, folder, written)?;
    }
    Ok(())
}
