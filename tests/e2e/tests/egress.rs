//! What leaves the machine, against real receivers.

#[path = "egress/egress_mail.rs"]
mod egress_mail;
#[path = "egress/egress_webhook.rs"]
mod egress_webhook;
#[path = "egress/leaks.rs"]
mod leaks;
#[path = "egress/mailed.rs"]
mod mailed;
#[path = "egress/proxies.rs"]
mod proxies;
#[path = "egress/receivers.rs"]
mod receivers;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ironcore_egress::{AllowList, Egress, EgressOptions, SecretName, Secrets};
use ironcore_types::seams::{Clock, Random};
use ironcore_types::{Moment, Seams, Timestamp};

/// The machine's time: the reference library for signatures compares with it.
struct Machine;

impl Clock for Machine {
    #[expect(
        clippy::disallowed_methods,
        reason = "receivers outside this process have the real time"
    )]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970");
        Timestamp::from_micros(i64::try_from(since.as_micros()).expect("microseconds"))
    }
    fn sleep_until(&self, time: Timestamp) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(time.since(self.now())))
    }
    fn moment(&self) -> Moment {
        Moment::new(Duration::from_micros(self.now().as_micros().unsigned_abs()))
    }
    fn sleep(&self, span: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(span))
    }
}

impl Random for Machine {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct Bench {
    egress: Egress,
    now: Timestamp,
    _folder: tempfile::TempDir,
}

/// Egress that may dial loopback, trusts these authorities and knows these secrets.
fn bench(authorities: &[&str], secrets: &[(&str, &str)]) -> Bench {
    let options = EgressOptions {
        allow: AllowList::parse(["127.0.0.0/8", "::1"]).expect("allow-list"),
        roots_pem: authorities.iter().map(|a| (*a).to_owned()).collect(),
        ..EgressOptions::default()
    };
    bench_with(options, secrets)
}

fn bench_with(options: EgressOptions, secrets: &[(&str, &str)]) -> Bench {
    let folder = tempfile::tempdir().expect("folder");
    let store = Secrets::open(&folder.path().join("secrets"), &folder.path().join("key")).expect("secrets");
    for (name, value) in secrets {
        store.seal(&secret(name), &(*value).into()).expect("seal");
    }
    let seams = Seams::new(Arc::new(Machine), Arc::new(Machine));
    let egress = Egress::new(options, store, seams.clone()).expect("egress");
    Bench {
        egress,
        now: seams.now(),
        _folder: folder,
    }
}

fn secret(name: &str) -> SecretName {
    SecretName::new(name).expect("name")
}
