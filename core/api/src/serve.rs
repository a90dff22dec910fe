//! Serving: accepts connections until it is told to stop, then lets requests end.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener, ListenerExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::tls::{ShownCertificate, TlsListener};

/// How long requests may take to end after the server was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// As [`serve`], with TLS: HTTP/2 where clients speak it, and the certificate that is shown at the time.
pub async fn serve_tls(
    listener: TcpListener,
    shown: Arc<ShownCertificate>,
    router: Router,
    cancel: CancellationToken,
) -> io::Result<()> {
    // The connection itself is left as it is; so wrapped it is known whose it is.
    let listener = TlsListener::new(listener, shown)?.tap_io(|_| {});
    serve(listener, router, cancel).await
}

/// Serves `router` on `listener` until `cancel`; then accepts nothing more, lets requests end for at most ten
/// seconds, and returns. Streams end by the `shutdown` of the [`ApiState`](crate::ApiState), which should be the same
/// token or a parent's child of it.
pub async fn serve<L>(listener: L, router: Router, cancel: CancellationToken) -> io::Result<()>
where
    L: Listener,
    L::Addr: Debug,
    SocketAddr: for<'l> Connected<IncomingStream<'l, L>>,
{
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, router).with_graceful_shutdown(cancel.clone().cancelled_owned());
    let too_long = async {
        cancel.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = serving => result,
        () = too_long => {
            tracing::warn!("requests that did not end in time are dropped");
            Ok(())
        }
    }
}
