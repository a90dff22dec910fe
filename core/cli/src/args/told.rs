//! Commands that people are told to type, in the tips of the remediation plugin and in its documentation, are commands
//! of this command line.

use clap::Parser as _;

use super::Cli;

/// Where commands are told, each between back-quotes or on a line of its own.
const TEXTS: &[(&str, &str)] = &[
    (
        "source",
        include_str!("../../../../plugins/remediation/src/rules/source.rs"),
    ),
    (
        "stored",
        include_str!("../../../../plugins/remediation/src/rules/stored.rs"),
    ),
    (
        "hub",
        include_str!("../../../../plugins/remediation/src/rules/hub.rs"),
    ),
    (
        "events",
        include_str!("../../../../plugins/remediation/src/rules/events.rs"),
    ),
    (
        "delivery",
        include_str!("../../../../plugins/remediation/src/rules/delivery.rs"),
    ),
    (
        "advice",
        include_str!("../../../../plugins/remediation/src/advice.rs"),
    ),
    ("remediation.md", include_str!("../../../../docs/remediation.md")),
    ("inbox.md", include_str!("../../../../docs/inbox.md")),
];

/// What stands for names, and a name that could stand there.
const NAMES: &[(&str, &str)] = &[
    ("{project}", "office"),
    ("{snapshot}", "ibs-primary:vm/12345/2026-05-21T00:00:00Z"),
    ("{group}", "ibs-primary:vm/12345"),
    ("{datastore}", "ibs-primary"),
    ("{job}", "nightly"),
    ("{upid}", UPID),
    ("{source}", "/srv"),
    ("{target}", "/srv"),
    ("{node}", "hub1"),
    ("{handler}", "oncall/chat"),
    ("{message}", "0196f0c2-5f3a-7c11-9d5e-2b7c1a9e4d01"),
    ("MESSAGE", "0196f0c2-5f3a-7c11-9d5e-2b7c1a9e4d01"),
    ("EVENT", "0196f0c2-5f3a-7c11-9d5e-2b7c1a9e4d01"),
    ("REF", "ibs-primary:vm/12345/2026-05-21T00:00:00Z"),
    ("DATASTORE", "ibs-primary"),
    ("PROJECT", "office"),
    ("GROUP/HANDLER", "oncall/chat"),
    ("JOB", "nightly"),
    ("UPID", UPID),
    ("PATH", "/srv"),
    ("FILE", "/srv/hub.toml"),
    ("EXPRESSION", "daily"),
    ("USER@REALM!NAME", "alice@local!laptop"),
    ("NAME", "smtp"),
    ("SEQ", "7"),
    ("MUTE", "3"),
];

const UPID: &str = "UPID:hub1:00000D1C:0001A2B3:00000007:6A0E67C0:backup:nightly:root@local:";

/// The words of a command as a shell would part them; only double quotes are known.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in command.split('"').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Every command of the hub in a text.
fn commands(text: &str) -> Vec<String> {
    let text = text.replace("\\\"", "\"");
    let whole_lines = text.lines().filter_map(|line| line.strip_prefix("$ "));
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted
        .chain(whole_lines)
        .filter(|part| part.starts_with("ironcore-backup "))
        // What a shell does with the output is no matter here.
        .map(|command| {
            command
                .split(['>', '|', '#'])
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

fn named(word: &str) -> String {
    let found = NAMES.iter().find(|(mark, _)| *mark == word);
    found.map_or_else(|| word.to_owned(), |(_, name)| (*name).to_owned())
}

#[test]
fn every_command_that_people_are_told_is_one() {
    let mut read = 0;
    let mut faults = Vec::new();
    for (file, text) in TEXTS {
        for command in commands(text) {
            read += 1;
            if let Err(error) = Cli::try_parse_from(words(&command).iter().map(|word| named(word))) {
                faults.push(format!("{file}: {command}\n{error}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(read > 60, "{read} commands were found");
}

#[test]
fn a_command_that_is_none_is_found() {
    let text = "Do `ironcore-backup prune start` and `ironcore-backup task list --since \\\"1h ago\\\" > x`.";
    let found = commands(text);
    assert_eq!(found.len(), 2);
    assert!(
        Cli::try_parse_from(words(&found[0])).is_err(),
        "it names no datastore"
    );
    assert!(Cli::try_parse_from(words(&found[1])).is_ok());
}
