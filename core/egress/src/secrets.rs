//! Secrets by name: sealed with a key file that lies outside the database, opened inside this crate only. The key also
//! seals what is kept elsewhere.
//!
//! A secret is one file `NAME.sealed` in the folder handed in, whose form is [`crate::sealed`]'s. Files are read anew for
//! each use: a value sealed by another process counts at once.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use aws_lc_rs::rand;
use ironcore_types::Timestamp;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};

use crate::durable;
use crate::error::EgressError;
use crate::kept_elsewhere;
use crate::sealed;
pub use crate::sealed::Stamp;
pub use crate::secret_name::SecretName;
use crate::signing_key;

const KEY_LEN: usize = 32;
const SUFFIX: &str = ".sealed";
/// Longer than any key or token that a destination wants.
const MAX_VALUE: usize = 64 * 1024;

/// What may be known of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSecret {
    /// Its name.
    pub name: SecretName,
    /// When its value was set; none when nobody noted it.
    pub set: Option<Timestamp>,
    /// Who set it; none when that was done on the hub's own files.
    pub by: Option<String>,
    /// The public key, `whpk_…`, when it is an Ed25519 signing key.
    pub public_key: Option<String>,
    /// Whether it opens with this hub's key.
    pub opens: bool,
}

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
        self.seal_stamped(name, value, &Stamp::default())
    }

    /// The same, and notes when and by whom.
    pub fn seal_stamped(
        &self,
        name: &SecretName,
        value: &SecretString,
        stamp: &Stamp,
    ) -> Result<(), EgressError> {
        let plain = value.expose_secret();
        if plain.is_empty() || plain.len() > MAX_VALUE {
            let reason = "a value has 1 byte to 64 KiB";
            return Err(EgressError::SecretUnfit {
                name: name.clone(),
                reason,
            });
        }
        let file = sealed::close(&self.cipher()?, name, plain, stamp)?;
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

    /// What may be known of each secret, by name. One that does not open is among them.
    pub fn list(&self) -> Result<Vec<KeptSecret>, EgressError> {
        let mut all = Vec::new();
        for name in self.names()? {
            match self.describe(&name) {
                Ok(kept) => all.push(kept),
                // It was forgotten meanwhile.
                Err(EgressError::SecretMissing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// What may be known of one secret.
    pub fn describe(&self, name: &SecretName) -> Result<KeptSecret, EgressError> {
        let (value, stamp) = match self.open_file(name) {
            Ok((value, stamp)) => (Some(value), stamp),
            Err(EgressError::Sealed { .. }) => (None, Stamp::default()),
            Err(error) => return Err(error),
        };
        let public_key = match &value {
            // A private key that is none shows as what it is: no key that anybody could verify with.
            Some(value) => signing_key::public_key(name, value).unwrap_or(None),
            None => None,
        };
        Ok(KeptSecret {
            name: name.clone(),
            set: stamp.at,
            by: stamp.by,
            public_key,
            opens: value.is_some(),
        })
    }

    /// The value; for this crate alone.
    pub(crate) fn reveal(&self, name: &SecretName) -> Result<SecretString, EgressError> {
        Ok(self.open_file(name)?.0)
    }

    /// Seals a value that is kept elsewhere, for one purpose such as `second-factor/alice@local`.
    pub fn seal_for(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, EgressError> {
        kept_elsewhere::seal(&self.cipher()?, purpose, plain)
    }

    /// Opens what was sealed for this purpose; none when it was for another, with another key, or was changed.
    pub fn open_for(&self, purpose: &str, sealed: &[u8]) -> Result<Option<SecretBox<Vec<u8>>>, EgressError> {
        Ok(kept_elsewhere::open(&self.cipher()?, purpose, sealed))
    }

    fn open_file(&self, name: &SecretName) -> Result<(SecretString, Stamp), EgressError> {
        let path = self.path(name);
        let file = match fs::read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(EgressError::SecretMissing { name: name.clone() });
            }
            Err(source) => return Err(EgressError::Io { path, source }),
        };
        sealed::open(&self.cipher()?, name, &file)
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

        let stamp = Stamp {
            at: Some("2026-05-21T00:00:00Z".parse().expect("time")),
            by: Some("root@local!admin".to_owned()),
        };
        secrets
            .seal_stamped(&name("smtp-password"), &"geheim-wort-2".into(), &stamp)
            .expect("seal again");

        let again = Secrets::open(&folder, &key).expect("open again");
        let kept = again.describe(&name("smtp-password")).expect("kept");
        assert_eq!((kept.set, kept.by, kept.opens), (stamp.at, stamp.by, true));
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
    fn lists_tell_public_keys_and_what_does_not_open() {
        let dir = tempfile::tempdir().expect("dir");
        let (folder, key) = (dir.path().join("secrets"), dir.path().join("key"));
        let secrets = Secrets::open(&folder, &key).expect("open");
        let private = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
        secrets.seal(&name("sign"), &private.into()).expect("seal");
        secrets.seal(&name("token"), &"t0ken".into()).expect("seal");
        let list = secrets.list().expect("list");
        let public: Vec<_> = list.iter().map(|kept| kept.public_key.as_deref()).collect();
        let expected = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        assert_eq!(public, [Some(expected), None]);
        let shown = format!("{list:?}");
        assert!(!shown.contains("t0ken") && !shown.contains("nWGxne"), "{shown}");

        fs::remove_file(&key).expect("lose the key");
        let others = Secrets::open(&dir.path().join("other"), &key).expect("another key");
        drop(others);
        let foreign = Secrets::open(&folder, &key).expect("opens");
        assert!(foreign.list().expect("list").iter().all(|kept| !kept.opens));
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
