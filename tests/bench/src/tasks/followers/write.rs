//! The worker's side: lines at an even rate, carried to the ledger every 200 ms.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use ironcore_ledger::Ledger;
use ironcore_ledger::model::{LogLevel, NewLogLine, Outcome, Task};
use ironcore_types::{Seams, SessionId, TaskState};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Extent;

/// How often a worker carries a log to the ledger.
const CARRY: Duration = Duration::from_millis(200);

/// Writes all lines, then ends the tasks.
pub(super) async fn write(
    ledger: &Ledger,
    session: SessionId,
    tasks: &[Task],
    seams: &Seams,
    extent: Extent,
) -> Result<()> {
    let rate = extent.lines_per_second / extent.logs;
    let (each, carries) = (rate / 5, extent.lasts.as_millis() / CARRY.as_millis());
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    let mut renewing = interval(Duration::from_secs(5));
    let logs = try_join_all(tasks.iter().enumerate().map(async |(at, task)| {
        // Workers do not carry their logs all at once.
        let stagger = CARRY.mul_f64(at as f64 / tasks.len() as f64);
        let mut carry = tokio::time::interval_at(Instant::now() + stagger + CARRY, CARRY);
        carry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for _ in 0..carries {
            // Written evenly since the last time, as by somebody who works meanwhile.
            let began = seams.now();
            carry.tick().await;
            let lines: Vec<_> = (0..each)
                .map(|number| {
                    let share = CARRY.mul_f64(number as f64 / each as f64);
                    NewLogLine {
                        time: began.after(share),
                        level: LogLevel::Info,
                        text: format!("/srv/tree/folder-{at}/file-{number}.dat: 4096 bytes, new"),
                    }
                })
                .collect();
            ledger.append_log(task.id, session, &lines).await?;
        }
        let end = ledger.finish(task.id, session, Outcome::new(TaskState::Ok)).await;
        end.map(|_| ())
    }));
    let renew = async {
        loop {
            renewing.tick().await;
            let renewals = ledger.renew(session, &ids).await?;
            ensure!(renewals.session_alive, "the session is over");
        }
    };
    tokio::select! {
        done = logs => { done?; Ok(()) }
        failed = renew => failed,
    }
}
