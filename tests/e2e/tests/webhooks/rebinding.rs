//! Names that change their answers between one connection and the next (DNS rebinding): each is checked where it is
//! dialled, and the hub is not led to itself.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_egress::{AllowList, EgressOptions, Looking, Lookup};
use ironcore_ledger::model::{AttemptOutcome, MessageState};
use ironcore_testkit::clock::ManualClock;
use ironcore_testkit::events::of_type;
use ironcore_testkit::webhook::{Answer, WebhookReceiver};
use ironcore_types::{ErrorCode, EventType};
use serde_json::json;

use crate::world::World;

/// Stands for an address of the world: it is allowed, and no other is.
const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The wait after the first try.
const AGAIN: Duration = Duration::from_secs(5);

/// A name server of somebody with bad intentions: its answers, and what was asked.
#[derive(Default)]
struct Turning {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Turning {
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn turn_to(&self, answers: impl IntoIterator<Item = Vec<IpAddr>>) {
        let mut all = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *all = answers.into_iter().collect();
    }
}

impl Lookup for Turning {
    fn lookup(&self, host: &str) -> Looking {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(host.to_owned());
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = answers.pop_front().unwrap_or_default();
        Box::pin(async move { Ok(answer) })
    }
}

/// A receiver outside, and inside a service on the same port, to which nobody must come.
async fn two_on_one_port() -> Result<(WebhookReceiver, TcpListener)> {
    let mut last = None;
    // The port that is free inside may be taken outside.
    for _ in 0..20 {
        let inside = TcpListener::bind((INSIDE, 0))?;
        inside.set_nonblocking(true)?;
        let port = inside.local_addr()?.port();
        match WebhookReceiver::start_at(SocketAddr::new(OUTSIDE, port)).await {
            Ok(outside) => return Ok((outside, inside)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("it was tried")?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_turns_to_the_hub_itself_is_not_followed() -> Result<()> {
    let (outside, inside) = two_on_one_port().await?;
    // With the connection gone the name is looked up for each try.
    outside.set_default(Answer::status(204).header("connection", "close"));
    outside.script([Answer::status(503).header("connection", "close")]);
    let names = Arc::new(Turning::default());
    names.turn_to([vec![OUTSIDE], vec![INSIDE]]);
    let url = format!("http://hooks.example:{}/hook", outside.address().port());
    let handler = json!([{ "name": "hook", "plugin": "webhook", "config": { "url": url } }]);
    let way_out = EgressOptions {
        allow: AllowList::parse([OUTSIDE.to_string()])?,
        lookup: Arc::<Turning>::clone(&names),
        ..EgressOptions::default()
    };
    let clock = ManualClock::at("2026-05-21T02:00:00Z");
    let mut world = World::with_egress(clock, &handler, &[], way_out).await?;
    world.start()?;

    // The first try goes out; before the second the name has turned.
    world.tell(&of_type(EventType::TaskFailed)).await?;
    world
        .until("it is tried once", |all| {
            all.first()
                .is_some_and(|one| one.attempts == 1 && one.state == MessageState::Pending)
        })
        .await?;
    world.clock.advance(AGAIN);
    let messages = world
        .until("it is given up", |all| {
            all.first().is_some_and(|one| one.state == MessageState::Dead)
        })
        .await?;
    let attempts = world.ledger.attempts(messages[0].id).await?;
    ensure!(
        attempts.len() == 2 && attempts[0].status == Some(503),
        "{attempts:?}"
    );
    let AttemptOutcome::Rejected { reason, code, gone } = &attempts[1].outcome else {
        anyhow::bail!("{attempts:?}");
    };
    ensure!(*code == ErrorCode::DeliveryAddress && !gone, "{attempts:?}");
    ensure!(
        reason.contains("hooks.example") && reason.contains("127.0.0.1") && attempts[1].status.is_none(),
        "it says why: {attempts:?}"
    );
    ensure!(names.asked() == ["hooks.example", "hooks.example"]);

    // Of several addresses only what is allowed is dialled, whatever stands first.
    names.turn_to([vec![INSIDE, OUTSIDE]]);
    world.tell(&of_type(EventType::TaskWarning)).await?;
    world.delivered(1).await?;
    world.stop().await?;
    ensure!(outside.received().len() == 2, "{:?}", outside.received());
    let came = inside.accept();
    ensure!(
        came.as_ref()
            .is_err_and(|error| error.kind() == ErrorKind::WouldBlock),
        "somebody came in: {came:?}"
    );
    Ok(())
}
