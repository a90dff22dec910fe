//! Backup and restore of trees: everything a file system can hold comes back, and what is unchanged is not read.
//! Each module holds the cases of one matter; `specimen` makes a tree of everything, `likeness` compares two.

#![expect(clippy::disallowed_methods, reason = "the trees of tests need not be durable")]

mod cancel;
mod likeness;
mod progress;
mod requests;
mod round_trip;
mod specimen;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("write");
}
