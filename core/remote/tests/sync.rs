//! A datastore synced from another hub: both halves of the protocol, with a few lines of HTTP in between.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ironcore_egress::{AllowList, Egress, EgressOptions, SecretName, Secrets};
use ironcore_remote::protocol::Verb;
use ironcore_remote::{RemotePeer, serve};
use ironcore_store::{
    BackupRequest, Datastore, NoWatch, RestoreRequest, SigningKey, SnapshotFilter, SyncRequest, Watch,
};
use ironcore_types::progress::Stage;
use ironcore_types::seams::{Clock, Random};
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::spec::Remote;
use ironcore_types::{DatastoreName, ErrorCode, HubId, Moment, Seams, Timestamp, UserId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// Counts up a microsecond at each look, and draws numbers that never repeat.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Clock for Counting {
    fn now(&self) -> Timestamp {
        let step = self.0.fetch_add(1, Ordering::SeqCst);
        Timestamp::from_micros(1_779_321_600_000_000 + i64::try_from(step).expect("small"))
    }
    fn sleep_until(&self, _: Timestamp) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
    fn moment(&self) -> Moment {
        Moment::default()
    }
    fn sleep(&self, _: std::time::Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::SeqCst).to_le_bytes();
        bytes
            .iter_mut()
            .zip(number.iter().cycle())
            .for_each(|(byte, n)| *byte = *n);
    }
}

fn seams(start: usize) -> Seams {
    let both = Arc::new(Counting(AtomicUsize::new(start)));
    Seams::new(both.clone(), both)
}

const TOKEN: &str = "c2VjcmV0LXRva2Vu";

/// The other hub: serves its datastore to whoever shows the token. The first `broken` connections are cut.
struct Hub {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Hub {
    async fn start(datastore: Datastore, broken: usize) -> Self {
        Self::start_with(datastore, broken, &Verb::ALL).await
    }

    /// One that knows these verbs only.
    async fn start_with(datastore: Datastore, broken: usize, verbs: &'static [Verb]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut left = broken;
            while let Ok((stream, _)) = listener.accept().await {
                if left > 0 {
                    left -= 1;
                    continue;
                }
                answer(stream, &datastore, &log, verbs).await;
            }
        });
        Self {
            url,
            asked,
            _tasks: tasks,
        }
    }

    fn remote(&self) -> Remote {
        Remote {
            url: self.url.clone(),
            token_secret: "remote-token".into(),
            fingerprint: None,
        }
    }
}

async fn answer(mut stream: TcpStream, datastore: &Datastore, log: &Mutex<Vec<String>>, verbs: &[Verb]) {
    let (head, body) = request(&mut stream).await;
    let mut words = head.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default().to_owned(),
    );
    let verb = path
        .strip_prefix("/api/v1/peer/ibs-primary/")
        .and_then(Verb::from_name)
        .filter(|verb| verbs.contains(verb));
    log.lock().expect("log").push(format!("{method} {path}"));
    let (status, kind, body) = if !head.contains(&format!("authorization: Bearer {TOKEN}\r\n")) {
        (401, "application/problem+json", Vec::new())
    } else if let Some(verb) = verb.filter(|v| v.method() == method) {
        let datastore = datastore.clone();
        let answer = tokio::task::spawn_blocking(move || serve(&datastore, verb, &body))
            .await
            .expect("serve");
        (answer.status, answer.content_type, answer.body)
    } else {
        (404, "text/plain", b"no such path".to_vec())
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("head");
    stream.write_all(&body).await.expect("body");
}

async fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let length = stream.read(&mut part).await.expect("read");
        bytes.extend_from_slice(&part[..length]);
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end + 2]).into_owned();
        let announced = head
            .lines()
            .find_map(|l| l.strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        if bytes.len() >= end + 4 + announced {
            return (head, bytes[end + 4..].to_vec());
        }
    }
}

fn egress(folder: &Path, token: Option<&str>) -> Egress {
    let secrets = Secrets::open(&folder.join("secrets"), &folder.join("key")).expect("secrets");
    if let Some(token) = token {
        secrets
            .seal(&SecretName::new("remote-token").expect("name"), &token.into())
            .expect("seal");
    }
    let allow = AllowList::parse(["127.0.0.0/8"]).expect("allow-list");
    Egress::new(
        EgressOptions {
            allow,
            ..EgressOptions::default()
        },
        secrets,
        seams(1_000_000),
    )
    .expect("egress")
}

fn datastore(path: &Path, number: u8) -> Datastore {
    let signing = SigningKey::from_seed(&[number; 32]).expect("key");
    let seams = seams(usize::from(number) * 10_000_000);
    Datastore::create(path, HubId(seams.uuid()), signing, seams).expect("datastore")
}

fn snapshot(text: &str) -> SnapshotPath {
    text.parse().expect("snapshot")
}

#[expect(
    clippy::disallowed_methods,
    reason = "files to be backed up, which nothing depends on"
)]
fn back_up(datastore: &Datastore, folder: &Path, path: &str) {
    let tree = folder.join("tree");
    std::fs::create_dir_all(tree.join("sub")).expect("tree");
    let large: Vec<u8> = (0..3_000_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    std::fs::write(tree.join("sub/large"), large).expect("file");
    std::fs::write(tree.join("small"), path).expect("file");
    let request = BackupRequest {
        snapshot: snapshot(path),
        tree,
        exclude: Vec::new(),
        include: Vec::new(),
        optional: false,
        full: false,
        hub: datastore.config().owner,
        user: UserId::new("root@pam").expect("user"),
        project: None,
        job: None,
        upid: None,
    };
    datastore.backup(request, &NoWatch).expect("backup");
}

fn peer(hub: &Hub, egress: &Egress) -> RemotePeer {
    let name = DatastoreName::new("ibs-primary").expect("name");
    RemotePeer::new(
        &hub.remote(),
        &name,
        egress.clone(),
        seams(2_000_000),
        Handle::current(),
    )
    .expect("remote")
}

const FIRST: &str = "vm/1/2026-05-21T00:00:00Z";
const SECOND: &str = "ns/team/vm/2/2026-05-22T00:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_come_over_http_as_they_are() {
    let folder = tempfile::tempdir().expect("folder");
    let theirs = datastore(&folder.path().join("theirs"), 1);
    back_up(&theirs, folder.path(), FIRST);
    back_up(&theirs, folder.path(), SECOND);
    let ours = datastore(&folder.path().join("ours"), 2);
    // The first connections break: asking again is the peer's own business.
    let hub = Hub::start(theirs.clone(), 2).await;
    let peer = peer(
        &hub,
        &egress(folder.path(), Some(&format!("sync@hub!pull={TOKEN}"))),
    );

    let (to, puller) = (ours.clone(), peer.clone());
    let pull = move || to.sync_from(&puller, SyncRequest::default(), &NoWatch);
    let stats = tokio::task::spawn_blocking(pull.clone())
        .await
        .expect("thread")
        .expect("sync");
    assert_eq!((stats.snapshots, stats.snapshots_affected), (2, 2));
    let again = tokio::task::spawn_blocking(pull)
        .await
        .expect("thread")
        .expect("sync again");
    assert_eq!(
        (again.snapshots_affected, again.bytes),
        (0, 0),
        "nothing is copied twice"
    );

    let paths: Vec<_> = ours
        .snapshots(&SnapshotFilter::default())
        .expect("list")
        .into_iter()
        .map(|s| s.path)
        .collect();
    assert_eq!(paths.len(), 2);
    let to = folder.path().join("restored");
    let request = RestoreRequest {
        snapshot: snapshot(SECOND),
        to: to.clone(),
        overwrite: false,
        keep_going: false,
    };
    ours.restore(request, &NoWatch).expect("restore");
    let same = |name: &str| {
        std::fs::read(to.join(name)).expect(name)
            == std::fs::read(folder.path().join("tree").join(name)).expect(name)
    };
    assert!(same("sub/large") && same("small"));
    let asked = hub.asked.lock().expect("log").clone();
    assert!(
        asked.contains(&"GET /api/v1/peer/ibs-primary/info".to_owned()),
        "{asked:?}"
    );
}

/// What a sync told of its stage of copying.
#[derive(Default)]
struct Copying(Mutex<Vec<Stage>>);

impl Watch for Copying {
    fn progress(&self, stage: &Stage) {
        if stage.name == "copy" {
            self.0.lock().expect("stages").push(stage.clone());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_much_will_come_is_known_when_the_other_hub_can_tell() {
    let folder = tempfile::tempdir().expect("folder");
    let theirs = datastore(&folder.path().join("theirs"), 1);
    back_up(&theirs, folder.path(), FIRST);
    let egress = egress(folder.path(), Some(TOKEN));
    const ALL: &[Verb] = &Verb::ALL;
    // Hubs of before do not know how to tell sizes.
    const BEFORE: &[Verb] = &[Verb::Info, Verb::List, Verb::Manifest, Verb::Chunks];
    for (number, verbs) in [(2, ALL), (3, BEFORE)] {
        let hub = Hub::start_with(theirs.clone(), 0, verbs).await;
        let (ours, puller) = (
            datastore(&folder.path().join(format!("ours-{number}")), number),
            peer(&hub, &egress),
        );
        let (copying, stats) = tokio::task::spawn_blocking(move || {
            let copying = Copying::default();
            let stats = ours.sync_from(&puller, SyncRequest::default(), &copying);
            (copying, stats.expect("sync"))
        })
        .await
        .expect("thread");
        let told = copying.0.into_inner().expect("stages");
        let total = (number == 2).then_some(stats.bytes);
        assert!(stats.bytes > 1_000_000);
        assert_eq!((told[0].bytes, told[0].bytes_total), (0, total), "{number}");
        let last = told.last().expect("stages");
        assert_eq!((last.bytes, last.bytes_total), (stats.bytes, total), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_test_tells_what_is_wrong() {
    let folder = tempfile::tempdir().expect("folder");
    let hub = Hub::start(datastore(&folder.path().join("theirs"), 1), 0).await;

    let good = egress(&folder.path().join("good"), Some(TOKEN));
    assert_eq!(
        peer(&hub, &good).test().await.expect("fine").format,
        ironcore_store::FORMAT
    );
    let wrong = egress(&folder.path().join("wrong"), Some("another"));
    assert_eq!(
        peer(&hub, &wrong).test().await.expect_err("token").code(),
        ErrorCode::RemoteAuth
    );
    let none = egress(&folder.path().join("none"), None);
    assert_eq!(
        peer(&hub, &none).test().await.expect_err("secret").code(),
        ErrorCode::SecretMissing
    );
    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind")
        .local_addr()
        .expect("address");
    let remote = Remote {
        url: format!("http://{gone}"),
        ..hub.remote()
    };
    let name = DatastoreName::new("ibs-primary").expect("name");
    let make = |remote: &Remote, name: &DatastoreName| {
        RemotePeer::new(remote, name, good.clone(), seams(3_000_000), Handle::current())
    };
    let silent = make(&remote, &name).expect("remote");
    assert_eq!(
        silent.test().await.expect_err("nobody").code(),
        ErrorCode::RemoteUnreachable
    );
    let other = make(&hub.remote(), &DatastoreName::new("other").expect("name")).expect("remote");
    assert_eq!(
        other.test().await.expect_err("404").code(),
        ErrorCode::RemoteProtocol
    );

    for url in ["http://backup.example:8007", "ftp://x", "not a url"] {
        let remote = Remote {
            url: url.into(),
            ..hub.remote()
        };
        assert_eq!(
            make(&remote, &name).expect_err(url).code(),
            ErrorCode::ConfigInvalid,
            "{url}"
        );
    }
    let pinned = Remote {
        fingerprint: Some("12:34".into()),
        ..hub.remote()
    };
    assert_eq!(
        make(&pinned, &name).expect_err("short").code(),
        ErrorCode::ConfigInvalid
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_other_hub_lacks_keeps_its_code() {
    use ironcore_store::{ChunkId, Peer as _, StoreError};
    let folder = tempfile::tempdir().expect("folder");
    let hub = Hub::start(datastore(&folder.path().join("theirs"), 1), 0).await;
    let peer = peer(&hub, &egress(folder.path(), Some(TOKEN)));
    let asking = tokio::task::spawn_blocking(move || {
        let id = ChunkId::of(b"nowhere");
        (
            peer.manifest(&snapshot(FIRST)).expect_err("no snapshot"),
            peer.chunks(&[id]).expect_err("no chunk"),
            peer.chunks(&[]),
        )
    });
    let (manifest, chunk, nothing) = asking.await.expect("thread");
    assert_eq!(manifest.code(), ErrorCode::SnapshotNotFound, "{manifest}");
    assert!(
        matches!(chunk, StoreError::Chunk { id, .. } if id == ChunkId::of(b"nowhere")),
        "{chunk}"
    );
    assert_eq!(
        nothing.expect_err("nothing asked").code(),
        ErrorCode::RequestInvalid
    );
}
