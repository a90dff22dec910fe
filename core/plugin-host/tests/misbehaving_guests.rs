//! Guests that loop, hoard, crash, flood and reach for what they may not have: each is ended with a clear error and its
//! code, and harms nothing else.

mod support;

use std::sync::Arc;
use std::time::Duration;

use ironcore_plugin_host::{
    Capability, DeliverOutcome, Grants, HostConfig, NoServices, Plugin, PluginError, PluginHost,
};
use ironcore_types::ErrorCode;
use serde_json::json;

use support::{Recorder, delivery, event, example, object, with_manifest};

fn config() -> HostConfig {
    HostConfig {
        guest_time: Duration::from_millis(100),
        deliver_timeout: Duration::from_secs(20),
        advise_timeout: Duration::from_secs(20),
        concurrency: 4,
        ..HostConfig::default()
    }
}

fn misbehave(config: HostConfig) -> Arc<Plugin> {
    PluginHost::new(config)
        .expect("host")
        .load(&example("misbehave"), &Grants::all())
        .expect("loaded")
}

async fn failure(plugin: &Plugin, mode: &str) -> PluginError {
    plugin
        .deliver(delivery(json!({ "mode": mode })), Arc::new(NoServices))
        .await
        .expect_err(mode)
}

async fn behaves(plugin: &Plugin) {
    let done = plugin
        .deliver(delivery(json!({ "mode": "behave" })), Recorder::new())
        .await
        .expect("behaves");
    assert!(matches!(done.outcome, DeliverOutcome::Delivered(_)), "{done:?}");
}

#[tokio::test]
async fn each_kind_of_end_has_its_code_and_the_next_call_works() {
    let plugin = misbehave(config());
    for (mode, code, says) in [
        (
            "loop",
            ErrorCode::PluginTimeout,
            "its time on the processor of 100 ms",
        ),
        ("memory", ErrorCode::PluginMemory, "its memory of 24 MiB"),
        ("panic", ErrorCode::PluginTrap, "no luck (src/lib.rs:"),
        ("overflow", ErrorCode::PluginTrap, "ended abnormally"),
        ("exit", ErrorCode::PluginTrap, "ended abnormally"),
    ] {
        let error = failure(&plugin, mode).await;
        assert_eq!(error.code(), code, "{mode}: {error}");
        assert!(
            error.to_string().contains(says) && error.to_string().contains("misbehave"),
            "{mode}: {error}"
        );
        behaves(&plugin).await;
    }
}

#[tokio::test]
async fn all_guests_together_have_a_limit() {
    let plugin = misbehave(HostConfig {
        all_memory: 8 << 20,
        ..config()
    });
    let error = failure(&plugin, "memory").await;
    assert_eq!(error.code(), ErrorCode::PluginMemory);
    assert!(
        error
            .to_string()
            .contains("all plugins together used up their 8 MiB"),
        "{error}"
    );
    behaves(&plugin).await;
}

#[tokio::test]
async fn waiting_is_bounded_by_the_clock_and_not_counted_as_work() {
    let plugin = misbehave(HostConfig {
        deliver_timeout: Duration::from_millis(300),
        ..config()
    });
    let hang = Arc::new(Recorder {
        hang: true,
        ..Recorder::default()
    });
    let error = plugin
        .deliver(delivery(json!({ "mode": "request" })), hang)
        .await
        .expect_err("hangs");
    assert_eq!(error.code(), ErrorCode::PluginTimeout);
    assert!(error.to_string().contains("its whole time of 300 ms"), "{error}");
    let error = failure(&plugin, "sleep").await;
    assert!(error.to_string().contains("its whole time"), "{error}");
    behaves(&plugin).await;
}

#[tokio::test]
async fn a_loop_does_not_hold_up_others() {
    // One thread runs both: the looping guest has to give it back again and again.
    let plugin = misbehave(config());
    let both = tokio::join!(failure(&plugin, "loop"), behaves(&plugin));
    assert_eq!(both.0.code(), ErrorCode::PluginTimeout);
}

#[tokio::test]
async fn more_guests_than_slots_wait_for_their_turn() {
    let plugin = misbehave(HostConfig {
        concurrency: 2,
        ..config()
    });
    futures::future::join_all((0..20).map(|_| behaves(&plugin))).await;
}

#[tokio::test]
async fn what_a_guest_says_is_bounded() {
    let plugin = misbehave(HostConfig {
        guest_time: Duration::from_secs(10),
        ..config()
    });
    let services = Recorder::new();
    let done = plugin
        .deliver(delivery(json!({ "mode": "flood" })), Arc::clone(&services) as _)
        .await
        .expect("ends");
    assert!(done.report.log.len() <= 201, "{}", done.report.log.len());
    assert!(services.lines.lock().expect("lock").len() <= 201);
    assert!(
        done.report
            .log
            .iter()
            .all(|line| !line.text.contains('\n') && line.text.len() <= 2048)
    );
    let DeliverOutcome::Delivered(receipt) = done.outcome else {
        panic!("{:?}", done.outcome)
    };
    assert!(receipt.detail.len() <= 16 << 10);
}

#[tokio::test]
async fn writes_are_bounded() {
    let plugin = misbehave(config());
    let done = plugin
        .deliver(delivery(json!({ "mode": "kv" })), Recorder::new())
        .await
        .expect("ends");
    let DeliverOutcome::Delivered(receipt) = done.outcome else {
        panic!("{:?}", done.outcome)
    };
    assert_eq!(receipt.detail, "full after 4");
    assert_eq!(done.kv.len(), 4);
}

#[tokio::test]
async fn writes_come_with_the_outcome_and_the_outside_is_closed() {
    let plugin = misbehave(config());
    let services = Arc::new(Recorder {
        value: Some(vec![7]),
        ..Recorder::default()
    });
    let done = plugin
        .deliver(delivery(json!({ "mode": "behave" })), services)
        .await
        .expect("behaves");
    let kv: Vec<(&str, Option<&[u8]>)> = done
        .kv
        .iter()
        .map(|w| (w.key.as_str(), w.value.as_deref()))
        .collect();
    assert_eq!(kv, [("count", Some(&[8][..])), ("old", None)]);
    assert_eq!(done.inbox.len(), 1);
    assert_eq!(done.inbox[0].title, "Backup failed");
    assert_eq!(
        done.inbox[0].links,
        [("good".to_owned(), "https://a.example/".to_owned())]
    );
    let lines: Vec<&str> = done.report.log.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(
        lines,
        [
            "Some([8]) unknown=true environment=0 files=false",
            "hello from the guest"
        ]
    );
    assert!(done.report.memory >= 64 << 10);
}

#[tokio::test]
async fn only_secrets_of_the_configuration_can_be_used() {
    let plugin = misbehave(config());
    let services = Recorder::new();
    let ask = |secret: &str| {
        let config = json!({ "mode": "request", "token": { "secret": "mine" }, "use-secret": secret });
        plugin.deliver(delivery(config), Arc::clone(&services) as _)
    };
    let other = ask("smtp-password").await.expect("ends");
    let DeliverOutcome::Rejected { reason, .. } = other.outcome else {
        panic!("{:?}", other.outcome)
    };
    assert!(
        reason.message.contains("SecretMissing(\"smtp-password\")"),
        "{reason:?}"
    );
    assert!(services.http.lock().expect("lock").is_empty(), "nothing was sent");
    let mine = ask("mine").await.expect("ends");
    assert!(matches!(mine.outcome, DeliverOutcome::Delivered(_)), "{mine:?}");
    assert_eq!(services.http.lock().expect("lock")[0].secrets(), ["mine"]);
}

#[tokio::test]
async fn advice_that_fails_is_an_error_too() {
    let plugin = misbehave(config());
    for (title, code) in [
        ("loop", ErrorCode::PluginTimeout),
        ("panic", ErrorCode::PluginTrap),
    ] {
        let error = plugin
            .advise(&event(title), Arc::new(NoServices))
            .await
            .expect_err(title);
        assert_eq!(error.code(), code, "{error}");
    }
    let tips = plugin
        .advise(&event("fine"), Arc::new(NoServices))
        .await
        .expect("advice");
    assert_eq!(
        (tips.len(), tips[0].plugin.as_str(), tips[0].why.as_str()),
        (1, "misbehave", "fine")
    );
}

#[test]
fn what_is_not_granted_is_not_loaded() {
    let host = PluginHost::new(config()).expect("host");
    let wasm = example("misbehave");
    let refused = |wasm: &[u8], grants: &Grants| {
        let error = host.load(wasm, grants).expect_err("refused");
        assert_eq!(error.code(), ErrorCode::PluginCapability, "{error}");
        error.to_string()
    };
    let no_http: Grants = Grants::all().iter().filter(|c| *c != Capability::Http).collect();
    let says = refused(&wasm, &no_http);
    assert!(
        says.contains("`http`, which was not granted") && says.contains("inbox, kv, log"),
        "{says}"
    );

    let capabilities = "\"http\", \"inbox\", \"kv\"";
    let asks_less = with_manifest(wasm.clone(), capabilities, "\"mail\", \"inbox\", \"kv\"");
    let says = refused(&asks_less, &Grants::all());
    assert!(
        says.contains("`http`, which its manifest does not ask for"),
        "{says}"
    );

    let unknown = with_manifest(wasm, capabilities, "\"disk\", \"inbox\", \"kv\"");
    let says = refused(&unknown, &Grants::all());
    assert!(says.contains("\"disk\" is not a capability"), "{says}");
}

#[tokio::test]
async fn a_wrong_configuration_never_reaches_the_guest() {
    let plugin = misbehave(config());
    let wrong = object(json!({ "mode": "behave", "colour": 1, "token": "plain" }));
    let error = plugin.check_config(&wrong).expect_err("wrong");
    assert_eq!(error.code(), ErrorCode::PluginConfig);
    let PluginError::Config { faults, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(),
        ["colour", "token"]
    );
    let error = plugin
        .deliver(delivery(json!({ "mode": "dance" })), Recorder::new())
        .await
        .expect_err("wrong");
    assert_eq!(error.code(), ErrorCode::PluginConfig);
    assert_eq!(
        plugin.destination(&object(json!({ "mode": "loop" }))),
        "misbehave:mode=\"loop\""
    );
}

#[test]
fn files_that_are_no_components_are_refused() {
    let host = PluginHost::new(config()).expect("host");
    let wasm = example("misbehave");
    let cut = &wasm[..wasm.len() / 2];
    for bytes in [&b"nonsense"[..], b"", b"\0asm\x01\0\0\0", cut] {
        let error = host.load(bytes, &Grants::all()).expect_err("refused");
        assert_eq!(error.code(), ErrorCode::PluginLoad, "{error}");
    }
    let later = with_manifest(wasm.clone(), "contract = \"0.1\"", "contract = \"9.1\"");
    let error = host.load(&later, &Grants::all()).expect_err("refused");
    assert!(error.to_string().contains("this hub knows 0.1"), "{error}");
}
