//! Loads, grants, calls, limits and kills WebAssembly plugins.
