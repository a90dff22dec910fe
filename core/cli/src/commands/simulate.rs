//! `prune simulate`: retention rules applied to a list of times, without a hub, by the function that prune uses.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use ironcore_types::Timestamp;
use ironcore_types::retention::{Keep, RetentionInput, plan};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::output::Form;

/// One case. What other keys say is not read.
#[derive(Debug, Deserialize)]
struct Case {
    snapshots: Vec<Timestamp>,
    #[serde(default)]
    keep: Keep,
    #[serde(default = "utc")]
    timezone: String,
    #[serde(default)]
    protected: HashSet<Timestamp>,
    #[serde(default)]
    unfinished: HashSet<Timestamp>,
}

fn utc() -> String {
    "UTC".to_owned()
}

#[derive(Debug, Serialize)]
struct Answer {
    kept: Vec<Timestamp>,
    removed: Vec<Timestamp>,
    why: BTreeMap<Timestamp, String>,
}

pub(super) fn run(form: Form, input: &Path) -> Result<Exit> {
    let text = std::fs::read_to_string(input).with_context(|| format!("cannot read {}", input.display()))?;
    let case: Case =
        serde_json::from_str(&text).with_context(|| format!("{} is not a case", input.display()))?;
    let zone = ironcore_types::calendar::zone(&case.timezone)?;
    let inputs: Vec<RetentionInput> = case
        .snapshots
        .iter()
        .map(|time| RetentionInput {
            time: *time,
            protected: case.protected.contains(time),
            unfinished: case.unfinished.contains(time),
        })
        .collect();
    let plan = plan(&inputs, &case.keep, &zone);
    let mut answer = Answer {
        kept: Vec::new(),
        removed: Vec::new(),
        why: BTreeMap::new(),
    };
    for entry in &plan.decisions {
        if entry.kept {
            &mut answer.kept
        } else {
            &mut answer.removed
        }
        .push(entry.time);
        answer.why.insert(entry.time, entry.why.to_string());
    }
    answer.kept.sort();
    answer.removed.sort();
    let rows = answer.why.iter().rev().map(|(time, why)| {
        let verb = if answer.kept.contains(time) {
            "keep"
        } else {
            "remove"
        };
        vec![time.to_string(), verb.to_owned(), why.clone()]
    });
    form.rows(&answer, &["SNAPSHOT", "DECISION", "WHY"], rows)?;
    Ok(Exit::Ok)
}
