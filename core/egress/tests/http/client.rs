//! The client under test, with a clock that stands still and secrets of its own. Whom it talks to is left to
//! `server`.

use std::sync::Arc;

use ironcore_egress::{AllowList, Egress, EgressOptions, SecretName, Secrets};
use ironcore_types::seams::{Clock, Random};
use ironcore_types::{Moment, Seams, Timestamp};

pub(super) struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-05-21T12:00:00Z".parse().expect("time")
    }
    fn sleep_until(&self, _: Timestamp) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
    fn moment(&self) -> Moment {
        Moment::default()
    }
    fn sleep(&self, _: std::time::Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

impl Random for Noon {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

pub(super) struct Bench {
    pub(super) egress: Egress,
    _dir: tempfile::TempDir,
}

pub(super) fn bench(options: EgressOptions) -> Bench {
    let dir = tempfile::tempdir().expect("dir");
    let secrets = Secrets::open(&dir.path().join("secrets"), &dir.path().join("key")).expect("secrets");
    let seams = Seams::new(Arc::new(Noon), Arc::new(Noon));
    Bench {
        egress: Egress::new(options, secrets, seams).expect("egress"),
        _dir: dir,
    }
}

pub(super) fn loopback() -> EgressOptions {
    EgressOptions {
        allow: AllowList::parse(["127.0.0.0/8"]).expect("list"),
        ..EgressOptions::default()
    }
}

pub(super) fn name(text: &str) -> SecretName {
    SecretName::new(text).expect("name")
}
