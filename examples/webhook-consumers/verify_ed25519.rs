//! Verifies webhooks signed with Ed25519 by the Standard Webhooks specification. Needs the crates `aws-lc-rs` 1 and
//! `base64` 0.22.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Seconds that a message may be older or newer than now.
const TOLERANCE: u64 = 300;

/// The message's id, when `body` (the bytes as they came) is signed by the owner of one of `public_keys`; else why not.
///
/// `header` gives a header by its name in lower case; `now` is in seconds since 1970. Give both keys while one takes the
/// place of another.
pub fn verify<'a>(
    public_keys: &[&str],
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
    let content = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    for public_key in public_keys {
        let key = public_key.strip_prefix("whpk_").unwrap_or(public_key);
        let key = STANDARD.decode(key).map_err(|_| "the public key is not Base64")?;
        let key = UnparsedPublicKey::new(&ED25519, key);
        for signature in signatures.split(' ').filter_map(|one| one.strip_prefix("v1a,")) {
            let valid = STANDARD
                .decode(signature)
                .is_ok_and(|signature| key.verify(&content, &signature).is_ok());
            if valid {
                return Ok(id);
            }
        }
    }
    Err("no signature is valid")
}
