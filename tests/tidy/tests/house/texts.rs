//! What no file may say, and what some must.

use ironcore_tidy::{Source, expect_none, root, sources};

/// Text that people write and others read.
const WRITTEN: [&str; 16] = [
    ".rs", ".ts", ".tsx", ".js", ".mjs", ".py", ".sh", ".toml", ".md", ".json", ".hbs", ".html", ".css",
    ".wit", ".sql", "/run",
];

/// The rules themselves must name what they forbid.
fn is_rule(source: &Source) -> bool {
    source.path.starts_with("tests/tidy/")
}

fn lines_with<'a>(
    sources: &'a [Source],
    words: &'a [&'a str],
    among: &'a [&'a str],
) -> impl Iterator<Item = String> + 'a {
    let fit = sources
        .iter()
        .filter(move |source| source.ends_with(among) && !is_rule(source));
    fit.flat_map(move |source| {
        source.text.lines().enumerate().filter_map(move |(number, line)| {
            let word = words.iter().find(|word| line.contains(**word))?;
            Some(format!("{}:{}: {word}", source.path, number + 1))
        })
    })
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["todo!", "unimplemented!", "FIXME", "TODO", "XXX:"];
    let faults: Vec<String> =
        lines_with(&sources(), &words, &[".rs", ".ts", ".tsx", ".mjs", ".py"]).collect();
    expect_none("what is not done is not in the code", &faults);
}

#[test]
fn no_path_of_somebodys_machine() {
    let words = ["/work/", "/root/.", "/Users/", "C:\\Users"];
    let faults: Vec<String> = lines_with(&sources(), &words, &WRITTEN).collect();
    expect_none("paths are relative, or are given when the program runs", &faults);
}

#[test]
fn the_project_speaks_of_itself_alone() {
    let words = ["DESIGN.md"];
    let faults: Vec<String> = lines_with(&sources(), &words, &WRITTEN).collect();
    expect_none("documents that are not part of the project", &faults);
}

#[test]
fn exceptions_from_lints_carry_their_reason() {
    let mut faults = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.ends_with(&[".rs"]) && !is_rule(source))
    {
        for opening in ["#[allow(", "#![allow(", "#[expect(", "#![expect("] {
            for (at, _) in source.text.match_indices(opening) {
                let attribute = source.text[at..].split("]\n").next().unwrap_or_default();
                if !attribute.contains("reason") {
                    let line = source.text[..at].lines().count() + 1;
                    faults.push(format!("{}:{line}: {opening}", source.path));
                }
            }
        }
    }
    expect_none("an exception says why", &faults);
}

#[test]
fn every_error_code_is_explained() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect(path);
    let explained = read("docs/errors.md");
    let listed = read("core/types/src/error_code.rs");
    let codes = listed.lines().filter_map(|line| {
        line.trim()
            .strip_suffix("\",")?
            .rsplit_once("= \"")
            .map(|(_, code)| code)
    });
    let codes: Vec<&str> = codes.collect();
    assert!(codes.len() > 40, "{codes:?}");
    let silent = |code: &&str| !explained.contains(&format!("| `{code}` | "));
    let faults: Vec<String> = codes.into_iter().filter(silent).map(str::to_owned).collect();
    expect_none(
        "docs/errors.md explains every code: run `cargo xtask schemas`",
        &faults,
    );
}
