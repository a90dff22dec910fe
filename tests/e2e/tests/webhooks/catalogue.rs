//! `docs/webhooks.md` is current: the snippets are the files of `examples`, the events are the samples, the handlers are
//! valid. `UPDATE=1` writes what is made of files and samples.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ironcore_testkit::events::samples;
use ironcore_types::objects::Handler;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).with_context(|| path.to_owned())
}

const DOCUMENT: &str = "docs/webhooks.md";
const END: &str = "<!-- end -->";

/// The handlers that the document shows, in its order.
pub(crate) fn handlers() -> Result<Vec<Handler>> {
    let document = read(DOCUMENT)?;
    let mut found = Vec::new();
    for block in document.split("```toml\n").skip(1) {
        let (block, _) = block.split_once("```").context("a block ends")?;
        if block.starts_with("[[group.handler]]") {
            let table: Value = toml::from_str(block)?;
            found.push(serde_json::from_value(table["group"]["handler"][0].clone())?);
        }
    }
    Ok(found)
}

/// The events, each with what its type means.
fn events() -> Result<String> {
    let schema: Value = serde_json::from_str(&read("docs/schemas/event.v1.json")?)?;
    let types = schema["$defs"]["EventType"]["oneOf"]
        .as_array()
        .context("the types of events")?;
    let meaning = |name: &str| {
        let found = types.iter().find(|one| one["const"] == name);
        found
            .and_then(|one| one["description"].as_str())
            .with_context(|| format!("no description of {name}"))
    };
    let mut text = String::new();
    for event in samples() {
        let name = event.event_type.as_str();
        let json = serde_json::to_string_pretty(&event)?;
        text += &format!("### `{name}`\n\n{}\n\n```json\n{json}\n```\n\n", meaning(name)?);
    }
    Ok(text.trim_end().to_owned())
}

/// What belongs between a marker and its end.
fn made(marker: &str) -> Result<String> {
    if marker == "events" {
        return events();
    }
    let language = match marker.rsplit_once('.') {
        Some((_, "py")) => "python",
        Some((_, "mjs")) => "js",
        Some((_, "rs")) => "rust",
        _ => bail!("nothing is made for {marker}"),
    };
    Ok(format!("```{language}\n{}```", read(marker)?))
}

/// The document with everything that is made in its place.
fn current(document: &str) -> Result<String> {
    let mut out = String::new();
    let mut rest = document;
    while let Some((before, after)) = rest.split_once("<!-- made of: ") {
        let (marker, after) = after.split_once(" -->").context("a marker ends")?;
        let (_, after) = after
            .split_once(END)
            .with_context(|| format!("{marker} has no end"))?;
        out += &format!("{before}<!-- made of: {marker} -->\n\n{}\n\n{END}", made(marker)?);
        rest = after;
    }
    Ok(out + rest)
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a document of the source tree, not data of the hub"
)]
fn the_catalogue_is_current() -> Result<()> {
    let found = read(DOCUMENT)?;
    let wanted = current(&found)?;
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(root().join(DOCUMENT), wanted)?;
        return Ok(());
    }
    ensure!(
        found == wanted,
        "{DOCUMENT} is not current: run this test with UPDATE=1"
    );
    Ok(())
}

/// What consumers generate their types from holds for what they get.
#[test]
fn every_event_of_the_catalogue_is_as_its_schema_says() -> Result<()> {
    for (schema, data_only) in [("event.v1", false), ("event-data.v1", true)] {
        let schema: Value = serde_json::from_str(&read(&format!("docs/schemas/{schema}.json"))?)?;
        let validator = jsonschema::validator_for(&schema).context("a valid schema")?;
        for event in samples() {
            let mut json = serde_json::to_value(&event)?;
            if data_only {
                json = json["data"].take();
            }
            let faults: Vec<String> = validator
                .iter_errors(&json)
                .map(|fault| fault.to_string())
                .collect();
            ensure!(faults.is_empty(), "{}: {faults:?}", event.event_type);
        }
    }
    Ok(())
}
