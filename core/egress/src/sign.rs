//! Signatures of Standard Webhooks (<https://www.standardwebhooks.com>, version 1), symmetric (`v1`) and asymmetric
//! (`v1a`).
//!
//! The time is handed in; which secrets sign is the request's to say, and several sign during a rotation. What a key
//! looks like is [`crate::signing_key`]'s to say.

use ironcore_types::Timestamp;
use secrecy::SecretString;

use crate::error::EgressError;
use crate::secrets::SecretName;
use crate::signing_key::SigningKey;

/// How a request is to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignSpec {
    /// The message id, the receiver's key against duplicates: the same for every attempt; printable ASCII without dots.
    pub id: String,
    /// The time of this attempt; receivers refuse what is older than some minutes.
    pub timestamp: Timestamp,
    /// The secrets that sign, each `whsec_` and Base64 of 24 to 64 bytes, or `whsk_` and an Ed25519 key; the newest first,
    /// more than one in a rotation.
    pub secrets: Vec<SecretName>,
}

/// The three headers for `body`; the secrets are those of `spec`, in its order.
pub(crate) fn headers(
    spec: &SignSpec,
    secrets: &[SecretString],
    body: &[u8],
) -> Result<[(&'static str, String); 3], EgressError> {
    let seconds = spec.timestamp.as_seconds();
    let text = format!("{}.{seconds}.", spec.id);
    let mut signatures = Vec::with_capacity(secrets.len());
    for (name, secret) in spec.secrets.iter().zip(secrets) {
        signatures.push(SigningKey::read(name, secret)?.sign(&text, body));
    }
    Ok([
        ("webhook-id", spec.id.clone()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ])
}

/// Whether an id can be signed: a dot in it would make the signed text ambiguous.
pub(crate) fn id_is_valid(id: &str) -> bool {
    (1..=256).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic() && b != b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(names: &[&str]) -> SignSpec {
        SignSpec {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".into(),
            timestamp: Timestamp::from_seconds(1_614_265_330),
            secrets: names.iter().map(|n| SecretName::new(*n).expect("name")).collect(),
        }
    }

    #[test]
    fn the_published_example_signs_as_published() {
        // The example of the specification's reference libraries.
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let found = headers(&spec(&["a"]), &[secret], br#"{"test": 2432232314}"#).expect("sign");
        assert_eq!(found[1].1, "1614265330");
        assert_eq!(found[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_rotation_gives_two_signatures_of_either_kind() {
        let secrets = [
            "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ];
        let found = headers(&spec(&["new", "old"]), &secrets.map(SecretString::from), b"{}").expect("sign");
        let signatures: Vec<_> = found[2].1.split(' ').collect();
        assert_eq!(signatures.len(), 2);
        assert!(signatures[0].starts_with("v1a,") && signatures[1].starts_with("v1,"));
    }

    #[test]
    fn an_id_with_a_dot_is_none() {
        assert!(!id_is_valid("a.b") && !id_is_valid("") && !id_is_valid("a b") && id_is_valid("msg_1-2"));
    }
}
