//! The ways in beside a password: second factors, the first administrator, and providers of identity.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{Actor, Elsewhere, NewLogin, NewUser, UserChange};
use ironcore_types::{ErrorCode, EventType, RoleName, UserId};

use super::users::{actor, browser, make, role};
use super::{Place, World, demo};

/// A second factor is asked for once it was confirmed; no code and no recovery code is good twice.
pub async fn second_factors_are_used_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (ledger, by) = (&world.ledger, actor()?);
    let user = make(&world, "alice@local").await?;
    ledger.make_grant(None, &user, &role("auditor")?, None).await?;
    ledger.propose_factor(&by, &user, vec![1, 2, 3]).await?;
    let known = ledger.credentials(&user).await?.context("alice")?;
    ensure!(
        known
            .second_factor
            .is_some_and(|factor| !factor.confirmed && factor.sealed == [1, 2, 3])
    );
    ensure!(
        ledger
            .user(&user)
            .await?
            .context("alice")?
            .second_factor
            .is_none()
    );
    ledger
        .confirm_factor(&by, &user, 100, vec![[7; 32], [8; 32]])
        .await?;
    ensure!(
        ledger.confirm_factor(&by, &user, 101, Vec::new()).await.is_err(),
        "once"
    );
    ensure!(
        ledger.propose_factor(&by, &user, vec![9]).await.is_err(),
        "the old one goes first"
    );
    let with = |step, secret| NewLogin {
        step: Some(step),
        ..browser(&user, secret)
    };
    let replayed = ledger
        .create_login(with(100, 1))
        .await
        .err()
        .context("it was shown before")?;
    ensure!(matches!(replayed, LedgerError::Fenced(_)), "{replayed}");
    ledger.create_login(with(101, 1)).await?;
    ensure!(ledger.create_login(with(101, 2)).await.is_err());
    let instead = |code, secret| NewLogin {
        recovery: Some([code; 32]),
        ..browser(&user, secret)
    };
    ledger.create_login(instead(7, 2)).await?;
    let told = world.last_event().await?.event;
    ensure!(
        told.event_type == EventType::ConfigKeyRotated && told.data.title.contains("1 are left"),
        "{}",
        told.data.title
    );
    ensure!(ledger.create_login(instead(7, 3)).await.is_err(), "once");
    ensure!(ledger.credentials(&user).await?.context("alice")?.recovery_codes == 1);
    ledger.remove_factor(&by, &user).await?;
    ensure!(ledger.login_by_hash([1; 32]).await?.is_none(), "signed out");
    ensure!(ledger.create_login(instead(8, 4)).await.is_err(), "gone with it");
    let told = world.last_event().await?.event;
    ensure!(
        told.data.title.contains("removed by root@local!admin"),
        "{}",
        told.data.title
    );
    Ok(())
}

/// Between password and second factor: good once, for its time, and no longer than the password.
pub async fn steps_to_a_login_are_taken_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (ledger, by) = (&world.ledger, actor()?);
    let (user, other) = (
        make(&world, "alice@local").await?,
        make(&world, "bob@local").await?,
    );
    for user in [&user, &other] {
        ledger.make_grant(None, user, &role("auditor")?, None).await?;
    }
    let minutes = Duration::from_secs(300);
    let after = |user: &UserId, step, secret| NewLogin {
        after: Some([step; 32]),
        ..browser(user, secret)
    };
    ledger.begin_step(&user, [1; 32], minutes).await?;
    ensure!(ledger.step_user([1; 32]).await? == Some(user.clone()));
    ensure!(
        ledger.create_login(after(&other, 1, 1)).await.is_err(),
        "somebody else's"
    );
    ledger.create_login(after(&user, 1, 1)).await?;
    ensure!(ledger.step_user([1; 32]).await?.is_none());
    ensure!(ledger.create_login(after(&user, 1, 2)).await.is_err(), "once");
    ledger.begin_step(&user, [2; 32], minutes).await?;
    let change = UserChange {
        password: Some("$argon2id$other".to_owned()),
        ..UserChange::default()
    };
    ledger.change_user(&by, &user, change).await?;
    ensure!(
        ledger.step_user([2; 32]).await?.is_none(),
        "the password that was shown is another"
    );
    ledger.begin_step(&user, [3; 32], minutes).await?;
    world.clock.advance(300);
    ensure!(ledger.step_user([3; 32]).await?.is_none());
    ensure!(ledger.create_login(after(&user, 3, 3)).await.is_err(), "late");
    ensure!(ledger.forget_logins().await? == 1);
    Ok(())
}

/// Whoever sets the hub up is its first administrator, and there is no second first.
pub async fn a_hub_is_set_up_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (ledger, by) = (&world.ledger, actor()?);
    let user = make(&world, "bob@local").await?;
    ledger.make_grant(None, &user, &role("operator")?, None).await?;
    let new = |name: &str| -> Result<NewUser> {
        Ok(NewUser {
            user: name.parse()?,
            name: None,
            email: None,
            password: Some("$argon2id$hash".to_owned()),
        })
    };
    ensure!(!ledger.is_set_up().await?);
    ensure!(
        ledger.set_up(&by, new("root@local")?).await.is_err(),
        "a name of the hub's"
    );
    let (one, two) = tokio::join!(
        ledger.set_up(&by, new("alice@local")?),
        ledger.set_up(&by, new("carol@local")?)
    );
    ensure!(one.is_ok() != two.is_ok(), "one of both");
    ensure!(ledger.is_set_up().await?);
    let again = ledger
        .set_up(&by, new("eve@local")?)
        .await
        .err()
        .context("set up")?;
    ensure!(
        again.code() == ErrorCode::Conflict && ledger.users().await?.len() == 2,
        "{again}"
    );
    Ok(())
}

/// Who signs in elsewhere is who it was there, and has the roles of its groups beside those that people gave.
pub async fn users_of_providers_keep_who_they_are(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (ledger, by) = (&world.ledger, actor()?);
    let user: UserId = "ada@corp".parse()?;
    let (auditor, operator) = (role("auditor")?, role("operator")?);
    let sent = |subject: &str, create: bool, grants: &[&RoleName]| Elsewhere {
        user: user.clone(),
        subject: format!("https://id.example {subject}"),
        name: Some("Ada".to_owned()),
        email: None,
        create,
        grants: Some(grants.iter().map(|role| ((*role).clone(), None)).collect()),
    };
    let missing = ledger.sign_in_elsewhere(&by, sent("1", false, &[])).await;
    ensure!(missing.err().context("nobody made it")?.code() == ErrorCode::NotFound);
    ledger
        .sign_in_elsewhere(&by, sent("1", true, &[&auditor]))
        .await?;
    let roles = async || -> Result<Vec<String>> {
        let user = ledger.user(&user).await?.context("ada")?;
        Ok(user.grants.iter().map(|grant| grant.role.to_string()).collect())
    };
    ensure!(roles().await? == ["auditor"]);
    ensure!(
        ledger
            .credentials(&user)
            .await?
            .context("ada")?
            .password
            .is_none()
    );
    ledger.create_login(browser(&user, 1)).await?;
    let other = Actor {
        user: "root@local!admin2".parse()?,
        ..actor()?
    };
    ledger
        .make_grant(Some(&other), &user, &role("member")?, Some(&demo()?))
        .await?;
    ledger
        .sign_in_elsewhere(&by, sent("1", false, &[&operator]))
        .await?;
    ensure!(roles().await? == ["operator", "member"], "{:?}", roles().await?);
    ensure!(
        ledger.login_by_hash([1; 32]).await?.is_none(),
        "it went by the other"
    );
    let somebody = ledger.sign_in_elsewhere(&by, sent("2", true, &[&operator])).await;
    ensure!(somebody.err().context("somebody else")?.code() == ErrorCode::Conflict);
    let people = Elsewhere {
        grants: None,
        ..sent("1", false, &[])
    };
    ledger.sign_in_elsewhere(&by, people).await?;
    ensure!(roles().await?.len() == 2, "people alone give roles");
    // Somebody must be left who may say who may do what.
    ledger
        .sign_in_elsewhere(&by, sent("1", false, &[&role("admin")?]))
        .await?;
    ledger.sign_in_elsewhere(&by, sent("1", false, &[])).await?;
    ensure!(roles().await? == ["admin", "member"]);
    Ok(())
}
