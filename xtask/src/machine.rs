//! What the tests and the demonstration need on the machine: Debian packages, Python packages, cargo-deny. Installed
//! when missing.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::files;
use crate::steps::{cargo, need, note, products, program, read, root, run, say, succeeds};

/// A Debian package, and what for.
type Package = (&'static str, &'static str);

/// What the tests need.
const TESTS: [Package; 11] = [
    ("postfix", "a real SMTP server"),
    ("dovecot-core", "its authentication"),
    ("dovecot-imapd", "its mailboxes"),
    POSTGRESQL,
    RSYNC,
    ("acl", "trees with access lists"),
    ("attr", "trees with extended attributes"),
    ("systemd", "systemd-analyze, a second opinion on schedules"),
    ("python3", "the reference libraries of webhooks and CloudEvents"),
    ("chromium", "a real browser that shows mails"),
    ("python3-venv", "a place of their own for those"),
];

const POSTGRESQL: Package = ("postgresql", "throw-away clusters of the other database");
const RSYNC: Package = ("rsync", "to compare a restored tree with its source");

/// Programs that are taken out of their Debian packages, which would start servers of their own when installed.
const PROGRAMS: [(&str, &str); 2] = [
    ("prometheus", "promtool"),
    ("prometheus-pushgateway", "prometheus-pushgateway"),
];

/// Python packages: reference implementations that must accept what we send.
const PYTHON: [&str; 4] = [
    "standardwebhooks~=1.0",
    "aiosmtpd~=1.4",
    "cloudevents~=2.0",
    "cryptography>=45",
];

/// The version of cargo-deny that `deny.toml` is written for.
const CARGO_DENY: &str = "^0.20";

/// Installs the Debian packages that the tests need and that are missing, or says which.
pub(crate) fn debian_packages() -> Result<()> {
    install(&TESTS)
}

/// Installs rsync unless it is there, or says how to.
pub(crate) fn rsync() -> Result<()> {
    if !succeeds(program("rsync").arg("--version")) {
        install(&[RSYNC])?;
    }
    let (name, what) = RSYNC;
    need(name, &format!("install the package {name}, {what}"))
}

/// Installs those of the Debian `packages` that are missing, or says which. On other systems it only tells of them.
fn install(packages: &[Package]) -> Result<()> {
    if !succeeds(program("dpkg-query").arg("--version")) {
        let names: Vec<String> = packages
            .iter()
            .map(|(name, what)| format!("{name} ({what})"))
            .collect();
        note(&format!(
            "not a Debian system; needed is what these packages hold: {}",
            names.join(", ")
        ));
        return Ok(());
    }
    let missing: Vec<&str> = packages
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !installed(name))
        .collect();
    if missing.is_empty() {
        note("all there");
        return Ok(());
    }
    if read(program("id").arg("-u"))?.trim() != "0" {
        bail!(
            "Debian packages are missing: run `apt-get install {}` as root",
            missing.join(" ")
        );
    }
    if missing.contains(&POSTGRESQL.0) {
        no_system_cluster()?;
    }
    let apt = |arguments: &[&str]| {
        run(program("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            // What was configured before stays, without a question.
            .env("UCF_FORCE_CONFFOLD", "1"))
    };
    let keep = ["-o", "Dpkg::Options::=--force-confold"];
    let install = [
        &["install", "--yes", "--no-install-recommends"],
        &keep[..],
        &missing[..],
    ]
    .concat();
    // The lists may be fresh enough; fetch them only when they are not.
    if apt(&install).is_err() {
        say("fetching package lists");
        apt(&["update"])?;
        apt(&install)?;
    }
    Ok(())
}

/// Debian's package makes and starts a cluster for the whole machine unless told otherwise beforehand. Tests start
/// their own.
fn no_system_cluster() -> Result<()> {
    let folder = Path::new("/etc/postgresql-common");
    let config = folder.join("createcluster.conf");
    if config.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    let mut file = std::fs::File::create(&config).with_context(|| config.display().to_string())?;
    file.write_all(b"create_main_cluster = false\n")?;
    Ok(())
}

fn installed(package: &str) -> bool {
    let mut query = program("dpkg-query");
    let output = query
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .output();
    output.is_ok_and(|output| output.stdout == b"installed")
}

/// Puts Prometheus's programs into `build/tools/bin`. Elsewhere than on Debian it only tells which.
pub(crate) fn prometheus() -> Result<()> {
    let tools = products().join("tools");
    for (package, name) in PROGRAMS {
        let path = tools.join("bin").join(name);
        if !path.exists() && !succeeds(program("dpkg-deb").arg("--version")) {
            note(&format!("not a Debian system; needed is {}", path.display()));
            continue;
        }
        files::once(name, package, &path, || take_out(package, name, &path))?;
    }
    Ok(())
}

/// Takes a program out of a package.
fn take_out(package: &str, name: &str, to: &Path) -> Result<()> {
    let folder = products().join("tools/unpacked").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let download = || {
        run(program("apt-get")
            .args(["download", "--quiet", package])
            .current_dir(&folder))
    };
    // The lists may be fresh enough; fetch them only when they are not.
    if download().is_err() {
        say("fetching package lists");
        run(program("apt-get").arg("update"))?;
        download()?;
    }
    let mut found = std::fs::read_dir(&folder)?;
    let archive = found.next().context("apt-get left no file")??.path();
    run(program("dpkg-deb").arg("--extract").arg(archive).arg(&folder))?;
    files::take(&folder.join("usr/bin").join(name), to)?;
    Ok(std::fs::remove_dir_all(&folder)?)
}

/// Makes `build/python` with the reference libraries; tests run `build/python/bin/python`.
pub(crate) fn python_packages() -> Result<()> {
    let folder = products().join("python");
    let python = folder.join("bin/python");
    files::once("python", &PYTHON.join("\n"), &python, || {
        run(program("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(program(&python).args(install).args(PYTHON))
    })
}

/// Makes `build/oidc` with an OpenID provider, which tests run.
pub(crate) fn node_packages() -> Result<()> {
    let (folder, source) = (products().join("oidc"), root().join("tests/testkit/oidc"));
    let lock = std::fs::read_to_string(source.join("package-lock.json"))?;
    let done = folder.join("node_modules/oidc-provider/package.json");
    files::once("oidc-provider", &lock, &done, || {
        need("npm", "the OpenID provider of the tests comes from there")?;
        std::fs::create_dir_all(&folder)?;
        for name in ["package.json", "package-lock.json"] {
            files::write(&folder.join(name), &std::fs::read(source.join(name))?)?;
        }
        let arguments = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
        run(program("npm").args(arguments).current_dir(&folder))
    })
}

/// The path of cargo-deny: the one on the machine, or ours, compiled when missing.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    let version = |path: &Path| {
        let output = program(path).arg("--version").output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output
            .status
            .success()
            .then(|| text.trim().trim_start_matches("cargo-deny ").to_owned())
    };
    let ours = products().join("tools/bin/cargo-deny");
    for path in [Path::new("cargo-deny"), &ours] {
        if let Some(found) = version(path) {
            note(&format!("cargo-deny {found}"));
            return Ok(path.to_owned());
        }
    }
    say("compiling cargo-deny, once; this takes some minutes");
    let root = products().join("tools");
    let install = [
        "install",
        "cargo-deny",
        "--locked",
        "--version",
        CARGO_DENY,
        "--root",
    ];
    run(cargo().args(install).arg(&root)).context("cargo-deny checks licences and bans")?;
    Ok(ours)
}
