//! Ed25519: the hub's signing key, and signed documents, whose signature covers the exact bytes.
//!
//! A signed document is: magic (8 bytes), flags (u32, 0), length of the body (u32), the body (JSON), the
//! signer's id (32 bytes), the signature (64 bytes) over everything before it.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::error::{Result, StoreError};
use crate::id::{PublicKey, SignerId};
use crate::wire::Reader;

/// Magic of a manifest.
pub(crate) const MANIFEST: &[u8; 8] = b"ICB-MAN1";
/// Magic of a key that the datastore trusts besides its own.
pub(crate) const TRUSTED_KEY: &[u8; 8] = b"ICB-KEY1";

const SIGNATURE: usize = 64;

/// The private key with which a hub signs. It stays with the hub and is never written to a datastore.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// The key of a 32-byte seed (RFC 8032).
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| StoreError::Request("the seed makes no signing key".to_owned()))?;
        let public = PublicKey::from_slice(pair.public_key().as_ref())
            .ok_or_else(|| StoreError::Request("the seed makes no signing key".to_owned()))?;
        Ok(Self { pair, public })
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The signed document of `body`.
    pub(crate) fn seal(&self, magic: &[u8; 8], body: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(body.len() + 112);
        out.extend_from_slice(magic);
        out.extend_from_slice(&0u32.to_le_bytes());
        out.extend_from_slice(&(body.len() as u32).to_le_bytes());
        out.extend_from_slice(body);
        out.extend_from_slice(&self.public.signer().0);
        let signature = self.pair.sign(&out);
        out.extend_from_slice(signature.as_ref());
        out
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// A signed document taken apart; the signature is not checked yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sealed<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) signer: SignerId,
    signed: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Sealed<'a> {
    pub(crate) fn parse(magic: &[u8; 8], bytes: &'a [u8]) -> Result<Self, String> {
        let text = |error: crate::wire::WireError| error.to_string();
        let mut reader = Reader::new(bytes);
        if &reader.array::<8>().map_err(text)? != magic {
            return Err("it does not begin as it should".to_owned());
        }
        if reader.u32().map_err(text)? != 0 {
            return Err("it has flags of a newer version".to_owned());
        }
        let len = reader.u32().map_err(text)? as usize;
        let body = reader.take(len).map_err(text)?;
        let signer = SignerId(reader.array().map_err(text)?);
        let signed = &bytes[..bytes.len() - reader.left()];
        let signature = reader.take(SIGNATURE).map_err(text)?;
        reader.end().map_err(text)?;
        Ok(Self {
            body,
            signer,
            signed,
            signature,
        })
    }

    /// Whether `key` made the signature.
    pub(crate) fn is_by(&self, key: &PublicKey) -> bool {
        key.signer() == self.signer
            && UnparsedPublicKey::new(&ED25519, key.0)
                .verify(self.signed, self.signature)
                .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_changed_byte_is_noticed() {
        let key = SigningKey::from_seed(&[7; 32]).expect("key");
        let other = SigningKey::from_seed(&[8; 32]).expect("key");
        let sealed = key.seal(MANIFEST, b"{\"a\":1}");
        let parsed = Sealed::parse(MANIFEST, &sealed).expect("parse");
        assert_eq!(parsed.body, b"{\"a\":1}");
        assert!(parsed.is_by(&key.public()));
        assert!(!parsed.is_by(&other.public()));
        assert!(Sealed::parse(TRUSTED_KEY, &sealed).is_err());
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone();
            bytes[at] ^= 1;
            let good = Sealed::parse(MANIFEST, &bytes).is_ok_and(|sealed| sealed.is_by(&key.public()));
            assert!(!good, "byte {at}");
        }
        // RFC 8032, 7.1, test 1: the seed's public key.
        let seed =
            hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").expect("hex");
        let seed: [u8; 32] = seed.try_into().expect("32 bytes");
        let public = SigningKey::from_seed(&seed).expect("key").public().to_string();
        assert_eq!(
            public,
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
    }
}
