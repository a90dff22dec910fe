//! How runs ended, from one event to the next: what tells a change from more of the same.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_ledger::model::{LastOutcome, OutcomeStep, SeqEvent};
use ironcore_types::TaskState;

use crate::error::NotifyError;
use crate::matching;
use crate::notify::Shared;

/// The steps from outcome to outcome that these events tell of, each behind those before it.
pub(crate) async fn steps(
    shared: &Shared,
    events: &[SeqEvent],
) -> Result<Vec<Option<OutcomeStep>>, NotifyError> {
    let told: Vec<_> = events
        .iter()
        .map(|event| matching::outcome_of(&event.event))
        .collect();
    let keys: BTreeSet<&String> = told.iter().flatten().map(|(key, _)| key).collect();
    let mut known = match keys.is_empty() {
        true => BTreeMap::new(),
        false => {
            shared
                .ledger
                .last_outcomes(keys.into_iter().cloned().collect())
                .await?
        }
    };
    let steps = events.iter().zip(told).map(|(event, told)| {
        let (key, state) = told?;
        let before = known.remove(&key);
        let failed_before = before.as_ref().map_or(0, |before| before.failures);
        let same = before.as_ref().filter(|before| before.state == state);
        let now = LastOutcome {
            state,
            failures: if state == TaskState::Failed {
                failed_before + 1
            } else {
                0
            },
            since: same.map_or(event.seq, |before| before.since),
        };
        known.insert(key.clone(), now.clone());
        Some(OutcomeStep { key, before, now })
    });
    Ok(steps.collect())
}
