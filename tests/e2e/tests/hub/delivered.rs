//! `kill -9` while messages flow: each arrives, and what arrives again was under way when its hub was killed, and comes
//! under the id that it had.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_notify::NotifyOptions;
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::webhook::{Answer, WebhookReceiver};
use serde_json::Value;

use crate::invariants::Database;
use crate::soak::Dice;

/// How often the hub is killed, at least.
const KILLS: usize = 50;
/// How many are told of each event: with one event before each kill there are 2,000 messages.
const HANDLERS: usize = 40;
/// How long the receiver takes, so that messages are under way most of the time.
const ANSWER: Duration = Duration::from_millis(60);
/// The longest time from something to tell until the blow, milliseconds: about as long as telling it takes.
const LONGEST: u64 = 160;
/// The longest time from a start until the blow, milliseconds.
const LONGEST_START: u64 = 500;

/// Project `office`, and a group of the hub with [`HANDLERS`] webhooks that are told of new tokens.
fn watchers(url: &str) -> String {
    let handlers: String = (0..HANDLERS)
        .map(|number| {
            format!(
                "[[group.handler]]\nname = \"hook-{number}\"\nplugin = \"webhook\"\n\
                 config = {{ url = \"{url}/hook-{number}\" }}\nfilter = {{ events = [] }}\n"
            )
        })
        .collect();
    format!(
        "[[project]]\nname = \"office\"\n[[group]]\nname = \"watchers\"\nsources = [\"auth\"]\n{handlers}"
    )
}

/// What a blow left behind.
struct Blow {
    /// The messages that were under way.
    sending: BTreeSet<String>,
    /// Whether any was not delivered yet.
    met: bool,
}

/// Kills the hub, and looks at what it leaves of what was `told` before anybody mends it.
async fn blow(hub: &mut TestHub, told: usize) -> Result<Blow> {
    hub.kill()?;
    let mut ledger = Database::of(hub).look().await?;
    let mut of = async |state: &str| {
        let text = format!("SELECT id FROM messages WHERE group_name = 'watchers' AND state = '{state}'");
        ledger.rows(&text).await
    };
    let sending = of("sending").await?.into_iter().collect();
    let delivered = of("delivered").await?.len();
    ledger.close().await?;
    Ok(Blow {
        sending,
        met: delivered < told,
    })
}

/// Tells of one thing after the other and kills the hub each time, now and then once more while it starts.
async fn flow(hub: &mut TestHub, dice: &mut Dice) -> Result<Vec<Blow>> {
    let mut blows = Vec::new();
    for round in 1..=KILLS {
        let token = format!("ci@local!t{round}");
        hub.ok(&["token", "create", &token, "--project", "office"])?;
        // The moment is the point of the test.
        std::thread::sleep(Duration::from_millis(dice.below(LONGEST)));
        blows.push(blow(hub, round * HANDLERS).await?);
        if dice.below(4) == 0 {
            hub.launch()?;
            std::thread::sleep(Duration::from_millis(dice.below(LONGEST_START)));
            blows.push(blow(hub, round * HANDLERS).await?);
        }
        hub.resume()?;
    }
    Ok(blows)
}

/// What came: by handler and event the ids that it came under, and how often each id came.
#[derive(Default)]
struct Arrived {
    told: BTreeMap<(String, String), BTreeSet<String>>,
    times: BTreeMap<String, usize>,
}

fn arrived(hook: &WebhookReceiver) -> Result<Arrived> {
    let mut arrived = Arrived::default();
    for request in hook.received() {
        let id = request.header("webhook-id").context("an id")?.to_owned();
        let event = request.json()?["id"].as_str().context("an event")?.to_owned();
        *arrived.times.entry(id.clone()).or_default() += 1;
        arrived
            .told
            .entry((request.target, event))
            .or_default()
            .insert(id);
    }
    Ok(arrived)
}

/// The messages of the watchers by id, each with its state.
fn messages(hub: &TestHub) -> Result<BTreeMap<String, String>> {
    let list: Value = hub.json(&["message", "list", "--limit", "100000"])?;
    let all = list["messages"].as_array().context("messages")?;
    let ours = all.iter().filter(|message| message["group"] == "watchers");
    ours.map(|message| {
        let part = |name: &str| message[name].as_str().map(str::to_owned).context("a text");
        Ok((part("id")?, part("state")?))
    })
    .collect()
}

/// What must hold when all is delivered. How many came again.
fn check(hub: &TestHub, hook: &WebhookReceiver, blows: &[Blow]) -> Result<usize> {
    let (messages, arrived) = (messages(hub)?, arrived(hook)?);
    ensure!(
        messages.len() == KILLS * HANDLERS,
        "{} messages were made",
        messages.len()
    );
    let undelivered: Vec<_> = messages
        .iter()
        .filter(|(_, state)| *state != "delivered")
        .collect();
    ensure!(undelivered.is_empty(), "not delivered: {undelivered:?}");
    for id in messages.keys() {
        ensure!(arrived.times.contains_key(id), "{id} never came");
    }
    for (told, ids) in &arrived.told {
        ensure!(ids.len() == 1, "{told:?} came under several ids: {ids:?}");
    }
    ensure!(
        arrived.told.len() == messages.len() && arrived.times.len() == messages.len(),
        "{} notices came under {} ids",
        arrived.told.len(),
        arrived.times.len()
    );
    let options = NotifyOptions::default();
    let at_once = (options.attempts + options.slow_attempts) as usize;
    for blow in blows {
        ensure!(
            blow.sending.len() <= at_once,
            "{} were under way",
            blow.sending.len()
        );
    }
    let mut extra = 0;
    for (id, times) in &arrived.times {
        let hit = blows.iter().filter(|blow| blow.sending.contains(id)).count();
        ensure!(
            *times <= 1 + hit,
            "{id} came {times} times, and was hit {hit} times"
        );
        extra += times - 1;
    }
    ensure!(
        extra <= blows.len() * at_once,
        "{extra} came again after {} kills",
        blows.len()
    );
    Ok(extra)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_arrives_and_what_comes_twice_was_under_way() -> Result<()> {
    let hook = WebhookReceiver::start().await?;
    hook.set_default(Answer::status(204).after(ANSWER));
    // Where hubs share a database, nobody can know that one is gone before its leases have run out.
    let mut hub = TestHub::start("database = \"sqlite\"\n")?;
    hub.apply(&watchers(hook.url()))?;
    let seed = u64::from(std::process::id());
    let blows = flow(&mut hub, &mut Dice(seed)).await;
    let blows = blows.with_context(|| format!("seed {seed}"))?;
    let what = format!("seed {seed}: no message waits");
    hub.wait_until(&what, |hub| {
        let all = messages(hub)?;
        let open = all.values().any(|state| state == "pending" || state == "sending");
        Ok((!open && all.len() == KILLS * HANDLERS).then_some(()))
    })?;
    let extra = check(&hub, &hook, &blows).with_context(|| format!("seed {seed}"))?;
    let met = blows.iter().filter(|blow| blow.met).count();
    let under_way = blows.iter().filter(|blow| !blow.sending.is_empty()).count();
    ensure!(
        met * 2 >= KILLS && under_way * 4 >= KILLS && extra > 0,
        "seed {seed}: of {} kills {met} met messages that were not delivered, {under_way} some that were under way, and \
         {extra} came again; that is too little to have tested anything",
        blows.len()
    );
    Ok(())
}
