//! Matching, messages, lanes, retries, templates, inbox, advice and actions.
