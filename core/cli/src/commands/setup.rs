//! `setup`: makes the first administrator of a new hub.

use anyhow::{Context as _, Result};
use ironcore_api::wire;
use secrecy::ExposeSecret as _;

use super::secret;
use crate::args::Setup;
use crate::client::Client;
use crate::exit::Exit;
use crate::output::{self, Form};

pub(super) async fn run(client: &Client, form: Form, options: Setup) -> Result<Exit> {
    let path = &options.setup_token;
    let token = std::fs::read_to_string(path).with_context(|| {
        format!(
            "cannot read {}: a hub that is not set up leaves it in its data folder; name it with --setup-token",
            path.display()
        )
    })?;
    let password = secret::line("the password of the administrator")?;
    let request = wire::SetUpHub {
        token: token.trim().to_owned(),
        user: options.user,
        name: options.name,
        email: options.email,
        password: password.expose_secret().to_owned(),
    };
    let made: wire::User = client.post(&["setup"], &[], &request).await?;
    match form {
        Form::Json => output::say(&serde_json::to_string_pretty(&made)?),
        _ => output::say(&format!(
            "{} may do everything on this hub, and signs in with the password",
            made.user
        )),
    }
    Ok(Exit::Ok)
}
