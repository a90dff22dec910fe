//! A follower: reads the event stream of one log and notes how old each line is when it comes.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use ironcore_types::{Seams, Timestamp};
use serde::Deserialize;
use tokio::sync::Barrier;

/// How old lines were, by milliseconds.
#[derive(Debug, Default)]
pub(super) struct Delays {
    by_millis: Vec<usize>,
}

impl Delays {
    fn note(&mut self, millis: usize) {
        // What takes longer than a minute is all the same.
        let millis = millis.min(60_000);
        if self.by_millis.len() <= millis {
            self.by_millis.resize(millis + 1, 0);
        }
        self.by_millis[millis] += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        if self.by_millis.len() < other.by_millis.len() {
            self.by_millis.resize(other.by_millis.len(), 0);
        }
        for (mine, theirs) in self.by_millis.iter_mut().zip(&other.by_millis) {
            *mine += theirs;
        }
    }

    pub(super) fn count(&self) -> usize {
        self.by_millis.iter().sum()
    }

    /// The age in ms, rounded up, that this share of lines did not exceed.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let wanted = (self.count() as f64 * share).ceil() as usize;
        let mut seen = 0;
        let at = self.by_millis.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        at.map_or(0.0, |millis| millis as f64 + 1.0)
    }
}

/// As much of an entry as is looked at.
#[derive(Deserialize)]
struct Entry {
    line: u64,
    time: Timestamp,
}

/// Follows the log of `upid` to its end. `begun` is met once the stream is open.
pub(super) async fn read(
    url: String,
    token: String,
    upid: String,
    seams: Seams,
    begun: Arc<Barrier>,
) -> Result<Delays> {
    let mut url = reqwest::Url::parse(&url)?;
    url.path_segments_mut().ok().context("a hub's address")?.extend([
        "api",
        "v1",
        "tasks",
        upid.as_str(),
        "log",
        "stream",
    ]);
    let opened = reqwest::Client::new().get(url).bearer_auth(token).send().await;
    begun.wait().await;
    let mut response = opened?.error_for_status()?;
    let (mut delays, mut last, mut over) = (Delays::default(), 0, false);
    let mut rest = Vec::new();
    while let Some(bytes) = response.chunk().await? {
        rest.extend_from_slice(&bytes);
        let now = seams.now();
        let whole = rest
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let mut event = "";
        for line in std::str::from_utf8(&rest[..whole])?.lines() {
            if let Some(name) = line.strip_prefix("event: ") {
                event = name;
                over |= event == "done";
            } else if let Some(data) = line.strip_prefix("data: ")
                // An event that was cut in two goes on with its data.
                && (event == "line" || (event.is_empty() && data.contains("\"level\"")))
            {
                let entry: Entry = serde_json::from_str(data)?;
                ensure!(entry.line == last + 1, "line {} follows {last}", entry.line);
                last = entry.line;
                let millis = now.since(entry.time).as_millis();
                delays.note(usize::try_from(millis).unwrap_or(usize::MAX));
            }
        }
        rest.drain(..whole);
    }
    ensure!(over, "the stream of {upid} broke off after line {last}");
    Ok(delays)
}
