//! How long the ledger takes to hand out messages when few and when very many wait: those for a hundred endpoints that
//! work, and those for one that does not, which all the others must not wait behind.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ironcore_ledger::Ledger;
use ironcore_ledger::model::{AttemptOutcome, FinishAttempt, NewSession, Service};
use ironcore_types::SessionId;

use super::webhooks::ENDPOINTS;
use super::world::{Setup, World, webhook};
use crate::machine;
use crate::report::{Bound, Figure, millis, quantile};

const FEW: usize = 1_000;
/// As many as the few last.
const ROUNDS: usize = 30;
/// Messages asked for at once, and how many of a lane.
const AT_ONCE: (u32, u32) = (32, 8);

pub(super) async fn claim(short: bool) -> Result<Vec<Figure>> {
    let many = if short { 10_000 } else { 1_000_000 };
    let mut hubs = [
        Hub::start(FEW, false).await?,
        Hub::start(many, false).await?,
        Hub::start(many, true).await?,
    ];
    // In turns, so that what else goes on in the machine concerns all of them.
    for _ in 0..ROUNDS {
        for hub in &mut hubs {
            hub.claim().await?;
        }
    }
    let [few, spread, behind] = hubs;
    let (few, spread, behind) = (
        few.median().await?,
        spread.median().await?,
        behind.median().await?,
    );
    let note = |took: Duration| {
        format!(
            "{:.2} ms, with {FEW} {:.2} ms; {ROUNDS} claims of {}",
            millis(took),
            millis(few),
            AT_ONCE.0
        )
    };
    let ratio = |took: Duration| took.as_secs_f64() / few.as_secs_f64();
    let bound = Bound::Most(1.5);
    Ok(vec![
        Figure::new(
            format!("claim with {many} pending beside {FEW}, median"),
            ratio(spread),
            "×",
            bound,
        )
        .note(note(spread)),
        Figure::new(
            format!("the same, {many} of them for one dead endpoint"),
            ratio(behind),
            "×",
            bound,
        )
        .note(note(behind)),
    ])
}

/// A hub with messages that wait.
struct Hub {
    world: World,
    session: SessionId,
    took: Vec<Duration>,
}

impl Hub {
    async fn start(pending: usize, dead: bool) -> Result<Self> {
        let handlers = (0..ENDPOINTS)
            .map(|number| webhook(&format!("http://127.0.0.1:{}/", 20_000 + number)))
            .collect();
        let world = World::new(handlers, Setup::default()).await?;
        let seq = world.fail(0, 0).await.map(|_| 1)?;
        fill(&world, seq, FEW, "free", 0).await?;
        let rest = pending - FEW;
        if rest > 0 {
            // Made before the others, so that they come first.
            fill(&world, seq, rest, if dead { "dead" } else { "free" }, -1).await?;
        }
        if dead {
            let until = machine::seams().now().after(Duration::from_secs(86_400));
            let why = "it does not answer";
            world.ledger.open_circuit("dead", until, why).await?;
        }
        let session = session(&world.ledger).await?;
        Ok(Self {
            world,
            session,
            took: Vec::new(),
        })
    }

    /// Claims once, and delivers what it got.
    async fn claim(&mut self) -> Result<()> {
        let ledger = &self.world.ledger;
        let begun = Instant::now();
        let claimed = ledger.claim_messages(self.session, AT_ONCE.0, AT_ONCE.1).await?;
        self.took.push(begun.elapsed());
        ensure!(
            claimed.len() == AT_ONCE.0 as usize,
            "{} were handed out",
            claimed.len()
        );
        for message in claimed {
            ensure!(message.message.lane != "dead", "a resting lane is left alone");
            let now = machine::seams().now();
            ledger
                .finish_attempt(FinishAttempt {
                    message: message.message.id,
                    session: self.session,
                    started: now,
                    ended: now,
                    outcome: AttemptOutcome::Delivered {
                        receipt: "204".to_owned(),
                    },
                    status: Some(204),
                    exchanges: Vec::new(),
                    detail: None,
                    kv: Vec::new(),
                    inbox: Vec::new(),
                    attrs: None,
                    refused: None,
                    taken: false,
                    tried: true,
                })
                .await?;
        }
        Ok(())
    }

    async fn median(mut self) -> Result<Duration> {
        self.world.stop().await?;
        Ok(quantile(&mut self.took, 0.5))
    }
}

async fn session(ledger: &Ledger) -> Result<SessionId> {
    let id = SessionId(machine::seams().uuid());
    ledger
        .register_session(NewSession {
            id,
            node: "bench".parse()?,
            pid: std::process::id(),
            services: vec![Service::Notify],
            types: Vec::new(),
            slots: 0,
            keys: Vec::new(),
        })
        .await?;
    Ok(id)
}

/// Messages that are due, as fan-out makes them: in turns for all endpoints, or all for one lane.
async fn fill(world: &World, seq: i64, count: usize, lane: &str, due: i64) -> Result<()> {
    let mut raw = world.place.raw().await?;
    let lane_of = match lane {
        "free" => format!("'office/127.0.0.1:' || (20000 + n % {ENDPOINTS})"),
        lane => format!("'{lane}'"),
    };
    let now = machine::seams().now().as_micros() + due * 1_000_000;
    raw.run(&format!(
        "INSERT INTO messages (id, handler, project, group_name, handler_name, plugin, snapshot, declared, recipient,
            thread, kind, window, replay, lane, state, head, due, created, attrs)
         WITH RECURSIVE made (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM made WHERE n + 1 < {count})
         SELECT printf('{prefix}-0000-7000-8000-%012x', n), 'office/group-' || (n % {ENDPOINTS}) || '/told', 'office',
            'group-' || (n % {ENDPOINTS}), 'told', 'webhook',
            '{{\"name\":\"told\",\"plugin\":\"webhook\",\"config\":{{\"url\":\"http://127.0.0.1/\"}}}}', 1, '',
            'thread-{lane}-' || n, 'event', '{lane}-' || n || '-' || {due}, 0, {lane_of}, 'pending', 1, {now}, {now}, '{{}}'
         FROM made",
        prefix = if due < 0 { "00000001" } else { "00000000" },
    ))
    .await?;
    raw.run(&format!(
        "INSERT OR IGNORE INTO message_events (message, seq) SELECT number, {seq} FROM messages"
    ))
    .await
}
