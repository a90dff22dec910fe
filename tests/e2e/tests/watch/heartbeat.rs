//! The heartbeat is sent while the hub is well, and only then.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use ironcore_engine::{Heartbeat, Pulse, WatchOptions};

use ironcore_e2e::night::Night;

#[derive(Debug, Default)]
struct Outside {
    heard: AtomicU32,
}

impl Heartbeat for Outside {
    fn beat(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(async {
            self.heard.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_hub_that_is_well_is_heard() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "", "").await?;
    let outside = Arc::new(Outside::default());
    let scheduler = Pulse::default();
    let options = WatchOptions {
        scheduler: Some(scheduler.clone()),
        ..WatchOptions::default()
    };
    let mut watch = night.watch_with(options).with_heartbeat(outside.clone());
    ensure!(!watch.beat().await, "nobody has looked at anything yet");
    watch.look(night.now()).await?;
    ensure!(!watch.beat().await, "the scheduler has not begun");
    scheduler.beat(night.clock.seams().moment());
    ensure!(watch.beat().await);
    ensure!(outside.heard.load(Ordering::Relaxed) == 1);

    // An hour on the wall says nothing of what was done.
    night.clock.jump(night.now().after(Duration::from_secs(3_600)));
    ensure!(watch.beat().await);

    night.clock.advance(Duration::from_secs(301));
    watch.look(night.now()).await?;
    ensure!(!watch.beat().await, "the scheduler hangs");
    scheduler.beat(night.clock.seams().moment());
    ensure!(watch.beat().await);

    night.ledger.close().await;
    ensure!(!watch.beat().await, "nothing can be written");
    ensure!(outside.heard.load(Ordering::Relaxed) == 3);
    Ok(())
}
