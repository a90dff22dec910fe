//! Tests of the whole plugin, natively, with a host that records.

use ironcore_plugin::{
    Call, Delivery, Event, Failure, FailureScope, FakeHost, Incident, Plugin, Slot, mail, templates,
};
use serde_json::{Value, json};

use crate::Email;

fn config() -> Value {
    json!({
        "host": "mail.example", "username": "hub", "password": { "secret": "smtp-password" },
        "from": "Backup <hub@example.com>", "to": ["Ops <ops@example.com>", "boss@example.com"],
        "subject-prefix": "[backup]",
    })
}

fn failed() -> Event {
    Event::sample(
        "ironcore.task.failed",
        &json!({
            "project": "demo", "severity": "error", "title": "Backup of vm/12345 failed",
            "error": { "code": "datastore.full", "message": "no space left" },
            "task": { "upid": "UPID:x:", "type": "backup", "state": "failed", "log_tail": ["one", "two"] },
        }),
    )
}

fn sent(host: &FakeHost) -> (mail::Server, mail::Message) {
    host.calls()
        .into_iter()
        .find_map(|call| match call {
            Call::Mail(server, message) => Some((server, message)),
            _ => None,
        })
        .expect("a mail")
}

fn deliver(host: &FakeHost, delivery: &Delivery) -> Result<(mail::Server, mail::Message), Failure> {
    Email::deliver(host, delivery)?;
    Ok(sent(host))
}

#[test]
fn a_mail_says_who_what_and_where() {
    let host = FakeHost::new().template(
        "email/subject.txt",
        Ok("[backup]  Backup\r\nBcc: x@y failed".to_owned()),
    );
    let (server, mail) = deliver(&host, &Delivery::sample(failed(), &config())).expect("sent");
    assert_eq!(
        (server.host.as_str(), server.port, server.tls),
        ("mail.example", 587, mail::TlsMode::Starttls)
    );
    assert_eq!(
        server.credential.expect("credential").password,
        Slot::Secret("smtp-password".to_owned())
    );
    assert_eq!(
        mail.subject, "[backup] Backup Bcc: x@y failed",
        "line breaks cannot make headers"
    );
    assert_eq!(mail.sender.name.as_deref(), Some("Backup"));
    assert_eq!(mail.to.len(), 2);
    assert_eq!(mail.text, "<email/body.txt>\n");
    assert_eq!(mail.html.as_deref(), Some("<email/body.html>"));
    assert!(
        mail.headers
            .contains(&("Auto-Submitted".to_owned(), "auto-generated".to_owned()))
    );
    let extra = host.calls().into_iter().find_map(|call| match call {
        Call::Render(name, extra) if name == "email/body.html" => Some(extra),
        _ => None,
    });
    let extra: Value = serde_json::from_str(&extra.expect("rendered")).expect("json");
    assert_eq!(
        extra,
        json!({ "prefix": "[backup]", "color": "#b3261e", "status": "FAILED" })
    );
}

#[test]
fn ids_are_the_same_for_each_attempt_and_differ_by_message_and_recipient() {
    let first = Delivery::sample(failed(), &config());
    let id = |delivery: &Delivery| {
        let mail = deliver(&FakeHost::new(), delivery).expect("sent").1;
        (mail.message_id, mail.references)
    };
    let again = Delivery {
        attempt: 2,
        ..first.clone()
    };
    assert_eq!(id(&first), id(&again));
    let one = Delivery {
        recipient: Some("ops@example.com".to_owned()),
        ..first.clone()
    };
    let next = Delivery {
        message_id: "01920000-0000-7000-8000-0000000000cc".to_owned(),
        ..first.clone()
    };
    assert_ne!(id(&first).0, id(&one).0);
    assert_ne!(id(&first).0, id(&next).0);
    assert_eq!(id(&first).1, id(&next).1, "one thread");
    assert_ne!(
        id(&first).1,
        id(&Delivery {
            thread: "task/2".to_owned(),
            ..first.clone()
        })
        .1
    );
    assert!(id(&first).0.ends_with("@example.com"));
}

#[test]
fn a_handler_can_name_its_own_templates() {
    let host = FakeHost::new();
    let named = Delivery {
        template: Some("short".to_owned()),
        ..Delivery::sample(failed(), &config())
    };
    let (_, mail) = deliver(&host, &named).expect("sent");
    assert_eq!(mail.text, "<email/short/body.txt>\n");
    let outside = Delivery {
        template: Some("../../etc".to_owned()),
        ..Delivery::sample(failed(), &config())
    };
    assert_eq!(
        deliver(&FakeHost::new(), &outside).expect("sent").1.text,
        "<email/body.txt>\n"
    );
}

#[test]
fn a_broken_template_does_not_keep_the_news_back() {
    let fault = templates::Fault {
        template: "email/body.txt".to_owned(),
        line: 3,
        column: 7,
        message: "no such value".to_owned(),
    };
    let host = FakeHost::new()
        .template("email/body.txt", Err(templates::Error::Invalid(fault)))
        .template(
            "email/subject.txt",
            Err(templates::Error::NotFound("email/subject.txt".to_owned())),
        );
    let (_, mail) = deliver(&host, &Delivery::sample(failed(), &config())).expect("sent");
    assert_eq!(mail.subject, "[backup] Backup of vm/12345 failed");
    for part in [
        "no space left (datastore.full)",
        "two",
        "https://hub.example:8007/tasks/1",
        "3:7: no such value",
    ] {
        assert!(mail.text.contains(part), "{part:?} in {}", mail.text);
    }
}

#[test]
fn answers_are_classified() {
    let reply = |code| mail::Reply {
        code,
        text: "said".to_owned(),
    };
    let answer = |error| {
        let host = FakeHost::new().answer_mail(Err(error));
        Email::deliver(&host, &Delivery::sample(failed(), &config())).expect_err("failure")
    };
    for (error, retried, scope) in [
        (mail::Error::Permanent(reply(550)), false, None),
        (mail::Error::Invalid("x".to_owned()), false, None),
        (mail::Error::AddressDenied("x".to_owned()), false, None),
        (
            mail::Error::Temporary(reply(450)),
            true,
            Some(FailureScope::Message),
        ),
        (
            mail::Error::Temporary(reply(421)),
            true,
            Some(FailureScope::Destination),
        ),
        (mail::Error::Timeout, true, Some(FailureScope::Destination)),
        (
            mail::Error::Credential("x".to_owned()),
            true,
            Some(FailureScope::Destination),
        ),
        (
            mail::Error::SecretMissing("x".to_owned()),
            true,
            Some(FailureScope::Destination),
        ),
    ] {
        match answer(error.clone()) {
            Failure::Retry(retry) => assert!(retried && Some(retry.scope) == scope, "{error:?}: {retry:?}"),
            other => assert!(!retried, "{error:?}: {other:?}"),
        }
    }
}

#[test]
fn wrong_addresses_are_rejected_before_anything_is_sent() {
    let mut wrong = config();
    wrong["to"] = json!(["ops@example.com\r\nBcc: all@example.com"]);
    let host = FakeHost::new();
    let failure = Email::deliver(&host, &Delivery::sample(failed(), &wrong)).expect_err("rejected");
    assert!(matches!(failure, Failure::Rejected(rejection) if rejection.reason.code == "plugin.config"));
    assert!(host.calls().iter().all(|call| !matches!(call, Call::Mail(..))));
}

#[test]
fn the_runs_of_a_job_are_one_conversation_and_an_incident_another() {
    let run = |upid: &str| {
        let task = json!({ "upid": upid, "type": "backup", "state": "failed", "job": "nightly" });
        let data = json!({ "project": "demo", "severity": "error", "title": "Backup failed", "task": task });
        let mut event = Event::sample("ironcore.task.failed", &data);
        event.project = Some("demo".to_owned());
        Delivery {
            thread: upid.to_owned(),
            ..Delivery::sample(event, &config())
        }
    };
    let references = |delivery: &Delivery| deliver(&FakeHost::new(), delivery).expect("sent").1.references;
    let (first, second) = (run("UPID:1:"), run("UPID:2:"));
    assert_eq!(references(&first), references(&second));
    let mut elsewhere = run("UPID:3:");
    elsewhere.events[0].project = Some("other".to_owned());
    assert_ne!(references(&first), references(&elsewhere));
    let incident = Delivery {
        incident: Some(Incident {
            key: "datastore.full/ibs-primary".to_owned(),
            title: "ibs-primary is full".to_owned(),
            opened_us: 0,
            count: 2,
            resolved: false,
            attrs: Vec::new(),
        }),
        ..run("UPID:4:")
    };
    assert_ne!(references(&first), references(&incident));
    let later = Delivery {
        thread: "UPID:5:".to_owned(),
        ..incident.clone()
    };
    assert_eq!(references(&incident), references(&later));
}

#[test]
fn the_log_and_the_way_to_log_in_are_the_configurations_to_say() {
    let with = |key: &str, value: Value| {
        let mut config = config();
        config[key] = value;
        deliver(&FakeHost::new(), &Delivery::sample(failed(), &config)).expect("sent")
    };
    let log = |value: Value| {
        let attrs = with("attach-log", value).1.attrs;
        attrs
            .into_iter()
            .map(|(name, bytes)| format!("{name}={bytes}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(log(json!(false)), [""; 0]);
    assert_eq!(log(json!(true)), ["attach-log=262144"]);
    assert_eq!(log(json!(10)), ["attach-log=10240"]);
    assert_eq!(
        with("mechanism", json!("login")).0.attrs,
        [("mechanism".to_owned(), "login".to_owned())]
    );
    assert!(with("reply-to", json!("a@b.example")).0.attrs.is_empty());
}
