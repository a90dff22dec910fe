//! Tokens: found by the hash of their secret while they are valid.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{NewToken, Role};
use ironcore_types::{ErrorCode, EventType};

use super::{Place, World, demo, user};

/// Made, found, expired, revoked; never twice.
pub async fn tokens_live_and_die(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let new = NewToken {
        user: "sync@polystack!replication".parse()?,
        role: Role::Member.into(),
        project: Some(demo()?),
        secret_sha256: [1; 32],
        comment: Some("for the other site".to_owned()),
        expires: Some(world.clock.time().after(std::time::Duration::from_secs(60))),
        actor: Some(user()?),
    };
    let made = world.ledger.create_token(None, new.clone()).await?;
    let event = world.last_event().await?.event;
    ensure!(event.event_type == EventType::AuthTokenCreated && event.data.actor == Some(user()?));
    ensure!(
        !serde_json::to_string(&event)?.contains("0101"),
        "no hash leaves the ledger"
    );
    ensure!(
        world
            .ledger
            .token_by_hash([1; 32])
            .await?
            .map(|(token, _)| token)
            .as_ref()
            == Some(&made)
    );
    ensure!(world.ledger.token_by_hash([2; 32]).await?.is_none());
    for again in [
        NewToken {
            secret_sha256: [9; 32],
            ..new.clone()
        },
        NewToken {
            user: "x@y!z".parse()?,
            ..new.clone()
        },
    ] {
        let error = world
            .ledger
            .create_token(None, again)
            .await
            .err()
            .context("taken")?;
        ensure!(error.code() == ErrorCode::Conflict, "{error}");
    }
    let homeless = NewToken {
        user: "x@y!z".parse()?,
        secret_sha256: [3; 32],
        project: None,
        ..new.clone()
    };
    let error = world
        .ledger
        .create_token(None, homeless.clone())
        .await
        .err()
        .context("a member needs a project")?;
    ensure!(error.code() == ErrorCode::RequestInvalid);
    world.clock.advance(60);
    ensure!(world.ledger.token_by_hash([1; 32]).await?.is_none(), "expired");
    // What is over gives its name away: one that has run out, and one that was revoked.
    for secret in [7, 8] {
        let next = NewToken {
            secret_sha256: [secret; 32],
            expires: None,
            ..new.clone()
        };
        let made = world.ledger.create_token(None, next).await?;
        ensure!(made.revoked.is_none() && world.ledger.token_by_hash([secret; 32]).await?.is_some());
        ensure!(
            world
                .ledger
                .tokens()
                .await?
                .iter()
                .filter(|token| token.user == new.user)
                .count()
                == 1
        );
        world.ledger.revoke_token(None, &new.user).await?;
        ensure!(
            world.ledger.token_by_hash([secret; 32]).await?.is_none(),
            "revoked"
        );
    }
    let admin = NewToken {
        role: Role::Admin.into(),
        expires: None,
        ..homeless
    };
    world.ledger.create_token(None, admin.clone()).await?;
    ensure!(world.ledger.token_by_hash([3; 32]).await?.is_some());
    world.ledger.revoke_token(None, &admin.user).await?;
    ensure!(world.ledger.token_by_hash([3; 32]).await?.is_none(), "revoked");
    let tokens = world.ledger.tokens().await?;
    ensure!(tokens.len() == 2 && tokens[1].revoked == Some(world.clock.time()));
    let error = world
        .ledger
        .revoke_token(None, &"no@one".parse()?)
        .await
        .err()
        .context("unknown")?;
    ensure!(error.code() == ErrorCode::NotFound);
    Ok(())
}
