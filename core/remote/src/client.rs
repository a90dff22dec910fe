//! The asking side: the store's `Peer`, spoken over HTTP through egress.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use ironcore_egress::{
    Egress, EgressError, FetchRequest, Fetched, Fingerprint, HttpRequest, SecretName, SecretSlot,
};
use ironcore_store::{
    ChunkFault, ChunkId, ManifestFault, Peer, PeerInfo, SnapshotFilter, StoreError, StoredChunk,
};
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::spec::Remote;
use ironcore_types::{DatastoreName, ErrorCode, Seams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use url::{Host, Url};

use crate::error::RemoteError;
use crate::protocol::{
    ChunksRequest, Filter, Info, MAX_ANSWER, ManifestRequest, PREFIX, Problem, Size, Snapshots, Verb,
    decode_chunks,
};

/// For one answer of at most [`MAX_ANSWER`] bytes, over a slow line.
const TIMEOUT: Duration = Duration::from_secs(300);
/// A connection test is waited for by a person.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Asking changes nothing, so a broken connection is tried again before the sync gives up.
const RETRY_AFTER: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
];

/// A datastore of another hub.
///
/// Its [`Peer`] methods block on `runtime`: call them from a thread that may block, never from a task.
#[derive(Clone)]
pub struct RemotePeer {
    egress: Egress,
    seams: Seams,
    runtime: Handle,
    base: Url,
    token: SecretName,
    pin: Option<Fingerprint>,
}

impl RemotePeer {
    /// Checks how the remote is configured. Nothing is asked yet.
    pub fn new(
        remote: &Remote,
        datastore: &DatastoreName,
        egress: Egress,
        seams: Seams,
        runtime: Handle,
    ) -> Result<Self, RemoteError> {
        let wrong = |reason: String, source: Option<EgressError>| RemoteError::Config {
            url: remote.url.clone(),
            reason,
            source,
        };
        let invalid = |source: EgressError| wrong(source.to_string(), Some(source));
        let pin = remote
            .fingerprint
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(invalid)?;
        let token = SecretName::new(&remote.token_secret).map_err(invalid)?;
        let mut base = Url::parse(&remote.url).map_err(|error| wrong(error.to_string(), None))?;
        let plain =
            base.scheme() == "http" && pin.is_none() && base.host().is_some_and(|host| is_loopback(&host));
        if base.scheme() != "https" && !plain {
            return Err(wrong(
                "the address must begin with https, as the token travels with it".to_owned(),
                None,
            ));
        }
        base.set_query(None);
        base.set_fragment(None);
        let path = format!("{}{PREFIX}/{datastore}", base.path().trim_end_matches('/'));
        base.set_path(&path);
        Ok(Self {
            egress,
            seams,
            runtime,
            base,
            token,
            pin,
        })
    }

    /// Asks the remote who it is: whether it can be reached, is the one that is pinned, and accepts the token.
    pub async fn test(&self) -> Result<PeerInfo, RemoteError> {
        let answer = self.ask(Verb::Info, Vec::new(), TEST_TIMEOUT).await?;
        self.json::<Info>(&answer).map(PeerInfo::from)
    }

    fn host(&self) -> String {
        self.base.host_str().unwrap_or_default().to_owned()
    }

    /// Asks, again when the line breaks, and blocks until there is an answer.
    fn get(&self, verb: Verb, request: &impl Serialize) -> Result<Bytes, RemoteError> {
        let body = match verb {
            Verb::Info => Vec::new(),
            _ => serde_json::to_vec(request).map_err(|error| self.protocol(error.to_string()))?,
        };
        self.runtime.block_on(async {
            let mut waits = RETRY_AFTER.iter();
            loop {
                match (self.ask(verb, body.clone(), TIMEOUT).await, waits.next()) {
                    (Err(error), Some(wait)) if error.is_passing() => {
                        tracing::debug!(%error, ?wait, "asking the remote again");
                        self.seams.sleep(*wait).await;
                    }
                    (answer, _) => return answer,
                }
            }
        })
    }

    async fn ask(&self, verb: Verb, body: Vec<u8>, timeout: Duration) -> Result<Bytes, RemoteError> {
        let mut request = HttpRequest::new(verb.method(), format!("{}/{}", self.base, verb.as_str()));
        if !body.is_empty() {
            request
                .headers
                .push(("content-type".to_owned(), crate::protocol::JSON_TYPE.to_owned()));
        }
        request.body = body;
        request.slots = vec![SecretSlot::Token {
            secret: self.token.clone(),
        }];
        request.timeout = timeout;
        let fetched = self
            .egress
            .fetch(FetchRequest {
                request,
                pin: self.pin,
                max_answer: MAX_ANSWER,
            })
            .await;
        let fetched = fetched.map_err(|source| match source.code {
            ErrorCode::RemoteFingerprint => RemoteError::Fingerprint {
                host: self.host(),
                source,
            },
            ErrorCode::DeliveryUnreachable => RemoteError::Unreachable {
                host: self.host(),
                source,
            },
            ErrorCode::DeliveryRejected => self.protocol(source.reason),
            _ => RemoteError::NotAsked {
                host: self.host(),
                source,
            },
        })?;
        match fetched.status {
            200 => Ok(fetched.body),
            status @ (401 | 403) => Err(RemoteError::Auth {
                host: self.host(),
                status,
            }),
            _ => Err(self.refused(&fetched)),
        }
    }

    fn refused(&self, fetched: &Fetched) -> RemoteError {
        let Ok(problem) = serde_json::from_slice::<Problem>(&fetched.body) else {
            return self.protocol(format!("status {} without a reason", fetched.status));
        };
        let code: ErrorCode = problem.code.parse().unwrap_or(ErrorCode::RemoteProtocol);
        let message = problem.detail.chars().take(500).collect::<String>();
        match (code, problem.chunk, problem.snapshot) {
            (ErrorCode::ChunkCorrupt, Some(id), _) => chunk(id, ChunkFault::Corrupt, message),
            (ErrorCode::ChunkMissing, Some(id), _) => chunk(id, ChunkFault::Missing, message),
            (ErrorCode::ManifestInvalid, _, Some(snapshot)) => {
                manifest(snapshot, ManifestFault::Invalid, message)
            }
            (ErrorCode::ManifestSignature, _, Some(snapshot)) => {
                manifest(snapshot, ManifestFault::Signature, message)
            }
            (ErrorCode::SnapshotNotFound, _, Some(path)) => {
                RemoteError::Content(StoreError::Snapshot { path, exists: false })
            }
            (code, _, _) => RemoteError::Refused {
                host: self.host(),
                code,
                message,
            },
        }
    }

    fn json<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, RemoteError> {
        serde_json::from_slice(body).map_err(|error| self.protocol(error.to_string()))
    }

    fn protocol(&self, reason: impl Into<String>) -> RemoteError {
        RemoteError::Protocol {
            host: self.host(),
            reason: reason.into(),
        }
    }
}

fn chunk(id: ChunkId, fault: ChunkFault, reason: String) -> RemoteError {
    RemoteError::Content(StoreError::Chunk { id, fault, reason })
}

fn manifest(snapshot: String, fault: ManifestFault, reason: String) -> RemoteError {
    RemoteError::Content(StoreError::Manifest {
        snapshot,
        fault,
        reason,
    })
}

fn is_loopback(host: &Host<&str>) -> bool {
    match *host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(v4) => IpAddr::V4(v4).is_loopback(),
        Host::Ipv6(v6) => IpAddr::V6(v6).is_loopback(),
    }
}

impl Peer for RemotePeer {
    fn info(&self) -> ironcore_store::Result<PeerInfo> {
        let answer = self.get(Verb::Info, &())?;
        Ok(self.json::<Info>(&answer)?.into())
    }

    fn list(&self, filter: &SnapshotFilter) -> ironcore_store::Result<Vec<SnapshotPath>> {
        let answer = self.get(Verb::List, &Filter::from(filter))?;
        Ok(self.json::<Snapshots>(&answer)?.snapshots)
    }

    fn manifest(&self, snapshot: &SnapshotPath) -> ironcore_store::Result<Vec<u8>> {
        let answer = self.get(
            Verb::Manifest,
            &ManifestRequest {
                snapshot: snapshot.clone(),
            },
        )?;
        Ok(answer.into())
    }

    fn chunks(&self, ids: &[ChunkId]) -> ironcore_store::Result<Vec<StoredChunk>> {
        let answer = self.get(Verb::Chunks, &ChunksRequest { ids: ids.to_vec() })?;
        let chunks = decode_chunks(&answer).map_err(|reason| self.protocol(reason))?;
        if chunks.len() > ids.len() {
            return Err(self.protocol("it sent more chunks than were asked for").into());
        }
        Ok(chunks)
    }

    fn stored_bytes(&self, ids: &[ChunkId]) -> Option<u64> {
        let answer = self.get(Verb::Size, &ChunksRequest { ids: ids.to_vec() });
        match answer.and_then(|answer| self.json::<Size>(&answer)) {
            Ok(size) => Some(size.bytes),
            Err(error) => {
                tracing::debug!(%error, "the remote does not tell how much is to be copied");
                None
            }
        }
    }
}

impl fmt::Debug for RemotePeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemotePeer")
            .field("base", &self.base.as_str())
            .field("pin", &self.pin)
            .finish_non_exhaustive()
    }
}
