//! Events of who may do what, and of who tries to sign in.

use std::net::IpAddr;

use ironcore_types::event::EventData;
use ironcore_types::{EventType, ProjectName, Timestamp, UserId};

use crate::model::{Grant, NewEvent, RoleRow};

fn event(
    event_type: EventType,
    project: Option<ProjectName>,
    subject: String,
    title: String,
    actor: Option<&UserId>,
) -> NewEvent {
    let mut data = EventData::new(project, event_type.default_severity(), title);
    data.actor = actor.cloned();
    NewEvent {
        event_type,
        subject: Some(subject),
        data,
    }
}

fn from(address: Option<IpAddr>) -> String {
    address
        .map(|address| format!(" from {address}"))
        .unwrap_or_default()
}

/// What was typed that is no user's name is not told: it may be a password.
fn of(user: Option<&UserId>) -> (String, String) {
    match user {
        Some(user) => (user.to_string(), format!("user/{user}")),
        None => ("a user that there is not".to_owned(), "user/".to_owned()),
    }
}

/// `auth.login-failed`; none for a name that is no user's.
pub(crate) fn login_failed(user: Option<&UserId>, address: Option<IpAddr>) -> NewEvent {
    let (name, subject) = of(user);
    let title = format!("Log-in as {name}{} failed", from(address));
    event(EventType::AuthLoginFailed, None, subject, title, None)
}

/// `auth.locked-out`; none for a name that is no user's.
pub(crate) fn locked_out(
    user: Option<&UserId>,
    address: Option<IpAddr>,
    failures: i64,
    until: Timestamp,
) -> NewEvent {
    let until = Timestamp::from_seconds(until.as_seconds());
    let (name, subject) = of(user);
    let title = format!(
        "{name} is locked until {until} after {failures} failed log-ins, the last{}",
        from(address)
    );
    event(EventType::AuthLockedOut, None, subject, title, None)
}

/// `config.key-rotated`: a password was replaced.
pub(crate) fn password_changed(user: &UserId, by: &UserId) -> NewEvent {
    let title = match user == by {
        true => format!("{user} has changed the password"),
        false => format!("The password of {user} was changed by {by}"),
    };
    event(
        EventType::ConfigKeyRotated,
        None,
        format!("user/{user}"),
        title,
        Some(by),
    )
}

fn factor(user: &UserId, by: Option<&UserId>, title: String) -> NewEvent {
    let subject = format!("user/{user}");
    event(EventType::ConfigKeyRotated, None, subject, title, by)
}

/// `config.key-rotated`: a second factor is asked for from now on.
pub(crate) fn factor_set(user: &UserId, by: &UserId) -> NewEvent {
    factor(user, Some(by), format!("{user} has set up a second factor"))
}

/// `config.key-rotated`: no second factor is asked for any more.
pub(crate) fn factor_removed(user: &UserId, by: &UserId) -> NewEvent {
    let title = match user == by {
        true => format!("{user} has removed the second factor"),
        false => format!("The second factor of {user} was removed by {by}"),
    };
    factor(user, Some(by), title)
}

/// `config.key-rotated`: a recovery code is used up.
pub(crate) fn recovery_code_used(user: &UserId, left: i64) -> NewEvent {
    let title = format!("{user} has signed in with a recovery code; {left} are left");
    factor(user, Some(user), title)
}

/// `config.role-created`.
pub(crate) fn role_created(role: &RoleRow, by: &UserId) -> NewEvent {
    let rights: Vec<&str> = role.rights.iter().map(|right| right.as_str()).collect();
    let allows = match rights.is_empty() {
        true => "lets one look only".to_owned(),
        false => format!("allows {}", rights.join(", ")),
    };
    let title = format!("Role {} was made by {by}: it {allows}", role.name);
    event(
        EventType::ConfigRoleCreated,
        None,
        format!("role/{}", role.name),
        title,
        Some(by),
    )
}

/// `config.permission-granted`.
pub(crate) fn granted(grant: &Grant) -> NewEvent {
    let Grant {
        user, role, project, ..
    } = grant;
    let place = project.as_ref().map_or_else(
        || "the whole hub".to_owned(),
        |project| format!("project {project}"),
    );
    let by = grant
        .by
        .as_ref()
        .map(|by| format!(" by {by}"))
        .unwrap_or_default();
    let title = format!("{user} was given the role {role} on {place}{by}");
    event(
        EventType::ConfigPermissionGranted,
        project.clone(),
        format!("user/{user}"),
        title,
        grant.by.as_ref(),
    )
}
