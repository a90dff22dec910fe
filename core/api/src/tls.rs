//! Connections with TLS: handshakes side by side, each within its time, with the certificate that is shown now. Where that
//! comes from, and when another takes its place, is the binary's matter.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a client may take to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Handshakes that go on at once; further connections wait.
const AT_ONCE: usize = 256;

/// The certificate that clients are shown, with its key; another may take its place while connections are open.
#[derive(Debug)]
pub struct ShownCertificate(RwLock<Arc<CertifiedKey>>);

impl ShownCertificate {
    /// Shows this one.
    pub fn new(key: CertifiedKey) -> Self {
        Self(RwLock::new(Arc::new(key)))
    }

    /// Shows another from now on.
    pub fn replace(&self, key: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
    }
}

impl ResolvesServerCert for ShownCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

type Shaken = Option<(TlsStream<TcpStream>, SocketAddr)>;

/// Accepts connections, and hands over those that have shaken hands.
pub(crate) struct TlsListener {
    inner: TcpListener,
    acceptor: TlsAcceptor,
    shaking: JoinSet<Shaken>,
}

impl TlsListener {
    /// On the connections of `inner`; HTTP/2 where the client speaks it.
    pub(crate) fn new(inner: TcpListener, shown: Arc<ShownCertificate>) -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(shown);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            inner,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            shaking: JoinSet::new(),
        })
    }
}

async fn shake(acceptor: TlsAcceptor, stream: TcpStream, from: SocketAddr) -> Shaken {
    match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some((stream, from)),
        Ok(Err(error)) => {
            tracing::debug!(%error, %from, "a client did not shake hands");
            None
        }
        Err(_) => {
            tracing::debug!(%from, "a client did not shake hands in time");
            None
        }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                (stream, from) = Listener::accept(&mut self.inner), if self.shaking.len() < AT_ONCE => {
                    self.shaking.spawn(shake(self.acceptor.clone(), stream, from));
                }
                Some(done) = self.shaking.join_next() => {
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}
