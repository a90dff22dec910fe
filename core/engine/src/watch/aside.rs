//! Work that may never come back, such as asking a network file system whose server is gone. It is done on a thread of
//! its own, waited for only so long, and not begun again while it is still under way.

use std::collections::HashMap;

use ironcore_types::DatastoreName;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::EngineError;

/// Such work, at most one for each datastore.
#[derive(Debug)]
pub(super) struct Aside<T> {
    pending: HashMap<DatastoreName, oneshot::Receiver<T>>,
}

impl<T> Default for Aside<T> {
    fn default() -> Self {
        Self {
            pending: HashMap::new(),
        }
    }
}

impl<T: Send + 'static> Aside<T> {
    /// Begins `work`, unless what was begun before is still under way.
    pub(super) fn begin(
        &mut self,
        name: &DatastoreName,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(), EngineError> {
        if self.pending.contains_key(name) {
            return Ok(());
        }
        let (reply, answer) = oneshot::channel();
        // None of the runtime's threads: the hub waits for those when it stops, and this one may hang.
        std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || {
                if reply.send(work()).is_err() {
                    tracing::debug!("the watch did not wait for its answer");
                }
            })
            .map_err(|error| EngineError::Internal(format!("no thread could be started: {error}")))?;
        self.pending.insert(name.clone(), answer);
        Ok(())
    }

    /// What came of it; none while it is under way at `until`, or when it broke down.
    pub(super) async fn answer(&mut self, name: &DatastoreName, until: Instant) -> Option<T> {
        let pending = self.pending.get_mut(name)?;
        let answer = tokio::time::timeout_at(until, pending).await.ok()?;
        self.pending.remove(name);
        answer.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn work_that_hangs_is_begun_once_and_its_answer_comes_later() {
        let name = DatastoreName::new("ibs-primary").expect("a name");
        let mut aside = Aside::default();
        let (go, wait) = mpsc::channel::<()>();
        aside
            .begin(&name, move || {
                wait.recv().expect("the test lets it go on");
                "first"
            })
            .expect("a thread");
        aside.begin(&name, || "second").expect("nothing to do");
        assert_eq!(aside.answer(&name, Instant::now()).await, None);
        aside.begin(&name, || "third").expect("nothing to do");
        go.send(()).expect("it waits");
        let late = Instant::now() + std::time::Duration::from_secs(60);
        assert_eq!(aside.answer(&name, late).await, Some("first"));
        assert_eq!(aside.answer(&name, late).await, None, "nothing is under way");
        aside.begin(&name, || "fourth").expect("a thread");
        assert_eq!(aside.answer(&name, late).await, Some("fourth"));
    }
}
