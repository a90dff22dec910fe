//! One suite for every implementation of a seam. Each suite is a set of plain async functions over the seam; the
//! integration tests of this crate run them on every implementation there is.

pub mod clock;
pub mod ledger;
