//! The rules of the house, kept: which crate may use which, how large a file may grow, what no file may say.

mod edges;
mod files;
mod texts;
