//! What a plugin author depends on: bindings, the Plugin trait, the export macro, a fake host for tests.
