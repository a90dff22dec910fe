//! `secret set|list|public-key|remove`: through the hub's API, or on the hub's own files where they are named. Values go in
//! by standard input, and are never printed.

use std::io::{IsTerminal, Read};

use anyhow::{Context as _, Result, bail};
use ironcore_api::wire;
use ironcore_egress::{SecretName, Secrets, SigningKind, Stamp, generate_signing_secret};
use ironcore_types::ErrorCode;
use secrecy::{ExposeSecret as _, SecretString};

use super::Context;
use crate::args::{LocalHub, Secret};
use crate::exit::{Coded, Exit};
use crate::output::{self, Form};
use crate::serve::config::{Overrides, Settings};
use crate::serve::{self, seams};
use crate::table::GivesWay;

/// Whether the command names the hub's own files.
pub(super) fn is_local(command: &Secret) -> bool {
    let (Secret::Set { hub, .. }
    | Secret::List { hub }
    | Secret::PublicKey { hub, .. }
    | Secret::Remove { hub, .. }) = command;
    hub.config.is_some() || hub.data.is_some()
}

/// Through the hub's API.
pub(super) async fn run(context: &Context, command: Secret) -> Result<Exit> {
    match command {
        Secret::Set { name, generate, .. } => {
            let request = match generate {
                Some(kind) => wire::SetSecret {
                    value: None,
                    generate: Some(match kind {
                        SigningKind::Hmac => wire::SigningKind::Hmac,
                        SigningKind::Ed25519 => wire::SigningKind::Ed25519,
                    }),
                },
                None => wire::SetSecret {
                    value: Some(value()?.expose_secret().to_owned()),
                    generate: None,
                },
            };
            let path = ["secrets", name.as_str()];
            let answer: wire::SecretIsSet = context.client.put(&path, &request).await?;
            tell_set(context.form, &answer)?;
        }
        Secret::List { .. } => {
            let answer: wire::SecretList = context.client.get(&["secrets"], &[]).await?;
            list(context.form, &answer)?;
        }
        Secret::PublicKey { name, .. } => {
            let list: wire::SecretList = context.client.get(&["secrets"], &[]).await?;
            let found = list.secrets.into_iter().find(|secret| secret.name == name);
            return public_key(context.form, &name, found);
        }
        Secret::Remove { name, .. } => {
            context.client.delete(&["secrets", &name]).await?;
            output::say(&format!("secret {name} is forgotten"));
        }
    }
    Ok(Exit::Ok)
}

/// On the hub's own files. Who uses a secret is not known there.
pub(super) fn on_files(form: Form, command: Secret) -> Result<Exit> {
    match command {
        Secret::Set { name, generate, hub } => {
            let name = SecretName::new(name)?;
            let (value, generated) = match generate {
                Some(kind) => (generate_signing_secret(kind)?, kind == SigningKind::Hmac),
                None => (value()?, false),
            };
            let secrets = open(&hub)?;
            let stamp = Stamp {
                at: Some(seams::machine().now()),
                by: None,
            };
            let replaced = secrets.contains(&name);
            secrets.seal_stamped(&name, &value, &stamp)?;
            if replaced {
                output::note(
                    "it took the place of another; done on the hub's own files, no event tells of it",
                );
            }
            let answer = wire::SecretIsSet {
                secret: shown(secrets.describe(&name)?),
                generated: generated.then(|| value.expose_secret().to_owned()),
            };
            tell_set(form, &answer)?;
        }
        Secret::List { hub } => {
            let secrets = open(&hub)?.list()?.into_iter().map(shown).collect();
            list(form, &wire::SecretList { secrets })?;
        }
        Secret::PublicKey { name, hub } => {
            let all = open(&hub)?.list()?;
            let found = all.into_iter().find(|kept| kept.name.as_str() == name);
            return public_key(form, &name, found.map(shown));
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

fn shown(kept: ironcore_egress::KeptSecret) -> wire::Secret {
    wire::Secret {
        name: kept.name.to_string(),
        kept: true,
        opens: kept.opens,
        set: kept.set,
        by: kept.by,
        public_key: kept.public_key,
        used_by: Vec::new(),
    }
}

/// The value on standard input, without the line end that a terminal or an editor adds.
pub(super) fn value() -> Result<SecretString> {
    let terminal = std::io::stdin().is_terminal();
    let mut value = String::new();
    if terminal {
        output::note("Type the value and press Enter; it is not shown.");
        let _silent = Silence::begin();
        std::io::stdin().read_line(&mut value)
    } else {
        std::io::stdin().read_to_string(&mut value)
    }
    .context("cannot read standard input")?;
    let value = value.trim_end_matches(['\r', '\n']).to_owned();
    if value.is_empty() {
        bail!("the value is empty; write it to standard input");
    }
    Ok(SecretString::from(value))
}

/// One line on standard input, without its end; on a terminal it is asked for as `what`, and not shown.
pub(super) fn line(what: &str) -> Result<SecretString> {
    let mut line = String::new();
    let _silent = std::io::stdin().is_terminal().then(|| {
        output::note(&format!("Type {what} and press Enter; it is not shown."));
        Silence::begin()
    });
    std::io::stdin()
        .read_line(&mut line)
        .context("cannot read standard input")?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => bail!("there is nothing on standard input: write {what} to it, on a line"),
        line => Ok(SecretString::from(line.to_owned())),
    }
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silence(Option<rustix::termios::Termios>);

impl Silence {
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let stdin = std::io::stdin();
        let Ok(before) = tcgetattr(&stdin) else {
            return Self(None);
        };
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        match tcsetattr(&stdin, OptionalActions::Flush, &silent) {
            Ok(()) => Self(Some(before)),
            Err(_) => Self(None),
        }
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            use rustix::termios::{OptionalActions, tcsetattr};
            // Where even that fails the terminal is gone.
            let _gone = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}

fn tell_set(form: Form, answer: &wire::SecretIsSet) -> Result<()> {
    let secret = &answer.secret;
    let mut fields = vec![("Secret", secret.name.clone())];
    fields.extend(secret.public_key.clone().map(|key| ("Public key", key)));
    fields.extend(answer.generated.clone().map(|key| ("Signing key", key)));
    if !secret.used_by.is_empty() {
        fields.push(("Used by", secret.used_by.join(", ")));
    }
    form.fields(answer, &fields)?;
    if answer.generated.is_some() {
        output::complain("the signing key is shown this once; hand it to whoever verifies the messages");
    }
    Ok(())
}

fn list(form: Form, answer: &wire::SecretList) -> Result<()> {
    let rows = answer.secrets.iter().map(|secret| {
        let state = match (secret.kept, secret.opens) {
            (false, _) => "missing",
            (true, false) => "sealed with another key",
            (true, true) if secret.public_key.is_some() => "ed25519",
            (true, true) => "kept",
        };
        vec![
            secret.name.clone(),
            state.to_owned(),
            output::time(secret.set),
            output::or_dash(secret.by.as_ref()),
            match secret.used_by.as_slice() {
                [] => "-".to_owned(),
                users => users.join(", "),
            },
        ]
    });
    let head = ["NAME", "STATE", "SET", "BY", "USED BY"];
    form.listing(answer, &head, &[GivesWay::Out(2), GivesWay::Out(3)], rows)
}

fn public_key(form: Form, name: &str, found: Option<wire::Secret>) -> Result<Exit> {
    let Some(secret) = found.filter(|secret| secret.kept) else {
        output::complain(&format!("there is no secret {name}"));
        return Ok(Exit::NotFound);
    };
    match &secret.public_key {
        None => Err(Coded {
            code: ErrorCode::RequestInvalid,
            message: format!(
                "the secret {name} is no Ed25519 signing key: make one with secret set NAME --generate ed25519"
            ),
        }
        .into()),
        Some(key) => {
            match form {
                Form::Json => form.fields(&secret, &[])?,
                _ => output::say(key),
            }
            Ok(Exit::Ok)
        }
    }
}

/// The secrets of the hub whose files are named. A folder must hold a hub or a secret would be lost there.
fn open(hub: &LocalHub) -> Result<Secrets> {
    let settings = Settings::load(Overrides {
        config: hub.config.as_deref(),
        data: hub.data.as_deref(),
        ..Overrides::default()
    })?;
    serve::secrets(&settings)
}
