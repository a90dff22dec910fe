//! Housekeeping: removes what the hub keeps for a time only. What is kept for how long is decided by whoever puts the
//! hub together.

use std::time::Duration;

use ironcore_ledger::Ledger;
use ironcore_types::{Seams, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::error::EngineError;

/// How long things are kept.
#[derive(Debug, Clone)]
pub struct HousekeepingOptions {
    /// Logs of tasks, from their end; none for ever.
    pub logs: Option<Duration>,
    /// Statistics of tasks and samples of how full datastores were; none for ever.
    pub statistics: Option<Duration>,
    /// What destinations answered to messages, from the end of the attempt; none for ever.
    pub attempts: Option<Duration>,
    /// Entries of the inbox, from their event; none for ever.
    pub inbox: Option<Duration>,
    /// Incidents, from their end; none for ever.
    pub incidents: Option<Duration>,
    /// How often it is looked for what is too old.
    pub every: Duration,
}

impl Default for HousekeepingOptions {
    fn default() -> Self {
        Self {
            logs: Some(Duration::from_secs(90 * 86_400)),
            statistics: Some(Duration::from_secs(400 * 86_400)),
            attempts: Some(Duration::from_secs(90 * 86_400)),
            inbox: Some(Duration::from_secs(90 * 86_400)),
            incidents: Some(Duration::from_secs(400 * 86_400)),
            every: Duration::from_secs(3600),
        }
    }
}

/// Removes what is too old.
#[derive(Debug)]
pub struct Housekeeping {
    ledger: Ledger,
    seams: Seams,
    options: HousekeepingOptions,
}

impl Housekeeping {
    /// Housekeeping over `ledger`. Any number of hubs may keep one house.
    pub fn new(ledger: Ledger, seams: Seams, options: HousekeepingOptions) -> Self {
        Self {
            ledger,
            seams,
            options,
        }
    }

    /// Looks again and again, until `cancel`.
    pub async fn run(self, cancel: CancellationToken) {
        loop {
            if let Err(error) = self.tidy(self.seams.now()).await {
                tracing::error!(code = %error.code(), %error, "what is too old could not be removed; trying again");
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.seams.sleep(self.options.every) => {}
            }
        }
    }

    /// Removes what is too old at `now`.
    pub async fn tidy(&self, now: Timestamp) -> Result<(), EngineError> {
        if let Some(keep) = self.options.logs {
            let removed = self.ledger.remove_logs(now.before(keep)).await?;
            if removed > 0 {
                tracing::info!(tasks = removed, "old logs were removed");
            }
        }
        if let Some(keep) = self.options.statistics {
            // Each call forgets a part of them.
            while self.ledger.forget_statistics(now.before(keep)).await? > 0 {}
        }
        if let Some(keep) = self.options.attempts {
            while self.ledger.forget_exchanges(now.before(keep)).await? > 0 {}
        }
        if let Some(keep) = self.options.inbox {
            while self.ledger.forget_inbox(now.before(keep)).await? > 0 {}
        }
        if let Some(keep) = self.options.incidents {
            while self.ledger.forget_incidents(now.before(keep)).await? > 0 {}
        }
        while self.ledger.forget_idempotency_keys().await? > 0 {}
        while self.ledger.forget_silences().await? > 0 {}
        while self.ledger.forget_logins().await? > 0 {}
        while self.ledger.forget_audit().await? > 0 {}
        Ok(())
    }
}
