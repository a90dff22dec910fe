//! A small project with a tree, a datastore and a backup job.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use ironcore_testkit::hub::TestHub;

/// Writes `count` files of `size` bytes that do not compress and do not repeat.
pub(crate) fn noise(folder: &Path, count: u64, size: usize, seed: u64) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut state = seed;
    for number in 0..count {
        let mut bytes = Vec::with_capacity(size + 8);
        while bytes.len() < size {
            // SplitMix64
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.extend((z ^ (z >> 31)).to_le_bytes());
        }
        bytes.truncate(size);
        std::fs::File::create(folder.join(format!("noise-{number}")))?.write_all(&bytes)?;
    }
    Ok(())
}

/// A tree with a few files, a folder and a link.
pub(crate) fn small_tree(hub: &TestHub) -> Result<PathBuf> {
    let tree = hub.folder().join("tree");
    noise(&tree.join("data"), 5, 200_000, 7)?;
    std::fs::File::create(tree.join("hello.txt"))?.write_all(b"hello\n")?;
    std::os::unix::fs::symlink("hello.txt", tree.join("link"))?;
    Ok(tree)
}

/// Project `office`, datastore `ibs-primary`, job `files` that backs `tree` up by hand, and more as given.
pub(crate) fn office(hub: &TestHub, tree: &Path, job_extra: &str, more: &str) -> String {
    format!(
        r#"
        [[project]]
        name = "office"

        [[datastore]]
        name = "ibs-primary"
        path = "{store}"
        projects = ["office"]

        {more}

        [[job]]
        project = "office"
        name = "files"
        owner = "alice@local"
        {job_extra}
        [job.task]
        type = "backup"
        source = {{ tree = "{tree}" }}
        datastore = "ibs-primary"
        backup-type = "vm"
        backup-id = "12345"
        "#,
        store = hub.folder().join("ibs-primary").display(),
        tree = tree.display(),
    )
}

/// The group `oncall` with a webhook handler that posts to `url`.
pub(crate) fn hook_group(url: &str) -> String {
    format!(
        r#"
        [[group]]
        project = "office"
        name = "oncall"

        [[group.handler]]
        name = "chat"
        plugin = "webhook"
        [group.handler.config]
        url = "{url}"
        signing-secret = {{ secret = "hook" }}
        "#
    )
}
