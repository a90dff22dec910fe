//! Where datastores may be and where restores may write: never in each other, and never among the hub's own files.
//! Paths are compared as they really are: a link to a datastore is that datastore.

use std::path::{Component, Path, PathBuf};

use ironcore_store::Datastore;
use ironcore_types::ErrorCode;

use crate::error::EngineError;

/// Refuses a path that depends on where the hub was started, or that says less than it shows.
pub(crate) fn check_path(path: &Path) -> Result<(), EngineError> {
    let plain = path
        .components()
        .all(|part| !matches!(part, Component::ParentDir));
    if path.is_absolute() && plain {
        Ok(())
    } else {
        Err(EngineError::Path {
            path: path.to_owned(),
            why: "give an absolute path without `..`",
        })
    }
}

/// The path with its links followed, as far as it exists.
pub(crate) async fn real_path(path: &Path) -> PathBuf {
    for existing in path.ancestors() {
        if let Ok(real) = tokio::fs::canonicalize(existing).await {
            return path
                .strip_prefix(existing)
                .map_or(real.clone(), |rest| real.join(rest));
        }
    }
    path.to_owned()
}

/// Whether one of two real paths is the other or leads to it.
pub(crate) fn overlap(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Refuses a real path within the hub's own data folder.
pub(crate) async fn refuse_data(real: &Path, data: Option<&Path>) -> Result<(), EngineError> {
    if let Some(data) = data
        && real.starts_with(real_path(data).await)
    {
        return Err(EngineError::Within {
            path: real.to_owned(),
            what: data_folder(data),
            code: ErrorCode::RequestInvalid,
        });
    }
    Ok(())
}

/// What the hub's data folder is called where something is refused because of it.
pub(crate) fn data_folder(data: &Path) -> String {
    format!("the hub's own data folder {}", data.display())
}

/// Refuses to restore to a real path that lies in `owned` or around it. Around it is refused even when nothing is to
/// be overwritten: a tree that was backed up from there may name the very files of a datastore, which are backups.
/// `/` lies around everything.
pub(crate) fn refuse_target(
    real: &Path,
    owned: &Path,
    what: impl FnOnce() -> String,
) -> Result<(), EngineError> {
    let path = || real.to_owned();
    if real.starts_with(owned) {
        Err(EngineError::Within {
            path: path(),
            what: what(),
            code: ErrorCode::RestoreTarget,
        })
    } else if owned.starts_with(real) {
        Err(EngineError::Around {
            path: path(),
            what: what(),
        })
    } else {
        Ok(())
    }
}

/// Refuses a real path within the folder of a datastore, be it one that this hub does not know.
pub(crate) async fn refuse_within_datastore(real: &Path) -> Result<(), EngineError> {
    let folders: Vec<PathBuf> = real.ancestors().skip(1).map(Path::to_owned).collect();
    let found = tokio::task::spawn_blocking(move || folders.into_iter().find(|f| Datastore::is_at(f)));
    match found.await {
        Ok(None) => Ok(()),
        Ok(Some(folder)) => Err(EngineError::Within {
            path: real.to_owned(),
            what: format!("the datastore at {}", folder.display()),
            code: ErrorCode::DatastoreShared,
        }),
        Err(error) => Err(EngineError::Internal(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_overlap_by_whole_names() {
        let overlap = |one: &str, other: &str| overlap(Path::new(one), Path::new(other));
        assert!(overlap("/srv/a", "/srv/a") && overlap("/srv/a/b", "/srv/a") && overlap("/srv", "/srv/a"));
        assert!(!overlap("/srv/ab", "/srv/a") && !overlap("/srv/a", "/srv/b"));
        assert!(check_path(Path::new("/srv/../etc")).is_err() && check_path(Path::new("srv")).is_err());
        assert!(check_path(Path::new("/srv/a")).is_ok());
    }

    #[test]
    fn a_restore_goes_neither_into_nor_around_what_must_stay() {
        let refuse = |target: &str| {
            refuse_target(Path::new(target), Path::new("/srv/store"), || {
                "the store".to_owned()
            })
        };
        for target in ["/srv/store", "/srv/store/packs", "/srv", "/"] {
            let refused = refuse(target).expect_err(target);
            assert_eq!(refused.code(), ErrorCode::RestoreTarget, "{target}");
            assert!(refused.to_string().contains("the store"), "{refused}");
        }
        for target in ["/srv/stores", "/srv/out", "/home"] {
            assert!(refuse(target).is_ok(), "{target}");
        }
    }
}
