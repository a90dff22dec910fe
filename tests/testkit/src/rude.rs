//! Receivers of webhooks that do not behave: endless, slow, silent, and gone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a receiver does with every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Takes it with 200 and a body of 1 GiB.
    Endless,
    /// Begins an answer and goes on with a byte every 20 ms, for ever.
    Drips,
    /// Takes it with 200, and drips the body.
    DripsBody,
    /// Takes the connection and never answers.
    Silent,
    /// Hangs up.
    Closes,
}

/// One GiB.
pub const BODY: u64 = 1 << 30;

/// The receiver; gone when dropped.
pub struct RudeReceiver {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl RudeReceiver {
    /// Starts on a free port of loopback.
    pub async fn start(manner: Manner) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let sent = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&sent);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let count = Arc::clone(&count);
                connections.spawn(async move {
                    // The other side hangs up at some time.
                    let _gone = answer(stream, manner, &count).await;
                });
            }
        });
        Ok(Self {
            address,
            sent,
            _tasks: tasks,
        })
    }

    /// Its address for a webhook.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Bytes of bodies that it got rid of.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

async fn answer(mut stream: TcpStream, manner: Manner, sent: &AtomicU64) -> std::io::Result<()> {
    let mut piece = [0; 4096];
    // Who answers before it is asked is no receiver of HTTP.
    stream.read(&mut piece).await?;
    if manner == Manner::Closes {
        return Ok(());
    }
    let (mut read, mut write) = stream.into_split();
    let reading = async {
        while read.read(&mut piece).await? > 0 {}
        std::io::Result::Ok(())
    };
    let writing = async {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {BODY}\r\n\r\n");
        match manner {
            Manner::Closes | Manner::Silent => std::future::pending().await,
            Manner::Endless => {
                write.write_all(head.as_bytes()).await?;
                let block = vec![b'x'; 1 << 16];
                while sent.load(Ordering::SeqCst) < BODY {
                    write.write_all(&block).await?;
                    sent.fetch_add(block.len() as u64, Ordering::SeqCst);
                }
                Ok(())
            }
            Manner::Drips | Manner::DripsBody => {
                let start = if manner == Manner::Drips {
                    "HTTP/1.1 200 OK\r\nx-drip: "
                } else {
                    head.as_str()
                };
                write.write_all(start.as_bytes()).await?;
                loop {
                    write.write_all(b"d").await?;
                    sent.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    };
    tokio::select! {
        ended = reading => ended,
        ended = writing => ended,
    }
}
