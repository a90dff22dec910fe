//! The log of a task as a file that travels with a mail: the end of it, within a bound.

use std::collections::VecDeque;

use ironcore_egress::Attachment;
use ironcore_ledger::{Ledger, LedgerError};
use ironcore_types::Upid;

/// No mail carries more of a log, bytes: many servers take no larger mails.
pub(crate) const MOST: usize = 5 << 20;
/// Lines that are read at a time.
const PART: u32 = 1_000;

/// The log of the task, or the last `most` bytes of it in whole lines; none when there is no such log, or no such task: a
/// test message tells of none that ran, and old ones are forgotten.
pub(crate) async fn attachment(
    ledger: &Ledger,
    upid: &Upid,
    most: usize,
) -> Result<Option<Attachment>, LedgerError> {
    let most = most.min(MOST);
    let all = match ledger.log_lines(upid.task).await {
        Err(LedgerError::NoTask(_)) => return Ok(None),
        all => all?,
    };
    let (mut lines, mut bytes, mut until) = (VecDeque::new(), 0, all);
    'parts: while until > 0 {
        let from = until.saturating_sub(u64::from(PART));
        let part = ledger.log_after(upid.task, from, PART).await?;
        for line in part.into_iter().rev().filter(|line| line.line <= until) {
            let text = format!("{line}\n");
            bytes += text.len();
            if bytes > most {
                break 'parts;
            }
            lines.push_front(text);
        }
        until = from;
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let left_out = all.saturating_sub(lines.len() as u64);
    if left_out > 0 {
        lines.push_front(format!(
            "[{left_out} earlier lines are left out; the hub has the whole log]\n"
        ));
    }
    Ok(Some(Attachment {
        name: format!("{}-{}.log", upid.task_type, upid.task),
        content_type: "text/plain; charset=utf-8".to_owned(),
        data: lines.into_iter().collect::<String>().into_bytes(),
    }))
}
