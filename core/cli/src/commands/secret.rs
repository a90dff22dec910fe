//! `secret set|list|remove`: works on the hub's own files, so that values never travel through the API.

use std::io::{IsTerminal, Read};

use anyhow::{Context as _, Result, bail};
use ironcore_egress::{SecretName, Secrets};
use secrecy::SecretString;

use crate::args::{LocalHub, Secret};
use crate::exit::Exit;
use crate::output::{self, Form};
use crate::serve;

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
            open(&hub)?.seal(&name, &SecretString::from(value))?;
            output::say(&format!("secret {name} is kept"));
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
    let settings = serve::settings(hub.config.as_deref(), None, hub.data.as_deref())?;
    serve::secrets(&settings)
}
