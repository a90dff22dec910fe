//! How full a datastore is, as far as a token may know: one of a project that shares a datastore with others sees what
//! its own snapshots hold, and nothing of the whole.

use ironcore_ledger::model::DatastoreRow;
use ironcore_store::SnapshotFilter;
use ironcore_types::event::ErrorData;

use crate::access::Access;
use crate::error::ApiError;
use crate::state::ApiState;
use crate::wire::DatastoreUsage;

/// Looks at a datastore; the inner error says why it cannot be looked at.
pub(crate) async fn look(
    state: &ApiState,
    access: &Access,
    row: &DatastoreRow,
) -> Result<Result<DatastoreUsage, ErrorData>, ApiError> {
    let datastore = match state.stores().open(&row.object.name).await {
        Ok(datastore) => datastore,
        Err(error) => {
            return Ok(Err(ErrorData {
                code: error.code(),
                message: error.to_string(),
            }));
        }
    };
    let whole = access.sees_whole(row);
    let visible = access.groups_of(state.ledger(), row).await?;
    let looked = tokio::task::spawn_blocking(move || {
        if whole {
            let usage = datastore.usage()?;
            return Ok(DatastoreUsage {
                logical_bytes: usage.logical,
                snapshots: usage.snapshots,
                stored_bytes: Some(usage.used),
                unique_bytes: Some(usage.unique),
                chunks: Some(usage.chunks),
                free_bytes: usage.available,
                total_bytes: usage.total,
            });
        }
        let mut own = DatastoreUsage::default();
        for info in datastore.snapshots(&SnapshotFilter::default())? {
            if visible.show(&info.path.group) {
                own.snapshots += 1;
                own.logical_bytes += info.manifest.map_or(0, |manifest| manifest.bytes);
            }
        }
        Ok::<_, ironcore_store::StoreError>(own)
    });
    Ok(looked.await?.map_err(|error| ErrorData {
        code: error.code(),
        message: error.to_string(),
    }))
}
