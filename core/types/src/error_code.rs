//! The stable error codes, listed once; remediation, events, API and CLI all use these.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// A stable code for what went wrong. Texts may change, a code never does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ #[serde(rename = $text)] $variant,)+
        }

        impl ErrorCode {
            /// Every code, in the order of their groups.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as it is written everywhere, such as `chunk.corrupt`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// One sentence for people who meet the code for the first time.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii()),+ }
            }
        }

        impl FromStr for ErrorCode {
            type Err = UnknownErrorCode;
            fn from_str(text: &str) -> Result<Self, UnknownErrorCode> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err(UnknownErrorCode(text.to_owned())) }
            }
        }
    };
}

/// A text that is no code of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an error code")]
pub struct UnknownErrorCode(String);

codes! {
    /// The source of a backup could not be read at all.
    SourceUnreachable = "source.unreachable",
    /// The worker may not read the source or a part of it.
    SourcePermission = "source.permission",
    /// A source marked optional was not there.
    SourceOptionalMissing = "source.optional-missing",
    /// A path was left out of the backup.
    PathSkipped = "path.skipped",
    /// A file changed while it was read, so its content may mix two versions.
    PathChanged = "path.changed",
    /// A part of the data could not be deduplicated.
    DedupPartial = "dedup.partial",
    /// The datastore has no space left.
    DatastoreFull = "datastore.full",
    /// The datastore has no inodes left.
    DatastoreInodes = "datastore.inodes",
    /// The datastore cannot be reached.
    DatastoreOffline = "datastore.offline",
    /// The path for a new datastore is not empty.
    DatastoreNotEmpty = "datastore.not-empty",
    /// The folder holds no datastore.
    DatastoreNotFound = "datastore.not-found",
    /// The datastore belongs to another hub.
    DatastoreForeign = "datastore.foreign",
    /// The datastore was written by a newer version.
    DatastoreFormat = "datastore.format",
    /// Two datastores would share a path.
    DatastoreShared = "datastore.shared-path",
    /// Reading or writing stored data failed.
    DatastoreIo = "datastore.io",
    /// A stored chunk does not match its fingerprint.
    ChunkCorrupt = "chunk.corrupt",
    /// A referenced chunk is not in the datastore.
    ChunkMissing = "chunk.missing",
    /// A part of the datastore's index was damaged; it is made anew from the packs.
    IndexDamaged = "index.damaged",
    /// A manifest cannot be read.
    ManifestInvalid = "manifest.invalid",
    /// The signature of a manifest is not valid.
    ManifestSignature = "manifest.signature",
    /// There is no such snapshot.
    SnapshotNotFound = "snapshot.not-found",
    /// A snapshot of that name exists already.
    SnapshotExists = "snapshot.exists",
    /// The last verification of the snapshot was not OK.
    SnapshotNotOk = "snapshot.not-ok",
    /// The target of a restore exists already.
    RestoreTargetExists = "restore.target-exists",
    /// The target of a restore cannot be written.
    RestoreTarget = "restore.target",
    /// No key of this worker opens the data.
    KeyMissing = "key.missing",
    /// The key given does not open the data.
    KeyWrong = "key.wrong",
    /// The remote hub did not accept the token.
    RemoteAuth = "remote.auth",
    /// The remote hub showed another certificate than the pinned one.
    RemoteFingerprint = "remote.fingerprint",
    /// The remote hub cannot be reached.
    RemoteUnreachable = "remote.unreachable",
    /// The remote hub answered in a way that is not understood.
    RemoteProtocol = "remote.protocol",
    /// The worker that ran the task is gone.
    WorkerLost = "worker.lost",
    /// The worker was stopped before the task ended; the task is done again.
    WorkerStopped = "worker.stopped",
    /// The task took longer than allowed.
    TaskTimeout = "task.timeout",
    /// The task was cancelled.
    TaskCancelled = "task.cancelled",
    /// There is no such task.
    TaskNotFound = "task.not-found",
    /// The task is over, so this cannot be done to it any more.
    TaskFinal = "task.final",
    /// The previous run of the job was still going on.
    JobOverlap = "job.overlap",
    /// The run fell into a blackout window of its job.
    JobBlackout = "job.blackout",
    /// A command before or after the task failed.
    CommandFailed = "command.failed",
    /// A command is not in the worker's folder of commands.
    CommandRefused = "command.refused",
    /// The calendar expression cannot be read.
    ScheduleInvalid = "schedule.invalid",
    /// The plugin cannot be loaded.
    PluginLoad = "plugin.load",
    /// The plugin wants a capability that was not granted.
    PluginCapability = "plugin.capability",
    /// The plugin ended abnormally.
    PluginTrap = "plugin.trap",
    /// The plugin used up its time.
    PluginTimeout = "plugin.timeout",
    /// The plugin used up its memory.
    PluginMemory = "plugin.memory",
    /// The configuration of the plugin does not match its schema.
    PluginConfig = "plugin.config",
    /// The destination refused the message.
    DeliveryRejected = "delivery.rejected",
    /// The destination cannot be reached or failed.
    DeliveryUnreachable = "delivery.unreachable",
    /// Nobody sends the message: its handler was removed, disabled or switched off.
    DeliveryNotSent = "delivery.not-sent",
    /// The address is not allowed as a destination.
    DeliveryAddress = "delivery.address",
    /// The template cannot be read or rendered.
    TemplateInvalid = "template.invalid",
    /// The secret has no value on this hub.
    SecretMissing = "secret.missing",
    /// The archive of a hub is damaged, or is none.
    ArchiveInvalid = "archive.invalid",
    /// The configuration is not valid.
    ConfigInvalid = "config.invalid",
    /// The request is not valid.
    RequestInvalid = "request.invalid",
    /// The request carried no valid token.
    AuthRequired = "auth.required",
    /// The token has no right to do this.
    AuthDenied = "auth.denied",
    /// This is for who has a second factor, and the user has none.
    AuthSecondFactor = "auth.second-factor",
    /// The identity provider cannot be asked, or what it says cannot be relied on.
    AuthProvider = "auth.provider",
    /// There is nothing of that name.
    NotFound = "not-found",
    /// The object is in the way of the change.
    Conflict = "conflict",
    /// The hub has too much to do now.
    Overloaded = "overloaded",
    /// Another process uses this database.
    LedgerLocked = "ledger.locked",
    /// The database cannot be used.
    LedgerUnavailable = "ledger.unavailable",
    /// A fault of the hub itself.
    Internal = "internal",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

crate::words::described!(
    ErrorCode,
    "A stable code for what went wrong. Texts may change, a code never does."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_is_said_once() {
        for code in ErrorCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert_eq!(serde_json::to_value(code).expect("json"), code.as_str());
            assert!(code.summary().ends_with('.'), "{code}");
            assert_eq!(
                ErrorCode::ALL
                    .iter()
                    .filter(|c| c.as_str() == code.as_str())
                    .count(),
                1
            );
        }
        assert!("no.such".parse::<ErrorCode>().is_err());
    }
}
