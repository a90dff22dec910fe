//! `demo`: a hub, a mail server and a webhook consumer on this machine, and the main job on a real tree.
//!
//! Everything lives in one folder. `demo` keeps running for people to look at; `demo --once` runs one night
//! unattended, breaks a stored chunk, and checks that everybody who should hears of it.

mod checks;
mod copies;
mod hub;
mod night;
mod oddities;
mod receivers;
mod summary;
mod told;
mod tree;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use self::hub::Hub;
use self::receivers::Receivers;
use crate::steps::{root, say, step};

/// The bytes that a night backs up at least.
const TREE_BYTES: u64 = 1 << 30;
/// The address people are told of.
const PORT: u16 = 8007;

/// Runs the demonstration in `folder`.
pub(crate) fn run(folder: Option<PathBuf>, once: bool) -> Result<()> {
    if once {
        // Before the long work that would be in vain without it.
        step("rsync", crate::machine::rsync)?;
    }
    crate::build::all()?;
    let binary = crate::build::binary()?;
    let folder = folder.unwrap_or_else(|| root().join(".demo"));
    if once {
        // A night that must come out as it should begins with nothing.
        remove(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let tree = folder.join("tree");
    if !once {
        tree::assemble(&tree, TREE_BYTES)?;
    }
    let receivers = Receivers::start(&folder.join("receivers"))?;
    let hub = Hub::start(&binary, &folder, if once { 0 } else { PORT })?;
    hub.secret("demo-mail", &receivers.password)?;
    hub.secret("demo-hook", &receivers.signing_secret)?;
    if once {
        return night::run(&hub, &receivers, &tree, &folder);
    }
    let keep = "{ daily = 7, weekly = 3 }";
    hub.apply(&objects(&folder, &tree, &receivers, "02:00", keep)?)?;
    hub.cli(&["job", "run", "backup", "--project", "demo"])?;
    let client = hub.write_client_file()?;
    say("the demonstration runs; press Ctrl-C to end it");
    say(&format!("  dashboard   {}/#token={}", hub.url, hub.token()?));
    say(&format!("  receivers   {} (mail and webhooks)", receivers.http));
    say(&format!("  folder      {}", folder.display()));
    match client {
        Some(path) => say(&format!(
            "  command     {} task list   (reads {})",
            binary.display(),
            path.display()
        )),
        None => {
            say("  command     your client file is not the demonstration's, so it was left alone; use");
            say(&format!("    export IRONCORE_SERVER={}", hub.url));
            say(&format!(
                "    {} --token-file {} task list",
                binary.display(),
                hub.token_file().display()
            ));
        }
    }
    hub.wait()
}

/// The objects of the night, filled in.
fn objects(folder: &Path, tree: &Path, receivers: &Receivers, schedule: &str, keep: &str) -> Result<String> {
    let path = root().join("examples/one-night/objects.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text
        .replace("${DEMO}", &folder.display().to_string())
        .replace("${TREE}", &tree.display().to_string())
        .replace("${SMTP_PORT}", &receivers.smtp_port.to_string())
        .replace("${HOOK_URL}", &format!("{}/hook", receivers.http))
        .replace("${SCHEDULE}", schedule)
        .replace("${KEEP}", keep))
}

/// Removes a folder that an earlier demonstration made, and no other.
fn remove(folder: &Path) -> Result<()> {
    if !folder.exists() || std::fs::read_dir(folder)?.next().is_none() {
        return Ok(());
    }
    if !folder.join("hub.toml").exists() {
        bail!(
            "{} is not empty and not a demonstration's folder; give another with --dir",
            folder.display()
        );
    }
    std::fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))
}
