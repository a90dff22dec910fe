//! `user second-factor set`: signs in as a browser does, shows the secret, and confirms it with a first code.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::UserId;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::secret;
use crate::client::{Browser, Client};
use crate::exit::Exit;
use crate::output::{self, Form};

pub(super) async fn set(client: &Client, form: Form, user: &UserId) -> Result<Exit> {
    let password = secret::line("the password")?;
    let browser = Browser::sign_in(client, user, password.expose_secret()).await?;
    let request = wire::OwnPassword {
        password: password.expose_secret().to_owned(),
    };
    let proposed: wire::ProposedFactor = browser.post(&["session", "second-factor"], &request).await?;
    // On standard error, so that what is kept of the output are the recovery codes.
    output::complain(&format!(
        "enter this secret into an authenticator, or make a QR code of the URL:\n  {}\n  {}",
        proposed.secret, proposed.url
    ));
    let code = secret::line("the code that it shows")?;
    let request = wire::FirstCode {
        code: code.expose_secret().to_owned(),
    };
    let path = ["session", "second-factor", "confirm"];
    let codes: wire::RecoveryCodes = browser.post(&path, &request).await?;
    browser.sign_out().await?;
    match form {
        Form::Json => output::say(&json!({ "recovery_codes": codes.recovery_codes }).to_string()),
        _ => output::say(&codes.recovery_codes.join("\n")),
    }
    output::complain(
        "a code is asked for from now on; each of the recovery codes stands in for one, once: they are shown this once",
    );
    Ok(Exit::Ok)
}
