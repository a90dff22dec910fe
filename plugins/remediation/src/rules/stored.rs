//! What to do when a datastore or what is stored in it is the trouble.

use super::{FULL, FULL_JOB, GC, PAUSE, RESYNC, RETRY, Rule, VERIFY, VERIFY_DATASTORE};

pub(super) const RULES: &[Rule] = &[
    Rule {
        codes: &["chunk.corrupt"],
        title: "Do not restore from {snapshot}: use a verified earlier one, and run a full backup",
        why: "The verification found it CORRUPT: at least one stored chunk does not match its SHA-256 fingerprint, so the snapshot refers to data that cannot be read.",
        steps: &[
            "Do not rely on {snapshot} for recovery.",
            "If you need the data now, restore from the newest earlier snapshot of {group} whose verification is OK: `ironcore-backup restore start REF --to PATH`.",
            "Start a fresh full backup (`ironcore-backup job run {job} --project {project} --full`): it stores the damaged chunks anew, which later backups would otherwise go on referring to.",
            "If another datastore holds a copy of the snapshot, sync it back from there.",
            "Verify again, and all other snapshots of {datastore}, for a chunk is shared by many: `ironcore-backup verify start {datastore} --again`.",
            "Look at the disk below {datastore} (`smartctl -a`, `dmesg`): bits do not turn by themselves.",
        ],
        offers: &[FULL, VERIFY, VERIFY_DATASTORE, RESYNC],
    },
    Rule {
        codes: &["chunk.missing"],
        title: "Do not restore from {snapshot}: use a verified earlier one, and run a full backup",
        why: "The verification found it MISSING: the snapshot refers to a chunk that is not in the datastore.",
        steps: &[
            "Do not rely on {snapshot} for recovery.",
            "If you need the data now, restore from the newest earlier snapshot of {group} whose verification is OK: `ironcore-backup restore start REF --to PATH`.",
            "Start a fresh full backup (`ironcore-backup job run {job} --project {project} --full`): it stores what is missing anew.",
            "If another datastore holds a copy of the snapshot, sync it back from there.",
            "Find out who removed files below the path of {datastore}: nothing but the hub may write there.",
            "Verify again, and all other snapshots of {datastore}: `ironcore-backup verify start {datastore} --again`.",
        ],
        offers: &[FULL, VERIFY, VERIFY_DATASTORE, RESYNC],
    },
    Rule {
        codes: &["index.damaged"],
        title: "Look at the disk below {datastore}: a part of its index was damaged",
        why: "A part of the index did not match its SHA-256 fingerprint. Nothing is lost: it is made anew from the packs. But files do not change by themselves, so a disk, its cable or memory is probably at fault.",
        steps: &[
            "Look at the disk below {datastore} (`smartctl -a`, `dmesg`), and test the memory if the disk is well.",
            "Make sure that nothing but the hub writes below its path.",
            "Verify {datastore} again, which tells whether snapshots are damaged too: `ironcore-backup verify start {datastore} --again`.",
            "If it happens again, replace the disk, and keep a copy in another datastore with a sync.",
        ],
        offers: &[VERIFY_DATASTORE],
    },
    Rule {
        codes: &["manifest.invalid", "manifest.signature"],
        title: "Do not trust {snapshot}: its manifest is damaged or was changed",
        why: "The manifest cannot be read, or its signature does not match the key of the hub that owns {datastore}.",
        steps: &[
            "Do not restore from {snapshot}; use the newest earlier snapshot of {group} whose verification is OK: `ironcore-backup verify report {datastore} --latest --result OK`.",
            "Start a fresh full backup.",
            "If the datastore came from another hub, take it over with `ironcore-backup datastore adopt {datastore} --path PATH`, so that its key is known.",
            "Otherwise find out who can write below the path of {datastore}, and look at its disk (`dmesg`, `smartctl -a`): the message names the fault.",
            "Move the manifest out of the datastore, so that garbage collection goes on: in the folder of {datastore} it is `snapshots/[ns/NAMESPACE/]TYPE/ID/TIME.manifest`, with TIME written as 20260521T000000Z. Keep the file; without it the snapshot is not listed any more.",
            "If a second datastore holds the snapshot, run the sync from there again now: it brings the manifest back, and what is missing with it. Do so before a collection, which frees what only this snapshot needed after a day.",
            "Then verify {datastore}, and collect garbage: `ironcore-backup gc start {datastore}`.",
        ],
        offers: &[FULL, VERIFY],
    },
    Rule {
        codes: &["datastore.full"],
        title: "Free space on {datastore}",
        why: "There is no space left on {datastore}, so nothing can be backed up to it.",
        steps: &[
            "Look at what fills it: `ironcore-backup datastore usage {datastore}`, and `df -h` at its path.",
            "Prune what is not needed: `ironcore-backup prune start {datastore} --keep-daily 7 --dry-run` says what would go, and without `--dry-run` it goes.",
            "Collect garbage: `ironcore-backup gc start {datastore}`. Pruning frees nothing until it has run, and it may take a day until condemned chunks are deleted.",
            "If the disk shows free space all the same, there are three reasons: garbage collection has not run since the last prune, a quota of the file system or of the hub's user counts as full (`quota -s`), or there are no inodes left (`df -i`).",
            "Enlarge the file system if it fills again, or keep fewer snapshots.",
            "Try the failed task again.",
        ],
        offers: &[GC, RETRY, PAUSE],
    },
    Rule {
        codes: &["datastore.inodes"],
        title: "Free inodes on {datastore}",
        why: "The file system of {datastore} has free space but no inodes left, so no file can be made on it.",
        steps: &[
            "Look at `df -i` at its path.",
            "Collect garbage, which removes files that nothing needs: `ironcore-backup gc start {datastore}`.",
            "Move other data off this file system, or move the datastore to one with more inodes (XFS and btrfs make them as needed).",
            "Try the failed task again.",
        ],
        offers: &[GC, RETRY],
    },
    Rule {
        codes: &["datastore.offline"],
        title: "Bring {datastore} back online",
        why: "The path of {datastore} cannot be reached: its disk is not mounted, or its server does not answer.",
        steps: &[
            "Look whether its path is mounted: `findmnt --target PATH`, and mount it.",
            "For a network file system, look at the server and the network between.",
            "`ironcore-backup datastore list` shows it online again; nothing else has to be done.",
            "Try the failed task again.",
        ],
        offers: &[RETRY, PAUSE],
    },
    Rule {
        codes: &["datastore.io"],
        title: "Look at the disk below {datastore}",
        why: "Reading or writing stored data failed. That is mostly the disk, its cable or its controller.",
        steps: &[
            "Look at `dmesg` and `smartctl -a` of the disk below {datastore}.",
            "Replace a failing disk now, and sync from another datastore.",
            "When the disk is well, verify {datastore}, which tells what is damaged: `ironcore-backup verify start {datastore} --again`.",
        ],
        offers: &[VERIFY_DATASTORE, RETRY],
    },
    Rule {
        codes: &["datastore.not-empty", "datastore.shared-path"],
        title: "Use a path of its own for the datastore",
        why: "A new datastore needs a folder that is empty or missing, and no two datastores may share one.",
        steps: &[
            "Choose another path, or empty this one.",
            "If the folder holds a datastore already, attach it: `ironcore-backup datastore attach {datastore} --path PATH`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["datastore.not-found"],
        title: "Look whether the disk of {datastore} is mounted",
        why: "The folder holds no datastore. When it held one, its disk is probably not mounted, and the folder is the empty mount point.",
        steps: &[
            "Look at `findmnt --target PATH`, and mount the disk.",
            "Correct the path of {datastore} if it was moved.",
            "Only if it never existed: `ironcore-backup datastore create {datastore} --path PATH`.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["datastore.foreign"],
        title: "Take {datastore} over, if it is yours",
        why: "It belongs to another hub. Two hubs that write to one datastore would delete each other's chunks.",
        steps: &[
            "Make sure that the other hub does not use it any more.",
            "Then take it over: `ironcore-backup datastore adopt {datastore} --path PATH`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["datastore.format"],
        title: "Update this hub",
        why: "{datastore} was written by a newer version, which this one cannot read.",
        steps: &[
            "Install the version that wrote it, or a later one.",
            "Try the failed task again.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["snapshot.not-found"],
        title: "Choose a snapshot that still exists",
        why: "There is no such snapshot: it was pruned or removed, or its name is misspelt.",
        steps: &[
            "Look at the snapshots that there are: `ironcore-backup snapshot list DATASTORE`.",
            "If retention removed it too early, keep more: `ironcore-backup prune simulate --input FILE` shows what a policy keeps, and why.",
            "A copy may be in another datastore.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["snapshot.exists"],
        title: "Run {job} again in a second",
        why: "A snapshot of this second exists already: two runs began at the same time.",
        steps: &[
            "Look whether two jobs back up the same workload, and give them different times or ids.",
            "Try again.",
        ],
        offers: &[RETRY],
    },
    Rule {
        codes: &["snapshot.not-ok"],
        title: "Restore from a snapshot that is verified OK",
        why: "The last verification of {snapshot} was not OK, so it was not restored.",
        steps: &[
            "Choose the newest earlier snapshot of {group} whose verification is OK: `ironcore-backup verify report DATASTORE --latest --result OK`.",
            "Start a fresh full backup.",
            "Only if there is no other: `ironcore-backup restore start REF --to PATH --force`, and expect damaged files.",
        ],
        offers: &[VERIFY, FULL_JOB],
    },
];
