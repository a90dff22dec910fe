//! The folder with the archives: their names, which hold the time, and what is removed. Nothing else in it is ever
//! touched.

use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use ironcore_api::wire::StoredHubArchive;
use ironcore_types::Timestamp;

const PREFIX: &str = "hub-";
const SUFFIX: &str = ".tar.zst";
/// What is being made has a name that begins so and ends so around the archive's own.
const UNFINISHED: (&str, &str) = (".", ".new");
const FORMAT: &str = "%Y%m%dT%H%M%S";

/// The name of the archive that is made at `time`: `hub-20260521T020000.000Z.tar.zst`.
fn name(time: Timestamp) -> String {
    let millis = time.as_micros().rem_euclid(1_000_000) / 1_000;
    let seconds = time.to_jiff().strftime(FORMAT);
    format!("{PREFIX}{seconds}.{millis:03}Z{SUFFIX}")
}

/// When the archive of this name was made; none when it is the name of something else.
pub(super) fn time_of(text: &str) -> Option<Timestamp> {
    let time = text
        .strip_prefix(PREFIX)?
        .strip_suffix(SUFFIX)?
        .strip_suffix('Z')?;
    let (seconds, millis) = time.split_once('.')?;
    let seconds = jiff::civil::DateTime::strptime(FORMAT, seconds).ok()?;
    let seconds = seconds
        .to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .ok()?
        .timestamp();
    let millis: u64 = millis.parse().ok()?;
    let time = Timestamp::from_jiff(seconds).after(Duration::from_millis(millis));
    (name(time) == text).then_some(time)
}

/// A name that is free, and its time: `now`, or the next millisecond when that one is taken.
pub(super) fn free_name(folder: &Path, now: Timestamp) -> Result<(Timestamp, String)> {
    let mut time = now;
    loop {
        let name = name(time);
        if !folder.join(&name).try_exists()? {
            return Ok((time, name));
        }
        time = time.after(Duration::from_millis(1));
    }
}

/// The archives in a folder, oldest first; none when there is no folder.
pub(super) fn archives(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (name, entry) in entries(folder)? {
        if time_of(&name).is_some() && entry.file_type()?.is_file() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The archives in a folder with their sizes, oldest first.
pub(super) fn stored(folder: &Path) -> Result<Vec<StoredHubArchive>> {
    let mut found = Vec::new();
    for name in archives(folder)? {
        let path = folder.join(&name);
        let meta = match path.symlink_metadata() {
            // It was removed meanwhile, as one too many.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            meta => meta.with_context(|| format!("cannot look at {}", path.display()))?,
        };
        found.extend(time_of(&name).map(|made| StoredHubArchive {
            path: path.display().to_string(),
            bytes: meta.len(),
            made,
        }));
    }
    Ok(found)
}

/// Removes the oldest archives, so that `keep` stay; says which.
pub(super) fn remove_old(folder: &Path, keep: u32) -> Result<Vec<String>> {
    let mut names = archives(folder)?;
    names.truncate(names.len().saturating_sub(usize::try_from(keep)?));
    for name in &names {
        let path = folder.join(name);
        std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(names)
}

/// Removes what a process that was killed left half made.
pub(super) fn clean(folder: &Path) -> Result<()> {
    for (name, entry) in entries(folder)? {
        let (before, behind) = UNFINISHED;
        let made = name
            .strip_prefix(before)
            .and_then(|name| name.strip_suffix(behind));
        if made.and_then(time_of).is_some() && entry.file_type()?.is_dir() {
            let path = entry.path();
            std::fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<(String, std::fs::DirEntry)>> {
    let read = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.with_context(|| format!("cannot read {}", folder.display()))?,
    };
    let mut found = Vec::new();
    for entry in read {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            found.push((name, entry));
        }
    }
    Ok(found)
}

/// The folder in which an archive is made, beside where it will lie. Removed when dropped.
#[derive(Debug)]
pub(super) struct Work {
    path: PathBuf,
}

impl Work {
    pub(super) fn new(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(format!("{}{name}{}", UNFINISHED.0, UNFINISHED.1));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a folder is left");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "hub-20260521T020000.007Z.tar.zst";

    fn put(folder: &Path, name: &str) {
        std::fs::File::create(folder.join(name)).expect("a file");
    }

    #[test]
    fn a_name_holds_its_time() {
        let time = time_of(FIRST).expect("a name");
        assert_eq!(time.to_string(), "2026-05-21T02:00:00.007Z");
        assert_eq!(name(time), FIRST);
        for other in [
            "hub-20260521T020000.7Z.tar.zst",
            "hub-20260521T020000Z.tar.zst",
            "hub-20261321T020000.007Z.tar.zst",
            "hub-20260521T020000.007Z.tar.zst.old",
            "hub-mine.tar.zst",
            "my-hub-20260521T020000.007Z.tar.zst",
        ] {
            assert_eq!(time_of(other), None, "{other}");
        }
    }

    #[test]
    fn only_old_archives_are_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let second = "hub-20260522T020000.000Z.tar.zst";
        let third = "hub-20260523T020000.000Z.tar.zst";
        for name in [third, FIRST, second, "hub-mine.tar.zst", "notes.txt"] {
            put(dir.path(), name);
        }
        assert_eq!(remove_old(dir.path(), 2).expect("removed"), [FIRST]);
        assert_eq!(archives(dir.path()).expect("names"), [second, third]);
        std::fs::File::options()
            .write(true)
            .open(dir.path().join(third))
            .and_then(|mut file| std::io::Write::write_all(&mut file, b"whole"))
            .expect("written");
        let stored = stored(dir.path()).expect("archives");
        let sizes: Vec<(u64, Option<Timestamp>)> =
            stored.iter().map(|one| (one.bytes, Some(one.made))).collect();
        assert_eq!(sizes, [(0, time_of(second)), (5, time_of(third))]);
        assert_eq!(remove_old(dir.path(), 2).expect("removed"), Vec::<String>::new());
        assert!(dir.path().join("hub-mine.tar.zst").exists() && dir.path().join("notes.txt").exists());
    }

    #[test]
    fn what_was_left_half_made_is_removed_and_a_taken_name_is_not_used_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let work = Work::new(dir.path(), FIRST).expect("a folder");
        put(work.path(), "ledger.sqlite");
        let left = work.path().to_owned();
        // As a process does that is killed.
        std::mem::forget(work);
        put(dir.path(), ".hub-mine.new");
        clean(dir.path()).expect("cleaned");
        assert!(!left.exists() && dir.path().join(".hub-mine.new").exists());

        put(dir.path(), FIRST);
        let time = time_of(FIRST).expect("a time");
        let (_, free) = free_name(dir.path(), time).expect("a name");
        assert_eq!(free, "hub-20260521T020000.008Z.tar.zst");
    }
}
