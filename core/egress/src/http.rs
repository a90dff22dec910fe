//! HTTP requests: checked, filled, signed, sent once; the answer cut, redacted and classified.
//!
//! No redirects, no proxies of the environment, no retries: those are for whoever sends, who knows the policy.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Client;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use secrecy::{ExposeSecret as _, SecretString};

use crate::address::Refused;
use crate::failure::Failure;
use crate::fill::{self, Parts};
use crate::proxy::Proxy;
use crate::redact::Redactor;
use crate::resolve::{ResolveError, Resolver};
use crate::sign::{self, SignSpec};
use crate::signing_key;
use crate::slots::{self, SecretSlot};
use crate::tls::{self, Fingerprint, Trust, WrongCertificate};
use crate::{EgressError, Shared, retry_after};

/// How much of an answer is kept for receipts, in bytes.
pub const MAX_ANSWER: usize = 20_000;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const AGENT: &str = concat!("ironcore-backup/", env!("CARGO_PKG_VERSION"));

/// A request to a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `POST`, `PUT` and so on.
    pub method: String,
    /// The URL; not looked at when a slot gives the whole of it.
    pub url: String,
    /// Headers; those that the connection owns are refused.
    pub headers: Vec<(String, String)>,
    /// The body as sent, but for its slots.
    pub body: Vec<u8>,
    /// Where secrets go.
    pub slots: Vec<SecretSlot>,
    /// The signature; over the body with its secrets in place.
    pub sign: Option<SignSpec>,
    /// For the whole exchange, and at most what the hub allows.
    pub timeout: Duration,
    /// Texts that are as good as secrets, such as a link that lets somebody in: nothing that comes back holds them.
    pub hide: Vec<String>,
}

impl HttpRequest {
    /// A request without headers, body or secrets, and a time-out of 30 s.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            slots: Vec::new(),
            sign: None,
            timeout: Duration::from_secs(30),
            hide: Vec::new(),
        }
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The headers, but for those of the connection and cookies; names in lower case, values cut and redacted.
    pub headers: Vec<(String, String)>,
    /// At most [`MAX_ANSWER`] bytes, redacted.
    pub body: Vec<u8>,
    /// Whether the body was longer.
    pub truncated: bool,
    /// How long the destination asks to wait.
    pub retry_after: Option<Duration>,
    /// From the call to the end of the answer.
    pub latency: Duration,
}

impl HttpResponse {
    /// Whether the status is one of 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What the status means for the message; none for success.
    pub fn failure(&self) -> Option<Failure> {
        if self.is_success() {
            return None;
        }
        let text = self.body_text();
        let first: String = text
            .lines()
            .map(str::trim)
            .find(|l| !l.is_empty())
            .unwrap_or("")
            .chars()
            .take(200)
            .collect();
        let said = if first.is_empty() {
            String::new()
        } else {
            format!(": {first}")
        };
        let answered = format!("the destination answered {}{said}", self.status);
        let failure = match self.status {
            408 | 429 | 500.. => Failure::lane(answered),
            300..=399 => Failure::rejected(format!(
                "the destination answered {} with a redirect, which is not followed; configure the final address",
                self.status
            )),
            _ => Failure::rejected(answered),
        };
        Some(
            failure
                .with_status(self.status)
                .with_retry_after(self.retry_after)
                .with_latency(self.latency),
        )
    }
}

/// Makes a client; without a pin it believes the authorities.
pub(crate) fn client(
    trust: &Trust,
    resolver: &Resolver,
    proxy: Option<&Proxy>,
    pin: Option<Fingerprint>,
) -> Result<Client, EgressError> {
    let tls = match pin {
        Some(fingerprint) => trust.pinned(fingerprint)?,
        None => trust.http()?,
    };
    // `no_proxy` first: it is what keeps those of the environment out.
    let builder = Client::builder().no_proxy();
    let builder = match proxy {
        Some(proxy) => builder.proxy(proxy.intercept()),
        None => builder,
    };
    builder
        .tls_backend_preconfigured(tls)
        .dns_resolver(resolver.clone())
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(8)
        .build()
        .map_err(|error| EgressError::Tls {
            reason: tls::chain(&error),
        })
}

/// Sends a request; see [`crate::Egress::http`].
pub(crate) async fn send(shared: &Shared, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let begun = shared.seams.moment();
    let mut redactor = Redactor::default();
    let timeout = request.timeout.min(shared.max_timeout);
    let answer = exchange(shared, request, timeout, &mut redactor).await;
    let latency = shared.seams.moment().since(begun);
    let (status, headers, body, more) = answer.map_err(|failure| Failure {
        reason: redactor.text(&failure.reason),
        latency,
        ..failure
    })?;
    let retry_after = headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok());
    Ok(HttpResponse {
        status,
        retry_after: retry_after.and_then(|v| retry_after::parse(v, shared.seams.now())),
        headers: kept(&headers, &redactor),
        truncated: more || body.len() > MAX_ANSWER,
        body: redactor.cut(&body, more, MAX_ANSWER),
        latency,
    })
}

type Answer = (u16, HeaderMap, Vec<u8>, bool);

async fn exchange(
    shared: &Shared,
    request: HttpRequest,
    timeout: Duration,
    redactor: &mut Redactor,
) -> Result<Answer, Failure> {
    let ready = prepare(shared, request, redactor)?;
    let over = shared.proxy.as_ref().filter(|proxy| proxy.takes(ready.url()));
    // One deadline for head and body, so that a destination that drips its answer is cut off, too.
    let deadline = tokio::time::Instant::now() + timeout;
    let sent = tokio::time::timeout_at(deadline, shared.client.execute(ready)).await;
    let mut response = sent
        .map_err(|_| timed_out(timeout))?
        .map_err(|error| failed(error, shared.proxy.as_ref()))?;
    let status = response.status().as_u16();
    if let Some(failure) = over.and_then(|proxy| proxy.failure(status)) {
        return Err(failure);
    }
    let headers = std::mem::take(response.headers_mut());
    // Read on behind what is kept, so that a secret across the cut is recognised.
    let limit = MAX_ANSWER + redactor.longest();
    let (body, more) = read(&mut response, limit, deadline).await;
    Ok((status, headers, body, more))
}

/// Checks a request, fills its slots and signs it. Nothing is sent.
pub(crate) fn prepare(
    shared: &Shared,
    request: HttpRequest,
    redactor: &mut Redactor,
) -> Result<reqwest::Request, Failure> {
    request.hide.iter().for_each(|text| redactor.add(text));
    let method = reqwest::Method::from_bytes(request.method.as_bytes())
        .ok()
        .filter(|m| !matches!(*m, reqwest::Method::CONNECT | reqwest::Method::TRACE))
        .ok_or_else(|| Failure::invalid(format!("{:?} is not a method for a request", request.method)))?;
    let url = slots::url(&request.url, &request.slots, &shared.secrets, redactor)?;
    let mut parts = Parts {
        url,
        headers: HeaderMap::new(),
        body: request.body,
    };
    parts.headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    for (name, value) in &request.headers {
        let header = slots::header_name(name)?;
        let value = HeaderValue::try_from(value)
            .map_err(|_| Failure::invalid(format!("the value of the header {header} is not valid")))?;
        parts.headers.insert(header, value);
    }
    fill::fill(&mut parts, &request.slots, &shared.secrets, redactor)?;
    if let Some(host) = parts.url.host() {
        let refused = |refused: Refused| Failure::address(refused.to_string());
        shared.resolver.check_literal(&host).map_err(refused)?;
        if let Some(proxy) = shared.proxy.as_ref().filter(|proxy| proxy.takes(&parts.url)) {
            proxy
                .check_name(&host, shared.resolver.allowed())
                .map_err(refused)?;
            proxy.redact(redactor);
        }
    }
    if let Some(spec) = &request.sign {
        for (name, value) in signature(shared, spec, &parts.body, redactor)? {
            let value = HeaderValue::try_from(value)
                .map_err(|_| Failure::invalid("the signature is not a header"))?;
            parts.headers.insert(name, value);
        }
    }
    let mut ready = reqwest::Request::new(method, parts.url);
    *ready.headers_mut() = parts.headers;
    *ready.body_mut() = Some(parts.body.into());
    Ok(ready)
}

fn signature(
    shared: &Shared,
    spec: &SignSpec,
    body: &[u8],
    redactor: &mut Redactor,
) -> Result<[(&'static str, String); 3], Failure> {
    if !sign::id_is_valid(&spec.id) {
        return Err(Failure::invalid(
            "the id of a signed message is printable ASCII without dots",
        ));
    }
    if spec.secrets.is_empty() {
        return Err(Failure::invalid("a signature wants at least one secret"));
    }
    let open = |name| {
        let value = slots::open(&shared.secrets, name, redactor)?;
        // A receiver may print the key without what stands before it.
        if let Some(bare) = signing_key::bare(value.expose_secret()) {
            redactor.add(bare);
        }
        Ok(value)
    };
    let secrets: Vec<SecretString> = spec
        .secrets
        .iter()
        .map(open)
        .collect::<Result<_, EgressError>>()?;
    Ok(sign::headers(spec, &secrets, body)?)
}

/// Reads up to `limit` bytes; whether there was more. A connection that breaks or hangs midway leaves what came
/// before it: the status has been given, and it alone decides.
async fn read(
    response: &mut reqwest::Response,
    limit: usize,
    deadline: tokio::time::Instant,
) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        match tokio::time::timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = limit - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    return (body, true);
                }
            }
            Ok(Ok(None)) => return (body, false),
            Ok(Err(_)) | Err(_) => return (body, true),
        }
    }
}

/// Reads a whole body of at most `limit` bytes.
pub(crate) async fn read_all(mut response: reqwest::Response, limit: usize) -> Result<Bytes, Failure> {
    let too_long = || Failure::rejected(format!("the answer is longer than {limit} bytes"));
    let announced = response
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_long());
    }
    let mut body = Vec::with_capacity(announced.and_then(|l| usize::try_from(l).ok()).unwrap_or(0));
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(error, None))? {
        if body.len() + chunk.len() > limit {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

pub(crate) fn timed_out(timeout: Duration) -> Failure {
    Failure::lane(format!(
        "the destination did not answer within {} s",
        timeout.as_secs_f64()
    ))
}

/// What an error of the HTTP client means. The URL may hold a secret, so it goes first of all.
pub(crate) fn failed(error: reqwest::Error, proxy: Option<&Proxy>) -> Failure {
    let error = error.without_url();
    if let Some(resolve) = tls::cause::<ResolveError>(&error) {
        return match resolve {
            // The proxy's address is the admin's to put right, and no message is at fault.
            ResolveError::Refused(refused) if proxy.is_some_and(|proxy| proxy.is_at(refused)) => {
                Failure::lane(format!("the proxy cannot be used: {refused}"))
            }
            ResolveError::Refused(refused) => Failure::address(refused.to_string()),
            other => Failure::lane(other.to_string()),
        };
    }
    if let Some(wrong) = tls::cause::<WrongCertificate>(&error) {
        return Failure::fingerprint(wrong.to_string());
    }
    if error.is_builder() {
        return Failure::invalid(tls::chain(&error));
    }
    let what = if error.is_timeout() {
        "the destination did not answer in time"
    } else if tls::cause::<rustls::Error>(&error).is_some() {
        "a secure connection to the destination could not be made"
    } else if error.is_connect() {
        "the destination could not be reached"
    } else {
        "the connection to the destination broke"
    };
    Failure::lane(format!("{what}: {}", tls::chain(&error)))
}

/// What says nothing about the message: how the connection was kept, and sessions that the destination opens.
const LEFT_OUT: [&str; 7] = [
    "connection",
    "keep-alive",
    "set-cookie",
    "set-cookie2",
    "transfer-encoding",
    "trailer",
    "upgrade",
];
/// More headers than this are left out.
const MAX_HEADERS: usize = 50;

fn kept(headers: &HeaderMap, redactor: &Redactor) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()))
        .take(MAX_HEADERS)
        .map(|(name, value)| {
            let value = redactor.text(&String::from_utf8_lossy(value.as_bytes()));
            (name.to_string(), value.chars().take(1000).collect())
        })
        .collect()
}
