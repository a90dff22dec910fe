//! The state of one call: what a guest may use, what it has used, and what it wants kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ironcore_types::EventId;
use serde_json::Value;
use wasmtime::{ResourceLimiter, UpdateDeadline};
use wasmtime_wasi::random::WasiRandomCtx;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::delivery::{CallReport, Delivery, InboxWrite, KvWrite};
use crate::effects::{LogLevel, Slot};
use crate::memory::Taken;
use crate::output::{Lines, Printed};
use crate::services::HostServices;

/// The longest key, bytes.
pub(crate) const MAX_KEY: usize = 256;
/// The longest value, bytes.
pub(crate) const MAX_VALUE: usize = 64 << 10;
/// How much a call may write, keys and values together, bytes.
const MAX_WRITTEN: usize = 256 << 10;
/// How many figures a call may tell.
pub(crate) const MAX_SAMPLES: usize = 500;

/// Why a guest was ended by the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Its time on the processor is used up.
    Time,
    /// Its memory is used up.
    Memory,
    /// All guests together have used up theirs.
    AllMemory,
}

/// What a call is for.
pub(crate) enum Purpose {
    Deliver {
        delivery: Arc<Delivery>,
        secrets: BTreeSet<String>,
    },
    Advise,
}

/// The state of one call, in its store.
pub(crate) struct Call {
    pub(crate) services: Arc<dyn HostServices>,
    pub(crate) purpose: Purpose,
    pub(crate) ended: Option<Ended>,
    pub(crate) inbox: BTreeMap<EventId, InboxWrite>,
    pub(crate) samples: usize,
    pub(crate) printed: Printed,
    pub(crate) random: WasiRandomCtx,
    kv: Vec<KvWrite>,
    written: usize,
    lines: Lines,
    ticks_left: u64,
    memory: Taken,
    memory_limit: u64,
    wasi: WasiCtx,
    table: ResourceTable,
}

/// What a call leaves behind.
pub(crate) struct Left {
    pub(crate) kv: Vec<KvWrite>,
    pub(crate) inbox: Vec<InboxWrite>,
    pub(crate) report: CallReport,
}

impl Call {
    pub(crate) fn new(
        services: Arc<dyn HostServices>,
        purpose: Purpose,
        ticks: u64,
        memory: Taken,
        memory_limit: u64,
    ) -> Self {
        let printed = Printed::default();
        // No arguments, variables, folders or addresses: a fresh context has none.
        let wasi = WasiCtxBuilder::new()
            .stdout(printed.clone())
            .stderr(printed.clone())
            .build();
        Self {
            services,
            purpose,
            ended: None,
            inbox: BTreeMap::new(),
            samples: 0,
            printed,
            random: WasiRandomCtx::default(),
            kv: Vec::new(),
            written: 0,
            lines: Lines::default(),
            ticks_left: ticks,
            memory,
            memory_limit,
            wasi,
            table: ResourceTable::new(),
        }
    }

    /// Called when a tick passed while the guest ran. Ticks that pass while it waits for the host count once.
    pub(crate) fn tick(&mut self) -> UpdateDeadline {
        match self.ticks_left.checked_sub(1) {
            Some(left) => {
                self.ticks_left = left;
                UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))
            }
            None => {
                self.ended = Some(Ended::Time);
                UpdateDeadline::Interrupt
            }
        }
    }

    /// Takes a line of the guest.
    pub(crate) fn log(&mut self, level: LogLevel, text: &str) {
        if let Some(line) = self.lines.push(level, text) {
            self.services.log(line);
        }
    }

    /// The delivery, unless advice is asked for.
    pub(crate) fn delivery(&self) -> Option<&Arc<Delivery>> {
        match &self.purpose {
            Purpose::Deliver { delivery, .. } => Some(delivery),
            Purpose::Advise => None,
        }
    }

    /// The first of these secrets that the handler's configuration does not name.
    pub(crate) fn denied_secret(&self, names: &[&str]) -> Option<String> {
        let allowed = match &self.purpose {
            Purpose::Deliver { secrets, .. } => Some(secrets),
            Purpose::Advise => None,
        };
        names
            .iter()
            .find(|name| !allowed.is_some_and(|a| a.contains(**name)))
            .map(|name| (*name).to_owned())
    }

    /// What this call wrote to a key: nothing, a removal or a value.
    pub(crate) fn written(&self, key: &str) -> Option<Option<Vec<u8>>> {
        self.kv
            .iter()
            .rev()
            .find(|write| write.key == key)
            .map(|write| write.value.clone())
    }

    /// Buffers a write; false when the call has written too much.
    pub(crate) fn write(&mut self, key: String, value: Option<Vec<u8>>) -> bool {
        let size = key.len() + value.as_ref().map_or(0, Vec::len) + 16;
        if self.written + size > MAX_WRITTEN {
            return false;
        }
        self.written += size;
        self.kv.push(KvWrite { key, value });
        true
    }

    /// What a template is rendered with: the delivery, and the guest's `extra` values; none when these are no object, or
    /// advice is asked for.
    pub(crate) fn rendered(&self, extra: &str) -> Result<(Arc<Delivery>, Value), String> {
        let extra: Value = if extra.is_empty() {
            Value::Object(serde_json::Map::new())
        } else {
            serde_json::from_str(extra).map_err(|error| error.to_string())?
        };
        match (extra.is_object(), self.delivery()) {
            (false, _) => Err("`extra` must be a JSON object".to_owned()),
            (true, None) => Err("there is no delivery to render for".to_owned()),
            (true, Some(delivery)) => Ok((Arc::clone(delivery), extra)),
        }
    }

    pub(crate) fn finish(self) -> Left {
        Left {
            kv: self.kv,
            inbox: self.inbox.into_values().collect(),
            report: CallReport {
                log: self.lines.finish(&self.printed),
                memory: self.memory.bytes(),
            },
        }
    }
}

impl WasiView for Call {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl ResourceLimiter for Call {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // A component may have several memories; the cap is on all together.
        let more = desired.saturating_sub(current) as u64;
        let ended = if self.memory.bytes().saturating_add(more) > self.memory_limit {
            Ended::Memory
        } else if !self.memory.more(more) {
            Ended::AllMemory
        } else {
            return Ok(true);
        };
        self.ended = Some(ended);
        Err(wasmtime::Error::msg("memory limit"))
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        // The slot of the pool is smaller than the limit, or the machine has no memory: end the guest, for in the
        // guest it would look like a bug of its own.
        self.ended = Some(Ended::Memory);
        Err(error)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= 100_000)
    }

    fn instances(&self) -> usize {
        64
    }

    fn tables(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        16
    }
}

/// Whether a header field holds what would end it.
pub(crate) fn has_line_break(text: &str) -> bool {
    text.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0))
}

/// Whether the text parts of a slot hold what would end a header field.
pub(crate) fn slot_has_line_break(slot: &Slot) -> bool {
    match slot {
        Slot::Text(text) => has_line_break(text),
        Slot::Secret(_) => false,
        Slot::Wrapped { before, after, .. } => has_line_break(before) || has_line_break(after),
    }
}
