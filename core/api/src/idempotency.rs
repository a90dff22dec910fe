//! Idempotency keys: a request that is sent twice starts one task, whichever hub takes it. The ledger keeps them, with the
//! tasks.

use axum::http::HeaderMap;
use ironcore_ledger::Ledger;
use ironcore_ledger::model::{Enqueued, KeyUse, KeyedRequest, NewTask};
use ironcore_types::{Upid, UserId};
use sha2::{Digest, Sha256};

use crate::error::ApiError;

const HEADER: &str = "idempotency-key";

/// The request under its key, when it has one.
pub(crate) fn keyed(
    headers: &HeaderMap,
    user: &UserId,
    request: &[u8],
) -> Result<Option<KeyedRequest>, ApiError> {
    let Some(key) = headers.get(HEADER) else {
        return Ok(None);
    };
    let key = key.to_str().ok().filter(|key| (1..=128).contains(&key.len()));
    let key = key.ok_or_else(|| ApiError::invalid("Idempotency-Key must have 1 to 128 characters."))?;
    Ok(Some(KeyedRequest {
        user: user.clone(),
        key: key.to_owned(),
        sha256: Sha256::digest(request).into(),
    }))
}

/// The task that the same request started before.
pub(crate) async fn before(ledger: &Ledger, keyed: Option<&KeyedRequest>) -> Result<Option<Upid>, ApiError> {
    match keyed {
        Some(keyed) => ledger.key_use(keyed).await?.map(same).transpose(),
        None => Ok(None),
    }
}

/// Starts a task, unless a request under that key did meanwhile.
pub(crate) async fn enqueue(
    ledger: &Ledger,
    new: NewTask,
    keyed: Option<KeyedRequest>,
) -> Result<Upid, ApiError> {
    let Some(keyed) = keyed else {
        return Ok(ledger.enqueue(new).await?.upid);
    };
    match ledger.enqueue_once(new, keyed).await? {
        Enqueued::Now(upid) => Ok(upid),
        Enqueued::Before(used) => same(used),
    }
}

fn same(used: KeyUse) -> Result<Upid, ApiError> {
    match used {
        KeyUse::Same(upid) => Ok(upid),
        KeyUse::Other => Err(ApiError::invalid(
            "This Idempotency-Key was used for another request.",
        )),
    }
}
