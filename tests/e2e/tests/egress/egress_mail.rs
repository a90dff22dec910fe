//! Mails: a real Postfix with STARTTLS, implicit TLS and login; a scripted server for refusals.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ironcore_egress::{
    AllowList, EgressOptions, FailureClass, Looking, Lookup, Mail, SmtpAuth, SmtpMechanism, SmtpServer,
    SmtpTls,
};
use ironcore_testkit::proxy::{Faults, TcpProxy};
use ironcore_testkit::smtp::{MailServer, PASSWORD, ScriptedSmtp, SmtpPlan, USER};
use ironcore_testkit::tls::TestCa;
use ironcore_types::ErrorCode;

use crate::{bench, bench_with, secret};

const PATIENCE: Duration = Duration::from_secs(30);

fn mail(id: &str) -> Mail {
    Mail {
        html: Some("<p>Sicherung <b>fehlgeschlagen</b></p>".into()),
        references: vec!["thread-1@hub.test".into()],
        in_reply_to: Some("thread-1@hub.test".into()),
        ..Mail::new(
            "Hub <hub@example.test>",
            "admin@example.test",
            "Sicherung von vm/1: FAILED ✗",
            "Zeile 1\n.\nZeile 3",
            id,
        )
    }
}

fn login(mechanism: Option<SmtpMechanism>) -> Option<SmtpAuth> {
    Some(SmtpAuth {
        user: USER.into(),
        password: secret("smtp"),
        mechanism,
    })
}

fn server(port: u16, tls: SmtpTls) -> SmtpServer {
    SmtpServer {
        auth: login(None),
        ..SmtpServer::new("localhost", port, tls)
    }
}

#[tokio::test]
async fn a_real_mail_server_takes_our_mail_and_nothing_else() {
    let authority = TestCa::new().expect("authority");
    let certificate = authority.issue(&["mail.test"]).expect("certificate");
    let real = MailServer::start(&certificate).await.expect("mail server");
    let trusting = bench(&[authority.pem()], &[("smtp", PASSWORD)]);

    // STARTTLS with PLAIN, with LOGIN, and TLS from the first byte: each arrives.
    let starttls = server(real.starttls.port(), SmtpTls::StartTls);
    let by_login = SmtpServer {
        auth: login(Some(SmtpMechanism::Login)),
        ..starttls.clone()
    };
    let implicit = server(real.implicit.port(), SmtpTls::Implicit);
    for (number, server) in [&starttls, &by_login, &implicit, &starttls]
        .into_iter()
        .enumerate()
    {
        let report = trusting
            .egress
            .mail(&mail(&format!("m{number}@hub.test")), server)
            .await
            .expect("handed over");
        assert_eq!(report.failure(), None, "{}", real.log());
    }
    let mails = real.wait_for(4, PATIENCE).await.expect("mails");
    let mut ids: Vec<_> = mails.iter().filter_map(|m| m.header("message-id")).collect();
    ids.sort();
    assert_eq!(
        ids,
        ["<m0@hub.test>", "<m1@hub.test>", "<m2@hub.test>", "<m3@hub.test>"]
    );
    for stored in &mails {
        assert_eq!(stored.header("auto-submitted").as_deref(), Some("auto-generated"));
        assert_eq!(
            stored.header("references").as_deref(),
            Some("<thread-1@hub.test>")
        );
        assert_eq!(
            stored.header("delivered-to").as_deref(),
            Some("admin@example.test")
        );
        assert!(
            stored
                .header("content-type")
                .is_some_and(|t| t.starts_with("multipart/alternative"))
        );
        let secured = stored.header("received").is_some_and(|r| r.contains("ESMTPSA"));
        assert!(secured, "TLS and a login: {:?}", stored.header("received"));
    }
    let logins = |how: &str| real.log().matches(&format!("sasl_method={how}")).count();
    assert_eq!((logins("PLAIN"), logins("LOGIN")), (3, 1));
    // A wrong password is a rejection that does not say the password.
    let wrong = bench(&[authority.pem()], &[("smtp", "wrong-password-of-the-hub")]);
    let failure = wrong
        .egress
        .mail(&mail("w@hub.test"), &starttls)
        .await
        .expect_err("wrong password");
    assert_eq!(
        (failure.class, failure.retry, failure.status),
        (FailureClass::Message, false, Some(535)),
        "{failure}"
    );
    assert!(!format!("{failure:?}").contains("wrong-password"));

    // An authority nobody knows: the lane's failure, and nothing is sent.
    let distrusting = bench(&[], &[("smtp", PASSWORD)]);
    for server in [&starttls, &implicit] {
        let failure = distrusting
            .egress
            .mail(&mail("u@hub.test"), server)
            .await
            .expect_err("unknown authority");
        assert_eq!(
            (failure.class, failure.code),
            (FailureClass::Lane, ErrorCode::DeliveryUnreachable),
            "{failure}"
        );
    }
    let told = SmtpServer {
        ca_pem: Some(authority.pem().to_owned()),
        ..starttls.clone()
    };
    assert!(
        distrusting.egress.mail(&mail("m4@hub.test"), &told).await.is_ok(),
        "the server's own authority"
    );

    // A name that the certificate does not carry.
    let misnamed = SmtpServer {
        host: "127.0.0.2".into(),
        ..told
    };
    assert!(
        distrusting
            .egress
            .mail(&mail("n@hub.test"), &misnamed)
            .await
            .is_err()
    );

    // A server without STARTTLS gets nothing when STARTTLS is wanted, and a foreign domain is rejected.
    let scripted = ScriptedSmtp::start(&SmtpPlan::default()).expect("scripted server");
    let stripped = server(scripted.address.port(), SmtpTls::StartTls);
    let failure = trusting
        .egress
        .mail(&mail("s@hub.test"), &stripped)
        .await
        .expect_err("no STARTTLS");
    assert!(
        failure.class == FailureClass::Lane && failure.reason.contains("STARTTLS"),
        "{failure}"
    );
    let both = Mail {
        to: vec!["x@elsewhere.test".into(), "admin@example.test".into()],
        ..mail("m5@hub.test")
    };
    let report = trusting.egress.mail(&both, &starttls).await.expect("half of it");
    assert!(
        report.recipients[0].result.as_ref().is_err_and(|f| !f.retry),
        "{report:?}"
    );
    assert!(report.recipients[1].result.is_ok() && report.retryable().is_empty());
    assert_eq!(real.wait_for(6, PATIENCE).await.expect("mails").len(), 6);
    // All mails by STARTTLS and PLAIN went over one connection.
    trusting.egress.close().await;
    real.wait_for_log(" auth=1 mail=3 ", PATIENCE)
        .await
        .expect("one connection for three mails");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_for_now_and_for_good_are_told_apart() {
    let rcpt = [
        (
            "later@example.test".to_owned(),
            vec!["451 4.7.1 greylisted, try again".to_owned()],
        ),
        (
            "never@example.test".to_owned(),
            vec!["550 5.1.1 no such user".to_owned()],
        ),
    ];
    let plan = SmtpPlan {
        rcpt: rcpt.into(),
        data: vec!["451 4.3.0 try again".into()],
        ..SmtpPlan::default()
    };
    let mut scripted = ScriptedSmtp::start(&plan).expect("scripted server");
    let plain = SmtpServer::new("127.0.0.1", scripted.address.port(), SmtpTls::None);
    let bench = bench(&[], &[]);

    let failure = bench
        .egress
        .mail(&mail("a@hub.test"), &plain)
        .await
        .expect("talked")
        .failure()
        .expect("451");
    assert_eq!(
        (failure.class, failure.retry, failure.status),
        (FailureClass::Message, true, Some(451)),
        "{failure}"
    );
    assert_eq!(
        bench
            .egress
            .mail(&mail("a@hub.test"), &plain)
            .await
            .expect("then ok")
            .failure(),
        None
    );
    let first = scripted.next_mail().expect("mail");

    let three = Mail {
        to: ["later@example.test", "never@example.test", "now@example.test"]
            .map(String::from)
            .into(),
        ..mail("b@hub.test")
    };
    let report = bench.egress.mail(&three, &plain).await.expect("talked");
    let statuses: Vec<_> = report
        .recipients
        .iter()
        .map(|r| r.result.as_ref().err().and_then(|f| f.status))
        .collect();
    assert_eq!(statuses, [Some(451), Some(550), None]);
    assert_eq!(report.retryable(), ["later@example.test"]);
    assert!(report.failure().is_some_and(|f| f.retry));
    let second = scripted.next_mail().expect("mail");
    assert_eq!(
        (second.to.as_slice(), second.peer),
        (&["now@example.test".to_owned()][..], first.peer),
        "one connection"
    );
    assert!(
        second.content.contains("Zeile 1\r\n.\r\nZeile 3"),
        "the dot came through: {}",
        second.content
    );

    // Without TLS to anything but loopback: not allowed, whatever the allow-list says.
    let elsewhere = SmtpServer::new("192.0.2.1", 25, SmtpTls::None);
    let failure = bench
        .egress
        .mail(&mail("c@hub.test"), &elsewhere)
        .await
        .expect_err("refused");
    assert_eq!(failure.code, ErrorCode::DeliveryAddress);
}

/// A name server that changes its mind.
struct Rebinding(AtomicUsize);

impl Lookup for Rebinding {
    fn lookup(&self, _: &str) -> Looking {
        let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        let address = if first { "127.0.0.1" } else { "127.0.0.2" };
        Box::pin(async move { Ok(vec![address.parse().expect("address")]) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_whose_name_leads_elsewhere_now_is_not_dialled() {
    let mut scripted = ScriptedSmtp::start(&SmtpPlan::default()).expect("scripted server");
    let options = EgressOptions {
        allow: AllowList::parse(["127.0.0.1"]).expect("list"),
        lookup: Arc::new(Rebinding(AtomicUsize::new(0))),
        ..EgressOptions::default()
    };
    let bench = bench_with(options, &[]);
    let server = SmtpServer::new("mail.example", scripted.address.port(), SmtpTls::None);
    let report = bench
        .egress
        .mail(&mail("1@hub.test"), &server)
        .await
        .expect("allowed");
    assert_eq!(report.failure(), None);
    scripted.next_mail().expect("mail");
    // Although a connection to the first address lies idle.
    let failure = bench
        .egress
        .mail(&mail("2@hub.test"), &server)
        .await
        .expect_err("rebound");
    assert_eq!(failure.code, ErrorCode::DeliveryAddress, "{failure}");
    assert!(failure.reason.contains("127.0.0.2"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_breaks_or_hangs_is_the_lanes_failure() {
    let mut scripted = ScriptedSmtp::start(&SmtpPlan::default()).expect("scripted server");
    let proxy = TcpProxy::start(scripted.address).await.expect("proxy");
    let plain = SmtpServer::new("127.0.0.1", proxy.address().port(), SmtpTls::None);
    let bench = bench(&[], &[]);

    assert!(bench.egress.mail(&mail("1@hub.test"), &plain).await.is_ok());
    // The idle connection is cut: the next mail goes over a fresh one.
    proxy.cut();
    assert_eq!(
        bench
            .egress
            .mail(&mail("2@hub.test"), &plain)
            .await
            .expect("fresh")
            .failure(),
        None
    );
    let peers = [
        scripted.next_mail().expect("mail").peer,
        scripted.next_mail().expect("mail").peer,
    ];
    assert_ne!(peers[0], peers[1]);

    proxy.set(Faults {
        silent: true,
        ..Faults::default()
    });
    proxy.cut();
    let hasty = SmtpServer {
        timeout: Duration::from_millis(200),
        ..plain.clone()
    };
    let failure = bench
        .egress
        .mail(&mail("3@hub.test"), &hasty)
        .await
        .expect_err("silence");
    assert_eq!(
        (failure.class, failure.retry),
        (FailureClass::Lane, true),
        "{failure}"
    );

    proxy.set(Faults {
        refuse: true,
        ..Faults::default()
    });
    let failure = bench
        .egress
        .mail(&mail("4@hub.test"), &plain)
        .await
        .expect_err("refused");
    assert_eq!(failure.class, FailureClass::Lane, "{failure}");
}
