//! The keys that messages are signed with, as Standard Webhooks writes them: `whsec_` for HMAC-SHA256, whose receivers
//! know the same key, and `whsk_` for Ed25519, whose receivers know the public half alone, `whpk_`.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};

use crate::error::EgressError;
use crate::secrets::SecretName;

/// What stands before a key that both sides know.
const SHARED: &str = "whsec_";
/// What stands before a private key.
const PRIVATE: &str = "whsk_";
/// What stands before a public key.
const PUBLIC: &str = "whpk_";
const SEED_LEN: usize = 32;
/// Other senders print keys without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A kind of signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SigningKind {
    /// HMAC-SHA256: receivers verify with the key that signs.
    Hmac,
    /// Ed25519: receivers verify with the public key, and cannot sign.
    Ed25519,
}

impl SigningKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Hmac, Self::Ed25519];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hmac => "hmac",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// A fresh key for signing webhooks: `whsec_` and 32 random bytes, or `whsk_` and a seed with its public key (64 bytes,
/// as other senders write it), in Base64.
pub fn generate_signing_secret(kind: SigningKind) -> Result<SecretString, EgressError> {
    let mut seed = Zeroizing::new([0; SEED_LEN]);
    rand::fill(seed.as_mut_slice()).map_err(|_| EgressError::Crypto)?;
    Ok(SecretString::from(match kind {
        SigningKind::Hmac => format!("{SHARED}{}", STANDARD.encode(&seed)),
        SigningKind::Ed25519 => {
            let pair =
                Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_| EgressError::Crypto)?;
            let both = Zeroizing::new([seed.as_slice(), pair.public_key().as_ref()].concat());
            format!("{PRIVATE}{}", STANDARD.encode(&both))
        }
    }))
}

/// A key, ready to sign.
pub(crate) enum SigningKey {
    Hmac(Box<hmac::Key>),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Reads the value of the secret `name`. A value without a prefix is a shared key.
    pub(crate) fn read(name: &SecretName, value: &SecretString) -> Result<Self, EgressError> {
        let unfit = |reason| EgressError::SecretUnfit {
            name: name.clone(),
            reason,
        };
        let text = value.expose_secret().trim();
        if text.starts_with(PUBLIC) {
            return Err(unfit(
                "it is a public key, which cannot sign: keep the private one, whsk_…",
            ));
        }
        if let Some(text) = text.strip_prefix(PRIVATE) {
            let bytes = decoded(text).ok_or_else(|| unfit("a private signing key is whsk_ and Base64"))?;
            let pair = match bytes.split_at_checked(SEED_LEN) {
                Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
                Some((seed, public)) if public.len() == SEED_LEN => {
                    Ed25519KeyPair::from_seed_and_public_key(seed, public)
                }
                _ => {
                    return Err(unfit(
                        "a private signing key has 32 bytes, or 64 with its public key",
                    ));
                }
            };
            return pair
                .map(Self::Ed25519)
                .map_err(|_| unfit("its public key is not that of its private key"));
        }
        let text = text.strip_prefix(SHARED).unwrap_or(text);
        let bytes = decoded(text).ok_or_else(|| unfit("a signing key is whsec_ and Base64"))?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(unfit("a signing key has 24 to 64 bytes"));
        }
        Ok(Self::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &bytes))))
    }

    /// The signature of a text and a body, with its version before it.
    pub(crate) fn sign(&self, text: &str, body: &[u8]) -> String {
        match self {
            Self::Hmac(key) => {
                let mut context = hmac::Context::with_key(key);
                context.update(text.as_bytes());
                context.update(body);
                format!("v1,{}", STANDARD.encode(context.sign()))
            }
            Self::Ed25519(pair) => {
                let signature = pair.sign(&[text.as_bytes(), body].concat());
                format!("v1a,{}", STANDARD.encode(signature))
            }
        }
    }
}

/// The public half of a private signing key, `whpk_…`; none of a value that is no such key.
pub(crate) fn public_key(name: &SecretName, value: &SecretString) -> Result<Option<String>, EgressError> {
    if !value.expose_secret().trim().starts_with(PRIVATE) {
        return Ok(None);
    }
    Ok(match SigningKey::read(name, value)? {
        SigningKey::Ed25519(pair) => Some(format!("{PUBLIC}{}", STANDARD.encode(pair.public_key()))),
        SigningKey::Hmac(_) => None,
    })
}

/// The value without what stands before it: a receiver may print it so.
pub(crate) fn bare(value: &str) -> Option<&str> {
    let value = value.trim();
    value.strip_prefix(SHARED).or_else(|| value.strip_prefix(PRIVATE))
}

fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    LENIENT.decode(text).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    /// The first test vector of RFC 8032, section 7.1.
    const SEED: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44,
        0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];
    const PUBLIC_KEY: [u8; 32] = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e,
        0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    ];

    fn name() -> SecretName {
        SecretName::new("key").expect("name")
    }

    fn read(text: &str) -> Result<SigningKey, EgressError> {
        SigningKey::read(&name(), &SecretString::from(text))
    }

    #[test]
    fn a_private_key_is_read_with_and_without_its_public_one() {
        let expected = format!("whpk_{}", STANDARD.encode(PUBLIC_KEY));
        let both = [SEED, PUBLIC_KEY].concat();
        for text in [
            format!("whsk_{}", STANDARD.encode(SEED)),
            format!(" whsk_{}\n", STANDARD.encode(both).trim_end_matches('=')),
        ] {
            let public = public_key(&name(), &SecretString::from(text.as_str())).expect("key");
            assert_eq!(public.as_deref(), Some(expected.as_str()));
            let signed = read(&text).expect("key").sign("id.1.", b"{}");
            let signature = STANDARD
                .decode(signed.strip_prefix("v1a,").expect("version"))
                .expect("Base64");
            UnparsedPublicKey::new(&ED25519, PUBLIC_KEY)
                .verify(b"id.1.{}", &signature)
                .expect("valid");
        }
    }

    #[test]
    fn keys_that_are_none_are_refused_without_showing_them() {
        let crossed = STANDARD.encode([SEED, SEED].concat());
        for bad in [
            "whsec_not base64!".to_owned(),
            "whsec_c2hvcnQ=".to_owned(),
            "whsk_c2hvcnQ=".to_owned(),
            "whsk_!".to_owned(),
            format!("whsk_{crossed}"),
            format!("whpk_{}", STANDARD.encode(PUBLIC_KEY)),
        ] {
            let Err(error) = read(&bad) else {
                panic!("{bad} is no key")
            };
            let value = bad.split_once('_').expect("prefix").1;
            assert!(!error.to_string().contains(value), "{error}");
        }
    }

    #[test]
    fn generated_keys_sign() {
        for kind in SigningKind::ALL {
            let value = generate_signing_secret(*kind).expect("key");
            let key = SigningKey::read(&name(), &value).expect("usable");
            let version = match kind {
                SigningKind::Hmac => "v1,",
                SigningKind::Ed25519 => "v1a,",
            };
            assert!(key.sign("a", b"b").starts_with(version));
            assert_eq!(
                public_key(&name(), &value).expect("readable").is_some(),
                *kind == SigningKind::Ed25519
            );
        }
    }
}
