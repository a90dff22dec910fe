//! Mails through the hub to a real Postfix over STARTTLS with a login, beside a bare pooled loop of the same library to
//! the same server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ironcore_ledger::model::{MessageFilter, MessageState, Page};
use ironcore_testkit::smtp::{MailServer, PASSWORD, USER};
use ironcore_testkit::tls::TestCa;
use lettre::message::MultiPart;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde_json::json;

use super::webhooks::tell;
use super::world::{Setup, World};
use crate::report::{Bound, Figure};

/// Connections at once: as many as the hub has to one server.
const CONNECTIONS: u32 = 8;

pub(super) async fn mails(short: bool) -> Result<Vec<Figure>> {
    let mails = if short { 50 } else { 1_000 };
    let rounds = if short { 1 } else { 2 };
    let authority = TestCa::new()?;
    let server = MailServer::start(&authority.issue(&["mail.test"])?).await?;
    let port = server.starttls.port();
    let (mut ours, mut bare): (f64, f64) = (0.0, 0.0);
    for _ in 0..rounds {
        bare = bare.max(bare_rate(&authority, port, mails).await?);
        ours = ours.max(rate(&authority, port, mails).await?);
    }
    let note = format!(
        "{ours:.0} mails a second, the bare loop {bare:.0}; {mails} mails, {CONNECTIONS} connections, the better of {rounds}"
    );
    Ok(vec![
        Figure::new(
            "mails over STARTTLS beside a bare pooled loop",
            ours / bare,
            "×",
            Bound::Least(0.8),
        )
        .note(note),
    ])
}

async fn rate(authority: &TestCa, port: u16, mails: usize) -> Result<f64> {
    let handler = json!({
        "plugin": "email",
        "config": {
            "host": "localhost", "port": port, "tls": "starttls", "username": USER,
            "password": { "secret": "smtp" }, "from": "Hub <hub@example.test>", "to": ["admin@example.test"],
        },
    });
    let setup = Setup {
        roots: vec![authority.pem().to_owned()],
        secrets: vec![("smtp", PASSWORD)],
        ..Setup::default()
    };
    let mut world = World::new(vec![handler], setup).await?;
    world.start()?;
    let begun = Instant::now();
    tell(&world, mails, 1).await?;
    delivered(&world, mails).await?;
    let took = begun.elapsed();
    world.stop().await?;
    Ok(mails as f64 / took.as_secs_f64())
}

/// Waits until the server has taken them all.
async fn delivered(world: &World, mails: usize) -> Result<()> {
    let filter = MessageFilter {
        group: Some("group-0".parse()?),
        states: vec![MessageState::Delivered],
        ..MessageFilter::default()
    };
    let begun = Instant::now();
    let mut wakes = world.ledger.wakes().messages;
    loop {
        wakes.borrow_and_update();
        let found = world.ledger.messages(&filter, &Page::first(1)).await?.total.value;
        if usize::try_from(found)? >= mails {
            return Ok(());
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(300),
            "{found} of {mails} mails were taken"
        );
        // Counting for each of them would be a load of its own.
        tokio::time::sleep(Duration::from_millis(20)).await;
        wakes.changed().await?;
    }
}

async fn bare_rate(authority: &TestCa, port: u16, mails: usize) -> Result<f64> {
    let tls = TlsParameters::builder("localhost".to_owned())
        .add_root_certificate(Certificate::from_pem(authority.pem().as_bytes())?)
        .build_rustls()?;
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("localhost")
        .port(port)
        .tls(Tls::Required(tls))
        .credentials(Credentials::new(USER.to_owned(), PASSWORD.to_owned()))
        .pool_config(PoolConfig::new().max_size(CONNECTIONS))
        .build();
    let (transport, next) = (Arc::new(transport), Arc::new(AtomicUsize::new(0)));
    let begun = Instant::now();
    let sender = |_| {
        let (transport, next) = (Arc::clone(&transport), Arc::clone(&next));
        async move {
            while next.fetch_add(1, Ordering::Relaxed) < mails {
                transport.send(mail()?).await?;
            }
            Ok::<_, anyhow::Error>(())
        }
    };
    futures::future::try_join_all((0..CONNECTIONS).map(sender)).await?;
    Ok(mails as f64 / begun.elapsed().as_secs_f64())
}

/// About as much as the hub says.
fn mail() -> Result<Message> {
    let text = "line: what a task says of itself while it works\n".repeat(40);
    let html = format!(
        "<html><body><pre>{}</pre></body></html>",
        "<p>what a task says of itself</p>\n".repeat(120)
    );
    Ok(Message::builder()
        .from("Hub <hub@example.test>".parse()?)
        .to("admin@example.test".parse()?)
        .subject("Backup of /srv/tree-0 to ibs-primary failed")
        .multipart(MultiPart::alternative_plain_html(text, html))?)
}
