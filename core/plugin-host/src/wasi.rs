//! The few WASI interfaces that guests get: what a language's run-time needs to start, and nothing that reaches out.
//!
//! Output is captured, input is empty, there are no arguments and variables, and no folder is open.

use wasmtime::component::{HasData, Linker};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, io, random};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{ResourceTable, WasiView as _};

use crate::call::Call;

/// Packages and interfaces that may be imported, without versions.
const ALLOWED: &[&str] = &[
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
];

/// Whether a guest may import this interface, such as `wasi:cli/stderr@0.2.6`.
pub(crate) fn allows(import: &str) -> bool {
    let name = import.split('@').next().unwrap_or(import);
    ALLOWED.contains(&name)
}

struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

/// Adds what [`allows`] allows.
pub(crate) fn add_to_linker(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let l = linker;
    io::error::add_to_linker::<Call, Io>(l, |call| call.ctx().table)?;
    io::poll::add_to_linker::<Call, Io>(l, |call| call.ctx().table)?;
    io::streams::add_to_linker::<Call, Io>(l, |call| call.ctx().table)?;
    cli::environment::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::exit::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::stdin::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::stdout::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::stderr::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::terminal_input::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::terminal_output::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::terminal_stdin::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::terminal_stdout::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::terminal_stderr::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    clocks::monotonic_clock::add_to_linker::<Call, WasiClocks>(l, Call::clocks)?;
    clocks::wall_clock::add_to_linker::<Call, WasiClocks>(l, Call::clocks)?;
    filesystem::types::add_to_linker::<Call, WasiFilesystem>(l, Call::filesystem)?;
    filesystem::preopens::add_to_linker::<Call, WasiFilesystem>(l, Call::filesystem)?;
    random::random::add_to_linker::<Call, WasiRandom>(l, |call| &mut call.random)?;
    random::insecure::add_to_linker::<Call, WasiRandom>(l, |call| &mut call.random)?;
    random::insecure_seed::add_to_linker::<Call, WasiRandom>(l, |call| &mut call.random)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_reaches_out_is_allowed() {
        assert!(allows("wasi:cli/stderr@0.2.6"));
        for bad in [
            "wasi:sockets/tcp@0.2.6",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:cli/run",
            "other:cli/stderr",
        ] {
            assert!(!allows(bad), "{bad}");
        }
    }
}
