//! Garbage collection without a global lock: mark, condemn, wait for older sessions, mark again, grace, delete.
//!
//! Locks and sessions, in the order in which things happen:
//!
//! | who | does | so that |
//! | --- | --- | --- |
//! | writer | registers a session, then reads the records of condemned packs and the index | it never relies on a pack that was condemned before it began |
//! | collection | writes its record, then lists the sessions and writes them down | every writer that did not see the record is on the list |
//! | collection | deletes only when no session on the list is left, marking again after seeing that | what those writers committed is seen |
//! | writer | looks for its session before and after it commits | one that was given up does not commit |
//!
//! Backup, restore, verify and prune run at any time beside a collection; a second collection is refused.

mod mark;
mod record;
mod sweep;

use std::collections::HashSet;
use std::time::Duration;

use ironcore_types::Timestamp;
use ironcore_types::progress::TaskStats;

use crate::chunk::PackKind;
use crate::datastore::Datastore;
use crate::error::{Result, StoreError};
use crate::id::PackId;
use crate::index::{PackRow, View};
use crate::layout;
use crate::pack;
use crate::reindex::unlisted;
use crate::session::{self, Session, SessionKind};
use crate::watch::{self, Watch};
use crate::writer::ChunkWriter;
pub(crate) use record::condemned_packs;
use record::{CondemnedPack, Record};

/// How to collect.
#[derive(Debug, Clone)]
pub struct GcRequest {
    /// Only say what would be freed.
    pub dry_run: bool,
    /// How long a pack stays condemned before it is deleted.
    pub grace: Duration,
    /// A pack is repacked when more than this share of its bytes is garbage, 0 to 1.
    pub repack_above: f64,
}

impl Default for GcRequest {
    fn default() -> Self {
        Self {
            dry_run: false,
            grace: Duration::from_secs(24 * 3600),
            repack_above: 0.3,
        }
    }
}

/// What a collection found and did. Sizes in bytes.
#[derive(Debug, Clone, Default)]
pub struct GcOutcome {
    /// `snapshots` marked, `chunks` in use, `bytes` freed, `bytes_stored` written by repacking, `bytes_new`
    /// the same before compression.
    pub stats: TaskStats,
    /// Freed now.
    pub bytes_freed: u64,
    /// In packs that are condemned and not deleted yet; in a dry run, what would be condemned.
    pub bytes_pending: u64,
    /// How many packs those are; in a dry run, how many would be.
    pub packs_pending: u64,
    /// When the grace of the last of them is over; none when there are none, and in a dry run.
    pub pending_until: Option<Timestamp>,
    /// Packs condemned by this run.
    pub packs_condemned: u64,
    /// Packs among them whose needed chunks were copied to new ones.
    pub packs_repacked: u64,
    /// Packs deleted.
    pub packs_deleted: u64,
    /// Packs that were condemned and are needed after all.
    pub packs_reprieved: u64,
    /// Chunks that snapshots refer to and that are not in the index.
    pub chunks_missing: u64,
    /// Older sessions that are still waited for.
    pub waiting_for: u64,
}

impl Datastore {
    /// Frees space that no snapshot needs. May be broken off at any point and run again.
    pub fn gc(&self, request: GcRequest, watch: &dyn Watch) -> Result<GcOutcome> {
        if request.dry_run {
            return self.gc_preview(&request, watch);
        }
        let session = Session::register(&self.inner.blobs, &self.inner.seams, SessionKind::Gc, None)?;
        let own = session.name().to_owned();
        // Packs, then sessions, then index: a pack that is in the first and not in the last has no writer.
        let packs = self.found_packs()?;
        let others = self.others(&own)?;
        if others.iter().any(|other| other.kind == SessionKind::Gc) {
            return Err(StoreError::Busy(
                "another garbage collection of this datastore is running".to_owned(),
            ));
        }
        // Not only when alone: what is condemned is judged by the index, and half of it would let needed packs go.
        self.mend_index(false, watch)?;
        let mut view = self.view(true)?;
        let mut unreadable = Vec::new();
        if others.is_empty() {
            let mut orphans = unlisted(&view, packs);
            orphans.retain(|pack| !view.condemned.contains(&pack.id));
            if !orphans.is_empty() {
                unreadable = self.index_packs(&orphans, &session, watch)?.unreadable;
                view = self.view(true)?;
            }
        }
        let live = mark::mark(self, &view, Some(&session), watch)?;
        let mut outcome = GcOutcome {
            chunks_missing: live.missing,
            ..GcOutcome::default()
        };
        outcome.stats.snapshots = live.snapshots;
        outcome.stats.chunks = live.chunks;
        let plan = Plan::new(&view, &live, request.repack_above);
        let mut condemned: Vec<CondemnedPack> = plan.dead.iter().map(condemn).collect();
        if live.missing == 0 {
            condemned.extend(unreadable.iter().map(|pack| CondemnedPack {
                id: pack.id,
                meta: pack.kind == PackKind::Meta,
                size: pack.size,
            }));
        }
        let writer = ChunkWriter::new(
            &self.inner.blobs,
            &self.inner.seams,
            session,
            view,
            self.config().compression.level,
        );
        let repacked = sweep::repack(self, &writer, &plan.wasteful, &live.needed(&writer.view), watch)?;
        outcome.packs_repacked = repacked.len() as u64;
        outcome.stats.bytes_stored = writer.written.bytes.load(std::sync::atomic::Ordering::Relaxed);
        outcome.stats.bytes_new = writer.written.plain.load(std::sync::atomic::Ordering::Relaxed);
        condemned.extend(repacked.iter().map(condemn));
        outcome.packs_condemned = condemned.len() as u64;
        drop(live);
        if !condemned.is_empty() {
            let name = format!("{}{}", layout::CONDEMNED, self.inner.seams.uuid());
            let record = Record {
                name,
                condemned: self.now(),
                packs: condemned,
                waits_for: None,
            };
            record.write(self.blobs())?;
        }
        self.delete_ripe(&writer, &request, &mut outcome, watch)?;
        self.blobs().remove_unfinished()?;
        outcome.stats.bytes = outcome.bytes_freed;
        drop(writer);
        Ok(outcome)
    }

    fn others(&self, own: &str) -> Result<Vec<session::Other>> {
        let mut others = session::alive(self.blobs(), self.now(), true)?;
        others.retain(|other| other.name != own);
        Ok(others)
    }

    /// Deletes packs that nobody can need any more.
    fn delete_ripe(
        &self,
        writer: &ChunkWriter,
        request: &GcRequest,
        outcome: &mut GcOutcome,
        watch: &dyn Watch,
    ) -> Result<()> {
        let session = &writer.session;
        let mut records = record::read_all(self.blobs())?;
        // After the records are there, and before the second mark.
        let names: Vec<String> = self
            .others(session.name())?
            .into_iter()
            .map(|other| other.name)
            .collect();
        let now = self.now();
        let mut ripe = Vec::new();
        for mut record in records.drain(..) {
            if record.waits_for.is_none() {
                record.write_waits(self.blobs(), names.clone())?;
            }
            let waiting = record
                .waits_for
                .iter()
                .flatten()
                .filter(|session| names.contains(session))
                .count() as u64;
            if waiting == 0 && now.since(record.condemned) >= request.grace {
                ripe.push(record);
            } else {
                outcome.waiting_for = outcome.waiting_for.max(waiting);
                outcome.bytes_pending += record.packs.iter().map(|pack| pack.size).sum::<u64>();
                outcome.packs_pending += record.packs.len() as u64;
                let over = record.condemned.after(request.grace);
                outcome.pending_until = outcome.pending_until.max(Some(over));
            }
        }
        let mut gone = HashSet::new();
        let view = self.view(true)?;
        if !ripe.is_empty() {
            let live = mark::mark(self, &view, Some(session), watch)?;
            let needed = live.needed(&view);
            for record in &mut ripe {
                let before = record.packs.len();
                record.packs.retain(|pack| !needed.contains_key(&pack.id));
                if record.packs.len() < before {
                    outcome.packs_reprieved += (before - record.packs.len()) as u64;
                    record.write(self.blobs())?;
                }
                gone.extend(record.packs.iter().map(|pack| pack.id));
            }
        }
        watch::check(watch)?;
        // Segments that are damaged still hold nothing that any pack could tell.
        sweep::rewrite_index(self, &view, &gone, &writer.view.damaged)?;
        let mut stage = watch::stage("delete", "packs");
        stage.total = Some(gone.len() as u64);
        for record in &ripe {
            for pack in &record.packs {
                session.renew()?;
                self.blobs().delete(&pack.name())?;
                outcome.packs_deleted += 1;
                outcome.bytes_freed += pack.size;
                stage.done += 1;
                stage.bytes += pack.size;
                watch.progress(&stage);
            }
            record.delete(self.blobs())?;
        }
        sweep::sweep_quarantine(self, &view, &gone)
    }

    fn gc_preview(&self, request: &GcRequest, watch: &dyn Watch) -> Result<GcOutcome> {
        let view = self.view(true)?;
        let live = mark::mark(self, &view, None, watch)?;
        let plan = Plan::new(&view, &live, request.repack_above);
        let mut outcome = GcOutcome {
            chunks_missing: live.missing,
            ..GcOutcome::default()
        };
        outcome.stats.snapshots = live.snapshots;
        outcome.stats.chunks = live.chunks;
        outcome.packs_condemned = (plan.dead.len() + plan.wasteful.len()) as u64;
        outcome.packs_repacked = plan.wasteful.len() as u64;
        outcome.bytes_pending = plan.garbage;
        outcome.packs_pending = outcome.packs_condemned;
        for record in record::read_all(self.blobs())? {
            outcome.bytes_pending += record.packs.iter().map(|pack| pack.size).sum::<u64>();
            outcome.packs_pending += record.packs.len() as u64;
        }
        Ok(outcome)
    }
}

fn condemn(pack: &PackRow) -> CondemnedPack {
    CondemnedPack {
        id: pack.id,
        meta: pack.kind == PackKind::Meta,
        size: pack.size,
    }
}

/// Which packs can go.
struct Plan {
    /// Hold nothing that is needed.
    dead: Vec<PackRow>,
    /// Hold little that is needed.
    wasteful: Vec<PackRow>,
    /// Bytes to be freed.
    garbage: u64,
}

impl Plan {
    fn new(view: &View, live: &mark::Live, repack_above: f64) -> Self {
        let needed = live.needed(view);
        let mut plan = Self {
            dead: Vec::new(),
            wasteful: Vec::new(),
            garbage: 0,
        };
        let mut packs: Vec<PackRow> = view.packs().into_values().collect();
        packs.retain(|pack| !view.condemned.contains(&pack.id));
        packs.sort_by_key(|pack| pack.id);
        for pack in packs {
            let used: u64 = needed.get(&pack.id).map_or(0, |entries| {
                let per_entry = pack::DIRECTORY_ENTRY as u64;
                entries
                    .iter()
                    .map(|entry| u64::from(entry.info.stored_len) + per_entry)
                    .sum()
            });
            let waste = pack.size.saturating_sub(used);
            if used == 0 {
                plan.garbage += pack.size;
                plan.dead.push(pack);
            } else if waste as f64 > pack.size as f64 * repack_above
                && waste > MIN_WASTE
                && is_present(view, pack.id)
            {
                plan.garbage += waste;
                plan.wasteful.push(pack);
            }
        }
        plan
    }
}

/// Less garbage than this is not worth a new pack; a pack's own frame counts as garbage here.
const MIN_WASTE: u64 = 4096;

fn is_present(view: &View, pack: PackId) -> bool {
    view.present
        .as_ref()
        .is_none_or(|present| present.contains(&pack))
}
