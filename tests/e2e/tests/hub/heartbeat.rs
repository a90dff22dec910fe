//! The heartbeat of a real hub.

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::{PATIENCE, TestHub};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// The next request, which is answered with 204.
async fn request(listener: &TcpListener) -> Result<String> {
    let (mut stream, _) = listener.accept().await?;
    let mut bytes = [0; 4_096];
    let read = stream.read(&mut bytes).await?;
    stream
        .write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        .await?;
    Ok(String::from_utf8_lossy(bytes.get(..read).context("what was read")?).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_outside_hears_of_the_hub() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let _hub = TestHub::start(&format!(
        "[egress]\nallow = [\"127.0.0.0/8\"]\n[heartbeat]\nurl = \"http://{address}/ping/of-the-hub\"\nevery = \"10s\"\n"
    ))?;
    for _ in 0..2 {
        let request = tokio::time::timeout(PATIENCE, request(&listener)).await??;
        ensure!(request.contains(" /ping/of-the-hub HTTP/1.1"), "{request}");
    }
    Ok(())
}
