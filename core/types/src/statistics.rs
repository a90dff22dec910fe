//! What backups and syncs moved, added up, and what follows from it: rates, deduplication, compression. Pure
//! arithmetic; where the sums come from is left to the ledger.
//!
//! Every metric is a quotient of sums, never a mean of quotients: a large run counts for more than a small one.
//!
//! | metric | is | unit |
//! | --- | --- | --- |
//! | effective transfer rate | `bytes_stored / duration` | stored bytes a second |
//! | source read rate | `bytes_read / duration` | bytes a second |
//! | deduplication hit rate | `chunks_known / chunks` | percent |
//! | compression ratio | `bytes_new / bytes_stored` | how many bytes one stored byte stands for |
//! | pre-encrypt against on-disk | `bytes_logical / bytes_stored` | the same, deduplication counted in |
//!
//! A metric whose divisor is zero is none: nothing can be said of it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::progress::TaskStats;
use crate::task::{TaskState, TaskType, UnknownWord};
use crate::timestamp::Timestamp;

/// A deduplication hit rate below this is marked, percent.
pub const HEALTHY_DEDUP_PERCENT: f64 = 70.0;
/// A compression ratio outside this is marked.
pub const HEALTHY_COMPRESSION: std::ops::RangeInclusive<f64> = 2.0..=4.0;

/// Sums over attempts of tasks. The figures are of those that ended OK or WARNING: what a failed attempt moved is not
/// known. Sums that do not fit stay at the largest number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Sums {
    /// Attempts that ended OK or WARNING.
    pub runs: u64,
    /// Attempts that ended FAILED.
    pub failed: u64,
    /// Attempts that were cancelled while they ran.
    pub cancelled: u64,
    /// How long the runs took in all, without the commands before and after their tasks, microseconds; those that went on
    /// side by side count each.
    pub duration_us: u64,
    /// Bytes as the task list shows them.
    pub bytes: u64,
    /// Bytes read from the source; for a sync, received from the peer.
    pub bytes_read: u64,
    /// Content of the snapshots made or copied, before deduplication, compression and encryption.
    pub bytes_logical: u64,
    /// New chunks before compression and encryption, bytes.
    pub bytes_new: u64,
    /// The same on disk, bytes.
    pub bytes_stored: u64,
    /// Chunks referenced.
    pub chunks: u64,
    /// Those of them that the datastore held already; chunks of files that were taken over by their metadata count.
    pub chunks_known: u64,
    /// Files, folders and links.
    pub files: u64,
    /// Files taken over from the previous snapshot without reading them.
    pub files_unchanged: u64,
}

impl Sums {
    /// One attempt that ended in `state` after `duration_us` of work: its commands are none. Only backups and syncs look
    /// whether chunks are known; what others count as chunks is not referenced anew.
    pub fn of(task_type: TaskType, state: TaskState, duration_us: u64, stats: &TaskStats) -> Self {
        let references = matches!(task_type, TaskType::Backup | TaskType::Sync);
        let (chunks, chunks_known) = if references {
            (stats.chunks, stats.chunks_known)
        } else {
            (0, 0)
        };
        let count = |wanted: TaskState| u64::from(state == wanted);
        let ends = Self {
            failed: count(TaskState::Failed),
            cancelled: count(TaskState::Cancelled),
            ..Self::default()
        };
        if !matches!(state, TaskState::Ok | TaskState::Warning) {
            return ends;
        }
        Self {
            runs: 1,
            duration_us,
            bytes: stats.bytes,
            bytes_read: stats.bytes_read,
            bytes_logical: stats.bytes_logical,
            bytes_new: stats.bytes_new,
            bytes_stored: stats.bytes_stored,
            chunks,
            chunks_known,
            files: stats.files,
            files_unchanged: stats.files_unchanged,
            ..ends
        }
    }

    /// Adds others to these.
    pub fn add(&mut self, other: &Self) {
        let Self {
            runs,
            failed,
            cancelled,
            duration_us,
            bytes,
            bytes_read,
            bytes_logical,
            bytes_new,
            bytes_stored,
            chunks,
            chunks_known,
            files,
            files_unchanged,
        } = other;
        for (sum, more) in [
            (&mut self.runs, runs),
            (&mut self.failed, failed),
            (&mut self.cancelled, cancelled),
            (&mut self.duration_us, duration_us),
            (&mut self.bytes, bytes),
            (&mut self.bytes_read, bytes_read),
            (&mut self.bytes_logical, bytes_logical),
            (&mut self.bytes_new, bytes_new),
            (&mut self.bytes_stored, bytes_stored),
            (&mut self.chunks, chunks),
            (&mut self.chunks_known, chunks_known),
            (&mut self.files, files),
            (&mut self.files_unchanged, files_unchanged),
        ] {
            *sum = sum.saturating_add(*more);
        }
    }

    /// What follows from the sums.
    pub fn metrics(&self) -> Metrics {
        let dedup_hit_percent = ratio(self.chunks_known, self.chunks).map(|hits| hits * 100.0);
        let compression_ratio = ratio(self.bytes_new, self.bytes_stored);
        let mut marks = Vec::new();
        if dedup_hit_percent.is_some_and(|percent| percent < HEALTHY_DEDUP_PERCENT) {
            marks.push(Mark::LowDedupHitRate);
        }
        if compression_ratio.is_some_and(|ratio| !HEALTHY_COMPRESSION.contains(&ratio)) {
            marks.push(Mark::CompressionOutsideRange);
        }
        Metrics {
            transfer_rate: rate(self.bytes_stored, self.duration_us),
            read_rate: rate(self.bytes_read, self.duration_us),
            dedup_hit_percent,
            compression_ratio,
            pre_encrypt_bytes: self.bytes_logical,
            on_disk_bytes: self.bytes_stored,
            reduction_ratio: ratio(self.bytes_logical, self.bytes_stored),
            marks,
        }
    }
}

/// Bytes a second, rounded down.
fn rate(bytes: u64, duration_us: u64) -> Option<u64> {
    let rate = (u128::from(bytes) * 1_000_000).checked_div(u128::from(duration_us))?;
    Some(u64::try_from(rate).unwrap_or(u64::MAX))
}

fn ratio(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

/// The five metrics of the Statistics panel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Metrics {
    /// Effective transfer rate: stored bytes a second. Null while no time was spent.
    pub transfer_rate: Option<u64>,
    /// Source read rate: bytes a second. Null while no time was spent.
    pub read_rate: Option<u64>,
    /// Deduplication hit rate: known over referenced chunks, percent. Null while no chunk was referenced.
    pub dedup_hit_percent: Option<f64>,
    /// Compression ratio: new chunks before compression over the same on disk. Null while nothing new was stored.
    pub compression_ratio: Option<f64>,
    /// Content of the snapshots before deduplication, compression and encryption, bytes.
    pub pre_encrypt_bytes: u64,
    /// What was stored for it, bytes.
    pub on_disk_bytes: u64,
    /// The one over the other: deduplication and compression together. Null while nothing new was stored.
    pub reduction_ratio: Option<f64>,
    /// What is unlike a healthy production backup.
    pub marks: Vec<Mark>,
}

/// A figure unlike that of a healthy production backup. No fault by itself: a first backup finds nothing to deduplicate.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// The deduplication hit rate is below 70 %.
    LowDedupHitRate,
    /// The compression ratio is not between 2 and 4.
    CompressionOutsideRange,
}

impl Mark {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::LowDedupHitRate => "low dedup hit rate: below 70 %",
            Self::CompressionOutsideRange => "compression outside 2–4",
        }
    }
}

/// The spans of time by which figures are added up. They are of UTC: a day begins at 00:00 UTC, a week on Monday.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Bucket {
    /// Only the total.
    #[default]
    None,
    /// Hours.
    Hour,
    /// Days.
    Day,
    /// Weeks, which begin on Monday.
    Week,
}

const HOUR_US: i64 = 3_600_000_000;

impl Bucket {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::None, Self::Hour, Self::Day, Self::Week];

    /// The word of the API and the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// How long a span is, and where the first one after 1970 begins, microseconds. Totals are added up by week too.
    pub fn grid(self) -> (i64, i64) {
        match self {
            Self::Hour => (HOUR_US, 0),
            Self::Day => (24 * HOUR_US, 0),
            // 1970 began on a Thursday.
            Self::None | Self::Week => (7 * 24 * HOUR_US, 4 * 24 * HOUR_US),
        }
    }

    /// When the span that holds `time` began.
    pub fn start(self, time: Timestamp) -> Timestamp {
        let (width, first) = self.grid();
        let since = time.as_micros() - first;
        Timestamp::from_micros(since.div_euclid(width) * width + first)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Bucket {
    type Err = UnknownWord;
    /// Case is ignored.
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let lower = text.to_ascii_lowercase();
        let found = Self::ALL.iter().copied().find(|word| word.as_str() == lower);
        found.ok_or_else(|| UnknownWord {
            what: "bucket",
            text: text.to_owned(),
            known: Self::ALL
                .iter()
                .map(|word| word.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats() -> TaskStats {
        TaskStats {
            bytes: 1_000,
            bytes_read: 600,
            bytes_logical: 1_000,
            bytes_new: 300,
            bytes_stored: 100,
            chunks: 10,
            chunks_known: 7,
            files: 4,
            files_unchanged: 2,
            ..TaskStats::default()
        }
    }

    #[test]
    fn metrics_follow_from_sums() {
        let sums = Sums::of(TaskType::Backup, TaskState::Ok, 2_000_000, &stats());
        let metrics = sums.metrics();
        assert_eq!((metrics.transfer_rate, metrics.read_rate), (Some(50), Some(300)));
        assert_eq!(metrics.dedup_hit_percent, Some(70.0));
        assert_eq!(metrics.compression_ratio, Some(3.0));
        assert_eq!(metrics.reduction_ratio, Some(10.0));
        assert_eq!((metrics.pre_encrypt_bytes, metrics.on_disk_bytes), (1_000, 100));
        assert!(metrics.marks.is_empty(), "70 % is not below 70 %");
    }

    #[test]
    fn a_verification_says_nothing_of_known_chunks() {
        for task_type in [TaskType::Verify, TaskType::Restore, TaskType::Gc] {
            let mut sums = Sums::of(task_type, TaskState::Ok, 1, &stats());
            assert_eq!(sums.metrics().dedup_hit_percent, None);
            sums.add(&Sums::of(TaskType::Backup, TaskState::Ok, 1, &stats()));
            assert_eq!(
                sums.metrics().dedup_hit_percent,
                Some(70.0),
                "others do not dilute it"
            );
        }
    }

    #[test]
    fn nothing_is_said_where_nothing_was_done() {
        let metrics = Sums::default().metrics();
        assert_eq!(metrics, Metrics::default());
        let idle = Sums::of(
            TaskType::Sync,
            TaskState::Ok,
            5,
            &TaskStats {
                chunks: 3,
                chunks_known: 3,
                ..TaskStats::default()
            },
        );
        let metrics = idle.metrics();
        assert_eq!(
            (metrics.transfer_rate, metrics.dedup_hit_percent),
            (Some(0), Some(100.0))
        );
        assert_eq!((metrics.compression_ratio, metrics.reduction_ratio), (None, None));
        assert!(metrics.marks.is_empty());
    }

    #[test]
    fn unhealthy_figures_are_marked() {
        let marks = |known, new| {
            let stats = TaskStats {
                chunks: 100,
                chunks_known: known,
                bytes_new: new,
                ..stats()
            };
            Sums::of(TaskType::Backup, TaskState::Warning, 1, &stats)
                .metrics()
                .marks
        };
        assert_eq!(marks(69, 300), [Mark::LowDedupHitRate]);
        assert_eq!(marks(70, 199), [Mark::CompressionOutsideRange]);
        assert_eq!(marks(70, 401), [Mark::CompressionOutsideRange]);
        assert_eq!(
            marks(0, 100),
            [Mark::LowDedupHitRate, Mark::CompressionOutsideRange]
        );
        assert!(
            marks(70, 200).is_empty() && marks(100, 400).is_empty(),
            "the bounds belong to it"
        );
    }

    #[test]
    fn large_runs_count_for_more_and_failed_ones_for_nothing() {
        let mut sums = Sums::of(TaskType::Backup, TaskState::Ok, 1_000_000, &stats());
        let large = TaskStats {
            chunks: 90,
            chunks_known: 90,
            ..stats()
        };
        sums.add(&Sums::of(TaskType::Backup, TaskState::Ok, 3_000_000, &large));
        sums.add(&Sums::of(TaskType::Backup, TaskState::Failed, 1 << 40, &large));
        sums.add(&Sums::of(TaskType::Backup, TaskState::Cancelled, 1 << 40, &large));
        assert_eq!((sums.runs, sums.failed, sums.cancelled), (2, 1, 1));
        assert_eq!(
            (sums.chunks, sums.chunks_known, sums.duration_us),
            (100, 97, 4_000_000)
        );
        assert_eq!(sums.metrics().transfer_rate, Some(50));
        sums.add(&Sums {
            bytes: u64::MAX,
            ..Sums::default()
        });
        assert_eq!(sums.bytes, u64::MAX, "it does not wrap");
    }

    #[test]
    fn buckets_are_of_utc_and_weeks_begin_on_monday() {
        let start = |bucket: Bucket, text: &str| bucket.start(text.parse().expect("time")).to_string();
        // 21 May 2026 is a Thursday.
        assert_eq!(
            start(Bucket::Hour, "2026-05-21T12:59:59Z"),
            "2026-05-21T12:00:00Z"
        );
        assert_eq!(
            start(Bucket::Day, "2026-05-21T01:30:00+02:00"),
            "2026-05-20T00:00:00Z"
        );
        assert_eq!(
            start(Bucket::Week, "2026-05-21T12:00:00Z"),
            "2026-05-18T00:00:00Z"
        );
        assert_eq!(
            start(Bucket::Week, "2026-05-18T00:00:00Z"),
            "2026-05-18T00:00:00Z"
        );
        assert_eq!(
            start(Bucket::Week, "2026-05-17T23:59:59Z"),
            "2026-05-11T00:00:00Z"
        );
        assert_eq!("Day".parse(), Ok(Bucket::Day));
        assert!("month".parse::<Bucket>().is_err());
    }
}
