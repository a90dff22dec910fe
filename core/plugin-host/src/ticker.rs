//! Moves the engine's epoch on while guests run, and rests while none does.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the epoch moves on. A guest is looked at this often, so limits on its time are multiples of it.
pub(crate) const TICK: Duration = Duration::from_millis(10);

#[derive(Default)]
struct State {
    guests: usize,
    stop: bool,
    ticks: u64,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    /// A panic of another holder leaves counters that are still right.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that ticks. Dropping it ends the thread.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts the thread; it rests until the first guest.
    pub(crate) fn start(tick: impl Fn() + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mine = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("plugin-epoch".to_owned())
            .spawn(move || run(&mine, &tick))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Keeps the ticks coming until the guard is dropped.
    pub(crate) fn guest(&self) -> Running {
        self.shared.lock().guests += 1;
        self.shared.changed.notify_one();
        Running {
            shared: Arc::clone(&self.shared),
        }
    }

    /// How often it ticked so far.
    #[cfg(test)]
    fn ticks(&self) -> u64 {
        self.shared.lock().ticks
    }
}

fn run(shared: &Shared, tick: &impl Fn()) {
    loop {
        let mut state = shared.lock();
        while state.guests == 0 && !state.stop {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stop {
            return;
        }
        state.ticks += 1;
        drop(state);
        std::thread::sleep(TICK);
        tick();
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the plugin epoch thread ended abnormally");
        }
    }
}

/// A guest that runs.
pub(crate) struct Running {
    shared: Arc<Shared>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.lock().guests -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn it_ticks_only_while_guests_run() {
        let (tell, told) = mpsc::channel();
        // Nobody listens any more once the test is over.
        let ticker = Ticker::start(move || tell.send(()).unwrap_or_default()).expect("thread");
        assert_eq!(ticker.ticks(), 0);
        let (one, two) = (ticker.guest(), ticker.guest());
        told.recv().expect("tick");
        drop(one);
        told.recv().expect("tick");
        drop(two);
        // The tick under way when the last guest ends may still come; then the count stands.
        let (at_most, mut came) = (ticker.ticks(), 2);
        while came < at_most {
            told.recv().expect("tick");
            came += 1;
        }
        assert_eq!(ticker.ticks(), at_most);
        drop(ticker);
        assert!(told.recv().is_err(), "the thread has ended");
    }
}
