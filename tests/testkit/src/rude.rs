//! Receivers of webhooks that do not behave: endless, slow, silent, gone, and talkative.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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
    if stream.read(&mut piece).await? == 0 {
        return Ok(());
    }
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

/// How receivers write a text when they repeat it: as JSON, for pages, in addresses, and as hex.
pub fn ways(text: &str) -> Vec<String> {
    let each = |write: fn(char) -> String| text.chars().map(write).collect::<String>();
    let named = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let named = named.replace('"', "&quot;").replace('\'', "&#39;");
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    vec![
        // As PHP's `json_encode` does it, without and with all of its options.
        quoted.replace('/', "\\/"),
        each(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' => c.to_string(),
            c => format!("\\u{:04X}", u32::from(c)),
        }),
        named.clone(),
        named.replace('&', "\\u0026"),
        each(|c| format!("&#{};", u32::from(c))),
        each(|c| format!("&#x{:x};", u32::from(c))),
        text.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        text.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        text.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ]
}

/// A receiver that answers 400 and repeats every request, in a header and in the body, as it came; what is told it in its
/// first line and in headers of the sender's own, in many other ways too.
pub struct Echo {
    address: SocketAddr,
    heard: Arc<Mutex<String>>,
    _tasks: JoinSet<()>,
}

impl Echo {
    /// Starts on a free port of loopback.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let heard = Arc::new(Mutex::new(String::new()));
        let all = Arc::clone(&heard);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let all = Arc::clone(&all);
                connections.spawn(async move {
                    // The other side hangs up at some time.
                    let _gone = repeat(stream, &all).await;
                });
            }
        });
        Ok(Self {
            address,
            heard,
            _tasks: tasks,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that it heard.
    pub fn heard(&self) -> String {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn repeat(mut stream: TcpStream, heard: &Mutex<String>) -> std::io::Result<()> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    let text = loop {
        let length = stream.read(&mut piece).await?;
        bytes.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let announced = text.to_ascii_lowercase();
        let announced = announced
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let whole = text
            .split_once("\r\n\r\n")
            .is_some_and(|(_, body)| body.len() >= announced.unwrap_or(0));
        if whole || length == 0 {
            break text;
        }
    };
    heard
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push_str(&text);
    let line = text.replace(['\r', '\n'], " ");
    let line: String = line.chars().filter(char::is_ascii).take(4_000).collect();
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let telling = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default();
        name.starts_with("POST ") || ["authorization", "x-token"].contains(&name)
    };
    let others: Vec<String> = head.lines().filter(telling).flat_map(ways).collect();
    let body = format!("{}\n{text}", others.join("\n"));
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nx-heard: {line}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await
}
