//! Hub-to-hub sync: the store's peer seam over HTTP.
