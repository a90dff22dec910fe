//! Second factors.

use ironcore_types::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The password was right; a code of the second factor is wanted too.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SecondFactorWanted {
    /// To be sent with the code, to `/api/v1/login/second-factor`; good for nothing else.
    pub step: String,
    /// Until when.
    pub expires: Timestamp,
    /// Whether the user has none yet, and must set one up first: with this step, at `/api/v1/login/second-factor/new`.
    pub set_up: bool,
}

/// Goes on to set up a second factor that is demanded.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepOnly {
    /// What the password was answered with.
    pub step: String,
}

/// Goes on to sign in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepCode {
    /// What the password was answered with.
    pub step: String,
    /// Six digits of the authenticator, or a recovery code.
    pub code: String,
}

/// One's own password, once more.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnPassword {
    /// The password.
    pub password: String,
}

/// A second factor that counts once a code of it was shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ProposedFactor {
    /// For who types it into an authenticator: base32.
    pub secret: String,
    /// The same for who scans it: `otpauth://totp/…`.
    pub url: String,
}

/// The first code of a second factor.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstCode {
    /// Six digits.
    pub code: String,
}

/// What stands in for the second factor, shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct RecoveryCodes {
    /// Each is good once.
    pub recovery_codes: Vec<String>,
}

/// What takes one's own second factor away.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveFactor {
    /// The password.
    pub password: String,
    /// Six digits of the authenticator, or a recovery code.
    pub code: String,
}

/// One's own second factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FactorState {
    /// Since when it is asked for; null when there is none.
    pub since: Option<Timestamp>,
    /// How many recovery codes are left.
    pub recovery_codes: u32,
    /// Whether a role demands one.
    pub demanded: bool,
}

super::quiet!(
    SecondFactorWanted,
    StepOnly,
    StepCode,
    OwnPassword,
    ProposedFactor,
    FirstCode,
    RecoveryCodes,
    RemoveFactor
);
