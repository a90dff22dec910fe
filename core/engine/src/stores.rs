//! The open datastores of this hub: opened when first wanted, kept open, looked up by name.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ironcore_ledger::Ledger;
use ironcore_store::{Datastore, OpenOptions, Peer, PublicKey, SigningKey, StoreError, Usage};
use ironcore_types::event::ErrorData;
use ironcore_types::objects::{DatastoreObject, Document};
use ironcore_types::spec::Remote;
use ironcore_types::{DatastoreName, KeyId, Seams, UserId};
use tokio::sync::Mutex;

use crate::error::EngineError;
use crate::places::{
    check_path, data_folder, overlap, real_path, refuse_data, refuse_target, refuse_within_datastore,
};

/// The seed of the key that this hub signs manifests with (Ed25519).
#[derive(Clone)]
pub struct SigningSeed(pub [u8; 32]);

impl fmt::Debug for SigningSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSeed(…)")
    }
}

/// The way to datastores of other hubs.
pub trait RemotePeers: fmt::Debug + Send + Sync {
    /// The other side of a sync. What it asks of the other hub is asked on `runtime` while the caller blocks.
    fn peer(
        &self,
        remote: &Remote,
        datastore: &DatastoreName,
        runtime: tokio::runtime::Handle,
    ) -> Result<Box<dyn Peer>, StoreError>;
}

/// A datastore as it is now.
#[derive(Debug)]
pub struct DatastoreState {
    /// As configured.
    pub object: DatastoreObject,
    /// Whether it can be used.
    pub online: bool,
    /// Why not.
    pub error: Option<ErrorData>,
    /// How full it is.
    pub usage: Option<Usage>,
}

/// The datastores of this hub.
#[derive(Clone, Debug)]
pub struct Stores {
    inner: Arc<Inner>,
    /// The hub's own data folder.
    data: Option<Arc<Path>>,
}

#[derive(Debug)]
struct Inner {
    ledger: Ledger,
    signing: SigningSeed,
    remotes: Option<Arc<dyn RemotePeers>>,
    seams: Seams,
    open: Mutex<HashMap<PathBuf, Datastore>>,
}

impl Stores {
    /// Datastores as `ledger` lists them, signing with `signing`; without `remotes` there are no other hubs.
    pub fn new(
        ledger: Ledger,
        signing: SigningSeed,
        remotes: Option<Arc<dyn RemotePeers>>,
        seams: Seams,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                ledger,
                signing,
                remotes,
                seams,
                open: Mutex::default(),
            }),
            data: None,
        }
    }

    /// The same, told where the hub keeps its own files: nothing is put there.
    pub fn beside(self, data: &Path) -> Self {
        Self {
            data: Some(data.into()),
            ..self
        }
    }

    /// The public half of the key that this hub signs with.
    pub fn public_key(&self) -> Result<PublicKey, EngineError> {
        Ok(SigningKey::from_seed(&self.inner.signing.0)?.public())
    }

    /// The id of that key, as sessions and datastores name it.
    pub fn key_id(&self) -> Result<KeyId, EngineError> {
        Ok(KeyId::signing(&self.public_key()?.0))
    }

    /// Opens the datastore of that name, or gives the one that is open.
    pub async fn open(&self, name: &DatastoreName) -> Result<Datastore, EngineError> {
        let row = self.inner.ledger.datastore(name).await?;
        let row = row.ok_or_else(|| EngineError::NoDatastore(name.clone()))?;
        let pinned = row.public_key.map(PublicKey);
        let datastore = self.open_path(&row.object.path, pinned).await?;
        if pinned.is_none() {
            // From now on a datastore with another key in this place is refused.
            let (key, hub) = (datastore.public_key().0, self.inner.ledger.hub_id());
            self.inner.ledger.pin_datastore(name, key, hub).await?;
        }
        Ok(datastore)
    }

    /// Makes a datastore in an empty or missing folder, and records it.
    pub async fn create(&self, object: &DatastoreObject, actor: &UserId) -> Result<(), EngineError> {
        check_path(&object.path)?;
        self.refuse_known(object).await?;
        self.create_path(&object.path).await?;
        self.record(object, actor).await
    }

    /// Records a datastore that exists and belongs to this hub.
    pub async fn attach(&self, object: &DatastoreObject, actor: &UserId) -> Result<(), EngineError> {
        check_path(&object.path)?;
        self.refuse_known(object).await?;
        self.refuse_copy(object).await?;
        self.open_path(&object.path, None).await?;
        self.record(object, actor).await
    }

    /// Takes over a datastore of another hub, and records it. One that the hub knows already, but as signed with another
    /// key, stays as it is configured: from now on this hub's key signs it.
    pub async fn adopt(&self, object: &DatastoreObject, actor: &UserId) -> Result<(), EngineError> {
        check_path(&object.path)?;
        if self.signed_by_another(object).await? {
            self.adopt_path(&object.path).await?;
            let (key, hub) = (self.public_key()?.0, self.inner.ledger.hub_id());
            return Ok(self.inner.ledger.pin_datastore(&object.name, key, hub).await?);
        }
        self.refuse_known(object).await?;
        self.refuse_copy(object).await?;
        self.adopt_path(&object.path).await?;
        self.record(object, actor).await
    }

    /// Whether the hub knows this very datastore, and as signed with another key than its own.
    async fn signed_by_another(&self, object: &DatastoreObject) -> Result<bool, EngineError> {
        let own = self.public_key()?.0;
        let known = self.inner.ledger.datastore(&object.name).await?;
        Ok(known.is_some_and(|known| {
            known.object.path == object.path && known.public_key.is_some_and(|key| key != own)
        }))
    }

    async fn adopt_path(&self, path: &Path) -> Result<(), EngineError> {
        let mut open = self.inner.open.lock().await;
        let (owner, seed) = (self.inner.ledger.hub_id(), self.inner.signing.clone());
        let (folder, seams) = (path.to_owned(), self.inner.seams.clone());
        let adopted =
            blocking(move || Datastore::adopt(&folder, owner, SigningKey::from_seed(&seed.0)?, seams));
        open.insert(path.to_owned(), adopted.await?);
        Ok(())
    }

    /// For a declaration: makes the datastore when its folder is missing or empty, else checks that it can be
    /// opened. One that the hub knows is left alone, so that a disk that is away is never taken for an empty one.
    /// Records nothing, and leaves the projects it is granted to and the groups that are told, which may be declared beside
    /// it, to the ledger.
    pub async fn ensure(&self, object: &DatastoreObject) -> Result<(), EngineError> {
        check_path(&object.path)?;
        if let Some(known) = self.inner.ledger.datastore(&object.name).await? {
            return match known.object.path == object.path {
                true => Ok(()),
                false => self.refuse_place(object).await,
            };
        }
        self.refuse_known(&DatastoreObject {
            projects: Vec::new(),
            groups: Vec::new(),
            ..object.clone()
        })
        .await?;
        let folder = object.path.clone();
        let empty = tokio::task::spawn_blocking(move || {
            std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
        });
        if empty
            .await
            .map_err(|error| EngineError::Internal(error.to_string()))?
        {
            self.create_path(&object.path).await
        } else {
            self.refuse_copy(object).await?;
            self.open_path(&object.path, None).await.map(|_| ())
        }
    }

    /// Lets go of what is open at `path`, whose datastore was taken off the list: attached again, it is opened anew.
    pub async fn forget(&self, path: &Path) {
        self.inner.open.lock().await.remove(path);
    }

    /// A datastore of another hub, for a sync.
    pub(crate) fn remote(
        &self,
        remote: &Remote,
        datastore: &DatastoreName,
        runtime: &tokio::runtime::Handle,
    ) -> Result<Box<dyn Peer>, EngineError> {
        let remotes = self.inner.remotes.as_ref();
        let remotes = remotes.ok_or_else(|| EngineError::Internal("this hub has no way out".to_owned()))?;
        Ok(remotes.peer(remote, datastore, runtime.clone())?)
    }

    /// Every datastore, with whether it can be used and how full it is.
    pub async fn states(&self) -> Result<Vec<DatastoreState>, EngineError> {
        let mut states = Vec::new();
        for row in self.inner.ledger.datastores().await? {
            let object = row.object;
            states.push(match self.usage(&object).await {
                Ok(usage) => DatastoreState {
                    object,
                    online: true,
                    error: None,
                    usage: Some(usage),
                },
                Err(error) => {
                    let error = ErrorData {
                        code: error.code(),
                        message: error.to_string(),
                    };
                    DatastoreState {
                        object,
                        online: false,
                        error: Some(error),
                        usage: None,
                    }
                }
            });
        }
        Ok(states)
    }

    async fn usage(&self, object: &DatastoreObject) -> Result<Usage, EngineError> {
        let datastore = self.open(&object.name).await?;
        blocking(move || datastore.usage()).await
    }

    async fn open_path(&self, path: &Path, pinned: Option<PublicKey>) -> Result<Datastore, EngineError> {
        // Held while opening: two opens of one folder at once would each recover it.
        let mut open = self.inner.open.lock().await;
        // Another hub on the same ledger may have taken it over since it was opened.
        let still = |datastore: &&Datastore| pinned.is_none_or(|key| key == datastore.public_key());
        if let Some(datastore) = open.get(path).filter(still) {
            return Ok(datastore.clone());
        }
        let (owner, seed, folder) = (
            self.inner.ledger.hub_id(),
            self.inner.signing.clone(),
            path.to_owned(),
        );
        let seams = self.inner.seams.clone();
        let datastore = blocking(move || {
            let signing = SigningKey::from_seed(&seed.0)?;
            let options = OpenOptions {
                owner: Some(owner),
                signing: Some(signing),
                pinned,
                seams,
            };
            Datastore::open(&folder, options)
        })
        .await?;
        open.insert(path.to_owned(), datastore.clone());
        Ok(datastore)
    }

    async fn create_path(&self, path: &Path) -> Result<(), EngineError> {
        let mut open = self.inner.open.lock().await;
        let (owner, seed, folder) = (
            self.inner.ledger.hub_id(),
            self.inner.signing.clone(),
            path.to_owned(),
        );
        let seams = self.inner.seams.clone();
        let datastore =
            blocking(move || Datastore::create(&folder, owner, SigningKey::from_seed(&seed.0)?, seams))
                .await?;
        open.insert(path.to_owned(), datastore);
        Ok(())
    }

    /// A name or a path that is taken is refused before anything is made on disk.
    async fn refuse_known(&self, object: &DatastoreObject) -> Result<(), EngineError> {
        let document = Document {
            datastore: vec![object.clone()],
            ..Document::default()
        };
        self.inner.ledger.check(&document).await?;
        if let Some(known) = self.inner.ledger.datastore(&object.name).await? {
            return Err(EngineError::Taken {
                wanted: object.name.clone(),
                by: known.object.name,
                path: known.object.path,
            });
        }
        self.refuse_place(object).await
    }

    /// Refuses a path that belongs to another datastore or to the hub itself.
    async fn refuse_place(&self, object: &DatastoreObject) -> Result<(), EngineError> {
        let real = real_path(&object.path).await;
        for row in self.inner.ledger.datastores().await? {
            let known = row.object;
            if known.name != object.name && overlap(&real, &real_path(&known.path).await) {
                return Err(EngineError::Taken {
                    wanted: object.name.clone(),
                    by: known.name,
                    path: known.path,
                });
            }
        }
        refuse_data(&real, self.data.as_deref()).await?;
        refuse_within_datastore(&real).await
    }

    /// A copy of a datastore that the hub has is refused: each would be taken for the other. One that is away cannot
    /// be asked, and may have moved here.
    async fn refuse_copy(&self, object: &DatastoreObject) -> Result<(), EngineError> {
        let wanted = self.peek(&object.path).await?;
        for row in self.inner.ledger.datastores().await? {
            let known = row.object;
            if let Ok(other) = self.peek(&known.path).await
                && other.config().id == wanted.config().id
            {
                return Err(EngineError::Copy {
                    wanted: object.name.clone(),
                    of: known.name,
                    path: known.path,
                });
            }
        }
        Ok(())
    }

    /// Opens what is at `path` for reading, whoever owns it, to see what it is.
    async fn peek(&self, path: &Path) -> Result<Datastore, EngineError> {
        let (folder, seams) = (path.to_owned(), self.inner.seams.clone());
        let options = OpenOptions {
            owner: None,
            signing: None,
            pinned: None,
            seams,
        };
        blocking(move || Datastore::open(&folder, options)).await
    }

    /// Refuses to restore into or around a datastore of this hub, or the hub's own files.
    pub(crate) async fn check_target(&self, path: &Path) -> Result<(), EngineError> {
        check_path(path)?;
        let real = real_path(path).await;
        if let Some(data) = self.data.as_deref() {
            refuse_target(&real, &real_path(data).await, || data_folder(data))?;
        }
        for row in self.inner.ledger.datastores().await? {
            let known = row.object;
            refuse_target(&real, &real_path(&known.path).await, || {
                format!("datastore {} at {}", known.name, known.path.display())
            })?;
        }
        Ok(())
    }

    async fn record(&self, object: &DatastoreObject, actor: &UserId) -> Result<(), EngineError> {
        let document = Document {
            datastore: vec![object.clone()],
            ..Document::default()
        };
        self.inner.ledger.apply(&document, actor).await?;
        Ok(())
    }
}

/// Runs a datastore's work where it may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(EngineError::from),
        Err(error) => Err(EngineError::Internal(error.to_string())),
    }
}
