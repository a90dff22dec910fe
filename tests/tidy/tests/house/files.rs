//! How large files are, what they are called and how they begin.

use std::path::Path;

use ironcore_tidy::{Source, expect_none, sources};

/// More lines than these are too many for one thought.
const MOST_LINES: usize = 600;
/// More lines than these want an eye kept on them.
const MANY_LINES: usize = 400;

/// Names that say nothing about what is inside.
const NAMES: [&str; 8] = [
    "util", "utils", "common", "helper", "helpers", "imp", "misc", "stuff",
];

fn is_code(source: &Source) -> bool {
    // Declarations of types are written by a program.
    source.ends_with(&[".rs", ".ts", ".tsx"]) && !source.ends_with(&[".d.ts"])
}

#[test]
#[expect(clippy::print_stderr, reason = "a warning that fails nothing")]
fn files_stay_small() {
    let code: Vec<Source> = sources().into_iter().filter(is_code).collect();
    let above = |limit: usize| {
        let large = code.iter().filter(move |source| source.lines() > limit);
        large
            .map(|source| format!("{} has {} lines", source.path, source.lines()))
            .collect::<Vec<_>>()
    };
    for file in above(MANY_LINES) {
        eprintln!("rather large: {file}");
    }
    expect_none("a file holds at most 600 lines", &above(MOST_LINES));
}

#[test]
fn every_module_says_what_it_holds() {
    let silent = |source: &Source| source.ends_with(&[".rs"]) && !source.text.starts_with("//! ");
    let faults: Vec<String> = sources()
        .into_iter()
        .filter(silent)
        .map(|source| source.path)
        .collect();
    expect_none("a module begins with `//!`", &faults);
}

#[test]
fn names_say_something() {
    let mut faults = Vec::new();
    for source in sources().into_iter().filter(is_code) {
        let empty = |part: &std::ffi::OsStr| {
            let stem = Path::new(part)
                .file_stem()
                .unwrap_or(part)
                .to_string_lossy()
                .to_lowercase();
            NAMES.contains(&stem.as_str())
        };
        if Path::new(&source.path).iter().any(empty) {
            faults.push(source.path);
        }
    }
    expect_none("a file is named after what it holds", &faults);
}

#[test]
fn the_rooms_of_the_house_are_there() {
    let missing: Vec<String> = [
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
        "deny.toml",
        "LICENSE",
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        ".ci/run",
        "docs/errors.md",
        "docs/format.md",
        "docs/schemas/event.v1.json",
    ]
    .into_iter()
    .filter(|path| !ironcore_tidy::root().join(path).is_file())
    .map(str::to_owned)
    .collect();
    expect_none("these files belong to the project", &missing);
}
