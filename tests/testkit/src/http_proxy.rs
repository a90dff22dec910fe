//! A proxy for HTTP as networks have them: CONNECT for HTTPS, whole addresses for HTTP, a login when wanted. Whatever name
//! is asked for, it leads to one target: so a test reaches names that nobody can look up.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

struct Shared {
    /// By scheme: where what comes for `https` and for `http` goes.
    secure: SocketAddr,
    plain: SocketAddr,
    /// What the header `proxy-authorization` must hold.
    login: Option<String>,
    asked: Mutex<Vec<String>>,
}

/// The proxy; gone with all its connections when dropped.
pub struct HttpProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl HttpProxy {
    /// Starts on a free port of loopback. HTTPS leads to `secure` and HTTP to `plain`; `login` is what follows
    /// `Proxy-Authorization:`, such as `Basic aHViOnBhc3M=`.
    pub async fn start(secure: SocketAddr, plain: SocketAddr, login: Option<&str>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            secure,
            plain,
            login: login.map(str::to_owned),
            asked: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                connections.spawn(serve(client, Arc::clone(&accepting)));
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

    /// What it was asked for, in order: method and address.
    pub fn asked(&self) -> Vec<String> {
        self.shared
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// One request of a connection; a client that breaks off is its own affair.
async fn serve(mut client: TcpStream, shared: Arc<Shared>) {
    let Some((head, rest)) = head(&mut client).await else {
        return;
    };
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers: Vec<&str> = lines.collect();
    let login = headers.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("proxy-authorization")
            .then(|| value.trim().to_owned())
    });
    shared
        .asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(format!("{method} {target}"));
    if shared.login.is_some() && login != shared.login {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\
            content-length: 0\r\nconnection: close\r\n\r\n";
        let _gone = client.write_all(refusal.as_bytes()).await;
        return;
    }
    let connect = method == "CONNECT";
    let goal = if connect { shared.secure } else { shared.plain };
    let Ok(mut server) = TcpStream::connect(goal).await else {
        return;
    };
    let sent = if connect {
        client
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await
    } else {
        // As the origin wants it: a path, and nothing that is meant for the proxy.
        let path = target.splitn(4, '/').nth(3).unwrap_or_default();
        let kept = headers
            .iter()
            .filter(|line| !line.to_ascii_lowercase().starts_with("proxy-"));
        let kept: String = kept.map(|line| format!("{line}\r\n")).collect();
        let head = format!("{method} /{path} HTTP/1.1\r\n{kept}\r\n");
        server.write_all(&[head.as_bytes(), &rest].concat()).await
    };
    if sent.is_ok() {
        // It ends when either end does.
        let _ended = copy_bidirectional(&mut client, &mut server).await;
    }
}

/// The head of a request, without its empty line, and what came after it.
async fn head(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Some((String::from_utf8_lossy(&bytes[..end]).into_owned(), rest));
        }
        let length = client.read(&mut piece).await.ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&piece[..length]);
    }
}
