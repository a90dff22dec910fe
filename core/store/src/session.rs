//! Sessions: every writer registers before its first byte, so that a garbage collection knows whom to wait for.
//!
//! A session is a file that its writer renews. It ends when the writer removes it, when its process is seen to
//! be gone, or after a long silence; then the file is removed by a garbage collection, and the writer, should it
//! still live, finds that out before it commits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ironcore_types::{Mark, Seams, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::blobs::{BlobErrorKind, Blobs};
use crate::error::{Result, StoreError};
use crate::layout;

/// A session that was silent for so long is over.
pub const SESSION_TTL: Duration = Duration::from_secs(2 * 3600);
/// A writer that was silent for so long gives up by itself, long before anybody else gives it up: so a renewal
/// never brings back a session that a collection has just removed. More than an hour, because clocks are often wrong
/// by just that.
const SILENCE: Duration = Duration::from_secs(90 * 60);
const RENEW: Duration = Duration::from_secs(60);

/// What a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SessionKind {
    Backup,
    Sync,
    Gc,
    /// Makes parts of the index anew.
    Index,
}

/// Which process, on which boot of which machine. Process numbers mean something only within a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ProcessMark {
    boot: String,
    namespace: String,
    pid: u32,
    start: u64,
}

impl ProcessMark {
    fn here() -> Option<Self> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .ok()?
            .trim()
            .to_owned();
        let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?.to_str()?.to_owned();
        let pid = std::process::id();
        Some(Self {
            boot,
            namespace,
            pid,
            start: start_of(pid)?,
        })
    }

    /// Whether the process is certainly gone; a process of elsewhere may live.
    fn is_gone(&self) -> bool {
        Self::here().is_some_and(|here| {
            here.boot == self.boot
                && here.namespace == self.namespace
                && start_of(self.pid) != Some(self.start)
        })
    }
}

/// Start of a process in clock ticks since boot: field 22 of its stat, counted after the name, which may hold
/// anything but ends with the last parenthesis.
fn start_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Record {
    format: u32,
    kind: SessionKind,
    started: Timestamp,
    renewed: Timestamp,
    task: Option<String>,
    process: Option<ProcessMark>,
}

/// A registered session. Dropping it ends it.
pub(crate) struct Session {
    blobs: Arc<dyn Blobs>,
    seams: Seams,
    name: String,
    record: Record,
    /// When a renewal was begun last.
    renewed: Mutex<Mark>,
    /// What the file says.
    spoke: Mutex<Mark>,
    lost: AtomicBool,
}

impl Session {
    /// Registers; durable when this returns.
    pub(crate) fn register(
        blobs: &Arc<dyn Blobs>,
        seams: &Seams,
        kind: SessionKind,
        task: Option<String>,
    ) -> Result<Self> {
        let now = seams.mark();
        let record = Record {
            format: 1,
            kind,
            started: now.time,
            renewed: now.time,
            task,
            process: ProcessMark::here(),
        };
        let name = format!("{}{}", layout::SESSIONS, seams.uuid());
        blobs.put_new(&name, &to_json(&record))?;
        Ok(Self {
            blobs: Arc::clone(blobs),
            seams: seams.clone(),
            name,
            record,
            renewed: Mutex::new(now),
            spoke: Mutex::new(now),
            lost: AtomicBool::new(false),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Says that the writer lives; called often, writes once a minute.
    pub(crate) fn renew(&self) -> Result<()> {
        let now = self.seams.mark();
        {
            let mut renewed = held(&self.renewed);
            if self.seams.at_most_since(*renewed) < RENEW {
                return Ok(());
            }
            *renewed = now;
        }
        self.check()?;
        let record = Record {
            renewed: now.time,
            ..self.record.clone()
        };
        self.blobs.replace(&self.name, &to_json(&record))?;
        *held(&self.spoke) = now;
        Ok(())
    }

    /// Fails when the session was given up.
    pub(crate) fn check(&self) -> Result<()> {
        let silent = self.seams.at_most_since(*held(&self.spoke));
        let lost = self.lost.load(Ordering::Relaxed) || silent >= SILENCE;
        if !lost && self.blobs.size(&self.name)?.is_some() {
            return Ok(());
        }
        // Renewing would bring the file back, and with it a promise that nobody keeps.
        self.lost.store(true, Ordering::Relaxed);
        Err(StoreError::SessionLost(
            self.name.trim_start_matches(layout::SESSIONS).to_owned(),
        ))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Err(error) = self.blobs.delete(&self.name) {
            tracing::warn!(session = self.name, %error, "session file left behind; it runs out by itself");
        }
    }
}

/// A panic elsewhere leaves a time behind that is as good as any.
fn held(mark: &Mutex<Mark>) -> MutexGuard<'_, Mark> {
    mark.lock().unwrap_or_else(PoisonError::into_inner)
}

fn to_json(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).unwrap_or_default()
}

/// A session of somebody.
#[derive(Debug, Clone)]
pub(crate) struct Other {
    pub(crate) name: String,
    pub(crate) kind: SessionKind,
}

/// Sessions that may still be writing. With `remove`, files of those that are over are removed, which keeps
/// their writers from committing.
pub(crate) fn alive(blobs: &dyn Blobs, now: Timestamp, remove: bool) -> Result<Vec<Other>> {
    let mut others = Vec::new();
    for blob in blobs.list(layout::SESSIONS)? {
        let bytes = match blobs.get(&blob.name) {
            Ok(bytes) => bytes,
            Err(error) if error.kind == BlobErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        let Ok(record) = serde_json::from_slice::<Record>(&bytes) else {
            // Of a newer version, perhaps: it may be writing.
            others.push(Other {
                name: blob.name,
                kind: SessionKind::Backup,
            });
            continue;
        };
        let gone = record.process.as_ref().is_some_and(ProcessMark::is_gone);
        if gone || now.since(record.renewed) > SESSION_TTL {
            if remove {
                blobs.delete(&blob.name)?;
            }
        } else {
            others.push(Other {
                name: blob.name,
                kind: record.kind,
            });
        }
    }
    Ok(others)
}

/// A new id of this clock and randomness.
pub(crate) fn new_id(seams: &Seams) -> [u8; 16] {
    let id: Uuid = seams.uuid();
    *id.as_bytes()
}
