//! A hub with TLS of its own: real handshakes, with a certificate that it made and with one of the administrator's.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ironcore_egress::{Fingerprint, pinned_tls};
use ironcore_testkit::hub::{TestHub, binary};
use ironcore_testkit::tls::{ServerCertificate, TestCa};
use reqwest::Version;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

/// A client that believes this one certificate.
fn client(fingerprint: &str) -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder().no_proxy();
    Ok(builder
        .tls_backend_preconfigured(pinned_tls(fingerprint.parse()?)?)
        .build()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_the_hubs_own_is_pinned() -> Result<()> {
    let mut hub = TestHub::start("[tls]\nnames = [\"backup.example\"]")?;
    let shown = hub.fingerprint().context("a fingerprint")?;
    ensure!(hub.log().contains(&shown), "it is told at start: {}", hub.log());
    let status = hub.ok(&["status"])?;
    ensure!(status.contains(&shown), "{status}");
    let wrong = "00".repeat(32);
    let refused = hub.cli(&["status", "--fingerprint", &wrong])?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        !refused.status.success() && said.contains("remote.fingerprint") && said.contains(&shown),
        "{said}"
    );
    // Nobody vouches for it.
    let unknown = hub.cli(&["status", "--fingerprint", "x"])?;
    ensure!(!unknown.status.success());

    let made = hub.cli_with(
        &["user", "create", "alice@local", "--role", "auditor"],
        format!("{PASSWORD}\n").as_bytes(),
    )?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let client = client(&shown)?;
    let health = client.get(format!("{}/api/v1/health", hub.url()?)).send().await?;
    ensure!(
        health.status().is_success() && health.version() == Version::HTTP_2,
        "{health:?}"
    );
    let login = json!({ "user": "alice", "password": PASSWORD });
    let answer = client
        .post(format!("{}/api/v1/login", hub.url()?))
        .json(&login)
        .send()
        .await?;
    let cookie = answer.headers()["set-cookie"].to_str()?.to_owned();
    ensure!(
        answer.status().is_success() && cookie.ends_with("; Secure"),
        "{cookie}"
    );
    // Where it came from is known behind TLS too.
    let audit: Value = hub.json(&["audit", "list"])?;
    ensure!(audit["entries"][0]["address"] == "127.0.0.1", "{audit}");

    // It stays the same when the hub starts again.
    hub.stop()?;
    hub.resume()?;
    ensure!(hub.fingerprint() == Some(shown));
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    let mut options = std::fs::File::options();
    let file = options.write(true).create(true).truncate(true).mode(0o600);
    Ok(file.open(path)?.write_all(text.as_bytes())?)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_certificate_that_is_replaced_is_shown_and_told() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (certificate, key, ca) = (
        folder.path().join("hub.pem"),
        folder.path().join("hub.key"),
        folder.path().join("ca.pem"),
    );
    let authority = TestCa::new()?;
    let put = |issued: &ServerCertificate| -> Result<String> {
        write(&key, &issued.key_pem)?;
        write(&certificate, &issued.certificate_pem)?;
        Ok(Fingerprint::of(&issued.der).to_string())
    };
    let first = put(&authority.issue(&[])?)?;
    write(&ca, authority.pem())?;
    let config = format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}");
    let mut hub = TestHub::start(&config)?;
    ensure!(hub.fingerprint() == Some(first.clone()));
    // It is known by its authority, too.
    let by_authority = Command::new(binary()?)
        .args(["status", "--ca"])
        .arg(&ca)
        .args(["--server", &hub.url()?, "--token-file"])
        .arg(hub.token_file())
        .env("XDG_CONFIG_HOME", folder.path())
        .output()?;
    let said = String::from_utf8_lossy(&by_authority.stderr);
    ensure!(by_authority.status.success(), "{said}");
    let health = format!("{}/api/v1/health", hub.url()?);

    let second = put(&authority.issue(&["backup.example"])?)?;
    hub.wait_until("the other certificate is shown", |hub| {
        Ok(hub.fingerprint().filter(|shown| *shown == second))
    })?;
    ensure!(client(&first)?.get(&health).send().await.is_err());
    ensure!(client(&second)?.get(&health).send().await?.status().is_success());
    hub.wait_until("it is told", |hub| {
        let inbox: Value = hub.json(&["inbox", "list"])?;
        let told = inbox.to_string();
        Ok((told.contains("certificate-renewed") && told.contains(&second)).then_some(()))
    })?;
    Ok(())
}
