//! The unique id of a task: `UPID:{node}:{pid}:{pstart}:{task}:{start}:{type}:{id}:{user}:`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{NodeName, TaskId, UserId};
use crate::task::TaskType;
use crate::timestamp::Timestamp;

/// The unique id of a task, in the form the field's tools parse. Derived once at enqueue, never changed.
///
/// Numbers are upper-case hexadecimal of at least eight digits; `id` is escaped as systemd does. The text is the
/// identity: of the many spellings that could mean the same, only the one that is printed is read.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Upid {
    /// The node that enqueued the task.
    pub node: NodeName,
    /// The process id of the hub there.
    pub pid: u32,
    /// When that process started: clock ticks since boot, or what the platform offers.
    pub pstart: u64,
    /// The ledger's number of the task.
    pub task: TaskId,
    /// When it was enqueued; whole seconds.
    pub start: Timestamp,
    /// What it does.
    pub task_type: TaskType,
    /// What it works on, not escaped.
    pub id: String,
    /// Who triggered it.
    pub user: UserId,
}

/// Why a text is not a UPID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a UPID: {why}")]
pub struct InvalidUpid {
    text: String,
    why: &'static str,
}

/// Escapes as `systemd-escape` does: `/` becomes `-`, other bytes than letters, digits, `:`, `_`, `.` become `\xHH`.
/// Here `:` is escaped too, for it separates the fields.
fn escape(text: &str) -> String {
    use fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'/' => out.push('-'),
            b'.' if at == 0 => out.push_str("\\x2e"),
            b if b.is_ascii_alphanumeric() || b == b'_' || b == b'.' => out.push(char::from(b)),
            b => {
                // Writing to a String cannot fail.
                let _infallible = write!(out, "\\x{b:02x}");
            }
        }
    }
    out
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'-' => bytes.push(b'/'),
            b'\\' => {
                let hex = tail.strip_prefix(b"x")?.get(..2)?;
                bytes.push(u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?);
                rest = &tail[3..];
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "UPID:{}:{:08X}:{:08X}:{:08X}:{:08X}:{}:{}:{}:",
            self.node,
            self.pid,
            self.pstart,
            self.task.0,
            self.start.as_seconds(),
            self.task_type.as_str(),
            escape(&self.id),
            self.user
        )
    }
}

impl fmt::Debug for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Upid {
    type Err = InvalidUpid;
    fn from_str(text: &str) -> Result<Self, InvalidUpid> {
        let fail = |why| InvalidUpid {
            text: text.to_owned(),
            why,
        };
        let body = text
            .strip_prefix("UPID:")
            .and_then(|rest| rest.strip_suffix(':'))
            .ok_or_else(|| fail("it must begin with UPID: and end with ':'"))?;
        let fields: Vec<&str> = body.split(':').collect();
        let [node, pid, pstart, task, start, task_type, id, user] = fields[..] else {
            return Err(fail("it must have eight fields after UPID:"));
        };
        let hex = |field: &str, why| {
            let valid = field.len() >= 8 && field.bytes().all(|b| b.is_ascii_hexdigit());
            valid
                .then(|| u64::from_str_radix(field, 16).ok())
                .flatten()
                .ok_or_else(|| fail(why))
        };
        let positive = |field: &str, why| i64::try_from(hex(field, why)?).map_err(|_| fail(why));
        let upid = Self {
            node: node.parse().map_err(|_| fail("the node is not valid"))?,
            pid: u32::try_from(hex(pid, "the process id is not hexadecimal")?)
                .map_err(|_| fail("the process id is too large"))?,
            pstart: hex(pstart, "the process start is not hexadecimal")?,
            task: TaskId(positive(task, "the task number is not hexadecimal")?),
            start: Timestamp::from_seconds(positive(start, "the start time is not hexadecimal")?),
            task_type: task_type
                .parse()
                .map_err(|_| fail("the task type is not known"))?,
            id: unescape(id).ok_or_else(|| fail("the id is not escaped as it should be"))?,
            user: user.parse().map_err(|_| fail("the user is not valid"))?,
        };
        if upid.to_string() != text {
            return Err(fail("it is not spelled as the hub spells it"));
        }
        Ok(upid)
    }
}

impl TryFrom<String> for Upid {
    type Error = InvalidUpid;
    fn try_from(text: String) -> Result<Self, InvalidUpid> {
        text.parse()
    }
}

impl From<Upid> for String {
    fn from(upid: Upid) -> String {
        upid.to_string()
    }
}
