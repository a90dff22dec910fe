//! Secrets go into requests and are found nowhere else: not in the hub's log, its database, its events, records and
//! answers, however loudly a receiver repeats them.

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::rude::{Echo, ways};
use serde_json::Value;

use crate::receivers::{attempted, office};

/// Names, values, and a part of each that nothing else has.
const SECRETS: [(&str, &str, &str); 8] = [
    ("hook-url", "", "T0-whole-url-part"),
    ("hook-part", "segment-of-the-path", "segment-of-the-path"),
    ("hook-query", "value=of&query", "value%3Dof"),
    ("hook-header", "token/of<the>header", "of<the>header"),
    ("hook-bearer", "bearer-of-the-hub", "bearer-of-the-hub"),
    ("hook-basic", "password: basicwort", "basicwort"),
    ("hook-body", "key \"in\" bodywort", "bodywort"),
    (
        "hook-sign",
        "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=",
        "nWGxne",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_found_anywhere_but_in_its_request() -> Result<()> {
    let echo = Echo::start().await?;
    let mut hub = TestHub::start("")?;
    let whole = format!("http://{}/services/T0-whole-url-part", echo.address());
    for (name, value, _) in SECRETS {
        hub.secret(name, if value.is_empty() { whole.as_str() } else { value })?;
    }
    let base = format!("http://{}", echo.address());
    let more = "bearer = { secret = \"hook-bearer\" }\nbody-secrets = { \"/key\" = { secret = \"hook-body\" } }\n\
        headers = { \"x-token\" = { secret = \"hook-header\", before = \"Token \" } }\n\
        signing-secret = { secret = \"hook-sign\" }";
    let document = office(
        &hub,
        &[
            ("whole", "WHOLE".to_owned(), ""),
            ("part", "PART".to_owned(), more),
            (
                "query",
                "QUERY".to_owned(),
                "username = \"hub\"\npassword = { secret = \"hook-basic\" }",
            ),
            // Nobody listens there: what is told of that must not tell the address.
            ("gone", "GONE".to_owned(), ""),
        ],
    );
    let gone = "http://127.0.0.1:1/";
    let document = document
        .replace("\"WHOLE\"", "{ secret = \"hook-url\" }")
        .replace(
            "\"PART\"",
            &format!("{{ secret = \"hook-part\", before = \"{base}/hooks/\" }}"),
        )
        .replace(
            "\"QUERY\"",
            &format!("{{ secret = \"hook-query\", before = \"{base}/send?key=\" }}"),
        )
        .replace(
            "\"GONE\"",
            &format!("{{ secret = \"hook-part\", before = \"{gone}hooks/\" }}"),
        );
    hub.apply(&document)?;
    hub.ok(&["job", "run", "collect", "--wait"])?;
    let mut told = String::new();
    for handler in ["whole", "part", "query", "gone"] {
        let shown = attempted(&mut hub, handler)?;
        let attempt = &shown["attempts"][0];
        let answered = handler != "gone";
        ensure!(attempt["status"].is_u64() == answered, "{shown:#}");
        if answered {
            let body = attempt["exchanges"][0]["body"].as_str().context("a body")?;
            ensure!(body.contains("[redacted]"), "{handler}: {body}");
        }
        let id = shown["message"]["id"].as_str().context("an id")?;
        told += &shown.to_string();
        told += &hub.ok(&["message", "show", id])?;
    }
    // The receiver did get them.
    let heard = echo.heard();
    for (name, _, part) in SECRETS
        .iter()
        .filter(|(name, ..)| !["hook-basic", "hook-sign"].contains(name))
    {
        let quoted = part.replace(' ', "%20");
        ensure!(
            heard.contains(part) || heard.contains(&quoted),
            "{name} was not sent: {heard}"
        );
    }
    ensure!(heard.contains("v1a,"), "{heard}");

    for command in [
        vec!["secret", "list"],
        vec!["export"],
        vec!["message", "list"],
        vec!["inbox", "list", "--limit", "200"],
        vec!["group", "list"],
    ] {
        told += &hub.ok(&command)?;
        if command != ["export"] {
            let json: Value = hub.json(&command)?;
            told += &json.to_string();
        }
    }
    told += &hub.log();
    hub.stop()?;
    told += &hub.log();
    let file = hub.folder().join("data/ledger.sqlite");
    if file.exists() {
        for name in ["ledger.sqlite", "ledger.sqlite-wal"] {
            let bytes = std::fs::read(hub.folder().join("data").join(name)).unwrap_or_default();
            told += &String::from_utf8_lossy(&bytes);
        }
    }
    for (name, value, part) in SECRETS {
        ensure!(!told.contains(part), "{name} is told: {}", near(&told, part));
        ensure!(
            value.is_empty() || !told.contains(value),
            "{name} is told: {}",
            near(&told, value)
        );
        for way in ways(value).into_iter().filter(|_| !value.is_empty()) {
            ensure!(!told.contains(&way), "{name} is told: {}", near(&told, &way));
        }
    }
    Ok(())
}

/// What stands around the first place of a text.
fn near(text: &str, part: &str) -> String {
    let at = text.find(part).unwrap_or(0);
    let before: String = text[..at].chars().rev().take(200).collect();
    let before: String = before.chars().rev().collect();
    format!("{before}{}", text[at..].chars().take(200).collect::<String>())
}

#[test]
fn a_value_never_comes_by_an_argument() -> Result<()> {
    let hub = TestHub::start("")?;
    let output = hub.cli(&["secret", "set", "hook", "the-value"])?;
    ensure!(output.status.code() == Some(2), "{:?}", output.status);
    let made = hub.ok(&["secret", "set", "signing", "--generate", "ed25519"])?;
    let public = hub.ok(&["secret", "public-key", "signing"])?;
    ensure!(
        public.starts_with("whpk_") && made.contains(public.trim()) && !made.contains("whsk_"),
        "{made}"
    );
    let shared = hub.ok(&["secret", "set", "shared", "--generate", "hmac"])?;
    ensure!(shared.contains("Signing key\twhsec_"), "{shared}");
    let none = hub.cli(&["secret", "public-key", "shared"])?;
    ensure!(!none.status.success() && String::from_utf8_lossy(&none.stderr).contains("--generate ed25519"));
    let missing = hub.cli(&["secret", "public-key", "nowhere"])?;
    ensure!(missing.status.code() == Some(5), "{:?}", missing.status);
    let list = hub.ok(&["secret", "list"])?;
    ensure!(
        list.contains("signing\ted25519\t") && list.contains("\troot@local!admin") && !list.contains("whs"),
        "{list}"
    );
    // On the files, as before a hub's first start.
    let data = hub.folder().join("data").display().to_string();
    let output = hub.cli_with(&["secret", "set", "by-hand", "--data", &data], b"value\n")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    ensure!(hub.ok(&["secret", "list"])?.contains("by-hand\tkept\t"));
    hub.ok(&["secret", "remove", "by-hand"])?;
    ensure!(hub.cli(&["secret", "remove", "by-hand"])?.status.code() == Some(5));
    Ok(())
}
