//! One man page: what `--help` says, and what holds for the command beside that: exit codes, environment, files.

use clap::Command;
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, bold, roman};

use crate::client;
use crate::exit::Exit;
use crate::serve;
use crate::serve::config::{DEFAULT_CONFIG, DEFAULT_DATA};

/// Commands that need no hub: nothing that finds one concerns them.
const WITHOUT_HUB: &[&str] = &[
    "serve",
    "config",
    "schedule",
    "completions",
    "man",
    "hub restore",
    "prune simulate",
];

/// The page of a command that has been told its full name.
pub(super) fn render(command: Command) -> Result<Vec<u8>, std::io::Error> {
    let environment = environment(&command);
    let files = files(&command);
    let name = command.get_bin_name().unwrap_or_default();
    let above = name.rsplit_once(' ').map(|(above, _)| above.replace(' ', "-"));
    let arguments = command.get_arguments().any(|argument| !argument.is_hide_set());
    let subcommands = command.has_subcommands();

    let page = Page::new(command)
        .source(concat!("ironcore-backup ", env!("CARGO_PKG_VERSION")))
        .manual("Ironcore Backup");
    let mut bytes = Vec::new();
    page.render_title(&mut bytes)?;
    page.render_name_section(&mut bytes)?;
    page.render_synopsis_section(&mut bytes)?;
    page.render_description_section(&mut bytes)?;
    if arguments {
        page.render_options_section(&mut bytes)?;
    }
    if subcommands {
        page.render_subcommands_section(&mut bytes)?;
    }
    let codes = Exit::ALL
        .iter()
        .map(|exit| ((*exit as u8).to_string(), exit.meaning().to_owned()));
    section("EXIT STATUS", codes.collect(), &mut bytes)?;
    section("ENVIRONMENT", environment, &mut bytes)?;
    section("FILES", files, &mut bytes)?;
    if let Some(above) = above {
        let mut roff = Roff::new();
        roff.control("SH", ["SEE ALSO"]);
        roff.text([bold(above), roman("(1)")]);
        roff.to_writer(&mut bytes)?;
    }
    Ok(bytes)
}

/// A section of terms and what they mean; nothing when there are none.
fn section(title: &str, terms: Vec<(String, String)>, bytes: &mut Vec<u8>) -> Result<(), std::io::Error> {
    if terms.is_empty() {
        return Ok(());
    }
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (term, meaning) in terms {
        roff.control("TP", []);
        roff.text([bold(term)]);
        roff.text([roman(meaning)]);
    }
    roff.to_writer(bytes)
}

/// Whether the command asks a hub. Those above the commands are the pages of all of them.
fn needs_hub(command: &Command) -> bool {
    let name = command.get_bin_name().unwrap_or_default();
    let words = name.split_once(' ').map_or("", |(_, words)| words);
    !WITHOUT_HUB.iter().any(|without| {
        words == *without
            || words
                .strip_prefix(without)
                .is_some_and(|rest| rest.starts_with(' '))
    })
}

/// Whether the command reads the hub's own files.
fn is_local(command: &Command) -> bool {
    command
        .get_arguments()
        .any(|argument| argument.get_id() == "config")
}

fn environment(command: &Command) -> Vec<(String, String)> {
    let hub = needs_hub(command);
    let mut terms: Vec<(String, String)> = command
        .get_arguments()
        .filter(|argument| hub || !argument.is_global_set())
        .filter_map(|argument| {
            let name = argument.get_env()?.to_string_lossy().into_owned();
            let long = argument.get_long().unwrap_or_default();
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            Some((name, format!("As --{long}: {}", help.trim_end_matches('.'))))
        })
        .collect();
    if hub {
        terms.push((
            "IRONCORE_TOKEN".to_owned(),
            "The access token itself; --token-file goes before it".to_owned(),
        ));
        terms.push((
            "XDG_CONFIG_HOME".to_owned(),
            "Folder in which the client file is looked for; $HOME/.config when missing".to_owned(),
        ));
    }
    if is_local(command) {
        let told = serve::ENVIRONMENT.iter();
        terms.extend(told.map(|(name, meaning)| ((*name).to_owned(), (*meaning).to_owned())));
    }
    terms.sort();
    terms
}

fn files(command: &Command) -> Vec<(String, String)> {
    let mut terms = Vec::new();
    if needs_hub(command) {
        terms.push((
            "$XDG_CONFIG_HOME/ironcore-backup/client.toml".to_owned(),
            "The client file: server, token-file and ca, each used where neither an option nor the environment says \
             otherwise"
                .to_owned(),
        ));
        terms.push((
            client::LOCAL_ADMIN_TOKEN.to_owned(),
            "The local administrator's token, used when no other is given".to_owned(),
        ));
    }
    if is_local(command) {
        terms.push((
            DEFAULT_CONFIG.to_owned(),
            "The hub's configuration, unless --config names another".to_owned(),
        ));
        terms.push((
            DEFAULT_DATA.to_owned(),
            "The hub's data folder, unless --data or the configuration names another".to_owned(),
        ));
    }
    terms
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    /// Every command below `command`, by its full name.
    fn all(command: &Command, found: &mut Vec<Command>) {
        found.push(command.clone());
        for below in command.get_subcommands() {
            all(below, found);
        }
    }

    fn commands() -> Vec<Command> {
        let mut program = Cli::command().disable_help_subcommand(true);
        program.build();
        let mut found = Vec::new();
        all(&program, &mut found);
        found
    }

    #[test]
    fn what_needs_no_hub_is_there() {
        let names: Vec<String> = commands()
            .iter()
            .map(|command| command.get_bin_name().unwrap_or_default().to_owned())
            .collect();
        for without in WITHOUT_HUB {
            let name = format!("ironcore-backup {without}");
            assert!(names.contains(&name), "{name}: {names:?}");
        }
    }

    #[test]
    fn every_page_tells_of_exit_codes_and_of_what_it_reads() {
        for command in commands() {
            let name = command.get_bin_name().unwrap_or_default().to_owned();
            let (hub, local) = (needs_hub(&command), is_local(&command));
            let page = String::from_utf8(render(command).expect("a page")).expect("text");
            let lines: Vec<&str> = page.lines().collect();
            let at = |title: &str| {
                lines
                    .iter()
                    .position(|line| *line == format!(".SH \"{title}\"") || *line == format!(".SH {title}"))
            };
            let codes = at("EXIT STATUS").unwrap_or_else(|| panic!("{name}: {page}"));
            for exit in Exit::ALL {
                let term = format!("\\fB{}\\fR", *exit as u8);
                assert!(lines[codes..].contains(&term.as_str()), "{name}: {term}\n{page}");
            }
            assert_eq!(at("FILES").is_some(), hub || local, "{name}");
            assert_eq!(page.contains("IRONCORE_TOKEN"), hub, "{name}");
            assert_eq!(page.contains("hub.toml\\fR"), local, "{name}");
            assert_eq!(at("SEE ALSO").is_some(), name.contains(' '), "{name}");
        }
    }
}
