//! Checks of the house: edges between crates, sizes, module documents.
