//! Whole answers for the hub's own conversations, such as a sync with another hub: larger than a receipt, with a
//! pinned certificate when wanted. Guests have no way here.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Client;
use reqwest::header::HeaderMap;

use crate::failure::Failure;
use crate::http::{self, HttpRequest};
use crate::redact::Redactor;
use crate::tls::Fingerprint;
use crate::{EgressError, Shared};

/// More pins than a hub has peers: the clients of the others are forgotten.
const MAX_PINNED: usize = 64;

/// A request whose whole answer is wanted.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// The request; its time-out holds as it stands.
    pub request: HttpRequest,
    /// The one certificate to believe; the known authorities when none.
    pub pin: Option<Fingerprint>,
    /// The longest answer, in bytes.
    pub max_answer: usize,
}

/// The whole answer. Not redacted: it is data, which must come through as it is.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The `content-type`, when given.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
    /// From the call to the end of the answer.
    pub latency: Duration,
}

/// See [`crate::Egress::fetch`].
pub(crate) async fn fetch(shared: &Shared, request: FetchRequest) -> Result<Fetched, Failure> {
    let begun = shared.seams.moment();
    let mut redactor = Redactor::default();
    let timeout = request.request.timeout;
    let done = tokio::time::timeout(timeout, async {
        let client = client(shared, request.pin)?;
        let ready = http::prepare(shared, request.request, &mut redactor)?;
        if request.pin.is_some() && ready.url().scheme() != "https" {
            return Err(Failure::invalid(
                "a certificate is pinned, so the address must begin with https",
            ));
        }
        let response = client
            .execute(ready)
            .await
            .map_err(|error| http::failed(error, shared.proxy.as_ref()))?;
        let status = response.status().as_u16();
        let content_type = content_type(response.headers());
        let body = http::read_all(response, request.max_answer).await?;
        Ok((status, content_type, body))
    });
    let done = done.await.unwrap_or_else(|_| Err(http::timed_out(timeout)));
    let latency = shared.seams.moment().since(begun);
    let (status, content_type, body) = done.map_err(|failure: Failure| Failure {
        reason: redactor.text(&failure.reason),
        latency,
        ..failure
    })?;
    Ok(Fetched {
        status,
        content_type,
        body,
        latency,
    })
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    headers
        .get(reqwest::header::CONTENT_TYPE)?
        .to_str()
        .ok()
        .map(str::to_owned)
}

fn client(shared: &Shared, pin: Option<Fingerprint>) -> Result<Client, EgressError> {
    let Some(pin) = pin else {
        return Ok(shared.client.clone());
    };
    let mut pinned = shared
        .pinned
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(client) = pinned.get(&pin) {
        return Ok(client.clone());
    }
    let client = http::client(&shared.trust, &shared.resolver, shared.proxy.as_ref(), Some(pin))?;
    if pinned.len() >= MAX_PINNED {
        pinned.clear();
    }
    pinned.insert(pin, client.clone());
    Ok(client)
}
