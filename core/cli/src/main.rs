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

/// The command line of a guard begins with this: the hub starts it for each command of a job. It is nobody else's, and so
/// not among the commands that are shown.
const RUN_COMMAND: &str = "run-command";

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == RUN_COMMAND) {
        // Before anything is read or set up: its environment is the command's.
        return match ironcore_engine::stand_guard(words) {
            Ok(()) => exit::Exit::Ok.into(),
            Err(error) => {
                output::complain(&format!("{RUN_COMMAND} is for the hub alone: {error}"));
                exit::Exit::Failed.into()
            }
        };
    }
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
