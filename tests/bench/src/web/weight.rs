//! What is carried: the binary, and the JavaScript of the first page as the hub sends it.

use anyhow::{Result, ensure};
use ironcore_testkit::hub::{TestHub, binary};

use crate::report::{Bound, Figure};

/// What is smaller, bytes, need not be compressed.
const SMALL: usize = 1_024;

pub(super) async fn weight() -> Result<Vec<Figure>> {
    let binary = std::fs::metadata(binary()?)?.len() as f64 / 1e6;
    let hub = tokio::task::spawn_blocking(|| TestHub::start("")).await??;
    let url = hub.url()?;
    let client = reqwest::Client::new();
    let page = client.get(&url).send().await?.error_for_status()?.text().await?;
    let mut scripts: Vec<&str> = page.split('"').filter(|part| part.ends_with(".js")).collect();
    scripts.sort_unstable();
    scripts.dedup();
    ensure!(!scripts.is_empty(), "the first page names no script");
    let mut sent = 0;
    for script in &scripts {
        let asked = client
            .get(format!("{url}{script}"))
            .header("accept-encoding", "gzip, br, zstd");
        let answer = asked.send().await?.error_for_status()?;
        let compressed = answer.headers().contains_key("content-encoding");
        let bytes = answer.bytes().await?.len();
        // What is small already is sent as it is.
        ensure!(
            compressed || bytes < SMALL,
            "{script} of {bytes} bytes is not compressed"
        );
        sent += bytes;
    }
    Ok(vec![
        Figure::new("binary", binary, "MB", Bound::Most(80.0)),
        Figure::new(
            "JavaScript of the first page, compressed",
            sent as f64 / 1e3,
            "kB",
            Bound::Most(350.0),
        )
        .note(format!("{} files, as the hub sends them", scripts.len())),
    ])
}
