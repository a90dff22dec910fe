//! Datastores of other hubs, as the engine's syncs reach them.

use std::fmt;

use ironcore_egress::Egress;
use ironcore_engine::RemotePeers;
use ironcore_remote::RemotePeer;
use ironcore_store::{Peer, StoreError};
use ironcore_types::spec::Remote;
use ironcore_types::{DatastoreName, Seams};

/// Reaches other hubs through `egress`.
pub(super) struct Remotes {
    pub(super) egress: Egress,
    pub(super) seams: Seams,
}

impl fmt::Debug for Remotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remotes")
    }
}

impl RemotePeers for Remotes {
    fn peer(
        &self,
        remote: &Remote,
        datastore: &DatastoreName,
        runtime: tokio::runtime::Handle,
    ) -> Result<Box<dyn Peer>, StoreError> {
        let peer = RemotePeer::new(
            remote,
            datastore,
            self.egress.clone(),
            self.seams.clone(),
            runtime,
        )?;
        Ok(Box::new(peer))
    }
}
