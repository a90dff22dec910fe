//! Second factors: how one is set up, what is asked of whom, and what a code proves. Codes themselves are `totp`'s.

use data_encoding::BASE32_NOPAD;
use ironcore_ledger::model::{Actor, Credentials, SecondFactor};
use ironcore_types::{RoleName, UserId};
use sha2::{Digest, Sha256};

use crate::error::ApiError;
use crate::state::ApiState;
use crate::totp::Secret;
use crate::wire::ProposedFactor;

/// Codes that stand in for the second factor.
const RECOVERY_CODES: usize = 10;
/// Random bytes of each: too many to try, also for who has the hashes.
const RECOVERY_BYTES: usize = 10;

/// Whose users must have a second factor: those who sign in here with a password and have one of these roles anywhere.
#[derive(Debug, Clone, Default)]
pub struct Demand {
    /// All users.
    pub all: bool,
    /// Users with one of these roles.
    pub roles: Vec<RoleName>,
}

impl Demand {
    /// Whether a user with these roles must have one.
    pub(crate) fn of<'r>(&self, mut roles: impl Iterator<Item = &'r RoleName>) -> bool {
        roles.any(|role| self.all || self.roles.contains(role))
    }
}

/// What somebody has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The code of this time step.
    Step(i64),
    /// What may be the recovery code with this SHA-256; the ledger knows.
    Recovery([u8; 32]),
}

fn purpose(user: &UserId) -> String {
    format!("second-factor/{user}")
}

fn sealed(error: ironcore_types::event::ErrorData) -> ApiError {
    tracing::error!(code = %error.code, error = %error.message, "a second factor cannot be sealed or opened");
    ApiError::Internal("a second factor cannot be sealed or opened")
}

/// Whether the user has a role that demands a second factor.
pub(crate) async fn is_demanded(state: &ApiState, user: &UserId) -> Result<bool, ApiError> {
    let user = state.ledger().user(user).await?;
    let grants = user.map(|user| user.grants).unwrap_or_default();
    Ok(state.demand().of(grants.iter().map(|grant| &grant.role)))
}

/// Makes a second factor, which is not asked for before a code of it was shown.
pub(crate) async fn propose(state: &ApiState, by: &Actor, user: &UserId) -> Result<ProposedFactor, ApiError> {
    let secret = Secret::new()?;
    let kept = state.secrets().seal_for(&purpose(user), secret.bytes());
    state
        .ledger()
        .propose_factor(by, user, kept.map_err(sealed)?)
        .await?;
    let issuer = format!("Ironcore Backup {}", state.hub().name);
    Ok(ProposedFactor {
        url: secret.url(&issuer, user),
        secret: secret.text(),
    })
}

/// The period whose code this is, if it is one of the user's own and good now.
pub(crate) fn step(
    state: &ApiState,
    user: &UserId,
    factor: &SecondFactor,
    code: &str,
) -> Result<Option<i64>, ApiError> {
    let opened = state.secrets().open_for(&purpose(user), &factor.sealed);
    let secret = opened.map_err(sealed)?.map(Secret::of).ok_or(ApiError::Internal(
        "a second factor does not open with this hub's key",
    ))?;
    let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    Ok(secret.step(&code, state.seams().now(), factor.last_step))
}

/// What a code proves, as far as can be said without using it up.
pub(crate) fn proof(
    state: &ApiState,
    user: &UserId,
    known: &Credentials,
    code: &str,
) -> Result<Option<Proof>, ApiError> {
    let Some(factor) = &known.second_factor else {
        return Ok(None);
    };
    if let Some(step) = step(state, user, factor, code)? {
        return Ok(Some(Proof::Step(step)));
    }
    let plain = plain(code);
    let is_long = plain.len() == BASE32_NOPAD.encode_len(RECOVERY_BYTES);
    Ok((factor.confirmed && is_long).then(|| Proof::Recovery(hash(&plain))))
}

/// The user has shown the code of `step`: the second factor counts from now on. The codes that stand in for it.
pub(crate) async fn confirm(
    state: &ApiState,
    by: &Actor,
    user: &UserId,
    step: i64,
) -> Result<Vec<String>, ApiError> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let mut bytes = [0; RECOVERY_BYTES];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| ApiError::Internal("the machine gave no random bytes"))?;
        codes.push(BASE32_NOPAD.encode(&bytes).to_lowercase());
    }
    let hashes = codes.iter().map(|code| hash(code)).collect();
    state.ledger().confirm_factor(by, user, step, hashes).await?;
    Ok(codes.iter().map(|code| in_groups(code)).collect())
}

fn hash(code: &str) -> [u8; 32] {
    Sha256::digest(code.as_bytes()).into()
}

/// As it was made: what people add when they copy it is left out.
fn plain(code: &str) -> String {
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// `abcd-efgh-…`
fn in_groups(code: &str) -> String {
    let mut text = String::new();
    for (at, letter) in code.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push('-');
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_codes_are_read_as_people_copy_them() {
        let code = BASE32_NOPAD.encode(&[7; RECOVERY_BYTES]).to_lowercase();
        let shown = in_groups(&code);
        assert_eq!(shown.len(), 19);
        for typed in [
            shown.clone(),
            shown.to_uppercase(),
            format!(" {}\n", shown.replace('-', " ")),
        ] {
            assert_eq!(plain(&typed), code, "{typed:?}");
        }
    }

    #[test]
    fn a_demand_is_of_roles_or_of_all_who_may_do_something() {
        let role = |name: &str| -> RoleName { name.parse().expect("a role") };
        let has = [role("member"), role("admin")];
        let demand = |all, roles: &[&str]| Demand {
            all,
            roles: roles.iter().map(|name| role(name)).collect(),
        };
        assert!(!demand(false, &[]).of(has.iter()));
        assert!(demand(false, &["admin"]).of(has.iter()));
        assert!(!demand(false, &["operator"]).of(has.iter()));
        assert!(demand(true, &[]).of(has.iter()) && !demand(true, &[]).of([].iter()));
    }
}
