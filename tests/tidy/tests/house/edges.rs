//! Who may depend on whom, as `ARCHITECTURE.md` says it, checked against `cargo metadata`.

use std::process::Command;

use ironcore_tidy::{expect_none, root};
use serde_json::Value;

/// Every package of the workspace, and the only packages of the workspace that it may depend on.
const EDGES: &[(&str, &[&str])] = &[
    ("ironcore-types", &[]),
    ("ironcore-store", &["ironcore-types"]),
    ("ironcore-ledger", &["ironcore-types"]),
    ("ironcore-egress", &["ironcore-types"]),
    (
        "ironcore-remote",
        &["ironcore-types", "ironcore-store", "ironcore-egress"],
    ),
    ("ironcore-plugin-host", &["ironcore-types"]),
    (
        "ironcore-engine",
        &["ironcore-types", "ironcore-store", "ironcore-ledger"],
    ),
    (
        "ironcore-notify",
        &[
            "ironcore-types",
            "ironcore-ledger",
            "ironcore-egress",
            "ironcore-plugin-host",
        ],
    ),
    (
        "ironcore-api",
        &[
            "ironcore-types",
            "ironcore-store",
            "ironcore-ledger",
            "ironcore-egress",
            "ironcore-remote",
            "ironcore-engine",
            "ironcore-notify",
            "ironcore-plugin-host",
        ],
    ),
    ("ironcore-cli", CORE),
    ("ironcore-plugin", &[]),
    ("ironcore-plugin-email", &["ironcore-plugin"]),
    ("ironcore-plugin-webhook", &["ironcore-plugin"]),
    ("ironcore-plugin-inbox", &["ironcore-plugin"]),
    ("ironcore-plugin-remediation", &["ironcore-plugin"]),
    ("ironcore-plugin-metrics", &["ironcore-plugin"]),
    ("ironcore-testkit", CORE),
    ("ironcore-conformance", CORE_AND_TESTKIT),
    ("ironcore-e2e", CORE_AND_TESTKIT),
    ("ironcore-bench", CORE_AND_TESTKIT),
    ("ironcore-tidy", &[]),
    ("xtask", &[]),
];

/// All of `core` but the binary.
const CORE: &[&str] = &[
    "ironcore-types",
    "ironcore-store",
    "ironcore-ledger",
    "ironcore-egress",
    "ironcore-remote",
    "ironcore-plugin-host",
    "ironcore-engine",
    "ironcore-notify",
    "ironcore-api",
];

const CORE_AND_TESTKIT: &[&str] = &[
    "ironcore-types",
    "ironcore-store",
    "ironcore-ledger",
    "ironcore-egress",
    "ironcore-remote",
    "ironcore-plugin-host",
    "ironcore-engine",
    "ironcore-notify",
    "ironcore-api",
    "ironcore-testkit",
];

/// Libraries that have one home, so that what they do is done in one place. Tests may use them too.
const HOMES: &[(&str, &[&str])] = &[
    ("sqlx", &["ironcore-ledger"]),
    ("libsqlite3-sys", &["ironcore-ledger"]),
    ("wasmtime", &["ironcore-plugin-host"]),
    ("wasmtime-wasi", &["ironcore-plugin-host"]),
    ("wit-bindgen", &["ironcore-plugin"]),
    ("lettre", &["ironcore-egress"]),
    // The command line is a client of the API.
    ("reqwest", &["ironcore-egress", "ironcore-cli"]),
    ("axum", &["ironcore-api"]),
    ("jsonwebtoken", &["ironcore-api"]),
    ("handlebars", &["ironcore-notify"]),
    ("cron", &["ironcore-types"]),
    ("fastcdc", &["ironcore-store"]),
    ("clap", &["ironcore-cli", "xtask"]),
    ("anyhow", &["ironcore-cli", "xtask"]),
];

/// Packages that wait for nothing: no runtime, no network.
const SYNCHRONOUS: &[&str] = &[
    "ironcore-types",
    "ironcore-store",
    "ironcore-plugin",
    "ironcore-plugin-email",
    "ironcore-plugin-webhook",
    "ironcore-plugin-inbox",
    "ironcore-plugin-remediation",
    "ironcore-plugin-metrics",
    "ironcore-tidy",
    "xtask",
];

struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    /// Needed only by the package's own tests.
    dev: bool,
}

fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("json");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let dependency = |value: &Value| Dependency {
        name: text(&value["name"]),
        dev: value["kind"] == "dev",
    };
    let packages = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| Package {
            name: text(&package["name"]),
            dependencies: package["dependencies"]
                .as_array()
                .expect("array")
                .iter()
                .map(dependency)
                .collect(),
        });
    packages.collect()
}

fn is_test_package(name: &str) -> bool {
    [
        "ironcore-testkit",
        "ironcore-conformance",
        "ironcore-e2e",
        "ironcore-bench",
    ]
    .contains(&name)
}

#[test]
fn crates_depend_along_the_edges_only() {
    let packages = packages();
    let mut faults = Vec::new();
    for package in &packages {
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == package.name) else {
            faults.push(format!("{} has no place in the table", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let ours = packages.iter().any(|other| other.name == dependency.name);
            let itself = dependency.name == package.name;
            if ours && !itself && !allowed.contains(&dependency.name.as_str()) {
                faults.push(format!("{} → {}", package.name, dependency.name));
            }
        }
    }
    for (name, _) in EDGES {
        if !packages.iter().any(|package| package.name == *name) {
            faults.push(format!("{name} is in the table but not in the workspace"));
        }
    }
    expect_none("a crate knows only what lies below it", &faults);
}

#[test]
fn libraries_stay_in_their_homes() {
    let mut faults = Vec::new();
    for package in packages()
        .iter()
        .filter(|package| !is_test_package(&package.name))
    {
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
            let home = HOMES.iter().find(|(library, _)| *library == dependency.name);
            if home.is_some_and(|(_, homes)| !homes.contains(&package.name.as_str())) {
                faults.push(format!("{} → {}", package.name, dependency.name));
            }
            if dependency.name == "tokio" && SYNCHRONOUS.contains(&package.name.as_str()) {
                faults.push(format!("{} → tokio, but it waits for nothing", package.name));
            }
        }
    }
    expect_none("a library is used where it belongs", &faults);
}

#[test]
fn every_package_takes_part_in_the_lints() {
    let mut faults = Vec::new();
    for source in ironcore_tidy::sources() {
        let member = source.ends_with(&["/Cargo.toml"]) && !source.path.starts_with("examples/");
        let manifest: String = source.text.split_whitespace().collect();
        if member && !manifest.contains("[lints]workspace=true") {
            faults.push(source.path);
        }
    }
    expect_none("a manifest says `[lints] workspace = true`", &faults);
}
