//! The hub: the only place where everything is put together, started in order, and drained in order.

mod builtin;
mod check;
pub(crate) mod config;
mod copies;
mod heartbeat;
mod hub;
mod keeper;
mod keys;
mod parts;
mod process;
mod remotes;
pub(crate) mod seams;
mod tls;

use std::path::Path;

use anyhow::Result;
use ironcore_egress::Secrets;

pub(crate) use self::check::check;
use self::config::{Overrides, Settings};
pub(crate) use self::copies::restore;
use self::hub::Hub;
use crate::args::Serve;
use crate::exit::Exit;

/// What the log tells: a level, or `target=level` joined by commas.
const LOG: &str = "IRONCORE_LOG";

/// Variables of the environment that no option stands for, and what they say.
pub(crate) const ENVIRONMENT: &[(&str, &str)] = &[
    (
        config::DATABASE,
        "The database, as `database` of the configuration: sqlite, or postgres://…, for those who want no password in \
         the file",
    ),
    (
        LOG,
        "What `serve` writes to standard error: a level (info when missing), or TARGET=LEVEL joined by commas",
    ),
];

/// Opens the hub's secrets.
pub(crate) fn secrets(settings: &Settings) -> Result<Secrets> {
    keys::private_folder(&settings.data)?;
    keys::private_folder(&settings.data.join("keys"))?;
    Ok(Secrets::open(
        &settings.data.join("secrets"),
        &settings.data.join("keys/secrets.key"),
    )?)
}

/// Whether a hub was ever started with this data folder, or given a secret. One that cannot be looked into counts: what
/// is wrong with it is told by whoever opens it.
pub(crate) fn holds_hub(data: &Path) -> bool {
    ["ledger.sqlite", "admin.token", "keys/secrets.key"]
        .iter()
        .any(|file| data.join(file).try_exists().unwrap_or(true))
}

/// `serve`: runs until it is told to stop.
pub(crate) async fn run(options: &Serve) -> Result<Exit> {
    let settings = Settings::load(Overrides {
        config: options.config.as_deref(),
        listen: options.listen,
        data: options.data.as_deref(),
        roles: &options.role,
    })?;
    start_logging()?;
    let hub = Hub::start(settings).await?;
    hub.run().await?;
    Ok(Exit::Ok)
}

fn start_logging() -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_env(LOG)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .try_init()
        .map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}
