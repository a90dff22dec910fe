//! `secret set|list|remove`: works on the hub's own files, so that values never travel through the API.

use std::io::{IsTerminal, Read};

use anyhow::{Context as _, Result, bail};
use ironcore_egress::{SecretName, Secrets};
use ironcore_types::ErrorCode;
use secrecy::SecretString;

use crate::args::{LocalHub, Secret};
use crate::exit::{Coded, Exit};
use crate::output::{self, Form};
use crate::serve;
use crate::serve::config::{self, Overrides, Settings};

pub(super) fn run(form: Form, command: Secret) -> Result<Exit> {
    match command {
        Secret::Set { name, hub } => {
            let name = SecretName::new(name)?;
            if std::io::stdin().is_terminal() {
                output::complain("type the value, then end it with Ctrl-D; it is shown as you type");
            }
            let mut value = String::new();
            std::io::stdin()
                .read_to_string(&mut value)
                .context("cannot read standard input")?;
            let value = value.trim_end_matches(['\r', '\n']).to_owned();
            if value.is_empty() {
                bail!("the value is empty; write it to standard input");
            }
            let settings = settings(&hub)?;
            serve::secrets(&settings)?.seal(&name, &SecretString::from(value))?;
            output::say(&format!("secret {name} is kept in {}", settings.data.display()));
        }
        Secret::List { hub } => {
            let names: Vec<String> = open(&hub)?.names()?.iter().map(ToString::to_string).collect();
            form.rows(&names, &["NAME"], names.iter().map(|name| vec![name.clone()]))?;
        }
        Secret::Remove { name, hub } => {
            if !open(&hub)?.remove(&SecretName::new(&name)?)? {
                output::complain(&format!("there is no secret {name}"));
                return Ok(Exit::NotFound);
            }
            output::say(&format!("secret {name} is forgotten"));
        }
    }
    Ok(Exit::Ok)
}

fn open(hub: &LocalHub) -> Result<Secrets> {
    serve::secrets(&settings(hub)?)
}

/// Where the hub's files are. A folder that nobody named must hold a hub: a secret in one that no hub reads is lost.
fn settings(hub: &LocalHub) -> Result<Settings> {
    let settings = Settings::load(Overrides {
        config: hub.config.as_deref(),
        data: hub.data.as_deref(),
        ..Overrides::default()
    })?;
    let named = hub.config.is_some() || hub.data.is_some() || config::default_file().is_some();
    if !named && !serve::holds_hub(&settings.data) {
        return Err(Coded {
            code: ErrorCode::RequestInvalid,
            message: format!(
                "there is no hub in {}: say where it is with --config FILE or --data DIR",
                settings.data.display()
            ),
        }
        .into());
    }
    Ok(settings)
}
