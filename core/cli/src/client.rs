//! The API's client: which hub, which token, and how answers and problem documents are read.
//!
//! Where the hub is: `--server` and `--token-file`, then `IRONCORE_SERVER` and `IRONCORE_TOKEN`, then the client
//! file, then `https://127.0.0.1:8007` with the local admin's token file. Plain HTTP is spoken on loopback only.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ironcore_api::wire::Problem;
use ironcore_types::{ErrorCode, Timestamp};
use reqwest::header::DATE;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::args::Global;
use crate::exit::{Coded, Refused};

const DEFAULT_SERVER: &str = "https://127.0.0.1:8007";
/// Where `serve` leaves the local admin's token when it runs as a system service.
pub(crate) const LOCAL_ADMIN_TOKEN: &str = "/var/lib/ironcore-backup/admin.token";
/// Characters that stand for themselves in one segment of a path.
const SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What the client file may hold: `$XDG_CONFIG_HOME/ironcore-backup/client.toml`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ClientFile {
    /// Address of the hub.
    pub(crate) server: Option<String>,
    /// File with the token.
    pub(crate) token_file: Option<PathBuf>,
    /// PEM file with the authority to trust.
    pub(crate) ca: Option<PathBuf>,
}

/// Where the client file is.
pub(crate) fn client_file() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = folder.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".config")))?;
    Some(folder.join("ironcore-backup").join("client.toml"))
}

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
    token: SecretString,
}

impl Client {
    /// Finds out which hub and token to use. Nothing is asked of the hub yet.
    pub(crate) fn new(global: &Global) -> Result<Self> {
        let file = read_client_file()?;
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
        refuse_plain(&base)?;
        let token = token(global, file.token_file)?;
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .user_agent(concat!("ironcore-backup/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = global.ca.clone().or(file.ca) {
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
        Ok(self
            .http
            .request(method, url)
            .bearer_auth(self.token.expose_secret()))
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

/// The error of an answer that is no success.
fn problem(status: StatusCode, body: &[u8]) -> Refused {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Refused {
            code: problem.code,
            text: told(&problem),
        },
        Err(_) => {
            let code = match status {
                StatusCode::UNAUTHORIZED => ErrorCode::AuthRequired,
                StatusCode::FORBIDDEN => ErrorCode::AuthDenied,
                StatusCode::NOT_FOUND => ErrorCode::NotFound,
                _ => ErrorCode::Internal,
            };
            Refused {
                code,
                text: format!("the hub answered {status} [{code}]"),
            }
        }
    }
}

/// A problem document in words: the detail, then each fault; nothing twice. Faults of one kind share one code behind
/// the detail, which tells more than the document's own; when their codes differ, each has its own behind it.
fn told(problem: &Problem) -> String {
    let faults = problem.errors.as_slice();
    let shared = match faults.first().map(|fault| fault.code) {
        None => Some(problem.code),
        Some(first) => faults.iter().all(|fault| fault.code == first).then_some(first),
    };
    let mut text = problem.detail.trim_end().to_owned();
    if let Some(code) = shared {
        text.push_str(&format!(" [{code}]"));
    }
    // The detail of a request with a single fault can say all there is to say.
    if let [only] = faults
        && problem.detail.contains(only.detail.as_str())
    {
        return text;
    }
    for fault in faults {
        let place = [fault.object.as_deref().unwrap_or_default(), fault.key.as_str()];
        let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
        text.push_str("\n  ");
        if !place.is_empty() {
            text.push_str(&format!("{}: ", place.join(" ")));
        }
        text.push_str(fault.detail.trim_end());
        if shared.is_none() {
            text.push_str(&format!(" [{}]", fault.code));
        }
    }
    text
}

fn read_client_file() -> Result<ClientFile> {
    let Some(path) = client_file() else {
        return Ok(ClientFile::default());
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).with_context(|| format!("{} is not valid", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(ClientFile::default()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn token(global: &Global, from_file: Option<PathBuf>) -> Result<SecretString> {
    if let Some(path) = &global.token_file {
        return read_token(path);
    }
    if let Ok(token) = std::env::var("IRONCORE_TOKEN") {
        return Ok(SecretString::from(token.trim().to_owned()));
    }
    if let Some(path) = from_file {
        return read_token(&path);
    }
    let local = Path::new(LOCAL_ADMIN_TOKEN);
    if local.exists() {
        return read_token(local);
    }
    Err(Coded {
        code: ErrorCode::AuthRequired,
        message: format!(
            "no access token: give --token-file FILE, set IRONCORE_TOKEN, or write one of them into {}",
            client_file().map_or_else(|| "the client file".to_owned(), |path| path.display().to_string())
        ),
    }
    .into())
}

fn read_token(path: &Path) -> Result<SecretString> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the token file {}", path.display()))?;
    Ok(SecretString::from(text.trim().to_owned()))
}

/// A token must not travel in the clear over a network.
fn refuse_plain(base: &Url) -> Result<()> {
    let loopback = match base.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match base.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => bail!("{base}: plain HTTP would show the token to the network; use https"),
        other => bail!("{base}: {other} is not spoken here; use https"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_loopback() {
        let ok = |text: &str| refuse_plain(&Url::parse(text).expect("url")).is_ok();
        assert!(ok("http://127.0.0.1:8007"));
        assert!(ok("http://[::1]:8007"));
        assert!(ok("http://localhost:8007"));
        assert!(ok("https://backup.example"));
        assert!(!ok("http://backup.example"));
        assert!(!ok("http://10.0.0.1"));
        assert!(!ok("ftp://127.0.0.1"));
    }

    #[test]
    fn the_time_of_an_answer_is_read() {
        let time = date("Thu, 21 May 2026 00:01:00 GMT").expect("a date");
        assert_eq!(time.to_string(), "2026-05-21T00:01:00Z");
        assert_eq!(date("yesterday"), None);
    }

    #[test]
    fn an_answer_without_a_problem_document_has_a_code_too() {
        assert_eq!(
            problem(StatusCode::UNAUTHORIZED, b"no").code,
            ErrorCode::AuthRequired
        );
        assert_eq!(
            problem(StatusCode::BAD_GATEWAY, b"<html>").code,
            ErrorCode::Internal
        );
    }

    fn refused(code: &str, detail: &str, errors: serde_json::Value) -> String {
        let document = serde_json::json!({
            "type": format!("urn:ironcore-backup:error:{code}"),
            "title": "It is not valid",
            "status": 400,
            "code": code,
            "detail": detail,
            "request_id": "1",
            "errors": errors,
        });
        problem(StatusCode::BAD_REQUEST, document.to_string().as_bytes()).to_string()
    }

    #[test]
    fn a_fault_that_the_detail_tells_is_not_told_again() {
        let why = "\"bogus\" is not a task state: use one of queued, running";
        let detail = format!("The parameter status is not valid: {why}.");
        let fault = serde_json::json!([{"key": "status", "code": "request.invalid", "detail": why}]);
        assert_eq!(
            refused("request.invalid", &detail, fault),
            format!("{detail} [request.invalid]")
        );
        assert_eq!(
            refused("not-found", "There is no job x.", serde_json::json!([])),
            "There is no job x. [not-found]"
        );
    }

    #[test]
    fn each_fault_and_each_code_is_told_once() {
        let schedule = serde_json::json!(
            {"object": "job/a/b", "key": "schedule", "code": "schedule.invalid", "detail": "no hour 25"}
        );
        let path = serde_json::json!(
            {"object": "datastore/d", "key": "", "code": "config.invalid", "detail": "no path"}
        );
        let nameless = serde_json::json!({"key": "", "code": "request.invalid", "detail": "no JSON"});
        let told =
            |code: &str, faults: &[&serde_json::Value]| refused(code, "No.", serde_json::json!(faults));
        assert_eq!(
            told("config.invalid", &[&schedule]),
            "No. [schedule.invalid]\n  job/a/b schedule: no hour 25"
        );
        assert_eq!(
            told("config.invalid", &[&schedule, &path]),
            "No.\n  job/a/b schedule: no hour 25 [schedule.invalid]\n  datastore/d: no path [config.invalid]"
        );
        assert_eq!(
            told("request.invalid", &[&nameless, &nameless]),
            "No. [request.invalid]\n  no JSON\n  no JSON"
        );
    }
}
