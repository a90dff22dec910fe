//! The one place with unsafe code: machine code that this hub compiled earlier is put back into use.

use wasmtime::Engine;
use wasmtime::component::Component;

/// Bytes that came from this hub's own cache and match the digest that was kept with them.
pub(crate) struct OwnBytes<'a>(&'a [u8]);

impl<'a> OwnBytes<'a> {
    /// Takes bytes of which only the cache can vouch. Never give it bytes from outside.
    pub(super) fn checked_by_cache(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

/// Puts precompiled code back into use; fails when it was made by another version or configuration of the engine.
#[expect(
    unsafe_code,
    reason = "machine code cannot be checked, only trusted: OwnBytes says whose it is"
)]
pub(crate) fn load(engine: &Engine, bytes: &OwnBytes<'_>) -> wasmtime::Result<Component> {
    // SAFETY: the bytes were written by `Component::serialize` of this hub into a folder that only it can write, and
    // their digest still matches, so they are what was written. wasmtime itself checks version and configuration.
    unsafe { Component::deserialize(engine, bytes.0) }
}
