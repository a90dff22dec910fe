//! What the program does without a hub. The tests against a hub are in `tests/e2e`; that this one needs the program
//! makes `cargo test` compile it for them.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ironcore-backup"));
    command
        .args(arguments)
        .env_remove("IRONCORE_CONFIG")
        .env("HOME", "/nonexistent");
    command
}

fn program(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the program starts")
}

fn next(arguments: &[&str]) -> Vec<String> {
    let fixed = ["schedule", "next", "--output", "json", "--after"];
    let output = program(&[&fixed, arguments].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("an array of strings")
}

#[test]
fn the_next_times_are_an_array_of_utc_strings() {
    let sundays = ["2026-05-24T02:00:00Z", "2026-05-31T02:00:00Z"];
    for expression in ["0 2 * * 0", "0 2 * * 7", "Sun 02:00"] {
        assert_eq!(
            next(&["2026-05-21T00:00:00Z", "--count", "2", expression]),
            sundays
        );
    }
    // A restricted day of the month and a restricted weekday are either, as crontab has it.
    assert_eq!(
        next(&["2026-05-11T00:00:00Z", "--count", "2", "0 2 13 * 5"]),
        ["2026-05-13T02:00:00Z", "2026-05-15T02:00:00Z"]
    );
    // 02:30 does not exist on 2026-03-29 in Berlin: it fires at the first instant after, 03:00 summer time.
    assert_eq!(
        next(&[
            "2026-03-28T12:00:00Z",
            "--count",
            "2",
            "--timezone",
            "Europe/Berlin",
            "02:30"
        ]),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    );
}

#[test]
fn what_cannot_be_understood_says_so_with_exit_code_2() {
    let wrong = [
        (&["schedule", "next", "at noon"][..], "schedule.invalid"),
        (
            &["schedule", "next", "02:00", "--timezone", "Mars/Base"],
            "schedule.invalid",
        ),
        (
            &["schedule", "next", "02:00", "--after", "soon"],
            "request.invalid",
        ),
        (
            &["token", "create", "alice@local!laptop", "--role", "King"],
            "use 1 to 63 of a-z",
        ),
        (&["task", "list", "--bogus"], "--bogus"),
        (&["task"], "Usage"),
    ];
    for (arguments, said) in wrong {
        let output = program(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(
            error.contains(said) && output.stdout.is_empty(),
            "{arguments:?}: {error}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_a_failure() {
    for form in ["plain", "json", "table"] {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("a device without room");
        let output = command(&["schedule", "next", "02:00", "--output", form])
            .stdout(Stdio::from(full))
            .output()
            .expect("the program starts");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{form}: {error}");
        assert!(error.contains("cannot write the output"), "{form}: {error}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    // More than a pipe holds, so that the program meets its closed end.
    let mut child = command(&["schedule", "next", "* * * * *", "--count", "5000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && error.is_empty(), "{error}");
}

#[test]
fn config_check_finds_what_is_wrong_without_starting_anything() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |text: &str| {
        let file = folder.path().join("hub.toml");
        std::io::Write::write_all(
            &mut std::fs::File::create(&file).expect("a file"),
            text.as_bytes(),
        )
        .expect("written");
        program(&["config", "check", "--config", &file.display().to_string()])
    };
    let data = folder.path().join("data");
    let good = check(&format!(
        "listen = \"127.0.0.1:0\"\ndata = \"{}\"\n",
        data.display()
    ));
    assert!(
        good.status.success() && !Path::new(&data).exists(),
        "{}",
        String::from_utf8_lossy(&good.stderr)
    );
    let bad = check("listen = \"127.0.0.1:0\"\n\nlisten-to = \"x\"\n");
    let error = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert_eq!(bad.status.code(), Some(1), "{error}");
    assert!(
        error.contains("listen-to") && error.contains('3') && error.contains("config.invalid"),
        "{error}"
    );

    let junk = folder.path().join("junk.wasm");
    std::io::Write::write_all(
        &mut std::fs::File::create(&junk).expect("a file"),
        &b"no certificate and no plugin\n".repeat(100),
    )
    .expect("written");
    let (junk, folder) = (junk.display(), folder.path().display());
    for (text, said) in [
        (
            format!("data = \"{folder}/data\"\n[egress]\nca = [\"{junk}\"]\n"),
            "it holds no certificate",
        ),
        (format!("data = \"{junk}/data\"\n"), "is not a folder"),
        (
            format!("plugins = \"{folder}\"\n[plugin.junk]\ngrant = [\"http\"]\n"),
            "junk.wasm: not a WebAssembly component [config.invalid]",
        ),
    ] {
        let bad = check(&text);
        let error = String::from_utf8_lossy(&bad.stderr).into_owned();
        assert_eq!(bad.status.code(), Some(1), "{error}");
        assert!(error.contains(said) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn shells_can_complete_every_command() {
    for (shell, said) in [
        ("bash", "complete -F _ironcore__backup"),
        ("zsh", "#compdef ironcore-backup"),
        ("fish", "complete -c ironcore-backup"),
    ] {
        let output = program(&["completions", shell]);
        let script = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && script.contains(said),
            "{shell}: {script}"
        );
        for command in ["task", "worker", "scheduler", "without-keys", "timezone"] {
            assert!(script.contains(command), "{shell} knows nothing of {command}");
        }
    }
}

/// What Bash would offer for these words, of which the last is being typed.
fn offered(script: &std::path::Path, words: &[&str]) -> Vec<String> {
    let asked = format!(
        "source {}; COMP_WORDS=({}); COMP_CWORD={}; _ironcore__backup {} '{}' {}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        words
            .iter()
            .map(|word| format!("'{word}'"))
            .collect::<Vec<_>>()
            .join(" "),
        words.len() - 1,
        words[0],
        words[words.len() - 1],
        words[words.len() - 2],
    );
    let output = Command::new("bash")
        .args(["--norc", "--noprofile", "-c", &asked])
        .output()
        .expect("bash");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("completions");
    let written = program(&["completions", "bash"]).stdout;
    std::io::Write::write_all(&mut std::fs::File::create(&script).expect("a file"), &written)
        .expect("written");
    for (words, wanted) in [
        (vec!["ironcore-backup", "sched"], vec!["scheduler"]),
        (
            vec!["ironcore-backup", "hub", ""],
            vec!["backup", "list", "restore"],
        ),
        (vec!["ironcore-backup", "task", "list", "--st"], vec!["--status"]),
        (
            vec!["ironcore-backup", "task", "list", "--output", "j"],
            vec!["json"],
        ),
    ] {
        let offered = offered(&script, &words);
        for want in wanted {
            assert!(offered.iter().any(|word| word == want), "{words:?}: {offered:?}");
        }
    }
    for (command, option, wanted) in WORDS {
        let command: Vec<&str> = command.split(' ').collect();
        let words = [&["ironcore-backup"], command.as_slice(), &[option, ""]].concat();
        assert_eq!(offered(&script, &words), *wanted, "{words:?}");
    }
}

/// Options that take one of a few words.
const WORDS: &[(&str, &str, &[&str])] = &[
    (
        "task list",
        "--type",
        &["backup", "restore", "sync", "verify", "gc", "prune", "tape"],
    ),
    (
        "task list",
        "--status",
        &["queued", "running", "OK", "WARNING", "FAILED", "CANCELLED"],
    ),
    ("statistics", "--bucket", &["none", "hour", "day", "week"]),
    ("statistics", "--by", &["job", "datastore", "none"]),
    (
        "verify report",
        "--result",
        &["OK", "STALE", "CORRUPT", "MISSING"],
    ),
    (
        "message list",
        "--state",
        &["pending", "sending", "delivered", "dead"],
    ),
    (
        "token create",
        "--role",
        &["admin", "operator", "auditor", "member"],
    ),
    (
        "serve",
        "--role",
        &["api", "scheduler", "worker", "verifier", "gc", "sync", "notify"],
    ),
    ("task show", "--output", &["auto", "table", "plain", "json"]),
];

#[test]
fn zsh_and_fish_know_the_words_of_options() {
    let script = |shell| String::from_utf8(program(&["completions", shell]).stdout).expect("text");
    let (zsh, fish) = (script("zsh"), script("fish"));
    for (command, option, words) in WORDS {
        // Words without an explanation stand in brackets, those with one in two.
        let plain = format!(":({})'", words.join(" "));
        let in_zsh = zsh.split("\n'").any(|part| {
            let explained = |word: &&str| part.contains(&format!("{word}\\:"));
            part.contains(&format!("{option}=[")) && (part.contains(&plain) || words.iter().all(explained))
        });
        assert!(in_zsh, "{command} {option}");
        let flag = format!(" -l {} ", option.trim_start_matches('-'));
        let in_fish = fish.split("\ncomplete ").any(|part| {
            let offered = |word: &&str| part.contains(&format!("{word}\\t"));
            part.contains(&flag) && words.iter().all(offered)
        });
        assert!(in_fish, "{command} {option}");
    }
}

#[test]
fn words_are_read_in_any_case_and_a_wrong_one_is_told_with_all_there_are() {
    for (arguments, said) in [
        (
            ["task", "list", "--status", "done"],
            "possible values: queued, running, OK",
        ),
        (
            ["statistics", "--bucket", "month", "--by=job"],
            "possible values: none, hour, day",
        ),
    ] {
        let output = program(&arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(said), "{error}");
    }
    // What is understood fails later: there is no hub.
    let output = command(&["task", "list", "--status", "ok,Failed", "--type", "BACKUP"])
        .env("IRONCORE_SERVER", "http://127.0.0.1:9")
        .env("IRONCORE_TOKEN", "none")
        .output()
        .expect("the program starts");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(!error.contains("possible values"), "{error}");
}

#[test]
fn every_command_has_a_man_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("man");
    let output = program(&["man", "--dir", &dir.display().to_string(), "--output", "json"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let written: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
    let pages = written["pages"].as_array().expect("pages").len();
    let found = std::fs::read_dir(&dir).expect("a folder").count();
    assert!(pages > 40 && pages == found, "{pages} told, {found} found");
    let page = std::fs::read_to_string(dir.join("ironcore-backup-job-next.1")).expect("a page");
    for said in [
        "soonest first",
        "\\-\\-count",
        "Which job",
        "EXIT STATUS",
        "FILES",
        "ENVIRONMENT",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[test]
fn a_folder_in_use_is_not_restored_to_and_what_is_no_archive_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let junk = folder.path().join("junk");
    std::io::Write::write_all(&mut std::fs::File::create(&junk).expect("a file"), b"no archive")
        .expect("written");
    let restore = |to: &Path| {
        program(&[
            "hub",
            "restore",
            &junk.display().to_string(),
            "--data",
            &to.display().to_string(),
        ])
    };
    let new = folder.path().join("new");
    for (to, said) in [
        (new.as_path(), "[archive.invalid]"),
        (folder.path(), "[restore.target-exists]"),
    ] {
        let output = restore(to);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(said), "{error}");
    }
    assert!(!new.exists() && junk.exists());
}

/// What stands between the hub and commands is nobody else's: without a hub it starts nothing.
#[test]
fn a_guard_without_a_hub_starts_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("made");
    let made = file.to_str().expect("a path");
    let output = program(&["run-command", "/usr/bin/touch", made]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("run-command is for the hub alone"), "{said}");
    assert!(!file.exists());
    let help = program(&["--help"]);
    assert!(!String::from_utf8_lossy(&help.stdout).contains("run-command"));
}
