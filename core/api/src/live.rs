//! How far the running tasks are, read from the ledger at most once a second for all streams together.

use std::sync::Arc;
use std::time::Duration;

use ironcore_ledger::Ledger;
use ironcore_ledger::model::{Page, TaskFilter};
use ironcore_types::{Moment, Seams, TaskState};
use tokio::sync::Mutex;

use crate::error::ApiError;
use crate::wire::ProgressNotice;

/// How old what was read may be.
pub(crate) const REFRESH: Duration = Duration::from_secs(1);
/// More running tasks than these are not followed.
const MOST: u32 = 1_000;

/// The last reading.
#[derive(Default)]
pub(crate) struct Live {
    last: Mutex<Option<(Moment, Arc<Vec<ProgressNotice>>)>>,
}

impl Live {
    /// The running tasks as they were at most [`REFRESH`] ago.
    pub(crate) async fn running(
        &self,
        ledger: &Ledger,
        seams: &Seams,
    ) -> Result<Arc<Vec<ProgressNotice>>, ApiError> {
        // Held while reading: of many streams that ask at once, one reads and the others take what it read.
        let mut last = self.last.lock().await;
        let now = seams.moment();
        if let Some((at, notices)) = last.as_ref()
            && now.since(*at) < REFRESH
        {
            return Ok(notices.clone());
        }
        let filter = TaskFilter {
            states: vec![TaskState::Running],
            ..TaskFilter::default()
        };
        let page = ledger.tasks(&filter, &Page::first(MOST)).await?;
        let notices: Vec<_> = page
            .tasks
            .into_iter()
            .map(|task| ProgressNotice {
                bytes: task.bytes(),
                upid: task.upid,
                project: task.project,
                progress: task.progress,
            })
            .collect();
        let notices = Arc::new(notices);
        *last = Some((now, notices.clone()));
        Ok(notices)
    }
}
