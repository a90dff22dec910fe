//! Random histories of backups, removals, collections, crashes and re-openings against a plain map.

#![expect(clippy::disallowed_methods, reason = "the trees of tests need not be durable")]

#[path = "support/faulty.rs"]
mod faulty;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use faulty::{FaultyBlobs, Last};
use ironcore_store::{GcRequest, MemBlobs, NoWatch, SESSION_TTL};
use proptest::prelude::*;
use support::{World, assert_all_ok, gc_now, noise, paths, request, restore, snapshot};

#[derive(Debug, Clone)]
enum Step {
    /// Sets a file to a content.
    Write(u8, u8),
    Remove(u8),
    /// Backs up; dies after so many changes.
    Backup(Option<i64>),
    /// Removes the oldest snapshot.
    Forget,
    /// Collects, at once or with the usual grace; dies after so many changes.
    Collect(bool, Option<i64>),
    /// Lets sessions and graces run out.
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    let death = || prop::option::weighted(0.4, 0..14i64);
    prop_oneof![
        4 => (0..6u8, 0..5u8).prop_map(|(file, content)| Step::Write(file, content)),
        1 => (0..6u8).prop_map(Step::Remove),
        4 => death().prop_map(Step::Backup),
        2 => Just(Step::Forget),
        3 => (any::<bool>(), death()).prop_map(|(now, death)| Step::Collect(now, death)),
        1 => Just(Step::Wait),
    ]
}

type Tree = BTreeMap<u8, u8>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn committed_snapshots_are_always_whole(steps in prop::collection::vec(step(), 1..40), done in any::<bool>()) {
        let last = if done { Last::Done } else { Last::Lost };
        let folder = tempfile::tempdir().expect("folder");
        let world = World::new();
        let blobs = MemBlobs::new();
        world.create(Arc::new(blobs.clone()));
        let mut tree = Tree::new();
        let mut model: BTreeMap<i64, Tree> = BTreeMap::new();
        for (number, step) in steps.into_iter().enumerate() {
            let number = number as i64;
            let open = |death: Option<i64>| {
                world.open(Arc::new(FaultyBlobs::new(blobs.clone(), death.unwrap_or(i64::MAX), last)))
            };
            let file = |n: u8| folder.path().join(format!("f{n}"));
            match step {
                Step::Write(n, content) => {
                    fs::write(file(n), noise(u64::from(content), 150_000 * usize::from(n % 2) + 5000)).expect("write");
                    tree.insert(n, content);
                }
                Step::Remove(n) => {
                    if tree.remove(&n).is_some() {
                        fs::remove_file(file(n)).expect("remove");
                    }
                }
                Step::Backup(death) => {
                    let result = open(death).backup(request(folder.path(), number), &NoWatch);
                    let there = paths(&world.open(Arc::new(blobs.clone()))).contains(&snapshot(number));
                    prop_assert!(there || result.is_err());
                    prop_assert!(death.is_some() || result.is_ok());
                    if there {
                        model.insert(number, tree.clone());
                    }
                }
                Step::Forget => {
                    if let Some((number, _)) = model.pop_first() {
                        open(None).forget(&snapshot(number)).expect("forget");
                    }
                }
                Step::Collect(now, death) => {
                    let request = if now { gc_now() } else { GcRequest::default() };
                    let result = open(death).gc(request, &NoWatch);
                    // Without a death of its own it may only find the session of another that died.
                    let busy = result.as_ref().is_err_and(|error| error.to_string().contains("another"));
                    prop_assert!(death.is_some() || result.is_ok() || busy, "{:?}", result);
                }
                Step::Wait => world.pass(SESSION_TTL * 100),
            }
        }
        let datastore = world.open(Arc::new(blobs.clone()));
        let wanted: Vec<_> = model.keys().map(|number| snapshot(*number)).collect();
        prop_assert_eq!(paths(&datastore), wanted);
        assert_all_ok(&datastore, model.len());
        world.pass(SESSION_TTL * 100);
        datastore.gc(gc_now(), &NoWatch).expect("gc");
        datastore.gc(gc_now(), &NoWatch).expect("gc");
        assert_all_ok(&datastore, model.len());
        for (number, tree) in &model {
            let to = tempfile::tempdir().expect("folder");
            restore(&datastore, *number, to.path());
            prop_assert_eq!(fs::read_dir(to.path()).expect("read").count(), tree.len());
            for (n, content) in tree {
                let wanted = noise(u64::from(*content), 150_000 * usize::from(n % 2) + 5000);
                let found = fs::read(to.path().join(format!("f{n}"))).expect("read");
                prop_assert!(found == wanted, "file {} of snapshot {}", n, number);
            }
        }
    }
}
