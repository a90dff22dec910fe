//! What to do when a source, a path, a restore's target or a key is the trouble.

use super::{FULL_JOB, PAUSE, RETRY, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        codes: &["source.unreachable"],
        title: "Make the source reachable again",
        why: "The worker could not read {source} at all: the path is not there, not mounted, or the machine is down.",
        steps: &[
            "On the worker, look whether {source} exists and is mounted: `ls -la {source}` and `findmnt --target {source}`.",
            "Mount it, start the machine, or correct `source.tree` of {job} when it has moved.",
            "If it may be missing at times, set `source.optional = true` on {job}: the run then ends with a warning.",
            "Try again.",
        ],
        offers: &[RETRY, PAUSE],
    },
    Rule {
        codes: &["source.permission"],
        title: "Give the worker the right to read the source",
        why: "The worker's user may not read {source} or a part of it.",
        steps: &[
            "Look at the owner and mode of the paths, and of the folders above them: `namei -l {source}`.",
            "Run the worker as a user that may read them, or give its user an access list: `setfacl -R -m u:USER:rX {source}`.",
            "Leave out what need not be backed up with `source.exclude` of {job}.",
            "Try again.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["source.optional-missing"],
        title: "Look whether the optional source should have been there",
        why: "{source} is marked optional and was not there, so nothing of it was backed up. Earlier snapshots still hold it.",
        steps: &[
            "If it should be there, mount or restore it, and run {job} again.",
            "If it is gone for good, take it out of {job}.",
            "If it must never be missing, set `source.optional = false`: the run then fails instead of warning.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["path.skipped"],
        title: "Look at the paths that were left out",
        why: "The backup is complete but for the paths below, which could not be read or are of a kind that cannot be backed up.",
        steps: &[
            "Look at each path in the task's log (`ironcore-backup task log --upid {upid}`): a right that is missing, a socket or a device, or a failing disk.",
            "Correct what can be corrected, or leave the path out on purpose with `source.exclude` of {job}.",
            "Run {job} again; a run without skipped paths ends OK.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["path.changed"],
        title: "Back up files that do not change meanwhile",
        why: "The files below changed while they were read, so their content in this snapshot may mix two versions.",
        steps: &[
            "For databases and machines, back up a dump or a snapshot of the file system (LVM, ZFS, btrfs) instead of live files.",
            "Move {job} to a time when nobody writes, or leave the files out with `source.exclude`.",
            "Run {job} again.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["dedup.partial"],
        title: "Run a full backup if it happens again",
        why: "A part of the data could not be matched with what the datastore holds and was stored anew. Nothing is lost; it takes more space.",
        steps: &[
            "Verify {datastore}: chunks that are damaged cannot be reused: `ironcore-backup verify start {datastore}`.",
            "If the next run warns again, run a full backup, which builds the list of known chunks anew: `ironcore-backup job run {job} --project {project} --full`.",
            "Collect garbage afterwards to free what nothing needs any more: `ironcore-backup gc start {datastore}`.",
        ],
        offers: &[FULL_JOB],
    },
    Rule {
        codes: &["restore.target-exists"],
        title: "Restore to an empty folder",
        why: "{target} holds files already, and a restore does not write over them unless told to.",
        steps: &[
            "Choose a folder that is empty or does not exist: `ironcore-backup restore start REF --to PATH`.",
            "Or write over the files there when they may be lost: `ironcore-backup restore start REF --to PATH --overwrite`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["restore.target"],
        title: "Choose a target that a restore can and may write to",
        why: "{target} could not be written (no right, no space, or a read-only file system), or it lies in or around a datastore or the hub's own data, whose files a restore must not replace.",
        steps: &[
            "If the target lies in or around a datastore or the hub's data, choose another place, and move from there what is needed; to restore a whole machine, restore to an empty folder or disk mounted elsewhere, never to `/`.",
            "Look at the space and the mount options: `df -h {target}` and `findmnt --target {target}`.",
            "Give the worker's user the right to write there, or choose another folder.",
            "Try again; what was restored so far is written once more.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["key.missing"],
        title: "Put the encryption key where the worker finds it",
        why: "The data is encrypted, and no worker that is online has a key that opens it.",
        steps: &[
            "Copy the key file into the folder `keys/` of a worker, with mode 0600, or restore it from its paper key.",
            "Restart the worker, or wait until it has looked at its keys again; the task then finds it. `ironcore-backup worker list` shows which workers are online.",
            "Snapshots made with an earlier key need that earlier key: keep retired keys as long as their snapshots.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["key.wrong"],
        title: "Use the key that the snapshot was made with",
        why: "The key that was given does not open the data: it is another one, or from before a rotation.",
        steps: &[
            "Compare the key's fingerprint with the one of the snapshot: `ironcore-backup snapshot show REF`.",
            "Put the right key into the worker's folder `keys/`; several keys may be there at once.",
            "Try again.",
        ],
        offers: &[RETRY],
    },
];
