//! The hub's own plugins and the example, as components: loaded, called and heard.

mod support;

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use ironcore_plugin_host::effects::{Signature, Slot, TlsMode};
use ironcore_plugin_host::{Capability, DeliverOutcome, Grants, HostConfig, NoServices, Plugin, PluginHost};
use ironcore_types::ErrorCode;
use serde_json::{Value, json};

use support::{Recorder, builtin, delivery, event, example, object};

fn load(name: &str) -> Arc<Plugin> {
    PluginHost::new(HostConfig::default())
        .expect("host")
        .load(&builtin(name), &Grants::all())
        .expect("loaded")
}

#[tokio::test]
async fn webhook_sends_a_signed_cloudevent() {
    let plugin = load("webhook");
    let config = json!({ "url": "https://a.example/hook", "signing-secret": { "secret": "hook" } });
    assert_eq!(
        plugin.destination(&object(config.clone())),
        "webhook:url=\"https://a.example/hook\""
    );
    assert_eq!(
        plugin
            .secrets(&object(config.clone()))
            .into_iter()
            .collect::<Vec<_>>(),
        ["hook"]
    );
    let services = Recorder::new();
    let mut delivery = delivery(config);
    delivery.tips = load("remediation")
        .advise(&delivery.events[0], Arc::new(NoServices))
        .await
        .expect("advice");
    let done = plugin
        .deliver(delivery, Arc::clone(&services) as _)
        .await
        .expect("delivered");
    assert!(
        matches!(done.outcome, DeliverOutcome::Delivered(ref receipt) if receipt.status == Some(200)),
        "{done:?}"
    );
    let requests = services.http.lock().expect("lock");
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(request.url, Slot::Text("https://a.example/hook".to_owned()));
    let Some(Signature::StandardWebhook { keys, message_id }) = &request.signature else {
        panic!("{request:?}")
    };
    assert_eq!(
        (keys.as_slice(), message_id),
        (&["hook".to_owned()][..], &support::uuid(2).to_string())
    );
    let body: Value = serde_json::from_slice(request.body.as_deref().expect("body")).expect("json");
    assert_eq!(body["id"], support::uuid(1).to_string());
    assert_eq!(body["data"]["error"]["code"], "datastore.full");
    assert_eq!(
        body["data"]["tips"][0]["actions"],
        json!([]),
        "the event names no datastore to act on"
    );
    assert!(
        body["data"]["tips"][0]["title"]
            .as_str()
            .is_some_and(|title| title.starts_with("Free space"))
    );
}

#[tokio::test]
async fn email_renders_and_sends() {
    let plugin = load("email");
    let config = json!({
        "host": "mail.example", "tls": "implicit", "username": "hub", "password": { "secret": "smtp" },
        "from": "Hub <hub@example.com>", "to": ["ops@example.com"],
    });
    let services = Recorder::new();
    let done = plugin
        .deliver(delivery(config), Arc::clone(&services) as _)
        .await
        .expect("delivered");
    assert!(
        matches!(done.outcome, DeliverOutcome::Delivered(ref receipt) if receipt.status == Some(250)),
        "{done:?}"
    );
    let mails = services.mail.lock().expect("lock");
    let (server, mail) = &mails[0];
    assert_eq!(
        (server.port, server.tls, server.secrets()),
        (465, TlsMode::Implicit, vec!["smtp"])
    );
    assert!(mail.message_id.starts_with(&support::uuid(2).to_string()) && mail.html.is_some());
    let rendered = services.rendered.lock().expect("lock");
    let names: Vec<&str> = rendered.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["email/subject.txt", "email/body.txt", "email/body.html"]);
    let context = &rendered[0].1;
    assert_eq!(context["event"]["data"]["title"], "Backup failed");
    assert_eq!(
        context["event"]["data"]["task"],
        Value::Null,
        "missing parts are null for strict templates"
    );
    assert_eq!(context["extra"]["color"], "#b3261e");
    assert_eq!(context["links"]["task"], "https://hub.example/tasks/1");
}

#[tokio::test]
async fn inbox_presents_each_event() {
    let done = load("inbox")
        .deliver(delivery(json!({})), Recorder::new())
        .await
        .expect("delivered");
    assert_eq!(done.inbox.len(), 1);
    assert_eq!(done.inbox[0].title, "Backup failed");
    assert!(
        done.inbox[0].body.contains("no space left (`datastore.full`)"),
        "{}",
        done.inbox[0].body
    );
}

#[tokio::test]
async fn remediation_puts_evidence_into_the_reason() {
    let plugin = load("remediation");
    let tips = plugin
        .advise(&event("x"), Arc::new(NoServices))
        .await
        .expect("advice");
    assert_eq!(tips.len(), 1);
    assert!(
        tips[0]
            .why
            .contains("\ncode: datastore.full\nmessage: no space left"),
        "{}",
        tips[0].why
    );
    let error = plugin
        .deliver(delivery(json!({})), Recorder::new())
        .await
        .expect_err("it only advises");
    assert_eq!(error.to_string(), "the plugin remediation does not deliver");
}

#[tokio::test]
async fn metrics_pushes_what_its_configuration_says_and_refuses_half_of_one() {
    let plugin = load("metrics");
    let influx = json!({ "target": "influxdb", "url": "http://i.example:8086", "bucket": "b", "org": "o" });
    let gateway = json!({ "target": "push-gateway", "url": "https://p.example", "instance": "hall" });
    for (config, right) in [
        (influx.clone(), true),
        (gateway.clone(), true),
        (
            json!({ "target": "influxdb", "url": "http://i.example:8086" }),
            false,
        ),
        (
            json!({ "target": "push-gateway", "url": "https://p.example", "bucket": "b" }),
            false,
        ),
        (
            json!({ "target": "push-gateway", "url": "https://p.example", "instance": "a/b" }),
            false,
        ),
        (
            json!({ "target": "push-gateway", "url": "https://p.example?x" }),
            false,
        ),
        (
            json!({ "target": "push-gateway", "url": "https://p.example", "labels": { "job": "x" } }),
            false,
        ),
        (json!({ "target": "graphite", "url": "https://p.example" }), false),
    ] {
        let checked = plugin.check_config(&object(config.clone()));
        assert_eq!(checked.is_ok(), right, "{config}: {checked:?}");
    }
    assert_eq!(
        plugin.destination(&object(influx.clone())),
        "metrics:bucket=\"b\";org=\"o\";url=\"http://i.example:8086\""
    );
    let services = Recorder::new();
    let done = plugin
        .deliver(delivery(influx), Arc::clone(&services) as _)
        .await
        .expect("delivered");
    assert!(matches!(done.outcome, DeliverOutcome::Delivered(_)), "{done:?}");
}

#[test]
fn the_hubs_own_plugins_ask_for_no_more_than_they_use() {
    let host = PluginHost::new(HostConfig::default()).expect("host");
    for (name, needs) in [
        (
            "email",
            vec![Capability::Mail, Capability::Templates, Capability::Log],
        ),
        (
            "webhook",
            vec![Capability::Http, Capability::Templates, Capability::Log],
        ),
        ("inbox", vec![Capability::Inbox]),
        ("remediation", vec![]),
        ("metrics", vec![Capability::Http, Capability::Kv, Capability::Log]),
    ] {
        let grants: Grants = needs.into_iter().collect();
        let plugin = host.load(&builtin(name), &grants).expect(name);
        assert_eq!(plugin.manifest().wants, grants, "{name}");
        assert_eq!(plugin.name().as_str(), name);
    }
}

#[tokio::test]
async fn a_folder_is_loaded_and_broken_files_are_named() {
    let folder = tempfile::tempdir().expect("folder");
    let put = |name: &str, bytes: &[u8]| {
        File::create(folder.path().join(name))
            .expect("file")
            .write_all(bytes)
            .expect("written");
    };
    put("a-broken.wasm", b"nonsense");
    put("hello.wasm", &example("hello-tip"));
    put("same.wasm", &example("hello-tip"));
    put("wants.wasm", &example("misbehave"));
    put("readme.txt", b"not a plugin");
    let host = PluginHost::new(HostConfig::default()).expect("host");
    let report = host.load_folder(folder.path(), &|manifest| {
        if manifest.name.as_str() == "hello-tip" {
            [Capability::Log].into_iter().collect()
        } else {
            Grants::none()
        }
    });
    let failures: Vec<(String, ErrorCode)> = report
        .failures
        .iter()
        .map(|(path, error)| {
            (
                path.file_name().expect("name").to_string_lossy().into_owned(),
                error.code(),
            )
        })
        .collect();
    assert_eq!(
        failures,
        [
            ("a-broken.wasm".to_owned(), ErrorCode::PluginLoad),
            ("same.wasm".to_owned(), ErrorCode::PluginLoad),
            ("wants.wasm".to_owned(), ErrorCode::PluginCapability),
        ]
    );
    let [(path, hello)] = report.plugins.as_slice() else {
        panic!("{report:?}")
    };
    assert!(path.ends_with("hello.wasm"));
    let done = hello
        .deliver(delivery(json!({ "greeting": "Hello:" })), Recorder::new())
        .await
        .expect("delivered");
    assert_eq!(done.report.log[0].text, "Hello: Backup failed");
    assert!(
        host.load_folder(&folder.path().join("missing"), &|_| Grants::none())
            .failures
            .is_empty()
    );
}

#[tokio::test]
async fn compiled_plugins_are_kept_and_used_again() {
    let home = tempfile::tempdir().expect("folder");
    let cache = home.path().join("cache");
    let config = HostConfig {
        cache: Some(cache.clone()),
        ..HostConfig::default()
    };
    for _ in 0..2 {
        let host = PluginHost::new(config.clone()).expect("host");
        let plugin = host
            .load(&builtin("remediation"), &Grants::none())
            .expect("loaded");
        assert_eq!(
            plugin
                .advise(&event("x"), Arc::new(NoServices))
                .await
                .expect("advice")
                .len(),
            1
        );
        let kept: Vec<String> = std::fs::read_dir(&cache)
            .expect("folder")
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        assert_eq!(kept.len(), 1);
        assert!(kept[0].starts_with(plugin.digest()), "{kept:?}");
    }
}
