//! Verifies webhooks signed by the Standard Webhooks specification. Needs the crates `hmac` 0.13, `sha2` 0.11 and
//! `base64` 0.22.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Seconds that a message may be older or newer than now.
const TOLERANCE: u64 = 300;

/// The message's id, when `body` (the bytes as they came) is signed with one of `secrets`; else why not.
///
/// `header` gives a header by its name in lower case; `now` is in seconds since 1970. Give both secrets while one takes
/// the place of another.
pub fn verify<'a>(
    secrets: &[&str],
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
    now: u64,
) -> Result<&'a str, &'static str> {
    const NOT_SIGNED: &str = "the request is not signed";
    let id = header("webhook-id").ok_or(NOT_SIGNED)?;
    let timestamp = header("webhook-timestamp").ok_or(NOT_SIGNED)?;
    let signatures = header("webhook-signature").ok_or(NOT_SIGNED)?;
    let sent: u64 = timestamp.parse().map_err(|_| NOT_SIGNED)?;
    if now.abs_diff(sent) > TOLERANCE {
        return Err("the message is too old or too new");
    }
    for secret in secrets {
        let key = secret.strip_prefix("whsec_").unwrap_or(secret);
        let key = STANDARD.decode(key).map_err(|_| "the secret is not Base64")?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| "the secret is no key")?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        for signature in signatures.split(' ').filter_map(|one| one.strip_prefix("v1,")) {
            // The comparison takes the same time wherever the signatures differ.
            let valid = STANDARD
                .decode(signature)
                .is_ok_and(|tag| mac.clone().verify_slice(&tag).is_ok());
            if valid {
                return Ok(id);
            }
        }
    }
    Err("no signature is valid")
}
