//! Idempotency keys: a request that is sent twice starts one task.
//!
//! Keys are kept in memory for a day, so they do not outlive the process.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::HeaderMap;
use ironcore_types::{Timestamp, Upid, UserId};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::error::ApiError;

const HEADER: &str = "idempotency-key";
/// How long a key counts.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// The most keys that are kept; the oldest go first.
const MOST: usize = 10_000;

struct Used {
    request: [u8; 32],
    upid: Upid,
    at: Timestamp,
}

/// The keys that were used.
#[derive(Default)]
pub(crate) struct Keys {
    used: Mutex<HashMap<(UserId, String), Used>>,
}

impl Keys {
    /// Does `work` unless `user` sent the same request under the same key before; then gives what it gave.
    pub(crate) async fn once<F>(
        &self,
        headers: &HeaderMap,
        user: &UserId,
        request: &[u8],
        now: Timestamp,
        work: F,
    ) -> Result<Upid, ApiError>
    where
        F: Future<Output = Result<Upid, ApiError>>,
    {
        let Some(key) = headers.get(HEADER) else {
            return work.await;
        };
        let key = key.to_str().ok().filter(|key| (1..=128).contains(&key.len()));
        let key = key.ok_or_else(|| ApiError::invalid("Idempotency-Key must have 1 to 128 characters."))?;
        let request: [u8; 32] = Sha256::digest(request).into();
        // Held during the work: the second of two requests at once must see what the first did.
        let mut used = self.used.lock().await;
        used.retain(|_, entry| now.since(entry.at) < KEPT);
        let entry = (user.clone(), key.to_owned());
        if let Some(before) = used.get(&entry) {
            return if before.request == request {
                Ok(before.upid.clone())
            } else {
                Err(ApiError::invalid(
                    "This Idempotency-Key was used for another request.",
                ))
            };
        }
        let upid = work.await?;
        if used.len() >= MOST
            && let Some(oldest) = used
                .iter()
                .min_by_key(|(_, entry)| entry.at)
                .map(|(key, _)| key.clone())
        {
            used.remove(&oldest);
        }
        used.insert(
            entry,
            Used {
                request,
                upid: upid.clone(),
                at: now,
            },
        );
        Ok(upid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn upid(task: u64) -> Upid {
        format!("UPID:hub:00000001:00000001:{task:08X}:6A0E5F80:gc:ibs:root@local:")
            .parse()
            .expect("upid")
    }

    #[tokio::test]
    async fn the_same_request_is_done_once_per_key_and_day() {
        let (keys, done) = (Keys::default(), AtomicU64::new(0));
        let user: UserId = "root@local".parse().expect("user");
        let mut headers = HeaderMap::new();
        let start = Timestamp::from_seconds(0);
        let work = async || Ok(upid(done.fetch_add(1, Ordering::Relaxed) + 1));

        let plain = keys
            .once(&headers, &user, b"a", start, work())
            .await
            .expect("no key");
        assert_eq!(plain, upid(1));
        headers.insert(HEADER, "k1".parse().expect("header"));
        for _ in 0..2 {
            assert_eq!(
                keys.once(&headers, &user, b"a", start, work())
                    .await
                    .expect("keyed"),
                upid(2)
            );
        }
        assert!(keys.once(&headers, &user, b"b", start, work()).await.is_err());
        let tomorrow = start.after(KEPT);
        assert_eq!(
            keys.once(&headers, &user, b"b", tomorrow, work())
                .await
                .expect("later"),
            upid(3)
        );
    }
}
