//! The deduplicating datastore: chunks, packs, index, signed manifests, prune, gc, verify, sync.
