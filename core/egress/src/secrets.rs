//! Secrets by name: sealed with a key file that lies outside the database, opened inside this crate only.
//!
//! A secret is one file `NAME.sealed` in the folder handed in: `ICS1`, a nonce of 12 bytes, then AES-256-GCM of the
//! value with the tag, its associated data being the name, so that files cannot be swapped. Files are read anew for
//! each use: a value sealed by another process counts at once.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use serde::{Deserialize, Serialize};

use crate::durable;
use crate::error::EgressError;

/// How a secret is called in configurations; the rule of names: 1 to 63 of a-z, 0-9, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

impl SecretName {
    /// Checks `text` and makes a name of it.
    pub fn new(text: impl Into<String>) -> Result<Self, EgressError> {
        let text = text.into();
        let fits = (1..=63).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
            && text.as_bytes()[0].is_ascii_alphanumeric();
        if fits {
            Ok(Self(text))
        } else {
            Err(EgressError::SecretName { text })
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SecretName {
    type Err = EgressError;
    fn from_str(text: &str) -> Result<Self, EgressError> {
        Self::new(text)
    }
}

impl TryFrom<String> for SecretName {
    type Error = EgressError;
    fn try_from(text: String) -> Result<Self, EgressError> {
        Self::new(text)
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> Self {
        name.0
    }
}

const MAGIC: &[u8; 4] = b"ICS1";
const KEY_LEN: usize = 32;
const SUFFIX: &str = ".sealed";
/// Longer than any key or token that a destination wants.
const MAX_VALUE: usize = 64 * 1024;

/// The secrets of this hub. Values go in and never come out but into a request; cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    key: SecretBox<[u8; KEY_LEN]>,
}

impl Secrets {
    /// Opens the folder of secrets with the key file; makes both when missing (folder 0700, key file 0600).
    ///
    /// The key file holds 32 random bytes. One that others can read, or of another length, is refused.
    pub fn open(folder: &Path, key_file: &Path) -> Result<Self, EgressError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| EgressError::Io { path, source }
        };
        durable::folder(folder).map_err(io(folder))?;
        if let Some(parent) = key_file.parent().filter(|p| !p.as_os_str().is_empty()) {
            durable::folder(parent).map_err(io(parent))?;
        }
        let key = match read_key(key_file)? {
            Some(key) => key,
            None => {
                // Secrets that nothing can open any more must not look like a fresh start.
                if !names_in(folder).map_err(io(folder))?.is_empty() {
                    let reason =
                        "it is missing, and secrets sealed with it exist; put it back or remove them";
                    return Err(EgressError::KeyFile {
                        path: key_file.to_owned(),
                        reason,
                    });
                }
                make_key(key_file)?
            }
        };
        Ok(Self {
            shared: Arc::new(Shared {
                folder: folder.to_owned(),
                key,
            }),
        })
    }

    /// Stores `value` under `name`, replacing an earlier one; on disk when this returns. Not empty, at most 64 KiB.
    pub fn seal(&self, name: &SecretName, value: &SecretString) -> Result<(), EgressError> {
        let plain = value.expose_secret();
        if plain.is_empty() || plain.len() > MAX_VALUE {
            let reason = "a value has 1 byte to 64 KiB";
            return Err(EgressError::SecretUnfit {
                name: name.clone(),
                reason,
            });
        }
        let mut bytes = plain.as_bytes().to_vec();
        let nonce = self
            .cipher()?
            .seal_in_place_append_tag(associated(name), &mut bytes);
        let nonce = nonce.map_err(|_| EgressError::Crypto)?;
        let file = [MAGIC.as_slice(), nonce.as_ref(), &bytes].concat();
        let path = self.path(name);
        durable::replace(&path, &file).map_err(|source| EgressError::Io { path, source })
    }

    /// Forgets the secret; whether there was one.
    pub fn remove(&self, name: &SecretName) -> Result<bool, EgressError> {
        let path = self.path(name);
        durable::remove(&path).map_err(|source| EgressError::Io { path, source })
    }

    /// Whether the secret has a value.
    pub fn contains(&self, name: &SecretName) -> bool {
        self.path(name).is_file()
    }

    /// The names of all secrets, sorted.
    pub fn names(&self) -> Result<Vec<SecretName>, EgressError> {
        let path = &self.shared.folder;
        names_in(path).map_err(|source| EgressError::Io {
            path: path.clone(),
            source,
        })
    }

    /// The value; for this crate alone.
    pub(crate) fn reveal(&self, name: &SecretName) -> Result<SecretString, EgressError> {
        let path = self.path(name);
        let file = match fs::read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(EgressError::SecretMissing { name: name.clone() });
            }
            Err(source) => return Err(EgressError::Io { path, source }),
        };
        let sealed = || EgressError::Sealed { name: name.clone() };
        let (nonce, bytes) = file
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.split_first_chunk::<NONCE_LEN>())
            .ok_or_else(sealed)?;
        let mut bytes = bytes.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self
            .cipher()?
            .open_in_place(nonce, associated(name), &mut bytes)
            .map_err(|_| sealed())?
            .len();
        bytes.truncate(length);
        String::from_utf8(bytes)
            .map(SecretString::from)
            .map_err(|_| sealed())
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, EgressError> {
        RandomizedNonceKey::new(&AES_256_GCM, self.shared.key.expose_secret())
            .map_err(|_| EgressError::Crypto)
    }

    fn path(&self, name: &SecretName) -> PathBuf {
        self.shared.folder.join(format!("{name}{SUFFIX}"))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("folder", &self.shared.folder)
            .finish_non_exhaustive()
    }
}

/// A fresh key for signing webhooks: `whsec_` and 32 random bytes in base64.
pub fn generate_signing_secret() -> Result<SecretString, EgressError> {
    let mut key = [0; 32];
    rand::fill(&mut key).map_err(|_| EgressError::Crypto)?;
    Ok(SecretString::from(format!("whsec_{}", STANDARD.encode(key))))
}

fn associated(name: &SecretName) -> Aad<Vec<u8>> {
    Aad::from(format!("ironcore-secret/1/{name}").into_bytes())
}

fn names_in(folder: &Path) -> io::Result<Vec<SecretName>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.file_name();
        let name = file.to_str().and_then(|f| f.strip_suffix(SUFFIX));
        names.extend(name.and_then(|n| SecretName::new(n).ok()));
    }
    names.sort();
    Ok(names)
}

fn read_key(path: &Path) -> Result<Option<SecretBox<[u8; KEY_LEN]>>, EgressError> {
    let io = |source| EgressError::Io {
        path: path.to_owned(),
        source,
    };
    let unusable = |reason| EgressError::KeyFile {
        path: path.to_owned(),
        reason,
    };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(unusable(
            "others than its owner can read it; set its mode to 0600",
        ));
    }
    let bytes = SecretBox::new(Box::new(fs::read(path).map_err(io)?));
    let key = <[u8; KEY_LEN]>::try_from(bytes.expose_secret().as_slice());
    let key = key.map_err(|_| unusable("it does not hold exactly 32 bytes"))?;
    Ok(Some(SecretBox::new(Box::new(key))))
}

fn make_key(path: &Path) -> Result<SecretBox<[u8; KEY_LEN]>, EgressError> {
    let mut key = [0; KEY_LEN];
    rand::fill(&mut key).map_err(|_| EgressError::Crypto)?;
    match durable::create(path, &key) {
        Ok(()) => Ok(SecretBox::new(Box::new(key))),
        // Another process was first: its key counts.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let reason = "it vanished while it was opened";
            read_key(path)?.ok_or_else(|| EgressError::KeyFile {
                path: path.to_owned(),
                reason,
            })
        }
        Err(source) => Err(EgressError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironcore_types::ErrorCode;

    fn name(text: &str) -> SecretName {
        SecretName::new(text).expect(text)
    }

    #[test]
    fn secrets_are_sealed_opened_listed_and_removed() {
        let dir = tempfile::tempdir().expect("dir");
        let (folder, key) = (dir.path().join("secrets"), dir.path().join("keys/secret.key"));
        let secrets = Secrets::open(&folder, &key).expect("open");
        secrets
            .seal(&name("smtp-password"), &"geheim-wort".into())
            .expect("seal");
        secrets
            .seal(&name("smtp-password"), &"geheim-wort-2".into())
            .expect("seal again");

        let again = Secrets::open(&folder, &key).expect("open again");
        assert_eq!(
            again
                .reveal(&name("smtp-password"))
                .expect("reveal")
                .expose_secret(),
            "geheim-wort-2"
        );
        assert_eq!(again.names().expect("names"), [name("smtp-password")]);
        assert_eq!(
            fs::read_dir(&folder).expect("list").count(),
            1,
            "no temporary file stays"
        );
        let stored = fs::read(folder.join("smtp-password.sealed")).expect("file");
        assert!(!stored.windows(6).any(|w| w == b"geheim"));
        assert_eq!(
            fs::metadata(&key).expect("key").permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::metadata(folder.join("smtp-password.sealed"))
                .expect("file")
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
        assert!(!format!("{secrets:?}").contains("geheim"));

        assert!(again.remove(&name("smtp-password")).expect("remove"));
        assert!(!again.remove(&name("smtp-password")).expect("remove"));
        let missing = again.reveal(&name("smtp-password")).expect_err("gone");
        assert_eq!(missing.code(), ErrorCode::SecretMissing);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test damages files on purpose")]
    fn swapped_changed_and_foreign_files_do_not_open() {
        let dir = tempfile::tempdir().expect("dir");
        let (folder, key) = (dir.path().join("secrets"), dir.path().join("key"));
        let secrets = Secrets::open(&folder, &key).expect("open");
        secrets.seal(&name("a"), &"value of a".into()).expect("seal");
        fs::copy(folder.join("a.sealed"), folder.join("b.sealed")).expect("copy");
        assert!(matches!(
            secrets.reveal(&name("b")),
            Err(EgressError::Sealed { .. })
        ));
        fs::write(folder.join("a.sealed"), b"ICS1short").expect("damage");
        assert_eq!(
            secrets.reveal(&name("a")).expect_err("damaged").code(),
            ErrorCode::KeyWrong
        );

        fs::remove_file(&key).expect("lose the key");
        let lost = Secrets::open(&folder, &key).expect_err("lost key");
        assert_eq!(lost.code(), ErrorCode::KeyMissing);
        fs::write(&key, [7; 32]).expect("write");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("mode");
        assert!(matches!(
            Secrets::open(&folder, &key),
            Err(EgressError::KeyFile { .. })
        ));
    }

    #[test]
    fn names_are_slugs() {
        for bad in ["", "../x", "A", ".hidden", "a/b", "a b"] {
            assert!(SecretName::new(bad).is_err(), "{bad:?}");
        }
        let empty = Secrets::open(
            &tempfile::tempdir().expect("dir").path().join("s"),
            &tempfile::tempdir().expect("dir").path().join("k"),
        );
        assert!(empty.expect("open").seal(&name("x"), &"".into()).is_err());
    }
}
