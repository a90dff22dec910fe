//! Figures of the process, as Linux tells them in `/proc/self`; elsewhere there are none. Names are those that
//! Prometheus's client libraries have agreed on.

use std::fs;

use super::exposition::Exposition;

/// Ticks a second in what the kernel tells; the same on every architecture that Rust's standard library knows.
const TICKS: f64 = 100.0;

/// What is known of the process.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Process {
    cpu_seconds: Option<f64>,
    start_time_seconds: Option<f64>,
    threads: Option<u64>,
    resident_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    open_fds: Option<u64>,
    max_fds: Option<u64>,
}

impl Process {
    /// Reads a few small files; not for a thread that others wait for.
    pub(super) fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let mut process = Self::parse(
            &text("/proc/self/stat"),
            &text("/proc/stat"),
            &text("/proc/self/status"),
            &text("/proc/self/limits"),
        );
        // The folder that is read is open too.
        process.open_fds = fs::read_dir("/proc/self/fd").ok().map(|entries| {
            u64::try_from(entries.count())
                .unwrap_or(u64::MAX)
                .saturating_sub(1)
        });
        process
    }

    fn parse(stat: &str, machine: &str, status: &str, limits: &str) -> Self {
        // The program's name stands in parentheses, and may hold any.
        let fields: Vec<&str> = stat
            .rsplit_once(") ")
            .map(|(_, rest)| rest.split(' ').collect())
            .unwrap_or_default();
        // Numbered from 1 in proc(5), where the name is the second.
        let field = |number: usize| fields.get(number - 3)?.trim().parse::<f64>().ok();
        let booted = first_number(machine, "btime").map(|seconds| seconds as f64);
        Self {
            cpu_seconds: field(14)
                .zip(field(15))
                .map(|(user, system)| (user + system) / TICKS),
            start_time_seconds: booted
                .zip(field(22))
                .map(|(booted, ticks)| booted + ticks / TICKS),
            threads: first_number(status, "Threads:"),
            resident_bytes: first_number(status, "VmRSS:").map(|kib| kib * 1024),
            virtual_bytes: first_number(status, "VmSize:").map(|kib| kib * 1024),
            open_fds: None,
            max_fds: first_number(limits, "Max open files"),
        }
    }
}

/// The number that follows `key` at the beginning of a line.
fn first_number(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

pub(super) fn write(out: &mut Exposition, process: &Process) {
    if let Some(seconds) = process.cpu_seconds {
        out.counter(
            "process_cpu_seconds_total",
            "Processor time that the process has used.",
        )
        .value(seconds);
    }
    for (name, help, value) in [
        (
            "process_resident_memory_bytes",
            "Memory of the process that is in RAM.",
            process.resident_bytes,
        ),
        (
            "process_virtual_memory_bytes",
            "Address space of the process.",
            process.virtual_bytes,
        ),
        (
            "process_open_fds",
            "File descriptors that are open.",
            process.open_fds,
        ),
        (
            "process_max_fds",
            "File descriptors that may be open.",
            process.max_fds,
        ),
        ("process_threads", "Threads of the process.", process.threads),
    ] {
        if let Some(value) = value {
            out.gauge(name, help).value(value);
        }
    }
    if let Some(seconds) = process.start_time_seconds {
        out.gauge("process_start_time_seconds", "When the process began.")
            .value(seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_is_read() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 7 0 6000 1000 5 1";
        let machine = "cpu 1 2 3\nbtime 1700000000\nprocesses 9\n";
        let status = "Name:\ta) b\nVmSize:\t    2048 kB\nVmRSS:\t     512 kB\nThreads:\t7\n";
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax open files            1024        4096        files\n";
        let expected = Process {
            cpu_seconds: Some(3.0),
            start_time_seconds: Some(1_700_000_060.0),
            threads: Some(7),
            resident_bytes: Some(512 * 1024),
            virtual_bytes: Some(2 << 20),
            open_fds: None,
            max_fds: Some(1024),
        };
        assert_eq!(Process::parse(stat, machine, status, limits), expected);
        assert_eq!(Process::parse("", "", "", ""), Process::default());
    }
}
