//! Receivers that do not behave, and addresses that must not be reached: what a user sees of it in the attempt, of a real
//! hub.

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::rude::{BODY, Manner, RudeReceiver};
use ironcore_testkit::webhook::{Answer, WebhookReceiver};
use serde_json::Value;

/// Project `office` with a job `collect` that is told to these handlers: name, address, further configuration.
pub(crate) fn office(hub: &TestHub, handlers: &[(&str, String, &str)]) -> String {
    let handlers: String = handlers
        .iter()
        .map(|(name, url, more)| {
            format!(
                "[[group.handler]]\nname = \"{name}\"\nplugin = \"webhook\"\n[group.handler.config]\nurl = \"{url}\"\n{more}\n"
            )
        })
        .collect();
    format!(
        r#"
        [[project]]
        name = "office"
        [[datastore]]
        name = "ibs-primary"
        path = "{}"
        projects = ["office"]
        [[group]]
        project = "office"
        name = "ops"
        {handlers}
        [[job]]
        project = "office"
        name = "collect"
        owner = "alice@local"
        groups = ["ops"]
        task = {{ type = "gc", datastore = "ibs-primary" }}
        "#,
        hub.folder().join("ibs-primary").display()
    )
}

/// The message of a handler with its attempts, once there is one.
pub(crate) fn attempted(hub: &mut TestHub, handler: &str) -> Result<Value> {
    hub.wait_until(&format!("{handler} was tried"), |hub| {
        let messages = hub.messages()?;
        let found = messages.iter().find(|message| message["handler"] == handler);
        let Some(id) = found.and_then(|message| message["id"].as_str()) else {
            return Ok(None);
        };
        let shown: Value = hub.json(&["message", "show", id])?;
        let tried = shown["attempts"].as_array().is_some_and(|all| !all.is_empty());
        Ok(tried.then_some(shown))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_that_misbehave_cost_an_attempt_and_no_more() -> Result<()> {
    let endless = RudeReceiver::start(Manner::Endless).await?;
    let drips = RudeReceiver::start(Manner::Drips).await?;
    let body = RudeReceiver::start(Manner::DripsBody).await?;
    let silent = RudeReceiver::start(Manner::Silent).await?;
    let closes = RudeReceiver::start(Manner::Closes).await?;
    let inside = WebhookReceiver::start().await?;
    let redirects = WebhookReceiver::start().await?;
    redirects.set_default(Answer::status(302).header("location", inside.url()));
    let failing = WebhookReceiver::start().await?;
    let answer = Answer::status(503)
        .header("x-trace", "t-1")
        .header("set-cookie", "session=1");
    failing.set_default(answer.body("first line\nsecond line\n"));
    let mut hub = TestHub::start("")?;
    let soon = "timeout-ms = 400";
    hub.apply(&office(
        &hub,
        &[
            ("endless", endless.url(), ""),
            ("drips", drips.url(), soon),
            ("drips-body", body.url(), soon),
            ("silent", silent.url(), soon),
            ("closes", closes.url(), ""),
            ("redirects", format!("{}/hook", redirects.url()), ""),
            ("failing", format!("{}/hook?key=1", failing.url()), ""),
        ],
    ))?;
    hub.ok(&["job", "run", "collect", "--wait"])?;

    // What was answered before the limit counts: the status was given.
    for handler in ["endless", "drips-body"] {
        let shown = attempted(&mut hub, handler)?;
        ensure!(shown["message"]["state"] == "delivered", "{handler}: {shown:#}");
        let exchange = &shown["attempts"][0]["exchanges"][0];
        ensure!(
            exchange["status"] == 200 && exchange["truncated"] == true,
            "{exchange:#}"
        );
        let kept = exchange["body"].as_str().context("a body")?;
        ensure!(kept.len() <= 20_000, "{handler} left {} bytes", kept.len());
    }
    ensure!(endless.sent() < BODY / 8, "{} bytes were read", endless.sent());

    for (handler, words) in [
        ("drips", "did not answer within 0.4 s"),
        ("silent", "did not answer within 0.4 s"),
        ("closes", "connection"),
    ] {
        let shown = attempted(&mut hub, handler)?;
        let attempt = &shown["attempts"][0];
        ensure!(
            attempt["outcome"] == "retry" && attempt["error"]["code"] == "delivery.unreachable",
            "{handler}: {attempt:#}"
        );
        let exchange = &attempt["exchanges"][0];
        let error = exchange["error"].as_str().context("why")?;
        ensure!(
            exchange["status"].is_null() && error.contains(words),
            "{handler}: {exchange:#}"
        );
        let latency = exchange["latency_us"].as_u64().context("a latency")?;
        ensure!(
            handler == "closes" || latency >= 400_000,
            "{handler} took {latency} µs"
        );
    }

    let shown = attempted(&mut hub, "redirects")?;
    ensure!(shown["message"]["state"] == "dead", "{shown:#}");
    let why = shown["message"]["error"]["message"].as_str().context("why")?;
    ensure!(why.contains("redirects are not followed"), "{why}");
    ensure!(inside.received().is_empty(), "the redirect was followed");

    // The record, for people and whole.
    let shown = attempted(&mut hub, "failing")?;
    let exchange = &shown["attempts"][0]["exchanges"][0];
    ensure!(
        exchange["request"] == format!("POST {}/hook", failing.url()),
        "{exchange:#}"
    );
    ensure!(exchange["body"] == "first line\nsecond line\n" && exchange["truncated"] == false);
    let headers = exchange["headers"].to_string();
    ensure!(
        headers.contains("\"x-trace\"") && !headers.contains("session"),
        "{headers}"
    );
    let id = shown["message"]["id"].as_str().context("an id")?;
    let text = hub.ok(&["message", "show", id])?;
    for line in [
        format!("  Asked\tPOST {}/hook: 503 (", failing.url()),
        "  Header\tx-trace: t-1\n".to_owned(),
        "  Body\tfirst line\n  Body\tsecond line\n".to_owned(),
    ] {
        ensure!(text.contains(&line), "{line}\n{text}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_are_not_allowed_are_never_dialled() -> Result<()> {
    let receiver = WebhookReceiver::start().await?;
    let port = receiver.address().port();
    let config = "[egress]\nallow = [\"127.0.0.1\", \"169.254.0.0/16\", \"fd00::/8\"]\n";
    let mut hub = TestHub::start(config)?;
    let refused = [
        ("loopback", format!("http://127.0.0.2:{port}/")),
        ("decimal", format!("http://2130706434:{port}/")),
        ("octal", format!("http://0177.0.0.2:{port}/")),
        ("hexadecimal", format!("http://0x7f.2:{port}/")),
        ("mapped", format!("http://[::ffff:127.0.0.2]:{port}/")),
        ("nat64", format!("http://[64:ff9b::7f00:2]:{port}/")),
        ("six-to-four", format!("http://[2002:7f00:2::1]:{port}/")),
        ("private", "http://10.0.0.1/".to_owned()),
        // In ranges that the configuration allows, and never meant by them.
        ("metadata", "http://169.254.169.254/latest/meta-data/".to_owned()),
        (
            "metadata-six",
            "http://[fd00:ec2::254]/latest/meta-data/".to_owned(),
        ),
    ];
    let mut handlers: Vec<_> = refused
        .iter()
        .map(|(name, url)| (*name, url.clone(), ""))
        .collect();
    handlers.push(("allowed", format!("http://127.0.0.1:{port}/"), ""));
    hub.apply(&office(&hub, &handlers))?;
    hub.ok(&["job", "run", "collect", "--wait"])?;
    for (name, _) in refused {
        let shown = attempted(&mut hub, name)?;
        ensure!(
            shown["message"]["state"] == "dead" && shown["message"]["error"]["code"] == "delivery.address",
            "{name}: {shown:#}"
        );
        let why = shown["message"]["error"]["message"].as_str().context("why")?;
        ensure!(why.contains("is not on the allow-list"), "{name}: {why}");
    }
    let shown = attempted(&mut hub, "allowed")?;
    ensure!(shown["message"]["state"] == "delivered", "{shown:#}");
    // Beside the run it is told of what the others could not be told.
    let all = receiver.received();
    let of_the_run = all.iter().filter(|request| {
        let told = request.json().ok();
        told.is_some_and(|told| told["type"] != "ironcore.delivery.exhausted")
    });
    ensure!(of_the_run.count() == 1);
    Ok(())
}
