//! What the caller may set: the retry schedule, the circuit's patience, bounds on concurrency and time.

use std::time::Duration;

use crate::links::LinkKey;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// How long after each failed try the next one follows. Ten tries in all, over a little more than three days.
pub const SCHEDULE: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(14 * HOUR),
    Duration::from_secs(20 * HOUR),
    Duration::from_secs(24 * HOUR),
];

/// The longest wait that a destination may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * HOUR);

/// When a failed message is tried again.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// The wait after the first, second, … failed try; when it is used up, the message is given up.
    pub schedule: &'static [Duration],
    /// The share by which a wait is made longer or shorter by chance, `0.0..1.0`, so that messages which failed
    /// together do not come back together.
    pub jitter: f64,
    /// The longest wait that a destination may ask for.
    pub longest_wait: Duration,
}

impl RetryPolicy {
    /// How long the whole schedule takes.
    pub fn whole(&self) -> Duration {
        self.schedule.iter().sum()
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            schedule: &SCHEDULE,
            jitter: 0.1,
            longest_wait: LONGEST_WAIT,
        }
    }
}

/// When a failing destination is left alone.
#[derive(Debug, Clone, Copy)]
pub struct CircuitPolicy {
    /// Failures in a row that open the circuit.
    pub threshold: u32,
    /// How long it stays open the first time; doubled each time its single trial fails.
    pub first: Duration,
    /// The longest it stays open, but for a longer wait that the destination itself asks for.
    pub longest: Duration,
    /// The longest wait that a destination may ask for, as for a message in [`RetryPolicy::longest_wait`].
    pub longest_asked: Duration,
    /// The share by which that is made longer or shorter by chance, `0.0..1.0`.
    pub jitter: f64,
    /// The time between two messages, once the destination has said that it takes no more now. Doubled each time it says so
    /// again, up to the wait that it asks for.
    pub first_gap: Duration,
    /// Messages that get through one after the other until that time is halved.
    pub ease_after: u32,
    /// When it would be less than this, the destination gets all again.
    pub least_gap: Duration,
}

impl Default for CircuitPolicy {
    fn default() -> Self {
        Self {
            threshold: 3,
            first: Duration::from_secs(5),
            longest: Duration::from_secs(5 * MINUTE),
            longest_asked: LONGEST_WAIT,
            jitter: 0.1,
            first_gap: Duration::from_secs(1),
            ease_after: 4,
            least_gap: Duration::from_millis(250),
        }
    }
}

/// Settings of [`crate::Notify`].
#[derive(Debug, Clone)]
pub struct NotifyOptions {
    /// When failed messages are tried again.
    pub retry: RetryPolicy,
    /// When failing destinations are left alone.
    pub circuit: CircuitPolicy,
    /// Attempts at once, in all, but for slow ones.
    pub attempts: u32,
    /// Further attempts at once that take longer than `slow_after`: those wait for a destination, and others need not
    /// wait with them.
    pub slow_attempts: u32,
    /// What takes longer is slow.
    pub slow_after: Duration,
    /// Attempts at once to one destination.
    pub attempts_per_lane: u32,
    /// The longest that one attempt may take, the plugin's time and that of its requests together.
    pub attempt_timeout: Duration,
    /// How long a claimed message is this process's alone. Longer than `attempt_timeout`, or a slow attempt would be
    /// made twice.
    pub lease: Duration,
    /// How long all plugins together may think about tips for one event.
    pub advice_timeout: Duration,
    /// Events whose advice is asked for at once.
    pub events_at_once: usize,
    /// How long to wait for a wake-up before looking anyway.
    pub poll: Duration,
    /// How long attempts in flight may go on when the hub stops; what is not done by then is delivered again after its
    /// lease.
    pub drain: Duration,
    /// How long the same failure of a plugin is not told again.
    pub failure_quiet: Duration,
    /// The hub's name for people, as messages show it.
    pub hub_name: String,
    /// Address of the dashboard, without a slash at the end; messages link to it.
    pub dashboard: Option<String>,
    /// Signs the links by which incidents are acknowledged; without it, and without a dashboard, there are none.
    pub links: Option<LinkKey>,
}

impl Default for NotifyOptions {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            circuit: CircuitPolicy::default(),
            attempts: 96,
            slow_attempts: 64,
            slow_after: Duration::from_millis(500),
            attempts_per_lane: 8,
            attempt_timeout: Duration::from_secs(90),
            lease: Duration::from_secs(150),
            advice_timeout: Duration::from_secs(2),
            events_at_once: 16,
            poll: Duration::from_secs(2),
            drain: Duration::from_secs(10),
            failure_quiet: Duration::from_secs(10 * MINUTE),
            hub_name: "Ironcore Backup".to_owned(),
            dashboard: None,
            links: None,
        }
    }
}
