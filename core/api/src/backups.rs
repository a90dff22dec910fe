//! What the API needs of whoever copies the hub's own state. How that is done is the binary's matter.

use ironcore_types::UserId;
use ironcore_types::event::ErrorData;
use tokio::sync::watch;

use crate::error::ApiError;
use crate::wire::{HubBackup, MakeHubBackup, StoredHubArchive};

/// Makes copies of the hub's own state, one at a time.
pub trait HubBackups: Send + Sync + 'static {
    /// Has a copy made for `user`, after those that were asked for before, and gives its id. Refused with
    /// `overloaded` when too many wait.
    fn ask(&self, wanted: MakeHubBackup, user: &UserId) -> Result<String, ApiError>;

    /// The copies that were asked for since the process began, oldest first, as long as they are remembered. One
    /// that was just asked for is among them.
    fn runs(&self) -> watch::Receiver<Vec<HubBackup>>;

    /// The archives that there are, oldest first. Reads a folder, and so may block.
    fn archives(&self) -> Result<Vec<StoredHubArchive>, ErrorData>;
}
