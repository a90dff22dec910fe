//! A TCP proxy that spoils connections: it delays, throttles, cuts or refuses what passes through it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// What happens to connections from now on; those that are open follow, too.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Wait before each piece that is passed on.
    pub delay: Duration,
    /// At most this many bytes a second in each direction.
    pub bytes_per_second: Option<u64>,
    /// Cut a connection once this many bytes have come back from the target.
    pub cut_after: Option<u64>,
    /// Hang up on new connections at once.
    pub refuse: bool,
    /// Take new connections and then pass nothing on.
    pub silent: bool,
}

struct Shared {
    faults: Mutex<Faults>,
    cut: Notify,
}

impl Shared {
    fn faults(&self) -> Faults {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The proxy; gone with all its connections when dropped.
pub struct TcpProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl TcpProxy {
    /// Starts on a free port of loopback, passing everything on to `target`.
    pub async fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            faults: Mutex::default(),
            cut: Notify::new(),
        });
        let mut tasks = JoinSet::new();
        let accepting = Arc::clone(&shared);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                if !accepting.faults().refuse {
                    connections.spawn(connection(client, target, Arc::clone(&accepting)));
                }
            }
        });
        Ok(Self {
            address,
            shared,
            _tasks: tasks,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what happens to connections.
    pub fn set(&self, faults: Faults) {
        *self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Cuts all connections that are open.
    pub fn cut(&self) {
        self.shared.cut.notify_waiters();
    }
}

async fn connection(client: TcpStream, target: SocketAddr, shared: Arc<Shared>) {
    let cut = shared.cut.notified();
    let pass = async {
        if shared.faults().silent {
            return std::future::pending().await;
        }
        let Ok(server) = TcpStream::connect(target).await else {
            return;
        };
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::select! {
            () = copy(from_client, to_server, &shared, false) => {}
            () = copy(from_server, to_client, &shared, true) => {}
        }
    };
    tokio::select! {
        () = cut => {}
        () = pass => {}
    }
}

async fn copy(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    shared: &Shared,
    back: bool,
) {
    let (mut piece, mut passed) = ([0; 8192], 0_u64);
    loop {
        let Ok(length) = from.read(&mut piece).await else {
            return;
        };
        if length == 0 {
            // The other direction may still have something to say.
            let _closed = to.shutdown().await;
            return std::future::pending().await;
        }
        let faults = shared.faults();
        let rate = faults
            .bytes_per_second
            .map_or(0.0, |rate| length as f64 / rate.max(1) as f64);
        tokio::time::sleep(faults.delay + Duration::from_secs_f64(rate)).await;
        let room = faults
            .cut_after
            .filter(|_| back)
            .map_or(u64::MAX, |limit| limit.saturating_sub(passed));
        let length = length.min(usize::try_from(room).unwrap_or(usize::MAX));
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
        passed += length as u64;
        if faults.cut_after.is_some_and(|limit| back && passed >= limit) {
            return;
        }
    }
}
