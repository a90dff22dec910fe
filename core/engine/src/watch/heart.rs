//! The heartbeat: while the hub is well it says so to somebody outside, who notices when it stops. Where that is and
//! how it is told is left to who implements [`Heartbeat`].

use std::fmt;
use std::mem::discriminant;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ironcore_ledger::Ledger;
use ironcore_types::Moment;

/// What was not done for so long does not work.
const FRESH: Duration = Duration::from_secs(300);
/// How long the database may take to write.
const WRITE: Duration = Duration::from_secs(30);

/// Tells somebody outside that the hub lives.
pub trait Heartbeat: fmt::Debug + Send + Sync {
    /// Tells it once; an error says in words, without secrets, why it was not told.
    fn beat(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;
}

/// When something was last done, shared between who does it and who watches. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Pulse {
    at: Arc<Mutex<Option<Moment>>>,
}

impl Pulse {
    /// It was done at `now`.
    pub fn beat(&self, now: Moment) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// Whether it was done not longer than `within` before `now`; false when it never was.
    pub fn is_fresh(&self, now: Moment, within: Duration) -> bool {
        let at = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
        at.is_some_and(|at| now.since(at) <= within)
    }
}

/// How the last heartbeat went.
#[derive(Debug)]
enum State {
    /// None was due yet.
    New,
    /// It was taken.
    Beating,
    /// None was sent, because the hub is not well.
    Held,
    /// It was sent and not taken.
    Untold,
}

/// Decides whether to send the heartbeat, and sends it.
#[derive(Debug)]
pub(super) struct Heart {
    heartbeat: Arc<dyn Heartbeat>,
    ledger: Ledger,
    looked: Pulse,
    scheduler: Option<Pulse>,
    state: State,
}

impl Heart {
    pub(super) fn new(
        heartbeat: Arc<dyn Heartbeat>,
        ledger: Ledger,
        looked: Pulse,
        scheduler: Option<Pulse>,
    ) -> Self {
        Self {
            heartbeat,
            ledger,
            looked,
            scheduler,
            state: State::New,
        }
    }

    /// Sends one, if the hub is well. True when it was taken.
    pub(super) async fn beat(&mut self, now: Moment) -> bool {
        let (state, why) = match unwell(now, &self.looked, self.scheduler.as_ref()) {
            Some(why) => (State::Held, why.to_owned()),
            None => match self.writes().await {
                Err(why) => (State::Held, why),
                Ok(()) => match self.heartbeat.beat().await {
                    Ok(()) => (State::Beating, String::new()),
                    Err(why) => (State::Untold, why),
                },
            },
        };
        // Said once for each change: the outside watcher says the rest.
        if discriminant(&state) != discriminant(&self.state) {
            match state {
                State::New => {}
                State::Beating => tracing::info!("the heartbeat is taken"),
                State::Held => tracing::warn!("the heartbeat is held back: {why}"),
                State::Untold => tracing::warn!("the heartbeat could not be sent: {why}"),
            }
        }
        self.state = state;
        matches!(self.state, State::Beating)
    }

    async fn writes(&self) -> Result<(), String> {
        match tokio::time::timeout(WRITE, self.ledger.check_writes()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("the database did not write within {} s", WRITE.as_secs())),
        }
    }
}

/// What keeps the hub from being well, as far as its own loops show it.
fn unwell(now: Moment, looked: &Pulse, scheduler: Option<&Pulse>) -> Option<&'static str> {
    if !looked.is_fresh(now, FRESH) {
        Some("the state of the jobs could not be read for a while")
    } else if scheduler.is_some_and(|pulse| !pulse.is_fresh(now, FRESH)) {
        Some("the scheduler has not looked for due jobs for a while")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hub_is_well_while_its_loops_go_round() {
        let (looked, scheduler) = (Pulse::default(), Pulse::default());
        let now = Moment::new(Duration::from_secs(1));
        assert!(unwell(now, &looked, None).is_some(), "nobody has looked yet");
        looked.beat(now);
        assert!(unwell(now, &looked, None).is_none());
        assert!(
            unwell(now, &looked, Some(&scheduler)).is_some(),
            "a scheduler that never began"
        );
        scheduler.beat(now);
        assert!(unwell(now.after(FRESH), &looked, Some(&scheduler)).is_none());
        let late = now.after(FRESH + Duration::from_secs(1));
        looked.beat(late);
        assert!(
            unwell(late, &looked, Some(&scheduler)).is_some(),
            "a scheduler that hangs"
        );
    }
}
