//! `[login]`: what is asked of who signs in, and the identity providers where users of other realms do.

use anyhow::Result;
use ironcore_api::{Demand, GroupGrant, OidcProvider};
use ironcore_egress::SecretName;
use ironcore_types::{ProjectName, RoleName};
use serde::{Deserialize, Serialize};

use super::invalid;
use crate::exit::Coded;

/// `[login]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct LoginSettings {
    /// Roles whose users must have a second factor; `*` for all.
    pub(crate) second_factor_for: Vec<String>,
    /// Identity providers.
    pub(crate) oidc: Vec<OidcSettings>,
}

/// `[[login.oidc]]`: an identity provider, by OpenID Connect.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct OidcSettings {
    /// The realm of its users.
    realm: String,
    /// What people know it by; the realm when missing.
    #[serde(default)]
    title: Option<String>,
    /// Its identifier, exactly as it calls itself.
    issuer: String,
    /// By which it knows the hub.
    client_id: String,
    /// The name of the hub's secret that it shares with the hub; none for a public client.
    #[serde(default)]
    client_secret: Option<String>,
    /// What is asked for beside `openid`.
    #[serde(default = "scopes")]
    scopes: Vec<String>,
    /// The claim that is a user's name.
    #[serde(default = "name_claim")]
    name_claim: String,
    /// The claim that lists a user's groups.
    #[serde(default = "groups_claim")]
    groups_claim: String,
    /// Whether users are made when they sign in first.
    #[serde(default)]
    create_users: bool,
    /// Roles that go with groups.
    #[serde(default)]
    grant: Vec<GroupGrantSettings>,
}

/// `[[login.oidc.grant]]`: a role that goes with a group.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct GroupGrantSettings {
    /// The group, as the provider names it.
    group: String,
    /// The role.
    role: RoleName,
    /// In this project; on the whole hub when missing.
    #[serde(default)]
    project: Option<ProjectName>,
}

fn scopes() -> Vec<String> {
    vec!["profile".to_owned(), "email".to_owned()]
}

fn name_claim() -> String {
    "preferred_username".to_owned()
}

fn groups_claim() -> String {
    "groups".to_owned()
}

impl LoginSettings {
    /// Of whom a second factor is demanded.
    pub(crate) fn demand(&self) -> Result<Demand, Coded> {
        let roles = self.second_factor_for.iter().filter(|role| *role != "*");
        let role = |role: &String| {
            let role = role.parse::<RoleName>();
            role.map_err(|error| invalid(format!("login.second-factor-for: {error}; write roles, or *")))
        };
        Ok(Demand {
            all: self.second_factor_for.iter().any(|role| role == "*"),
            roles: roles.map(role).collect::<Result<_, _>>()?,
        })
    }

    /// The identity providers, of a hub that people reach at `hub`.
    pub(crate) fn providers(&self, hub: &str) -> Result<Vec<OidcProvider>, Coded> {
        let all: Vec<OidcProvider> = self
            .oidc
            .iter()
            .map(|one| one.provider(hub))
            .collect::<Result<_, _>>()?;
        for (at, one) in all.iter().enumerate() {
            if all[..at].iter().any(|other| other.realm == one.realm) {
                return Err(invalid(format!(
                    "login.oidc: two providers are of realm {}",
                    one.realm
                )));
            }
        }
        Ok(all)
    }
}

impl OidcSettings {
    fn provider(&self, hub: &str) -> Result<OidcProvider, Coded> {
        let wrong = |why: String| invalid(format!("login.oidc {:?}: {why}", self.realm));
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        if self.realm.is_empty() || !self.realm.chars().all(fits) || self.realm.starts_with(['.', '-']) {
            return Err(wrong("a realm is of a-z, 0-9, '-' and '.'".to_owned()));
        }
        if ["local", "system", "plugin"].contains(&self.realm.as_str()) {
            return Err(wrong("that realm is the hub's own".to_owned()));
        }
        let issuer = url::Url::parse(&self.issuer).map_err(|error| wrong(format!("issuer: {error}")))?;
        let is_near = match issuer.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            _ => false,
        };
        if issuer.scheme() != "https" && !(issuer.scheme() == "http" && is_near) {
            return Err(wrong("issuer: its address begins with https".to_owned()));
        }
        let secret = self.client_secret.as_ref().map(SecretName::new).transpose();
        Ok(OidcProvider {
            realm: self.realm.clone(),
            title: self.title.clone().unwrap_or_else(|| self.realm.clone()),
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: secret.map_err(|error| wrong(format!("client-secret: {error}")))?,
            scopes: self.scopes.clone(),
            name_claim: self.name_claim.clone(),
            groups_claim: self.groups_claim.clone(),
            create_users: self.create_users,
            grants: self
                .grant
                .iter()
                .map(|grant| GroupGrant {
                    group: grant.group.clone(),
                    role: grant.role.clone(),
                    project: grant.project.clone(),
                })
                .collect(),
            hub: hub.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn providers(text: &str) -> Result<Vec<OidcProvider>, Coded> {
        let settings: LoginSettings = toml::from_str(text).expect("settings");
        settings.providers("https://hub.example")
    }

    #[test]
    fn providers_are_known_or_refused() {
        let one = |realm: &str, issuer: &str| {
            format!("[[oidc]]\nrealm = \"{realm}\"\nissuer = \"{issuer}\"\nclient-id = \"hub\"\n")
        };
        let good = one("corp", "https://id.example");
        let all = providers(&format!(
            "{good}client-secret = \"oidc\"\n[[oidc.grant]]\ngroup = \"x\"\nrole = \"admin\"\n"
        ));
        let all = all.expect("valid");
        assert_eq!(
            (all[0].title.as_str(), all[0].name_claim.as_str()),
            ("corp", "preferred_username")
        );
        assert!(!all[0].create_users && all[0].grants.len() == 1);
        assert!(providers(&one("corp", "http://127.0.0.1:9")).is_ok());
        for wrong in [
            one("local", "https://id.example"),
            one("Corp", "https://id.example"),
            one("", "https://id.example"),
            one("corp", "http://id.example"),
            one("corp", "id.example"),
            format!("{good}{good}"),
            format!("{good}client-secret = \"../x\"\n"),
        ] {
            assert!(providers(&wrong).is_err(), "{wrong}");
        }
    }
}
