//! Serving over a real socket, and stopping.

use axum::Router;
use axum::routing::get;
use ironcore_api::serve;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn requests_end_before_the_server_does() {
    let cancel = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    let stop = cancel.clone();
    let slow = get(async move || {
        // The server is told to stop while this request is under way.
        stop.cancel();
        tokio::task::yield_now().await;
        "whole"
    });
    let client = async {
        let mut stream = TcpStream::connect(address).await.expect("connection");
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
            .await
            .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answer");
        answer
    };
    let (served, answer) = tokio::join!(
        serve(listener, Router::new().route("/", slow), cancel.clone()),
        client
    );
    served.expect("served");
    assert!(answer.ends_with("whole"), "{answer}");
}
