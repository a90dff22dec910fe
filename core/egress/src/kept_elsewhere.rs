//! What is sealed with the hub's key and kept elsewhere than in the folder of secrets: second factors in the ledger, what a
//! browser keeps of a login that has begun. A nonce of 12 bytes, then AES-256-GCM of the value with the tag; the associated
//! data are what it is for, so that nothing sealed for one purpose, or one user, opens for another.

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use secrecy::SecretBox;

use crate::error::EgressError;

fn associated(purpose: &str) -> Vec<u8> {
    format!("ironcore-sealed/1/{purpose}").into_bytes()
}

/// The sealed form of a value.
pub(crate) fn seal(cipher: &RandomizedNonceKey, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, EgressError> {
    let mut bytes = plain.to_vec();
    let nonce = cipher
        .seal_in_place_append_tag(Aad::from(associated(purpose)), &mut bytes)
        .map_err(|_| EgressError::Crypto)?;
    Ok([nonce.as_ref().as_slice(), &bytes].concat())
}

/// The value; none when it was not sealed for this with this key.
pub(crate) fn open(cipher: &RandomizedNonceKey, purpose: &str, sealed: &[u8]) -> Option<SecretBox<Vec<u8>>> {
    let (nonce, bytes) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut bytes = bytes.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = cipher
        .open_in_place(nonce, Aad::from(associated(purpose)), &mut bytes)
        .ok()?
        .len();
    bytes.truncate(length);
    Some(SecretBox::new(Box::new(bytes)))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::aead::AES_256_GCM;
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn what_is_sealed_for_one_purpose_opens_for_no_other() {
        let cipher = |key| RandomizedNonceKey::new(&AES_256_GCM, &[key; 32]).expect("cipher");
        let sealed = seal(&cipher(7), "second-factor/alice@local", b"geheim").expect("seal");
        let opened = open(&cipher(7), "second-factor/alice@local", &sealed).expect("open");
        assert_eq!(opened.expose_secret(), b"geheim");
        assert!(!sealed.windows(6).any(|part| part == b"geheim"));
        assert!(open(&cipher(7), "second-factor/bob@local", &sealed).is_none());
        assert!(open(&cipher(8), "second-factor/alice@local", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(
                open(&cipher(7), "second-factor/alice@local", &changed).is_none(),
                "byte {at}"
            );
        }
    }
}
