//! What is known of destinations while this process runs, and the ledger's record of open circuits beside it.
//! When a circuit opens and closes is decided in [`circuit`]; the ledger enforces it when it hands out messages.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{Circuit, ClaimedMessage};
use ironcore_plugin_host::effects::Slot;
use ironcore_types::Timestamp;

use crate::addresses;
use crate::circuit::{self, Health, Pace, Sign};
use crate::notify::Shared;

/// What is known of the lanes that are not well.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    health: Mutex<HashMap<String, Health>>,
}

impl Lanes {
    /// Changes what is known of a lane: what that was before and is now. Attempts of a lane end side by side, and none
    /// may overlook what another has just learned.
    fn change(&self, lane: &str, change: impl FnOnce(Health) -> (Health, Health)) -> (Health, Health) {
        let mut all = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, health) = change(all.get(lane).copied().unwrap_or_default());
        if health == Health::default() {
            all.remove(lane);
        } else {
            all.insert(lane.to_owned(), health);
        }
        (before, health)
    }
}

/// A lane as people may see it: the addresses in it without query and credentials, which may hold what opens doors.
fn shown(lane: &str) -> String {
    let mut out = String::with_capacity(lane.len());
    let mut rest = lane;
    while let Some(at) = rest.find('"') {
        let (before, quoted) = rest.split_at(at);
        out.push_str(before);
        let mut texts = serde_json::Deserializer::from_str(quoted).into_iter::<String>();
        let Some(Ok(text)) = texts.next() else {
            // No text of JSON, so nobody can say what it is.
            out.push('…');
            return out;
        };
        let end = texts.byte_offset();
        if text.contains("://") {
            out.push_str(&addresses::shown(&Slot::Text(text)));
        } else {
            out.push_str(&quoted[..end]);
        }
        rest = &quoted[end..];
    }
    out.push_str(rest);
    out
}

/// Takes over what the ledger remembers of circuits; to be called once, before the first claim.
pub(crate) async fn recall(shared: &Shared) -> Result<(), LedgerError> {
    for circuit in shared.ledger.circuits().await? {
        let health = health_of(shared, &circuit);
        shared.lanes.change(&circuit.lane, |before| (before, health));
    }
    Ok(())
}

/// What a circuit says of its destination.
fn health_of(shared: &Shared, circuit: &Circuit) -> Health {
    let threshold = shared.options.circuit.threshold;
    Health {
        failures: match circuit.gap {
            // A destination that asks for a pause gets it at its first failure.
            Some(_) => circuit.failures,
            None => threshold.saturating_add(circuit.failures).saturating_sub(1),
        },
        open_until: Some(circuit.until),
        opened: Some(circuit.opened),
        pace: circuit.gap.map(|gap| Pace { gap, well: 0 }),
    }
}

/// Opens or closes the lane's circuit, before the attempt is recorded: its end wakes those that would claim more. The
/// attempt began and ended then.
pub(crate) async fn mark(
    shared: &Shared,
    claimed: &ClaimedMessage,
    sign: Sign,
    (began, now): (Timestamp, Timestamp),
    reason: &str,
) {
    let lane = claimed.message.lane.as_str();
    let chance = shared.seams.fraction();
    let mut eased = false;
    let (before, health) = shared.lanes.change(lane, |mut before| {
        // Another hub may have opened it: what this message tried counts for all of them.
        if let Some(circuit) = &claimed.circuit
            && before.open_until < Some(circuit.until)
        {
            let own = before.pace;
            before = health_of(shared, circuit);
            // What got through here counts on.
            if let Some((pace, own)) = before.pace.as_mut().zip(own)
                && pace.gap == own.gap
            {
                pace.well = own.well;
            }
        }
        // It was handed out as the trial of this very opening, and began after it whatever the clocks say.
        let is_trial = claimed
            .circuit
            .as_ref()
            .is_some_and(|circuit| before.open_until <= Some(circuit.until));
        let sign = match is_trial {
            true => sign,
            false => circuit::worth(before, sign, began),
        };
        eased = sign == Sign::Well;
        let policy = &shared.options.circuit;
        (before, circuit::after(policy, before, sign, now, chance))
    });
    if health == before {
        return;
    }
    if let Err(error) = keep(shared, lane, (before, health), eased, reason).await {
        tracing::warn!(code = %error.code(), lane = shown(lane), "the circuit could not be recorded: {error}");
    }
}

/// Lets the ledger know what has become of a destination.
async fn keep(
    shared: &Shared,
    lane: &str,
    (before, health): (Health, Health),
    eased: bool,
    reason: &str,
) -> Result<(), LedgerError> {
    let ledger = &shared.ledger;
    match (health.open_until, before.open_until) {
        (None, Some(known)) => {
            ledger.close_circuit(lane, known).await?;
        }
        (Some(next), Some(known)) if eased && next != known => {
            let gap = health.pace.map_or(Duration::ZERO, |pace| pace.gap);
            if !ledger.ease_circuit(lane, known, next, gap).await? {
                // Nothing waits that could be too much.
                shared.lanes.change(lane, |now| match now == health {
                    true => (now, Health::default()),
                    false => (now, now),
                });
            }
        }
        (Some(until), known) if known != Some(until) => {
            let gap = health.pace.map(|pace| pace.gap);
            match before.pace.is_some() {
                true => {
                    tracing::debug!(lane = shown(lane), %until, "the destination takes no more now: {reason}")
                }
                false => {
                    tracing::warn!(lane = shown(lane), %until, "the destination is left alone for a while: {reason}");
                }
            }
            match gap {
                Some(gap) => ledger.slow_circuit(lane, until, gap, reason).await?,
                None => ledger.open_circuit(lane, until, reason).await?,
            };
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_shown_without_what_opens_doors() {
        let lane = "office/webhook:mode=\"x\";url=\"https://ada:pass@a.example:8443/hook?token=abc&x=\\\"y\"";
        assert_eq!(
            shown(lane),
            "office/webhook:mode=\"x\";url=https://a.example:8443/hook"
        );
        let wrapped = "-/webhook:url={\"before\":\"https://a.example/h?a=b&k=\",\"secret\":\"hook\"}";
        assert_eq!(
            shown(wrapped),
            "-/webhook:url={\"before\":https://a.example/h,\"secret\":\"hook\"}"
        );
        let mail = "office/email:host=\"mail.example\";port=25;username=\"hub\"";
        assert_eq!(shown(mail), mail);
        assert_eq!(shown("web/pager of night"), "web/pager of night");
        assert_eq!(shown("web/x:url=\"https://a.example/?to"), "web/x:url=…");
    }
}
