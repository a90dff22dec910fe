//! The API's client: which hub, which token, and how answers and problem documents are read.
//!
//! Where the hub is: `--server` and `--token-file`, then `IRONCORE_SERVER` and `IRONCORE_TOKEN`, then the client
//! file, then `https://127.0.0.1:8007` with the local admin's token file. Plain HTTP is spoken on loopback only.

mod browser;
mod problem;
mod settings;

use std::time::Duration;

use anyhow::{Context, Result};
use ironcore_api::wire::Problem;
use ironcore_types::{ErrorCode, Timestamp};
use reqwest::header::DATE;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use self::browser::Browser;
use self::problem::problem;
pub(crate) use self::settings::LOCAL_ADMIN_TOKEN;
use crate::args::Global;
use crate::exit::{Coded, Refused};

const DEFAULT_SERVER: &str = "https://127.0.0.1:8007";
/// Characters that stand for themselves in one segment of a path.
const SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The hub did not answer: it may be starting again.
#[derive(Debug)]
pub(crate) struct Unreachable(String);

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreachable {}

/// Whether asking once more may help: the hub is not there, or its database is not.
pub(crate) fn may_come_back(error: &anyhow::Error) -> bool {
    error.is::<Unreachable>()
        || error
            .downcast_ref::<Refused>()
            .is_some_and(|refused| refused.code == ErrorCode::LedgerUnavailable)
}

/// A connection to one hub.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    /// None for what needs none.
    token: Option<SecretString>,
}

impl Client {
    /// Finds out which hub and token to use. Nothing is asked of the hub yet.
    pub(crate) fn new(global: &Global) -> Result<Self> {
        let file = settings::read_client_file()?;
        let token = settings::token(global, file.token_file.clone())?;
        Self::with(global, file, Some(token))
    }

    /// One without a token, for what needs none: signing in, and setting the hub up.
    pub(crate) fn without_token(global: &Global) -> Result<Self> {
        Self::with(global, settings::read_client_file()?, None)
    }

    fn with(global: &Global, file: settings::ClientFile, token: Option<SecretString>) -> Result<Self> {
        let server = global
            .server
            .clone()
            .or(file.server)
            .unwrap_or_else(|| DEFAULT_SERVER.to_owned());
        let mut base =
            Url::parse(&server).with_context(|| format!("{server:?} is not an address of a hub"))?;
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        settings::refuse_plain(&base)?;
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .user_agent(concat!("ironcore-backup/", env!("CARGO_PKG_VERSION")));
        if let Some(pin) = settings::fingerprint(global, file.fingerprint.as_deref(), &base)? {
            builder = builder.tls_backend_preconfigured(ironcore_egress::pinned_tls(pin)?);
        } else if let Some(path) = global.ca.clone().or(file.ca) {
            let pem = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let authority = reqwest::Certificate::from_pem(&pem)
                .with_context(|| format!("{} holds no certificate", path.display()))?;
            builder = builder.tls_certs_only([authority]);
        }
        Ok(Self {
            http: builder.build()?,
            base,
            token,
        })
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder> {
        let encoded: Vec<String> = path
            .iter()
            .map(|part| percent_encoding::utf8_percent_encode(part, SEGMENT).to_string())
            .collect();
        let url = self.base.join(&format!("api/v1/{}", encoded.join("/")))?;
        let request = self.http.request(method, url);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        })
    }

    /// Reads something. `path` is given in segments, which are encoded here.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T> {
        self.get_dated(path, query).await.map(|(answer, _)| answer)
    }

    /// Like [`get`](Self::get), with the hub's time, to the second, when it told it.
    pub(crate) async fn get_dated<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<(T, Option<Timestamp>)> {
        let request = self
            .request(Method::GET, path)?
            .query(query)
            .timeout(Duration::from_secs(60));
        let response = self.send(request).await?;
        let told = response.headers().get(DATE).and_then(|date| date.to_str().ok());
        let now = told.and_then(date);
        let answer = response.json().await;
        Ok((answer.context("the hub's answer cannot be read")?, now))
    }

    /// Reads something as a stream of bytes, without a limit of time.
    pub(crate) async fn stream(&self, path: &[&str]) -> Result<Response> {
        self.send(self.request(Method::GET, path)?).await
    }

    /// Asks for something to be done.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        body: &(impl Serialize + Sync),
    ) -> Result<T> {
        let request = self
            .request(Method::POST, path)?
            .query(query)
            .json(body)
            .timeout(Duration::from_secs(120));
        self.send(request)
            .await?
            .json()
            .await
            .context("the hub's answer cannot be read")
    }

    /// Puts something in its place.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Result<T> {
        let request = self
            .request(Method::PUT, path)?
            .json(body)
            .timeout(Duration::from_secs(60));
        let answer = self.send(request).await?.json().await;
        answer.context("the hub's answer cannot be read")
    }

    /// Changes a part of something.
    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Result<T> {
        let request = self
            .request(Method::PATCH, path)?
            .json(body)
            .timeout(Duration::from_secs(60));
        let answer = self.send(request).await?.json().await;
        answer.context("the hub's answer cannot be read")
    }

    /// Removes something.
    pub(crate) async fn delete(&self, path: &[&str]) -> Result<()> {
        self.delete_with(path, &[]).await
    }

    /// Removes what the query says of something.
    pub(crate) async fn delete_with(&self, path: &[&str], query: &[(&str, String)]) -> Result<()> {
        self.send(
            self.request(Method::DELETE, path)?
                .query(query)
                .timeout(Duration::from_secs(60)),
        )
        .await?;
        Ok(())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.bytes().await.unwrap_or_default();
        let of_proxy = [
            StatusCode::BAD_GATEWAY,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
        ];
        if of_proxy.contains(&status) && serde_json::from_slice::<Problem>(&body).is_err() {
            let text = format!("the hub at {} cannot be reached: {status}", self.base);
            return Err(Unreachable(text).into());
        }
        Err(problem(status, &body).into())
    }

    fn unreachable(&self, error: &reqwest::Error) -> anyhow::Error {
        if let Some(why) = ironcore_egress::wrong_certificate(error) {
            let message = format!(
                "{}: {why}; is it the right hub, or has it renewed its certificate?",
                self.base
            );
            let code = ErrorCode::RemoteFingerprint;
            return Coded { code, message }.into();
        }
        let mut why = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            why = inner.to_string();
            source = inner.source();
        }
        let text = format!(
            "cannot reach the hub at {}: {why}\nIs it running there? Give its address with --server or IRONCORE_SERVER.",
            self.base
        );
        Unreachable(text).into()
    }
}

/// The time of a `Date` header (RFC 9110, IMF-fixdate).
fn date(text: &str) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text);
    time.ok().map(Timestamp::from_jiff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_an_answer_is_read() {
        let time = date("Thu, 21 May 2026 00:01:00 GMT").expect("a date");
        assert_eq!(time.to_string(), "2026-05-21T00:01:00Z");
        assert_eq!(date("yesterday"), None);
    }
}
