//! `fences`: takes each fence of `docs/fences.md` away, one at a time, and sees the tests fail that try it.
//!
//! That is done in a copy of the work tree, `fences/tree` in cargo's target folder, which has a target folder of its
//! own beside it: the work tree itself and what was compiled of it stay as they are. The first time all is compiled
//! anew; later each fence takes less than a minute.

mod copy;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use self::copy::Copy;
use self::table::{FENCES, Fence, Tests};
use crate::steps::{cargo, note, root, run, say, step, target};

/// Takes away the fences of these names, or all, and fails unless every test that is to notice does.
pub(crate) fn take_away(only: &[String]) -> Result<()> {
    let known: Vec<&str> = FENCES.iter().map(|fence| fence.name).collect();
    for name in only {
        ensure!(
            known.contains(&name.as_str()),
            "no fence is called {name}; there are {}",
            known.join(", ")
        );
    }
    let chosen = FENCES
        .iter()
        .filter(|fence| only.is_empty() || only.iter().any(|name| name == fence.name));
    let chosen: Vec<&'static Fence> = chosen.collect();
    documented(&chosen)?;
    let folder = target()?.join("fences");
    let copy = Copy::make(root(), &folder.join("tree"))?;
    let place = Place {
        tree: copy.folder().to_owned(),
        target: folder.join("target"),
    };
    step("with every fence in place", || {
        for (program, names) in by_program(&chosen) {
            run(&mut place.tests(program, &names))?;
        }
        Ok(())
    })?;
    let mut standing = Vec::new();
    for fence in chosen {
        if let Err(error) = step(fence.name, || without(fence, &copy, &place)) {
            note(&format!("{error:#}"));
            standing.push(fence.name);
        }
    }
    ensure!(
        standing.is_empty(),
        "not every test that should notices: {}",
        standing.join(", ")
    );
    say("each fence is needed, and tried");
    Ok(())
}

/// The document names each fence's tests.
fn documented(fences: &[&Fence]) -> Result<()> {
    let path = root().join("docs/fences.md");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    for fence in fences {
        for name in fence.tests.iter().flat_map(|tests| tests.names) {
            let name = name.rsplit("::").next().unwrap_or(name);
            ensure!(
                text.contains(name),
                "docs/fences.md does not name the test {name} of the fence {}",
                fence.name
            );
        }
    }
    Ok(())
}

/// Every test of these fences, by the program that holds it.
fn by_program(fences: &[&'static Fence]) -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut programs: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for tests in fences.iter().flat_map(|fence| fence.tests) {
        programs.entry(tests.program).or_default().extend(tests.names);
    }
    programs
}

/// Where the copy is compiled and run.
struct Place {
    tree: PathBuf,
    target: PathBuf,
}

impl Place {
    fn cargo(&self, program: &str) -> Command {
        let mut command = cargo();
        command
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.target)
            .args(["test", "--quiet", "--workspace", "--test", program]);
        command
    }

    fn tests(&self, program: &str, names: &[&str]) -> Command {
        let mut command = self.cargo(program);
        command.args(["--", "--exact"]).args(names);
        command
    }
}

/// Takes one fence away, sees its tests fail, and puts it back.
fn without(fence: &Fence, copy: &Copy, place: &Place) -> Result<()> {
    let gap = copy.replace(Path::new(fence.file), fence.stands, fence.gone)?;
    let noticed = fence.tests.iter().try_for_each(|tests| {
        run(place.cargo(tests.program).arg("--no-run"))?;
        fails(tests, place)
    });
    gap.close()?;
    noticed
}

/// Each of these tests fails.
fn fails(tests: &Tests, place: &Place) -> Result<()> {
    let output = place
        .tests(tests.program, tests.names)
        .output()
        .context("cargo test")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut quiet = Vec::new();
    for name in tests.names {
        let told = match why(&text, name) {
            Some(why) => format!("fails: {why}"),
            None => "passes".to_owned(),
        };
        note(&format!("{}: {name} {told}", tests.program));
        if told == "passes" {
            quiet.push(*name);
        }
    }
    ensure!(
        quiet.is_empty(),
        "{} does not notice: {}",
        tests.program,
        quiet.join(", ")
    );
    Ok(())
}

/// What a test that failed says first; libtest shows that below the test's name.
fn why<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let head = format!("---- {name} stdout ----");
    let mut lines = text.lines().skip_while(|line| line.trim() != head).skip(1);
    lines.find(|line| !line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::why;

    #[test]
    fn a_test_that_failed_says_why() {
        let text = "running 2 tests\n.F\nfailures:\n\n---- one stdout ----\n\nError: too late\nmore\n\nfailures:\n    one\n";
        assert_eq!(why(text, "one"), Some("Error: too late"));
        assert_eq!(why(text, "two"), None);
    }
}
