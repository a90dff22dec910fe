//! When the failure of a plugin is told: the first time at once, then not again for a while, so that a plugin which
//! fails on every event does not drown everything else.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ironcore_ledger::model::HandlerRef;
use ironcore_types::{ErrorCode, Moment, PluginName};

/// Which failures count as the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The plugin.
    pub(crate) plugin: PluginName,
    /// The handler that it worked for; none for advice.
    pub(crate) handler: Option<HandlerRef>,
    /// How it failed.
    pub(crate) code: ErrorCode,
}

#[derive(Debug)]
struct Told {
    at: Moment,
    since: u64,
}

/// Remembers what was told. Forgotten at a restart, after which one more event tells it.
#[derive(Debug, Default)]
pub(crate) struct PluginFailures {
    told: Mutex<HashMap<Key, Told>>,
}

impl PluginFailures {
    /// Whether this failure is to be told now, and then how many like it were not told before. The same failure is
    /// told once in `quiet`.
    pub(crate) fn tell(&self, key: Key, now: Moment, quiet: Duration) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() > 1_000 {
            told.retain(|_, entry| now.since(entry.at) < quiet);
        }
        if let Some(entry) = told.get_mut(&key) {
            if now.since(entry.at) < quiet {
                entry.since += 1;
                return None;
            }
            let untold = entry.since;
            *entry = Told { at: now, since: 0 };
            return Some(untold);
        }
        told.insert(key, Told { at: now, since: 0 });
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_failure_is_told_once_in_a_while_with_the_number_left_out() {
        let failures = PluginFailures::default();
        let quiet = Duration::from_secs(600);
        let key = |code| Key {
            plugin: PluginName::new("webhook").expect("name"),
            handler: None,
            code,
        };
        let at = |seconds| Moment::new(Duration::from_secs(seconds));
        assert_eq!(failures.tell(key(ErrorCode::PluginTrap), at(0), quiet), Some(0));
        assert_eq!(failures.tell(key(ErrorCode::PluginTrap), at(1), quiet), None);
        assert_eq!(failures.tell(key(ErrorCode::PluginTrap), at(599), quiet), None);
        assert_eq!(
            failures.tell(key(ErrorCode::PluginTimeout), at(2), quiet),
            Some(0)
        );
        assert_eq!(failures.tell(key(ErrorCode::PluginTrap), at(600), quiet), Some(2));
    }
}
