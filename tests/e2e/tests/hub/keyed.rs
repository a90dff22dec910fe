//! Requests under an idempotency key, sent again as by a client that had no answer.

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Asks `hub` for a garbage collection with the token of `admin`, under a key; gives the status and what is said to it.
pub(crate) async fn send(hub: &TestHub, admin: &TestHub, key: &str, datastore: &str) -> Result<(u16, Value)> {
    let token = std::fs::read_to_string(admin.token_file())?;
    let url = hub.url()?;
    let address = url.strip_prefix("http://").context("a plain address")?;
    let body = json!({ "spec": { "type": "gc", "datastore": datastore } }).to_string();
    let request = format!(
        "POST /api/v1/tasks HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nIdempotency-Key: {key}\r\n\r\n{body}",
        token.trim(),
        body.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
    let status = head.split(' ').nth(1).context("a status")?.parse()?;
    Ok((status, serde_json::from_str(body)?))
}

/// Two datastores.
pub(crate) fn datastores(hub: &TestHub) -> Result<()> {
    for name in ["one", "two"] {
        let path = hub.folder().join(name).display().to_string();
        hub.ok(&["datastore", "create", name, "--path", &path])?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_outlives_the_hub() -> Result<()> {
    let mut hub = TestHub::start("")?;
    datastores(&hub)?;
    let (status, first) = send(&hub, &hub, "night", "one").await?;
    ensure!(status == 202, "{first}");
    hub.kill()?;
    hub.resume()?;
    let (status, again) = send(&hub, &hub, "night", "one").await?;
    ensure!(status == 202 && again == first, "{again}");
    let (status, other) = send(&hub, &hub, "night", "two").await?;
    ensure!(status == 400, "{other}");
    let detail = other["detail"].as_str().context("why")?;
    ensure!(detail.contains("was used for another request"), "{detail}");
    ensure!(hub.tasks()?.len() == 1);
    Ok(())
}
