//! The ironcore-backup binary.
fn main() {}
