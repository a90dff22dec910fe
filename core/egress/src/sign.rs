//! Signatures of Standard Webhooks (<https://www.standardwebhooks.com>, version 1, symmetric).
//!
//! The time is handed in; which secrets sign is the request's to say, and several sign during a rotation.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD};
use ironcore_types::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::EgressError;
use crate::secrets::SecretName;

/// How a request is to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignSpec {
    /// The message id, the receiver's key against duplicates: the same for every attempt; printable ASCII without dots.
    pub id: String,
    /// The time of this attempt; receivers refuse what is older than some minutes.
    pub timestamp: Timestamp,
    /// The secrets that sign, each `whsec_` and base64 of 24 to 64 bytes; the newest first, more than one in a rotation.
    pub secrets: Vec<SecretName>,
}

const PREFIX: &str = "whsec_";
/// Other senders print keys without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The three headers for `body`; the secrets are those of `spec`, in its order.
pub(crate) fn headers(
    spec: &SignSpec,
    secrets: &[SecretString],
    body: &[u8],
) -> Result<[(&'static str, String); 3], EgressError> {
    let seconds = spec.timestamp.as_seconds();
    let mut signatures = Vec::with_capacity(secrets.len());
    for (name, secret) in spec.secrets.iter().zip(secrets) {
        let mut context = hmac::Context::with_key(&key(name, secret)?);
        context.update(format!("{}.{seconds}.", spec.id).as_bytes());
        context.update(body);
        signatures.push(format!("v1,{}", STANDARD.encode(context.sign())));
    }
    Ok([
        ("webhook-id", spec.id.clone()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ])
}

fn key(name: &SecretName, secret: &SecretString) -> Result<hmac::Key, EgressError> {
    let unfit = |reason| EgressError::SecretUnfit {
        name: name.clone(),
        reason,
    };
    let text = secret.expose_secret().trim();
    let text = text.strip_prefix(PREFIX).unwrap_or(text);
    let bytes = LENIENT
        .decode(text)
        .map_err(|_| unfit("a signing key is whsec_ and base64"))?;
    if !(24..=64).contains(&bytes.len()) {
        return Err(unfit("a signing key has 24 to 64 bytes"));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
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
    fn a_rotation_gives_two_signatures() {
        let secrets = [
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ];
        let found = headers(&spec(&["new", "old"]), &secrets.map(SecretString::from), b"{}").expect("sign");
        let signatures: Vec<_> = found[2].1.split(' ').collect();
        assert_eq!(signatures.len(), 2);
        assert!(signatures.iter().all(|s| s.starts_with("v1,")) && signatures[0] != signatures[1]);
    }

    #[test]
    fn keys_that_are_none_are_refused_without_showing_them() {
        for bad in ["whsec_not base64!", "whsec_c2hvcnQ="] {
            let error = headers(&spec(&["a"]), &[SecretString::from(bad)], b"").expect_err(bad);
            assert!(!error.to_string().contains("c2hvcnQ") && !error.to_string().contains("not base64!"));
        }
        assert!(!id_is_valid("a.b") && !id_is_valid("") && !id_is_valid("a b") && id_is_valid("msg_1-2"));
    }
}
