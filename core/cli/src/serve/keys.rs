//! The hub's own key material: the key that signs manifests, the local admin's token, and that of the first set-up.
//!
//! All are files with mode 0600 that are made once, synced before they are used, and never written again.

use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};
use ironcore_engine::{SigningSeed, Stores};
use ironcore_ledger::Ledger;
use ironcore_ledger::model::{NewToken, Role};
use ironcore_types::{ErrorCode, KeyId, UserId};
use sha2::{Digest, Sha256};

use crate::exit::Coded;

/// Makes a folder that only its owner can enter; one that is there is closed to others.
pub(crate) fn private_folder(path: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make the folder {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
        .with_context(|| format!("cannot close {} to others", path.display()))
}

/// Reads the file, or makes it with what `content` gives.
fn read_or_make(path: &Path, content: impl FnOnce() -> Result<Vec<u8>>) -> Result<(Vec<u8>, bool)> {
    let mut options = std::fs::OpenOptions::new();
    match options.read(true).open(path) {
        Ok(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok((bytes, false))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let bytes = content()?;
            replace(path, &bytes)?;
            Ok((bytes, true))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Writes a file that only its owner reads, in place of one that may be there.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    // It appears under its name when it is whole: a crash leaves nothing half made.
    let temporary = path.with_extension("new");
    let mut file = std::fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .with_context(|| format!("cannot write {}", temporary.display()))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    rename(&temporary, path)?;
    if let Some(folder) = path.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where the hub's own keys are written"
)]
fn rename(from: &Path, to: &Path) -> Result<()> {
    Ok(std::fs::rename(from, to)?)
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).context("no randomness on this machine")?;
    Ok(bytes)
}

/// The seed of the key that signs manifests: 64 hexadecimal digits in `keys/signing.key`.
pub(crate) fn signing_seed(keys: &Path) -> Result<SigningSeed> {
    let path = keys.join("signing.key");
    let (text, _) = read_or_make(&path, || {
        Ok(format!("{}\n", hex::encode(random::<32>()?)).into_bytes())
    })?;
    let mut seed = [0; 32];
    if hex::decode_to_slice(String::from_utf8_lossy(&text).trim(), &mut seed).is_err() {
        bail!(
            "{} does not hold 64 hexadecimal digits; put the right file back",
            path.display()
        );
    }
    Ok(SigningSeed(seed))
}

/// Refuses a hub without a signing key on a database whose datastores are signed with one: the key that it would make
/// for itself is of no use there.
pub(crate) async fn must_fit(ledger: &Ledger, keys: &Path) -> Result<()> {
    if keys.join("signing.key").try_exists()? {
        return Ok(());
    }
    let signed = ledger.datastores().await?;
    let Some(store) = signed.iter().find(|store| store.public_key.is_some()) else {
        return Ok(());
    };
    let message = format!(
        "{0} holds no signing.key, and datastore {1} is signed with the key of a hub on this database: copy the folders \
         keys and secrets of such a hub to {0} and beside it. If that key is lost, write 64 hexadecimal digits of your \
         own to {0}/signing.key and take the datastores over with `datastore adopt`",
        keys.display(),
        store.object.name
    );
    Err(Coded {
        code: ErrorCode::ConfigInvalid,
        message,
    }
    .into())
}

/// Says of which datastores another key signs than this hub's: their tasks are left to others here, until one of both is
/// put right.
pub(crate) async fn tell_others(ledger: &Ledger, stores: &Stores) -> Result<()> {
    let own = stores.key_id()?;
    for store in ledger.datastores().await? {
        let key = store.public_key.as_ref().map(KeyId::signing);
        if let Some(key) = key.filter(|key| *key != own) {
            tracing::warn!(
                datastore = %store.object.name,
                %key,
                %own,
                "the datastore is signed with another key than keys/signing.key of this hub, which leaves its tasks to hubs \
                 that have that key: copy the keys of such a hub, or take it over with `datastore adopt`"
            );
        }
    }
    Ok(())
}

/// The token that the first administrator is made with, as long as there is none; and whether it was made just now.
pub(crate) async fn setup_token(ledger: &Ledger, path: &Path) -> Result<Option<(String, bool)>> {
    if ledger.is_set_up().await? {
        forget(path)?;
        return Ok(None);
    }
    let (token, made) = read_or_make(path, || {
        Ok(format!("{}\n", hex::encode(random::<32>()?)).into_bytes())
    })?;
    Ok(Some((String::from_utf8_lossy(&token).trim().to_owned(), made)))
}

/// Removes a file that may be there.
pub(crate) fn forget(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Makes sure that there is a local administrator whose token is in `admin.token`, unless that very token was revoked.
pub(crate) async fn local_admin(ledger: &Ledger, path: &Path, user: &str) -> Result<()> {
    let (secret, _) = read_or_make(path, || {
        Ok(format!("{}\n", hex::encode(random::<32>()?)).into_bytes())
    })?;
    let secret = String::from_utf8_lossy(&secret).trim().to_owned();
    let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
    if ledger.token_by_hash(hash).await?.is_some() {
        return Ok(());
    }
    if ledger.is_revoked(hash).await? {
        tracing::warn!(
            token = user, file = %path.display(),
            "the local administrator's token was revoked, and stays so: remove the file to get another at the next start"
        );
        return Ok(());
    }
    let user = UserId::new(user)?;
    // Another secret under this name is from a file that is gone: the file on disk is what counts.
    if ledger.tokens().await?.iter().any(|token| token.user == user) {
        ledger.revoke_token(None, &user).await?;
    }
    ledger
        .create_token(
            None,
            NewToken {
                user,
                role: Role::Admin.into(),
                project: None,
                secret_sha256: hash,
                comment: Some("local administrator".to_owned()),
                expires: None,
                actor: None,
            },
        )
        .await?;
    Ok(())
}
