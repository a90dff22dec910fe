//! A user signed in as a browser is: with a password, a cookie, and the token that pages send. For what users alone do for
//! themselves.

use anyhow::{Context as _, Result, bail};
use ironcore_api::wire;
use ironcore_types::UserId;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Client;

/// Somebody who is signed in.
pub(crate) struct Browser<'c> {
    client: &'c Client,
    cookie: SecretString,
    csrf: SecretString,
}

impl<'c> Browser<'c> {
    /// Signs in a user without a second factor.
    pub(crate) async fn sign_in(client: &'c Client, user: &UserId, password: &str) -> Result<Self> {
        let request = wire::LoginRequest {
            user: user.to_string(),
            password: password.to_owned(),
        };
        let request = client.request(Method::POST, &["login"])?.json(&request);
        let response = client.send(request).await?;
        if response.status() == StatusCode::ACCEPTED {
            let wanted: wire::SecondFactorWanted = response.json().await?;
            match wanted.set_up {
                true => bail!("{user} sets the second factor up when signing in with a browser"),
                false => bail!("{user} has a second factor already; remove it first"),
            }
        }
        let cookie = response
            .headers()
            .get(SET_COOKIE)
            .and_then(|value| value.to_str().ok());
        let cookie = cookie
            .and_then(|value| value.split(';').next())
            .map(str::to_owned);
        let cookie = cookie.context("the hub signed nobody in")?;
        let answer: wire::LoggedIn = response.json().await.context("the hub's answer cannot be read")?;
        Ok(Self {
            client,
            cookie: cookie.into(),
            csrf: answer.csrf_token.into(),
        })
    }

    fn request(&self, path: &[&str]) -> Result<RequestBuilder> {
        let request = self.client.request(Method::POST, path)?;
        Ok(request
            .header(COOKIE, self.cookie.expose_secret())
            .header("X-CSRF-Token", self.csrf.expose_secret()))
    }

    /// Asks for something to be done.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Result<T> {
        let response = self.client.send(self.request(path)?.json(body)).await?;
        response.json().await.context("the hub's answer cannot be read")
    }

    /// Signs out.
    pub(crate) async fn sign_out(self) -> Result<()> {
        self.client.send(self.request(&["logout"])?).await?;
        Ok(())
    }
}
