//! What a process uses, as the kernel says.

use anyhow::{Context as _, Result};

/// The kernel counts processor time in these.
const TICKS_PER_SECOND: f64 = 100.0;

/// What the process has used of processors so far, in user and kernel.
pub(crate) fn processor_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in brackets, may hold anything.
    let (_, fields) = stat.rsplit_once(')').context("a process's stat")?;
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap_or(0))
        .sum();
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// A field of the process's memory, in MB of 10^6 bytes.
pub(crate) fn memory_mb(pid: u32, field: &str) -> Result<f64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix(field));
    let kib: f64 = line
        .and_then(|rest| rest.split_whitespace().next())
        .context("memory of a process")?
        .parse()?;
    Ok(kib * 1_024.0 / 1e6)
}
