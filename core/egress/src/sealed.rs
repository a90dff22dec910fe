//! The file of a sealed secret: `ICS2`, the length of a header (two bytes, the high one first), the header as JSON, a nonce
//! of 12 bytes, then AES-256-GCM of the value with the tag. The associated data are the name and the header, so that
//! files cannot be swapped and who set a secret cannot be changed.
//!
//! Files that begin with `ICS1` have no header, and the name alone as associated data.

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use ironcore_types::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::error::EgressError;
use crate::secret_name::SecretName;

const BARE: &[u8; 4] = b"ICS1";
const STAMPED: &[u8; 4] = b"ICS2";

/// When and by whom a secret was set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stamp {
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// By whom; none when that was done on the hub's own files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// The file of a value.
pub(crate) fn close(
    cipher: &RandomizedNonceKey,
    name: &SecretName,
    plain: &str,
    stamp: &Stamp,
) -> Result<Vec<u8>, EgressError> {
    let header = serde_json::to_vec(stamp).map_err(|_| EgressError::Crypto)?;
    let length = u16::try_from(header.len()).map_err(|_| EgressError::Crypto)?;
    let mut bytes = plain.as_bytes().to_vec();
    let nonce = cipher
        .seal_in_place_append_tag(Aad::from(associated(name, Some(&header))), &mut bytes)
        .map_err(|_| EgressError::Crypto)?;
    Ok([
        STAMPED.as_slice(),
        &length.to_be_bytes(),
        &header,
        nonce.as_ref(),
        &bytes,
    ]
    .concat())
}

/// The value of a file, and when and by whom it was set.
pub(crate) fn open(
    cipher: &RandomizedNonceKey,
    name: &SecretName,
    file: &[u8],
) -> Result<(SecretString, Stamp), EgressError> {
    let damaged = || EgressError::Sealed { name: name.clone() };
    let (header, rest) = split(file).ok_or_else(damaged)?;
    let (nonce, bytes) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(damaged)?;
    let mut bytes = bytes.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = cipher
        .open_in_place(nonce, Aad::from(associated(name, header)), &mut bytes)
        .map_err(|_| damaged())?
        .len();
    bytes.truncate(length);
    let value = String::from_utf8(bytes).map_err(|_| damaged())?;
    let stamp = match header {
        Some(header) => serde_json::from_slice(header).map_err(|_| damaged())?,
        None => Stamp::default(),
    };
    Ok((SecretString::from(value), stamp))
}

/// The header, when there is one, and what comes after it.
fn split(file: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    if let Some(rest) = file.strip_prefix(BARE) {
        return Some((None, rest));
    }
    let (length, rest) = file.strip_prefix(STAMPED)?.split_first_chunk::<2>()?;
    let (header, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((Some(header), rest))
}

fn associated(name: &SecretName, header: Option<&[u8]>) -> Vec<u8> {
    match header {
        None => format!("ironcore-secret/1/{name}").into_bytes(),
        Some(header) => [format!("ironcore-secret/2/{name}/").as_bytes(), header].concat(),
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::aead::AES_256_GCM;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn cipher() -> RandomizedNonceKey {
        RandomizedNonceKey::new(&AES_256_GCM, &[7; 32]).expect("cipher")
    }

    fn name(text: &str) -> SecretName {
        SecretName::new(text).expect("name")
    }

    #[test]
    fn files_without_a_header_still_open() {
        let mut bytes = b"of before".to_vec();
        let aad = Aad::from(associated(&name("a"), None));
        let nonce = cipher().seal_in_place_append_tag(aad, &mut bytes).expect("seal");
        let file = [BARE.as_slice(), nonce.as_ref(), &bytes].concat();
        let (value, stamp) = open(&cipher(), &name("a"), &file).expect("open");
        assert_eq!((value.expose_secret(), stamp), ("of before", Stamp::default()));
    }

    #[test]
    fn neither_name_nor_header_nor_length_can_be_changed() {
        let stamp = Stamp {
            at: None,
            by: Some("alice@local".to_owned()),
        };
        let file = close(&cipher(), &name("a"), "value", &stamp).expect("close");
        assert_eq!(open(&cipher(), &name("a"), &file).expect("open").1, stamp);
        assert!(open(&cipher(), &name("b"), &file).is_err());
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(open(&cipher(), &name("a"), &changed).is_err(), "byte {at}");
            assert!(open(&cipher(), &name("a"), &file[..at]).is_err(), "cut at {at}");
        }
    }
}
