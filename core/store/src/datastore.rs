//! The datastore itself: make, open, adopt, which keys it trusts, reading chunks. The operations on it are in
//! modules of their own.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use ironcore_types::{HubId, Seams, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::blobs::{BlobError, BlobErrorKind, Blobs, FsBlobs};
use crate::chunk::{Decoder, check_stored};
use crate::config::Config;
use crate::error::{OpenFault, Result, StoreError};
use crate::id::{ChunkId, PublicKey};
use crate::index::{IndexCache, Location, View};
use crate::layout;
use crate::sign::{self, Sealed, SigningKey};

/// A datastore. Cheap to clone; may be used from several threads.
#[derive(Clone)]
pub struct Datastore {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) config: Config,
    pub(crate) signing: Option<SigningKey>,
    pub(crate) seams: Seams,
    pub(crate) cache: IndexCache,
    /// Where it is, for messages.
    place: String,
    /// Keys of other datastores whose manifests were synced here.
    peers: RwLock<Vec<TrustedKey>>,
}

/// How a datastore is opened.
#[derive(Debug)]
pub struct OpenOptions {
    /// The hub that opens it; none to read whoever owns it.
    pub owner: Option<HubId>,
    /// The hub's signing key; none to read only.
    pub signing: Option<SigningKey>,
    /// The public key that the datastore must have; none to take what its configuration says.
    pub pinned: Option<PublicKey>,
    /// Time and randomness.
    pub seams: Seams,
}

/// A key of another datastore; its file is signed by this datastore's owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct TrustedKey {
    pub(crate) format: u32,
    pub(crate) public_key: PublicKey,
    /// The datastore whose manifests it signs.
    pub(crate) datastore: Uuid,
    pub(crate) added: Timestamp,
}

impl Datastore {
    /// Makes a datastore in a folder that is missing or empty, for the hub `owner`.
    pub fn create(path: &Path, owner: HubId, signing: SigningKey, seams: Seams) -> Result<Self> {
        let place = path.display().to_string();
        let blobs = FsBlobs::new(path);
        if !blobs.is_empty().map_err(|error| unusable(&place, error))? {
            return Err(open_fault(&place, OpenFault::NotEmpty));
        }
        blobs.create_root().map_err(|error| unusable(&place, error))?;
        Self::create_on(Arc::new(blobs), &place, owner, signing, seams)
    }

    /// Whether there is a datastore in a folder, of whatever format.
    pub fn is_at(folder: &Path) -> bool {
        folder.join(layout::CONFIG).is_file()
    }

    /// Makes a datastore on blobs of any sort; `place` names it in messages.
    pub fn create_on(
        blobs: Arc<dyn Blobs>,
        place: &str,
        owner: HubId,
        signing: SigningKey,
        seams: Seams,
    ) -> Result<Self> {
        let config = Config::new(seams.uuid(), owner, signing.public(), seams.now());
        match blobs.put_new(layout::CONFIG, &config.to_json()) {
            Ok(()) => {}
            Err(error) if error.kind == BlobErrorKind::Exists => {
                return Err(open_fault(place, OpenFault::NotEmpty));
            }
            Err(error) => return Err(unusable(place, error)),
        }
        Ok(Self::assemble(
            blobs,
            place,
            config,
            Some(signing),
            seams,
            Vec::new(),
        ))
    }

    /// Opens the datastore in a folder.
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self> {
        let place = path.display().to_string();
        let blobs = FsBlobs::new(path);
        if path.is_dir() && blobs.is_empty().map_err(|error| unusable(&place, error))? {
            // An empty mount point and an empty folder look alike; "not found" is what a user can act on.
            return Err(open_fault(&place, OpenFault::NotFound));
        }
        Self::open_on(Arc::new(blobs), &place, options)
    }

    /// Opens the datastore on blobs of any sort.
    pub fn open_on(blobs: Arc<dyn Blobs>, place: &str, options: OpenOptions) -> Result<Self> {
        let config = read_config(&*blobs, place)?;
        if let Some(owner) = options.owner
            && owner != config.owner
        {
            return Err(open_fault(place, OpenFault::Foreign(config.owner)));
        }
        if options.pinned.is_some_and(|pinned| pinned != config.public_key) {
            let text = "its public key is not the one that this hub has pinned".to_owned();
            return Err(open_fault(place, OpenFault::Key(text)));
        }
        if options
            .signing
            .as_ref()
            .is_some_and(|signing| signing.public() != config.public_key)
        {
            let text = "its public key is not that of the hub's signing key".to_owned();
            return Err(open_fault(place, OpenFault::Key(text)));
        }
        let peers = read_peers(&*blobs, &config.public_key)?;
        Ok(Self::assemble(
            blobs,
            place,
            config,
            options.signing,
            options.seams,
            peers,
        ))
    }

    /// Takes a datastore over: from now on `owner` owns it and `signing` signs. What the former key signed
    /// stays valid.
    pub fn adopt_on(
        blobs: Arc<dyn Blobs>,
        place: &str,
        owner: HubId,
        signing: SigningKey,
        seams: Seams,
    ) -> Result<Self> {
        let old = read_config(&*blobs, place)?;
        let former = read_peers(&*blobs, &old.public_key)?;
        let own = TrustedKey {
            format: 1,
            public_key: old.public_key,
            datastore: old.id,
            added: seams.now(),
        };
        for key in former.into_iter().chain([own]) {
            write_peer(&*blobs, &signing, &key)?;
        }
        let config = Config {
            owner,
            public_key: signing.public(),
            ..old
        };
        blobs.replace(layout::CONFIG, &config.to_json())?;
        let peers = read_peers(&*blobs, &config.public_key)?;
        Ok(Self::assemble(blobs, place, config, Some(signing), seams, peers))
    }

    /// [`adopt_on`](Self::adopt_on) for the datastore in a folder.
    pub fn adopt(path: &Path, owner: HubId, signing: SigningKey, seams: Seams) -> Result<Self> {
        Self::adopt_on(
            Arc::new(FsBlobs::new(path)),
            &path.display().to_string(),
            owner,
            signing,
            seams,
        )
    }

    fn assemble(
        blobs: Arc<dyn Blobs>,
        place: &str,
        config: Config,
        signing: Option<SigningKey>,
        seams: Seams,
        peers: Vec<TrustedKey>,
    ) -> Self {
        let (cache, place, peers) = (IndexCache::default(), place.to_owned(), RwLock::new(peers));
        Self {
            inner: Arc::new(Inner {
                blobs,
                config,
                signing,
                seams,
                cache,
                place,
                peers,
            }),
        }
    }

    /// Its configuration, as pinned when it was made.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The key that signs its manifests; the ledger pins it.
    pub fn public_key(&self) -> PublicKey {
        self.inner.config.public_key
    }

    pub(crate) fn blobs(&self) -> &dyn Blobs {
        &*self.inner.blobs
    }

    pub(crate) fn signing(&self) -> Result<&SigningKey> {
        let none = || {
            StoreError::Request(format!(
                "datastore {} was opened for reading only",
                self.inner.place
            ))
        };
        self.inner.signing.as_ref().ok_or_else(none)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.seams.now()
    }

    /// Every key whose signature counts.
    pub(crate) fn trusted_keys(&self) -> Vec<PublicKey> {
        let peers = self.inner.peers.read().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(self.public_key())
            .chain(peers.iter().map(|key| key.public_key))
            .collect()
    }

    pub(crate) fn peer_keys(&self) -> Vec<TrustedKey> {
        self.inner
            .peers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn trust(&self, key: TrustedKey) -> Result<()> {
        write_peer(self.blobs(), self.signing()?, &key)?;
        self.inner
            .peers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(key);
        Ok(())
    }

    /// The plain bytes of a chunk, from whichever copy is good.
    pub(crate) fn read_chunk(&self, view: &View, decoder: &mut Decoder, id: &ChunkId) -> Result<Vec<u8>> {
        match self.read_copies(view, decoder, id) {
            // It may have moved since the view was made.
            Err(StoreError::Chunk { .. }) => self.read_copies(&self.view(false)?, decoder, id),
            result => result,
        }
    }

    fn read_copies(&self, view: &View, decoder: &mut Decoder, id: &ChunkId) -> Result<Vec<u8>> {
        let mut first = None;
        for copy in view.copies(id) {
            match self
                .read_stored(&copy)
                .and_then(|stored| decoder.decode(&copy.info, &stored))
            {
                Ok(plain) => return Ok(plain),
                Err(error @ StoreError::Chunk { .. }) => first = first.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        Err(first.unwrap_or_else(|| StoreError::missing(*id, "the index does not know it")))
    }

    /// The stored bytes of one copy, unchecked. Trouble with the pack is trouble with the chunk, unless the
    /// whole datastore is away.
    pub(crate) fn read_stored(&self, copy: &Location) -> Result<Vec<u8>> {
        let name = layout::pack(copy.pack.kind, copy.pack.id);
        let (offset, len) = (u64::from(copy.offset), copy.info.stored_len as usize);
        self.blobs()
            .get_range(&name, offset, len)
            .map_err(|error| match error.kind {
                BlobErrorKind::NotFound => {
                    StoreError::missing(copy.info.id, format!("pack {} is not there", copy.pack.id))
                }
                BlobErrorKind::Io => StoreError::corrupt(
                    copy.info.id,
                    format!("pack {} cannot be read: {}", copy.pack.id, error.source),
                ),
                _ => error.into(),
            })
    }

    /// The stored bytes of one copy, checked against their SHA-256.
    pub(crate) fn read_checked(&self, copy: &Location) -> Result<Vec<u8>> {
        let stored = self.read_stored(copy)?;
        check_stored(&copy.info, &stored)?;
        Ok(stored)
    }
}

impl fmt::Debug for Datastore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datastore")
            .field("place", &self.inner.place)
            .finish_non_exhaustive()
    }
}

fn open_fault(place: &str, fault: OpenFault) -> StoreError {
    StoreError::Open {
        path: place.to_owned(),
        fault,
    }
}

/// Trouble with the place itself, in the system's words. Where one is yet to be made, none can be offline.
fn unusable(place: &str, error: BlobError) -> StoreError {
    match error.kind {
        BlobErrorKind::Io | BlobErrorKind::Offline => {
            open_fault(place, OpenFault::Unusable(error.source.to_string()))
        }
        _ => error.into(),
    }
}

fn read_config(blobs: &dyn Blobs, place: &str) -> Result<Config> {
    let bytes = match blobs.get(layout::CONFIG) {
        Ok(bytes) => bytes,
        Err(error) if error.kind == BlobErrorKind::NotFound => {
            return Err(open_fault(place, OpenFault::NotFound));
        }
        // Without its configuration a folder with other things in it is no datastore, rather than one offline.
        Err(error)
            if error.kind == BlobErrorKind::Offline && blobs.local_root().is_some_and(Path::is_dir) =>
        {
            return Err(open_fault(place, OpenFault::NotFound));
        }
        Err(error) if error.kind == BlobErrorKind::Io => return Err(unusable(place, error)),
        Err(error) => return Err(error.into()),
    };
    Config::from_json(&bytes).map_err(|reason| open_fault(place, OpenFault::Format(reason)))
}

fn read_peers(blobs: &dyn Blobs, owner: &PublicKey) -> Result<Vec<TrustedKey>> {
    let mut peers = Vec::new();
    for blob in blobs.list(&layout::keys(owner.signer()))? {
        let bytes = blobs.get(&blob.name)?;
        let sealed = Sealed::parse(sign::TRUSTED_KEY, &bytes)
            .ok()
            .filter(|sealed| sealed.is_by(owner));
        match sealed.and_then(|sealed| serde_json::from_slice(sealed.body).ok()) {
            Some(key) => peers.push(key),
            None => tracing::warn!(
                key = blob.name,
                "the owner did not sign this key; it does not count"
            ),
        }
    }
    Ok(peers)
}

fn write_peer(blobs: &dyn Blobs, signing: &SigningKey, key: &TrustedKey) -> Result<()> {
    let body = serde_json::to_vec(key).map_err(|error| StoreError::Request(error.to_string()))?;
    let sealed = signing.seal(sign::TRUSTED_KEY, &body);
    Ok(blobs.replace(
        &layout::key(signing.public().signer(), key.public_key.signer()),
        &sealed,
    )?)
}
