//! `user`, `role` and `audit`.

use anyhow::{Result, bail};
use ironcore_api::wire;
use ironcore_types::Right;
use secrecy::ExposeSecret as _;

use super::{Context, page, removal, second_factor, secret};
use crate::args::{Audit, Role, SecondFactor, User};
use crate::exit::Exit;
use crate::output;
use crate::table::GivesWay;

pub(super) async fn run(context: &Context, command: User) -> Result<Exit> {
    let client = &context.client;
    match command {
        User::Create {
            user,
            name,
            email,
            role,
            project,
            no_password,
        } => {
            let password = match no_password {
                true => None,
                false => Some(password()?),
            };
            let grants = role.map(|role| wire::RoleAt { role, project });
            let request = wire::CreateUser {
                user,
                name,
                email,
                password,
                grants: grants.into_iter().collect(),
            };
            let made: wire::User = client.post(&["users"], &[], &request).await?;
            tell(context, &made)?;
        }
        User::List => {
            let list: wire::UserList = client.get(&["users"], &[]).await?;
            let rows = list.users.iter().map(|user| {
                vec![
                    user.user.to_string(),
                    output::or_dash(user.name.as_ref()),
                    roles(user),
                    state(user).to_owned(),
                    output::time(user.last_login),
                ]
            });
            let head = ["USER", "NAME", "ROLES", "STATE", "LAST LOG-IN"];
            let order = [GivesWay::Named(4), GivesWay::Named(1)];
            context.form.listing(&list, &head, &order, rows)?;
        }
        User::Show { user } => {
            let user: wire::User = client.get(&["users", user.as_str()], &[]).await?;
            tell(context, &user)?;
        }
        User::Password { user } => {
            let change = wire::ChangeUser {
                password: Some(password()?),
                ..wire::ChangeUser::default()
            };
            let changed: wire::User = client.patch(&["users", user.as_str()], &change).await?;
            output::say(&format!(
                "{} has another password, and is signed out everywhere",
                changed.user
            ));
        }
        User::Enable { user } => {
            tell(context, &enabled(context, user.as_str(), true).await?)?;
        }
        User::Disable { user } => {
            tell(context, &enabled(context, user.as_str(), false).await?)?;
        }
        User::Grant { user, role, project } => {
            let at = wire::RoleAt { role, project };
            let _made: wire::Grant = client.post(&["users", user.as_str(), "grants"], &[], &at).await?;
            let user: wire::User = client.get(&["users", user.as_str()], &[]).await?;
            tell(context, &user)?;
        }
        User::Take { user, role, project } => {
            let mut query = vec![("role", role.to_string())];
            query.extend(project.map(|project| ("project", project.to_string())));
            client
                .delete_with(&["users", user.as_str(), "grants"], &query)
                .await?;
            let user: wire::User = client.get(&["users", user.as_str()], &[]).await?;
            tell(context, &user)?;
        }
        // One's own needs no token.
        User::SecondFactor(SecondFactor::Set { user }) => {
            return second_factor::set(client, context.form, &user).await;
        }
        User::SecondFactor(SecondFactor::Remove { user, sure }) => {
            let object = format!("the second factor of {user}");
            let stays = "it is signed out, and signs in with the password alone";
            let path = ["users", user.as_str(), "second-factor"];
            return removal::remove(context, sure, &object, &path, stays).await;
        }
        User::Remove { user, sure } => {
            let object = format!("user {user}");
            let stays = "what it may do and its tokens go with it; what it did stays in the audit log";
            return removal::remove(context, sure, &object, &["users", user.as_str()], stays).await;
        }
    }
    Ok(Exit::Ok)
}

/// A password on standard input: one line.
fn password() -> Result<String> {
    let value = secret::value()?;
    let value = value.expose_secret();
    if value.contains(['\n', '\r']) {
        bail!("a password is one line; there is more on standard input");
    }
    Ok(value.to_owned())
}

async fn enabled(context: &Context, user: &str, enabled: bool) -> Result<wire::User> {
    let change = wire::ChangeUser {
        enabled: Some(enabled),
        ..wire::ChangeUser::default()
    };
    context.client.patch(&["users", user], &change).await
}

/// `admin, member of office`.
fn roles(user: &wire::User) -> String {
    let roles = user.grants.iter().map(|grant| match &grant.project {
        Some(project) => format!("{} of {project}", grant.role),
        None => grant.role.to_string(),
    });
    let roles: Vec<String> = roles.collect();
    match roles.is_empty() {
        true => "-".to_owned(),
        false => roles.join(", "),
    }
}

fn state(user: &wire::User) -> &'static str {
    match (
        user.enabled,
        user.locked_until.is_some(),
        user.password_set.is_some(),
    ) {
        (false, ..) => "disabled",
        (true, true, _) => "locked",
        (true, false, true) => "enabled",
        (true, false, false) => "no password",
    }
}

fn tell(context: &Context, user: &wire::User) -> Result<()> {
    let fields = [
        ("User", user.user.to_string()),
        ("Name", output::or_dash(user.name.as_ref())),
        ("Mail", output::or_dash(user.email.as_ref())),
        ("Roles", roles(user)),
        ("State", state(user).to_owned()),
        ("Locked until", output::time(user.locked_until)),
        ("Password set", output::time(user.password_set)),
        ("Second factor since", output::time(user.second_factor)),
        ("Last log-in", output::time(user.last_login)),
        ("Created", output::time(Some(user.created))),
        ("Created by", output::or_dash(user.created_by.as_ref())),
    ];
    context.form.fields(user, &fields)
}

pub(super) async fn run_role(context: &Context, command: Role) -> Result<Exit> {
    match command {
        Role::List => {
            let list: wire::RoleList = context.client.get(&["roles"], &[]).await?;
            let rows = list.roles.iter().map(|role| {
                let rights: Vec<&str> = role.rights.iter().map(|right| right.as_str()).collect();
                vec![
                    role.name.to_string(),
                    if role.built_in { "yes" } else { "no" }.to_owned(),
                    output::or_dash(role.comment.as_ref()),
                    match rights.len() {
                        0 => "-".to_owned(),
                        all if all == Right::ALL.len() => "all".to_owned(),
                        _ => rights.join(", "),
                    },
                ]
            });
            let order = [GivesWay::Named(3), GivesWay::Named(2)];
            context
                .form
                .listing(&list, &["ROLE", "BUILT IN", "FOR", "RIGHTS"], &order, rows)?;
        }
        Role::Set {
            name,
            rights,
            comment,
        } => {
            let request = wire::PutRole { rights, comment };
            let made: wire::Role = context.client.put(&["roles", name.as_str()], &request).await?;
            let rights: Vec<&str> = made.rights.iter().map(|right| right.as_str()).collect();
            let fields = [
                ("Role", made.name.to_string()),
                ("For", output::or_dash(made.comment.as_ref())),
                ("Rights", rights.join(", ")),
            ];
            context.form.fields(&made, &fields)?;
        }
        Role::Remove { name, sure } => {
            let object = format!("role {name}");
            return removal::remove(context, sure, &object, &["roles", name.as_str()], "nobody had it").await;
        }
    }
    Ok(Exit::Ok)
}

impl page::Paged for wire::AuditList {
    fn held(&self) -> usize {
        self.entries.len()
    }

    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn total(&self) -> Option<(u64, bool)> {
        None
    }

    fn append(&mut self, page: Self) {
        self.entries.extend(page.entries);
        self.next = page.next;
    }
}

pub(super) async fn run_audit(context: &Context, command: Audit) -> Result<Exit> {
    let Audit::List {
        user,
        object,
        since,
        until,
        paging,
    } = command;
    let mut query = Vec::new();
    query.extend(user.map(|user| ("user", user.to_string())));
    query.extend(object.map(|object| ("object", object)));
    query.extend(since.map(|since| ("since", since)));
    query.extend(until.map(|until| ("until", until)));
    let list: wire::AuditList = page::pages(context, &["audit"], &query, &paging).await?;
    let rows = list.entries.iter().map(|entry| {
        vec![
            output::time(Some(entry.time)),
            entry.user.to_string(),
            output::or_dash(entry.address.as_ref()),
            entry.action.clone(),
            entry.object.clone(),
            changed(entry),
        ]
    });
    let head = ["TIME", "WHO", "FROM", "WHAT", "OBJECT", "CHANGE"];
    let order = [GivesWay::Named(2), GivesWay::Named(5)];
    context.form.listing(&list, &head, &order, rows)?;
    page::tell_more(context, &list);
    Ok(Exit::Ok)
}

/// What differs, as `key: before → after`.
fn changed(entry: &wire::AuditEntry) -> String {
    let empty = serde_json::Map::new();
    let object = |value: &Option<serde_json::Value>| {
        let map = value.as_ref().and_then(serde_json::Value::as_object);
        map.cloned().unwrap_or_else(|| empty.clone())
    };
    let (before, after) = (object(&entry.before), object(&entry.after));
    let mut parts = Vec::new();
    let null = serde_json::Value::Null;
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (was, is) = (before.get(key).unwrap_or(&null), after.get(key).unwrap_or(&null));
        if was != is {
            parts.push(match (entry.before.is_some(), entry.after.is_some()) {
                (true, true) => format!("{key}: {was} → {is}"),
                (true, false) => format!("{key}: {was}"),
                _ => format!("{key}: {is}"),
            });
        }
    }
    match parts.is_empty() {
        true => "-".to_owned(),
        false => parts.join(", "),
    }
}
