//! Compiled plugins on disk. Whatever is wrong with an entry, the plugin is compiled again.
//!
//! An entry is named by the SHA-256 of the component and by the engine's version and configuration, and begins with
//! the SHA-256 of its own content. The folder must be the hub's own: entries hold machine code.

use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::precompiled::{self, OwnBytes};

const DIGEST: usize = 32;

/// A folder of compiled plugins.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Uses a folder, and makes it when it is missing. Refuses one that others can write to.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        make_private(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Gets the component from the cache, or compiles and keeps it.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        wasm: &[u8],
        sha256: &str,
    ) -> wasmtime::Result<Component> {
        let path = self
            .folder
            .join(format!("{sha256}-{}.cwasm", compatibility(engine)));
        match self.get(engine, &path) {
            Ok(component) => return Ok(component),
            Err(Miss::Absent) => {}
            Err(Miss::Unusable(why)) => {
                tracing::warn!(entry = %path.display(), why, "compiled plugin is not usable; compiling again");
            }
        }
        let component = Component::new(engine, wasm)?;
        if let Err(error) = component
            .serialize()
            .map_err(io::Error::other)
            .and_then(|code| self.put(&path, &code))
        {
            tracing::warn!(entry = %path.display(), %error, "compiled plugin could not be kept");
        }
        Ok(component)
    }

    fn get(&self, engine: &Engine, path: &Path) -> Result<Component, Miss> {
        let bytes = fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Miss::Absent,
            _ => Miss::Unusable(error.to_string()),
        })?;
        let (digest, code) = bytes
            .split_at_checked(DIGEST)
            .ok_or_else(|| Miss::Unusable("it is cut off".to_owned()))?;
        if Sha256::digest(code).as_slice() != digest {
            return Err(Miss::Unusable("its content is damaged".to_owned()));
        }
        precompiled::load(engine, &OwnBytes::checked_by_cache(code))
            .map_err(|error| Miss::Unusable(format!("{error:#}")))
    }

    fn put(&self, path: &Path, code: &[u8]) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.write_all(&Sha256::digest(code))?;
        file.write_all(code)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

enum Miss {
    Absent,
    Unusable(String),
}

fn compatibility(engine: &Engine) -> String {
    // Stable within one build of the hub, which is all that matters: another build compiles again.
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mode = fs::metadata(folder)?.mode();
    if mode & 0o022 != 0 {
        let why = format!(
            "{} can be written by others (mode {:o})",
            folder.display(),
            mode & 0o7777
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn entries(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder)
            .expect("folder")
            .map(|entry| entry.expect("entry").path())
            .collect()
    }

    #[test]
    fn entries_are_kept_used_and_made_anew_when_damaged() {
        let home = tempfile::tempdir().expect("folder");
        let folder = home.path().join("cache");
        let (engine, cache) = (Engine::default(), Cache::open(&folder).expect("cache"));
        cache.component(&engine, EMPTY, "abc").expect("compiled");
        let kept = entries(&folder);
        assert_eq!(kept.len(), 1);
        let good = fs::read(&kept[0]).expect("entry");

        // Bytes that are no component at all show that the entry is used.
        cache
            .component(&engine, b"no component", "abc")
            .expect("from the cache");

        let mut flipped = good.clone();
        *flipped.last_mut().expect("byte") ^= 1;
        for damaged in [&flipped[..], &good[..10], b"", &good[..good.len() - 1]] {
            let mut file = fs::File::create(&kept[0]).expect("entry");
            file.write_all(damaged).expect("written");
            cache.component(&engine, EMPTY, "abc").expect("compiled again");
            assert_eq!(fs::read(&kept[0]).expect("entry").len(), good.len());
        }
        assert_eq!(entries(&folder).len(), 1, "no temporary files are left");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().expect("folder");
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).expect("mode");
        let error = Cache::open(home.path()).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}
