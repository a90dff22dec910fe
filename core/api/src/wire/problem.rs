//! Problem documents (RFC 9457).

use ironcore_types::ErrorCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a request was refused or failed. `code` is stable; texts may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:ironcore-backup:error:CODE`.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// The code in one sentence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: ErrorCode,
    /// What was wrong this time.
    pub detail: String,
    /// What the hub's log knows the request by.
    pub request_id: String,
    /// The single faults, where there can be several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

/// One fault of a request or of a declaration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// The object at fault, such as `job demo/nightly`; none when the request itself is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The path of the key within the object or the body, such as `task.source.tree`; empty for the whole of it.
    pub key: String,
    /// The stable code.
    pub code: ErrorCode,
    /// What is wrong with it.
    pub detail: String,
}
