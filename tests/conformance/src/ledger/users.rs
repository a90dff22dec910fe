//! Users, roles, grants, signing in, and what is written down of changes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{
    Actor, AuditFilter, Change, LockPolicy, NewLogin, NewToken, NewUser, Role, UserChange,
};
use ironcore_types::{ErrorCode, EventType, Right, Rights, RoleName, UserId};

use super::{Place, World, demo};

const POLICY: LockPolicy = LockPolicy {
    failures: 3,
    within: Duration::from_secs(900),
    lock: Duration::from_secs(600),
};
const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn actor() -> Result<Actor> {
    Ok(Actor {
        user: "root@local!admin".parse()?,
        address: Some("192.0.2.7".parse()?),
        request: Some("req-1".to_owned()),
    })
}

fn alice() -> Result<UserId> {
    Ok("alice@local".parse()?)
}

pub(super) fn role(name: &str) -> Result<RoleName> {
    Ok(name.parse()?)
}

pub(super) async fn make(world: &World, user: &str) -> Result<UserId> {
    let new = NewUser {
        user: user.parse()?,
        name: Some("Alice".to_owned()),
        email: None,
        password: Some("$argon2id$hash".to_owned()),
    };
    Ok(world
        .ledger
        .create_user(Some(&actor()?), new, Vec::new())
        .await?
        .user)
}

pub(super) fn browser(user: &UserId, secret: u8) -> NewLogin {
    NewLogin {
        user: user.clone(),
        secret_sha256: [secret; 32],
        address: None,
        agent: Some("a browser".to_owned()),
        step: None,
        recovery: None,
        after: None,
        idle: HOUR,
        longest: 8 * HOUR,
    }
}

/// Made, changed, switched off, removed: and what they are signed in with goes with them.
pub async fn users_come_and_go(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (ledger, by) = (&world.ledger, actor()?);
    for bad in [
        "alice",
        "alice@",
        "@local",
        "a@b@c",
        "alice@local!token",
        "root@local",
        "hub@system",
        "x@plugin",
    ] {
        let Ok(user) = bad.parse() else { continue };
        let new = NewUser {
            user,
            name: None,
            email: None,
            password: None,
        };
        let error = ledger
            .create_user(Some(&by), new, Vec::new())
            .await
            .err()
            .context("no user")?;
        ensure!(error.code() == ErrorCode::RequestInvalid, "{bad}: {error}");
    }
    let user = make(&world, "alice@local").await?;
    let again = make(&world, "alice@local").await.err().context("taken")?;
    ensure!(again.to_string().contains("exists already"), "{again}");
    ledger
        .make_grant(Some(&by), &user, &role("member")?, Some(&demo()?))
        .await?;
    let login = ledger.create_login(browser(&user, 1)).await?;
    ensure!(
        login.role.as_str() == "member" && login.project == Some(demo()?),
        "{login:?}"
    );
    ensure!(login.rights.has(Right::RunJobs) && !login.rights.has(Right::Configure));
    ensure!(ledger.login_by_hash([1; 32]).await?.as_ref() == Some(&login));
    let token = NewToken {
        user: "alice@local!laptop".parse()?,
        role: Role::Member.into(),
        project: Some(demo()?),
        secret_sha256: [2; 32],
        comment: None,
        expires: None,
        actor: Some(user.clone()),
    };
    ledger.create_token(None, token).await?;
    ensure!(ledger.token_by_hash([2; 32]).await?.is_some());

    let off = UserChange {
        enabled: Some(false),
        ..UserChange::default()
    };
    let changed = ledger.change_user(&by, &user, off).await?;
    ensure!(changed.disabled == Some(world.clock.time()) && changed.name.as_deref() == Some("Alice"));
    ensure!(ledger.login_by_hash([1; 32]).await?.is_none(), "signed out");
    ensure!(
        ledger.token_by_hash([2; 32]).await?.is_none(),
        "its tokens are no good either"
    );
    ensure!(ledger.create_login(browser(&user, 3)).await.is_err());
    let on = UserChange {
        enabled: Some(true),
        name: Some(String::new()),
        ..UserChange::default()
    };
    let changed = ledger.change_user(&by, &user, on).await?;
    ensure!(changed.disabled.is_none() && changed.name.is_none());
    ensure!(ledger.token_by_hash([2; 32]).await?.is_some());

    // Another password signs out everywhere.
    ledger.create_login(browser(&user, 4)).await?;
    let password = UserChange {
        password: Some("$argon2id$other".to_owned()),
        ..UserChange::default()
    };
    ledger.change_user(&by, &user, password).await?;
    ensure!(ledger.login_by_hash([4; 32]).await?.is_none());
    let told = world.last_event().await?.event;
    ensure!(
        told.event_type == EventType::ConfigKeyRotated && !serde_json::to_string(&told)?.contains("argon")
    );
    let known = ledger.credentials(&user).await?.context("credentials")?;
    ensure!(known.password.as_deref() == Some("$argon2id$other") && known.enabled);

    let error = ledger.delete_project(&demo()?).await.err().context("in use")?;
    ensure!(error.to_string().contains("user/alice@local"), "{error}");
    ledger.remove_user(&by, &user).await?;
    ensure!(ledger.user(&user).await?.is_none() && ledger.credentials(&user).await?.is_none());
    ensure!(ledger.token_by_hash([2; 32]).await?.is_none());
    let missing = ledger.remove_user(&by, &user).await.err().context("gone")?;
    ensure!(missing.code() == ErrorCode::NotFound);
    Ok(())
}

/// What somebody may do is what is granted, where it is granted, as long as it is granted.
pub async fn grants_say_who_may_do_what(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (ledger, by) = (&world.ledger, actor()?);
    let user = make(&world, "alice@local").await?;
    let error = ledger
        .create_login(browser(&user, 1))
        .await
        .err()
        .context("nothing to do here")?;
    ensure!(error.code() == ErrorCode::NotFound, "{error}");
    for (name, project, code) in [
        ("pilot", None, ErrorCode::NotFound),
        ("member", None, ErrorCode::RequestInvalid),
        ("member", Some("nowhere".parse()?), ErrorCode::NotFound),
    ] {
        let refused = ledger
            .make_grant(Some(&by), &user, &role(name)?, project.as_ref())
            .await;
        ensure!(refused.err().context("refused")?.code() == code, "{name}");
    }
    let pilot = Rights::from_iter([Right::RunJobs, Right::PauseJobs]);
    let made = ledger
        .put_role(&by, &role("pilot")?, pilot, Some("flies".to_owned()))
        .await?;
    ensure!(made.rights == [Right::RunJobs, Right::PauseJobs] && made.by == Some(by.user.clone()));
    ensure!(world.last_event().await?.event.event_type == EventType::ConfigRoleCreated);
    ensure!(
        ledger.put_role(&by, &role("admin")?, pilot, None).await.is_err(),
        "the same everywhere"
    );
    ledger
        .make_grant(Some(&by), &user, &role("pilot")?, Some(&demo()?))
        .await?;
    let told = world.last_event().await?.event;
    ensure!(told.event_type == EventType::ConfigPermissionGranted && told.data.project == Some(demo()?));
    let again = ledger
        .make_grant(Some(&by), &user, &role("pilot")?, Some(&demo()?))
        .await;
    ensure!(again.err().context("twice")?.code() == ErrorCode::Conflict);
    let login = ledger.create_login(browser(&user, 2)).await?;
    ensure!(login.rights == pilot);

    // What the role allows is asked each time.
    ledger.put_role(&by, &role("pilot")?, Rights::NONE, None).await?;
    let now = ledger.login_by_hash([2; 32]).await?.context("signed in")?;
    ensure!(now.rights == Rights::NONE);
    let error = ledger
        .remove_role(&by, &role("pilot")?)
        .await
        .err()
        .context("in use")?;
    ensure!(error.to_string().contains("alice@local"), "{error}");

    // One grant at a time; only those that there are.
    ledger.make_grant(Some(&by), &user, &role("admin")?, None).await?;
    ensure!(!ledger.switch_login([2; 32], &role("operator")?, None).await?);
    ensure!(ledger.switch_login([2; 32], &role("admin")?, None).await?);
    let now = ledger.login_by_hash([2; 32]).await?.context("signed in")?;
    ensure!(now.rights == Rights::all() && now.project.is_none());
    ledger
        .take_grant(&by, &user, &role("pilot")?, Some(&demo()?))
        .await?;
    ensure!(
        ledger.login_by_hash([2; 32]).await?.is_some(),
        "it goes by the other"
    );

    // Somebody must be left who may say who may do what.
    let last = ledger.take_grant(&by, &user, &role("admin")?, None).await.err();
    ensure!(last.context("the last one")?.code() == ErrorCode::Conflict);
    let off = UserChange {
        enabled: Some(false),
        ..UserChange::default()
    };
    ensure!(ledger.change_user(&by, &user, off).await.is_err());
    ensure!(ledger.remove_user(&by, &user).await.is_err());
    let other = make(&world, "bob@local").await?;
    ledger
        .make_grant(Some(&by), &other, &role("admin")?, None)
        .await?;
    ledger.take_grant(&by, &user, &role("admin")?, None).await?;
    ensure!(
        ledger.login_by_hash([2; 32]).await?.is_none(),
        "what it was signed in with is gone"
    );
    ledger.remove_role(&by, &role("pilot")?).await?;
    ensure!(ledger.roles().await?.len() == 4);
    Ok(())
}

/// Failures lock a name, whether there is such a user or not, and are told; what is right begins the count anew.
pub async fn failures_lock_a_name(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let ledger = &world.ledger;
    let user = make(&world, "alice@local").await?;
    ledger.make_grant(None, &user, &role("auditor")?, None).await?;
    let nobody: UserId = "mallory@local".parse()?;
    let address = Some("192.0.2.7".parse()?);
    for name in [&user, &nobody] {
        for attempt in 1..=3 {
            let locked = ledger.login_failed(name, address, POLICY).await?;
            ensure!(locked.is_some() == (attempt == 3), "{name} {attempt}");
        }
        let told = world.last_event().await?.event;
        ensure!(told.event_type == EventType::AuthLockedOut && told.data.title.contains("192.0.2.7"));
        ensure!(told.data.project.is_none(), "for administrators");
        ensure!(ledger.locked_until(name).await? == Some(world.clock.time().after(POLICY.lock)));
    }
    ensure!(ledger.user(&user).await?.context("alice")?.locked_until.is_some());
    world.clock.advance(600);
    ensure!(ledger.locked_until(&user).await?.is_none());
    ensure!(
        ledger.login_failed(&user, address, POLICY).await?.is_none(),
        "the count begins anew"
    );
    ensure!(ledger.login_failed(&user, None, POLICY).await?.is_none());
    ledger.create_login(browser(&user, 1)).await?;
    ensure!(
        ledger.login_failed(&user, None, POLICY).await?.is_none(),
        "it was right in between"
    );
    world.clock.advance(86_400);
    // The login is over too.
    ensure!(ledger.forget_logins().await? == 3);
    Ok(())
}

/// What somebody is signed in with ends by itself: unused, or old.
pub async fn logins_end(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let ledger = &world.ledger;
    let user = make(&world, "alice@local").await?;
    ledger.make_grant(None, &user, &role("auditor")?, None).await?;
    ledger.create_login(browser(&user, 1)).await?;
    ledger.create_login(browser(&user, 2)).await?;
    for _ in 0..15 {
        world.clock.advance(1_800);
        ensure!(ledger.login_by_hash([1; 32]).await?.is_some(), "used");
    }
    ensure!(ledger.login_by_hash([2; 32]).await?.is_none(), "unused");
    ensure!(ledger.logins(&user).await?.len() == 1);
    world.clock.advance(1_800);
    ensure!(ledger.login_by_hash([1; 32]).await?.is_none(), "old");
    ensure!(ledger.forget_logins().await? == 2);
    ledger.create_login(browser(&user, 3)).await?;
    ensure!(ledger.end_login([3; 32]).await? && !ledger.end_login([3; 32]).await?);
    ensure!(ledger.login_by_hash([3; 32]).await?.is_none());
    Ok(())
}

/// Every change says who, what, from where, before and after; nothing secret is in it.
pub async fn changes_are_written_down(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (ledger, by) = (&world.ledger, actor()?);
    let began = world.clock.time();
    let user = make(&world, "alice@local").await?;
    world.clock.advance(60);
    let change = UserChange {
        email: Some("alice@example.org".to_owned()),
        password: Some("$argon2id$other".to_owned()),
        ..UserChange::default()
    };
    ledger.change_user(&by, &user, change).await?;
    ledger
        .make_grant(Some(&by), &user, &role("member")?, Some(&demo()?))
        .await?;
    ledger.put_role(&by, &role("pilot")?, Rights::NONE, None).await?;
    let outside = Change {
        action: "secret.set",
        object: "secret/smtp".to_owned(),
        project: None,
        before: None,
        after: None,
    };
    let other = Actor {
        user: alice()?,
        address: None,
        request: None,
    };
    ledger.record_change(&other, outside).await?;

    let all = ledger.audit(AuditFilter::default(), 100).await?;
    let actions: Vec<&str> = all.entries.iter().map(|entry| entry.action.as_str()).collect();
    ensure!(
        actions
            == [
                "secret.set",
                "role.created",
                "grant.made",
                "user.changed",
                "user.created"
            ],
        "{actions:?}"
    );
    let changed = &all.entries[3];
    ensure!(changed.user == by.user && changed.address == by.address && changed.request == by.request);
    let email = |value: &Option<serde_json::Value>| value.as_ref().map(|value| value["email"].clone());
    ensure!(email(&changed.before) == Some(serde_json::Value::Null));
    ensure!(email(&changed.after) == Some("alice@example.org".into()));
    ensure!(!format!("{all:?}").contains("argon"), "no hashes");
    let only =
        async |filter: AuditFilter| -> Result<usize> { Ok(ledger.audit(filter, 100).await?.entries.len()) };
    let of = |object: &str| AuditFilter {
        object: Some(object.to_owned()),
        ..AuditFilter::default()
    };
    ensure!(
        only(of("user/alice@local")).await? == 3
            && only(of("user/")).await? == 3
            && only(of("use/")).await? == 0
    );
    let by_alice = AuditFilter {
        user: Some(alice()?),
        ..AuditFilter::default()
    };
    ensure!(only(by_alice).await? == 1);
    let early = AuditFilter {
        since: Some(began),
        until: Some(began.after(Duration::from_secs(60))),
        ..AuditFilter::default()
    };
    ensure!(only(early).await? == 1);
    let first = ledger.audit(AuditFilter::default(), 2).await?;
    let rest = AuditFilter {
        before: first.next,
        ..AuditFilter::default()
    };
    let rest = ledger.audit(rest, 100).await?;
    ensure!(first.entries.len() == 2 && rest.entries.len() == 3 && rest.next.is_none());
    ensure!(ledger.forget_audit().await? == 0);
    world.clock.advance(ironcore_ledger::AUDIT_KEPT.as_secs() + 1);
    ensure!(ledger.forget_audit().await? == 5);
    Ok(())
}

/// All that there is of people at once: two users, one signed in with a second factor and a role of the hub's own, and
/// somebody who tries.
pub async fn people_are_known_as_they_are(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (ledger, by) = (&world.ledger, actor()?);
    let user = make(&world, "alice@local").await?;
    make(&world, "bob@ldap").await?;
    ledger
        .put_role(&by, &role("pilot")?, Rights::from_iter([Right::RunJobs]), None)
        .await?;
    ledger
        .make_grant(Some(&by), &user, &role("pilot")?, Some(&demo()?))
        .await?;
    ledger.propose_factor(&by, &user, vec![1; 40]).await?;
    ledger.confirm_factor(&by, &user, 5, vec![[9; 32]]).await?;
    ledger.create_login(browser(&user, 1)).await?;
    ledger.login_failed(&user, None, POLICY).await?;
    let known = ledger.users().await?;
    ensure!(
        known.len() == 2 && known[1].grants.is_empty() && known[1].second_factor.is_none(),
        "{known:?}"
    );
    let alice = &known[0];
    ensure!(alice.second_factor.is_some() && alice.last_login == Some(world.clock.time()));
    ensure!(
        alice.grants.len() == 1 && alice.grants[0].by == Some(by.user),
        "{alice:?}"
    );
    ensure!(alice.locked_until.is_none() && alice.created_by.is_some());
    // One who is on the way in.
    ledger
        .begin_step(&alice.user, [9; 32], Duration::from_secs(300))
        .await?;
    Ok(())
}
