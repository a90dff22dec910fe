//! Handlers at the time of sending: which configuration they get, and what their plugins may keep. When a message
//! is sent is left to `delivery`.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{AttemptOutcome, FinishAttempt, HandlerRef, KvScope, KvWrite, MessageState};
use ironcore_ledger::{KV_QUOTA_BYTES, LedgerError};
use ironcore_types::MessageId;
use serde_json::json;

use super::messages::{claim, deliver, fan_out, hook, notice, report, retry};
use super::{Place, World, fenced};

/// What a plugin writes is committed with the outcome, within its quota, for its handler alone.
pub async fn kv_is_committed_with_the_attempt(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let scope = KvScope {
        plugin: "webhook".parse()?,
        handler: hook()?,
    };
    let windows = ["1", "2", "3", "4"];
    let messages = windows
        .iter()
        .map(|w| notice(&world, "x", w))
        .collect::<Result<_>>()?;
    let made = fan_out(&world, messages).await?.created;
    let put = |key: &str, value: Option<&[u8]>| KvWrite {
        key: key.to_owned(),
        value: value.map(<[u8]>::to_vec),
    };
    let delivered = || AttemptOutcome::Delivered {
        receipt: String::new(),
    };
    let with = |message, outcome, kv| FinishAttempt {
        kv,
        ..report(&world, message, session, outcome)
    };
    claim(&world, session).await?;
    let not_mine = with(made[1], delivered(), vec![put("a", Some(b"stolen"))]);
    ensure!(fenced(world.ledger.finish_attempt(not_mine).await), "not claimed");
    ensure!(
        world.ledger.kv_get(&scope, "a").await?.is_none(),
        "a fenced attempt writes nothing"
    );
    let at = world.clock.time();
    world
        .ledger
        .finish_attempt(with(
            made[0],
            retry(at),
            vec![put("a", Some(b"1")), put("b", Some(b"2"))],
        ))
        .await?;
    ensure!(world.ledger.kv_get(&scope, "a").await?.as_deref() == Some(b"1".as_slice()));
    claim(&world, session).await?;
    world
        .ledger
        .finish_attempt(with(
            made[0],
            delivered(),
            vec![put("a", Some(b"3")), put("b", None)],
        ))
        .await?;
    ensure!(world.ledger.kv_get(&scope, "a").await?.as_deref() == Some(b"3".as_slice()));
    ensure!(world.ledger.kv_get(&scope, "b").await?.is_none());
    let other = KvScope {
        handler: HandlerRef {
            handler: "other".parse()?,
            ..hook()?
        },
        ..scope.clone()
    };
    ensure!(
        world.ledger.kv_get(&other, "a").await?.is_none(),
        "scopes are apart"
    );
    let big = vec![0_u8; usize::try_from(KV_QUOTA_BYTES)?];
    let long = "k".repeat(300);
    let over = [
        vec![put("a", None), put("big", Some(&big))],
        vec![put(&long, Some(b"1"))],
    ];
    for (message, kv) in made[1..].iter().zip(over) {
        claim(&world, session).await?;
        let done = world
            .ledger
            .finish_attempt(with(*message, delivered(), kv))
            .await?;
        ensure!(
            done.kv_refused && done.message.state == MessageState::Delivered,
            "the outcome stands"
        );
        ensure!(
            world.ledger.kv_get(&scope, "a").await?.is_some(),
            "all or nothing"
        );
    }
    Ok(())
}

/// A message goes to its handler as declared now; when that is gone, as it was.
pub async fn handlers_are_looked_up_when_sending(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let declare = async |url: &str, enabled: bool| {
        let handler =
            json!({ "name": "hook", "plugin": "webhook", "config": { "url": url }, "enabled": enabled });
        world
            .apply(json!({ "group": [{ "project": "demo", "name": "ops", "handler": [handler] }] }))
            .await
    };
    let send = async |window: &str| -> Result<(String, bool)> {
        let claimed = claim(&world, session).await?.pop().context("a message")?;
        ensure!(claimed.message.window == window);
        deliver(&world, claimed.message.id, session).await?;
        let url = claimed
            .handler
            .config
            .get("url")
            .and_then(|url| url.as_str())
            .unwrap_or_default();
        Ok((url.to_owned(), claimed.handler_active))
    };
    fan_out(&world, vec![notice(&world, "built-in", "0")?]).await?;
    ensure!(
        send("0").await? == ("https://old".to_owned(), true),
        "built-in handlers are always active"
    );
    declare("https://old", true).await?;
    fan_out(&world, vec![notice(&world, "a", "1")?, notice(&world, "a", "2")?]).await?;
    declare("https://new", true).await?;
    ensure!(send("1").await? == ("https://new".to_owned(), true));
    // What waits when its handler goes is given up. One whose sender was lost, and what is made then, is handed out.
    let lost = claim(&world, session).await?;
    ensure!(lost.len() == 1 && lost[0].message.window == "2");
    declare("https://new", false).await?;
    fan_out(&world, vec![notice(&world, "c", "3")?]).await?;
    ensure!(send("3").await? == ("https://new".to_owned(), false));
    world.ledger.delete_group(&"demo/ops".parse()?).await?;
    for _ in 0..4 {
        world.clock.advance(10);
        ensure!(world.ledger.renew_sender(session, &[]).await?);
        world.ledger.reap().await?;
    }
    ensure!(send("2").await? == ("https://old".to_owned(), false));
    ensure!(matches!(
        world.ledger.replay(MessageId(world.seams.uuid())).await,
        Err(LedgerError::NotFound(_))
    ));
    Ok(())
}
