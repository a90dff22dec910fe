//! Servers of a few lines of TCP each, on loopback. How they misbehave is left to the cases.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Serves every connection with `answer`, which gets the request's bytes; counts the connections.
pub(super) struct Server {
    pub(super) url: String,
    pub(super) seen: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(super) async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(String, TcpStream) -> A + Send + Sync + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let seen = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&seen);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let request = read_request(&mut stream).await;
                connections.spawn(answer(request, stream));
            }
        });
        Self {
            url,
            seen,
            _tasks: tasks,
        }
    }

    pub(super) async fn saying(answer: String) -> Self {
        Self::start(move |_, mut stream| {
            let answer = answer.clone();
            async move {
                // The client may have hung up already, which is its right.
                let _sent = stream.write_all(answer.as_bytes()).await;
            }
        })
        .await
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    loop {
        let length = stream.read(&mut part).await.unwrap_or(0);
        text.extend_from_slice(&part[..length]);
        let whole = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = whole.split_once("\r\n\r\n") else {
            if length == 0 {
                return whole;
            }
            continue;
        };
        let announced = head
            .to_ascii_lowercase()
            .lines()
            .find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
        if length == 0 || body.len() >= announced.unwrap_or(0) {
            return whole;
        }
    }
}

pub(super) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
