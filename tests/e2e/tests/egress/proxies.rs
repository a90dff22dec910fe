//! Proxies and an authority of one's own, by the configuration of a real hub.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ironcore_egress::{AllowList, EgressOptions, FailureClass, HttpRequest, ProxyOptions};
use ironcore_testkit::http_proxy::HttpProxy;
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::tls::TestCa;
use ironcore_testkit::webhook::{Answer, WebhookReceiver};
use ironcore_types::ErrorCode;

use crate::bench_with;
use crate::receivers::{attempted, office};

const PASSWORD: &str = "pass-of-the-proxy";

fn login() -> String {
    format!("Basic {}", STANDARD.encode(format!("hub:{PASSWORD}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_behind_a_proxy_reaches_what_it_cannot_look_up() -> Result<()> {
    let ca = TestCa::new()?;
    let secure = WebhookReceiver::start_tls(&ca.issue(&["chat.example"])?).await?;
    let plain = WebhookReceiver::start().await?;
    let direct = WebhookReceiver::start().await?;
    let proxy = HttpProxy::start(secure.address(), plain.address(), Some(&login())).await?;
    // A proxy that hands its credential on, and a receiver that says what it heard.
    let heard = format!("you are {} with {PASSWORD}", login());
    plain.set_default(Answer::status(400).body(heard));

    let files = tempfile::tempdir()?;
    let (pem, password) = (files.path().join("ca.pem"), files.path().join("password"));
    let write = |path: &std::path::Path, text: &str| {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    };
    write(&pem, ca.pem())?;
    write(&password, &format!("{PASSWORD}\n"))?;
    let mut hub = TestHub::start(&format!(
        "[egress]\nallow = [\"127.0.0.1\"]\nca = [\"{}\"]\n[egress.proxy]\nurl = \"http://{}\"\n\
         username = \"hub\"\npassword-file = \"{}\"\nno-proxy = [\"127.0.0.1\", \"*.corp.example\"]\n",
        pem.display(),
        proxy.address(),
        password.display(),
    ))?;
    hub.apply(&office(
        &hub,
        &[
            ("secure", "https://chat.example/hook".to_owned(), ""),
            ("plain", "http://plain.example/hook?key=1".to_owned(), ""),
            ("direct", format!("{}/hook", direct.url()), ""),
            ("literal", "http://127.0.0.9/".to_owned(), ""),
            ("inside", "http://hook.corp.example/".to_owned(), ""),
        ],
    ))?;
    hub.ok(&["job", "run", "collect", "--wait"])?;

    let shown = attempted(&mut hub, "secure")?;
    ensure!(shown["message"]["state"] == "delivered", "{shown:#}");
    ensure!(secure.received()[0].header("host") == Some("chat.example"));
    let shown = attempted(&mut hub, "direct")?;
    ensure!(shown["message"]["state"] == "delivered", "{shown:#}");
    // What is written in digits is the hub's to refuse, whoever would dial it.
    let shown = attempted(&mut hub, "literal")?;
    ensure!(
        shown["message"]["error"]["code"] == "delivery.address",
        "{shown:#}"
    );
    // What goes without the proxy is looked up here, where nobody knows it.
    let shown = attempted(&mut hub, "inside")?;
    ensure!(
        shown["message"]["error"]["code"] == "delivery.unreachable",
        "{shown:#}"
    );

    let shown = attempted(&mut hub, "plain")?;
    let body = shown["attempts"][0]["exchanges"][0]["body"]
        .as_str()
        .context("a body")?;
    ensure!(body == "you are Basic [redacted] with [redacted]", "{body}");
    ensure!(plain.received()[0].target == "/hook?key=1");
    ensure!(plain.received()[0].header("proxy-authorization").is_none());
    let mut asked = proxy.asked();
    asked.sort();
    asked.dedup();
    ensure!(
        asked == ["CONNECT chat.example:443", "POST http://plain.example/hook?key=1"],
        "{asked:?}"
    );

    let config = hub.folder().join("hub.toml");
    let told = hub.ok(&["config", "check", "--config", &config.display().to_string()])?;
    ensure!(
        told.contains(&format!("Proxy\thttp://{}", proxy.address())),
        "{told}"
    );
    ensure!(!told.contains(PASSWORD) && !hub.log().contains(PASSWORD));
    Ok(())
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_at_once() -> Result<()> {
    let hub = TestHub::start("")?;
    let file = hub.folder().join("other.toml");
    let open = hub.folder().join("open");
    std::fs::File::create(&open)?.write_all(b"x")?;
    for (proxy, words) in [
        (
            "url = \"http://10.0.0.1:3128\"".to_owned(),
            "which is not on the allow-list",
        ),
        (
            "url = \"socks5://proxy.example\"".to_owned(),
            "begins with http://",
        ),
        (
            "url = \"http://u:secret-word@proxy.example\"".to_owned(),
            "a file of their own",
        ),
        (
            "url = \"http://proxy.example\"\nusername = \"u\"".to_owned(),
            "name both or none",
        ),
        (
            format!(
                "url = \"http://proxy.example\"\nusername = \"u\"\npassword-file = \"{}\"",
                open.display()
            ),
            "set its mode to 0600",
        ),
        (
            "url = \"http://proxy.example\"\nno-proxy = [\"a b\"]".to_owned(),
            "names no destination",
        ),
    ] {
        let text = format!("data = \"{}\"\n[egress.proxy]\n{proxy}\n", hub.folder().display());
        std::fs::File::create(&file)?.write_all(text.as_bytes())?;
        let output = hub.cli(&["config", "check", "--config", &file.display().to_string()])?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            !output.status.success() && said.contains(words),
            "{proxy}: {said}"
        );
        ensure!(
            said.contains("[config.invalid]") && !said.contains("secret-word"),
            "{said}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_proxy_that_refuses_the_hub_is_no_messages_fault() {
    let receiver = WebhookReceiver::start().await.expect("receiver");
    let proxy = HttpProxy::start(receiver.address(), receiver.address(), Some("Basic xxx"));
    let proxy = proxy.await.expect("proxy");
    for login in [None, Some(("hub".to_owned(), PASSWORD.into()))] {
        let options = EgressOptions {
            allow: AllowList::parse(["127.0.0.1"]).expect("list"),
            proxy: Some(ProxyOptions {
                url: format!("http://{}", proxy.address()),
                login,
                direct: AllowList::default(),
            }),
            ..EgressOptions::default()
        };
        let bench = bench_with(options, &[]);
        for url in ["http://chat.example/", "https://chat.example/"] {
            let failure = bench.egress.http(HttpRequest::new("POST", url)).await;
            let failure = failure.expect_err("407");
            assert_eq!(
                (failure.class, failure.retry, failure.code),
                (FailureClass::Lane, true, ErrorCode::DeliveryUnreachable),
                "{url}: {failure}"
            );
            assert!(failure.reason.contains("proxy"), "{failure}");
            assert!(!failure.reason.contains(PASSWORD), "{failure}");
        }
    }
    assert!(receiver.received().is_empty());
}
