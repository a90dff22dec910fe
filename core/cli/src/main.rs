//! The `ironcore-backup` binary: reads the command line, does the command, and says how it ended.
//!
//! Commands are clients of the hub's API; `serve` is the hub itself. Only this crate writes to the terminal.

mod args;
mod client;
mod commands;
mod exit;
mod output;
mod serve;
mod table;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        output::complain("internal fault: a cryptographic provider was installed twice");
        return exit::Exit::Failed.into();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("cannot start: {error}"));
            return exit::Exit::Failed.into();
        }
    };
    let ended = runtime.block_on(commands::run(cli));
    // A blocking thread that reads a slow disk must not hold the process up.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::complain(&format!("{error:#}"));
            exit::Exit::of(&error).into()
        }
    }
}
