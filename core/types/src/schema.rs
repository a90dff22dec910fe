//! OpenAPI schemas of types that are structs in Rust but one string in JSON.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::snapshot::{BackupGroup, SnapshotPath, SnapshotRef};
use crate::upid::Upid;

macro_rules! string_schema {
    ($type:ident, $description:literal, $example:literal) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($description))
                    .examples([serde_json::Value::from($example)])
                    .into()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($type))
            }
        }
    };
}

string_schema!(
    BackupGroup,
    "All snapshots of one workload: [ns/NAMESPACE/]TYPE/ID.",
    "vm/12345"
);
string_schema!(
    SnapshotPath,
    "One snapshot within a datastore: [ns/NAMESPACE/]TYPE/ID/TIME.",
    "vm/12345/2026-05-21T00:00:00Z"
);
string_schema!(
    SnapshotRef,
    "One snapshot of the hub: DATASTORE:[ns/NAMESPACE/]TYPE/ID/TIME.",
    "ibs-primary:vm/12345/2026-05-21T00:00:00Z"
);
string_schema!(
    Upid,
    "The unique id of a task.",
    "UPID:hub:00000D1C:0001A2B3:00000001:6A0E5F80:backup:ibs\\x2dprimary\\x3ahost-demo:root@local:"
);
