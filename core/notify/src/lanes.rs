//! What is known of destinations while this process runs, and the ledger's record of open circuits beside it.
//! When a circuit opens and closes is decided in [`circuit`]; the ledger enforces it when it hands out messages.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{Circuit, ClaimedMessage};
use ironcore_types::Timestamp;

use crate::circuit::{self, Health, Sign};
use crate::notify::Shared;

/// What is known of the lanes that are not well.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    health: Mutex<HashMap<String, Health>>,
}

impl Lanes {
    fn get(&self, lane: &str) -> Health {
        self.health
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(lane)
            .copied()
            .unwrap_or_default()
    }

    fn set(&self, lane: &str, health: Health) {
        let mut all = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if health == Health::default() {
            all.remove(lane);
        } else {
            all.insert(lane.to_owned(), health);
        }
    }
}

/// Takes over what the ledger remembers of circuits; to be called once, before the first claim.
pub(crate) async fn recall(shared: &Shared) -> Result<(), LedgerError> {
    for circuit in shared.ledger.circuits().await? {
        shared.lanes.set(&circuit.lane, health_of(shared, &circuit));
    }
    Ok(())
}

/// What a circuit says of its destination.
fn health_of(shared: &Shared, circuit: &Circuit) -> Health {
    let threshold = shared.options.circuit.threshold;
    Health {
        failures: threshold.saturating_add(circuit.failures).saturating_sub(1),
        open_until: Some(circuit.until),
    }
}

/// Opens or closes the lane's circuit, before the attempt is recorded: its end wakes those that would claim more.
pub(crate) async fn mark(
    shared: &Shared,
    claimed: &ClaimedMessage,
    sign: Sign,
    now: Timestamp,
    reason: &str,
) {
    let lane = claimed.message.lane.as_str();
    let mut before = shared.lanes.get(lane);
    // Another hub may have opened it: what this message tried counts for all of them.
    if let Some(circuit) = &claimed.circuit
        && before.open_until < Some(circuit.until)
    {
        before = health_of(shared, circuit);
    }
    let health = circuit::after(
        &shared.options.circuit,
        before,
        sign,
        now,
        shared.seams.fraction(),
    );
    if health == before {
        return;
    }
    shared.lanes.set(lane, health);
    let kept = match health.open_until {
        Some(until) if health.open_until != before.open_until => {
            tracing::warn!(lane, %until, "the destination is left alone for a while: {reason}");
            shared.ledger.open_circuit(lane, until, reason).await.map(|_| ())
        }
        None if before.open_until.is_some() => shared.ledger.close_circuit(lane).await.map(|_| ()),
        _ => Ok(()),
    };
    if let Err(error) = kept {
        tracing::warn!(code = %error.code(), lane, "the circuit could not be recorded: {error}");
    }
}
