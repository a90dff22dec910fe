//! The certificate under a clock that is set by hand, and files that change under it.

use std::future::Future;
use std::os::unix::fs::PermissionsExt as _;
use std::pin::Pin;

use ironcore_ledger::model::Scope;
use ironcore_ledger::{Database, LedgerOptions};
use ironcore_types::Moment;
use ironcore_types::seams::{Clock, Random};

use super::*;

const DAY: u64 = 86_400;

/// A clock that stands until it is set.
struct ManualClock(watch::Sender<(Timestamp, Moment)>);

impl ManualClock {
    fn forward(&self, seconds: u64) {
        let span = Duration::from_secs(seconds);
        self.0
            .send_modify(|(now, moment)| (*now, *moment) = (now.after(span), moment.after(span)));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.borrow().0
    }

    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut times = self.0.subscribe();
        Box::pin(async move {
            let _reached = times.wait_for(|(now, _)| *now >= time).await;
        })
    }

    fn moment(&self) -> Moment {
        self.0.borrow().1
    }

    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut times = self.0.subscribe();
        let until = self.moment().after(span);
        Box::pin(async move {
            let _reached = times.wait_for(|(_, moment)| *moment >= until).await;
        })
    }
}

struct MachineRandom;

impl Random for MachineRandom {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("random bytes");
    }
}

fn start() -> Timestamp {
    Timestamp::from_seconds(1_779_321_600)
}

fn node() -> NodeName {
    "here".parse().expect("a name")
}

#[test]
fn a_made_one_is_kept_private_and_renewed_before_it_ends() {
    let folder = tempfile::tempdir().expect("folder");
    let settings = TlsSettings::default();
    let open = |now| Tls::open(&settings, folder.path(), &node(), now).expect("a certificate");
    let mut tls = open(start());
    let file = folder.path().join("tls/generated.pem");
    let mode = |path: &Path| std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(&folder.path().join("tls"))), (0o600, 0o700));
    let first = tls.certificate().borrow().clone();
    assert!(first.generated && first.fingerprint.len() == 64);
    assert_eq!(
        open(start()).certificate().borrow().fingerprint,
        first.fingerprint,
        "it stays"
    );
    let at = |days: u64| start().after(Duration::from_secs(days * DAY));
    assert_eq!(first.ends, at(730));
    assert!(tls.look(at(699), &node()).is_none());
    let event = tls.look(at(701), &node()).expect("it is told");
    let second = tls.certificate().borrow().clone();
    let left = std::fs::read_to_string(folder.path().join("tls/fingerprint")).expect("left");
    assert_eq!(
        left.trim(),
        second.fingerprint,
        "the command line of this machine knows"
    );
    assert_ne!(second.fingerprint, first.fingerprint);
    assert!(second.ends > at(1_400));
    assert_eq!(event.event_type, EventType::SystemCertificateRenewed);
    assert!(
        event.data.title.contains(&second.fingerprint),
        "{}",
        event.data.title
    );
    assert!(tls.look(at(702), &node()).is_none(), "once");
    // One that ended while the hub was stopped is told when it starts.
    let mut late = open(at(5_000));
    assert!(late.look(at(5_000), &node()).is_some());
    // More names need another.
    let more = TlsSettings {
        names: vec!["backup.example".to_owned(), "192.0.2.7".to_owned()],
        ..TlsSettings::default()
    };
    let named = Tls::open(&more, folder.path(), &node(), at(5_001)).expect("a certificate");
    assert_ne!(
        named.certificate().borrow().fingerprint,
        late.certificate().borrow().fingerprint
    );
    let again = Tls::open(&more, folder.path(), &node(), at(5_001)).expect("a certificate");
    assert_eq!(
        named.certificate().borrow().fingerprint,
        again.certificate().borrow().fingerprint
    );
}

#[tokio::test]
async fn what_is_renewed_while_the_hub_runs_is_told() {
    let folder = tempfile::tempdir().expect("folder");
    let clock = Arc::new(ManualClock(watch::channel((start(), Moment::default())).0));
    let seams = Seams::new(clock.clone(), Arc::new(MachineRandom));
    let options = LedgerOptions {
        database: Database::Sqlite(folder.path().join("ledger.db")),
        node: node(),
        pid: 7,
        pstart: 9,
    };
    let ledger = Ledger::open(options, seams.clone()).await.expect("a ledger");
    let tls = Tls::open(&TlsSettings::default(), folder.path(), &node(), start()).expect("a certificate");
    let (certificate, stop) = (tls.certificate(), CancellationToken::new());
    let before = certificate.borrow().fingerprint.clone();
    let mut told = ledger.wakes().events;
    let mut keeping = tokio::task::JoinSet::new();
    keeping.spawn(tls.keep(ledger.clone(), node(), seams, stop.clone()));
    clock.forward(720 * DAY);
    tokio::time::timeout(Duration::from_secs(60), told.changed())
        .await
        .expect("in time")
        .expect("the ledger is open");
    let events = ledger.events_after(0, 10, &Scope::All).await.expect("events");
    assert_eq!(events[0].event.event_type, EventType::SystemCertificateRenewed);
    assert_ne!(certificate.borrow().fingerprint, before);
    stop.cancel();
    keeping.join_next().await.expect("a task").expect("it ends");
}

#[test]
fn files_that_do_not_fit_leave_the_one_before() {
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name);
    let made = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let pem = made::make(&names, start()).expect("a certificate");
        let (certificate, key) = pem.split_once("-----BEGIN PRIVATE").expect("both");
        (certificate.to_owned(), format!("-----BEGIN PRIVATE{key}"))
    };
    let write = |name: &str, text: &str| {
        std::io::Write::write_all(
            &mut std::fs::File::create(path(name)).expect("file"),
            text.as_bytes(),
        )
        .expect("written");
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(0o600)).expect("mode");
    };
    let ((certificate, key), (other, other_key)) = (made(&["one.example"]), made(&["two.example"]));
    let settings = TlsSettings {
        certificate: Some(path("hub.pem")),
        key: Some(path("hub.key")),
        names: Vec::new(),
    };
    let open = || Tls::open(&settings, folder.path(), &node(), start());
    write("hub.pem", &certificate);
    assert!(open().is_err(), "no key");
    write("hub.key", &other_key);
    let error = open().expect_err("another's key").to_string();
    assert!(error.contains("do not fit"), "{error}");
    write("hub.key", &key);
    let mut tls = open().expect("both fit");
    std::fs::set_permissions(path("hub.key"), std::fs::Permissions::from_mode(0o644)).expect("mode");
    let error = open().expect_err("everybody's").to_string();
    assert!(error.contains("0600"), "{error}");
    let before = tls.certificate().borrow().fingerprint.clone();
    write("hub.pem", &other);
    assert!(tls.look(start(), &node()).is_none(), "half replaced");
    assert_eq!(tls.certificate().borrow().fingerprint, before);
    write("hub.key", &other_key);
    assert!(tls.look(start(), &node()).is_some());
    assert_ne!(tls.certificate().borrow().fingerprint, before);
    assert!(!path("tls/generated.pem").exists(), "the hub makes none");
}
