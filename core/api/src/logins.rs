//! What a browser is signed in with: a cookie that no script reads, and a token against forged requests that only the
//! hub's own pages know.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use ironcore_ledger::model::LockPolicy;
use ironcore_types::Moment;
use sha2::{Digest, Sha256};

/// The cookie.
pub(crate) const NAME: &str = "ironcore_session";
/// The header that says that a request comes from the hub's own pages.
pub(crate) const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
/// It ends when it is not used for so long.
pub(crate) const IDLE: Duration = Duration::from_secs(12 * 3_600);
/// It ends after this time in any case.
pub(crate) const LONGEST: Duration = Duration::from_secs(7 * 86_400);
/// Failures that lock a name.
pub(crate) const POLICY: LockPolicy = LockPolicy {
    failures: 5,
    within: Duration::from_secs(15 * 60),
    lock: Duration::from_secs(15 * 60),
};
/// Attempts from one address within [`SPAN`], whatever names they give.
const ATTEMPTS: u32 = 20;
const SPAN: Duration = Duration::from_secs(60);
/// Addresses that are remembered at most.
const ADDRESSES: usize = 10_000;

/// The secret in a request's cookie.
pub(crate) fn secret_of(headers: &HeaderMap) -> Option<&str> {
    headers.get_all(COOKIE).iter().find_map(|value| {
        let pairs = value.to_str().ok()?.split(';');
        let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == NAME).map(|(_, secret)| secret)
    })
}

/// What the hub's own pages say beside the cookie, which others that make the browser ask cannot know.
pub(crate) fn csrf_of(secret: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"csrf ");
    hash.update(secret.as_bytes());
    hex::encode(hash.finalize())
}

/// Whether a request says it.
pub(crate) fn is_own(headers: &HeaderMap, secret: &str) -> bool {
    let said = headers.get(CSRF).map(HeaderValue::as_bytes).unwrap_or_default();
    aws_lc_rs::constant_time::verify_slices_are_equal(said, csrf_of(secret).as_bytes()).is_ok()
}

/// Gives the browser a secret, or takes it away.
pub(crate) fn cookie(secret: Option<&str>, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let age = secret.map_or(0, |_| LONGEST.as_secs());
    let secret = secret.unwrap_or_default();
    let text = format!("{NAME}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}");
    HeaderValue::from_str(&text).ok()
}

/// How often somebody tries, by address: nobody tries many names or passwords quickly.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    known: Mutex<HashMap<IpAddr, (Moment, u32)>>,
}

impl Attempts {
    /// Counts one; when there were too many, after which time there may be more.
    pub(crate) fn wait(&self, address: Option<IpAddr>, now: Moment) -> Option<Duration> {
        let address = address?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ADDRESSES {
            known.retain(|_, (since, _)| now.since(*since) < SPAN);
        }
        let (since, count) = known.entry(address).or_insert((now, 0));
        if now.since(*since) >= SPAN {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        (*count > ATTEMPTS).then(|| SPAN.saturating_sub(now.since(*since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        assert_eq!(secret_of(&headers), None);
        headers.append(COOKIE, HeaderValue::from_static("a=b; x"));
        headers.append(
            COOKIE,
            HeaderValue::from_static("theme=dark; ironcore_session=ibs_1; z=1"),
        );
        assert_eq!(secret_of(&headers), Some("ibs_1"));
        let set = cookie(Some("ibs_1"), true).expect("a header");
        let set = set.to_str().expect("text");
        assert!(
            set.starts_with("ironcore_session=ibs_1; Path=/; HttpOnly; SameSite=Strict; "),
            "{set}"
        );
        assert!(set.ends_with("; Secure"));
    }

    #[test]
    fn many_attempts_from_one_address_wait() {
        let attempts = Attempts::default();
        let at = |seconds| Moment::new(Duration::from_secs(seconds));
        let address = "192.0.2.7".parse().ok();
        for _ in 0..ATTEMPTS {
            assert_eq!(attempts.wait(address, at(10)), None);
        }
        assert_eq!(attempts.wait(address, at(30)), Some(Duration::from_secs(40)));
        assert_eq!(attempts.wait("192.0.2.8".parse().ok(), at(30)), None);
        assert_eq!(attempts.wait(address, at(70)), None);
    }

    #[test]
    fn only_who_knows_the_secret_knows_the_token() {
        let mut headers = HeaderMap::new();
        assert!(!is_own(&headers, "one"));
        headers.insert(CSRF, HeaderValue::from_str(&csrf_of("one")).expect("a header"));
        assert!(is_own(&headers, "one") && !is_own(&headers, "two"));
    }
}
