//! The process as the system sees it: when it started, how it is told to stop, where it says that it listens.

use std::path::Path;

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Tells local tools where the API listens, which matters when the port was chosen by the system.
pub(super) fn write_address(path: &Path, address: std::net::SocketAddr) -> Result<()> {
    use std::io::Write;
    // Made anew, so that a reader never meets an empty or half-written file: it appears under its name when whole.
    let temporary = path.with_extension("new");
    let mut file = std::fs::File::create(&temporary)?;
    writeln!(file, "{address}")?;
    rename(&temporary, path)
}

#[expect(
    clippy::disallowed_methods,
    reason = "not durable data: made anew at every start"
)]
fn rename(from: &Path, to: &Path) -> Result<()> {
    Ok(std::fs::rename(from, to)?)
}

/// When this process started, in clock ticks since boot (field 22 of `/proc/self/stat`); 0 where that is not known.
pub(super) fn process_start() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field may hold spaces and brackets; fields are counted after its closing bracket.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    after
        .split_whitespace()
        .nth(19)
        .and_then(|field| field.parse().ok())
        .unwrap_or(0)
}

/// How the process is told to stop. From when this is made, such a signal no longer ends it at once.
#[derive(Debug)]
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub(super) fn listen() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one, also for one that came since they are listened to.
    pub(super) async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
